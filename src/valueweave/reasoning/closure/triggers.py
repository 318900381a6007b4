"""Which rules a statement sets off, and with which values.

In: rules in strata. Out: :class:`Triggers`.
The decision hidden here: how a statement inside a count or under an absence leads to the values of the rule around it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import pyoxigraph as ox

from valueweave.reasoning.closure.matching import Statements, Values, matches
from valueweave.reasoning.rules.conditions import unify
from valueweave.reasoning.rules.model import Atom, Body, Count, Key, Rule, Term, Var, atom_key, triple_keys

__all__ = ["Nested", "Triggers"]


@dataclass(frozen=True, slots=True)
class _Group:
    """A way out of a count: from an alternative of it to its group."""

    count: Count
    alternative: Body


_Step: TypeAlias = "_Group | frozenset[Var]"
"""A way out of a count, or of an absence: the variables that mean the same outside."""


@dataclass(frozen=True, slots=True)
class Nested:
    """A statement pattern inside a count or under an absence.

    Attributes:
        rule: the rule.
        atom: the pattern.
        way: the steps out of what it stands in, the innermost first.
        absent: whether the rule wants it to fail: it stands under an odd number of absences.
    """

    rule: Rule
    atom: Atom
    way: tuple[_Step, ...]
    absent: bool

    def values(self, views: Sequence[Statements], triple: ox.Triple) -> list[Values]:
        """Return values of the rule's variables that cover every way in which ``triple`` matters to it.

        Args:
            views: the statements before and after the change; what counts is looked up in both.
            triple: a statement that came or went.
        """
        first = unify(self.atom, triple)
        found: list[dict[Var, Term]] = [] if first is None else [first]
        for step in self.way:
            outside: dict[tuple[tuple[Var, Term], ...], None] = {}
            for values in found:
                if isinstance(step, frozenset):
                    outside[tuple((var, term) for var, term in values.items() if var in step)] = None
                    continue
                for view in views:
                    for met in matches(view, step.alternative, values):
                        outside[tuple((variable, met[variable]) for variable in step.count.group)] = None
            found = [dict(pairs) for pairs in outside]
        return list(found)


class Triggers:
    """The conditions of rules by what they ask for.

    Attributes:
        strata: the rules in the order in which they run.
    """

    def __init__(self, strata: Sequence[Sequence[Rule]]) -> None:
        self.strata = [list(stratum) for stratum in strata]
        self._conditions: list[dict[Key, list[tuple[Rule, int]]]] = []
        self._nested: list[dict[Key, list[Nested]]] = []
        self._makers: list[dict[Key, list[Rule]]] = []
        for stratum in self.strata:
            conditions: dict[Key, list[tuple[Rule, int]]] = defaultdict(list)
            nested: dict[Key, list[Nested]] = defaultdict(list)
            makers: dict[Key, list[Rule]] = defaultdict(list)
            for rule in stratum:
                makers[atom_key(rule.head)].append(rule)
                for number, atom in enumerate(rule.body.atoms):
                    conditions[atom_key(atom)].append((rule, number))
                for inner in _nested(rule, rule.body, (), frozenset(rule.body.variables()), absent=False):
                    nested[atom_key(inner.atom)].append(inner)
            self._conditions.append(conditions)
            self._nested.append(nested)
            self._makers.append(makers)

    def conditions(self, stratum: int, triple: ox.Triple) -> Iterator[tuple[Rule, int, Mapping[Var, Term]]]:
        """Yield the rules of a stratum with a condition that ``triple`` meets, its number, and the values."""
        index = self._conditions[stratum]
        for key in triple_keys(triple):
            for rule, number in index.get(key, ()):
                values = unify(rule.body.atoms[number], triple)
                if values is not None:
                    yield rule, number, values

    def nested(self, stratum: int, triple: ox.Triple, *, absent: bool) -> Iterator[Nested]:
        """Yield the patterns of a stratum inside counts and absences that may ask for ``triple``.

        Args:
            stratum: number of the stratum.
            triple: a statement.
            absent: patterns that the rules want to fail, or those that they want to be met.
        """
        index = self._nested[stratum]
        for key in triple_keys(triple):
            yield from (inner for inner in index.get(key, ()) if inner.absent is absent)

    def wants_absent(self, keys: Collection[Key]) -> bool:
        """Whether a rule wants the absence of something of ``keys``."""
        return any(
            inner.absent and (key in keys or (key[1] is None and any(key[0] == other[0] for other in keys)))
            for index in self._nested
            for key, inners in index.items()
            for inner in inners
        )

    def makers(self, stratum: int, triple: ox.Triple) -> Iterator[tuple[Rule, Mapping[Var, Term]]]:
        """Yield the rules of a stratum that might conclude ``triple``, with the values of their variables."""
        index = self._makers[stratum]
        for key in triple_keys(triple):
            for rule in index.get(key, ()):
                values = unify(rule.head, triple)
                if values is not None:
                    yield rule, values


def _nested(rule: Rule, body: Body, way: tuple[_Step, ...], seen: frozenset[Var], *, absent: bool) -> Iterator[Nested]:
    """Yield the patterns inside the counts and absences of ``body``; ``way`` leads out of it."""
    for count in body.counts:
        for alternative in count.alternatives:
            out: tuple[_Step, ...] = (_Group(count, alternative), *way)
            yield from (Nested(rule, atom, out, absent) for atom in alternative.atoms)
            yield from _nested(rule, alternative, out, frozenset(alternative.variables()), absent=absent)
    for inner in body.absent:
        out = (seen, *way)
        yield from (Nested(rule, atom, out, not absent) for atom in inner.atoms)
        yield from _nested(rule, inner, out, seen | inner.variables(), absent=not absent)
