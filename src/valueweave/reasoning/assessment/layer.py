"""Statements on top of a store: what holds of both together.

In: a store with its closure, further statements, names of things that are only taken to exist. Out: the ways in which
conditions are met.
The decision hidden here: when things with such names count as different. Those of one group are different from each
other, and from the known things that the group says; of all others nothing is claimed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

import pyoxigraph as ox

from valueweave.reasoning.rules.conditions import unify
from valueweave.reasoning.rules.model import TYPE, Atom, Body, Call, Count, Formula, Rule, Term, Var

__all__ = ["Layer", "Values"]

Values = Mapping[Var, Term]


class Layer:
    """Statements on top of a store, which stays as it is.

    Args:
        engine: the store's engine; its default graph holds the closure.
    """

    def __init__(self, engine: ox.Store) -> None:
        self._engine = engine
        self._derived: dict[ox.Triple, tuple[Rule | None, tuple[ox.Triple, ...]]] = {}
        self._by_predicate: dict[str, list[ox.Triple]] = defaultdict(list)
        self._groups: dict[Term, tuple[int, frozenset[Term]]] = {}

    def solve(self, body: Body, values: Values) -> Iterator[tuple[dict[Var, Term], tuple[ox.Triple, ...]]]:
        """Yield the values with which ``body`` holds here, with the statements that make it hold."""
        for found, premises in self._atoms(list(body.atoms), dict(values), ()):
            used = premises
            for counted in body.counts:
                members = self._members(counted, found)
                if members is None:
                    break
                used += tuple(triple for one in members for triple in one if triple not in used)
            else:
                if all(self._test(test, found) for test in body.tests):
                    yield found, used

    def _atoms(
        self, atoms: list[Atom], values: dict[Var, Term], premises: tuple[ox.Triple, ...]
    ) -> Iterator[tuple[dict[Var, Term], tuple[ox.Triple, ...]]]:
        if not atoms:
            yield values, premises
            return
        # The atom with the fewest open ends first; the members of a class are many.
        bound = [atom.bind(values) for atom in atoms]
        chosen = 0
        if len(bound) > 1:
            chosen = min(
                range(len(bound)),
                key=lambda number: (
                    sum(1 for _ in bound[number].variables()),
                    bound[number].predicate == TYPE and isinstance(bound[number].subject, Var),
                ),
            )
        rest = atoms[:chosen] + atoms[chosen + 1 :]
        for triple in self._matching(bound[chosen]):
            more = unify(bound[chosen], triple)
            if more is not None:
                yield from self._atoms(rest, {**values, **more}, (*premises, triple))

    def _matching(self, atom: Atom) -> Iterator[ox.Triple]:
        subject = None if isinstance(atom.subject, Var) else atom.subject
        value = None if isinstance(atom.object, Var) else atom.object
        if isinstance(subject, ox.Literal):
            return
        for quad in self._engine.quads_for_pattern(subject, atom.predicate, value, ox.DefaultGraph()):
            yield quad.triple
        for triple in list(self._by_predicate.get(atom.predicate.value, ())):
            if subject in (None, triple.subject) and value in (None, triple.object):
                yield triple

    def _members(self, counted: Count, values: Values) -> list[tuple[ox.Triple, ...]] | None:
        """Return for each thing counted the statements that make it count, ``None`` when there are too few."""
        inner = {variable: values[variable] for variable in counted.group if variable in values}
        found: dict[Term, tuple[ox.Triple, ...]] = {}
        for body in counted.alternatives:
            for solution, premises in self.solve(body, inner):
                found.setdefault(solution[counted.counted], premises)
        # New names of one assumption are different from each other; from known things only where it says so.
        best: list[Term] = [term for term in found if term not in self._groups]
        for group in {self._groups[term][0] for term in found if term in self._groups}:
            new = [term for term in found if term in self._groups and self._groups[term][0] == group]
            apart = [term for term in found if term not in self._groups and term in self._groups[new[0]][1]]
            best = max(best, [*apart, *new], key=len)
        return [found[term] for term in best] if len(best) >= counted.minimum else None

    def _test(self, test: Call, values: Values) -> bool:
        terms = [values.get(part) if isinstance(part, Var) else part for part in test.arguments]
        if test.operator == "!=" and len(terms) == 2 and any(isinstance(term, ox.NamedNode) for term in terms):
            one, other = terms
            if isinstance(one, ox.NamedNode | ox.Literal) and isinstance(other, ox.NamedNode | ox.Literal):
                return self._different(one, other)
        if any(term in self._groups for term in terms if isinstance(term, ox.NamedNode)):
            return False
        answer = self._engine.query(f"ASK {{ FILTER({_text(test, values)}) }}")
        return bool(answer)

    def _different(self, one: Term, other: Term) -> bool:
        first, second = self._groups.get(one), self._groups.get(other)
        if first is None and second is None:
            return one != other
        if first is not None and second is not None:
            return one != other and first[0] == second[0]
        return (second is not None and one in second[1]) or (first is not None and other in first[1])


def _text(formula: Formula, values: Values) -> str:
    if isinstance(formula, Call):
        parts = [_text(part, values) for part in formula.arguments]
        if formula.operator == "!":
            return f"(!{parts[0]})"
        if len(parts) == 2 and not formula.operator.isalnum():
            return f"({parts[0]} {formula.operator} {parts[1]})"
        return f"{formula.operator}({', '.join(parts)})"
    return str(values.get(formula, formula) if isinstance(formula, Var) else formula)
