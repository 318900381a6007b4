"""Answers compressed with gzip for those who take it.

In: an ASGI application. Out: the same, compressing what is worth it.
The decision hidden here: the ETag of a compressed answer is another one (RFC 9110, 8.8.3.3), yet the application knows
nothing of it: ``"abc"`` goes out as ``"abc-gzip"`` and comes back in ``If-Match`` or ``If-None-Match`` as ``"abc"``.
"""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Compression", "takes_gzip"]

_LEAST = 1000
"""So many bytes an answer must have; a shorter one fits into one packet anyhow."""
_LEVEL = 4
"""For SPARQL results the higher levels make little difference to the size and take up to three times as long."""
_MARK = b'-gzip"'
_CONDITIONS = (b"if-match", b"if-none-match")


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
        self._app = GZipMiddleware(app, minimum_size=_LEAST, compresslevel=_LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        encoding = b"gzip" if takes_gzip(Headers(scope=scope).get("accept-encoding", "")) else b"identity"
        holds_compressed = any(name in _CONDITIONS and _MARK in value for name, value in scope["headers"])

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                again = message["status"] == 304 and holds_compressed
                tag = headers.get("etag", "")
                if tag.endswith('"') and (again or headers.get("content-encoding") == "gzip"):
                    headers["ETag"] = tag[:-1] + _MARK.decode()
                if message["status"] == 304:
                    headers.add_vary_header("Accept-Encoding")
            await send(message)

        sent = [
            (name, value.replace(_MARK, b'"') if name in _CONDITIONS else value)
            for name, value in scope["headers"]
            if name != b"accept-encoding"
        ]
        await self._app({**scope, "headers": [*sent, (b"accept-encoding", encoding)]}, receive, send_on)
