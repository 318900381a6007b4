"""``/sparql``: the SPARQL 1.1 Protocol, a description of the service, and a form for people.

In: requests of the protocol. Out: answers in the format asked for; what an update changed.
The decision hidden here: what a browser sees at the same address.
"""

from __future__ import annotations

from typing import Any

import pyoxigraph as ox
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from valueweave.problems import InputError
from valueweave.server.answers import Asked, data_answer, kept_headers, view
from valueweave.server.caching import freshness
from valueweave.server.catalogue import Catalogue
from valueweave.server.description import DESCRIPTION_PREFIXES, service_description
from valueweave.server.editions import Editions
from valueweave.server.errors import PROBLEM_JSON, problem_document
from valueweave.server.models import ProblemDocument
from valueweave.server.negotiation import wants_page
from valueweave.server.nesting import check_nesting
from valueweave.server.protocol import (
    UPDATE,
    SparqlRequest,
    UpdateAsked,
    from_address,
    from_body,
    media_type_of,
    read_body,
)
from valueweave.server.settings import Settings
from valueweave.server.templating import page
from valueweave.server.writing import SECURITY, WRITING_REFUSALS, Writing
from valueweave.server.writing_models import change_answer
from valueweave.store import negotiate

__all__ = ["EXAMPLE", "sparql_routes"]

EXAMPLE = """\
SELECT ?case ?stage ?name ?from ?to WHERE {
  ?case a sce:Case ; sce:includes ?stage .
  ?stage a sce:Stage ; rdfs:label ?name .
  OPTIONAL { ?stage sce:startYear ?from }
  OPTIONAL { ?stage sce:endYear ?to }
  FILTER(LANG(?name) = "en")
}
ORDER BY ?case ?from
"""
"""The query that the form shows first."""

_RESULTS: dict[str, dict[str, Any]] = {
    name: {}
    for name in (
        "application/sparql-results+json",
        "application/sparql-results+xml",
        "text/csv",
        "text/tab-separated-values",
        "text/turtle",
        "text/n3",
        "application/n-triples",
        "application/rdf+xml",
        "application/ld+json",
        "application/n-quads",
        "application/trig",
        "text/html",
    )
}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The answer, in the format asked for", "content": _RESULTS},
    304: {"description": "The asker holds this answer already (`If-None-Match`)"},
    **{
        status: {"description": text, "model": ProblemDocument, "content": {PROBLEM_JSON: {}}}
        for status, text in {
            400: "The query does not parse (with line and column), or the request is not as the protocol says",
            403: "The query calls another service",
            406: "The answer cannot be written in a format that is asked for",
            503: "The answer takes too much, or nobody is free (`Retry-After`)",
            504: "The answer takes too long",
        }.items()
    },
}
_BY_ADDRESS: dict[int | str, dict[str, Any]] = {
    **_RESPONSES,
    414: {"description": "The query is too long for an address", "model": ProblemDocument},
}
_BY_BODY: dict[int | str, dict[str, Any]] = {
    **WRITING_REFUSALS,
    **_RESPONSES,
    200: {
        "description": "The answer, in the format asked for; or what an update changed",
        "content": {**_RESULTS, "application/json": {"schema": {"$ref": "#/components/schemas/ChangeReport"}}},
    },
    403: {
        "description": "The text calls another service or loads a document, or nobody may write here or there",
        "model": ProblemDocument,
    },
    415: {
        "description": "The body is neither a form nor a query nor an update, or not in UTF-8",
        "model": ProblemDocument,
    },
}


def _parameter(name: str, description: str, example: str, *, several: bool = False) -> dict[str, Any]:
    text = {"type": "string"}
    schema = {"type": "array", "items": text} if several else text
    return {"name": name, "in": "query", "description": description, "schema": schema, "example": example}


_DATASET = [
    _parameter(
        "default-graph-uri",
        "Graphs to take as the default graph",
        "https://w3id.org/valueweave/graph/case/jd-2007-2021",
        several=True,
    ),
    _parameter(
        "named-graph-uri", "Graphs that `GRAPH` sees", "https://w3id.org/valueweave/graph/inferred", several=True
    ),
    _parameter(
        "format",
        "Short name of a format (json, xml, csv, tsv, turtle, n3, ntriples, rdfxml, jsonld, nquads, trig, html)",
        "csv",
    ),
]
_GET = {
    "parameters": [_parameter("query", "The query; its prefixes need no PREFIX line", "ASK { ?s ?p ?o }"), *_DATASET]
}
_USING = [
    _parameter("using-graph-uri", "Of an update: graphs to take as the default graph", "urn:example:a", several=True),
    _parameter("using-named-graph-uri", "Of an update: graphs that `GRAPH` sees", "urn:example:b", several=True),
]
_POST = {
    # Queries need no token, updates do.
    "security": [{}, *SECURITY],
    "parameters": [*_DATASET, *_USING],
    "requestBody": {
        "required": True,
        "content": {
            "application/sparql-query": {"schema": {"type": "string"}, "example": "SELECT * { ?s a sce:Stage }"},
            "application/sparql-update": {
                "schema": {"type": "string"},
                "example": "INSERT DATA { <urn:example:a> rdfs:seeAlso <urn:example:b> }",
            },
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "properties": {"query": {"type": "string"}, "update": {"type": "string"}},
                    "minProperties": 1,
                }
            },
        },
    },
}


