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
from valueweave.reasoning.differences import Difference, Ledger
from valueweave.reasoning.query_rules import Queries
from valueweave.reasoning.rulebook import RuleBook
from valueweave.reasoning.triggers import Triggers

__all__ = ["Change", "add", "remove"]

_KNOWN: weakref.WeakKeyDictionary[RuleBook, tuple[Triggers, Queries]] = weakref.WeakKeyDictionary()


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
        _KNOWN[rules] = Triggers(rules.strata), Queries(rules.queries)
    triggers, queries = _KNOWN[rules]
    # What follows from rules that are queries is set aside: they saw none of it when they ran.
    beyond = queries.conclusions(store)
    ledger = Ledger(store, added, removed, beyond)
    difference = Difference(ledger, triggers)
    difference.run()
    touched = queries.touched_before(store, ledger)
    done: list[str] = []
    try:
        if queries:
            if not beyond and not touched and not queries.may_touch(ledger):
                done += _apply(store, ledger.update())
            else:
                done += queries.settle(store, ledger, triggers, touched, _apply)
        else:
            done += _apply(store, ledger.update())
    except BaseException:
        for text in reversed(done):
            store.update(text)
        raise
    raise NotImplementedError
