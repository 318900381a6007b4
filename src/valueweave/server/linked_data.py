"""``/id/...`` and ``/ontology``: what the graph says of a thing, as RDF or as a page.

In: the path of a thing in the id namespace. Out: its description in the format asked for.
The decision hidden here: what belongs to a description, and that a thing sends on to its description while a document,
such as the ontology, is sent at once (see ``docs/decisions/linked-data-responses.md``).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

import pyoxigraph as ox
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from valueweave.layout import ONTOLOGY_GRAPH
from valueweave.namespaces import ID, PREFIXES, SCE
from valueweave.problems import Problem
from valueweave.server.api import problem_responses
from valueweave.server.caching import freshness
from valueweave.server.catalogue import Catalogue, best
from valueweave.server.editions import Editions
from valueweave.server.errors import ProblemError
from valueweave.server.negotiation import languages, wants_page
from valueweave.server.settings import Settings
from valueweave.server.templating import href, page
from valueweave.server.things import Things
from valueweave.store import FORMATS, OutputFormat, negotiate

__all__ = ["linked_data_routes"]

_OFFERED = [candidate for candidate in FORMATS if "graph" in candidate.kinds]

# The thing's own statements; its evidence, spellings and stated values with theirs; what points to it, as far as the
# limit; and the labels of everything named, so that the description can be read on its own.
_DESCRIPTION = """
CONSTRUCT {{ ?this ?p ?o . ?part ?part_p ?part_o . ?s ?q ?this . ?near rdfs:label ?label }} WHERE {{
  {{ ?this ?p ?o }}
  UNION {{ ?this sce:hasEvidence|sce:hasNameUse|sce:hasStatedValue ?part . ?part ?part_p ?part_o }}
  UNION {{ {{ SELECT ?s ?q WHERE {{ ?s ?q ?this }} ORDER BY ?q ?s LIMIT {limit} }} }}
  UNION {{ ?this ?any ?near . ?near rdfs:label ?label }}
  UNION {{ {{ SELECT ?near WHERE {{ ?near ?q2 ?this }} ORDER BY ?q2 ?near LIMIT {limit} }} ?near rdfs:label ?label }}
}}"""
_ONTOLOGY = f"CONSTRUCT {{ ?s ?p ?o }} WHERE {{ GRAPH <{ONTOLOGY_GRAPH}> {{ ?s ?p ?o }} }}"
# No prefix for ids: their paths hold slashes, which Turtle would have to escape.
_PREFIXES = {
    name: base for name, base in PREFIXES.items() if name in {"sce", "rdf", "rdfs", "owl", "xsd", "skos", "dcterms"}
}


_FORMAT = Query(None, description="Short name of a format: turtle, jsonld, rdfxml, ntriples, html", examples=["turtle"])
_LANG = Query(None, description="Language of the page", examples=["zh"], max_length=35)


def linked_data_routes(editions: Editions, settings: Settings) -> APIRouter:
    """Return the routes of the linked data."""
    router = APIRouter(tags=["Linked data"])
    documents = {each.media_type: {"schema": {"type": "string"}} for each in _OFFERED}
    documents["application/ld+json"] = {"schema": {"type": "array", "description": "Expanded JSON-LD"}}
    described: dict[int | str, dict[str, Any]] = {
        200: {"description": "The description", "content": {**documents, "text/html": {"schema": {"type": "string"}}}},
        304: {"description": "The asker holds this answer already"},
        **problem_responses(400, 404, 406),
    }
    sent_on: dict[int | str, dict[str, Any]] = {
        303: {
            "description": "The address of a document about the thing",
            "headers": {"Location": {"description": "That address", "schema": {"type": "string"}}},
        }
    }

    @router.get(
        "/id/{path:rest}", summary="Describe a thing", response_class=Response, responses={**described, **sent_on}
    )
    def describe(
        request: Request,
        path: str = Path(description="Path of the thing in the id namespace", examples=["actor/jd"]),
        format: str | None = _FORMAT,
        lang: str | None = _LANG,
    ) -> Response:
        """Say what the graph says of the thing whose IRI ends in this path.

        The thing itself is no document: without `format` the answer is 303 and leads to the document about it that
        `Accept` asks for. With `format` the answer is that document.
        """
        edition = editions.current()
        catalogue, things = edition.catalogue, edition.things
        iri = ID + path
        if not things.exists(iri):
            remedy = catalogue.kg.names.nearest(path, "Search for it under /browse.")
            problem = Problem("unknown-id", f"The graph says nothing of '{path}'.", remedy, term=path)
            raise ProblemError(404, problem)
        if not format:
            accept = request.headers.get("accept")
            return _see_other(iri, "html" if wants_page(accept) else negotiate(accept, "graph").name, lang)
        if wants_page(None, format):
            return _thing_page(request, iri, catalogue, things, lang)
        chosen = negotiate(format, "graph")
        headers = freshness(request, catalogue.version, chosen.name) | _links(href(iri) or "", iri, chosen)
        query = _DESCRIPTION.format(limit=settings.described_incoming)
        answer = catalogue.store.query(query, substitutions={"this": ox.NamedNode(iri)})
        assert isinstance(answer, ox.QueryTriples)
        return _graph(sorted(set(answer), key=lambda triple: _reading_order(triple, iri)), chosen, headers)

    @router.get("/ontology", summary="The ontology", response_class=Response, responses=described)
    def ontology(
        request: Request,
        format: str | None = _FORMAT,
        lang: str | None = _LANG,
    ) -> Response:
        """Return the whole ontology, or a list of its terms for people."""
        catalogue = editions.current().catalogue
        if wants_page(request.headers.get("accept"), format):
            return _ontology_page(request, catalogue, lang)
        chosen = negotiate(format or request.headers.get("accept"), "graph")
        iri = SCE.rstrip("#")
        headers = freshness(request, catalogue.version, chosen.name) | _links(request.url.path, iri, chosen)
        answer = catalogue.store.query(_ONTOLOGY)
        assert isinstance(answer, ox.QueryTriples)
        return _graph(sorted(set(answer), key=lambda triple: _reading_order(triple, iri)), chosen, headers)

    return router


def _see_other(iri: str, name: str, lang: str | None) -> Response:
    """Send on from a thing to the document about it."""
    path = href(iri)
    asked = {"format": name, **({"lang": lang} if lang and name == "html" else {})}
    documents = [(each.name, each.media_type) for each in _OFFERED] + [("html", "text/html")]
    links = [f'<{iri}>; rel="canonical"']
    links += [f'<{path}?format={other}>; rel="describedby"; type="{media}"' for other, media in documents]
    headers = {
        "Location": f"{path}?{urlencode(asked)}",
        "Link": ", ".join(links),
        "Vary": "Accept, Accept-Language",
        "Cache-Control": "public, no-cache",
    }
    return Response(status_code=303, headers=headers)


def _links(path: str, iri: str, chosen: OutputFormat | None) -> dict[str, str]:
    """Say where this representation lies, which others there are, and what they describe."""
    links = [f'<{iri}>; rel="canonical"', f'<{iri}>; rel="describes"']
    links += [f'<{path}?format=turtle>; rel="describedby"; type="text/turtle"']
    links += [
        f'<{path}?format={other.name}>; rel="alternate"; type="{other.media_type}"'
        for other in _OFFERED
        if other != chosen
    ]
    name = chosen.name if chosen else "html"
    return {"Content-Location": f"{path}?format={name}", "Link": ", ".join(links)}


def _reading_order(triple: ox.Triple, first: str) -> tuple[bool, str, bool, str, str]:
    """Order statements for a reader: the thing itself first, and of each thing its classes first."""
    predicate = triple.predicate.value
    mine = isinstance(triple.subject, ox.NamedNode) and triple.subject.value == first
    return (not mine, str(triple.subject), predicate != PREFIXES["rdf"] + "type", predicate, str(triple.object))


def _graph(triples: Iterable[ox.Triple], chosen: OutputFormat, headers: dict[str, str]) -> Response:
    assert isinstance(chosen.writer, ox.RdfFormat)
    written = ox.serialize(triples, format=chosen.writer, prefixes=_PREFIXES)
    return Response(written, media_type=chosen.media_type, headers=headers)


def _thing_page(request: Request, iri: str, catalogue: Catalogue, things: Things, lang: str | None) -> Response:
    wanted = languages(request.headers.get("accept-language"), lang)
    headers = freshness(request, catalogue.version, "html", *wanted) | _links(href(iri) or "", iri, None)
    item = things.item(iri, wanted)
    return page(
        "thing.html",
        headers=headers,
        item=item,
        resource=things.list_of(item.types),
        formats=_OFFERED,
        path=href(iri),
        language=wanted[0] if wanted else "en",
    )


def _ontology_page(request: Request, catalogue: Catalogue, lang: str | None) -> Response:
    wanted = languages(request.headers.get("accept-language"), lang)
    headers = freshness(request, catalogue.version, "html", *wanted)
    headers |= _links(request.url.path, SCE.rstrip("#"), None)
    index = catalogue.ontology
    kinds = {
        "Classes": "class",
        "Object properties": "object",
        "Datatype properties": "datatype",
        "Individuals": "individual",
    }
    terms = {
        title: [
            {
                "term": term,
                "label": best(term.labels, wanted) or term.local,
                "definition": best(catalogue.definitions.get(term.iri, {}), wanted) or "",
                "parents": [(index.label(parent), href(parent) or parent) for parent in term.parents],
            }
            for iri, term in index.of_kind(kind).items()  # type: ignore[arg-type]
            if iri.startswith(SCE)
        ]
        for title, kind in kinds.items()
    }
    return page("ontology.html", headers=headers, terms=terms, formats=_OFFERED, language=wanted[0] if wanted else "en")
