"""What a change of the asserted statements does to what follows from them.

In: a store, statements that come and go, rules. Out: :class:`Ledger`, which says what to write.
The decision hidden here: delete and rederive, stratum by stratum, beside the store.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping

import pyoxigraph as ox

from valueweave.layout import DERIVATIONS, INFERRED_GRAPH
from valueweave.reasoning.closure.matching import Values, matches, members
from valueweave.reasoning.closure.triggers import Triggers
from valueweave.reasoning.closure.views import Index, View
from valueweave.reasoning.rules.model import Rule, Term, Var

__all__ = ["Derivation", "Difference", "Ledger", "inferred_quads"]

_INFERRED = ox.NamedNode(INFERRED_GRAPH)
_EVERYWHERE = ox.DefaultGraph()
Derivation = tuple[int, str]
"""The round in which a statement was inferred, and the name of the rule."""


def inferred_quads(triple: ox.Triple, derivation: Derivation) -> tuple[ox.Quad, ox.Quad]:
    """Return the quads that say that a statement was inferred, and how."""
    number, name = derivation
    graph = ox.NamedNode(f"{DERIVATIONS}{number}/{name}")
    parts = triple.subject, triple.predicate, triple.object
    return ox.Quad(*parts, _INFERRED), ox.Quad(*parts, graph)


class Ledger:
    """The statements before and after a change, and how each new one was inferred.

    Attributes:
        before: the closure before the change.
        after: the closure after it, as far as it is known.
        added: statements of ``after``; those that stand in ``removed``, too, were there with a lower round.
        removed: statements of ``before``.
        derived: how statements were inferred, of those that were inferred anew.
    """

    def __init__(
        self,
        store: ox.Store,
        added: Iterable[ox.Quad],
        removed: Iterable[ox.Quad],
        beyond: Collection[ox.Triple] = (),
    ) -> None:
        self._store = store
        self._come, self._go = dict.fromkeys(added), dict.fromkeys(removed)
        self.added, self.removed = Index(), dict[ox.Triple, None]()
        self.derived: dict[ox.Triple, Derivation] = {}
        self.before = View(store, (beyond,), Index())
        self.after = View(store, (beyond, self.removed), self.added)
        self._told: dict[ox.Triple, tuple[bool, Derivation | None]] = {}
        self._asserted_now = {quad.triple for quad in self._come}
        self._unasserted = {quad.triple for quad in self._go}
        for triple in self._asserted_now:
            if triple not in self.before:
                self.added.add(triple)
        for triple in self._unasserted:
            if not self.asserted(triple):
                self.removed[triple] = None

    def asserted(self, triple: ox.Triple) -> bool:
        """Whether a file asserts a statement after the change."""
        return triple in self._asserted_now or self._stored(triple)[0]

    def derivation(self, triple: ox.Triple) -> Derivation | None:
        """Return how the store says that a statement was inferred; ``None`` when it does not."""
        return self._stored(triple)[1]

    def _stored(self, triple: ox.Triple) -> tuple[bool, Derivation | None]:
        """Return whether a file of the store keeps asserting a statement, and how it was inferred."""
        if triple not in self._told:
            quads = list(self._store.quads_for_pattern(triple.subject, triple.predicate, triple.object, None))
            derived = min((one for quad in quads if (one := _derivation(quad)) is not None), default=None)
            self._told[triple] = any(_is_authored(quad) and quad not in self._go for quad in quads), derived
        return self._told[triple]

    def rank(self, triple: ox.Triple) -> int:
        """Return the round of a statement after the change, 0 when it is asserted."""
        if triple in self.derived:
            return self.derived[triple][0]
        if self.asserted(triple):
            return 0
        told = self.derivation(triple)
        return told[0] if told else 0

    def settle(self) -> None:
        """Let statements that were taken back and put back stay as they are, where nobody's proof depends on it."""
        for triple in [triple for triple in self.added if triple in self.removed]:
            told = self.derivation(triple)
            if told is not None and triple in self.derived and self.derived[triple][0] <= told[0]:
                self.added.discard(triple)
                del self.removed[triple]

    def quads(self) -> tuple[set[ox.Quad], set[ox.Quad]]:
        """Return what to take out of the store, and what to put in; what stands in both stays."""
        out, into = set(self._go), set(self._come)
        out.update(ox.Quad(triple.subject, triple.predicate, triple.object) for triple in self.removed)
        into.update(ox.Quad(triple.subject, triple.predicate, triple.object) for triple in self.added)
        for triple in {*self.removed, *self._asserted_now, *self.derived}:
            if (told := self.derivation(triple)) is not None:
                out.update(inferred_quads(triple, told))
        for triple, derivation in self.derived.items():
            into.update(inferred_quads(triple, derivation))
        return out, into

    def look_beyond(self, without: Collection[ox.Triple] = ()) -> None:
        """Look at all statements from now on, those set aside included.

        Args:
            without: what has to be concluded anew.
        """
        self.before = View(self._store)
        self.after = View(self._store, (without, self.removed), self.added)


def _is_authored(quad: ox.Quad) -> bool:
    graph = quad.graph_name
    return isinstance(graph, ox.NamedNode) and graph.value != INFERRED_GRAPH and not graph.value.startswith(DERIVATIONS)


