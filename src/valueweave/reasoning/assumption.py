"""What would follow if something were so: a contradiction, or another condition.

In: a store with its closure, its rules, a condition taken for granted. Out: :class:`World`, with :class:`Objection`.
The decision hidden here: the rules run forward from the assumption on top of the store, which stays as it is. A value
that must exist without being named is a new name; it may be one of the known things unless the assumption says
otherwise. Rules that ask for the absence of something are left out: an assumption is no reason to believe in absence.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count

import pyoxigraph as ox

from valueweave.reasoning.compiler import alternatives
from valueweave.reasoning.conditions import unify
from valueweave.reasoning.definitions import TOP, is_datatype
from valueweave.reasoning.expressions import And, Cardinality, ClassName, Expression, HasSelf, HasValue, Property, Some
from valueweave.reasoning.rulebook import RuleBook
from valueweave.reasoning.rules import (
    TYPE,
    Atom,
    Body,
    Call,
    Count,
    Formula,
    Key,
    Rule,
    Slot,
    Term,
    Var,
    atom_key,
    triple_keys,
)

__all__ = ["Assumptions", "Objection", "World"]

_NEW = "urn:valueweave:something:"
_ENOUGH = 2000
"""No assumption is followed further than so many statements: that nothing was found is then no proof, and none is claimed."""

Values = Mapping[Var, Term]


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a condition cannot be met.

    Attributes:
        rule: the check that would be violated.
        known: the statements that speak against it.
        through: the rules by which it was found, in the order of their use.
    """

    rule: Rule
    known: tuple[ox.Triple, ...]
    through: tuple[Rule, ...] = ()


class Assumptions:
    """Tries assumptions on a store.

    Args:
        engine: the store's engine; its default graph holds the closure.
        book: the rules the store was built with.
    """

    def __init__(self, engine: ox.Store, book: RuleBook) -> None:
        self.engine = engine
        self.by_condition: dict[Key, list[tuple[Rule, Atom, Count | None]]] = defaultdict(list)
        for rule in (*book.compiled.rules, *book.checks):
            if rule.body.absent or rule.body.bindings:
                continue
            for atom in rule.body.atoms:
                self.by_condition[atom_key(atom)].append((rule, atom, None))
            for counted in rule.body.counts:
                for body in counted.alternatives:
                    for atom in body.atoms:
                        self.by_condition[atom_key(atom)].append((rule, atom, counted))

    def world(self, member: Term, expression: Expression, *, copies: int = 1, unlike: Iterable[Term] = ()) -> World:
        """Return what follows if ``member`` were in ``expression``.

        Args:
            member: a thing.
            expression: the condition taken for granted; what cannot be stated without saying what it is of is left out.
            copies: for a condition on values, so many different ones.
            unlike: for a condition on values, known things that these are not.
        """
        made = World(self)
        made.assume(member, expression, copies, frozenset(unlike))
        made.close()
        return made

    def consequences(self, atoms: Iterable[Atom]) -> frozenset[Atom]:
        """Return what would follow from statement patterns, their variables standing for things of which nothing else is known."""
        return World(self).imagine(atoms)