def sparql_routes(editions: Editions, settings: Settings, writing: Writing) -> APIRouter:
    """Return the routes of the endpoint."""
    router = APIRouter(tags=["SPARQL"])

    async def body(request: Request) -> bytes:
        if media_type_of(request)[0] == UPDATE or writing.allows(request):
            return await writing.body(request)
        return await read_body(request, settings.max_query_bytes)

    # "def", not "async def": a query runs in a worker thread, so that others need not wait for it.
    @router.get("/sparql", summary="Ask a query", responses=_BY_ADDRESS, openapi_extra=_GET, response_class=Response)
    def ask_by_address(request: Request) -> Response:
        """Answer a SELECT, ASK, CONSTRUCT or DESCRIBE query; without a query, describe the service."""
        wanted = from_address(request, settings.max_query_bytes)
        return _answer(request, wanted, editions.current().catalogue, settings, writing)

    @router.post(
        "/sparql",
        summary="Ask a (long) query, or update",
        responses=_BY_BODY,
        openapi_extra=_POST,
        response_class=Response,
    )
    def ask_by_body(request: Request, content: bytes = Depends(body)) -> Response:
        """Answer a query, or make an update: sent as a form or as the body itself."""
        wanted = from_body(request, content)
        if wanted.update is not None:
            return _updated(request, wanted.update, writing)
        return _answer(request, wanted, editions.current().catalogue, settings, writing)

    return router


def _updated(request: Request, asked: UpdateAsked, writing: Writing) -> Response:
    writer = writing.authorized(request)
    check_nesting(asked.text)
    applied = writer.make("update", text=asked.text, using_default=asked.using_default, using_named=asked.using_named)
    return change_answer(applied)


def _answer(
    request: Request, wanted: SparqlRequest, catalogue: Catalogue, settings: Settings, writing: Writing
) -> Response:
    accept = request.headers.get("accept")
    for_people = wants_page(accept, wanted.format)
    if wanted.asked is None:
        if for_people:
            return _form(request, catalogue, settings, writing)
        return _description(request, catalogue, wanted.format or accept, writing.allows(request))
    if for_people:
        return _page(request, wanted.asked, catalogue, settings, writing)
    return data_answer(request, catalogue, wanted.asked, wanted.format or accept)


def _description(request: Request, catalogue: Catalogue, accept: str | None, writes: bool) -> Response:
    chosen = negotiate(accept, "graph")
    headers = freshness(request, catalogue.version, chosen.name, str(request.base_url), "rw" if writes else "r")
    headers["Vary"] += ", Authorization"
    counts = catalogue.statistics
    endpoint = str(request.url.replace(query="", fragment=""))
    triples = service_description(endpoint, counts.graphs, counts.counts.get("statements"), updates=writes)
    assert isinstance(chosen.writer, ox.RdfFormat)
    written = ox.serialize(triples, format=chosen.writer, prefixes=DESCRIPTION_PREFIXES)
    return Response(written, media_type=chosen.media_type, headers=headers)


def _form(request: Request, catalogue: Catalogue, settings: Settings, writing: Writing) -> Response:
    told = _told(settings, writing)
    headers = freshness(request, catalogue.version, "html", str(told))
    return page("sparql.html", headers=headers, query=EXAMPLE, answer=None, problem=None, **told)


def _told(settings: Settings, writing: Writing) -> dict[str, bool]:
    """Return what the page tells of this server."""
    return {"updates": writing.possible, "calls": bool(settings.services)}


def _page(request: Request, asked: Asked, catalogue: Catalogue, settings: Settings, writing: Writing) -> Response:
    told = _told(settings, writing)
    headers = kept_headers(request, catalogue, asked.text, "html", str(told))
    try:
        answer = view(catalogue, asked, settings.shown_rows)
    except InputError as error:
        problem = problem_document(400, error.problems)
        plain = {"Cache-Control": "no-store", "Vary": "Accept"}
        return page("sparql.html", status=400, headers=plain, query=asked.text, answer=None, problem=problem, **told)
    return page("sparql.html", headers=headers, query=asked.text, answer=answer, problem=None, **told)
