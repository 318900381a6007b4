"""Small changes of a store: statements come or go, and what follows from them.

In: a store, its rules, statements. Out: the store changed, and a :class:`Change`.
The decision hidden here: what follows is found from the change alone. New statements are joined with what there is
(semi-naive evaluation); what rested on a statement that is gone is taken back, and what follows without it is put back
(delete and rederive: Gupta, Mumick and Subrahmanian (1993), Maintaining views incrementally, SIGMOD). A statement has a
higher round than its premises, before and after, so every proof ends.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Iterable
from dataclasses import dataclass

import pyoxigraph as ox

from valueweave.layout import DERIVATIONS, INFERRED_GRAPH
from valueweave.problems import InputError, Problem
from valueweave.reasoning.differences import Derivation, Difference, Ledger, inferred_quads
from valueweave.reasoning.query_rules import QueryRules
from valueweave.reasoning.rulebook import RuleBook
from valueweave.reasoning.triggers import Triggers

__all__ = ["Change", "add", "remove"]

_Rules = tuple[Triggers, QueryRules]
_KNOWN: weakref.WeakKeyDictionary[RuleBook, _Rules] = weakref.WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Change:
    """What a change did to the statements that queries see.

    Attributes:
        added: how many statements there are that were not there, asserted or inferred.
        removed: how many are gone.
        inferred: how many of those added were inferred.
        seconds: how long it took.
    """

    added: int
    removed: int
    inferred: int
    seconds: float


def add(store: ox.Store, rules: RuleBook, quads: Iterable[ox.Quad]) -> Change:
    """Assert statements, each in its named graph, and add what follows.

    Args:
        store: a store with its closure; on an error it stays as it was.
        rules: the rules that its closure was made with.
        quads: statements about individuals; those that are asserted already change nothing.

    Raises:
        InputError: when a statement has a blank node, or stands in no graph for asserted statements; when a rule that
            is a query cannot be evaluated.

    >>> from valueweave.reasoning.rulebook import RuleText
    >>> rule = RuleText("back", "back.rq", '''#+ label: back
    ... #+ definition: What is linked is linked back.
    ... #+ layer: links
    ... CONSTRUCT { ?b <urn:q> ?a } WHERE { ?a <urn:p> ?b }''')
    >>> book, store = RuleBook.compile([], [rule]), ox.Store()
    >>> a, p, b = (ox.NamedNode(f"urn:{name}") for name in "apb")
    >>> change = add(store, book, [ox.Quad(a, p, b, ox.NamedNode("urn:graph"))])
    >>> change.added, change.inferred
    (2, 1)
    >>> remove(store, book, ox.NamedNode("urn:graph")).removed, len(store)
    (2, 0)
    """
    wanted = dict.fromkeys(quads)
    _refuse(wanted)
    return _change(store, rules, [quad for quad in wanted if quad not in store], [])


def remove(store: ox.Store, rules: RuleBook, what: ox.NamedNode | Iterable[ox.Quad]) -> Change:
    """Take back asserted statements, and what followed from them alone.

    Args:
        store: a store with its closure; on an error it stays as it was.
        rules: the rules that its closure was made with.
        what: a graph, all of whose statements go, or statements with their graphs. A statement that another graph
            asserts, too, or that follows from others, stays.

    Raises:
        InputError: as :func:`add`.
    """
    quads = store.quads_for_pattern(None, None, None, what) if isinstance(what, ox.NamedNode) else what
    wanted = dict.fromkeys(quads)
    _refuse(wanted)
    return _change(store, rules, [], [quad for quad in wanted if quad in store])


def _refuse(quads: Iterable[ox.Quad]) -> None:
    for quad in quads:
        graph = quad.graph_name
        if not isinstance(graph, ox.NamedNode) or graph.value == INFERRED_GRAPH or graph.value.startswith(DERIVATIONS):
            raise InputError(
                Problem("change-graph", "A statement comes or goes in the graph of a file.", "Name it.", term=str(quad))
            )
        if isinstance(quad.subject, ox.BlankNode) or isinstance(quad.object, ox.BlankNode | ox.Triple):
            raise InputError(
                Problem("blank-term", "A statement has a blank node.", "Give the thing an IRI.", term=str(quad))
            )


def _change(store: ox.Store, rules: RuleBook, added: list[ox.Quad], removed: list[ox.Quad]) -> Change:
    started = time.perf_counter()
    if rules not in _KNOWN:
        _KNOWN[rules] = Triggers(rules.strata), QueryRules(rules.queries)
    triggers, queries = _KNOWN[rules]
    writer = _Writer(store)
    if added or removed:
        # What follows from rules that are queries is set aside: no rule saw it but those that ran after them.
        beyond = queries.beyond(store)
        ledger = Ledger(store, added, removed, beyond)
        Difference(ledger, triggers).run()
        try:
            if queries:
                _with_queries(store, queries, triggers, ledger, beyond, writer)
            else:
                writer.write(*ledger.quads())
        except BaseException:
            writer.take_back()
            raise
        writer.drop_empty_graphs()
    came, gone = writer.net()
    asserted = {quad.triple for quad in added}
    return Change(len(came), len(gone), len(came - asserted), time.perf_counter() - started)


def _with_queries(
    store: ox.Store,
    queries: QueryRules,
    triggers: Triggers,
    ledger: Ledger,
    beyond: dict[ox.Triple, Derivation],
    writer: _Writer,
) -> None:
    """Write what the other rules changed, and what the rules that are queries conclude from it."""
    first = min((number for number, _ in beyond.values()), default=0)
    latest = max(queries.latest(store), *(number for number, _ in ledger.derived.values()), 0)
    touched = queries.touched(store, list(ledger.removed), gone=True)
    writer.write(*ledger.quads())
    touched |= queries.touched(store, list(ledger.added), gone=False)
    held = {triple: derivation for triple, derivation in beyond.items() if triple not in ledger.added}
    if not touched and not held:
        return
    if touched:  # the rules must not see what they concluded before
        writer.write({_plain(triple) for triple in held}, set())
    conclusions = queries.conclude(store, held, touched)
    after = Ledger(store, [], [], held)
    Difference(after, triggers).extend(conclusions, first if first > latest else latest + 1)
    out, into = after.quads()
    for triple, derivation in held.items():
        out.update((_plain(triple), *inferred_quads(triple, derivation)))
    writer.write(out, into)


def _plain(triple: ox.Triple) -> ox.Quad:
    return ox.Quad(triple.subject, triple.predicate, triple.object)


class _Writer:
    """Changes a store step by step, each in one go, and can take them back."""

    def __init__(self, store: ox.Store) -> None:
        self._store = store
        self._done: list[tuple[set[ox.Quad], set[ox.Quad]]] = []

    def write(self, out: set[ox.Quad], into: set[ox.Quad]) -> None:
        """Take quads out and put others in; what stands in both stays."""
        gone = {quad for quad in out - into if quad in self._store}
        come = {quad for quad in into if quad not in self._store}
        self._update(gone, come)
        self._done.append((gone, come))

    def _update(self, gone: set[ox.Quad], come: set[ox.Quad]) -> None:
        # One update is one transaction.
        parts = [
            f"{operation} DATA {{ {' '.join(map(_written, quads))} }}"
            for operation, quads in (("DELETE", gone), ("INSERT", come))
            if quads
        ]
        if parts:
            self._store.update(" ; ".join(parts))

    def take_back(self) -> None:
        """Leave the store as it was."""
        for gone, come in reversed(self._done):
            self._update(come, gone)

    def drop_empty_graphs(self) -> None:
        """Let the store forget graphs in which nothing is left."""
        for graph in {quad.graph_name for gone, _ in self._done for quad in gone}:
            if isinstance(graph, ox.NamedNode) and _is_empty(self._store, graph):
                self._store.remove_graph(graph)

    def net(self) -> tuple[set[ox.Triple], set[ox.Triple]]:
        """Return the statements of the default graph that came and those that went, all in all."""
        came: set[ox.Triple] = set()
        went: set[ox.Triple] = set()
        for gone, come in self._done:
            for quads, here, there in ((gone, went, came), (come, came, went)):
                for quad in quads:
                    if isinstance(quad.graph_name, ox.DefaultGraph):
                        (there.discard if quad.triple in there else here.add)(quad.triple)
        return came, went


def _written(quad: ox.Quad) -> str:
    if isinstance(quad.graph_name, ox.DefaultGraph):
        return f"{quad.triple} ."
    return f"GRAPH {quad.graph_name} {{ {quad.triple} }}"


def _is_empty(store: ox.Store, graph: ox.NamedNode) -> bool:
    return next(iter(store.quads_for_pattern(None, None, None, graph)), None) is None
