"""Whether a change may matter to a query, and where in its solutions.

In: the text of a query, statements that came or went. Out: values of its variables, at which they may matter.
The decision hidden here: what every solution of a query needs. A statement matters only where it meets a pattern of the
query, and where the patterns and tests around it are met as well; a part of SPARQL that is not read here is taken to be
met, so that a change may be thought to matter that does not, never the other way round.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeAlias

import pyoxigraph as ox
import rdflib
from rdflib.paths import AlternativePath, InvPath, MulPath, SequencePath
from rdflib.paths import Path as PropertyPath
from rdflib.plugins.sparql.algebra import translatePath, translatePName, translatePrologue, traverse
from rdflib.plugins.sparql.parser import parseQuery
from rdflib.plugins.sparql.parserutils import CompValue

from valueweave.namespaces import PREFIXES
from valueweave.reasoning.matching import holds
from valueweave.reasoning.rules import TYPE, Call, Formula, Key, Slot, Term, Var
from valueweave.reasoning.views import View

__all__ = ["QueryConditions"]

_OPERATORS = frozenset({"=", "!=", "<", "<=", ">", ">="})
_FUNCTIONS = frozenset({"STR", "LANG", "DATATYPE", "isIRI", "isLITERAL", "ISNUMERIC"})
_GROUPS = frozenset({"Filter", "Bind", "GroupOrUnionGraphPattern", "OptionalGraphPattern", "MinusGraphPattern",
                     "GroupGraphPatternSub"})  # fmt: skip
_BUDGET = 3_000
"""After so many lookups in vain a statement is taken to matter."""

_MANY = 20_000
"""With more statements around a place than this the query is asked of all there are."""

Pattern = tuple[Slot, Slot, Slot]


class _TooManyError(Exception):
    """There is more around a place than is worth collecting."""


@dataclass(frozen=True, slots=True)
class _Needs:
    """One way to meet what a group of patterns needs."""

    patterns: tuple[Pattern, ...] = ()
    tests: tuple[Call, ...] = ()
    names: tuple[tuple[Var, Var], ...] = ()
    """Variables that are another one by a second name."""

    def __add__(self, other: _Needs) -> _Needs:
        return _Needs(self.patterns + other.patterns, self.tests + other.tests, self.names + other.names)


_Plan: TypeAlias = "tuple[tuple[Pattern, tuple[Call, ...]], ...]"
"""Patterns in the order in which they are looked up, each with the tests that can be made then."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A statement pattern of a query, what must hold around it in any way, and the ways to meet all of it."""

    slots: Pattern
    core: _Plan
    around: tuple[_Needs, ...]
    known: frozenset[Var]


