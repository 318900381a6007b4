"""Where in the solutions of a query one of its patterns is met.

In: a statement pattern of a query and what must hold around it, values. Out: places: a variable that has a value in
every solution, and its value.
The decision hidden here: in which order it is found out that a pattern does not matter, and what is kept of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from valueweave.reasoning.closure.query_patterns import Needs, Pattern
from valueweave.reasoning.closure.query_search import Plan, TooManyError, begins, met, places_of, plan_of, variables_in
from valueweave.reasoning.closure.views import View
from valueweave.reasoning.rules.model import Term, Var

__all__ = ["Asked", "State"]


@dataclass(frozen=True)
class Asked:
    """A statement pattern of a query, with what must hold around it.

    Attributes:
        slots: the pattern.
        core: what must hold in any case.
        around: all that must hold, in one way or another.
        known: the variables of the pattern that stand around it, too.
        place: one of its variables that has a value in every solution, if there is any.
    """

    slots: Pattern
    core: Plan
    around: tuple[Needs, ...]
    known: frozenset[Var]
    place: Var | None

    @cached_property
    def ways(self) -> tuple[Plan, ...]:
        """The ways to meet all of it."""
        return tuple(plan_of(needs, self.known) for needs in self.around)


class State:
    """A state in which statements are looked up, and what was found there before.

    Args:
        view: the state.
        hits: what was looked up in it before, for any query.
        top: what every solution of the query needs.
    """

    def __init__(self, view: View, hits: dict[tuple[object, ...], bool], top: Needs) -> None:
        self._view, self._hits, self._top = view, hits, top
        self._tops: dict[Var, Plan] = {}
        self._alive: dict[tuple[Var, Term], bool] = {}
        self._plans: dict[int, tuple[Plan, frozenset[Var]]] = {}
        self._met: dict[tuple[object, ...], bool] = {}

    def around(
        self, asked: Asked, place: tuple[Var, Term] | None, known: dict[Var, Term], certain: frozenset[Var]
    ) -> Iterator[tuple[Var, Term] | None]:
        """Yield where in the solutions of the query a pattern may be met with some values."""
        if place is not None:
            if (
                self.alive(place)
                and self._is_met(asked.core, known)
                and (len(asked.around) == 1 or any(self._is_met(plan, known) for plan in asked.ways))
            ):
                yield place
        else:
            # The pattern itself does not say where; what must hold around it does.
            try:
                found = {one for plan in asked.ways for one in places_of(self._view, plan, known, certain)}
            except TooManyError:
                yield None
            else:
                yield from (one for one in found if one is None or self.alive(one))

    def alive(self, place: tuple[Var, Term]) -> bool:
        """Whether there may be a solution at a place at all."""
        if place not in self._alive:
            if place[0] not in self._tops:
                self._tops[place[0]] = plan_of(self._top, frozenset(place[:1]))
            plan, known = self._tops[place[0]], dict([place])
            self._alive[place] = begins(self._view, plan, known, self._hits) and self._is_met(plan, known)
        return self._alive[place]

    def _is_met(self, plan: Plan, known: dict[Var, Term]) -> bool:
        # A plan is known by its identity while it is kept here; what does not depend on the values is looked up once.
        if id(plan) not in self._plans:
            self._plans[id(plan)] = plan, variables_in(plan)
        variables = self._plans[id(plan)][1]
        key = id(plan), tuple(pair for pair in known.items() if pair[0] in variables)
        if key not in self._met:
            self._met[key] = met(self._view, plan, known)
        return self._met[key]
