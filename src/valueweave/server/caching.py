"""What lets browsers, proxies and scripts keep an answer until the graph changes.

In: the version of the graph and a request. Out: an ETag, the headers that go with it, and ``304 Not Modified``.
The decision hidden here: an answer depends on its address, its format, its language, the version of the store and of
the software, and on nothing else; so the ETag is known before the query is answered.
"""

from __future__ import annotations

import hashlib

from fastapi import Request
from fastapi.responses import Response

from valueweave.version import __version__

__all__ = ["KEPT", "VARYING", "NotModifiedError", "freshness", "not_modified", "tag_at", "tag_of"]

KEPT = "public, no-cache"
"""Kept by whoever likes, but asked again each time: after a build the next request sees the new graph."""
VARYING = "Accept, Accept-Language"
"""What an answer depends on besides its address."""


class NotModifiedError(Exception):
    """The asker has this answer already; ``headers`` go with the 304."""

    def __init__(self, headers: dict[str, str]) -> None:
        self.headers = headers
        super().__init__("not modified")


def freshness(request: Request, version: str, *variant: str) -> dict[str, str]:
    """Return the caching headers of the answer to ``request``.

    Args:
        request: who asks for what.
        version: version of the store.
        variant: what else decides the bytes: format, language.

    Raises:
        NotModifiedError: when the asker holds this answer already.
    """
    headers = {
        "ETag": tag_of(request, version, *variant),
        "Cache-Control": KEPT,
        "Vary": VARYING,
    }
    held = request.headers.get("if-none-match", "")
    if any(tag.strip().removeprefix("W/") == headers["ETag"] for tag in held.split(",")):
        raise NotModifiedError(headers)
    return headers


def tag_of(request: Request, version: str, *variant: str) -> str:
    """Return the ETag of the answer to ``request``, with the arguments of :func:`freshness`."""
    return tag_at(request.scope["path"], request.scope["query_string"], version, *variant)


def tag_at(path: str, query_string: bytes, version: str, *variant: str) -> str:
    """Return the ETag of the answer at an address.

    >>> tag_at("/a", b"", "1") == tag_at("/a", b"b", "1")
    False
    """
    parts = (__version__, version, path, query_string.decode("latin-1"), *variant)
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:24]
    return f'"{digest}"'


def not_modified(_: Request, error: Exception) -> Response:
    """Answer a :class:`NotModifiedError`."""
    assert isinstance(error, NotModifiedError)
    return Response(status_code=304, headers=error.headers)
