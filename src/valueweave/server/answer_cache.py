"""Answers kept in memory, to be sent again without asking anything.

In: answers that carry an ETag, requests as they come. Out: the same bytes, or ``304 Not Modified``.
The decision hidden here: an answer may be kept when it says so itself (``ETag`` and ``Cache-Control: public``), under
the version of the graph, its address and the request headers that ``Vary`` names; nothing is kept for those who send
credentials. So much memory, and no more: what was asked for longest ago goes first.
Source: HTTP Caching (RFC 9111), sections 3 and 4.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from valueweave.server.editions import Editions
from valueweave.server.routing import came_to, route_of

__all__ = ["ANSWERED", "VARYING_HEADERS", "AnswerCache", "BoundedCache", "Kept", "KeptAnswers", "key_of"]

Value = TypeVar("Value")
_LARGEST_PART = 8
"""No answer takes more than this part of the whole."""
_ENTRY = 1000
"""About so many bytes an entry takes beside its body."""
ANSWERED = "valueweave.answered"
"""Where a request carries the answer that it was given already: the edition it is of, and a future of it."""
VARYING_HEADERS = {b"accept", b"accept-language", b"host"}
"""The headers of a request on which answers depend."""
_SENT_WITH_304 = {b"etag", b"cache-control", b"vary"}


class BoundedCache(Generic[Value]):
    """Values by key, so many bytes of them; what was asked for longest ago goes first. For one thread.

    Args:
        largest: how many bytes the values may take.

    Attributes:
        size: how many bytes they take.

    >>> cache = BoundedCache[bytes](10_000)
    >>> for number in range(20):
    ...     cache.put(number, b"x", 1000)
    >>> cache.get(0), cache.get(19), cache.size
    (None, b'x', 10000)
    """

    def __init__(self, largest: int) -> None:
        self.largest, self.size = largest, 0
        self._entries: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()

    def get(self, key: Hashable) -> Value | None:
        """Return a value, if it is there."""
        found = self._entries.get(key)
        if found is None:
            return None
        self._entries.move_to_end(key)
        return found[0]

    def put(self, key: Hashable, value: Value, size: int) -> None:
        """Keep a value that takes so many bytes, unless that is too much."""
        if size > self.largest // _LARGEST_PART:
            return
        _, before = self._entries.pop(key, (None, 0))
        self._entries[key] = value, size
        self.size += size - before
        while self.size > self.largest:
            _, (_, gone) = self._entries.popitem(last=False)
            self.size -= gone


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer.

    Attributes:
        headers: what goes with it, before anything is added that depends on the asker.
        body: its bytes.
        etag: its ETag.
        route: the pattern of its address.
        plain: whether it is the answer to a plain query, which goes out without anything that pages need.
    """

    headers: list[tuple[bytes, bytes]]
    body: bytes
    etag: bytes
    route: str
    plain: bool = False


class KeptAnswers:
    """The answers that are kept, by key.

    Args:
        largest: how many bytes may be kept; 0 keeps nothing.
        count: told of each answer that may be kept whether it was there.

    Attributes:
        off: whether nothing is kept.
    """

    def __init__(self, largest: int, count: Callable[[bool], None]) -> None:
        self._answers, self._count = BoundedCache[Kept](largest), count
        self.off = not largest

    def get(self, key: Hashable, plain: bool = False, below: int | None = None) -> Kept | None:
        """Return an answer, if it is there; if wanted only one to a plain query, or only one of fewer bytes."""
        found = self._answers.get(key)
        if found is None or (plain and not found.plain) or (below is not None and len(found.body) >= below):
            return None
        self._count(True)
        return found

    def put(self, key: Hashable, kept: Kept) -> None:
        """Keep an answer."""
        self._count(False)
        self._answers.put(key, kept, len(kept.body) + _ENTRY)


def key_of(
    version: str, path: str, query_string: bytes, scheme: str, varying: Iterable[tuple[bytes, bytes]]
) -> Hashable:
    """Return what decides the bytes of an answer.

    Args:
        version: of the graph.
        path: of the address.
        query_string: of the address.
        scheme: of the address.
        varying: the headers of the request that are in :data:`VARYING_HEADERS`, in their order.
    """
    return (version, path, query_string, scheme, *varying)


class AnswerCache:
    """Answer what was answered before; keep what may be kept.

    Args:
        app: what answers.
        editions: for the version of the graph.
        kept: the answers.
    """

    def __init__(self, app: ASGIApp, editions: Editions, kept: KeptAnswers) -> None:
        self.app, self._editions, self._kept = app, editions, kept

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, unless its answer is there."""
        if scope["type"] != "http" or scope["method"] != "GET" or self._kept.off:
            await self.app(scope, receive, send)
            return
        varying, held = [], b""
        for name, value in scope["headers"]:
            if name in VARYING_HEADERS:
                varying.append((name, value))
            elif name == b"if-none-match":
                held += b"," + value
            elif name == b"authorization":
                await self.app(scope, receive, send)
                return
        given = scope.get(ANSWERED)
        version = (given[0] if given else self._editions.current()).version
        key = key_of(version, scope["path"], scope["query_string"], scope["scheme"], varying)
        found = self._kept.get(key)
        if found is not None:
            came_to(scope, found.route)
            await _send(found, held, send)
            return
        await self.app(scope, receive, self._keeping(key, scope, send))

    def _keeping(self, key: Hashable, scope: Scope, send: Send) -> Send:
        """Return a way to send that keeps what it sends, where that may be kept."""
        headers: list[tuple[bytes, bytes]] | None = None

        async def send_on(message: Message) -> None:
            nonlocal headers
            if message["type"] == "http.response.start":
                if message["status"] == 200:
                    headers = _keepable(message["headers"])
            elif headers is not None and not message.get("more_body") and message["type"] == "http.response.body":
                body = bytes(message.get("body", b""))
                # An answer in several parts would be longer than its last one.
                if (b"content-length", b"%d" % len(body)) in headers:
                    self._kept.put(key, Kept(headers, body, dict(headers)[b"etag"], route_of(scope)))
            await send(message)

        return send_on


def _keepable(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]] | None:
    """Return the headers of an answer when it may be kept, as they are before others add to them."""
    told = dict(headers)
    public = told.get(b"cache-control", b"").startswith(b"public")
    return list(headers) if public and b"etag" in told and b"set-cookie" not in told else None


async def _send(kept: Kept, held: bytes, send: Send) -> None:
    if held and any(tag.strip().removeprefix(b"W/") == kept.etag for tag in held.split(b",")):
        headers = [(name, value) for name, value in kept.headers if name in _SENT_WITH_304]
        await send({"type": "http.response.start", "status": 304, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        return
    await send({"type": "http.response.start", "status": 200, "headers": list(kept.headers)})
    await send({"type": "http.response.body", "body": kept.body})
