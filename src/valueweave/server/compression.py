"""Answers compressed with gzip for those who take it.

In: an ASGI application. Out: the same, compressing what is worth it.
The decision hidden here: the ETag of a compressed answer is another one (RFC 9110, 8.8.3.3), yet the application knows
nothing of it: ``"abc"`` goes out as ``"abc-gzip"`` and comes back in ``If-Match`` or ``If-None-Match`` as ``"abc"``. A
short answer, which most are, passes with as little work as can be; starlette's own part takes four times as long for
each, leaves the ETag as it is and compresses for ``gzip;q=0``.
"""

from __future__ import annotations

import zlib
from functools import lru_cache

from anyio.to_thread import run_sync
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["LEAST", "Compression", "takes_gzip"]

LEAST = 1000
"""So many bytes an answer must have; a shorter one fits into one packet anyhow."""
_IN_A_THREAD = 128 * 1024
"""From so many bytes on compressing would hold up other requests."""
_LEVEL = 4
"""For SPARQL results the higher levels make little difference to the size and take up to three times as long."""
_PACKED = ("image/", "font/", "audio/", "video/", "application/gzip", "application/zip")
_MARK = b'-gzip"'
_CONDITIONS = (b"if-match", b"if-none-match")


@lru_cache(64)
def takes_gzip(header: str) -> bool:
    """Return whether an ``Accept-Encoding`` header takes gzip.

    >>> takes_gzip("br, gzip;q=0.5"), takes_gzip("gzip;q=0, *"), takes_gzip("*;q=0.1"), takes_gzip("")
    (True, False, True, False)
    """
    weights: dict[str, float] = {}
    for part in header.lower().split(","):
        name, _, weight = (piece.strip() for piece in part.partition(";"))
        try:
            weights[name] = float(weight.removeprefix("q=") or 1)
        except ValueError:
            weights[name] = 0.0
    return weights.get("gzip", weights.get("*", 0.0)) > 0


class Compression:
    """Compress answers for those who take it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        accepted, held = b"", False
        for name, value in scope["headers"]:
            if name == b"accept-encoding":
                accepted += b"," + value
            elif name in _CONDITIONS and _MARK in value:
                held = True
        if held:
            scope = {**scope, "headers": [_without_mark(*header) for header in scope["headers"]]}
        await self._app(scope, receive, _Answer(accepted, held, send).pass_on)


def _without_mark(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    return name, value.replace(_MARK, b'"') if name in _CONDITIONS else value


class _Answer:
    """An answer on its way out; its head waits for the first part of the body, which decides."""

    __slots__ = ("_accepted", "_head", "_held", "_packer", "_send")

    def __init__(self, accepted: bytes, held: bool, send: Send) -> None:
        self._accepted, self._held, self._send = accepted, held, send
        self._head: Message | None = None
        self._packer: zlib._Compress | None = None

    async def pass_on(self, message: Message) -> None:
        """Send a part of the answer on."""
        if message["type"] == "http.response.start":
            self._head = message
            return
        if self._head is not None:
            head, self._head = self._head, None
            if message["type"] == "http.response.body":
                message = await self._begin(head, message)
            await self._send(head)
        elif self._packer is not None and message["type"] == "http.response.body":
            message = await self._pack(self._packer, message)
        await self._send(message)

    async def _begin(self, head: Message, message: Message) -> Message:
        """Decide, change the head, and return the first part of the body as it is to be sent."""
        more = message.get("more_body", False)
        if head["status"] == 304:
            _mark(headers := MutableHeaders(scope=head), self._held)
            headers.add_vary_header("Accept-Encoding")
        if len(message.get("body", b"")) < LEAST and not more:
            return message
        headers = MutableHeaders(scope=head)
        is_packed = headers.get("content-type", "").startswith(_PACKED) or "content-encoding" in headers
        if is_packed or head["status"] == 206:
            return message
        headers.add_vary_header("Accept-Encoding")
        if not self._accepted or not takes_gzip(self._accepted.decode("latin-1")):
            return message
        _mark(headers, True)
        headers["Content-Encoding"] = "gzip"
        self._packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
        message = await self._pack(self._packer, message)
        if more:
            del headers["Content-Length"]
        else:
            headers["Content-Length"] = str(len(message["body"]))
        return message

    async def _pack(self, packer: zlib._Compress, message: Message) -> Message:
        body, more = message.get("body", b""), message.get("more_body", False)
        end = zlib.Z_SYNC_FLUSH if more else zlib.Z_FINISH

        def pack() -> bytes:
            return packer.compress(body) + packer.flush(end)

        return {**message, "body": await run_sync(pack) if len(body) >= _IN_A_THREAD else pack()}


def _mark(headers: MutableHeaders, compressed: bool) -> None:
    """Make the ETag that of the compressed answer."""
    if compressed and (tag := headers.get("etag", "")).endswith('"'):
        headers["ETag"] = tag[:-1] + _MARK.decode()
