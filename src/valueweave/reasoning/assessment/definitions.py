"""What the axioms say of each class: its definitions, its necessary conditions, other ways into it.

In: axioms. Out: :class:`Definitions`.
The decision hidden here: which axioms make a class a checklist. An equivalence defines it, a subclass axiom gives a
condition that members must meet, and a subclass axiom below it a condition that is enough.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache

from valueweave.namespaces import PREFIXES
from valueweave.reasoning.rules.expressions import (
    And,
    Axiom,
    Cardinality,
    ClassName,
    Expression,
    Only,
    Or,
    Property,
    Some,
)

__all__ = ["TOP", "Definitions", "conjuncts", "is_datatype"]

TOP = frozenset({PREFIXES["owl"] + "Thing", PREFIXES["rdfs"] + "Resource", PREFIXES["rdfs"] + "Literal"})


def is_datatype(iri: str) -> bool:
    """Return whether ``iri`` names a datatype."""
    return iri.startswith(PREFIXES["xsd"]) or iri == PREFIXES["rdf"] + "langString"


def conjuncts(expression: Expression) -> Iterator[Expression]:
    """Yield the parts that must all hold.

    >>> [part.iri for part in conjuncts(And((ClassName("urn:a"), And((ClassName("urn:b"),)))))]
    ['urn:a', 'urn:b']
    """
    if isinstance(expression, And):
        for part in expression.parts:
            yield from conjuncts(part)
    else:
        yield expression


class Definitions:
    """The class axioms of an ontology, by class.

    >>> axioms = [Axiom("EquivalentClasses", (ClassName("urn:a"), Some(Property("urn:p"), ClassName("urn:b"))))]
    >>> Definitions(axioms).defined
    ('urn:a',)
    """

    def __init__(self, axioms: Iterable[Axiom]) -> None:
        self._equal: dict[str, list[Expression]] = defaultdict(list)
        self._above: dict[str, list[Expression]] = defaultdict(list)
        self._below: dict[str, list[Expression]] = defaultdict(list)
        self._same: dict[Property, set[Property]] = defaultdict(set)
        for axiom in axioms:
            self._add(axiom)
        self._told: dict[Expression, set[str]] = defaultdict(set)
        for iri in {*self._equal, *self._above}:
            for expression in (*self._equal[iri], *self._above[iri]):
                for part in conjuncts(expression):
                    self._told[part].add(iri)
        self.size = cache(self._size)

    def _add(self, axiom: Axiom) -> None:
        match axiom.kind:
            case "EquivalentClasses":
                one, other = axiom.classes
                for name, meaning in ((one, other), (other, one)):
                    if isinstance(name, ClassName):
                        self._equal[name.iri].append(meaning)
            case "SubClassOf":
                sub, sup = axiom.classes
                if isinstance(sub, ClassName):
                    self._above[sub.iri].append(sup)
                elif isinstance(sup, ClassName):
                    self._below[sup.iri].append(sub)
            case "InverseProperties":
                self._equate(axiom.properties[0], _turned(axiom.properties[1]))
            case "EquivalentProperties":
                self._equate(*axiom.properties)
            case "Symmetric":
                self._equate(axiom.properties[0], _turned(axiom.properties[0]))

    def _equate(self, one: Property, other: Property) -> None:
        for first, second in ((one, other), (other, one)):
            self._same[first].add(second)
            self._same[_turned(first)].add(_turned(second))

    @property
    def defined(self) -> tuple[str, ...]:
        """The named classes that have a definition that is more than another name, sorted."""
        return tuple(sorted(iri for iri in self._equal if self.of(iri)))

    def of(self, iri: str) -> tuple[Expression, ...]:
        """Return the definitions of a class: what it is equivalent to."""
        return tuple(one for one in self._equal.get(iri, ()) if one != ClassName(iri))

    def above(self, iri: str) -> tuple[Expression, ...]:
        """Return what every member of a class must be, by its subclass axioms."""
        return tuple(one for one in self._above.get(iri, ()) if not (isinstance(one, ClassName) and one.iri in TOP))

    def below(self, iri: str) -> tuple[Expression, ...]:
        """Return nameless conditions that are enough to be a member of a class."""
        return tuple(self._below.get(iri, ()))

    def telling(self, condition: Expression) -> frozenset[str]:
        """Return the classes all of whose members meet ``condition`` because an axiom says just that."""
        return frozenset(self._told.get(condition, ()))

    def has_conditions(self, iri: str) -> bool:
        """Return whether an axiom says more of members of a class, or of one above, than their name."""
        seen: set[str] = set()
        todo = [iri]
        while todo:
            one = todo.pop()
            if one in seen:
                continue
            seen.add(one)
            if self.of(one) or self.below(one):
                return True
            for sup in self.above(one):
                if not isinstance(sup, ClassName):
                    return True
                todo.append(sup.iri)
        return False

    def same(self, joined: Property) -> frozenset[Property]:
        """Return a property with those that axioms say join the same things."""
        found: set[Property] = set()
        todo = [joined]
        while todo:
            one = todo.pop()
            if one not in found:
                found.add(one)
                todo.extend(self._same.get(one, ()))
        return frozenset(found)

    def _size(self, expression: Expression, inside: frozenset[str] = frozenset()) -> int:
        """Return of how many simple conditions an expression consists, definitions unfolded."""
        match expression:
            case And(parts):
                return sum(self._size(part, inside) for part in parts)
            case Or(parts):
                return min((self._size(part, inside) for part in parts), default=1)
            case Some(_, filler) | Cardinality("min" | "exactly", 1, _, filler):
                return self._size(filler, inside)
            case Cardinality("min" | "exactly", number, _, filler):
                return max(number, 1) * self._size(filler, inside)
            case Only() | Cardinality():
                return 1
            case ClassName(iri) if iri not in inside and self.of(iri):
                return min(self._size(one, inside | {iri}) for one in self.of(iri))
            case _:
                return 1


def _turned(joined: Property) -> Property:
    return Property(joined.iri, not joined.inverse)
