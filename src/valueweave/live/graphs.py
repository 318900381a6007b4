"""Changes of a graph as a whole, and of stores that hold plain RDF.

In: a draft, a graph, statements. Out: what comes and goes; a plain store is changed right away.
The decision hidden here: a store whose manifest tells of no rules has no closure, so that nothing follows from a change
and the engine may make it by itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Literal

import pyoxigraph as ox

from valueweave.live.cases import Applied, LiveCases
from valueweave.live.effects import Effect
from valueweave.namespaces import ID, PREFIXES, TermError, shorten_iri
from valueweave.problems import InputError, Problem
from valueweave.store.changing import Draft

__all__ = ["How", "change_of", "change_plain", "is_plain", "update_plain"]

How = Literal["replace", "merge", "remove"]
_DEFAULT = ox.DefaultGraph()


def is_plain(draft: Draft) -> bool:
    """Return whether a store holds RDF without a closure."""
    return "rules" not in draft.before


def change_of(draft: Draft, graph: str | None, triples: Iterable[ox.Triple], how: How) -> tuple[Effect, bool]:
    """Return what a change of a graph does in a store with a closure, and whether the graph is new.

    Raises:
        InputError: with the code ``computed-graph``, ``case-graph`` or ``unknown-graph``.
    """
    if graph is None:
        if how != "merge":
            raise InputError(
                Problem(
                    "computed-graph",
                    "The default graph holds all that is asserted and what follows from it.",
                    "Change the graph that asserts what is to go, or use SPARQL Update.",
                )
            )
        return Effect({ox.Quad(t.subject, t.predicate, t.object): None for t in triples}), False
    place = _graph_name(graph)
    for name, entry in LiveCases(draft.before).items():
        if entry.graph == graph:
            raise InputError(
                Problem(
                    "case-graph",
                    f"The graph holds the live case '{name}'.",
                    "Put or delete the case.",
                    term=shorten_iri(graph),
                )
            )
    there = dict.fromkeys(draft.engine.quads_for_pattern(None, None, None, place))
    if how == "remove":
        if not there:
            raise _unknown(graph)
        return Effect({}, there), False
    wanted = {ox.Quad(t.subject, t.predicate, t.object, place): None for t in triples}
    gone = {quad: None for quad in there if quad not in wanted} if how == "replace" else {}
    return Effect(wanted, gone), not there


def change_plain(draft: Draft, graph: str | None, triples: Sequence[ox.Triple], how: How, started: float) -> Applied:
    """Change a graph of a store that holds plain RDF.

    Raises:
        InputError: with the code ``unknown-graph``.
    """
    place = _DEFAULT if graph is None else _graph_name(graph)
    engine = draft.engine
    known = isinstance(place, ox.DefaultGraph) or engine.contains_named_graph(place)
    before = sum(1 for _ in engine.quads_for_pattern(None, None, None, place))
    if how == "remove" and not known:
        raise _unknown(graph or "")
    if how != "merge":
        engine.clear_graph(place) if isinstance(place, ox.DefaultGraph) or not known else engine.remove_graph(place)
    if how != "remove":
        if not isinstance(place, ox.DefaultGraph):
            engine.add_graph(place)
        engine.extend(ox.Quad(t.subject, t.predicate, t.object, place) for t in triples)
    after = sum(1 for _ in engine.quads_for_pattern(None, None, None, place))
    kept = before if how == "merge" else 0
    del engine  # whoever switches to a draft must hold it alone
    return _applied(draft, started, after - kept, before - kept, not known)


def update_plain(draft: Draft, text: str, started: float) -> Applied:
    """Carry out an update of a store that holds plain RDF; statements added are told less those removed.

    Raises:
        InputError: when it cannot be evaluated.
    """
    before = len(draft.engine)
    try:
        draft.engine.update(text, base_iri=ID, prefixes=PREFIXES)
    except (OSError, RuntimeError, ValueError) as error:
        problem = Problem("update-failed", f"The update cannot be evaluated: {error}.", "Change the update.")
        raise InputError(problem) from error
    more = len(draft.engine) - before
    return _applied(draft, started, max(more, 0), max(-more, 0), False)


def _applied(draft: Draft, started: float, added: int, removed: int, created: bool) -> Applied:
    counts = {**draft.before["counts"], "quads": len(draft.engine)}
    if "statements" in counts:
        counts["statements"] = sum(1 for _ in draft.engine.quads_for_pattern(None, None, None, _DEFAULT))
    version = draft.switch({"counts": counts})["version"]
    return Applied(version, created, added, removed, 0, time.perf_counter() - started)


def _graph_name(graph: str) -> ox.NamedNode:
    try:
        return ox.NamedNode(graph)
    except (ValueError, TermError) as error:
        raise InputError(Problem("bad-graph", f"'{graph[:200]}' is no IRI.", "Name the graph by its IRI.")) from error


def _unknown(graph: str) -> InputError:
    return InputError(
        Problem("unknown-graph", "There is no such graph.", "List the graphs to see their names.", term=graph)
    )
