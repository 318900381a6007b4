"""Which graphs an engine holds, how large they are, and which are of no use any more.

In: a client. Out: counts; leftovers removed.
The decision hidden here: how graphs are listed so that every engine does it quickly.
"""

from __future__ import annotations

from collections.abc import Iterable

import pyoxigraph as ox

from valueweave.store.remote_client import Client
from valueweave.store.remote_manifest import CLOSURE, STAGING, select

__all__ = ["clear_leftovers", "count_quads", "graph_sizes"]


def count_quads(client: Client, graphs: Iterable[str]) -> int:
    """Return how many statements the closure and these graphs hold.

    Raises:
        InputError: when the engine does not answer.
    """
    union = client.target.dialect.default_graph == "union"
    closure = f"GRAPH <{CLOSURE}> {{ ?s ?p ?o }}" if union else "?s ?p ?o"
    sizes = graph_sizes(client)
    [row] = select(client, f"SELECT (COUNT(*) AS ?n) WHERE {{ {closure} }}")
    return _integer(row["n"]) + sum(sizes.get(graph, 0) for graph in graphs)


def graph_sizes(client: Client) -> dict[str, int]:
    """Return how many statements each named graph holds."""
    # Counted by groups, and not "SELECT DISTINCT ?g", which takes Virtuoso 7.2 minutes.
    found = select(client, "SELECT ?g (COUNT(*) AS ?n) WHERE { GRAPH ?g { ?s ?p ?o } } GROUP BY ?g")
    return {_iri(row["g"]): _integer(row["n"]) for row in found}


def clear_leftovers(client: Client) -> None:
    """Remove what broken builds staged; one that runs still is told at its switch.

    Raises:
        InputError: when the engine cannot be written to.
    """
    found = [graph for graph in graph_sizes(client) if graph.startswith(STAGING)]
    # The mark goes first: without it what a build staged can no more be switched in.
    ordered = sorted(found, key=lambda graph: (not graph.endswith("/mark"), graph))
    for start in range(0, len(ordered), 100):
        client.update(" ;\n".join(f"DROP SILENT GRAPH <{graph}>" for graph in ordered[start : start + 100]))


def _iri(term: object) -> str:
    return term.value if isinstance(term, ox.NamedNode) else ""


def _integer(term: object) -> int:
    return int(term.value) if isinstance(term, ox.Literal) else 0
