"""``/api/v1``: lookups, competency questions and numbers as JSON.

In: addresses and parameters. Out: the models of :mod:`valueweave.server.models`; answers of questions in any format.
The decision hidden here: addresses, parameters and paging; one list route and one item route serve all kinds of things.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from valueweave.namespaces import ID
from valueweave.resources import RESOURCES, Resource
from valueweave.server.addresses import BASE
from valueweave.server.caching import freshness
from valueweave.server.editions import Editions
from valueweave.server.errors import PROBLEM_JSON
from valueweave.server.items import FORMS, ITEM, ItemQuery, item_answer, json_ld_answer
from valueweave.server.json_ld import JSON_LD, list_document
from valueweave.server.listing import Filters
from valueweave.server.models import Item, ListPage, Statistics
from valueweave.server.negotiation import chosen_form, languages

__all__ = ["BASE", "ListQuery", "api_routes", "filters_of", "link_header", "neighbours", "problem_responses"]


class ListQuery(ItemQuery):
    """The parameters of a list."""

    limit: int = Field(50, ge=1, le=1000, description="How many things to give", examples=[20])
    cursor: str | None = Field(
        None,
        max_length=2000,
        description="Where the page begins: as `next` and `previous` of another page give it, and only as they do",
    )
    sort: str | None = Field(
        None,
        max_length=100,
        description="Keys to sort by, `-` before one turns it round: `label`, `year`, `id`, `statements`, "
        "`relevance` (only with `q`); otherwise by label, and by relevance with `q`",
        examples=["year,-label"],
    )
    q: str | None = Field(
        default=None,
        max_length=200,
        description="Words to search for, as `/api/v1/search` does; the best come first",
        examples=["logistics"],
    )
    case: str | None = Field(
        None, max_length=300, description="Only what this case speaks of", examples=["jd-2007-2021"]
    )
    stage: str | None = Field(
        None, max_length=300, description="Only what belongs to this stage", examples=["stage/jd-1"]
    )
    actor: str | None = Field(
        None, max_length=300, description="Only what has to do with this actor", examples=["actor/jd"]
    )
    year: int | None = Field(
        None,
        ge=-9999,
        le=9999,
        description="Only what is dated to this year or a span that holds it",
        examples=[2016],
    )
    kind: str | None = Field(
        default=None, max_length=300, description="Only members of this class below", examples=["sce:Organization"]
    )
    type: str | None = Field(default=None, max_length=300, description="As `kind`")


def filters_of(query: ListQuery) -> Filters:
    """Return what a list is filtered by; a field that a form leaves empty filters nothing."""
    return Filters(
        query.limit,
        query.q or None,
        query.case or None,
        query.stage or None,
        query.actor or None,
        query.year,
        query.kind or query.type or None,
        query.sort or None,
        query.cursor or None,
    )


_PROBLEMS: dict[int, tuple[str, dict[str, Any]]] = {
    400: ("A parameter is wrong", {"code": "invalid-parameter", "detail": "The parameter 'limit' is wrong: ..."}),
    404: ("There is no such thing", {"code": "unknown-id", "detail": "There is no 'jdd' among the actors."}),
    406: ("No such format", {"code": "not-acceptable", "detail": "The answer cannot be written as 'text/csv'."}),
    503: ("It takes too much, or nobody is free", {"code": "server-busy", "detail": "All evaluators are busy ..."}),
    504: ("It takes too long", {"code": "query-timeout", "detail": "The query was ended after 30 seconds."}),
}


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the description of the problems that a route may answer with."""
    found: dict[int | str, dict[str, Any]] = {}
    for status in statuses:
        text, example = _PROBLEMS[status]
        example = {
            "type": f"https://w3id.org/valueweave/problem/{example['code']}",
            "title": text,
            "status": status,
            **example,
            "remedy": "What to do about it.",
        }
        found[status] = {"description": text, "content": {PROBLEM_JSON: {"example": example}}}
    return found


_KEPT: dict[int | str, dict[str, Any]] = {304: {"description": "The asker holds this answer already"}}
_ALSO_JSON_LD: dict[int | str, dict[str, Any]] = {
    200: {"content": {JSON_LD: {"schema": {"type": "object", "description": "The same as JSON-LD 1.1"}}}}
}


