"""Requests of the SPARQL 1.1 Protocol.

In: an HTTP request. Out: the query, its dataset and the format wanted, or a refusal with the status it deserves.
The decision hidden here: what the protocol allows in which method and media type.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl

import pyoxigraph as ox
from fastapi import Request

from valueweave.problems import Problem
from valueweave.server.answers import Asked
from valueweave.server.errors import ProblemError

__all__ = ["SparqlRequest", "from_address", "from_body", "read_body"]

_FORM, _QUERY, _UPDATE = "application/x-www-form-urlencoded", "application/sparql-query", "application/sparql-update"
_DATASET = {"default-graph-uri", "named-graph-uri"}


@dataclass(frozen=True, slots=True)
class SparqlRequest:
    """A request of the protocol: the query (none on a plain GET) and the format that the request names."""

    asked: Asked | None
    format: str | None


async def read_body(request: Request, limit: int) -> bytes:
    """Return the body of a request.

    Raises:
        ProblemError: 413 when it is longer than ``limit`` bytes; the rest is not read.
    """
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
        problem = Problem("request-too-large", f"The request is longer than {limit} bytes.", "Ask a shorter query.")
        raise ProblemError(413, problem, headers={"Connection": "close"})
    return bytes(body)


def from_address(request: Request, limit: int) -> SparqlRequest:
    """Read a query by GET.

    Raises:
        ProblemError: when the address is not as the protocol says.
    """
    pairs = _pairs(request.url.query.encode(), "address")
    if any(name == "update" for name, _ in pairs):
        raise _bad("update-by-get", "An update is not possible by GET.", "This endpoint answers queries only.")
    text = _one(pairs, "query")
    if text is None:
        if any(name in _DATASET for name, _ in pairs):
            raise _bad("missing-query", "The request has a dataset but no query.", "Add query=... to the address.")
        return SparqlRequest(None, _one(pairs, "format"))
    if len(text.encode()) > limit:
        problem = Problem("request-too-large", f"The query is longer than {limit} bytes.", "Ask a shorter query.")
        raise ProblemError(414, problem)
    return _read(text, pairs)


def from_body(request: Request, body: bytes) -> SparqlRequest:
    """Read a query by POST, as a form or as the query itself.

    Raises:
        ProblemError: when media type or body are not as the protocol says.
    """
    declared = request.headers.get("content-type", "")
    media_type, *options = (part.strip().lower() for part in declared.split(";"))
    charset = next((option[8:].strip('"') for option in options if option.startswith("charset=")), "utf-8")
    if media_type == _UPDATE:
        raise _no_updates()
    if media_type not in {_FORM, _QUERY} or charset not in {"utf-8", "utf8", "us-ascii"}:
        problem = Problem(
            "unsupported-media-type",
            f"A query cannot be sent as '{declared}'." if declared else "The request does not say what its body is.",
            f"Send {_QUERY} or {_FORM}, in UTF-8.",
            term="Content-Type",
        )
        raise ProblemError(415, problem, headers={"Accept-Post": f"{_QUERY}, {_FORM}"})
    in_address = _pairs(request.url.query.encode(), "address")
    if media_type == _QUERY:
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise _not_utf8("body", error) from error
        if any(name == "query" for name, _ in in_address):
            raise _bad("several-queries", "The request has a query in its body and one in its address.", "Send one.")
        return _read(text, in_address)
    pairs = _pairs(body, "form")
    if any(name == "update" for name, _ in pairs):
        raise _no_updates()
    pairs += [(name, value) for name, value in in_address if name in _DATASET | {"format"}]
    asked = _one(pairs, "query")
    if asked is None:
        raise _bad("missing-query", "The form has no field 'query'.", "Add it.", "query")
    return _read(asked, pairs)


def _read(text: str, pairs: list[tuple[str, str]]) -> SparqlRequest:
    default = [value for name, value in pairs if name == "default-graph-uri"]
    named = [value for name, value in pairs if name == "named-graph-uri"]
    for iri in (*default, *named):
        try:
            ox.NamedNode(iri)
        except ValueError as error:
            raise _bad("graph-iri", f"'{iri}' is no IRI.", "Name graphs by their full IRI.", "graph-uri") from error
    if default or named:
        # A dataset in the request is the whole dataset: what it does not name is empty (SPARQL 1.1 Protocol, 2.1.4).
        return SparqlRequest(Asked(text, default_graph=default, named_graphs=named), _one(pairs, "format"))
    return SparqlRequest(Asked(text), _one(pairs, "format"))


def _pairs(encoded: bytes, where: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(encoded.decode("utf-8"), keep_blank_values=True, encoding="utf-8", errors="strict")
    except UnicodeDecodeError as error:
        raise _not_utf8(where, error) from error


def _one(pairs: list[tuple[str, str]], name: str) -> str | None:
    values = [value for key, value in pairs if key == name]
    if len(values) > 1:
        raise _bad("repeated-parameter", f"'{name}' is given {len(values)} times.", "Give it once.", name)
    return values[0] if values else None


def _bad(code: str, message: str, remedy: str, term: str | None = None) -> ProblemError:
    return ProblemError(400, Problem(code, message, remedy, term=term))


def _not_utf8(where: str, error: UnicodeDecodeError) -> ProblemError:
    return _bad("not-utf-8", f"The {where} is not UTF-8 (byte {error.start}).", "Send UTF-8.")


def _no_updates() -> ProblemError:
    problem = Problem("updates-refused", "This endpoint answers queries only; it takes no updates.", "Send a query.")
    return ProblemError(403, problem)