class QueryConditions:
    """The statement patterns of a query, each with what must hold around it.

    Attributes:
        certain: variables that have a value in every solution, given by patterns alone.

    >>> query = "SELECT * WHERE { ?a <urn:p> ?b . FILTER NOT EXISTS { ?b <urn:q> ?c } }"
    >>> a, b, p, q = (ox.NamedNode(f"urn:{name}") for name in "abpq")
    >>> store = ox.Store()
    >>> store.extend([ox.Quad(a, p, b), ox.Quad(b, q, a), ox.Quad(a, q, a)])
    >>> conditions = QueryConditions(query)
    >>> [list(conditions.places(View(store), [ox.Triple(one, q, a)])) for one in (a, b)]
    [[], [(Var(name='b'), <NamedNode value=urn:b>)]]
    """

    def __init__(self, text: str) -> None:
        parsed = parseQuery(text)
        names = functools.partial(translatePName, prologue=translatePrologue(parsed[0], None, dict(PREFIXES)))
        tree = traverse(traverse(parsed[1], visitPost=names), visitPost=translatePath)
        _join_names(tree.where)
        self._fresh = 0
        self._unread = False
        self._tree = tree.where
        self.certain = frozenset() if tree.where.name == "SubSelect" else _certain(tree.where)
        self._top = _Needs() if tree.where.name == "SubSelect" else _core(self._needs(tree.where))
        # Statements are looked up by predicate; None stands for a pattern that takes any.
        self._asked: dict[str | None, list[_Asked]] = defaultdict(list)
        for one in self._group(tree.where, _Needs(), (_Needs(),), frozenset()):
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
        if self._unread:
            yield None
            return
        seen: set[tuple[int, tuple[tuple[Var, Term], ...]]] = set()
        told: set[tuple[Var, Term] | None] = set()
        fitting: dict[ox.NamedNode, list[_Asked]] = {}
        hits = {} if hits is None else hits
        alive: dict[tuple[Var, Term], bool] = {}
        for triple in triples:
            if triple.predicate not in fitting:
                fitting[triple.predicate] = list(self._fitting(view, triple.predicate))
            for asked in fitting[triple.predicate]:
                values = _unify(asked.slots, triple)
                if values is None:
                    continue
                known = {variable: term for variable, term in values.items() if variable in asked.known}
                place = next(((slot, values[slot]) for slot in asked.slots if slot in self.certain), None)  # type: ignore[index]
                key = id(asked), tuple(known.items())
                if place in told or key in seen:
                    continue
                seen.add(key)
                if place is not None and place not in alive:
                    alive[place] = _begins(view, (top := _plan(self._top, frozenset(place[:1]))), dict([place]), hits)
                    alive[place] = alive[place] and _met(view, top, dict([place]))
                if place is not None and not alive[place]:
                    continue
                if _met(view, asked.core, known) and any(
                    _met(view, _plan(needs, asked.known), known) for needs in asked.around
                ):
                    told.add(place)
                    yield place

    def _fitting(self, view: View, predicate: ox.NamedNode) -> Iterator[_Asked]:
        """Yield the patterns that statements with a predicate may meet."""
        yield from self._asked.get(predicate.value, ())
        for asked in self._asked.get(None, ()):
            slot = asked.slots[1]
            assert isinstance(slot, Var)
            # What is said of the property itself decides for all of its statements.
            said = tuple(step for step in asked.core if {one for one in step[0] if isinstance(one, Var)} == {slot})
            if _met(view, said, {slot: predicate}):
                yield asked

    def keys(self, things: Callable[[ox.NamedNode, Term], Iterable[str]]) -> set[Key] | None:
        """Return what the query asks for, or ``None`` when it may be anything.

        Args:
            things: returns the IRIs of what has a value of a property.
        """
        if self._unread:
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
            self._collect(self._tree, view, [dict([place]) for place in places], found)
        except _TooManyError:
            return None
        return found

    def _collect(self, group: Any, view: View, given: list[dict[Var, Term]], found: set[ox.Triple]) -> None:
        """Add to ``found`` what the patterns in a group meet, with the values that are given from outside."""
        if group.name == "SubSelect":  # its variables are its own
            self._collect(group.where, view, [{}], found)
            return
        solutions: dict[tuple[tuple[Var, Term], ...], dict[Var, Term]] = {}
        for needs in self._needs(group):
            for known in given:
                for values, triples in _all_met(view, needs.patterns, needs.tests, known):
                    found.update(triples)
                    if len(found) > _MANY or len(solutions) > _MANY:
                        raise _TooManyError
                    named = {new: values[old] for new, old in needs.names if old in values and new not in values}
                    complete = {**values, **named}
                    solutions[tuple(complete.items())] = complete
        inside = list(solutions.values())
        for part in group.part or []:
            if part.name == "TriplesBlock":
                for subject, path, value in _triples(part.triples):
                    # A chain of patterns has been met above; of another path every step may be gone.
                    if isinstance(path, PropertyPath) and () in self._ways(subject, path, value):
                        self._extension(subject, path, value, view, found)
            elif inside:
                for inner in _inner_groups(part):
                    shared = _variables(inner)
                    chosen = {
                        tuple((var, term) for var, term in values.items() if var in shared): None for values in inside
                    }
                    self._collect(inner, view, [dict(values) for values in chosen], found)

    def _extension(self, subject: Slot, path: Any, value: Slot, view: View, found: set[ox.Triple]) -> None:
        """Add to ``found`` every statement that a path of any length may go along."""
        for _, predicate, _ in self._steps(subject, path, value):
            if isinstance(predicate, Var):
                raise _TooManyError
            for triple in view.find(None, predicate, None):
                found.add(triple)
                if len(found) > _MANY:
                    raise _TooManyError

    # -- reading

    def _group(self, group: Any, core: _Needs, around: tuple[_Needs, ...], known: frozenset[Var]) -> Iterator[_Asked]:
        """Yield the patterns in a group of patterns, inside groups of which ``around`` must hold."""
        if group.name == "SubSelect":  # its variables are its own
            for inner in self._group(group.where, _Needs(), (_Needs(),), frozenset()):
                nothing: frozenset[Var] = frozenset()
                yield _Asked(inner.slots, _plan(core, nothing), around, nothing)
            return
        own = self._needs(group)
        core += _core(own)
        around = tuple(one + other for one, other in product(around, own))
        known |= {slot for needs in own for pattern in needs.patterns for slot in pattern if isinstance(slot, Var)}
        for part in group.part or []:
            if part.name == "TriplesBlock":
                for subject, path, value in _triples(part.triples):
                    for slots in self._steps(subject, path, value):
                        given = known.intersection(slot for slot in slots if isinstance(slot, Var))
                        yield _Asked(slots, _plan(core, given), around, given)
            elif part.name in _GROUPS:
                # Of alternatives it is open which is taken; each is asked for with what it needs itself.
                for inner in _inner_groups(part):
                    yield from self._group(inner, core, around, known)
            elif part.name != "InlineData":
                self._unread = True

    def _needs(self, group: Any) -> list[_Needs]:
        """Return the ways to meet what a solution of a group needs."""
        ways = [_Needs()]
        if group.name == "SubSelect":
            return ways
        certain: set[Var] = set()
        for part in group.part or []:
            if part.name == "TriplesBlock":
                for subject, path, value in _triples(part.triples):
                    ways = [one + _Needs(other) for one in ways for other in self._ways(subject, path, value)]
                    certain.update(slot for slot in (subject, value) if isinstance(slot, Var))
            elif part.name == "GroupOrUnionGraphPattern":
                ways = [one + other for one in ways for inner in part.graph for other in self._needs(inner)]
            elif part.name == "Bind" and isinstance(copied := _formula(part.expr), Var):
                ways = [one + _Needs(names=((Var(str(part.var)), copied),)) for one in ways]
        for part in group.part or []:
            if part.name == "Filter":
                read = (test for test in _tests(part.expr) if certain.issuperset(test.variables()))
                ways = [one + _Needs(tests=(test,)) for test in read for one in ways] or ways
        return ways

    def _ways(self, subject: Slot, path: Any, value: Slot) -> list[tuple[Pattern, ...]]:
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

    def _steps(self, subject: Slot, path: Any, value: Slot) -> Iterator[Pattern]:
        """Yield the statements that a path may go along; a node in between is a variable of its own."""
        if isinstance(path, InvPath):
            yield from self._steps(value, path.arg, subject)
        elif isinstance(path, AlternativePath):
            for one in path.args:
                yield from self._steps(subject, one, value)
        elif isinstance(path, SequencePath):
            ends = len(path.args) - 1
            for number, one in enumerate(path.args):
                # A step that may be left out lets its neighbours end elsewhere.
                yield from self._steps(
                    subject if number == 0 else self._node(), one, value if number == ends else self._node()
                )
        elif isinstance(path, MulPath):
            once = path.mod == "?"
            yield from self._steps(subject if once else self._node(), path.path, value if once else self._node())
        elif isinstance(path, PropertyPath):
            yield self._node(), self._node(), self._node()
        else:
            yield subject, _slot(path), value

    def _node(self) -> Var:
        self._fresh += 1
        return Var(f"between {self._fresh}")


