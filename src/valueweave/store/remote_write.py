"""A new version on a remote engine: staged beside what is there, then switched in.

In: quads and a manifest. Out: the manifest of the version that is now current.
The decision hidden here: the order. Everything is sent to graphs that nobody asks for; then one update request takes
out what was there and puts in what was staged, if the version is still the one that the build began with. A build
that is broken off leaves graphs that the next one removes.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pyoxigraph as ox

from valueweave.problems import InputError, Problem
from valueweave.store.remote_client import Client
from valueweave.store.remote_manifest import (
    CLOSURE,
    MANIFEST,
    STAGING,
    STATE,
    TEXT,
    VERSION,
    RemoteManifest,
    select,
    written_in_parts,
)
from valueweave.store.remote_target import ENVIRONMENT
from valueweave.store.remote_text import write_term

__all__ = ["Stage", "count_quads", "write_remote"]

_COUNT = "SELECT (COUNT(*) AS ?n) WHERE {{ {} }}"


def write_remote(
    client: Client, quads: Iterable[ox.Quad], manifest: Mapping[str, Any], *, before: str | None
) -> dict[str, Any]:
    """Write ``quads`` as a new version and make it the current one.

    Args:
        client: what speaks to the engine.
        quads: what to store; the default graph holds each statement of the others once.
        manifest: must hold ``digest``; whatever else it holds is kept.
        before: the version that this one takes the place of, ``None`` when there is none yet.

    Returns:
        The manifest with ``version``, ``graphs``, ``previous``, ``counts`` and ``built_at`` added.

    Raises:
        InputError: when the engine cannot be written to, holds other things, or another build was quicker; what was
            there is there still.
    """
    stage = Stage(client, f"{manifest['digest'][:12]}-{uuid.uuid4().hex[:8]}")
    clear_leftovers(client)
    stage.begin()
    _check_ours(client, stage, before)
    try:
        named: dict[str, list[str]] = defaultdict(list)
        for quad in quads:
            if isinstance(quad.graph_name, ox.NamedNode):
                named[quad.graph_name.value].append(_line(quad))
        for graph, lines in named.items():
            stage.add(graph, lines)
        complete = {
            "built_at": datetime.now(UTC).isoformat(timespec="seconds"),
            **manifest,
            "version": stage.version,
            "previous": before,
            "graphs": sorted(named),
            "counts": {**manifest.get("counts", {}), "quads": stage.count()},
        }
        old = RemoteManifest(client).current_or_none()
        stage.switch(complete, before, [] if old is None else old["graphs"])
    finally:
        # What cannot be removed now the next build removes.
        with suppress(InputError):
            clear_leftovers(client)
    return complete


def count_quads(client: Client, graphs: Iterable[str]) -> int:
    """Return how many statements the closure and these graphs hold.

    Raises:
        InputError: when the engine does not answer.
    """
    union = client.target.dialect.default_graph == "union"
    closure = _COUNT.format(f"GRAPH <{CLOSURE}> {{ ?s ?p ?o }}" if union else "?s ?p ?o")
    by_graph = "SELECT ?g (COUNT(*) AS ?n) WHERE { GRAPH ?g { ?s ?p ?o } } GROUP BY ?g"
    known = set(graphs)
    found = [(_iri(row["g"]), _integer(row["n"])) for row in select(client, by_graph)]
    [row] = select(client, closure)
    return _integer(row["n"]) + sum(number for graph, number in found if graph in known)


def clear_leftovers(client: Client) -> None:
    """Remove what broken builds staged; one that runs still is told at its switch.

    Raises:
        InputError: when the engine cannot be written to.
    """
    found = {
        _iri(row["g"])
        for row in select(client, "SELECT DISTINCT ?g WHERE { GRAPH ?g { ?s ?p ?o } }")
        if _iri(row["g"]).startswith(STAGING)
    }
    # The mark goes first: without it what a build staged can no more be switched in.
    ordered = sorted(found, key=lambda graph: (not graph.endswith("/mark"), graph))
    for start in range(0, len(ordered), 100):
        client.update(" ;\n".join(f"DROP SILENT GRAPH <{graph}>" for graph in ordered[start : start + 100]))


def _check_ours(client: Client, stage: Stage, before: str | None) -> None:
    """Refuse an engine whose default graph is not what its dialect says, or holds things of others."""
    if client.target.dialect.default_graph == "union":
        return
    if select(client, f"SELECT * WHERE {{ <{stage.mark}> ?p ?o }} LIMIT 1"):
        message = "The engine's default graph shows what lies in named graphs, which its dialect does not tell."
        remedy = f"Name its dialect with {ENVIRONMENT}DIALECT, such as virtuoso, graphdb or qlever."
        raise InputError(Problem("remote-dialect", message, remedy, file=str(client.target)))
    if before is None and select(client, "SELECT * WHERE { ?s ?p ?o } LIMIT 1"):
        message = "The engine's default graph is not empty, and what it holds is no store."
        remedy = "Name an empty database with --store; a build takes the whole default graph."
        raise InputError(Problem("not-a-store", message, remedy, file=str(client.target)))


class Stage:
    """Graphs in which a version waits to be switched in.

    Attributes:
        version: its name.
        mark: the graph that says that it is being staged; whoever removes the stage removes it first.
    """

    def __init__(self, client: Client, version: str) -> None:
        self._client = client
        self.version = version
        self._base = f"{STAGING}{version}/"
        self.mark = self._base + "mark"

    def begin(self) -> None:
        """Say that something is being staged.

        Raises:
            InputError: when the engine cannot be written to.
        """
        self._client.update(f'INSERT DATA {{ GRAPH <{self.mark}> {{ <{self.mark}> {STATE} "open" }} }}')

    def add(self, graph: str, lines: Iterable[str]) -> None:
        """Stage statements, as lines of N-Triples, for a graph.

        Raises:
            InputError: when the engine cannot be written to.
        """
        self._client.add(self._base + "graph/" + graph, lines)

    def count(self) -> int:
        """Return how many statements the engine will hold after the switch, as it counts them itself.

        Raises:
            InputError: when the engine does not answer.
        """
        staged = f"GRAPH ?g {{ ?s ?p ?o }} FILTER(STRSTARTS(STR(?g), '{self._base}graph/'))"
        [named] = select(self._client, _COUNT.format(staged))
        [once] = select(self._client, _COUNT.format(f"{{ SELECT DISTINCT ?s ?p ?o WHERE {{ {staged} }} }}"))
        return _integer(named["n"]) + _integer(once["n"])

    def switch(self, manifest: Mapping[str, Any], before: str | None, graphs: Iterable[str]) -> None:
        """Take out what was there and put in what was staged, in one request.

        Args:
            manifest: of the new version.
            before: the version that must still be the current one.
            graphs: the named graphs of that version.

        Raises:
            InputError: when another build was quicker, or the engine cannot be written to.
        """
        union = self._client.target.dialect.default_graph == "union"
        self._client.add(self.mark, [f"<{self.mark}> {TEXT} {part} ." for part in written_in_parts(manifest)])
        closure = f"GRAPH <{CLOSURE}> {{ ?s ?p ?o }}" if union else "?s ?p ?o"
        here = f'GRAPH <{MANIFEST}> {{ <{MANIFEST}> {VERSION} "{self.version}" }}'
        staged = f"GRAPH ?staged {{ ?s ?p ?o }} FILTER(STRSTARTS(STR(?staged), '{self._base}graph/'))"
        old = " ".join(f"<{graph}>" for graph in graphs)
        operations = [
            self._claim(before),
            f"DELETE {{ {closure} }} WHERE {{ {here} {closure} }}",
            f"DELETE {{ GRAPH ?g {{ ?s ?p ?o }} }} WHERE {{ {here} VALUES ?g {{ {old} }} GRAPH ?g {{ ?s ?p ?o }} }}"
            if old
            else "",
            f"INSERT {{ GRAPH ?g {{ ?s ?p ?o }} }} WHERE {{ {here} {staged} "
            f"BIND(IRI(STRAFTER(STR(?staged), '{self._base}graph/')) AS ?g) }}",
            f"INSERT {{ {closure} }} WHERE {{ {here} {staged} }}",
            f'DELETE {{ GRAPH <{MANIFEST}> {{ <{MANIFEST}> {STATE} "switching" }} }} '
            f'INSERT {{ GRAPH <{MANIFEST}> {{ <{MANIFEST}> {STATE} "current" }} }} WHERE {{ {here} }}',
        ]
        self._client.update(" ;\n".join(operation for operation in operations if operation))
        now = RemoteManifest(self._client).version()
        if now != self.version:
            message = "Another build of this store was quicker, or removed what this one had staged."
            raise InputError(Problem("build-running", message, "Build again.", file=str(self._client.target)))

    def _claim(self, before: str | None) -> str:
        """Return the operation that makes this version the current one, if it may be."""
        about = f"<{MANIFEST}>"
        guard = (
            f"FILTER NOT EXISTS {{ GRAPH {about} {{ {about} {VERSION} ?any }} }}"
            if before is None
            else f'GRAPH {about} {{ {about} {VERSION} "{before}" }} GRAPH {about} {{ {about} ?x ?y }}'
        )
        taken = "" if before is None else f"DELETE {{ GRAPH {about} {{ {about} ?x ?y }} }} "
        return (
            f'{taken}INSERT {{ GRAPH {about} {{ {about} {VERSION} "{self.version}" ; {STATE} "switching" ; '
            f"{TEXT} ?text }} }} "
            f'WHERE {{ GRAPH <{self.mark}> {{ <{self.mark}> {STATE} "open" ; {TEXT} ?text }} {guard} }}'
        )


def _line(quad: ox.Quad) -> str:
    return f"{write_term(quad.subject)} {quad.predicate} {write_term(quad.object)} ."


def _iri(term: object) -> str:
    return term.value if isinstance(term, ox.NamedNode) else ""


def _integer(term: object) -> int:
    return int(term.value) if isinstance(term, ox.Literal) else 0
