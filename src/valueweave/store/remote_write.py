"""A new version on a remote engine: staged beside what is there, then switched in.

In: quads and a manifest. Out: the manifest of the version that is now current.
The decision hidden here: the order. What goes and what comes is sent to graphs that nobody asks for; then one update
request takes out the one and puts in the other, if the version is still the one that all this began with. Whatever is
broken off before leaves graphs that the next change removes. Only differences travel, so that a version much like the
one before costs little.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from typing import Any

import pyoxigraph as ox

from valueweave.problems import InputError, Problem
from valueweave.store.remote import RemoteStore
from valueweave.store.remote_claims import claimed
from valueweave.store.remote_client import Client
from valueweave.store.remote_graphs import clear_leftovers, graph_sizes
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

__all__ = ["Stage", "switch_in", "version_name", "write_remote"]


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
    clear_leftovers(client)
    wanted = set(quads)
    graphs = {quad.graph_name.value for quad in wanted if isinstance(quad.graph_name, ox.NamedNode)}
    held = set() if before is None else _held(client, graphs)
    complete = {
        "built_at": datetime.now(UTC).isoformat(timespec="seconds"),
        **manifest,
        "counts": {**manifest.get("counts", {}), "quads": len(wanted)},
        "graphs": sorted(graphs),
    }
    return switch_in(client, complete, before=before, out=held - wanted, into=wanted - held)


def _held(client: Client, graphs: Collection[str]) -> set[ox.Quad]:
    """Return what lies in the closure and in graphs that are ours or are to be."""
    # What a switch that was broken off left behind is read as it is, and so mended.
    manifest = RemoteManifest(client).stored() or {}
    ours = sorted({*graphs, *manifest.get("graphs", ())})
    store = RemoteStore(client, {"graphs": ours})
    places: list[ox.NamedNode | ox.DefaultGraph] = [ox.DefaultGraph(), *map(ox.NamedNode, ours)]
    return {quad for place in places for quad in store.statements(graph=place)}


def switch_in(
    client: Client,
    manifest: Mapping[str, Any],
    *,
    before: str | None,
    out: Collection[ox.Quad],
    into: Collection[ox.Quad],
) -> dict[str, Any]:
    """Take quads out and put others in, and make that the current version, in one update request.

    Args:
        client: what speaks to the engine.
        manifest: of the new version; it gets a name where it has none.
        before: the version that must still be the current one.
        out: quads that go.
        into: quads that come.

    Returns:
        The manifest with ``version`` and ``previous``.

    Raises:
        InputError: as :func:`write_remote`.
    """
    complete = {"version": version_name(manifest["digest"]), **manifest, "previous": before}
    stage = Stage(client, complete["version"])
    if before is not None and len(out) + len(into) <= client.target.dialect.inline:
        stage.at_once(complete, before, out, into)
        return complete
    stage.begin()
    try:
        _check_ours(client, stage, before)
        stage.put(complete, out, into)
        stage.switch(before)
    finally:
        # What cannot be removed now the next build removes.
        with suppress(InputError):
            clear_leftovers(client)
    return complete


def version_name(digest: str) -> str:
    """Return a name for a version that no other has; builds of several machines do not know of each other."""
    return f"{digest[:12]}-{uuid.uuid4().hex[:8]}"


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

    def put(self, manifest: Mapping[str, Any], out: Iterable[ox.Quad], into: Iterable[ox.Quad]) -> None:
        """Stage what goes and what comes, and the manifest.

        Raises:
            InputError: when the engine cannot be written to, or holds less than was sent.
        """
        staged = self._graphs(manifest, out, into)
        for graph, lines in staged.items():
            self._client.add(graph, lines)
        sizes = graph_sizes(self._client)
        short = [graph for graph, lines in staged.items() if graph != self.mark and sizes.get(graph) != len(lines)]
        if short and self._client.target.dialect.keeps_forms:
            message = f"The engine does not hold all that was sent to it ({len(short)} graphs differ)."
            raise InputError(Problem("remote-failed", message, "See its log.", file=str(self._client.target)))

    def _graphs(
        self, manifest: Mapping[str, Any], out: Iterable[ox.Quad], into: Iterable[ox.Quad]
    ) -> dict[str, list[str]]:
        """Return what is staged, as lines of N-Triples by graph."""
        staged: dict[str, list[str]] = defaultdict(list)
        for way, quads in (("out", out), ("into", into)):
            for quad in quads:
                # A graph keeps its name, after that of the stage; what has none is the closure.
                named = isinstance(quad.graph_name, ox.NamedNode)
                place = f"{way}/{quad.graph_name.value}" if named else f"{way}-closure"  # type: ignore[union-attr]
                staged[self._base + place].append(_line(quad))
        staged[self.mark] = [f"<{self.mark}> {TEXT} {part} ." for part in written_in_parts(manifest)]
        return staged

    def at_once(
        self, manifest: Mapping[str, Any], before: str, out: Iterable[ox.Quad], into: Iterable[ox.Quad]
    ) -> None:
        """Stage a few statements, switch and clear up, all in one request.

        Raises:
            InputError: as :meth:`switch`.
        """
        staged = self._graphs(manifest, out, into)
        blocks = [f"GRAPH <{graph}> {{ {' '.join(lines)} }}" for graph, lines in staged.items()]
        opened = f'GRAPH <{self.mark}> {{ <{self.mark}> {STATE} "open" }}'
        drops = [f"DROP SILENT GRAPH <{graph}>" for graph in staged]
        self._carry_out([f"INSERT DATA {{ {opened} {' '.join(blocks)} }}", *self._operations(before), *drops])

    def _carry_out(self, operations: Iterable[str]) -> None:
        alone = self._client.target.dialect.atomic
        with nullcontext() if alone else claimed(self._client, self.version):
            self._client.update(" ;\n".join(operations))
            self._check_switched()

    def switch(self, before: str | None) -> None:
        """Take out and put in what was staged, in one request.

        Args:
            before: the version that must still be the current one.

        Raises:
            InputError: when another build was quicker, or the engine cannot be written to.
        """
        self._carry_out(self._operations(before))

    def _operations(self, before: str | None) -> list[str]:
        union = self._client.target.dialect.default_graph == "union"
        closure = f"GRAPH <{CLOSURE}> {{ ?s ?p ?o }}" if union else "?s ?p ?o"
        here = f'GRAPH <{MANIFEST}> {{ <{MANIFEST}> {VERSION} "{self.version}" }}'
        operations = [self._claim(before)]
        for verb, way in (("DELETE", "out"), ("INSERT", "into")):
            named = f"{self._base}{way}/"
            operations += [
                f"{verb} {{ {closure} }} WHERE {{ {here} GRAPH <{self._base}{way}-closure> {{ ?s ?p ?o }} }}",
                f"{verb} {{ GRAPH ?g {{ ?s ?p ?o }} }} WHERE {{ {here} GRAPH ?staged {{ ?s ?p ?o }} "
                f"FILTER(STRSTARTS(STR(?staged), '{named}')) BIND(IRI(STRAFTER(STR(?staged), '{named}')) AS ?g) }}",
            ]
        operations.append(
            f'DELETE {{ GRAPH <{MANIFEST}> {{ <{MANIFEST}> {STATE} "switching" }} }} '
            f'INSERT {{ GRAPH <{MANIFEST}> {{ <{MANIFEST}> {STATE} "current" }} }} WHERE {{ {here} }}'
        )
        return operations

    def _check_switched(self) -> None:
        if RemoteManifest(self._client).version() != self.version:
            message = "Another change of this store was quicker, or removed what this one had staged."
            raise InputError(Problem("store-busy", message, "Try again.", file=str(self._client.target)))

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
