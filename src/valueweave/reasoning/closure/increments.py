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
from dataclasses import dataclass, replace

import pyoxigraph as ox

from valueweave.layout import DERIVATIONS, INFERRED_GRAPH
from valueweave.problems import InputError, Problem
from valueweave.reasoning.closure.differences import Derivation, Difference, Ledger, inferred_quads
from valueweave.reasoning.closure.query_rules import QueryRules
from valueweave.reasoning.closure.triggers import Triggers
from valueweave.reasoning.rules.book import RuleBook
from valueweave.reasoning.rules.model import triple_keys

__all__ = ["Change", "Plan", "add", "plan", "prepare", "remove", "write"]

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


@dataclass(frozen=True, slots=True)
class Plan:
    """What a change takes out of a store and puts into it.

    Attributes:
        out: quads that are there and go, those of the default graph and of the inferred graphs included.
        into: quads that are not there and come.
        change: what that does.
    """

    out: frozenset[ox.Quad]
    into: frozenset[ox.Quad]
    change: Change

    def came(self) -> set[ox.Triple]:
        """Return the statements that queries see and did not see before."""
        return {quad.triple for quad in self.into if isinstance(quad.graph_name, ox.DefaultGraph)}

    def gone(self) -> set[ox.Triple]:
        """Return the statements that queries see no more."""
        return {quad.triple for quad in self.out if isinstance(quad.graph_name, ox.DefaultGraph)}


