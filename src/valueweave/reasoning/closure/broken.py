"""Which checks a change of a store breaks.

In: a store with its closure, as it is after a change, and the change. Out: names of checks.
The decision hidden here: what a change breaks is found from the change alone. Each pattern of a check is met by what
came, or, under an absence, by what went, and the rest of the check is looked up around it (semi-naive evaluation).
Disjoint classes, by far the most of the checks, are compared thing by thing.
"""

from __future__ import annotations

import weakref
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator

import pyoxigraph as ox

from valueweave.reasoning.closure.matching import Values, matches
from valueweave.reasoning.closure.triggers import Triggers
from valueweave.reasoning.closure.views import Index, View
from valueweave.reasoning.rules.book import RuleBook
from valueweave.reasoning.rules.model import TYPE, Rule, Term, Var

__all__ = ["broken_by", "class_pair"]

_KNOWN: weakref.WeakKeyDictionary[RuleBook, _Checks] = weakref.WeakKeyDictionary()


def broken_by(
    store: ox.Store, rules: RuleBook, added: Collection[ox.Triple], removed: Collection[ox.Triple] = ()
) -> tuple[str, ...]:
    """Return the checks that find something after a change which they did not find before it.

    A check finds something where its conditions are met with certain values of their variables. What was contradictory
    before the change, with the same values, is not told again; a check that was broken and is broken in one more place,
    or in one more way, is told.

    Args:
        store: a store with its closure, after the change.
        rules: the rules of the store.
        added: statements of the default graph that were not there before the change, asserted and inferred.
        removed: statements that were there and are not any more.

    Returns:
        Names of checks, in the order of ``rules.checks``; pass them to
        :func:`valueweave.reasoning.proofs.contradictions.find_contradictions`.

    >>> from valueweave.reasoning.rules.book import RuleText
    >>> check = RuleText("check-circle", "check-circle.rq", '''#+ label: circle
    ... #+ definition: Nothing is part of its part.
    ... #+ layer: checks
    ... CONSTRUCT { ?a a <http://www.w3.org/2002/07/owl#Nothing> } WHERE { ?a <urn:in> ?b . ?b <urn:in> ?a }''')
    >>> one, within, other = (ox.NamedNode(f"urn:{name}") for name in ("one", "in", "other"))
    >>> store = ox.Store()
    >>> store.extend([ox.Quad(one, within, other), ox.Quad(other, within, one)])
    >>> broken_by(store, RuleBook.compile([], [check]), [ox.Triple(other, within, one)])
    ('check-circle',)
    """
    if rules not in _KNOWN:
        _KNOWN[rules] = _Checks(rules.checks)
    return _KNOWN[rules].broken(store, added, removed)


def class_pair(check: Rule) -> tuple[ox.NamedNode, ox.NamedNode] | None:
    """Return the two classes that a check wants nothing to be in both of, if that is all it asks for."""
    atoms = check.body.atoms
    if len(atoms) != 2 or not check.body.plain or atoms[0].subject != atoms[1].subject:
        return None
    one, other = atoms[0].object, atoms[1].object
    if any(atom.predicate != TYPE or not isinstance(atom.subject, Var) for atom in atoms):
        return None
    return (one, other) if isinstance(one, ox.NamedNode) and isinstance(other, ox.NamedNode) else None


class _Checks:
    """The checks of a rule book by what they ask for."""

    def __init__(self, checks: Iterable[Rule]) -> None:
        self._order: dict[str, int] = {}
        self._disjoint: dict[Term, dict[Term, list[str]]] = defaultdict(lambda: defaultdict(list))
        others: list[Rule] = []
        for check in checks:
            self._order.setdefault(check.name, len(self._order))
            pair = class_pair(check)
            if pair is None:
                others.append(check)
                continue
            for one, other in (pair, pair[::-1]):
                self._disjoint[one][other].append(check.name)
        self._triggers = Triggers([others])

    def broken(self, store: ox.Store, added: Collection[ox.Triple], removed: Collection[ox.Triple]) -> tuple[str, ...]:
        """Return the names of those that a change breaks."""
        came = Index(triple for triple in added if triple not in removed)
        went = Index(triple for triple in removed if triple not in added)
        after = View(store)
        before = View(store, (came,), went)
        found = set(self._both(after, came))
        for check, values in self._touched(before, after, came, went):
            if check.name not in found and _now(check, values, before):
                found.add(check.name)
        return tuple(sorted(found, key=self._order.__getitem__))

    def _both(self, after: View, came: Index) -> Iterator[str]:
        """Yield the checks of disjoint classes of which one thing came to be in both."""
        seen: dict[ox.Triple, None] = {
            triple: None for triple in came.find(None, TYPE, None) if triple.object in self._disjoint
        }
        for subject in dict.fromkeys(triple.subject for triple in seen):
            if not isinstance(subject, ox.NamedNode):
                continue
            classes = {triple.object for triple in after.find(subject, TYPE, None)}
            for new in came.find(subject, TYPE, None):
                if isinstance(new.object, ox.NamedNode) and new.object in classes:
                    others = self._disjoint.get(new.object, {})
                    for other in classes.intersection(others):
                        assert isinstance(other, ox.NamedNode)
                        yield from others[other]

    def _touched(
        self, before: View, after: View, came: Index, went: Index
    ) -> Iterator[tuple[Rule, Iterator[dict[Var, Term]]]]:
        """Yield checks, and the values with which the change may have met their conditions."""
        for triple in came:
            for check, number, values in self._triggers.conditions(0, triple):
                yield check, matches(after, check.body, values, number)
        for absent, triples in ((False, came), (True, went)):
            for triple in triples:
                for nested in self._triggers.nested(0, triple, absent=absent):
                    for values in nested.values((before, after), triple):
                        yield nested.rule, matches(after, nested.rule.body, values)


def _now(check: Rule, found: Iterable[Values], before: View) -> bool:
    """Whether the conditions of a check are met with values with which they were not met before."""
    return any(next(matches(before, check.body, values), None) is None for values in found)
