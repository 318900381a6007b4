"""Whether a thing meets the conditions of a class, and if not, which ones.

In: a store with its closure, the rules it was built with, a thing and a class. Out: a tree of conditions
(:class:`~valueweave.reasoning.assessment.condition.Condition`).
The decision hidden here: the two readings of a condition. By what is stated (open world) it is entailed, contradicted
or open. By what the accounts declare complete (closed world) it is met, not met or unknown: what is missing is denied
only where an account says that it gives all there is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pyoxigraph as ox

from valueweave.reasoning.assessment.assumption import Assumptions, Objection
from valueweave.reasoning.assessment.completeness import Completeness
from valueweave.reasoning.assessment.condition import Condition, sized
from valueweave.reasoning.assessment.definitions import TOP, Definitions, is_datatype
from valueweave.reasoning.assessment.facets import in_datatype, within
from valueweave.reasoning.assessment.readings import Closed, Open, all_of, any_of, at_least, at_most, negated
from valueweave.reasoning.rules.book import RuleBook
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
from valueweave.reasoning.rules.model import TYPE, Term

__all__ = ["Assessor", "Ground"]

_KINDS = Property(TYPE.value)
_MOST_VALUES = 500
"""Of a thing with more values of one property only so many are looked at, members of the wanted class first."""


class Ground:
    """What assessments of one store rest on.

    Args:
        engine: the store's engine; its default graph holds the closure.
        book: the rules the store was built with.
    """

    def __init__(self, engine: ox.Store, book: RuleBook) -> None:
        self.engine, self.book = engine, book
        self.definitions = Definitions(book.compiled.axioms)
        self.completeness = Completeness(engine, self.definitions)
        self.assumptions = Assumptions(engine, book)


class Assessor:
    """Assesses things; for one thread, and for as long as the store is as it is.

    Args:
        ground: what the store and its rules say, made once for many.
    """

    def __init__(self, ground: Ground) -> None:
        self.engine = ground.engine
        self.definitions, self.completeness = ground.definitions, ground.completeness
        self._assumptions = ground.assumptions
        self._known: dict[tuple[Term, Expression], Condition] = {}
        self._cuts = 0

    def assess(self, member: Term, expression: Expression, inside: frozenset[object] = frozenset()) -> Condition:
        """Return how ``member`` stands to ``expression``.

        Args:
            member: a thing or a value.
            expression: a class or condition.
            inside: classes being unfolded for their members; a definition that comes back to itself stops there.
        """
        key = (member, expression)
        if key in self._known:
            return self._known[key]
        cuts = self._cuts
        found = self._finished(self._assess(member, expression, inside))
        if self._cuts == cuts:
            # What was cut short inside a circular definition is no answer for others.
            self._known[key] = found
        return found

    def _assess(self, member: Term, expression: Expression, inside: frozenset[object]) -> Condition:  # noqa: PLR0912
        match expression:
            case ClassName(iri) if iri in TOP:
                return Condition(member, expression, "entailed", "met")
            case ClassName(iri) if is_datatype(iri):
                return self._decided(member, expression, yes=in_datatype(member, iri))
            case ClassName(iri):
                return self._class(member, expression, iri, inside)
            case And(parts) | Or(parts):
                joined = all_of if isinstance(expression, And) else any_of
                found = tuple(self.assess(member, part, inside) for part in parts)
                return Condition(member, expression, *joined(found), parts=found)
            case Not(part):
                inner = self.assess(member, part, inside)
                return Condition(member, expression, *negated(inner), parts=(inner,), complete=inner.complete)
            case OneOf(members):
                return replace(self._decided(member, expression, yes=member in members), names=member not in members)
            case Facets():
                return self._decided(member, expression, yes=within(member, expression))
            case HasValue(joined, value):
                return self._link(member, expression, joined, value)
            case HasSelf(joined):
                return self._link(member, expression, joined, member)
            case Some(joined, filler):
                return self._at_least(member, expression, joined, filler, 1, inside)
            case Cardinality("min", number, joined, filler):
                return self._at_least(member, expression, joined, filler, number, inside)
            case Only(joined, filler):
                return self._only(member, expression, joined, filler, inside)
            case Cardinality("max", number, joined, filler):
                return self._at_most(member, expression, joined, filler, number, inside)
            case Cardinality("exactly", number, joined, filler):
                bounds = (Cardinality("min", number, joined, filler), Cardinality("max", number, joined, filler))
                found = tuple(self.assess(member, bound, inside) for bound in bounds)
                return Condition(member, expression, *all_of(found), parts=found)
            case _:
                return Condition(member, expression, "open", "unknown")

    @staticmethod
    def _decided(member: Term, expression: Expression, *, yes: bool) -> Condition:
        return Condition(member, expression, "entailed" if yes else "contradicted", "met" if yes else "not met")

    # -- classes

    def _class(self, member: Term, expression: Expression, iri: str, inside: frozenset[object]) -> Condition:
        meanings, above = self.definitions.of(iri), self.definitions.above(iri)
        here = (member, iri)
        unfolded: tuple[Condition, ...] = ()
        if isinstance(member, ox.Literal):
            return self._decided(member, expression, yes=False)
        if here in inside:
            self._cuts += 1
        else:
            # A definition says everything; else what is said of the members is necessary, though not enough.
            unfolded = tuple(self.assess(member, one, inside | {here}) for one in meanings or above)
        readings: tuple[Open, Closed]
        if meanings and unfolded:
            # Each definition is enough, and each is necessary.
            enough, necessary = any_of(unfolded), all_of(unfolded)
            readings = (
                "entailed" if enough[0] == "entailed" else "contradicted" if _denied(unfolded) else "open",
                enough[1] if enough[1] == "met" else necessary[1],
            )
        else:
            readings = ("contradicted", "not met") if _denied(unfolded) else ("open", "unknown")
            if readings[1] == "unknown" and any(one.closed == "not met" for one in unfolded):
                readings = (readings[0], "not met")
        complete = () if meanings else self.completeness.of(member, _KINDS)
        if complete and readings == ("open", "unknown"):
            readings = ("open", "not met")
        return Condition(
            member, expression, *readings, parts=unfolded, complete=complete, necessary=not meanings and bool(unfolded)
        )

    # -- values

    def values_of(self, member: Term, joined: Property) -> list[Term]:
        """Return the values of a property of a thing that have a name, sorted."""
        link = ox.NamedNode(joined.iri)
        if joined.inverse:
            quads = self.engine.quads_for_pattern(None, link, member, ox.DefaultGraph())
            return sorted((quad.subject for quad in quads if isinstance(quad.subject, ox.NamedNode)), key=str)
        if isinstance(member, ox.Literal):
            return []
        found = [quad.object for quad in self.engine.quads_for_pattern(member, link, None, ox.DefaultGraph())]
        return sorted((one for one in found if isinstance(one, ox.NamedNode | ox.Literal)), key=str)

    def _conditions(
        self, member: Term, joined: Property, filler: Expression, inside: frozenset[object]
    ) -> tuple[tuple[Condition, ...], bool]:
        """Return the condition on each value, the nearest first, and whether all of the values were looked at."""
        values = self.values_of(member, joined)
        if isinstance(filler, ClassName) and len(values) > _MOST_VALUES:
            values.sort(key=lambda value: not self._is_stated(value, filler.iri))
        found = [self.assess(value, filler, inside) for value in values[:_MOST_VALUES]]
        found.sort(key=lambda one: (one.open != "entailed", one.open == "contradicted", -one.share))
        return tuple(found), len(values) <= _MOST_VALUES

    def _at_least(
        self, member: Term, expression: Expression, joined: Property, filler: Expression, number: int,
        inside: frozenset[object],
    ) -> Condition:  # fmt: skip
        values, seen_all = self._conditions(member, joined, filler, inside)
        complete = self.completeness.of(member, joined)
        reading = at_least(number, values, complete=bool(complete) and seen_all)
        against: Objection | None = None
        if reading[0] == "open" and number:
            against = self._assumptions.world(member, expression).objection
            if against is None and len(values) >= number and all(one.open == "contradicted" for one in values):
                # Whatever met it would be one of the values known, and these do not.
                unlike = [one.member for one in values]
                against = self._assumptions.world(member, expression, unlike=unlike).objection
            if against is not None:
                reading = ("contradicted", "not met")
        met = tuple(self._joined(joined, member, one.member) for one in values if one.open == "entailed")
        known = met[: max(number, 1)] if reading[0] == "entailed" else ()
        return Condition(
            member, expression, *reading, values=values, known=known,
            against=against, complete=complete, names=number > 1,
        )  # fmt: skip

    def _at_most(
        self, member: Term, expression: Expression, joined: Property, filler: Expression, number: int,
        inside: frozenset[object],
    ) -> Condition:  # fmt: skip
        values, seen_all = self._conditions(member, joined, filler, inside)
        complete = self.completeness.of(member, joined)
        reading = at_most(number, values, complete=bool(complete) and seen_all)
        against: Objection | None = None
        if reading[0] == "open":
            # So many more would be a contradiction: then there are never so many.
            against = self._assumptions.world(member, Cardinality("min", number + 1, joined, filler)).objection
            if against is not None:
                reading = ("entailed", "met")
        return Condition(
            member, expression, *reading, values=values, against=against, complete=complete, names=number > 0
        )

    def _only(
        self, member: Term, expression: Expression, joined: Property, filler: Expression, inside: frozenset[object]
    ) -> Condition:
        values, seen_all = self._conditions(member, joined, filler, inside)
        complete = self.completeness.of(member, joined)
        reading = all_of(values)
        if reading[0] == "entailed":
            # Those that are known are; is any other one, too?
            other = self._assumptions.world(
                member, Some(joined, ClassName(next(iter(TOP)))), unlike=[one.member for one in values]
            )
            every = other.objection is not None or other.holds(other.news[0], filler)
            reading = ("entailed" if every else "open", "met" if every or (complete and seen_all) else "unknown")
        elif reading[1] == "met":
            reading = (reading[0], "met" if complete and seen_all else "unknown")
        return Condition(member, expression, *reading, values=values, complete=complete)

    def _link(self, member: Term, expression: Expression, joined: Property, value: Term) -> Condition:
        triple = self._joined(joined, member, value)
        if self._holds(triple):
            return Condition(member, expression, "entailed", "met", known=(triple,))
        against = self._assumptions.world(member, HasValue(joined, value)).objection
        complete = self.completeness.of(member, joined)
        if against is not None:
            return Condition(member, expression, "contradicted", "not met", against=against, complete=complete)
        return Condition(member, expression, "open", "not met" if complete else "unknown", complete=complete)

    # -- all conditions

    def _finished(self, found: Condition) -> Condition:
        """Return a condition with what holds of every kind: what follows from a class of its member, and its sizes."""
        member, expression = found.member, found.expression
        if found.open != "entailed" and isinstance(member, ox.NamedNode):
            if told := self._told(member, expression):
                found = replace(found, open="entailed", closed="met", known=told)
            elif found.open == "open" and isinstance(expression, ClassName | And):
                against = self._assumptions.world(member, expression).objection
                if against is not None:
                    found = replace(found, open="contradicted", closed="not met", against=against)
        elif found.open == "entailed" and isinstance(member, ox.NamedNode) and not found.known:
            found = replace(found, known=self._told(member, expression))
        return sized(found, self.definitions)

    def _told(self, member: ox.NamedNode, expression: Expression) -> tuple[ox.Triple, ...]:
        """Return the statement that puts ``member`` into a class whose members all meet the condition."""
        classes = [expression.iri] if isinstance(expression, ClassName) else []
        classes += sorted(self.definitions.telling(expression))
        return tuple(ox.Triple(member, TYPE, ox.NamedNode(iri)) for iri in classes if self._is_stated(member, iri))[:1]

    def _holds(self, triple: ox.Triple) -> bool:
        return ox.Quad(triple.subject, triple.predicate, triple.object) in self.engine

    def _is_stated(self, member: Term, iri: str) -> bool:
        return isinstance(member, ox.NamedNode) and self._holds(ox.Triple(member, TYPE, ox.NamedNode(iri)))

    @staticmethod
    def _joined(joined: Property, subject: Term, value: Term) -> ox.Triple:
        if joined.inverse:
            subject, value = value, subject
        assert isinstance(subject, ox.NamedNode)
        return ox.Triple(subject, ox.NamedNode(joined.iri), value)


def _denied(parts: Iterable[Condition]) -> bool:
    return any(one.open == "contradicted" for one in parts)
