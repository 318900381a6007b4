"""``/graph-store`` and ``/graph/...``: whole graphs, by the SPARQL 1.1 Graph Store HTTP Protocol: writing.

In: graphs over HTTP. Out: what they changed.
The decision hidden here: which formats hold one graph, and what ``If-Match`` means where a graph has one ETag a format.
Source: SPARQL 1.1 Graph Store HTTP Protocol (W3C), sections 5.3 to 5.6.
"""

from __future__ import annotations

import uuid
from typing import Any, Literal

import pyoxigraph as ox
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from valueweave.namespaces import GRAPH
from valueweave.problems import Problem
from valueweave.server.caching import tag_of
from valueweave.server.catalogue import Catalogue
from valueweave.server.editions import Editions
from valueweave.server.errors import ProblemError
from valueweave.server.graph_store import GRAPH_PARAMETERS, graph_named, graph_of, graph_query, has_graph
from valueweave.server.models import ProblemDocument
from valueweave.server.multipart import MULTIPART, files_in
from valueweave.server.protocol import media_type_of
from valueweave.server.writing import SECURITY, WRITING_REFUSALS, Writing
from valueweave.server.writing_models import ChangeReport, change_answer
from valueweave.store.formats import FORMATS

__all__ = ["graph_writing_routes"]

_HOW: dict[str, Literal["replace", "merge", "remove"]] = {"PUT": "replace", "POST": "merge", "DELETE": "remove"}
_TAKEN = ("text/turtle", "application/n-triples", "application/rdf+xml", "application/ld+json")
_ALSO = {"application/turtle": _TAKEN[0], "application/x-turtle": _TAKEN[0], "application/json": _TAKEN[3]}
_SEVERAL = {"application/n-quads", "application/trig", "text/x-nquads", "application/x-trig"}
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "description": "ETag of the graph as it was read at this address, in any format; `*`: only if there is one",
    "schema": {"type": "string"},
    "example": "*",
}
_BODY = {
    "required": True,
    "description": "One graph; relative IRIs stand below that of the graph",
    "content": {
        name: {"schema": {"type": "string"}, "example": "<urn:example:a> <urn:example:p> <urn:example:b> ."}
        for name in _TAKEN[:2]
    }
    | {_TAKEN[2]: {"schema": {"type": "string"}}, _TAKEN[3]: {"schema": {"type": "object"}}},
}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The graph is as it was sent, or holds it, or is gone"},
    201: {"description": "The graph is new", "model": ChangeReport},
    **WRITING_REFUSALS,
    404: {"description": "There is no such graph to delete", "model": ProblemDocument},
    412: {"description": "The graph is not as `If-Match` says", "model": ProblemDocument},
}
_SUMMARY = {
    "PUT": "Put a graph in the place of what is there",
    "POST": "Add statements to a graph",
    "DELETE": "Delete a graph",
}


def graph_writing_routes(editions: Editions, writing: Writing) -> APIRouter:
    """Return the routes that change whole graphs."""
    router = APIRouter(tags=["SPARQL"])
    graphs = _Graphs(editions, writing)

    # "def", not "async def": a change is made in a worker thread, so that others need not wait for it.
    def put_or_add(request: Request, content: bytes = Depends(writing.body)) -> Response:
        """Change the graph named by `graph=IRI` or `default`; POST without either makes a new graph."""
        if request.method == "POST" and not {"graph", "default"} & {*request.query_params}:
            return graphs.make_new(request, content)
        return graphs.change(request, graph_named(request), content)

    def put_or_add_at(request: Request, path: str, content: bytes = Depends(writing.body)) -> Response:
        """Change the graph that has this path below the graphs' namespace."""
        return graphs.change(request, graph_of(GRAPH + path), content)

    def delete(request: Request) -> Response:
        """Delete the graph named by `graph=IRI`; the default graph is emptied."""
        writing.authorized(request)
        return graphs.delete(request, graph_named(request))

    def delete_at(request: Request, path: str) -> Response:
        """Delete the graph that has this path below the graphs' namespace."""
        writing.authorized(request)
        return graphs.delete(request, graph_of(GRAPH + path))

    for method in _HOW:
        for address, changed, deleted, named in (
            ("/graph-store", put_or_add, delete, GRAPH_PARAMETERS),
            ("/graph/{path:path}", put_or_add_at, delete_at, []),
        ):
            deletes = method == "DELETE"
            refused = {413, 415, 201} if deletes else {404}
            router.add_api_route(
                address,
                deleted if deletes else changed,
                methods=[method],
                summary=_SUMMARY[method] + (" by its own address" if not named else ""),
                response_model=ChangeReport,
                responses={status: told for status, told in _RESPONSES.items() if status not in refused},
                openapi_extra={
                    "security": SECURITY,
                    "parameters": [*named, _IF_MATCH],
                    **({} if deletes else {"requestBody": _BODY}),
                },
                operation_id=f"{method.lower()}_graph{'' if named else '_by_address'}",
            )
    return router


