"""The patterns of a query: what its groups ask for.

In: the text of a query. Out: its tree, and what each group needs, as plain statement patterns and tests.
The decision hidden here: how the syntax tree of a query is read. What is not read is left out of what is needed.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import pyoxigraph as ox
import rdflib
from rdflib.paths import AlternativePath, InvPath, MulPath, SequencePath
from rdflib.paths import Path as PropertyPath
from rdflib.plugins.sparql.algebra import traverse
from rdflib.plugins.sparql.parserutils import CompValue

from valueweave.reasoning.closure.query_expressions import (
    formula_of,
    slot_of,
    tests_of,
    without_computed_values,
)
from valueweave.reasoning.rules.model import TYPE, Call, Key, Slot, Var
from valueweave.reasoning.rules.syntax_tree import syntax_tree, unwrapped

__all__ = [
    "Needs",
    "Pattern",
    "QueryTree",
    "certain_of",
    "common",
    "inner_groups",
    "key_of",
    "triples_of",
    "variables_of",
]


Pattern = tuple[Slot, Slot, Slot]


@dataclass(frozen=True, slots=True)
class Needs:
    """One way to meet what a group of patterns needs."""

    patterns: tuple[Pattern, ...] = ()
    tests: tuple[Call, ...] = ()
    names: tuple[tuple[Var, Var], ...] = ()
    """Variables that are another one by a second name."""

    def __add__(self, other: Needs) -> Needs:
        return Needs(self.patterns + other.patterns, self.tests + other.tests, self.names + other.names)


class QueryTree:
    """The groups of a query, and what they need.

    Attributes:
        where: the group of all its conditions.
        head: the patterns of what it concludes, if it is a CONSTRUCT query.
        first_names: variables that are another one by a second name (BIND), with that one; the tree has that alone.
        computed: variables to which something else than a pattern gives a value (BIND, VALUES, a subquery).

    >>> tree = QueryTree("SELECT * WHERE { ?a <urn:p>/<urn:q>? ?b }")
    >>> [len(way.patterns) for way in tree.needs(tree.where)]
    [1, 2]
    """

    def __init__(self, text: str) -> None:
        tree = syntax_tree(without_computed_values(text))
        self.first_names = {Var(str(new)): Var(str(old)) for new, old in _join_names(tree.where)}
        self.where: CompValue = tree.where
        self.head = tuple(
            (self._first(one), self._first(slot_of(link)), self._first(other))
            for one, link, other in triples_of(tree.template if tree.name == "ConstructQuery" else ())
        )
        self.computed = frozenset(_computed(tree.where))
        self._fresh = 0

    def _first(self, slot: Slot) -> Slot:
        return self.first_names.get(slot, slot) if isinstance(slot, Var) else slot

    def needs(self, group: Any) -> list[Needs]:
        """Return the ways to meet what a solution of a group needs."""
        ways = [Needs()]
        if group.name == "SubSelect":
            return ways
        certain: set[Var] = set()
        for part in group.part or []:
            if part.name == "TriplesBlock":
                for subject, path, value in triples_of(part.triples):
                    ways = [one + Needs(other) for one in ways for other in self.ways(subject, path, value)]
                    certain.update(slot for slot in (subject, value) if isinstance(slot, Var))
            elif part.name == "GroupOrUnionGraphPattern":
                ways = [one + other for one in ways for inner in part.graph for other in self.needs(inner)]
            elif part.name == "Bind" and isinstance(copied := formula_of(part.expr), Var):
                ways = [one + Needs(names=((Var(str(part.var)), copied),)) for one in ways]
        for part in group.part or []:
            if part.name == "Filter":
                read = tuple(test for test in tests_of(part.expr) if certain.issuperset(test.variables()))
                ways = [one + Needs(tests=read) for one in ways]
        return ways

    def ways(self, subject: Slot, path: Any, value: Slot) -> list[tuple[Pattern, ...]]:
        """Return the chains of patterns by which a path may be gone; one without patterns where it is not known."""
        chains = _chains(path)
        if chains is None or () in chains:
            return [()]
        found: list[tuple[Pattern, ...]] = []
        for chain in chains:
            nodes = [subject, *(self._node() for _ in chain[1:]), value]
            found.append(
                tuple(
                    (nodes[at + 1], predicate, nodes[at]) if inverse else (nodes[at], predicate, nodes[at + 1])
                    for at, (predicate, inverse) in enumerate(chain)
                )
            )
        return found

    def steps(self, subject: Slot, path: Any, value: Slot) -> Iterator[Pattern]:
        """Yield the statements that a path may go along; a node in between is a variable of its own."""
        if isinstance(path, InvPath):
            yield from self.steps(value, path.arg, subject)
        elif isinstance(path, AlternativePath):
            for one in path.args:
                yield from self.steps(subject, one, value)
        elif isinstance(path, SequencePath):
            ends = len(path.args) - 1
            for number, one in enumerate(path.args):
                # A step that may be left out lets its neighbours end elsewhere.
                yield from self.steps(
                    subject if number == 0 else self._node(), one, value if number == ends else self._node()
                )
        elif isinstance(path, MulPath):
            once = path.mod == "?"
            yield from self.steps(subject if once else self._node(), path.path, value if once else self._node())
        elif isinstance(path, PropertyPath):
            yield self._node(), self._node(), self._node()
        else:
            yield subject, slot_of(path), value

    def _node(self) -> Var:
        self._fresh += 1
        return Var(f"between {self._fresh}")


def key_of(pattern: Pattern) -> Key | None:
    """Return what a pattern asks for or concludes; ``None`` when its property is open."""
    _, predicate, value = pattern
    if not isinstance(predicate, ox.NamedNode):
        return None
    return predicate.value, value.value if predicate == TYPE and isinstance(value, ox.NamedNode) else None


def common(ways: Sequence[Needs]) -> Needs:
    """Return what several ways have in common."""
    return Needs(
        tuple(pattern for pattern in ways[0].patterns if all(pattern in other.patterns for other in ways)),
        tuple(test for test in ways[0].tests if all(test in other.tests for other in ways)),
    )


def certain_of(group: Any) -> frozenset[Var]:
    """Return the variables to which the patterns of a group, and nothing else in it, give a value in every solution."""
    found: set[Var] = set()
    for part in group.part or []:
        if part.name == "TriplesBlock":
            for triple in triples_of(part.triples):
                found.update(slot for slot in triple if isinstance(slot, Var))
        elif part.name == "GroupOrUnionGraphPattern" and all(inner.name != "SubSelect" for inner in part.graph):
            found |= frozenset.intersection(*(certain_of(inner) for inner in part.graph))
    # A blank node of the query is no variable that values can be given to.
    computed = {str(part.var) for part in group.part or [] if part.name == "Bind"}
    return frozenset(slot for slot in found if slot.name not in computed and " " not in slot.name)


def triples_of(blocks: Iterable[Any]) -> Iterator[tuple[Slot, Any, Slot]]:
    """Yield the patterns of a block; what joins subject and object may be a path."""
    for block in blocks:
        terms = list(block)
        for subject, path, value in zip(terms[::3], terms[1::3], terms[2::3], strict=True):
            joined = Var(str(path)) if isinstance(path, rdflib.Variable) else path
            yield slot_of(subject), joined, slot_of(value)


def inner_groups(part: CompValue) -> Iterator[CompValue]:
    """Yield the groups that stand in a part of a group."""
    match part.name:
        case "Filter" | "Bind":
            yield from _groups_in(part.expr)
        case "GroupOrUnionGraphPattern":
            yield from part.graph
        case "OptionalGraphPattern" | "MinusGraphPattern":
            yield part.graph
        case "GroupGraphPatternSub":
            yield part


def variables_of(part: Any) -> frozenset[Var]:
    """Return every variable in a part of a query."""
    if isinstance(part, rdflib.Variable):
        return frozenset({Var(str(part))})
    if isinstance(part, CompValue):
        part = list(part.values())
    if isinstance(part, list) or type(part).__name__ in {"plist", "ParseResults"}:
        return frozenset().union(*(variables_of(inner) for inner in part))
    return frozenset()


def _chains(path: Any) -> list[tuple[tuple[Slot, bool], ...]] | None:
    """Return the chains of steps by which a path may be gone, each step with whether it is gone backwards.

    ``None`` when there is no telling how long they are, or what they consist of.
    """
    if isinstance(path, InvPath):
        chains = _chains(path.arg)
        return None if chains is None else [tuple((one, not back) for one, back in reversed(way)) for way in chains]
    if isinstance(path, AlternativePath):
        several = [_chains(one) for one in path.args]
        return None if None in several else [way for one in several for way in one or ()]
    if isinstance(path, SequencePath):
        several = [_chains(one) for one in path.args]
        if None in several:
            return None
        return [sum(chosen, ()) for chosen in product(*(one or () for one in several))]
    if isinstance(path, MulPath):
        chains = _chains(path.path) if path.mod == "?" else None
        return None if chains is None else [(), *chains]
    return None if isinstance(path, PropertyPath) else [((slot_of(path), False),)]


def _join_names(group: Any) -> Iterator[tuple[Any, Any]]:
    """Where a query gives a variable a second name (BIND), give it back its first one; yield both."""
    if group.name == "SubSelect":
        return
    for part in [part for part in group.part or [] if part.name == "Bind"]:
        first = unwrapped(part.expr)
        if isinstance(first, rdflib.Variable):
            second = part.var
            group.part.remove(part)
            traverse(group, visitPost=functools.partial(_renamed, second, first))
            yield second, first


def _computed(part: Any) -> Iterator[Var]:
    """Yield the variables in a part of a query that get a value from something else than a pattern."""
    if isinstance(part, CompValue):
        if part.name == "Bind":
            yield Var(str(part.var))
        elif part.name in {"InlineData", "SubSelect"}:
            yield from variables_of(part)
        part = list(part.values())
    if isinstance(part, list) or type(part).__name__ in {"plist", "ParseResults"}:
        for inner in part:
            yield from _computed(inner)


def _groups_in(expression: Any) -> Iterator[CompValue]:
    """Yield the groups of EXISTS and NOT EXISTS in an expression."""
    if isinstance(expression, CompValue):
        if expression.name in {"Builtin_NOTEXISTS", "Builtin_EXISTS"}:
            yield expression.graph
            return
        expression = list(expression.values())
    if isinstance(expression, list) or type(expression).__name__ in {"plist", "ParseResults"}:
        for inner in expression:
            yield from _groups_in(inner)


def _renamed(old: Any, new: Any, term: Any) -> Any:
    return new if term == old else None