class World:
    """A store with assumptions on top.

    Attributes:
        objection: the first contradiction found.
        news: the names of values that were taken to exist.
    """

    def __init__(self, given: Assumptions) -> None:
        self._given = given
        self._derived: dict[ox.Triple, tuple[Rule | None, tuple[ox.Triple, ...]]] = {}
        self._by_predicate: dict[str, list[ox.Triple]] = defaultdict(list)
        self._todo: list[ox.Triple] = []
        self._groups: dict[Term, tuple[int, frozenset[Term]]] = {}
        self._numbers = count(1)
        self.news: list[Term] = []
        self.objection: Objection | None = None

    # -- what is taken for granted

    def assume(
        self, member: Term, expression: Expression, copies: int = 1, unlike: frozenset[Term] = frozenset()
    ) -> None:
        """Take for granted that ``member`` is in ``expression``, as far as that is a matter of statements."""
        match expression:
            case ClassName(iri):
                if iri not in TOP and not is_datatype(iri):
                    self._add(member, TYPE, ox.NamedNode(iri), None, ())
            case And(parts):
                for part in parts:
                    self.assume(member, part)
            case HasValue(joined, value):
                self._join(joined, member, value)
            case HasSelf(joined):
                self._join(joined, member, member)
            case Cardinality("min" | "exactly", number, joined, filler) if number:
                self.assume(member, Some(joined, filler), number)
            case Some(joined, filler):
                group = next(self._numbers)
                for _ in range(copies):
                    value = ox.NamedNode(f"{_NEW}{next(self._numbers)}")
                    self._groups[value] = group, unlike
                    self.news.append(value)
                    self._join(joined, member, value)
                    self.assume(value, filler)

    def _join(self, joined: Property, subject: Term, value: Term) -> None:
        if joined.inverse:
            subject, value = value, subject
        self._add(subject, ox.NamedNode(joined.iri), value, None, ())

    def _add(
        self, subject: Slot, link: ox.NamedNode, value: Slot, rule: Rule | None, premises: tuple[ox.Triple, ...]
    ) -> None:
        if not isinstance(subject, ox.NamedNode) or isinstance(value, Var):
            return
        triple = ox.Triple(subject, link, value)
        if triple in self._derived or ox.Quad(subject, link, value) in self._given.engine:
            return
        self._derived[triple] = rule, premises
        self._by_predicate[link.value].append(triple)
        self._todo.append(triple)

    def imagine(self, atoms: Iterable[Atom]) -> frozenset[Atom]:
        """Take patterns for granted and return what follows, with the same variables; nothing where that is too much."""
        names: dict[Var, Term] = {}
        for atom in atoms:
            for variable in atom.variables():
                names.setdefault(variable, ox.NamedNode(f"{_NEW}{variable.name}"))
                self._groups[names[variable]] = 0, frozenset()
            bound = atom.bind(names)
            self._add(bound.subject, bound.predicate, bound.object, None, ())
        given = set(self._derived)
        self.close()
        variables = {str(term): variable for variable, term in names.items()}
        found = [triple for triple in self._derived if triple not in given]
        return frozenset(
            Atom(
                variables.get(str(one.subject), one.subject), one.predicate, variables.get(str(one.object), one.object)
            )
            for one in found
            if isinstance(one.subject, ox.NamedNode) and isinstance(one.object, ox.NamedNode | ox.Literal)
        )

    # -- what follows

    def close(self) -> None:
        """Draw every conclusion, up to the first contradiction."""
        while self._todo and self.objection is None and len(self._derived) < _ENOUGH:
            triple = self._todo.pop()
            for key in triple_keys(triple):
                for rule, atom, counted in self._given.by_condition.get(key, ()):
                    self._apply(rule, atom, counted, triple)
                    if self.objection is not None:
                        return

    def _apply(self, rule: Rule, atom: Atom, counted: Count | None, triple: ox.Triple) -> None:
        values = unify(atom, triple)
        if values is None:
            return
        if counted is not None:
            values = {variable: values[variable] for variable in counted.group if variable in values}
        for found, premises in list(self.solve(rule.body, values)):
            head = rule.head.bind(found)
            if rule.is_check:
                self.objection = self._against(rule, premises)
                return
            self._add(head.subject, head.predicate, head.object, rule, premises)

    def _against(self, rule: Rule, premises: tuple[ox.Triple, ...]) -> Objection:
        known: dict[ox.Triple, None] = {}
        through: dict[Rule, None] = {}
        todo = list(premises)
        seen: set[ox.Triple] = set()
        while todo:
            triple = todo.pop(0)
            if triple in seen:
                continue
            seen.add(triple)
            if triple not in self._derived:
                known[triple] = None
                continue
            step, below = self._derived[triple]
            if step is not None:
                through[step] = None
            todo.extend(below)
        return Objection(rule, tuple(known), tuple(reversed(through)))

    def holds(self, member: Term, expression: Expression) -> bool:
        """Return whether the statements of this world put ``member`` into ``expression``."""
        variable = Var("member")
        bodies = alternatives(variable, expression)
        return any(next(self.solve(body, {variable: member}), None) is not None for body in bodies)

    # -- conditions on store and assumptions together

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
        # The atom with the fewest open ends first.
        bound = [atom.bind(values) for atom in atoms]
        chosen = min(range(len(bound)), key=lambda number: sum(1 for _ in bound[number].variables()))
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
        for quad in self._given.engine.quads_for_pattern(subject, atom.predicate, value, ox.DefaultGraph()):
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
        if len(terms) == 2 and all(isinstance(term, ox.NamedNode) for term in terms):
            one, other = terms
            assert isinstance(one, ox.NamedNode)
            assert isinstance(other, ox.NamedNode)
            if test.operator == "!=":
                return self._different(one, other)
            if test.operator == "=":
                return one == other
        if any(term in self._groups for term in terms if isinstance(term, ox.NamedNode)):
            return False
        answer = self._given.engine.query(f"ASK {{ FILTER({_text(test, values)}) }}")
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
