"""Whether a change may matter to a query, and where in its solutions.

In: the text of a query, statements that came or went. Out: values of its variables, at which they may matter.
The decision hidden here: what every solution of a query needs. A statement matters only where it meets a pattern of the
query, and where the patterns and tests around it are met as well; a part of SPARQL that is not read here is taken to be
met, so that a change may be thought to matter that does not, never the other way round.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from typing import Any

import pyoxigraph as ox
from rdflib.paths import Path as PropertyPath

from valueweave.reasoning.closure.query_patterns import (
    Needs,
    QueryTree,
    certain_of,
    common,
    inner_groups,
    triples_of,
    variables_of,
)
from valueweave.reasoning.closure.query_places import Asked, State
from valueweave.reasoning.closure.query_search import (
    MANY,
    TooManyError,
    all_met,
    met,
    places_of,
    plan_of,
    unify_pattern,
)
from valueweave.reasoning.closure.views import View
from valueweave.reasoning.rules.model import TYPE, Key, Slot, Term, Var

__all__ = ["QueryConditions"]

_GROUPS = frozenset({"Filter", "Bind", "GroupOrUnionGraphPattern", "OptionalGraphPattern", "MinusGraphPattern",
                     "GroupGraphPatternSub"})  # fmt: skip


class QueryConditions:
    """The statement patterns of a query, each with what must hold around it.

    Attributes:
        certain: variables that have a value in every solution, given by patterns alone.
        head: the patterns of what the query concludes.
        tree: its groups.
        unread: whether it uses what is not read here; then it may ask for anything.

    >>> query = "SELECT * WHERE { ?a <urn:p> ?b . FILTER NOT EXISTS { ?b <urn:q> ?c } }"
    >>> a, b, p, q = (ox.NamedNode(f"urn:{name}") for name in "abpq")
    >>> store = ox.Store()
    >>> store.extend([ox.Quad(a, p, b), ox.Quad(b, q, a), ox.Quad(a, q, a)])
    >>> conditions = QueryConditions(query)
    >>> [list(conditions.places(View(store), [ox.Triple(one, q, a)])) for one in (a, b)]
    [[], [(Var(name='b'), <NamedNode value=urn:b>)]]
    """

    def __init__(self, text: str) -> None:
        self.tree = QueryTree(text)
        self.head = self.tree.head
        self.unread = False
        where = self.tree.where
        whole = where.name == "SubSelect"
        self.certain = frozenset() if whole else certain_of(where)
        self._top = Needs() if whole else common(self.tree.needs(where))
        # Statements are looked up by predicate; None stands for a pattern that takes any.
        self._asked: dict[str | None, list[Asked]] = defaultdict(list)
        for one in self._group(where, Needs(), (Needs(),), frozenset()):
            predicate = one.slots[1]
            self._asked[None if isinstance(predicate, Var) else predicate.value].append(one)

    def places(
        self, view: View, triples: Iterable[ox.Triple], hits: dict[tuple[object, ...], bool] | None = None
    ) -> Iterator[tuple[Var, Term] | None]:
        """Yield where in the solutions statements may matter.

        Args:
            view: a state that holds the statements.
            triples: the statements.
            hits: what was looked up in this state before, and whether it was found; several queries may share it.

        Yields:
            A variable that has a value in every solution, and its value; ``None`` for anywhere.
        """
        if self.unread:
            yield None
            return
        state = State(view, {} if hits is None else hits, self._top)
        seen: set[tuple[object, ...]] = set()
        told: set[tuple[Var, Term] | None] = set()
        fitting: dict[ox.NamedNode, list[Asked]] = {}
        for triple in triples:
            if triple.predicate not in fitting:
                fitting[triple.predicate] = list(self._fitting(view, triple.predicate))
            for asked in fitting[triple.predicate]:
                values = unify_pattern(asked.slots, triple)
                if values is None:
                    continue
                place = None if asked.place is None else (asked.place, values[asked.place])
                if None in told or place in told or not (place is None or state.alive(place)):
                    continue
                known = {variable: term for variable, term in values.items() if variable in asked.known}
                key = id(asked), place, tuple(known.items())
                if key in seen:
                    continue
                seen.add(key)
                for found in state.around(asked, place, known, self.certain):
                    if found not in told:
                        told.add(found)
                        yield found

    def bound(self, view: View, variable: Var, term: Term) -> Iterator[tuple[Var, Term] | None]:
        """Yield where in the solutions a variable may have a value, if patterns alone give it one.

        Args:
            view: the state that is asked.
            variable: a variable that need not have a value in every solution.
            term: its value.

        Yields:
            As :meth:`places`.
        """
        every = (asked for group in self._asked.values() for asked in group)
        groups = {needs: None for asked in every if variable in asked.slots for needs in asked.around}
        if not groups or self.unread or variable in self.tree.computed:
            yield None
            return
        try:
            for needs in groups:
                plan = plan_of(needs, frozenset([variable]))
                yield from set(places_of(view, plan, {variable: term}, self.certain))
        except TooManyError:
            yield None

    def _fitting(self, view: View, predicate: ox.NamedNode) -> Iterator[Asked]:
        """Yield the patterns that statements with a predicate may meet."""
        yield from self._asked.get(predicate.value, ())
        for asked in self._asked.get(None, ()):
            slot = asked.slots[1]
            assert isinstance(slot, Var)
            # What is said of the property itself decides for all of its statements.
            said = tuple(step for step in asked.core if {one for one in step[0] if isinstance(one, Var)} == {slot})
            if met(view, said, {slot: predicate}):
                yield asked

    def keys(self, things: Callable[[ox.NamedNode, Term], Iterable[str]]) -> set[Key] | None:
        """Return what the query asks for, or ``None`` when it may be anything.

        Args:
            things: returns the IRIs of what has a value of a property.
        """
        if self.unread:
            return None
        found: set[Key] = set()
        everything = [one.slots for group in self._asked.values() for one in group]
        for _, predicate, value in everything:
            if isinstance(predicate, Var):
                # A property is known by what else is said of it.
                chosen = [
                    things(other[1], other[2])
                    for other in everything
                    if other[0] == predicate and isinstance(other[1], ox.NamedNode) and not isinstance(other[2], Var)
                ]
                if not chosen:
                    return None
                found.update((iri, None) for iri in chosen[0])
            elif predicate == TYPE and isinstance(value, ox.NamedNode):
                found.add((TYPE.value, value.value))
            else:
                found.add((predicate.value, None))
        return found

    def around(self, view: View, places: Iterable[tuple[Var, Term]]) -> set[ox.Triple] | None:
        """Return statements enough to answer the query at some places: whatever a solution there could ask for.

        Args:
            view: the statements there are.
            places: variables that have a value in every solution, and their values.

        Returns:
            The statements, or ``None`` when there are too many.
        """
        found: set[ox.Triple] = set()
        try:
            self._collect(self.tree.where, view, [dict([place]) for place in places], found)
        except TooManyError:
            return None
        return found

    def _collect(self, group: Any, view: View, given: list[dict[Var, Term]], found: set[ox.Triple]) -> None:
        """Add to ``found`` what the patterns in a group meet, with the values that are given from outside."""
        if group.name == "SubSelect":  # its variables are its own
            self._collect(group.where, view, [{}], found)
            return
        solutions: dict[tuple[tuple[Var, Term], ...], dict[Var, Term]] = {}
        for needs in self.tree.needs(group):
            for known in given:
                for values, triples in all_met(view, needs.patterns, needs.tests, known):
                    found.update(triples)
                    if len(found) > MANY or len(solutions) > MANY:
                        raise TooManyError
                    named = {new: values[old] for new, old in needs.names if old in values and new not in values}
                    complete = {**values, **named}
                    solutions[tuple(complete.items())] = complete
        inside = list(solutions.values())
        for part in group.part or []:
            if part.name == "TriplesBlock":
                for subject, path, value in triples_of(part.triples):
                    # A chain of patterns has been met above; of another path every step may be gone.
                    if isinstance(path, PropertyPath) and () in self.tree.ways(subject, path, value):
                        self._extension(subject, path, value, view, found)
            elif inside:
                for inner in inner_groups(part):
                    shared = variables_of(inner)
                    chosen = {
                        tuple((var, term) for var, term in values.items() if var in shared): None for values in inside
                    }
                    self._collect(inner, view, [dict(values) for values in chosen], found)

    def _extension(self, subject: Slot, path: Any, value: Slot, view: View, found: set[ox.Triple]) -> None:
        """Add to ``found`` every statement that a path of any length may go along."""
        for _, predicate, _ in self.tree.steps(subject, path, value):
            if not isinstance(predicate, ox.NamedNode):
                raise TooManyError
            for triple in view.find(None, predicate, None):
                found.add(triple)
                if len(found) > MANY:
                    raise TooManyError

    # -- reading

    def _group(self, group: Any, core: Needs, around: tuple[Needs, ...], known: frozenset[Var]) -> Iterator[Asked]:
        """Yield the patterns in a group of patterns, inside groups of which ``around`` must hold."""
        if group.name == "SubSelect":  # its variables are its own
            for inner in self._group(group.where, Needs(), (Needs(),), frozenset()):
                nothing: frozenset[Var] = frozenset()
                yield Asked(inner.slots, plan_of(core, nothing), around, nothing, inner.place)
            return
        own = self.tree.needs(group)
        core += common(own)
        around = tuple(one + other for one, other in product(around, own))
        known |= {slot for needs in own for pattern in needs.patterns for slot in pattern if isinstance(slot, Var)}
        for part in group.part or []:
            if part.name == "TriplesBlock":
                for subject, path, value in triples_of(part.triples):
                    for slots in self.tree.steps(subject, path, value):
                        given = known.intersection(slot for slot in slots if isinstance(slot, Var))
                        place = next((slot for slot in slots if slot in self.certain), None)
                        assert place is None or isinstance(place, Var)
                        yield Asked(slots, plan_of(core, given), around, given, place)
            elif part.name in _GROUPS:
                # Of alternatives it is open which is taken; each is asked for with what it needs itself.
                for group_inside in inner_groups(part):
                    yield from self._group(group_inside, core, around, known)
            elif part.name != "InlineData":
                self.unread = True