@functools.lru_cache(maxsize=10_000)
def _plan(needs: _Needs, given: frozenset[Var]) -> _Plan:
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
    return None if isinstance(path, PropertyPath) else [((_slot(path), False),)]


def _core(ways: Sequence[_Needs]) -> _Needs:
    """Return what several ways have in common."""
    return _Needs(
        tuple(pattern for pattern in ways[0].patterns if all(pattern in other.patterns for other in ways)),
        tuple(test for test in ways[0].tests if all(test in other.tests for other in ways)),
    )


def _begins(view: View, plan: _Plan, known: Mapping[Var, Term], hits: dict[tuple[object, ...], bool]) -> bool:
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


def _met(view: View, plan: _Plan, known: Mapping[Var, Term]) -> bool:
    """Whether what a solution needs is met with some values, or may be: after many lookups that is left open."""
    budget = _BUDGET

    def search(at: int, values: Mapping[Var, Term]) -> bool:
        nonlocal budget
        if at == len(plan):
            return True
        pattern, tests = plan[at]
        subject, predicate, value = (values.get(slot) if isinstance(slot, Var) else slot for slot in pattern)
        if isinstance(subject, ox.Literal) or isinstance(predicate, ox.Literal):
            return False
        for triple in view.find(subject, predicate, value):
            budget -= 1
            if budget < 0:
                return True
            found = _unify(pattern, triple)
            if found is not None:
                complete = {**values, **found}
                if all(holds(test, complete) for test in tests) and search(at + 1, complete):
                    return True
        return False

    return search(0, known)