class _Graphs:
    """Changes whole graphs."""

    def __init__(self, editions: Editions, writing: Writing) -> None:
        self._editions, self._writing = editions, writing

    def change(self, request: Request, graph: ox.NamedNode | None, content: bytes) -> Response:
        """Put a graph, or add to it."""
        writer = self._writing.authorized(request)
        # Relative IRIs stand below the graph's (section 5.3); the default graph has none but its address.
        base = str(request.url) if graph is None else graph.value
        files, version = _files(request, content), self._checked(request, graph)
        name, how = None if graph is None else graph.value, _HOW[request.method]
        applied = writer.make("change_graph", graph=name, how=how, files=files, base=base, if_version=version)
        return change_answer(applied)

    def make_new(self, request: Request, content: bytes) -> Response:
        """Put a graph under a name that this server gives it (section 5.5)."""
        path = f"posted/{uuid.uuid4()}"
        writer, name = self._writing.authorized(request), GRAPH + path
        files = _files(request, content)
        applied = writer.make("change_graph", graph=name, how="replace", files=files, base=name)
        return change_answer(applied, {"Location": f"/graph/{path}"})

    def delete(self, request: Request, graph: ox.NamedNode | None) -> Response:
        """Delete a graph."""
        writer = self._writing.authorized(request)
        version = self._checked(request, graph)
        if not has_graph(self._editions.current().catalogue, graph):
            assert graph is not None
            message = f"There is no graph {graph.value}."
            raise ProblemError(404, Problem("unknown-graph", message, "Check its IRI.", term=graph.value))
        name = None if graph is None else graph.value
        return change_answer(writer.make("change_graph", graph=name, triples=[], how="remove", if_version=version))

    def _checked(self, request: Request, graph: ox.NamedNode | None) -> str | None:
        """Return the version that must still be current when the graph is changed, if ``If-Match`` asks for one.

        Raises:
            ProblemError: 412 when ``If-Match`` names another state of the graph.
        """
        condition = request.headers.get("if-match")
        if condition is None:
            return None
        catalogue = self._editions.current().catalogue
        wanted = {tag.strip() for tag in condition.split(",")}
        if has_graph(catalogue, graph) and ("*" in wanted or wanted & _tags(request, catalogue, graph)):
            return None if "*" in wanted else catalogue.version
        message = "The graph is not as 'If-Match' says."
        raise ProblemError(
            412, Problem("precondition-failed", message, "Read it again, then change it.", term="If-Match")
        )


def _tags(request: Request, catalogue: Catalogue, graph: ox.NamedNode | None) -> set[str]:
    """Return the ETags that the graph has at this address now, one a format."""
    names = [one.name for one in FORMATS if "graph" in one.kinds]
    return {tag_of(request, catalogue.version, graph_query(graph), name) for name in names}


def _files(request: Request, content: bytes) -> list[tuple[str, bytes]]:
    """Return the graph that a request sends, its format before it; or those of the files of a form."""
    if request.method == "POST" and media_type_of(request)[0] == MULTIPART:
        taken = {**{name: name for name in _TAKEN}, **_ALSO}
        return files_in(request.headers["content-type"], content, taken)
    return [(_form(request), content)]


def _form(request: Request) -> str:
    media_type, readable = media_type_of(request)
    form = _ALSO.get(media_type, media_type)
    if form in _TAKEN and readable:
        return form
    message = f"A graph cannot be sent as '{request.headers.get('content-type', '')}'."
    if media_type in _SEVERAL:
        message = f"{media_type} holds several graphs, and the address names one."
    remedy = f"Send one of {', '.join(_TAKEN)}, in UTF-8."
    problem = Problem("unsupported-media-type", message, remedy, term="Content-Type")
    raise ProblemError(415, problem, headers={"Accept": ", ".join(_TAKEN)})
