"""The ways in which the conditions of a rule are met, found without SPARQL.

In: conditions, values of some variables, a view of a store. Out: values of all variables.
The decision hidden here: how a body is evaluated when a few of its values are known. The condition with the fewest open
places is looked up first; a store looks up some thousand statements in the time it takes to plan one query. Only tests
and computed values go through SPARQL, so that they mean what they mean there.
"""

from __future__ import annotations

import operator
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

import pyoxigraph as ox

from valueweave.namespaces import PREFIXES
from valueweave.reasoning.rules.conditions import where
from valueweave.reasoning.rules.model import TYPE, Atom, Body, Call, Count, Formula, Slot, Term, Var

__all__ = ["Statements", "Values", "holds", "matches", "members"]

Values = Mapping[Var, Term]
_CALCULATOR = ox.Store()
_OPEN = 9
_STRING = ox.NamedNode(PREFIXES["xsd"] + "string")
_COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


class Statements(Protocol):
    """Where statements are found."""

    def find(
        self, subject: ox.NamedNode | None, predicate: ox.NamedNode, value: Term | None
    ) -> Iterator[ox.Triple] | Sequence[ox.Triple]:
        """Find the statements with these parts."""


def matches(view: Statements, body: Body, values: Values, done: int | None = None) -> Iterator[dict[Var, Term]]:
    """Yield the values with which the conditions are met.

    Args:
        view: the statements there are.
        body: the conditions.
        values: values that some variables have already.
        done: the number of a statement pattern that is known to be met.

    >>> from valueweave.reasoning.closure.views import Index
    >>> a, p, b = (ox.NamedNode(f"urn:{name}") for name in "apb")
    >>> body = Body((Atom(Var("x"), p, Var("y")),), tests=(Call("!=", (Var("x"), Var("y"))),))
    >>> [str(found[Var("y")]) for found in matches(Index([ox.Triple(a, p, b), ox.Triple(a, p, a)]), body, {})]
    ['<urn:b>']
    """
    atoms = [atom for number, atom in enumerate(body.atoms) if number != done]
    if body.plain:
        yield from _atoms(view, atoms, dict(values))
        return
    for met in _atoms(view, atoms, dict(values)):
        for counted in _counts(view, body.counts, met):
            found = _bound(body, counted)
            if (
                found is not None
                and all(holds(test, found) for test in body.tests)
                and not any(next(matches(view, absent, found), None) is not None for absent in body.absent)
            ):
                yield found


def members(view: Statements, count: Count, values: Values) -> dict[Term, list[list[ox.Triple]]]:
    """Return, for each value that a count counts, the ways in which it counts: their statements."""
    inner = {variable: values[variable] for variable in count.group if variable in values}
    found: dict[Term, list[list[ox.Triple]]] = defaultdict(list)
    for alternative in count.alternatives:
        for met in matches(view, alternative, inner):
            found[met[count.counted]].append([atom.bind(met).triple() for atom in alternative.atoms])
    return found


def _value(slot: Slot, values: Values) -> Term | None:
    return values.get(slot) if isinstance(slot, Var) else slot


def _cost(atom: Atom, values: Values) -> int:
    """Guess how many statements a pattern finds: few of one thing, more of one value, most of a class."""
    subject, value = _value(atom.subject, values), _value(atom.object, values)
    if subject is not None:
        return 0 if value is not None else 1
    if value is None:
        return _OPEN
    if atom.predicate == TYPE:
        return 5
    return 2 if isinstance(atom.object, Var) else 4


def _atoms(view: Statements, atoms: list[Atom], values: dict[Var, Term]) -> Iterator[dict[Var, Term]]:
    if not atoms:
        yield values
        return
    best = min(range(len(atoms)), key=lambda number: _cost(atoms[number], values)) if len(atoms) > 1 else 0
    atom = atoms[best]
    rest = atoms[:best] + atoms[best + 1 :]
    subject, value = _value(atom.subject, values), _value(atom.object, values)
    if isinstance(subject, ox.Literal):
        return
    for triple in view.find(subject, atom.predicate, value):
        one, other = triple.subject, triple.object
        # A blank node is no value that a statement could be asked for again.
        if not isinstance(one, ox.NamedNode) or not isinstance(other, ox.NamedNode | ox.Literal):
            continue
        found = values
        if subject is None or value is None:
            found = dict(values)
            if isinstance(atom.subject, Var):
                found[atom.subject] = one
            if isinstance(atom.object, Var):
                if found.get(atom.object, other) != other:
                    continue
                found[atom.object] = other
        yield from _atoms(view, rest, found)


def _counts(view: Statements, counts: Sequence[Count], values: dict[Var, Term]) -> Iterator[dict[Var, Term]]:
    if not counts:
        yield values
        return
    count = counts[0]
    inner = {variable: values[variable] for variable in count.group if variable in values}
    still_open = [variable for variable in count.group if variable not in inner]
    groups: dict[tuple[Term, ...], set[Term]] = defaultdict(set)
    for alternative in count.alternatives:
        for met in matches(view, alternative, inner):
            groups[tuple(met[variable] for variable in still_open)].add(met[count.counted])
    for group, counted in groups.items():
        if len(counted) >= count.minimum:
            yield from _counts(view, counts[1:], {**values, **dict(zip(still_open, group, strict=True))})


def _bound(body: Body, values: dict[Var, Term]) -> dict[Var, Term] | None:
    """Return the values with the computed ones, ``None`` when one cannot be computed or is known to be another."""
    for variable, formula in body.bindings:
        binding = where(Body(bindings=((variable, formula),)), {v: t for v, t in values.items() if v != variable})
        answer = _CALCULATOR.query(f"SELECT {variable} WHERE {{ {binding} }}")
        assert isinstance(answer, ox.QuerySolutions)
        term = next(iter(answer))[0]
        if not isinstance(term, ox.NamedNode | ox.Literal) or values.get(variable, term) != term:
            return None
        values = {**values, variable: term}
    return values


def holds(test: Call, values: Values) -> bool:
    """Whether a test of values holds."""
    if test.operator in _COMPARISONS:
        left, right = (_plain(side, values) for side in test.arguments)
        if test.operator in {"=", "!="} and (isinstance(left, ox.NamedNode) or isinstance(right, ox.NamedNode)):
            if left is not None and right is not None:
                return (left == right) is (test.operator == "=")
        elif isinstance(left, str) and isinstance(right, str):
            return bool(_COMPARISONS[test.operator](left, right))
    answer = _CALCULATOR.query(f"ASK {{ {where(Body(tests=(test,)), values)} }}")
    assert isinstance(answer, ox.QueryBoolean)
    return bool(answer)


def _plain(side: Formula, values: Values) -> Term | str | None:
    """Return the value of one side of a test where it is plain to see: a text as such; ``None`` where it is not."""
    if isinstance(side, Call):
        inner = _plain(side.arguments[0], values) if len(side.arguments) == 1 else None
        if side.operator == "STR" and inner is not None:
            return inner if isinstance(inner, str) else inner.value
        if side.operator == "LANG" and isinstance(inner, ox.Literal):
            return inner.language or ""
        return "" if side.operator == "LANG" and isinstance(inner, str) else None
    term = values.get(side) if isinstance(side, Var) else side
    return term.value if isinstance(term, ox.Literal) and term.datatype == _STRING else term
