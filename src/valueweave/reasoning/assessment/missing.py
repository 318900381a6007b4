"""What would meet a condition, and who meets it already.

In: assessed conditions. Out: statement patterns that are missing, things that have them.
The decision hidden here: the fewest statements win, over the values there are and over a new one; what is denied by
what is stated is no way; nothing is ever proposed to be taken away.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import count, islice

import pyoxigraph as ox

from valueweave.layout import DERIVATIONS, INFERRED_GRAPH, ONTOLOGY_GRAPH
from valueweave.namespaces import SCE
from valueweave.reasoning.assessment.assumption import Assumptions
from valueweave.reasoning.assessment.condition import Condition
from valueweave.reasoning.assessment.definitions import TOP, Definitions, is_datatype
from valueweave.reasoning.rules.conditions import where
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
from valueweave.reasoning.rules.model import TYPE, Atom, Body, Call, Slot, Term, Var
from valueweave.reasoning.rules.unfolding import alternatives

__all__ = ["Missing", "examples"]

_WAYS = 3
_COMPARISONS = {"minInclusive": ">=", "maxInclusive": "<=", "minExclusive": ">", "maxExclusive": "<"}
_DECLARATION = ox.NamedNode(SCE + "CompletenessDeclaration")
_CONCERNS, _COMPLETE = ox.NamedNode(SCE + "concerns"), ox.NamedNode(SCE + "completeProperty")


class Missing:
    """Finds what is missing; a new one for each question, so that variables are numbered from 1.

    Args:
        definitions: what the axioms say.
        assumptions: what tells which of the missing statements would follow from the others.
    """

    def __init__(self, definitions: Definitions, assumptions: Assumptions) -> None:
        self._definitions = definitions
        self._assumptions = assumptions
        self._numbers = count(1)

    def smallest(self, condition: Condition) -> list[Body]:
        """Return :meth:`ways` without the statements that would follow from others of the same way."""
        return self._best(self._without_consequences(way) for way in self.ways(condition))

    def _without_consequences(self, way: Body) -> Body:
        kept = list(way.atoms)
        for atom in way.atoms:
            others = [one for one in kept if one != atom]
            if atom.predicate == TYPE and atom in self._assumptions.consequences(others):
                kept = others
        return replace(way, atoms=tuple(kept))

    def ways(self, condition: Condition) -> list[Body]:
        """Return the smallest sets of statements that would meet a condition, at most three, the smallest first.

        None when nothing can be added; an empty one when it is met already.
        """
        if condition.closed == "met":
            return [Body()]
        if condition.open == "contradicted":
            return []
        return self._best(self._ways(condition))

    def _ways(self, found: Condition) -> Iterable[Body]:
        member = found.member
        match found.expression:
            case And() | Cardinality("exactly"):
                return self._together([self.ways(part) for part in found.parts])
            case Or():
                return [way for part in found.parts for way in self.ways(part)]
            case ClassName() if found.parts and not found.necessary:
                return [way for part in found.parts for way in self.ways(part)]
            case Some(joined, filler):
                return self._values(found, joined, filler, 1)
            case Cardinality("min", number, joined, filler):
                return self._values(found, joined, filler, number)
            case Only(joined, _) | Cardinality("max", _, joined, _) if not found.complete:
                # Nothing can be added to the thing; that there is no more can be declared.
                return [self._declared(member, joined)] if not _exceeded(found) else []
            case Not(part):
                return self._denied(member, part)
            case _:
                return self.described(member, found.expression)

    def _values(self, found: Condition, joined: Property, filler: Expression, number: int) -> Iterator[Body]:
        wanted = number - sum(one.open == "entailed" for one in found.values)
        known = [(one.member, way) for one in found.values if one.open != "entailed" for way in self.ways(one)]
        # Of equally small ways one that says something of the value itself goes before one that says it of others.
        known.sort(key=lambda pair: (_size(pair[1]), _elsewhere(pair[1], pair[0])))
        if wanted == 1:
            yield from (way for _, way in known)
            yield from self._new(found.member, joined, filler)
            return
        new = [one for _ in range(wanted) if (one := next(iter(self._new(found.member, joined, filler)), None))]
        each = {str(value): way for value, way in reversed(known)}
        chosen = sorted([*each.values(), *new], key=_size)[:wanted]
        if len(chosen) == wanted:
            yield sum(chosen, Body())

    def _new(self, member: Slot, joined: Property, filler: Expression) -> Iterator[Body]:
        if isinstance(filler, OneOf):
            for value in filler.members:
                yield Body((_joins(joined, member, value),))
            return
        new = Var(f"value{next(self._numbers)}")
        for rest in self.described(new, filler):
            yield Body((_joins(joined, member, new),)) + rest

    def described(self, member: Slot, expression: Expression, inside: frozenset[str] = frozenset()) -> list[Body]:  # noqa: PLR0912
        """Return what would have to be stated of a thing of which nothing is known."""
        match expression:
            case ClassName(iri) if iri in TOP:
                return [Body()]
            case ClassName(iri) if is_datatype(iri):
                return [Body(tests=(Call("=", (Call("DATATYPE", (member,)), ox.NamedNode(iri))),))]
            case ClassName(iri) if iri not in inside and self._definitions.of(iri):
                found = [
                    way for one in self._definitions.of(iri) for way in self.described(member, one, inside | {iri})
                ]
            case ClassName(iri):
                found = [Body((Atom(member, TYPE, ox.NamedNode(iri)),))]
            case And(parts):
                found = list(self._together([self.described(member, part, inside) for part in parts]))
            case Or(parts):
                found = [way for part in parts for way in self.described(member, part, inside)]
            case Some(joined, filler) | Cardinality("min" | "exactly", 1, joined, filler):
                value = Var(f"value{next(self._numbers)}")
                link = Body((_joins(joined, member, value),))
                found = [link + way for way in self.described(value, filler, inside)]
            case Cardinality("min" | "exactly", number, joined, filler):
                found = list(
                    self._together([self.described(member, Some(joined, filler), inside) for _ in range(number)])
                )
            case HasValue(joined, value):
                found = [Body((_joins(joined, member, value),))]
            case HasSelf(joined):
                found = [Body((_joins(joined, member, member),))]
            case Facets(_, facets) if isinstance(member, Var):
                known = [(name, value) for name, value in facets if name in _COMPARISONS]
                found = [Body(tests=tuple(Call(_COMPARISONS[name], (member, value)) for name, value in known))]
            case OneOf(members) if isinstance(member, Var):
                found = [Body(tests=(Call("=", (member, value)),)) for value in members]
            case Only() | Cardinality() | Not():
                found = [Body()]
            case _:
                found = []
        return self._best(found)

    # -- what must not be so

    def _declared(self, thing: Term, joined: Property) -> Body:
        declaration = Var(f"declaration{next(self._numbers)}")
        return Body(
            (
                Atom(declaration, TYPE, _DECLARATION),
                Atom(declaration, _CONCERNS, thing),
                Atom(declaration, _COMPLETE, ox.NamedNode(joined.iri)),
            )
        )

    def _denied(self, member: Term, part: Expression) -> list[Body]:
        """Return the declaration by which something would not be so, where one property decides."""
        match part:
            case Some(joined) | HasValue(joined) | HasSelf(joined) | Cardinality("min", _, joined):
                return [self._declared(member, joined)]
            case ClassName(iri) if not self._definitions.of(iri):
                return [self._declared(member, Property(TYPE.value))]
            case _:
                return []

    # -- sets of statements

    @staticmethod
    def _together(parts: list[list[Body]]) -> Iterator[Body]:
        """Yield the best of each part together, and each second best with the best of the others."""
        if not all(parts):
            return
        yield sum((ways[0] for ways in parts), Body())
        for place, ways in enumerate(parts):
            for other in ways[1:]:
                yield sum((other if number == place else one[0] for number, one in enumerate(parts)), Body())

    @staticmethod
    def _best(found: Iterable[Body]) -> list[Body]:
        return sorted(dict.fromkeys(found), key=_size)[:_WAYS]


def _size(body: Body) -> int:
    return len(body.atoms) + len(body.tests)


def _elsewhere(body: Body, value: Term) -> int:
    return sum(value not in (atom.subject, atom.object) for atom in body.atoms)


def _joins(joined: Property, subject: Slot, value: Slot) -> Atom:
    if joined.inverse:
        subject, value = value, subject
    return Atom(subject, ox.NamedNode(joined.iri), value)


def _exceeded(found: Condition) -> bool:
    return found.closed == "not met" or found.open == "contradicted"


def examples(
    engine: ox.Store, expression: Expression, leave_out: Term, limit: int = 5
) -> list[tuple[str, tuple[str, ...]]]:
    """Return things that are entailed to meet a condition, with the graphs that speak of them, by IRI.

    Args:
        engine: the store's engine.
        expression: the condition; where no query can ask for it, nothing is found.
        leave_out: the thing that is assessed.
        limit: how many at most.
    """
    member = Var("member")
    bodies = [body for body in alternatives(member, expression) if body.atoms or body.counts]
    if not bodies:
        return []
    union = " UNION ".join(f"{{ {where(body, {})} }}" for body in bodies)
    other = f"FILTER({member} != {leave_out} && isIRI({member}))"
    answer = engine.query(f"SELECT DISTINCT {member} WHERE {{ {union} {other} }} ORDER BY {member} LIMIT {limit}")
    assert isinstance(answer, ox.QuerySolutions)
    things = [row[0] for row in answer]
    return [(thing.value, tuple(_graphs(engine, thing))) for thing in things if isinstance(thing, ox.NamedNode)]


def _graphs(engine: ox.Store, thing: ox.NamedNode) -> list[str]:
    names = {
        quad.graph_name.value
        for quad in islice(engine.quads_for_pattern(thing, None, None, None), 1000)
        if isinstance(quad.graph_name, ox.NamedNode)
    }
    return sorted(
        name for name in names if name not in {INFERRED_GRAPH, ONTOLOGY_GRAPH} and not name.startswith(DERIVATIONS)
    )
