"""A condition on a thing, with its readings.

In: readings, parts. Out: :class:`Condition`, a tree.
The decision hidden here: how much of a condition is met.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pyoxigraph as ox

from valueweave.reasoning.assessment.assumption import Objection
from valueweave.reasoning.assessment.completeness import Declaration
from valueweave.reasoning.assessment.definitions import Definitions
from valueweave.reasoning.assessment.readings import Closed, Open
from valueweave.reasoning.rules.expressions import And, Cardinality, ClassName, Expression, Or, Some
from valueweave.reasoning.rules.model import Term

__all__ = ["Condition", "sized"]


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on a thing, in both readings.

    Attributes:
        member: the thing.
        expression: the condition.
        open: the open-world reading.
        closed: the closed-world reading.
        parts: conditions on the same thing that it consists of; of a defined class its definitions, of a class without
            one what is said of its members.
        values: for a condition on values, the condition on each value there is, the nearest first.
        known: the statements that entail it, as far as they are about the thing itself.
        against: why it is contradicted, where a check says so.
        complete: declarations by which the values are all there are.
        simple: of how many simple conditions it consists.
        met: how many of them are met in the closed-world reading.
        necessary: whether the parts must hold but are not enough.
        names: whether it takes different names to denote different things.
    """

    member: Term
    expression: Expression
    open: Open
    closed: Closed
    parts: tuple[Condition, ...] = ()
    values: tuple[Condition, ...] = ()
    known: tuple[ox.Triple, ...] = ()
    against: Objection | None = None
    complete: tuple[Declaration, ...] = ()
    simple: int = 1
    met: int = 0
    necessary: bool = False
    names: bool = False

    @property
    def share(self) -> float:
        """The share of its simple conditions that are met."""
        return self.met / self.simple


def sized(found: Condition, definitions: Definitions) -> Condition:
    """Return a condition with the number of simple conditions it consists of, and how many of them are met.

    Of alternatives and of definitions that with the largest share counts, of values the nearest ones.
    """
    simple = part = 0
    match found.expression:
        case And() if found.parts:
            simple, part = sum(one.simple for one in found.parts), sum(one.met for one in found.parts)
        case ClassName() | Or() if found.parts and not found.necessary:
            best = max(found.parts, key=lambda one: one.share)
            simple, part = best.simple, best.met
        case Some() | Cardinality("min"):
            number = found.expression.number if isinstance(found.expression, Cardinality) else 1
            each = definitions.size(found.expression.filler)
            simple = max(1, number) * each
            nearest = sorted((one.share for one in found.values), reverse=True)[:number]
            part = round(sum(share * each for share in nearest))
        case _:
            simple = 1
    met = simple if found.closed == "met" else min(part, simple)
    return replace(found, simple=simple, met=met)
