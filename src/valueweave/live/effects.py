"""What a SPARQL update comes to: quads to assert, quads to take back.

In: an update, a store with its closure. Out: :class:`Effect`.
The decision hidden here: of data and of templates with conditions the effect is asked of the store as it is; of
everything else it is the difference between the store and a copy on which the engine has run the update. What is
inserted without a graph goes into a graph of its own, so that it stays asserted when what it also follows from goes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pyoxigraph as ox

from valueweave.layout import DERIVATIONS, INFERRED_GRAPH, ONTOLOGY_GRAPH, UPDATES_GRAPH
from valueweave.live.surroundings import as_stored, is_asserted
from valueweave.live.update_text import Block, Operation, read_update
from valueweave.namespaces import ID, PREFIXES, shorten_iri
from valueweave.problems import InputError, Problem

__all__ = ["Effect", "effect_of", "resolve"]

_UPDATES = ox.NamedNode(UPDATES_GRAPH)
_DEFAULT = ox.DefaultGraph()
_ADD_TO_DEFAULT = re.compile(r"(ADD\b.*)\bDEFAULT$", re.IGNORECASE | re.DOTALL)


@dataclass
class Effect:
    """Quads that an update inserts and deletes; those of the default graph are in no graph yet.

    Attributes:
        inserts: what is inserted.
        deletes: what is deleted.
    """

    inserts: dict[ox.Quad, None] = field(default_factory=dict)
    deletes: dict[ox.Quad, None] = field(default_factory=dict)


def effect_of(text: str, store: ox.Store, scratch: Callable[[], ox.Store]) -> Effect:
    """Return what an update would do.

    Args:
        text: the update, checked.
        store: the store; it stays as it is.
        scratch: gives a copy of the store that may be changed.

    Raises:
        InputError: when it cannot be evaluated.
    """
    operations = read_update(text)
    try:
        if {operation.kind for operation in operations} in ({"insert"}, {"delete"}):
            return _data(operations)
        if len(operations) == 1 and _is_plain(operations[0]):
            return _templates(operations[0], store)
        if all(operation.kind in {"insert", "delete"} or _is_plain(operation) for operation in operations):
            return _sequence(operations, scratch())
        return _difference(operations, store, scratch())
    except (OSError, RuntimeError, ValueError) as error:
        problem = Problem("update-failed", f"The update cannot be evaluated: {error}.", "Change the update.")
        raise InputError(problem) from error


def resolve(effect: Effect, store: ox.Store) -> tuple[list[ox.Quad], list[ox.Quad]]:
    """Return the quads to assert and those to take back, each in its graph.

    Args:
        effect: what an update does.
        store: the store before it.

    Raises:
        InputError: with the code ``computed-graph`` when it changes what is computed, ``blank-node`` when it makes one.
    """
    come: dict[ox.Quad, None] = {}
    for quad in as_stored(effect.inserts):
        place = _UPDATES if quad.graph_name == _DEFAULT else quad.graph_name
        come[ox.Quad(quad.subject, quad.predicate, quad.object, place)] = None
    go: dict[ox.Quad, None] = {}
    for quad in as_stored(effect.deletes):
        if quad.graph_name == _DEFAULT:
            go.update(dict.fromkeys(_asserting(quad.triple, store)))
        elif quad in store:
            go[quad] = None
    for quad in (*come, *go):
        _refuse_computed(quad)
    for quad in come:
        if isinstance(quad.subject, ox.BlankNode) or isinstance(quad.object, ox.BlankNode | ox.Triple):
            raise InputError(
                Problem(
                    "blank-node",
                    "The update makes a blank node, and everything in this graph has an IRI of its own.",
                    "Give the thing an IRI below the id namespace.",
                    term=shorten_iri(quad.predicate.value),
                )
            )
    return [quad for quad in come if quad not in store], [quad for quad in go if quad not in come]


def _asserting(triple: ox.Triple, store: ox.Store) -> list[ox.Quad]:
    """Return the quads that assert a statement; none when it is inferred alone.

    Raises:
        InputError: when the ontology alone asserts it.
    """
    quads = list(store.quads_for_pattern(triple.subject, triple.predicate, triple.object, None))
    found = [quad for quad in quads if is_asserted(quad)]
    if not found:
        for quad in quads:
            if quad.graph_name == ox.NamedNode(ONTOLOGY_GRAPH):
                _refuse_computed(quad)
    return found


def _refuse_computed(quad: ox.Quad) -> None:
    if is_asserted(quad):
        return
    graph = getattr(quad.graph_name, "value", "")
    ontology = graph == ONTOLOGY_GRAPH
    raise InputError(
        Problem(
            "computed-graph",
            "Statements of the ontology are read from its files." if ontology else "What is inferred is computed.",
            "Change the files of the ontology, and build." if ontology else "Change what it follows from.",
            term=shorten_iri(graph) if graph.startswith((ONTOLOGY_GRAPH, INFERRED_GRAPH, DERIVATIONS)) else graph,
        )
    )


def _data(operations: Iterable[Operation]) -> Effect:
    """Return the effect of operations that all insert, or all delete, data."""
    effect = Effect()
    for operation in operations:
        # What data is, an empty store tells that is asked to insert it.
        told = ox.Store()
        written = re.sub(r"^DELETE", "INSERT", operation.text, flags=re.IGNORECASE)
        told.update(f"{operation.prologue} {written}", base_iri=ID, prefixes=PREFIXES)
        into = effect.inserts if operation.kind == "insert" else effect.deletes
        into.update(dict.fromkeys(told))
    return effect


def _sequence(operations: Iterable[Operation], copy: ox.Store) -> Effect:
    """Return the effect of operations, each of which sees what those before it did; the copy is changed."""
    total = Effect()
    for operation in operations:
        effect = _templates(operation, copy) if operation.kind == "modify" else _data([operation])
        come, go = resolve(effect, copy)
        for quads, mine, other in ((go, total.deletes, total.inserts), (come, total.inserts, total.deletes)):
            for quad in quads:
                if quad in other:
                    del other[quad]
                else:
                    mine[quad] = None
        for quad in go:
            copy.remove(quad)
        for triple in {quad.triple for quad in go}:
            parts = triple.subject, triple.predicate, triple.object
            if all(quad.graph_name == _DEFAULT for quad in copy.quads_for_pattern(*parts, None)):
                copy.remove(ox.Quad(*parts))
        copy.extend(come)
        copy.extend(ox.Quad(quad.subject, quad.predicate, quad.object) for quad in come)
    return total


def _is_plain(operation: Operation) -> bool:
    """Return whether the graphs of all templates are known before the conditions are looked at."""
    blocks = (*operation.deletes, *operation.inserts)
    return operation.kind == "modify" and not any((block.graph or "").startswith(("?", "$")) for block in blocks)


def _templates(operation: Operation, store: ox.Store) -> Effect:
    """Return the effect of one operation with conditions: each template is a CONSTRUCT query."""
    effect = Effect()
    using = re.sub(r"\bUSING\b", "FROM", operation.using, flags=re.IGNORECASE)
    if operation.within and not using:
        using = f"FROM {operation.within} {_every_graph(store)}"
    for blocks, into in ((operation.deletes, effect.deletes), (operation.inserts, effect.inserts)):
        for block in blocks:
            place = block.graph or operation.within
            query = f"{operation.prologue} CONSTRUCT {{ {block.text} }} {using} WHERE {operation.where}"
            answer = store.query(query, base_iri=ID, prefixes=PREFIXES)
            assert isinstance(answer, ox.QueryTriples)
            graph = _DEFAULT if place is None else _named(place, operation.prologue)
            into.update((ox.Quad(t.subject, t.predicate, t.object, graph), None) for t in answer)
    return effect


def _every_graph(store: ox.Store) -> str:
    """Return what lets a query with ``FROM`` see all named graphs still."""
    return " ".join(f"FROM NAMED {graph}" for graph in store.named_graphs() if isinstance(graph, ox.NamedNode))


def _named(written: str, prologue: str) -> ox.NamedNode:
    """Return the IRI of a graph as it is written."""
    told = ox.Store()
    told.update(f"{prologue} INSERT DATA {{ GRAPH {written} {{ <> <> <> }} }}", base_iri=ID, prefixes=PREFIXES)
    [graph] = told.named_graphs()
    assert isinstance(graph, ox.NamedNode)
    return graph


def _difference(operations: Sequence[Operation], store: ox.Store, copy: ox.Store) -> Effect:
    """Return what the engine does to a copy of a store."""
    copy.update(" ; ".join(_kept(operation) for operation in operations), base_iri=ID, prefixes=PREFIXES)
    before, after = (set((one.dump(format=ox.RdfFormat.N_QUADS) or b"").splitlines()) for one in (store, copy))
    inserts = [quad for quad in _read(after - before) if quad.graph_name != _DEFAULT]
    deletes = list(_read(before - after))
    # What was inserted without a graph stands in the graph of updates, too; what came into the default graph by
    # copying graphs does not.
    told = {quad.triple for quad in inserts if quad.graph_name == _UPDATES}
    inserts += [q for q in _read(after - before) if q.graph_name == _DEFAULT and q.triple not in told]
    return Effect(dict.fromkeys(inserts), dict.fromkeys(deletes))


def _kept(operation: Operation) -> str:
    """Return an operation that does to the graph of updates what it does to the default graph, too."""
    if operation.kind == "other" and (found := _ADD_TO_DEFAULT.match(operation.text)):
        return f"{operation.prologue} {operation.text} ; {found[1]}{_UPDATES}"
    if operation.within is not None or operation.kind == "other":
        return f"{operation.prologue} {operation.text}"
    deletes, inserts = _doubled(operation.deletes), _doubled(operation.inserts)
    if operation.kind == "insert":
        return f"{operation.prologue} INSERT DATA {{ {inserts} }}"
    if operation.kind == "delete":
        return f"{operation.prologue} DELETE DATA {{ {deletes} }}"
    templates = f"DELETE {{ {deletes} }} INSERT {{ {inserts} }}"
    return f"{operation.prologue} {templates} {operation.using} WHERE {operation.where}"


def _doubled(blocks: Sequence[Block]) -> str:
    more = [*blocks, *(Block(str(_UPDATES), block.text) for block in blocks if block.graph is None)]
    return " ".join(block.text if block.graph is None else f"GRAPH {block.graph} {{ {block.text} }}" for block in more)


def _read(lines: Iterable[bytes]) -> Iterator[ox.Quad]:
    return ox.parse(b"\n".join(lines), format=ox.RdfFormat.N_QUADS)