def add(store: ox.Store, rules: RuleBook, quads: Iterable[ox.Quad]) -> Change:
    """Assert statements, each in its named graph, and add what follows.

    Args:
        store: a store with its closure; on an error it stays as it was.
        rules: the rules that its closure was made with.
        quads: statements about individuals; those that are asserted already change nothing.

    Raises:
        InputError: when a statement has a blank node, or stands in no graph for asserted statements; when a rule that
            is a query cannot be evaluated.

    >>> from valueweave.reasoning.rules.book import RuleText
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
    return _change(store, rules, quads, ())


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
    return _change(store, rules, (), quads)


def plan(store: ox.Store, rules: RuleBook, added: Iterable[ox.Quad], removed: Iterable[ox.Quad]) -> Plan:
    """Find what a change does, without making it.

    Args:
        store: a store with its closure; of it only ``quads_for_pattern``, ``in`` and ``named_graphs`` are used.
        rules: the rules that its closure was made with.
        added: statements to assert, each in its named graph; those that are asserted already change nothing.
        removed: statements to take back, each out of its named graph; one that is added, too, stays.

    Raises:
        InputError: as :func:`add`.

    >>> book, store = RuleBook.compile([]), ox.Store()
    >>> a, p, b = (ox.NamedNode(f"urn:{name}") for name in "apb")
    >>> found = plan(store, book, [ox.Quad(a, p, b, ox.NamedNode("urn:graph"))], [])
    >>> len(found.into), found.change.added, len(store)
    (2, 1, 0)
    >>> write(store, found).startswith("INSERT DATA { ")
    True
    >>> len(store)
    2
    """
    started = time.perf_counter()
    come, go = dict.fromkeys(added), dict.fromkeys(removed)
    _refuse((*come, *go))
    go = dict.fromkeys(quad for quad in go if quad not in come and quad in store)
    come = dict.fromkeys(quad for quad in come if quad not in store)
    out: set[ox.Quad] = set()
    into: set[ox.Quad] = set()
    if come or go:
        triggers, queries = _rules(rules)
        # What follows from rules that are queries is set aside: no rule saw it but those that ran after them.
        beyond = queries.beyond(store)
        ledger = Ledger(store, come, go, beyond)
        Difference(ledger, triggers).run()
        out, into = _with_queries(store, queries, triggers, ledger, beyond) if queries else ledger.quads()
        out, into = {quad for quad in out - into if quad in store}, {quad for quad in into if quad not in store}
    came = {quad.triple for quad in into if isinstance(quad.graph_name, ox.DefaultGraph)}
    gone = sum(isinstance(quad.graph_name, ox.DefaultGraph) for quad in out)
    inferred = len(came - {quad.triple for quad in come})
    change = Change(len(came), gone, inferred, time.perf_counter() - started)
    return Plan(frozenset(out), frozenset(into), change)


def _change(store: ox.Store, rules: RuleBook, added: Iterable[ox.Quad], removed: Iterable[ox.Quad]) -> Change:
    started = time.perf_counter()
    found = plan(store, rules, added, removed)
    write(store, found)
    return replace(found.change, seconds=time.perf_counter() - started)


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


def prepare(rules: RuleBook) -> None:
    """Read the rules as changes need them, once for a process, so that its first change need not wait for that."""
    _rules(rules)


def _rules(rules: RuleBook) -> _Rules:
    if rules not in _KNOWN:
        _KNOWN[rules] = Triggers(rules.strata), QueryRules(rules.queries)
    return _KNOWN[rules]


def _with_queries(
    store: ox.Store,
    queries: QueryRules,
    triggers: Triggers,
    ledger: Ledger,
    beyond: dict[ox.Triple, Derivation],
) -> tuple[set[ox.Quad], set[ox.Quad]]:
    """Add to a change what the rules that are queries conclude from it; return what to take out and what to put in."""
    first = min((number for number, _ in beyond.values()), default=0)
    latest = max(queries.latest(store), *(number for number, _ in ledger.derived.values()), 0)
    held = {triple: derivation for triple, derivation in beyond.items() if triple not in ledger.added}
    concluded, dropped = queries.conclude(store, ledger, held)
    kept = [triple for triple, (_, name) in held.items() if name in queries.names and triple not in dropped]
    new: dict[str, list[ox.Triple]] = {name: [] for name in queries.names}
    for triple, name in concluded.items():
        if triple not in held:
            new[name].append(triple)
    keys = {key for triple in (*held, *concluded) for key in triple_keys(triple)}
    if first > latest and not triggers.wants_absent(keys):
        ledger.look_beyond()
        ledger.removed.update(dict.fromkeys(dropped))
        difference = Difference(ledger, triggers, held.keys() - set(kept))
        difference.conclude(new, first)
        difference.run()
        return ledger.quads()
    # All of it is drawn anew: in later rounds, or since what a rule wants absent may be among it.
    ledger.look_beyond(held)
    for triple in kept:
        new[held[triple][1]].append(triple)
    Difference(ledger, triggers).extend(new, max(first, latest + 1))
    out, into = ledger.quads()
    for triple, derivation in held.items():
        out.update((ox.Quad(triple.subject, triple.predicate, triple.object), *inferred_quads(triple, derivation)))
    return out, into


def write(store: ox.Store, plan: Plan) -> str:
    """Make a change that was planned for this store, in one go, and let it forget graphs in which nothing is left.

    Args:
        store: the store; it must not have changed since.
        plan: what to take out and put in.

    Returns:
        What was done, as a SPARQL update.
    """
    parts = [
        f"{operation} DATA {{ {' '.join(map(_written, quads))} }}"
        for operation, quads in (("DELETE", plan.out), ("INSERT", plan.into))
        if quads
    ]
    if parts:  # one update is one transaction
        store.update(" ; ".join(parts))
    for graph in {quad.graph_name for quad in plan.out}:
        if isinstance(graph, ox.NamedNode) and next(store.quads_for_pattern(None, None, None, graph), None) is None:
            store.remove_graph(graph)
            parts.append(f"DROP SILENT GRAPH {graph}")
    return " ;\n".join(parts)


def _written(quad: ox.Quad) -> str:
    if isinstance(quad.graph_name, ox.DefaultGraph):
        return f"{quad.triple} ."
    return f"GRAPH {quad.graph_name} {{ {quad.triple} }}"
