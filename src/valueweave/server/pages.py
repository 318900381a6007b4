"""Pages for people: the start page, lists to browse, the description of the interface.

In: what the catalogue and the lookups know. Out: HTML without scripts and without anything from elsewhere.
The decision hidden here: what a visitor sees first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import pyoxigraph as ox
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from valueweave.resources import RESOURCES, TERMS
from valueweave.server.api import ListQuery, filters_of
from valueweave.server.caching import freshness
from valueweave.server.catalogue import Catalogue, rows
from valueweave.server.editions import Editions
from valueweave.server.models import Reference
from valueweave.server.negotiation import languages
from valueweave.server.sparql import EXAMPLE
from valueweave.server.templating import page

__all__ = ["page_routes"]

_STYLE = Path(__file__).parent / "assets" / "site.css"
_CASES = """
SELECT ?case ?stage ?order ?from ?to ?phase WHERE {
  ?case a sce:Case .
  OPTIONAL {
    ?case sce:includes ?stage . ?stage a sce:Stage
    OPTIONAL { ?stage sce:inScheme ?scheme }
    OPTIONAL { ?stage sce:order ?order }
    OPTIONAL { ?stage sce:startYear ?from }
    OPTIONAL { ?stage sce:endYear ?to }
    OPTIONAL { ?stage sce:statedPhase ?phase }
  }
} ORDER BY ?case ?scheme ?order ?from ?stage"""


@dataclass(frozen=True, slots=True)
class _StageLine:
    """A stage on the start page."""

    stage: Reference
    years: str
    phase: Reference | None


@cache
def _style() -> bytes:
    return _STYLE.read_bytes()


def page_routes(editions: Editions) -> APIRouter:
    """Return the routes of the pages."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    def start(request: Request, lang: str | None = None) -> Response:
        wanted = languages(request.headers.get("accept-language"), lang)
        catalogue = editions.current().catalogue
        questions = catalogue.kg.questions()
        headers = freshness(request, catalogue.version, *wanted, *questions)
        return page(
            "start.html",
            headers=headers,
            counts=catalogue.statistics,
            resources=RESOURCES.values(),
            cases=_cases(catalogue, wanted),
            questions=questions.values(),
            query=EXAMPLE,
            search_kinds=[*RESOURCES, TERMS],
        )

    @router.get("/browse/{name}")
    def browse(request: Request, name: str, query: Annotated[ListQuery, Query()]) -> Response:
        # The list routes of the interface refuse unknown names; here the framework's 404 says the same.
        resource = RESOURCES.get(name)
        if resource is None:
            return page("error.html", status=404, problem=_no_list(name))
        wanted = languages(request.headers.get("accept-language"), query.lang)
        edition = editions.current()
        headers = freshness(request, edition.version, edition.listing.lookups.digest, *wanted)
        found = edition.listing.page(resource, filters_of(query), wanted)
        kept = [(key, value) for key, value in request.query_params.multi_items() if key != "cursor" and value]

        def address(cursor: str) -> str:
            return f"?{urlencode([*kept, ('cursor', cursor)])}"

        return page(
            "browse.html",
            headers=headers,
            resource=resource,
            resources=RESOURCES.values(),
            found=found,
            query=query,
            next=address(found.next) if found.next else None,
            previous=address(found.previous) if found.previous else None,
            data=f"/api/v1/{name}" + (f"?{urlencode(kept)}" if kept else ""),
        )

    @router.get("/docs")
    def documentation(request: Request) -> Response:
        headers = freshness(request, editions.current().version)
        return page("docs.html", headers=headers, interface=_operations(request.app.openapi()))

    @router.get("/assets/site.css")
    def style(request: Request) -> Response:
        return Response(_style(), media_type="text/css", headers=freshness(request, str(hash(_style()))))

    return router


def _no_list(name: str) -> dict[str, Any]:
    return {
        "title": "Not Found",
        "status": 404,
        "detail": f"There is no list '{name}'.",
        "remedy": f"Choose one of {', '.join(RESOURCES)}.",
    }


def _cases(catalogue: Catalogue, wanted: Sequence[str]) -> list[tuple[Reference, list[_StageLine]]]:
    found = rows(catalogue.store.query(_CASES))
    labels = catalogue.labels(term.value for row in found for term in row if isinstance(term, ox.NamedNode))
    cases: dict[str, dict[str, _StageLine]] = defaultdict(dict)
    for case, stage, _, first, last, phase in found:
        if not isinstance(case, ox.NamedNode):
            continue
        lines = cases[case.value]
        if isinstance(stage, ox.NamedNode) and stage.value not in lines:
            years = [year.value if isinstance(year, ox.Literal) else "" for year in (first, last)]
            lines[stage.value] = _StageLine(
                catalogue.reference(stage.value, labels, wanted),
                "–".join(years) if any(years) else "",
                catalogue.reference(phase.value, labels, wanted) if isinstance(phase, ox.NamedNode) else None,
            )
    return [(catalogue.reference(case, labels, wanted), list(lines.values())) for case, lines in cases.items()]


def _operations(document: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the operations of an OpenAPI document by tag, in the order of the document."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            found[operation.get("tags", ["Operations"])[0]].append(
                {
                    "method": method.upper(),
                    "path": path,
                    "summary": operation.get("summary", ""),
                    "description": operation.get("description", ""),
                    "parameters": operation.get("parameters", []),
                    "responses": operation.get("responses", {}),
                }
            )
    return dict(found)
