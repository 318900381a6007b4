"""Class expressions unfolded into the conditions and the conclusions of rules.

In: class expressions, and what is to be in them. Out: alternatives of conditions, conclusions; a refusal where rules
cannot say it.
The decision hidden here: what an expression comes to on either side of a rule. On the left a union is a choice of
bodies and a number is a count; on the right a complement or a maximum is a contradiction, and what only says that there
is something concludes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import TypeAlias

import pyoxigraph as ox

from valueweave.namespaces import PREFIXES
from valueweave.reasoning.rules.expressions import (
    And,
    Cardinality,
    ClassName,
    Expression,
    Facets,
    HasSelf,
    HasValue,
    Not,
    OneOf,
    Only,
    Or,
    Property,
    Some,
)
from valueweave.reasoning.rules.model import NOTHING, TYPE, Atom, Body, Call, Count, Slot, Var

__all__ = ["Drawn", "NotARuleError", "Unfolding", "alternatives", "joins"]

Drawn: TypeAlias = tuple[Atom, Body]
"""A conclusion, and the conditions from which it is drawn."""

_XSD = PREFIXES["xsd"]
_TOP = frozenset({PREFIXES["owl"] + "Thing", PREFIXES["rdfs"] + "Resource", PREFIXES["rdfs"] + "Literal"})
_COMPARISONS = {"minInclusive": ">=", "maxInclusive": "<=", "minExclusive": ">", "maxExclusive": "<"}


class NotARuleError(Exception):
    """An expression that cannot stand on this side of a rule, or an axiom that no rule carries.

    Args:
        why: what stands in the way.
        carrier: what sees to it instead, as :class:`~valueweave.reasoning.rules.compiler.Uncovered` names it.
    """

    def __init__(self, why: str, carrier: str = "dl") -> None:
        super().__init__(why)
        self.carrier = carrier


def alternatives(member: Slot, expression: Expression) -> list[Body]:
    """Return the conditions of which one must hold for ``member`` to be in ``expression``.

    There are none where rules cannot say it.

    >>> [str(body.atoms[0]) for body in alternatives(Var("x"), HasValue(Property("urn:p"), ox.NamedNode("urn:v")))]
    ['?x <urn:p> <urn:v>']
    """
    try:
        return list(Unfolding().conditions(member, expression))
    except NotARuleError:
        return []


def joins(joined: Property, subject: Slot, value: Slot) -> Atom:
    """Return the statement pattern that a property, or the inverse of one, joins two things.

    >>> print(joins(Property("urn:p", inverse=True), Var("x"), Var("y")))
    ?y <urn:p> ?x
    """
    if joined.inverse:
        subject, value = value, subject
    return Atom(subject, ox.NamedNode(joined.iri), value)


class Unfolding:
    """Unfolds expressions; every variable that it makes up has a name of its own."""

    def __init__(self) -> None:
        self._made = 0

    def _variable(self) -> Var:
        self._made += 1
        return Var(f"v{self._made}")

    def conditions(self, member: Slot, expression: Expression) -> Iterator[Body]:  # noqa: PLR0912
        """Yield the alternatives of which one must hold for ``member`` to be in ``expression``.

        Raises:
            NotARuleError: when no conditions can say it.
        """
        match expression:
            case ClassName(iri) if iri in _TOP:
                yield Body()
            case ClassName(iri) if iri.startswith(_XSD):
                yield Body(tests=(Call("=", (Call("DATATYPE", (member,)), ox.NamedNode(iri))),))
            case ClassName(iri):
                yield Body((Atom(member, TYPE, ox.NamedNode(iri)),))
            case And(parts):
                for bodies in product(*(list(self.conditions(member, part)) for part in parts)):
                    yield sum(bodies, Body())
            case Or(parts):
                for part in parts:
                    yield from self.conditions(member, part)
            case Some(joined, OneOf(members)):
                for one in members:
                    yield Body((joins(joined, member, one),))
            case Some(joined, filler):
                value = self._variable()
                for body in self.conditions(value, filler):
                    yield Body((joins(joined, member, value),)) + body
            case HasValue(joined, value):
                yield Body((joins(joined, member, value),))
            case HasSelf(joined):
                yield Body((joins(joined, member, member),))
            case Cardinality("min", 0, _, _):
                yield Body()
            case Cardinality("min", 1, joined, filler):
                yield from self.conditions(member, Some(joined, filler))
            case Cardinality("min", number, joined, filler):
                value = self._variable()
                edge = Body((joins(joined, member, value),))
                ways = tuple(edge + body for body in self.conditions(value, filler))
                yield Body(counts=(Count(_group(member), value, number, ways),))
            case OneOf(members):
                for one in members:
                    yield Body(tests=(Call("=", (member, one)),))
            case Facets(datatype, facets):
                # Facets bound the values of their datatype only; integers are decimals, too.
                kinds = [datatype, _XSD + "integer"] if datatype == _XSD + "decimal" else [datatype]
                typed = Call("=", (Call("DATATYPE", (member,)), ox.NamedNode(kinds[0])))
                for kind in kinds[1:]:
                    typed = Call("||", (typed, Call("=", (Call("DATATYPE", (member,)), ox.NamedNode(kind)))))
                bounds = tuple(self._bound(member, name, value) for name, value in facets)
                yield Body(tests=(typed, *bounds))
            case Not() | Only() | Cardinality():
                raise NotARuleError(
                    "that something is not so, or is so of nothing else, never follows from what is told"
                )
            case _:
                raise NotARuleError("the expression is not read")

    @staticmethod
    def _bound(member: Slot, facet: str, value: ox.Literal) -> Call:
        if facet not in _COMPARISONS:
            raise NotARuleError(f"rules do not compare by {facet}")
        return Call(_COMPARISONS[facet], (member, value))

    def conclusions(self, member: Slot, expression: Expression, body: Body) -> Iterator[Drawn]:  # noqa: PLR0912
        """Yield what follows when ``member`` is in ``expression`` wherever ``body`` holds.

        Raises:
            NotARuleError: when rules cannot conclude it.
        """
        match expression:
            case ClassName(iri) if iri in _TOP:
                return
            case ClassName(iri):
                yield Atom(member, TYPE, ox.NamedNode(iri)), body
            case And(parts):
                for part in parts:
                    yield from self.conclusions(member, part, body)
            case HasValue(joined, value):
                yield joins(joined, member, value), body
            case HasSelf(joined):
                yield joins(joined, member, member), body
            case Only(joined, filler):
                other_end = self._variable()
                yield from self.conclusions(other_end, filler, body + Body((joins(joined, member, other_end),)))
            case Not(part):
                for other in self.conditions(member, part):
                    yield Atom(member, TYPE, NOTHING), body + other
            case Cardinality("max", 0, joined, filler):
                for other in self.conditions(member, Some(joined, filler)):
                    yield Atom(member, TYPE, NOTHING), body + other
            case Cardinality("max", number, joined, filler):
                counted = self._variable()
                edge = Body((joins(joined, member, counted),))
                ways = tuple(edge + other for other in self.conditions(counted, filler))
                too_many = Body(counts=(Count(_group(member), counted, number + 1, ways),))
                yield Atom(member, TYPE, NOTHING), body + too_many
            case Some() | Cardinality():
                raise NotARuleError("it says that there is something, without saying what")
            case Or() | OneOf():
                raise NotARuleError("it says that one of several is the case, without saying which")
            case _:
                raise NotARuleError("the expression is not read")


def _group(member: Slot) -> tuple[Var, ...]:
    return (member,) if isinstance(member, Var) else ()