def _derivation(quad: ox.Quad) -> Derivation | None:
    graph = quad.graph_name
    if not isinstance(graph, ox.NamedNode) or not graph.value.startswith(DERIVATIONS):
        return None
    number, _, name = graph.value.removeprefix(DERIVATIONS).partition("/")
    return int(number), name


class Difference:
    """Finds what a change adds and removes; the ledger holds what is found.

    Args:
        ledger: the change.
        triggers: the rules.
        layer: nothing goes but these statements; otherwise anything may go.
    """

    def __init__(self, ledger: Ledger, triggers: Triggers, layer: Collection[ox.Triple] | None = None) -> None:
        self._ledger, self._triggers, self._layer = ledger, triggers, layer

    def run(self) -> None:
        """Find everything that comes and goes."""
        for stratum in range(len(self._triggers.strata)):
            if self._ledger.removed or self._ledger.added:
                self._take_back(stratum)
                self._put_back(stratum)
                self._add_all(stratum)
                self._ledger.settle()

    def extend(self, conclusions: Mapping[str, Iterable[ox.Triple]], number: int) -> None:
        """Take in what rules outside have concluded, all in one round, and add what follows from it.

        Args:
            conclusions: statements by the name of the rule; of two rules with one conclusion the first has it.
            number: the round; every statement there is must be of an earlier one.
        """
        self.conclude(conclusions, number)
        for stratum in range(len(self._triggers.strata)):
            self._add_all(stratum)

    def conclude(self, conclusions: Mapping[str, Iterable[ox.Triple]], number: int) -> None:
        """Take in what rules outside have concluded, as :meth:`extend`, without what follows from it."""
        for name, triples in conclusions.items():
            for triple in triples:
                if triple not in self._ledger.after:
                    self._ledger.derived[triple] = number, name
                    self._ledger.added.add(triple)

    # -- what goes

    def _take_back(self, stratum: int) -> None:
        """Take back whatever rests, in one way or another, on what is gone or on the absence of what came."""
        ledger, before = self._ledger, self._ledger.before
        todo = deque(ledger.removed)
        for triple in list(ledger.added):
            for nested in self._triggers.nested(stratum, triple, absent=True):
                for values in nested.values((before, ledger.after), triple):
                    self._lose(nested.rule, matches(before, nested.rule.body, values), todo)
        while todo:
            triple = todo.popleft()
            for rule, number, values in self._triggers.conditions(stratum, triple):
                self._lose(rule, matches(before, rule.body, values, number), todo)
            for nested in self._triggers.nested(stratum, triple, absent=False):
                for values in nested.values((before,), triple):
                    self._lose(nested.rule, matches(before, nested.rule.body, values), todo)

    def _lose(self, rule: Rule, found: Iterable[Values], todo: deque[ox.Triple]) -> None:
        ledger = self._ledger
        for values in found:
            triple = _conclusion(rule, values)
            if (
                triple is not None
                and triple not in ledger.removed
                and (self._layer is None or triple in self._layer)
                and triple in ledger.before
                and not ledger.asserted(triple)
            ):
                ledger.removed[triple] = None
                todo.append(triple)

    def _put_back(self, stratum: int) -> None:
        """Put back what still follows, in another way."""
        ledger = self._ledger
        for triple in ledger.removed:
            if triple in ledger.added:
                continue
            for rule, values in self._triggers.makers(stratum, triple):
                met = next(matches(ledger.after, rule.body, values), None)
                if met is not None:
                    ledger.derived[triple] = self._round(rule, met), rule.name
                    ledger.added.add(triple)
                    break

    # -- what comes

    def _add_all(self, stratum: int) -> None:
        ledger, after = self._ledger, self._ledger.after
        todo = deque(ledger.added)
        for triple in [triple for triple in ledger.removed if triple not in ledger.added]:
            for nested in self._triggers.nested(stratum, triple, absent=True):
                for values in nested.values((ledger.before, after), triple):
                    self._gain(nested.rule, matches(after, nested.rule.body, values), todo)
        while todo:
            triple = todo.popleft()
            for rule, number, values in self._triggers.conditions(stratum, triple):
                self._gain(rule, matches(after, rule.body, values, number), todo)
            for nested in self._triggers.nested(stratum, triple, absent=False):
                for values in nested.values((after,), triple):
                    self._gain(nested.rule, matches(after, nested.rule.body, values), todo)

    def _gain(self, rule: Rule, found: Iterable[Values], todo: deque[ox.Triple]) -> None:
        ledger = self._ledger
        for values in found:
            triple = _conclusion(rule, values)
            if triple is not None and triple not in ledger.after:
                ledger.derived[triple] = self._round(rule, values), rule.name
                ledger.added.add(triple)
                todo.append(triple)

    def _round(self, rule: Rule, values: Values) -> int:
        """Return a round later than that of every premise."""
        ledger = self._ledger
        highest = max((ledger.rank(atom.bind(values).triple()) for atom in rule.body.atoms), default=0)
        for count in rule.body.counts:
            ranks = sorted(
                min(max((ledger.rank(premise) for premise in way), default=0) for way in ways)
                for ways in members(ledger.after, count, values).values()
            )
            highest = max(highest, ranks[count.minimum - 1])
        return highest + 1


def _conclusion(rule: Rule, values: Mapping[Var, Term]) -> ox.Triple | None:
    """Return what a rule concludes; ``None`` where a literal would be a subject."""
    head = rule.head.bind(values)
    return None if isinstance(head.subject, ox.Literal) else head.triple()
