"""``/api/v1/search`` and ``/search``: things and terms by words, as data and as a page.

In: words, a kind, a language. Out: hits with what matched marked.
The decision hidden here: how a place among hits is written as a cursor.
"""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from valueweave.problems import InputError
from valueweave.resources import RESOURCES, TERMS
from valueweave.search import HitPage
from valueweave.search.matching import Sorting
from valueweave.server.addresses import BASE
from valueweave.server.api import link_header, neighbours, problem_responses
from valueweave.server.caching import freshness
from valueweave.server.catalogue import Catalogue
from valueweave.server.editions import Editions
from valueweave.server.errors import ProblemError, problem_document
from valueweave.server.items import LanguageQuery
from valueweave.server.models import MatchDocument, SearchHit, SearchPage
from valueweave.server.negotiation import chosen_form, languages
from valueweave.server.ordering import Cursor, Order
from valueweave.server.templating import page

__all__ = ["search_routes"]

_ORDER = Order.read(None, searching=True)


class SearchQuery(LanguageQuery):
    """The parameters of a search."""

    q: str = Field(
        max_length=200,
        description="What to look for, in English or Chinese; case, accents, width, hyphens and small misspellings "
        "do not matter",
        examples=["hailfang"],
    )
    kind: str | None = Field(
        None,
        max_length=300,
        description=f"Only members of a list (`actors`), `{TERMS}` of the ontology, or members of a class",
        examples=["platforms"],
    )
    limit: int = Field(20, ge=1, le=200, description="How many things to give", examples=[10])
    cursor: str | None = Field(
        None, max_length=2000, description="Where the page begins: as `next` and `previous` of another page give it"
    )
    format: Literal["json"] | None = Field(None, description="Goes before `Accept`", examples=["json"])


class SearchPageQuery(SearchQuery):
    """The same for a page, which may be opened before anything is asked."""

    q: str = Field("", max_length=200)


def search_routes(editions: Editions) -> APIRouter:
    """Return the routes of the search."""
    router = APIRouter(tags=["Search"])

    @router.get(
        f"{BASE}/search",
        summary="Search things and terms",
        response_model=SearchPage,
        responses={304: {"description": "The asker holds this answer already"}, **problem_responses(400, 406)},
        operation_id="search",
    )
    def search(request: Request, query: Annotated[SearchQuery, Query()]) -> Response:
        """Return the things and terms that the words may mean, the best first, with what matched marked.

        Labels, alternative names, spellings of the sources, descriptions and definitions are searched, in English
        and Chinese. A name that is what was asked comes before one that begins with it, then one that holds the
        words, then one that holds words like them, then those whose descriptions hold the words; of equals the one of
        which more is said.
        """
        chosen_form(request.headers.get("accept"), query.format, {"json": "application/json"})
        edition = editions.current()
        catalogue, listing = edition.catalogue, edition.listing
        wanted = languages(request.headers.get("accept-language"), query.lang)
        headers = freshness(request, catalogue.version, listing.lookups.digest, *wanted)
        found = _find(catalogue, query, wanted)
        links = _links(request, found)
        headers["Link"] = link_header(links)
        document = SearchPage(
            query=query.q,
            total=found.total,
            limit=query.limit,
            before=found.before,
            kinds=dict(found.kinds),
            first=links["first"],
            next=links.get("next"),
            previous=links.get("prev"),
            items=_hits(catalogue, found, wanted),
        )
        return JSONResponse(document.model_dump(mode="json", by_alias=True), headers=headers)

    @router.get("/search", include_in_schema=False)
    def search_page(request: Request, query: Annotated[SearchPageQuery, Query()]) -> Response:
        edition = editions.current()
        catalogue, listing = edition.catalogue, edition.listing
        wanted = languages(request.headers.get("accept-language"), query.lang)
        headers = freshness(request, catalogue.version, listing.lookups.digest, "html", *wanted)
        found, problem = HitPage("", 0, 0), None
        try:
            found = _find(catalogue, query, wanted)
        except (InputError, ProblemError) as error:
            problem, headers = problem_document(400, error.problems), {"Cache-Control": "no-store", "Vary": "Accept"}
        kept = {"q": query.q, **({"lang": query.lang} if query.lang else {})}
        return page(
            "search.html",
            status=400 if problem else 200,
            headers=headers,
            query=query,
            kinds=[*RESOURCES, TERMS],
            problem=problem,
            found=found,
            items=_hits(catalogue, found, wanted),
            links=_links(request, found),
            narrow={name: f"?{urlencode({**kept, 'kind': name})}" for name in found.kinds},
        )

    return router


def _find(catalogue: Catalogue, query: SearchQuery, wanted: tuple[str, ...]) -> HitPage:
    cursor = Cursor.read(query.cursor, _ORDER) if query.cursor else None
    place = _sorting(cursor) if cursor else None
    return catalogue.kg.finder.page(
        query.q,
        kind=query.kind or None,
        language=wanted,
        limit=query.limit,
        after=place if cursor and not cursor.before else None,
        before=place if cursor and cursor.before else None,
    )


def _sorting(cursor: Cursor) -> Sorting:
    place, statements = (key if isinstance(key, int) else 0 for key in cursor.keys)
    return place // 1000, place % 1000, -statements, cursor.iri


def _links(request: Request, found: HitPage) -> dict[str, str]:
    def cursor(sorting: Sorting, *, before: bool) -> str:
        rank, far, statements, iri = sorting
        return str(Cursor(_ORDER, before, (rank * 1000 + far, -statements), iri))

    more = found.before + len(found.items) < found.total
    return neighbours(
        request,
        cursor(found.items[-1].sorting, before=False) if found.items and more else None,
        cursor(found.items[0].sorting, before=True) if found.items and found.before else None,
    )


def _hits(catalogue: Catalogue, found: HitPage, wanted: tuple[str, ...]) -> list[SearchHit]:
    iris = {iri for hit in found.items for iri in (hit.iri, *hit.types)}
    labels = catalogue.labels(iris)
    return [
        SearchHit(
            **{**catalogue.reference(hit.iri, labels, wanted).model_dump(), "label": hit.label},
            rank=hit.rank,
            types=[catalogue.reference(name, labels, wanted) for name in hit.types],
            statements=hit.statements,
            matches=[MatchDocument.model_validate(match.to_json()) for match in hit.matches],
        )
        for hit in found.items
    ]