def api_routes(editions: Editions) -> APIRouter:
    """Return the routes of the lookups."""
    router = APIRouter(prefix=BASE)
    for resource in RESOURCES.values():
        router.add_api_route(
            f"/{resource.name}",
            _list_route(resource, editions),
            summary=f"List {resource.name}",
            description=f"{resource.summary} (`sce:{resource.class_name}`). Pages are linked in it and in `Link`.",
            response_model=ListPage,
            responses={**_ALSO_JSON_LD, **_KEPT, **problem_responses(400, 406)},
            operation_id=f"list_{resource.name}",
            tags=["Lookups"],
        )
        router.add_api_route(
            f"/{resource.name}{ITEM}",
            _item_route(resource, editions),
            summary=f"Look up one of the {resource.name}",
            description=(
                f"The id is a path such as `{resource.kind}/name`; `{resource.kind}/` may be left out, and so may "
                "everything before the last part where that names one thing only."
            ),
            response_model=Item,
            responses={**_ALSO_JSON_LD, **_KEPT, **problem_responses(400, 404, 406)},
            operation_id=f"get_{resource.name}",
            tags=["Lookups"],
        )

    @router.get(
        "/statistics",
        summary="Numbers",
        tags=["Graph"],
        response_model=Statistics,
        responses=_KEPT,
    )
    def statistics(request: Request) -> Response:
        """Return what the graph holds: files, records, statements, members of lists and classes."""
        edition = editions.current()
        headers = freshness(request, edition.version)
        return JSONResponse(edition.catalogue.statistics.model_dump(mode="json"), headers=headers)

    return router


def _list_route(resource: Resource, editions: Editions) -> Callable[..., Response]:
    def list_things(request: Request, query: Annotated[ListQuery, Query()]) -> Response:
        edition = editions.current()
        form = chosen_form(request.headers.get("accept"), query.format, FORMS)
        wanted = languages(request.headers.get("accept-language"), query.lang)
        headers = freshness(request, edition.version, edition.listing.lookups.digest, form, *wanted)
        part = edition.listing.page(resource, filters_of(query), wanted)
        links = neighbours(request, part.next, part.previous)
        headers["Link"] = link_header(links)
        if form == "jsonld":
            labels = edition.catalogue.labels(item.iri for item in part.items)
            return json_ld_answer(list_document(part.items, labels), headers)
        found = ListPage(
            resource=resource.name,
            total=part.total,
            limit=query.limit,
            before=part.before,
            first=links["first"],
            next=links.get("next"),
            previous=links.get("prev"),
            items=part.items,
        )
        return JSONResponse(found.model_dump(mode="json"), headers=headers)

    return list_things


def _item_route(resource: Resource, editions: Editions) -> Callable[..., Response]:
    listing = editions.current().listing
    example = min(listing.lookups.members(resource.class_iri), default=f"{ID}{resource.kind}/name").removeprefix(ID)

    # "id" is the name of the path parameter, as published.
    def look_up(
        request: Request,
        query: Annotated[ItemQuery, Query()],
        id: str = Path(description="Path of the thing, or its end where that is clear", examples=[example]),
    ) -> Response:
        edition = editions.current()
        found = item_answer(resource, edition, request, query, id)
        if edition.kg.store.near:
            edition.warm.add(resource.name)
        return found

    return look_up


def neighbours(request: Request, after: str | None, before: str | None) -> dict[str, str]:
    """Return the addresses of the first page and of those beside this one, by relation.

    Args:
        request: of this page.
        after: the cursor of the next page, where there is one.
        before: the cursor of the page before, where there is one.
    """
    others = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]

    def address(extra: Sequence[tuple[str, str]]) -> str:
        asked = urlencode([*others, *extra])
        return request.url.path + (f"?{asked}" if asked else "")

    found = {"first": address([])}
    if before:
        found["prev"] = address([("cursor", before)])
    if after:
        found["next"] = address([("cursor", after)])
    return found


def link_header(links: Mapping[str, str]) -> str:
    """Return addresses by relation as a ``Link`` header.

    >>> link_header({"first": "/api/v1/actors"})
    '</api/v1/actors>; rel="first"'
    """
    return ", ".join(f'<{address}>; rel="{relation}"' for relation, address in links.items())
