"""What would follow if something were so: a contradiction, or another condition.

In: a store with its closure, its rules, a condition taken for granted. Out: :class:`World`, with :class:`Objection`.
The decision hidden here: the rules run forward from the assumption on top of the store, which stays as it is. A value
that must exist without being named is a new name; it may be one of the known things unless the assumption says
otherwise. Rules that ask for the absence of something are left out: an assumption is no reason to believe in absence.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import count

import pyoxigraph as ox

from valueweave.reasoning.assessment.definitions import TOP, is_datatype
from valueweave.reasoning.assessment.layer import Layer
from valueweave.reasoning.rules.book import RuleBook
from valueweave.reasoning.rules.conditions import unify
from valueweave.reasoning.rules.expressions import (
    And,
    Cardinality,
    ClassName,
    Expression,
    HasSelf,
    HasValue,
    Property,
    Some,
)
from valueweave.reasoning.rules.model import (
    TYPE,
    Atom,
    Body,
    Count,
    Key,
    Rule,
    Slot,
    Term,
    Var,
    atom_key,
    triple_keys,
)
from valueweave.reasoning.rules.unfolding import alternatives

__all__ = ["Assumptions", "Objection", "World"]

_NEW = "urn:valueweave:something:"
_ENOUGH = 2000
"""No assumption is followed further than so many statements; what was not found by then is not claimed."""


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
        self.by_condition: dict[Key, list[tuple[Rule, Atom, Body, tuple[Count, Body] | None]]] = defaultdict(list)
        for rule in (*book.compiled.rules, *book.checks):
            if rule.body.absent or rule.body.bindings:
                continue
            for atom in rule.body.atoms:
                rest = replace(rule.body, atoms=tuple(other for other in rule.body.atoms if other != atom))
                self.by_condition[atom_key(atom)].append((rule, atom, rest, None))
            for counted in rule.body.counts:
                for body in counted.alternatives:
                    for atom in body.atoms:
                        self.by_condition[atom_key(atom)].append((rule, atom, rule.body, (counted, body)))

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
        """Return what would follow from statement patterns; nothing more is known of what their variables are."""
        return World(self).imagine(atoms)


class World(Layer):
    """A store with assumptions on top.

    Attributes:
        objection: the first contradiction found.
        news: the names of values that were taken to exist.
    """

    def __init__(self, given: Assumptions) -> None:
        super().__init__(given.engine)
        self._rules = given.by_condition
        self._todo: list[ox.Triple] = []
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
        if triple in self._derived or ox.Quad(subject, link, value) in self._engine:
            return
        self._derived[triple] = rule, premises
        self._by_predicate[link.value].append(triple)
        self._todo.append(triple)

    def imagine(self, atoms: Iterable[Atom]) -> frozenset[Atom]:
        """Take patterns for granted and return what follows, with the same variables."""
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
                for rule, atom, rest, within in self._rules.get(key, ()):
                    self._apply(rule, atom, rest, within, triple)
                    if self.objection is not None:
                        return

    def _apply(self, rule: Rule, atom: Atom, rest: Body, within: tuple[Count, Body] | None, triple: ox.Triple) -> None:
        values = unify(atom, triple)
        if values is None:
            return
        starts: list[dict[Var, Term]] = [values]
        if within is not None:
            # What is counted has names of its own; the group is what the rule shares with it.
            counted, body = within
            groups = [{name: found[name] for name in counted.group} for found, _ in self.solve(body, values)]
            starts = [dict(start) for start in {tuple(group.items()): group for group in groups}.values()]
        for start in starts:
            for found, others in list(self.solve(rest, start)):
                premises = (triple, *others)
                if rule.is_check:
                    self.objection = self._against(rule, premises)
                    return
                head = rule.head.bind(found)
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
