"""Queries as data, answered without a detour: no thread, no framework between the request and the evaluators.

In: requests at ``/sparql``. Out: answers to queries; everything else goes on to the application.
The decision hidden here: what is plain enough. A query that is well put, asks for data and needs no credentials is
answered here, by the same functions that the route of the application calls, so that both answer alike; pages, updates,
descriptions and requests that are not as the protocol says are the application's.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from fastapi import Request
from fastapi.responses import Response
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from valueweave.problems import InputError
from valueweave.server.answer_cache import ANSWERED, BoundedCache
from valueweave.server.answers import kept_headers
from valueweave.server.caching import NotModifiedError, not_modified
from valueweave.server.editions import Editions
from valueweave.server.errors import ProblemError, refusal
from valueweave.server.evaluators import Evaluators
from valueweave.server.plain import PATH, Plain, plain_query
from valueweave.server.protocol import from_address, from_body, media_type_of, read_body
from valueweave.server.routing import came_to
from valueweave.server.settings import Settings

__all__ = ["LeanQueries"]

_BODIES = {"application/sparql-query", "application/x-www-form-urlencoded"}


class LeanQueries:
    """Answer plain queries.

    Args:
        app: the application.
        editions: the graph.
        evaluators: what answers queries.
        settings: limits.
    """

    def __init__(self, app: ASGIApp, editions: Editions, evaluators: Evaluators, settings: Settings) -> None:
        self.app, self._editions, self._evaluators, self._settings = app, editions, evaluators, settings
        self._answers = BoundedCache[tuple[bytes, str]](settings.cache_bytes // 4)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] not in {"GET", "POST"}:
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        plain: Plain | None = None
        try:
            if scope["method"] == "POST":
                if "authorization" not in request.headers and media_type_of(request)[0] in _BODIES:
                    content = await read_body(request, self._settings.max_query_bytes)
                    receive = _again(content, receive)
                    plain = plain_query(from_body(request, content), request.headers.get("accept"))
            elif b"query=" in scope["query_string"]:
                wanted = from_address(request, self._settings.max_query_bytes)
                plain = plain_query(wanted, request.headers.get("accept"))
        except ClientDisconnect:
            return
        except ProblemError as error:
            if error.status == 413:  # the rest of the body is not read, so nobody else can read it
                came_to(scope, PATH)
                await refusal(request, error)(scope, receive, send)
                return
        if plain is None:
            await self.app(scope, receive, send)
            return
        came_to(scope, PATH)
        try:
            response = await self._answer(request, plain)
        except NotModifiedError as error:
            response = not_modified(request, error)
        except (ProblemError, InputError) as error:
            response = refusal(request, error)
        await response(scope, receive, send)

    async def _answer(self, request: Request, plain: Plain) -> Response:
        asked, given = plain.asked, request.scope.get(ANSWERED)
        edition = given[0] if given else self._editions.current()
        headers = kept_headers(request, edition.catalogue, asked.text, plain.format.name)
        key: Hashable = None
        if plain.repeatable and request.method == "POST":
            key = (
                edition.version,
                plain.format.name,
                asked.text,
                _names(asked.default_graph),
                _names(asked.named_graphs),
            )
        found = None if key is None else self._answers.get(key)
        if given:
            found = self._evaluators.told(await given[1])
        elif found is None:
            found = await self._evaluators.answer(
                asked.text,
                plain.format.name,
                default_graph=asked.default_graph,
                named_graphs=asked.named_graphs,
                version=edition.version,
            )
            if key is not None:
                self._answers.put(key, found, len(found[0]) + len(asked.text) + 1000)
        body, media_type = found
        return Response(body, media_type=media_type, headers=headers)


def _names(graphs: Sequence[str] | None) -> Hashable:
    return None if graphs is None else tuple(graphs)


def _again(content: bytes, receive: Receive) -> Receive:
    """Return a way to receive a body that was read already."""
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": content, "more_body": False}

    return receive_again
