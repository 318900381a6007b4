"""Single things of ``/api/v1``: their answers, and the short way to them.

In: requests for a thing. Out: everything the graph says of it, as JSON or JSON-LD.
The decision hidden here: what is read where the request comes in, in turns with others, and what in a thread. The short
way gives the answer of the route of the application, from the same function; whatever is not plain goes on to the
application: lists that were not read yet, other ids, things of which thousands of statements speak, parameters that are
not as they should be.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from fastapi import Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.types import ASGIApp, Receive, Scope, Send

from valueweave.problems import InputError
from valueweave.resources import RESOURCES, Resource
from valueweave.server.addresses import BASE
from valueweave.server.caching import NotModifiedError, freshness, not_modified
from valueweave.server.editions import Edition, Editions
from valueweave.server.errors import ProblemError, refusal
from valueweave.server.json_ld import JSON_LD, item_document
from valueweave.server.models import Item
from valueweave.server.negotiation import chosen_form, languages
from valueweave.server.routing import came_to
from valueweave.server.things import CrowdedError
from valueweave.server.turns import Turns, at_once, in_turns

__all__ = ["FORMS", "ITEM", "ItemQuery", "ItemsAtOnce", "LanguageQuery", "item_answer", "json_ld_answer"]

FORMS = {"json": "application/json", "jsonld": JSON_LD}
"""The media types of a lookup by what ``format`` says."""
ITEM = "/{id:rest}"
"""How the address of a thing goes on after that of its list."""
_MOST = 4000
"""A thing of which more statements speak is read in a thread: to sort and to write so much takes several milliseconds,
and cannot be done in pieces."""


class LanguageQuery(BaseModel):
    """The parameter that every lookup takes."""

    model_config = ConfigDict(extra="forbid")

    lang: str | None = Field(
        default=None, description="Language of the labels, before `Accept-Language`", examples=["zh"], max_length=35
    )


class ItemQuery(LanguageQuery):
    """The parameters of a single thing."""

    format: Literal["json", "jsonld"] | None = Field(
        default=None, description="Goes before `Accept`", examples=["jsonld"]
    )


def item_answer(resource: Resource, edition: Edition, request: Request, query: ItemQuery, path: str) -> Response:
    """Return what the graph says of a thing, as :func:`item_in_turns`."""
    return at_once(item_in_turns(resource, edition, request, query, path))


def item_in_turns(
    resource: Resource, edition: Edition, request: Request, query: ItemQuery, path: str, most: int | None = None
) -> Turns[Response]:
    """Return what the graph says of a thing, in pieces.

    Args:
        resource: the list that it is in.
        edition: the graph.
        request: who asks.
        query: the parameters of the request.
        path: its id, as :meth:`~valueweave.server.listing.Listing.find` takes it.
        most: so many statements about it, and as many that point to it, may be read.

    Raises:
        ProblemError: when there is no such thing.
        NotAcceptableError: when the format asked for cannot be given.
        NotModifiedError: when the asker holds this answer already.
        CrowdedError: when there are more statements.
    """
    form = chosen_form(request.headers.get("accept"), query.format, FORMS)
    wanted = languages(request.headers.get("accept-language"), query.lang)
    headers = freshness(request, edition.version, edition.listing.lookups.digest, form, *wanted)
    found = yield from edition.things.item_in_turns(edition.listing.find(resource, path), wanted, most)
    headers["Link"] = _links(resource, found)
    if form == "jsonld":
        return json_ld_answer(item_document(found), headers)
    return Response(found.model_dump_json(exclude_none=True), media_type="application/json", headers=headers)


def json_ld_answer(document: Mapping[str, Any], headers: Mapping[str, str]) -> Response:
    """Return a document as JSON-LD."""
    return Response(json.dumps(document, ensure_ascii=False), media_type=JSON_LD, headers=dict(headers))


def _links(resource: Resource, found: Item) -> str:
    """Say what the answer is about, and where more is said of it."""
    address = f"{BASE}/{resource.name}/{found.id}"
    links = [
        f'<{found.iri}>; rel="canonical"',
        f'<{found.iri}>; rel="describes"',
        f'<{found.href}?format=turtle>; rel="describedby"; type="text/turtle"',
        *(f'<{address}?format={name}>; rel="alternate"; type="{media}"' for name, media in FORMS.items()),
        f'<{BASE}/{resource.name}>; rel="collection"',
    ]
    return ", ".join(links)


class ItemsAtOnce:
    """Answer lookups of things, those of which thousands of statements speak left out.

    No route is looked for and nothing is handed to a thread, either of which takes as long as the answer itself.

    Args:
        app: the application.
        editions: the graph.
    """

    def __init__(self, app: ASGIApp, editions: Editions) -> None:
        self.app, self._editions = app, editions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        response = await self._answer(scope) if scope["type"] == "http" and scope["method"] == "GET" else None
        await (response or self.app)(scope, receive, send)

    async def _answer(self, scope: Scope) -> Response | None:
        """Return the answer, when it is one of those."""
        path: str = scope["path"]
        if not path.startswith(f"{BASE}/"):
            return None
        name, _, path = path[len(BASE) + 1 :].partition("/")
        resource, edition = RESOURCES.get(name), self._editions.current()
        if resource is None or name not in edition.warm or not edition.listing.member(resource, path):
            return None
        request, query = Request(scope), ItemQuery()
        if scope["query_string"]:
            given = request.query_params.multi_items()
            try:
                query = ItemQuery.model_validate(dict(given))
            except ValidationError:
                return None
            if len(given) > len(query.model_fields_set):
                return None
        try:
            response = await in_turns(item_in_turns(resource, edition, request, query, path, _MOST))
        except CrowdedError:
            return None
        except NotModifiedError as error:
            response = not_modified(request, error)
        except (ProblemError, InputError) as error:
            response = refusal(request, error)
        came_to(scope, f"{BASE}/{name}{ITEM}")
        return response
