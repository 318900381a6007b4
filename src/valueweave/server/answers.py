"""Answers to SPARQL queries, as data or as a page.

In: a query with its dataset and values, and what the asker wants to read. Out: an HTTP answer.
The decision hidden here: asking and writing happen in one call, in one thread; and which queries may be kept (those
whose answer depends on nothing but the graph).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import pyoxigraph as ox
from fastapi import Request
from fastapi.responses import Response

from valueweave.namespaces import GRAPH, PREFIXES, shorten_iri
from valueweave.server.caching import VARYING, freshness
from valueweave.server.catalogue import Catalogue, Node
from valueweave.server.nesting import check_nesting
from valueweave.server.templating import href
from valueweave.sparql_text import query_form
from valueweave.sparql_tokens import is_ambiguous, tokens
from valueweave.store import NotAcceptableError, OutputFormat, negotiate

__all__ = ["AnswerView", "Asked", "Cell", "data_answer", "is_repeatable", "kept_headers", "view"]

_PLAIN = {"xsd:string", "xsd:integer", "xsd:decimal", "xsd:boolean"}
_MAY_DIFFER = re.compile(r"NOW|RAND|UUID|BNODE|\\u", re.IGNORECASE)
_NO_GRAPHS = [f"{GRAPH}none"]
_CALL = re.compile(r"(?:NOW|RAND|UUID|BNODE)\s*\(", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Asked:
    """A query with everything that decides its answer.

    Attributes:
        text: the SPARQL text.
        values: a term for each variable that has a value.
        default_graph: graphs to take as the default graph, ``None`` for the store's own.
        named_graphs: graphs that ``GRAPH`` sees, ``None`` for all.
    """

    text: str
    values: Mapping[str, ox.NamedNode | ox.Literal] = field(default_factory=dict)
    default_graph: Sequence[str] | None = None
    named_graphs: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """A value on a page: its text, where it leads, its language, and its datatype where the text does not show it."""

    text: str
    href: str | None = None
    language: str = ""
    datatype: str = ""


@dataclass(frozen=True, slots=True)
class AnswerView:
    """An answer as a page shows it: a table, a yes or no, or a graph as text."""

    kind: str
    columns: list[str] = field(default_factory=list)
    rows: list[list[Cell | None]] = field(default_factory=list)
    more: bool = False
    verdict: bool = False
    text: str = ""


def is_repeatable(text: str) -> bool:
    """Return whether the answer to a query depends on nothing but the graph.

    >>> is_repeatable("SELECT * { ?s ?p 'now()' }"), is_repeatable("SELECT (now() AS ?x) {}")
    (True, False)
    >>> is_repeatable("SELECT * { ?s ?p ?know } ORDER BY ?know"), is_repeatable("SELECT * { ?s ?p ?o } ORDER BYRAND()")
    (True, False)
    """
    if not _MAY_DIFFER.search(text):
        return True
    # An engine may read an escaped letter as the letter, and another end of a string or comment than we do.
    if "\\u" in text.lower() or is_ambiguous(text):
        return False
    # Engines let words run into each other, so what comes before the name of the function does not matter.
    said = (" " if token.kind in {"comment", "string"} else token.text for token in tokens(text))
    return not _CALL.search("".join(said))


def kept_headers(request: Request, catalogue: Catalogue, text: str, *variant: str) -> dict[str, str]:
    """Return the caching headers for the answer to a query.

    Raises:
        NotModifiedError: when the asker holds the answer already.
    """
    if request.method != "GET" or not is_repeatable(text):
        return {"Cache-Control": "no-store", "Vary": VARYING}
    return freshness(request, catalogue.version, text, *variant)


def data_answer(
    request: Request, catalogue: Catalogue, asked: Asked, wanted: str | None, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer a query as data.

    Args:
        request: for its caching headers.
        catalogue: whose store to ask.
        asked: the query.
        wanted: an ``Accept`` header or the short name of a format.
        headers: further headers.

    Raises:
        QueryError: when the query cannot be answered.
        NotAcceptableError: when the answer cannot be written so.
        NotModifiedError: when the asker holds it already.
    """
    check_nesting(asked.text)
    chosen = _chosen(catalogue, asked, wanted)
    kept = kept_headers(request, catalogue, asked.text, chosen.name if chosen else "")
    body, media_type = catalogue.evaluator.serialize_query(
        asked.text,
        chosen.name if chosen else None,
        substitutions=asked.values,
        default_graph=asked.default_graph,
        named_graphs=asked.named_graphs,
    )
    return Response(body, media_type=media_type, headers={**kept, **(headers or {})})


def _chosen(catalogue: Catalogue, asked: Asked, wanted: str | None) -> OutputFormat | None:
    """Return the format of an answer; none for a text that is no query at all: that is the engine's to refuse."""
    form = query_form(asked.text)
    if form is None:
        return None
    kind = "solutions" if form == "SELECT" else "boolean" if form == "ASK" else "graph"
    try:
        return negotiate(wanted, kind)  # type: ignore[arg-type]
    except NotAcceptableError:
        # What is wrong with the query goes before the format. What answers queries finds that out, over no graphs: only
        # to be read the query need not look at any statement.
        catalogue.evaluator.serialize_query(
            asked.text, wanted, substitutions=asked.values, default_graph=_NO_GRAPHS, named_graphs=_NO_GRAPHS
        )
        raise


def view(catalogue: Catalogue, asked: Asked, shown_rows: int) -> AnswerView:
    """Answer a query for a page, with ``shown_rows`` rows at most.

    Raises:
        QueryError: when the query cannot be answered.
    """
    check_nesting(asked.text)
    graph = query_form(asked.text) in {"CONSTRUCT", "DESCRIBE"}
    body, _ = catalogue.evaluator.serialize_query(
        asked.text,
        "ntriples" if graph else "json",
        substitutions=asked.values,
        default_graph=asked.default_graph,
        named_graphs=asked.named_graphs,
    )
    if graph:
        return _graph_view(body, shown_rows)
    answer = ox.parse_query_results(body, format=ox.QueryResultsFormat.JSON)
    if isinstance(answer, ox.QueryBoolean):
        return AnswerView("boolean", verdict=bool(answer))
    if isinstance(answer, ox.QuerySolutions):
        columns = [variable.value for variable in answer.variables]
        found = [[_cell(solution[name]) for name in columns] for solution in islice(answer, shown_rows + 1)]
        return AnswerView("solutions", columns, found[:shown_rows], more=len(found) > shown_rows)
    raise TypeError("A SELECT or ASK query has solutions or a verdict.")


def _graph_view(body: bytes, shown_rows: int) -> AnswerView:
    triples = [quad.triple for quad in islice(ox.parse(body, format=ox.RdfFormat.N_TRIPLES), shown_rows + 1)]
    prefixes = {name: base for name, base in PREFIXES.items() if name not in {"id", "graph"}}
    written = ox.serialize(triples[:shown_rows], format=ox.RdfFormat.TURTLE, prefixes=prefixes)
    return AnswerView("graph", more=len(triples) > shown_rows, text=written.decode() if written else "")


def _cell(term: Node | None) -> Cell | None:
    if term is None:
        return None
    if isinstance(term, ox.NamedNode):
        foreign = term.value if term.value.startswith(("http://", "https://")) else None
        return Cell(shorten_iri(term.value), href(term.value) or foreign)
    if isinstance(term, ox.Literal):
        datatype = shorten_iri(term.datatype.value)
        plain = bool(term.language) or datatype in _PLAIN
        return Cell(term.value, language=term.language or "", datatype="" if plain else datatype)
    return Cell(str(term))
