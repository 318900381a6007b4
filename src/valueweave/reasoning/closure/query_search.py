"""Whether statement patterns and tests can be met together, with some values known.

In: what a group of a query needs, values. Out: whether it is met, or all the ways in which it is.
The decision hidden here: the order in which patterns are looked up.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Mapping
from typing import TypeAlias

import pyoxigraph as ox

from valueweave.reasoning.closure.matching import holds
from valueweave.reasoning.closure.query_patterns import Needs, Pattern
from valueweave.reasoning.closure.views import View
from valueweave.reasoning.rules.model import TYPE, Call, Term, Var

__all__ = [
    "MANY",
    "Plan",
    "TooManyError",
    "all_met",
    "begins",
    "met",
    "places_of",
    "plan_of",
    "unify_pattern",
    "variables_in",
]

_BUDGET = 3_000
"""After so many lookups in vain a statement is taken to matter."""

MANY = 20_000
"""With more statements around a place than this the query is asked of all there are."""

Plan: TypeAlias = "tuple[tuple[Pattern, tuple[Call, ...]], ...]"
"""Patterns in the order in which they are looked up, each with the tests that can be made then."""


class TooManyError(Exception):
    """There is more around a place than is worth collecting."""


@functools.lru_cache(maxsize=10_000)
def plan_of(needs: Needs, given: frozenset[Var]) -> Plan:
    """Return an order in which to look up what a solution needs, when some variables have a value."""
    known, patterns, tests = set(given), list(needs.patterns), list(needs.tests)
    plan: list[tuple[Pattern, tuple[Call, ...]]] = []
    while patterns:
        pattern = min(patterns, key=lambda one: _cost(one, known))
        patterns.remove(pattern)
        known.update(slot for slot in pattern if isinstance(slot, Var))
        ready = tuple(test for test in tests if known.issuperset(test.variables()))
        tests = [test for test in tests if test not in ready]
        plan.append((pattern, ready))
    return tuple(plan)


def begins(view: View, plan: Plan, known: Mapping[Var, Term], hits: dict[tuple[object, ...], bool]) -> bool:
    """Whether the first pattern of a plan is met; most statements matter to no query, and this tells it cheaply."""
    if not plan:
        return True
    subject, predicate, value = (known.get(slot) if isinstance(slot, Var) else slot for slot in plan[0][0])
    key = subject, predicate, value
    if key not in hits:
        hits[key] = not (isinstance(subject, ox.Literal) or isinstance(predicate, ox.Literal)) and (
            next(iter(view.find(subject, predicate, value)), None) is not None
        )
    return hits[key]


def met(view: View, plan: Plan, known: Mapping[Var, Term]) -> bool:
    """Whether what a solution needs is met with some values, or may be: after many lookups that is left open."""
    return _met(view, plan, 0, known, [_BUDGET])


# A function inside another one that names itself would keep the store until the next collection; so these stand here.


def _met(view: View, plan: Plan, at: int, values: Mapping[Var, Term], budget: list[int]) -> bool:
    if at == len(plan):
        return True
    for complete in _lookups(view, plan[at], values):
        budget[0] -= 1
        if budget[0] < 0 or (complete is not None and _met(view, plan, at + 1, complete, budget)):
            return True
    return False


def places_of(
    view: View, plan: Plan, known: Mapping[Var, Term], wanted: Collection[Var]
) -> Iterator[tuple[Var, Term] | None]:
    """Yield values of one of some variables with which a plan may be met; ``None`` where none of them has one.

    Raises:
        TooManyError: when there is more to look up than it is worth.

    >>> a, p, b = (ox.NamedNode(f"urn:{name}") for name in "apb")
    >>> store = ox.Store()
    >>> store.add(ox.Quad(a, p, b))
    >>> plan = plan_of(Needs(((Var("x"), p, Var("y")),)), frozenset([Var("y")]))
    >>> list(places_of(View(store), plan, {Var("y"): b}, [Var("x")]))
    [(Var(name='x'), <NamedNode value=urn:a>)]
    """
    return _places(view, plan, 0, known, wanted, [_BUDGET])


def _places(
    view: View, plan: Plan, at: int, values: Mapping[Var, Term], wanted: Collection[Var], budget: list[int]
) -> Iterator[tuple[Var, Term] | None]:
    found = next((variable for variable in values if variable in wanted), None)
    if found is not None or at == len(plan):
        if met(view, plan[at:], values):
            yield None if found is None else (found, values[found])
        return
    for complete in _lookups(view, plan[at], values):
        budget[0] -= 1
        if budget[0] < 0:
            raise TooManyError
        if complete is not None:
            yield from _places(view, plan, at + 1, complete, wanted, budget)


def _lookups(
    view: View, step: tuple[Pattern, tuple[Call, ...]], values: Mapping[Var, Term]
) -> Iterator[Mapping[Var, Term] | None]:
    """Yield for each statement that may meet a step the values with which it does, ``None`` where it does not."""
    pattern, tests = step
    subject, predicate, value = (values.get(slot) if isinstance(slot, Var) else slot for slot in pattern)
    if isinstance(subject, ox.Literal) or isinstance(predicate, ox.Literal):
        return
    for triple in view.find(subject, predicate, value):
        found = unify_pattern(pattern, triple)
        complete = None if found is None else {**values, **found}
        yield complete if complete is not None and all(holds(test, complete) for test in tests) else None


def variables_in(plan: Plan) -> frozenset[Var]:
    """Return the variables of a plan."""
    return frozenset(slot for pattern, _ in plan for slot in pattern if isinstance(slot, Var))


def all_met(
    view: View, patterns: tuple[Pattern, ...], tests: tuple[Call, ...], values: dict[Var, Term]
) -> Iterator[tuple[dict[Var, Term], tuple[ox.Triple, ...]]]:
    """Yield the values with which patterns and tests are met, and the statements that meet them."""
    ready = [test for test in tests if all(variable in values for variable in test.variables())]
    if not all(holds(test, values) for test in ready):
        return
    tests = tuple(test for test in tests if test not in ready)
    if not patterns:
        yield values, ()
        return
    at = min(range(len(patterns)), key=lambda number: _cost(patterns[number], values))
    subject, predicate, value = (values.get(slot) if isinstance(slot, Var) else slot for slot in patterns[at])
    if isinstance(subject, ox.Literal) or isinstance(predicate, ox.Literal):
        return
    for number, triple in enumerate(view.find(subject, predicate, value)):
        if number > MANY:
            raise TooManyError
        found = unify_pattern(patterns[at], triple)
        if found is not None:
            rest = patterns[:at] + patterns[at + 1 :]
            for complete, others in all_met(view, rest, tests, {**values, **found}):
                yield complete, (triple, *others)


def _cost(pattern: Pattern, values: Collection[Var]) -> int:
    """Guess how many statements a pattern finds: few of one thing, more of one value, most of a class."""
    there = [not isinstance(slot, Var) or slot in values for slot in pattern]
    if there[0]:
        return 0 if there[2] else 1 if there[1] else 2
    if not there[2]:
        return 8 if there[1] else 9
    return 5 if pattern[1] == TYPE else 4 if not isinstance(pattern[2], Var) else 3


def unify_pattern(slots: Pattern, triple: ox.Triple) -> dict[Var, Term] | None:
    """Return the values with which a pattern is a statement, if there are any."""
    values: dict[Var, Term] = {}
    for slot, term in zip(slots, (triple.subject, triple.predicate, triple.object), strict=True):
        if not isinstance(term, ox.NamedNode | ox.Literal):
            return None
        if (values.setdefault(slot, term) if isinstance(slot, Var) else slot) != term:
            return None
    return values