def _all_met(
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
        if number > _MANY:
            raise _TooManyError
        found = _unify(patterns[at], triple)
        if found is not None:
            rest = patterns[:at] + patterns[at + 1 :]
            for complete, others in _all_met(view, rest, tests, {**values, **found}):
                yield complete, (triple, *others)


def _variables(part: Any) -> frozenset[Var]:
    """Return every variable in a part of a query."""
    if isinstance(part, rdflib.Variable):
        return frozenset({Var(str(part))})
    if isinstance(part, CompValue):
        part = list(part.values())
    if isinstance(part, list) or type(part).__name__ in {"plist", "ParseResults"}:
        return frozenset().union(*(_variables(inner) for inner in part))
    return frozenset()


def _inner_groups(part: CompValue) -> Iterator[CompValue]:
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


def _cost(pattern: Pattern, values: Collection[Var]) -> int:
    """Guess how many statements a pattern finds: few of one thing, more of one value, most of a class."""
    there = [not isinstance(slot, Var) or slot in values for slot in pattern]
    if there[0]:
        return 0 if there[2] else 1 if there[1] else 2
    if not there[2]:
        return 8 if there[1] else 9
    return 5 if pattern[1] == TYPE else 4 if not isinstance(pattern[2], Var) else 3


def _join_names(group: Any) -> None:
    """Where a query gives a variable a second name (BIND), give it back its first one."""
    if group.name == "SubSelect":
        return
    for part in [part for part in group.part or [] if part.name == "Bind"]:
        first = _unwrapped(part.expr)
        if isinstance(first, rdflib.Variable):
            second = part.var
            group.part.remove(part)
            traverse(group, visitPost=lambda term, old=second, new=first: new if term == old else None)


def _certain(group: Any) -> frozenset[Var]:
    """Return the variables to which the patterns of a group, and nothing else in it, give a value in every solution."""
    found: set[Var] = set()
    for part in group.part or []:
        if part.name == "TriplesBlock":
            for triple in _triples(part.triples):
                found.update(slot for slot in triple if isinstance(slot, Var))
        elif part.name == "GroupOrUnionGraphPattern" and all(inner.name != "SubSelect" for inner in part.graph):
            found |= frozenset.intersection(*(_certain(inner) for inner in part.graph))
    # A blank node of the query is no variable that values can be given to.
    computed = {str(part.var) for part in group.part or [] if part.name == "Bind"}
    return frozenset(slot for slot in found if slot.name not in computed and " " not in slot.name)


def _triples(blocks: Iterable[Any]) -> Iterator[tuple[Slot, Any, Slot]]:
    """Yield the patterns of a block; what joins subject and object may be a path."""
    for block in blocks:
        terms = list(block)
        for subject, path, value in zip(terms[::3], terms[1::3], terms[2::3], strict=True):
            joined = Var(str(path)) if isinstance(path, rdflib.Variable) else path
            yield _slot(subject), joined, _slot(value)


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


def _tests(expression: Any) -> Iterator[Call]:
    """Yield what can be read of a test; of a conjunction every part."""
    expression = _unwrapped(expression)
    if isinstance(expression, CompValue) and expression.name == "ConditionalAndExpression":
        for part in (expression.expr, *expression.other):
            yield from _tests(part)
        return
    formula = _formula(expression)
    if isinstance(formula, Call):
        yield formula


def _unwrapped(expression: Any) -> Any:
    """Return an expression without the levels of the grammar that hold one part only."""
    while (
        isinstance(expression, CompValue)
        and expression.name.endswith("Expression")
        and expression.other is None
        and expression.op is None
    ):
        expression = expression.expr
    return expression


def _formula(expression: Any) -> Formula | None:
    expression = _unwrapped(expression)
    if isinstance(expression, rdflib.Variable | rdflib.URIRef | rdflib.Literal):
        return _slot(expression)
    if not isinstance(expression, CompValue):
        return None
    if expression.name == "RelationalExpression" and expression.op in _OPERATORS:
        left, right = _formula(expression.expr), _formula(expression.other)
        return Call(expression.op, (left, right)) if left is not None and right is not None else None
    function = expression.name.removeprefix("Builtin_")
    if function in _FUNCTIONS:
        inner = _formula(expression.arg)
        return Call(function, (inner,)) if inner is not None else None
    return None


def _slot(term: Any) -> Slot:
    if isinstance(term, Var):
        return term
    if isinstance(term, rdflib.Variable):
        return Var(str(term))
    if isinstance(term, rdflib.BNode):
        return Var(f"node {term}")
    if isinstance(term, rdflib.URIRef):
        return ox.NamedNode(str(term))
    if term.language:
        return ox.Literal(str(term), language=term.language)
    return ox.Literal(str(term), datatype=ox.NamedNode(str(term.datatype))) if term.datatype else ox.Literal(str(term))


def _unify(slots: Pattern, triple: ox.Triple) -> dict[Var, Term] | None:
    values: dict[Var, Term] = {}
    for slot, term in zip(slots, (triple.subject, triple.predicate, triple.object), strict=True):
        if not isinstance(term, ox.NamedNode | ox.Literal):
            return None
        if (values.setdefault(slot, term) if isinstance(slot, Var) else slot) != term:
            return None
    return values
