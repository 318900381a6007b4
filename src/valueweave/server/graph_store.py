"""``/graph-store`` and ``/graph/...``: whole graphs, by the SPARQL 1.1 Graph Store HTTP Protocol: reading.

In: the name of a graph. Out: its statements in the format asked for.
The decision hidden here: a graph is read by a query of our own making, with the limits of any other query.
Source: SPARQL 1.1 Graph Store HTTP Protocol (W3C), sections 4 and 5.2.
"""

from __future__ import annotations

from typing import Any

import pyoxigraph as ox
from fastapi import APIRouter, Request
from fastapi.responses import Response

from valueweave.namespaces import GRAPH, shorten_iri
from valueweave.problems import Problem
from valueweave.server.answers import Asked, data_answer
from valueweave.server.catalogue import Catalogue
from valueweave.server.editions import Editions
from valueweave.server.errors import PROBLEM_JSON, ProblemError
from valueweave.server.models import ProblemDocument

__all__ = ["GRAPH_PARAMETERS", "graph_named", "graph_of", "graph_query", "graph_routes", "has_graph"]

_DEFAULT = "CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }"
_NAMED = "CONSTRUCT {{ ?s ?p ?o }} WHERE {{ GRAPH {graph} {{ ?s ?p ?o }} }}"
_GRAPHS = (
    *("text/turtle", "application/n-triples", "application/rdf+xml", "application/ld+json"),
    *("application/n-quads", "application/trig"),
)
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The statements of the graph", "content": {name: {} for name in _GRAPHS}},
    **{
        status: {"description": text, "model": ProblemDocument, "content": {PROBLEM_JSON: {}}}
        for status, text in {
            400: "The request names no graph, or more than one",
            404: "There is no such graph",
            406: "A graph cannot be written in a format that is asked for",
            503: "The answer takes too much, or nobody is free",
            504: "The answer takes too long",
        }.items()
    },
}
GRAPH_PARAMETERS: list[dict[str, Any]] = [
    {
        "name": "graph",
        "in": "query",
        "description": "The graph, by its IRI",
        "schema": {"type": "string"},
        "example": "https://w3id.org/valueweave/graph/case/jd-2007-2021",
    },
    {
        "name": "default",
        "in": "query",
        "description": "The default graph: ontology, asserted and inferred statements",
        "schema": {"type": "string"},
        "allowEmptyValue": True,
    },
]
"""What names a graph in an address."""


def graph_routes(editions: Editions) -> APIRouter:
    """Return the routes of whole graphs."""
    router = APIRouter(tags=["SPARQL"])

    @router.get(
        "/graph-store",
        summary="A whole graph",
        responses=_RESPONSES,
        openapi_extra={"parameters": GRAPH_PARAMETERS},
        response_class=Response,
    )
    def by_name(request: Request) -> Response:
        """Return the graph named by `graph=IRI`, or by `default` the default graph."""
        return _answer(request, editions.current().catalogue, graph_named(request))

    @router.get(
        "/graph/{path:path}", summary="A whole graph by its own address", responses=_RESPONSES, response_class=Response
    )
    def by_address(request: Request, path: str) -> Response:
        """Return the graph that has this path below the graphs' namespace, such as `case/jd-2007-2021`."""
        return _answer(request, editions.current().catalogue, graph_of(GRAPH + path))

    return router


def graph_named(request: Request) -> ox.NamedNode | None:
    """Return the graph that the address of a request names, ``None`` for the default graph.

    Raises:
        ProblemError: 400 when it names none or several, or one by what is no IRI.
    """
    named = request.query_params.getlist("graph")
    default = "default" in request.query_params
    if len(named) + default != 1:
        remedy = "Write '?graph=IRI' or '?default'."
        raise ProblemError(400, Problem("graph-missing", "The request does not name one graph.", remedy))
    return None if default else graph_of(named[0])


def graph_of(name: str) -> ox.NamedNode:
    """Return the graph of this name.

    Raises:
        ProblemError: 400 when it is no IRI.
    """
    try:
        return ox.NamedNode(name)
    except ValueError as error:
        problem = Problem("graph-iri", f"'{name}' is no IRI.", "Name a graph by its full IRI.", term="graph")
        raise ProblemError(400, problem) from error


def graph_query(graph: ox.NamedNode | None) -> str:
    """Return the query for the statements of a graph.

    >>> graph_query(ox.NamedNode("urn:g"))
    'CONSTRUCT { ?s ?p ?o } WHERE { GRAPH <urn:g> { ?s ?p ?o } }'
    """
    return _DEFAULT if graph is None else _NAMED.format(graph=graph)


def has_graph(catalogue: Catalogue, graph: ox.NamedNode | None) -> bool:
    """Return whether there is such a graph; the default graph is always there."""
    if graph is None or next(catalogue.store.statements(graph=graph), None) is not None:
        return True
    # A graph may be empty, and yet be there.
    return graph.value in catalogue.store.graphs()


def _answer(request: Request, catalogue: Catalogue, graph: ox.NamedNode | None) -> Response:
    if not has_graph(catalogue, graph):
        assert graph is not None
        known = ", ".join(list(catalogue.statistics.graphs)[:5])
        remedy = f"There are {known}, ..." if known else "There is none yet."
        message = f"There is no graph {shorten_iri(graph.value)}."
        raise ProblemError(404, Problem("unknown-graph", message, remedy, term=graph.value))
    accept = request.query_params.get("format") or request.headers.get("accept")
    return data_answer(request, catalogue, Asked(graph_query(graph)), accept)
