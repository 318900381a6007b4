"""The conditions of a rule as a query on a store.

In: rules, values of variables. Out: SPARQL, and the statements that meet the conditions.
The decision hidden here: how a body is written in SPARQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

import pyoxigraph as ox

from valueweave.reasoning.rules.model import Atom, Body, Call, Count, Formula, Slot, Term, Var

__all__ = ["Engine", "group_members", "select", "solutions", "unify", "where"]

Values = Mapping[Var, Term]


class Engine(Protocol):
    """What evaluates SPARQL; the answer is read in the same thread."""

    def query(self, query: str) -> ox.QuerySolutions | ox.QueryBoolean | ox.QueryTriples:
        """Answer a query over the closure."""


def unify(atom: Atom, triple: ox.Triple) -> dict[Var, Term] | None:
    """Return the values with which ``atom`` is ``triple``, if there are any.

    >>> from valueweave.reasoning.rules.model import TYPE
    >>> unify(Atom(Var("x"), TYPE, Var("c")), ox.Triple(TYPE, TYPE, TYPE))[Var("x")] == TYPE
    True
    """
    if atom.predicate != triple.predicate:
        return None
    values: dict[Var, Term] = {}
    for slot, term in ((atom.subject, triple.subject), (atom.object, triple.object)):
        if not isinstance(term, ox.NamedNode | ox.Literal):
            return None
        known = values.get(slot) if isinstance(slot, Var) else slot
        if known is None:
            assert isinstance(slot, Var)
            values[slot] = term
        elif known != term:
            return None
    return values


def _slot(slot: Slot, values: Values) -> str:
    return str(values.get(slot, slot) if isinstance(slot, Var) else slot)


def _formula(formula: Formula, values: Values) -> str:
    if not isinstance(formula, Call):
        return _slot(formula, values)
    arguments = [_formula(argument, values) for argument in formula.arguments]
    if formula.operator == "!":
        return f"(!{arguments[0]})"
    if len(arguments) == 2 and not formula.operator.isalnum():
        return f"({arguments[0]} {formula.operator} {arguments[1]})"
    return f"{formula.operator}({', '.join(arguments)})"


def where(body: Body, values: Values) -> str:
    """Return the conditions as a group graph pattern, without its braces.

    Args:
        body: conditions.
        values: terms for variables that have one.
    """
    parts = [f"{_slot(atom.subject, values)} {atom.predicate} {_slot(atom.object, values)} ." for atom in body.atoms]
    parts += [_count(count, values) for count in body.counts]
    for variable, formula in body.bindings:
        text = _formula(formula, values)
        parts.append(f"FILTER({text} = {values[variable]})" if variable in values else f"BIND({text} AS {variable})")
    parts += [f"FILTER{_bracketed(_formula(test, values))}" for test in body.tests]
    parts += [f"FILTER NOT EXISTS {{ {where(absent, values)} }}" for absent in body.absent]
    return " ".join(parts)


def _bracketed(text: str) -> str:
    return text if text.startswith("(") else f"({text})"


def _count(count: Count, values: Values) -> str:
    # Variables inside are the group's own: only those of the group have the values they have outside.
    inner = {variable: values[variable] for variable in count.group if variable in values}
    alternatives = " UNION ".join(f"{{ {where(alternative, inner)} }}" for alternative in count.alternatives)
    open_group = [str(variable) for variable in count.group if variable not in inner]
    enough = f"(COUNT(DISTINCT {count.counted}) >= {count.minimum})"
    if open_group:
        shown = " ".join(open_group)
        return f"{{ SELECT {shown} WHERE {{ {alternatives} }} GROUP BY {shown} HAVING {enough} }}"
    return (
        f"{{ SELECT ({enough} AS {count.counted}_enough) WHERE {{ {alternatives} }} }} FILTER({count.counted}_enough)"
    )


def select(body: Body, values: Values, limit: int | None = None) -> str:
    """Return a query for the values with which the conditions are met."""
    return f"SELECT * WHERE {{ {where(body, values)} }}" + (f" LIMIT {limit}" if limit is not None else "")


def solutions(engine: Engine, body: Body, values: Values) -> Iterator[dict[Var, Term]]:
    """Yield the values with which the conditions are met, those of ``values`` included."""
    answer = engine.query(select(body, values))
    assert isinstance(answer, ox.QuerySolutions)
    names = [Var(variable.value) for variable in answer.variables]
    wanted = body.variables()
    for solution in answer:
        found = dict(values)
        for number, name in enumerate(names):
            term = solution[number]
            if name in wanted and isinstance(term, ox.NamedNode | ox.Literal):
                found[name] = term
        # A blank node is no value that a statement could be asked for again.
        if all(variable in found for variable in wanted):
            yield found


def group_members(
    engine: Engine, count: Count, values: Values, allowed: Callable[[ox.Triple], bool] | None = None
) -> list[list[ox.Triple]]:
    """Return, for each value that a count counts, the statements that make it count.

    Args:
        engine: what finds them.
        count: the count.
        values: terms for its group.
        allowed: says which statements may make a value count; otherwise all.
    """
    inner = {variable: values[variable] for variable in count.group if variable in values}
    members: dict[Term, list[ox.Triple]] = {}
    for alternative in count.alternatives:
        for found in solutions(engine, alternative, inner):
            way = list(_statements(alternative.atoms, found))
            if allowed is None or all(allowed(statement) for statement in way):
                members.setdefault(found[count.counted], way)
    return [members[term] for term in sorted(members, key=str)]


def _statements(atoms: Iterable[Atom], values: Values) -> Iterator[ox.Triple]:
    for atom in atoms:
        yield atom.bind(values).triple()
