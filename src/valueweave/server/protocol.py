"""Requests of the SPARQL 1.1 Protocol.

In: an HTTP request. Out: the query or update, its dataset and the format wanted, or a refusal with the status it
deserves.
The decision hidden here: what the protocol allows in which method and media type.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

import pyoxigraph as ox
from fastapi import Request

from valueweave.problems import Problem
from valueweave.server.answers import Asked
from valueweave.server.errors import ProblemError
from valueweave.server.negotiation import wants_page
from valueweave.store.formats import is_known

__all__ = [
    "UPDATE",
    "SparqlRequest",
    "UpdateAsked",
    "from_address",
    "from_body",
    "media_type_of",
    "read_address",
    "read_body",
]

UPDATE = "application/sparql-update"
"""Media type of an update."""

_FORM, _QUERY = "application/x-www-form-urlencoded", "application/sparql-query"
_DATASET, _USING = {"default-graph-uri", "named-graph-uri"}, {"using-graph-uri", "using-named-graph-uri"}
_UTF8 = {"utf-8", "utf8", "us-ascii"}


@dataclass(frozen=True, slots=True)
class UpdateAsked:
    """An update with everything that decides what it does.

    Attributes:
        text: the SPARQL text.
        using_default: graphs that its patterns see as the default graph, ``None`` for the store's own.
        using_named: graphs that ``GRAPH`` in its patterns sees, ``None`` for all.
    """

    text: str
    using_default: list[str] | None = None
    using_named: list[str] | None = None


@dataclass(frozen=True, slots=True)
class SparqlRequest:
    """A request of the protocol: the query (none on a plain GET) and the format that it names, or an update."""

    asked: Asked | None
    format: str | None
    update: UpdateAsked | None = None


def media_type_of(request: Request) -> tuple[str, bool]:
    """Return the media type of the body of a request, in lower case, and whether it is text that this server reads."""
    media_type, *options = (part.strip().lower() for part in request.headers.get("content-type", "").split(";"))
    charset = next((option[8:].strip('"') for option in options if option.startswith("charset=")), "utf-8")
    return media_type, charset in _UTF8


async def read_body(request: Request, limit: int, remedy: str = "Ask a shorter query.") -> bytes:
    """Return the body of a request.

    Args:
        request: whose body to read.
        limit: so many bytes it may have.
        remedy: what to tell who sends more.

    Raises:
        ProblemError: 413 when it is longer than ``limit`` bytes, the rest is not read; 415 when it is compressed.
    """
    coding = ", ".join(request.headers.getlist("content-encoding")).strip()
    if coding.lower() not in {"", "identity"}:
        problem = Problem(
            "unsupported-content-encoding",
            f"The body is encoded as '{coding[:100]}'.",
            "Send it as it is, without Content-Encoding.",
            term="Content-Encoding",
        )
        raise ProblemError(415, problem, headers={"Accept-Encoding": "identity"})
    declared = request.headers.get("content-length", "")
    too_long = declared.isdigit() and int(declared) > limit
    body = bytearray()
    if not too_long:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                too_long = True
                break
    if too_long:
        problem = Problem("request-too-large", f"The request is longer than {limit} bytes.", remedy)
        raise ProblemError(413, problem, headers={"Connection": "close"})
    return bytes(body)


def from_address(request: Request, limit: int) -> SparqlRequest:
    """Read a query by GET, as :func:`read_address`."""
    return read_address(request.scope["query_string"], request.headers.get("accept", ""), limit)


def read_address(encoded: bytes, accept: str, limit: int) -> SparqlRequest:
    """Read a query in an address.

    Args:
        encoded: what follows the question mark.
        accept: the ``Accept`` header.
        limit: so many bytes the query may have.

    Raises:
        ProblemError: when the address is not as the protocol says.

    >>> read_address(b"query=ASK+%7B%7D&format=csv", "*/*", 100).asked.text
    'ASK {}'
    """
    pairs = _pairs(encoded, "address")
    if any(name == "update" for name, _ in pairs):
        raise _bad("update-by-get", "An update is not possible by GET.", "Send it by POST.", "update")
    text = _one(pairs, "query")
    if text is None:
        if any(name in _DATASET for name, _ in pairs):
            raise _bad("missing-query", "The request has a dataset but no query.", "Add query=... to the address.")
        return SparqlRequest(None, _format(accept, pairs))
    if len(text.encode()) > limit:
        problem = Problem("request-too-large", f"The query is longer than {limit} bytes.", "Ask a shorter query.")
        raise ProblemError(414, problem)
    return _read(accept, text, pairs)


def from_body(request: Request, body: bytes) -> SparqlRequest:
    """Read a query or update by POST, as a form or as the text itself.

    Raises:
        ProblemError: when media type or body are not as the protocol says.
    """
    media_type, readable = media_type_of(request)
    if media_type not in {_FORM, _QUERY, UPDATE} or not readable:
        declared = request.headers.get("content-type", "")
        problem = Problem(
            "unsupported-media-type",
            f"A query cannot be sent as '{declared}'." if declared else "The request does not say what its body is.",
            f"Send {_QUERY}, {UPDATE} or {_FORM}, in UTF-8.",
            term="Content-Type",
        )
        raise ProblemError(415, problem, headers={"Accept-Post": f"{_QUERY}, {UPDATE}, {_FORM}"})
    in_address, accept = _pairs(request.scope["query_string"], "address"), request.headers.get("accept", "")
    if media_type == _FORM:
        return _from_form(accept, _pairs(body, "form"), in_address)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _not_utf8("body", error) from error
    if any(name in {"query", "update"} for name, _ in in_address):
        raise _bad("several-queries", "The request has a text in its body and one in its address.", "Send one.")
    return _read_update(text, in_address) if media_type == UPDATE else _read(accept, text, in_address)


def _from_form(accept: str, pairs: list[tuple[str, str]], in_address: list[tuple[str, str]]) -> SparqlRequest:
    pairs += [(name, value) for name, value in in_address if name in _DATASET | _USING | {"format"}]
    asked, update = _one(pairs, "query"), _one(pairs, "update")
    if asked is not None and update is not None:
        raise _bad("several-queries", "The form has a query and an update.", "Send one.")
    if update is not None:
        return _read_update(update, pairs)
    if asked is None:
        raise _bad("missing-query", "The form has no field 'query' and no field 'update'.", "Add one.", "query")
    return _read(accept, asked, pairs)


def _read_update(text: str, pairs: list[tuple[str, str]]) -> SparqlRequest:
    default, named = _graphs(pairs, "using-graph-uri"), _graphs(pairs, "using-named-graph-uri")
    # As for queries: what a dataset in the request does not name is empty (SPARQL 1.1 Protocol, 2.2.3).
    update = UpdateAsked(text, default, named) if default or named else UpdateAsked(text)
    return SparqlRequest(None, None, update)


def _graphs(pairs: list[tuple[str, str]], parameter: str) -> list[str]:
    found = [value for name, value in pairs if name == parameter]
    for iri in found:
        try:
            ox.NamedNode(iri)
        except ValueError as error:
            raise _bad("graph-iri", f"'{iri}' is no IRI.", "Name graphs by their full IRI.", parameter) from error
    return found


def _read(accept: str, text: str, pairs: list[tuple[str, str]]) -> SparqlRequest:
    wanted = _format(accept, pairs)
    default, named = _graphs(pairs, "default-graph-uri"), _graphs(pairs, "named-graph-uri")
    if default or named:
        # A dataset in the request is the whole dataset: what it does not name is empty (SPARQL 1.1 Protocol, 2.1.4).
        return SparqlRequest(Asked(text, default_graph=default, named_graphs=named), wanted)
    return SparqlRequest(Asked(text), wanted)


def _format(accept: str, pairs: list[tuple[str, str]]) -> str | None:
    """Return the format that a request names.

    There are clients that name several, some of them unknown to anyone but their first server, and say the same in
    ``Accept`` besides: so the first one known is taken. When none is, what ``Accept`` names outright counts; a browser
    names what it can show whatever it is sent to, so that is no wish.
    """
    named = [value for name, value in pairs if name == "format" and value.strip()]
    known = next((value for value in named if is_known(value) or wants_page(None, value)), None)
    if known is not None or not named:
        return known
    return None if is_known(accept) and not wants_page(accept) else named[0]


def _pairs(encoded: bytes, where: str) -> list[tuple[str, str]]:
    try:
        parts = (part.partition(b"=") for part in encoded.split(b"&") if part)
        return [(_decoded(name), _decoded(value)) for name, _, value in parts]
    except UnicodeDecodeError as error:
        raise _not_utf8(where, error) from error


def _decoded(text: bytes) -> str:
    """Read what a form encodes (as the standard library does, in half the time)."""
    text = text.replace(b"+", b" ")
    return (unquote_to_bytes(text) if b"%" in text else text).decode("utf-8")


def _one(pairs: list[tuple[str, str]], name: str) -> str | None:
    values = [value for key, value in pairs if key == name]
    if len(values) > 1:
        raise _bad("repeated-parameter", f"'{name}' is given {len(values)} times.", "Give it once.", name)
    return values[0] if values else None


def _bad(code: str, message: str, remedy: str, term: str | None = None) -> ProblemError:
    return ProblemError(400, Problem(code, message, remedy, term=term))


def _not_utf8(where: str, error: UnicodeDecodeError) -> ProblemError:
    return _bad("not-utf-8", f"The {where} is not UTF-8 (byte {error.start}).", "Send UTF-8.")
