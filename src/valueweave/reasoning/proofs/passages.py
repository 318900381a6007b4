"""The passages behind an asserted statement.

In: a store, a statement, the graphs that assert it. Out: :class:`~valueweave.reasoning.proofs.model.Passage` values.
The decision hidden here: which evidence of a record backs which of its statements. An item speaks for the graph it
stands in alone: what another file or an update says of the same record is not what the source says. One exception: an
item that names a property of which its own graph says nothing backs what the file that defines the record says. Items
that name the property go before those that back the whole record, and these before items that name other properties.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from collections.abc import Set as AbstractSet

import pyoxigraph as ox

from valueweave.layout import INFERRED_GRAPH, UPDATES_GRAPH
from valueweave.namespaces import SCE
from valueweave.reasoning.proofs.model import Passage
from valueweave.reasoning.rules.model import TYPE
from valueweave.values import whole_number

__all__ = ["passages"]

_HAS_EVIDENCE, _IN_SOURCE = ox.NamedNode(SCE + "hasEvidence"), ox.NamedNode(SCE + "inSource")


def passages(
    engine: ox.Store, triple: ox.Triple, graphs: Collection[str], updated: AbstractSet[ox.Quad] = frozenset()
) -> list[Passage]:
    """Return where the sources say what an asserted statement says, in the order of the sources.

    Args:
        engine: a store with its evidence in the graphs of the files that state it.
        triple: the statement.
        graphs: IRIs of the graphs that assert it; evidence in other graphs does not back it.
        updated: what updates have added to the graphs of files.
    """
    if not isinstance(triple.subject, ox.NamedNode):
        return []

    def by_update(said: ox.Triple, graph: str) -> bool:
        quad = ox.Quad(said.subject, said.predicate, said.object, ox.NamedNode(graph))
        return graph == UPDATES_GRAPH or quad in updated

    own = {name for name in graphs if not by_update(triple, name)}
    found: dict[str, Passage] = {}
    for passage, graph in _of_record(engine, triple):
        # Updates share graphs, with each other and with files: what one adds is backed by an item that one has brought
        # and that names the property, and such items back nothing else.
        brought = by_update(ox.Triple(triple.subject, _HAS_EVIDENCE, ox.NamedNode(passage.item)), graph.value)
        updates_own = brought and passage.scope == 0 and graph.value in graphs and graph.value not in own
        if updates_own or (graph.value in own and not brought):
            before = found.get(passage.item)
            found[passage.item] = passage if before is None or passage.scope < before.scope else before
    if not found and any(_states(engine, triple.subject, TYPE, ox.NamedNode(name)) for name in own):
        for passage, graph in _of_record(engine, triple):
            if passage.scope == 0 and not _states(engine, triple.subject, triple.predicate, graph):
                found[passage.item] = passage
    best = min((passage.scope for passage in found.values()), default=0)
    chosen = [passage for passage in found.values() if passage.scope == best]
    return sorted(chosen, key=lambda passage: (passage.source, passage.start, passage.item))


def _of_record(engine: ox.Store, triple: ox.Triple) -> Iterator[tuple[Passage, ox.NamedNode]]:
    """Yield the evidence items of the subject of a statement, each with the graph that states it."""
    for quad in engine.quads_for_pattern(triple.subject, _HAS_EVIDENCE, None, None):
        graph = quad.graph_name
        # What is inferred to be backed by an item is no statement of a file.
        if not isinstance(graph, ox.NamedNode) or graph.value.startswith(INFERRED_GRAPH):
            continue
        # An item that the graph names and does not describe leads to no source.
        if isinstance(quad.object, ox.NamedNode) and _states(engine, quad.object, _IN_SOURCE, graph):
            yield _passage(engine, quad.object, triple.predicate, graph), graph


def _states(engine: ox.Store, subject: ox.NamedNode, predicate: ox.NamedNode, graph: ox.NamedNode) -> bool:
    return next(engine.quads_for_pattern(subject, predicate, None, graph), None) is not None


def _passage(engine: ox.Store, item: ox.NamedNode, predicate: ox.NamedNode, graph: ox.NamedNode) -> Passage:
    values: dict[str, list[ox.NamedNode | ox.Literal]] = {}
    for quad in engine.quads_for_pattern(item, None, None, graph):
        if isinstance(quad.object, ox.NamedNode | ox.Literal):
            values.setdefault(quad.predicate.value.removeprefix(SCE), []).append(quad.object)
    supported = [value.value for value in values.get("supports", ())]

    def one(name: str) -> str:
        return values[name][0].value if name in values else ""

    def place(name: str) -> int:
        return next((number for value in values.get(name, ()) if (number := whole_number(value)) is not None), 0)

    return Passage(
        item.value,
        one("inSource"),
        one("section"),
        place("startOffset"),
        place("endOffset"),
        one("spanSha256"),
        one("hasEvidenceKind"),
        (0 if predicate.value in supported else 2) if supported else 1,
    )
