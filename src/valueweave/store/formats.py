"""The formats of answers: their short names, media types and which kind of answer each can hold.

In: the name of a format, a media type or an HTTP ``Accept`` header. Out: one :class:`OutputFormat`.
The decision hidden here: what is offered, and in which order when the asker does not mind.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import pyoxigraph as ox

from valueweave.namespaces import PREFIXES
from valueweave.problems import InputError, Problem

__all__ = ["FORMATS", "WRITTEN_PREFIXES", "Kind", "NotAcceptableError", "OutputFormat", "is_known", "negotiate"]

Kind = Literal["solutions", "boolean", "graph"]

WRITTEN_PREFIXES = {name: base for name, base in PREFIXES.items() if name not in {"id", "graph"}}
"""Prefixes of written graphs. Ids hold slashes, which a prefixed name must escape and not every parser reads back."""


class NotAcceptableError(InputError):
    """None of the formats asked for can hold the answer."""


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """A format: short name, media types (the first is sent), the engine's writer, the kinds of answer it holds."""

    name: str
    media_types: tuple[str, ...]
    writer: ox.QueryResultsFormat | ox.RdfFormat
    kinds: frozenset[Kind]

    @property
    def media_type(self) -> str:
        """The media type to send."""
        return self.media_types[0]


_ROWS: frozenset[Kind] = frozenset({"solutions", "boolean"})
_GRAPH: frozenset[Kind] = frozenset({"graph"})

FORMATS: tuple[OutputFormat, ...] = (
    OutputFormat(
        "json", ("application/sparql-results+json", "application/json", "text/json"), ox.QueryResultsFormat.JSON, _ROWS
    ),
    OutputFormat(
        "xml", ("application/sparql-results+xml", "application/xml", "text/xml"), ox.QueryResultsFormat.XML, _ROWS
    ),
    OutputFormat("csv", ("text/csv",), ox.QueryResultsFormat.CSV, _ROWS),
    OutputFormat("tsv", ("text/tab-separated-values",), ox.QueryResultsFormat.TSV, _ROWS),
    OutputFormat("turtle", ("text/turtle", "application/turtle", "application/x-turtle"), ox.RdfFormat.TURTLE, _GRAPH),
    # What an engine writes as N3 is Turtle; only the name in the header is another one.
    OutputFormat("n3", ("text/n3", "text/rdf+n3", "application/n3"), ox.RdfFormat.TURTLE, _GRAPH),
    OutputFormat("ntriples", ("application/n-triples", "text/plain"), ox.RdfFormat.N_TRIPLES, _GRAPH),
    OutputFormat("rdfxml", ("application/rdf+xml", "application/xml", "text/xml"), ox.RdfFormat.RDF_XML, _GRAPH),
    OutputFormat(
        "jsonld",
        ("application/ld+json", "application/json", "application/x-json+ld"),
        ox.RdfFormat.JSON_LD,
        _GRAPH,
    ),
    # An answer is one graph, which these two hold as their default graph; there are clients that ask for nothing else.
    OutputFormat("nquads", ("application/n-quads", "text/x-nquads"), ox.RdfFormat.N_QUADS, _GRAPH),
    OutputFormat("trig", ("application/trig", "application/x-trig"), ox.RdfFormat.TRIG, _GRAPH),
)
"""What answers can be written in; of those equally wanted the first is taken."""

_ALIASES = {
    "ttl": "turtle",
    "nt": "ntriples",
    "n-triples": "ntriples",
    "rdf": "rdfxml",
    "rdf+xml": "rdfxml",
    "json-ld": "jsonld",
    "nq": "nquads",
}


def negotiate(accept: str | None, kind: Kind) -> OutputFormat:
    """Choose the format for an answer.

    Args:
        accept: a short name (``csv``), a media type, an ``Accept`` header with q-values, or nothing.
        kind: what the answer is. ``json`` means JSON-LD for a graph, ``xml`` RDF/XML.

    Raises:
        NotAcceptableError: when no format asked for can hold an answer of this kind.

    >>> negotiate("text/csv;q=0.5, application/sparql-results+json", "solutions").name
    'json'
    >>> negotiate("*/*", "graph").name
    'turtle'
    >>> negotiate("json", "graph").name
    'jsonld'
    """
    return _negotiate(accept, kind)


def is_known(wanted: str) -> bool:
    """Return whether something is written in a format, whatever the kind of answer.

    Args:
        wanted: a short name, a media type, or an ``Accept`` header; of that only what it names outright counts.

    >>> is_known("n3"), is_known("rdf+xml"), is_known("text/csv;q=0.5, */*"), is_known("pdf"), is_known("*/*")
    (True, True, True, False, False)
    """
    name = wanted.strip().lower()
    if _ALIASES.get(name, name) in {known.name for known in FORMATS}:
        return True
    media = {media for known in FORMATS for media in known.media_types}
    return any(quality > 0 and one in media for one, quality in _ranges(wanted).items())


@lru_cache(256)
def _negotiate(accept: str | None, kind: Kind) -> OutputFormat:
    offered = [candidate for candidate in FORMATS if kind in candidate.kinds]
    if accept is None or not accept.strip():
        return offered[0]
    name = _ALIASES.get(accept.strip().lower(), accept.strip().lower())
    if kind == "graph":
        name = {"json": "jsonld", "xml": "rdfxml"}.get(name, name)
    for candidate in offered:
        if candidate.name == name:
            return candidate
    ranges = _ranges(accept)
    ranked = [(_quality(candidate, ranges), candidate) for candidate in offered]
    best = max(quality for quality, _ in ranked)
    if best > 0:
        return next(candidate for quality, candidate in ranked if quality == best)
    names = ", ".join(candidate.name for candidate in offered)
    what = {"solutions": "A table of solutions", "boolean": "A yes or no", "graph": "A graph"}[kind]
    raise NotAcceptableError(
        Problem("not-acceptable", f"{what} cannot be written as '{accept}'.", f"Ask for one of {names}.", term=accept)
    )


def _ranges(accept: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for part in accept.lower().split(","):
        media, *options = (piece.strip() for piece in part.split(";"))
        quality = 1.0
        for option in options:
            key, _, value = option.partition("=")
            if key.strip() == "q":
                try:
                    quality = min(max(float(value), 0.0), 1.0)
                except ValueError:
                    quality = 0.0
        found[media] = max(quality, found.get(media, 0.0))
    return found


def _quality(candidate: OutputFormat, ranges: dict[str, float]) -> float:
    """Return how much a format is wanted: an exact media type decides before ``text/*``, and that before ``*/*``."""
    exact = [ranges[media] for media in candidate.media_types if media in ranges]
    if exact:
        return max(exact)
    family = candidate.media_type.split("/")[0] + "/*"
    return ranges.get(family, ranges.get("*/*", 0.0))
