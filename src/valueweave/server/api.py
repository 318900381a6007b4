"""``/api/v1``: lookups, competency questions and numbers as JSON.

In: addresses and parameters. Out: the models of :mod:`valueweave.server.models`; answers of questions in any format.
The decision hidden here: addresses, parameters and paging; one list route and one item route serve all kinds of things.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from valueweave.server.caching import freshness
from valueweave.server.catalogue import Catalogue
from valueweave.server.errors import PROBLEM_JSON
from valueweave.server.listing import Filters, Listing
from valueweave.server.models import Item, ListPage, ProblemDocument, Statistics
from valueweave.server.negotiation import languages
from valueweave.resources import RESOURCES, Resource
from valueweave.server.things import Things

__all__ = ["BASE", "ListQuery", "api_routes", "problem_responses"]

BASE = "/api/v1"
"""Where the lookups begin."""

_LANGUAGE = Field(
    default=None, description="Language of the labels, before `Accept-Language`", examples=["zh"], max_length=35
)


class LanguageQuery(BaseModel):
    """The parameter that every lookup takes."""

    model_config = ConfigDict(extra="forbid")

    lang: str | None = _LANGUAGE


class ListQuery(LanguageQuery):
    """The parameters of a list."""

    limit: int = Field(50, ge=1, le=1000, description="How many things to give")
    offset: int = Field(0, ge=0, le=10_000_000, description="How many things to leave out before them")
    q: str | None = Field(
        default=None, max_length=200, description="Text that a label, an alternative label or the id holds"
    )
    case: str | None = Field(
        None, max_length=300, description="Only what this case speaks of", examples=["jd-2007-2021"]
    )
    type: str | None = Field(
        default=None, max_length=300, description="Only members of this class below", examples=["Stage"]
    )


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the description of the problems that a route may answer with."""
    texts = {400: "A parameter is wrong", 404: "There is no such thing", 406: "No such format"}
    return {
        status: {"description": texts[status], "model": ProblemDocument, "content": {PROBLEM_JSON: {}}}
        for status in statuses
    }


def api_routes(catalogue: Catalogue, listing: Listing, things: Things) -> APIRouter:
    """Return the routes of the lookups."""
    router = APIRouter(prefix=BASE)
    for resource in RESOURCES.values():
        router.add_api_route(
            f"/{resource.name}",
            _list_route(resource, catalogue, listing),
            summary=f"List {resource.name}",
            description=f"{resource.summary} (`sce:{resource.class_name}`), by label.",
            response_model=ListPage,
            responses=problem_responses(400),
            operation_id=f"list_{resource.name}",
            tags=["Lookups"],
        )
        router.add_api_route(
            f"/{resource.name}/{{id:path}}",
            _item_route(resource, catalogue, listing, things),
            summary=f"Look up one of the {resource.name}",
            description=(
                f"The id is a path such as `{resource.kind}/name`; `{resource.kind}/` may be left out, and so may "
                "everything before the last part where that names one thing only."
            ),
            response_model=Item,
            response_model_exclude_none=True,
            responses=problem_responses(400, 404),
            operation_id=f"get_{resource.name}",
            tags=["Lookups"],
        )

    @router.get("/statistics", summary="Numbers", tags=["Graph"], response_model=Statistics)
    def statistics(request: Request, response: Response) -> Statistics:
        """Return what the graph holds: files, records, statements, members of lists and classes."""
        response.headers.update(freshness(request, catalogue.version))
        return catalogue.statistics

    return router


def _list_route(resource: Resource, catalogue: Catalogue, listing: Listing) -> Callable[..., ListPage]:
    def list_things(request: Request, response: Response, query: Annotated[ListQuery, Query()]) -> ListPage:
        wanted = languages(request.headers.get("accept-language"), query.lang)
        headers = freshness(request, catalogue.version, *wanted)
        filters = Filters(query.limit, query.offset, query.q, query.case, query.type)
        found = listing.page(resource, filters, wanted)
        response.headers.update(headers)
        _link_neighbours(request, response, found)
        return found

    return list_things


def _item_route(resource: Resource, catalogue: Catalogue, listing: Listing, things: Things) -> Callable[..., Item]:
    # "id" is the name of the path parameter, as published.
    def look_up(request: Request, response: Response, id: str, query: Annotated[LanguageQuery, Query()]) -> Item:
        wanted = languages(request.headers.get("accept-language"), query.lang)
        headers = freshness(request, catalogue.version, *wanted)
        found = things.item(listing.find(resource, id), wanted)
        response.headers.update(headers)
        if found.href:
            response.headers["Link"] = f'<{found.href}>; rel="alternate"; type="text/turtle"'
        return found

    return look_up


def _link_neighbours(request: Request, response: Response, found: ListPage) -> None:
    """Say where the pages before and after are, in the body and in the ``Link`` header."""
    others = [(name, value) for name, value in request.query_params.multi_items() if name != "offset"]

    def address(offset: int) -> str:
        return f"{request.url.path}?{urlencode([*others, ('offset', str(offset))])}"

    if found.offset + found.limit < found.total:
        found.next = address(found.offset + found.limit)
    if found.offset > 0:
        # Beyond the end, the page before is the last one there is.
        last = max(found.total - 1, 0) // found.limit * found.limit
        found.previous = address(max(min(found.offset - found.limit, last), 0))
    links = [f'<{link}>; rel="{rel}"' for rel, link in (("prev", found.previous), ("next", found.next)) if link]
    if links:
        response.headers["Link"] = ", ".join(links)
