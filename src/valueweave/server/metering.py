"""Each request with an id, counted, and logged where that is wanted.

In: requests as they pass. Out: the header ``X-Request-Id``, counts, lines of log.
The decision hidden here: an id that the asker gives is kept when it is a plain one; it is the outermost part of the
server, so that what it counts is what the asker sees.
"""

from __future__ import annotations

import itertools
import re
import time
import uuid

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from valueweave.server.logs import log_event
from valueweave.server.metrics import Meter
from valueweave.server.routing import route_of, watch

__all__ = ["Metering", "Notes", "new_id"]

_REQUEST_ID = re.compile(rb"[\w.:-]{1,64}")
_METHODS = {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}
_REFUSED = {403, 413, 414, 503, 504}


_START, _NUMBERS = uuid.uuid4().hex[:20].encode("ascii"), itertools.count()


def new_id() -> bytes:
    """Return an id for a request: random for this process, counted in it."""
    return b"%b%012x" % (_START, next(_NUMBERS))


class Notes:
    """What is noted of each request.

    Args:
        meter: what counts.
        log: whether to log each request.
        log_refused: whether to log those that were refused because they would take too much, in a line of their own.
    """

    def __init__(self, meter: Meter, log: bool, log_refused: bool = False) -> None:
        self._meter, self._log, self._log_refused = meter, log, log_refused

    def begin(self) -> None:
        """Note that a request has begun."""
        self._meter.begin()

    def withdraw(self) -> None:
        """Take that back: somebody else will note it."""
        self._meter.withdraw()

    def end(self, request_id: bytes, method: str, path: str, route: str, status: int, seconds: float) -> None:
        """Note that it is done with."""
        self._meter.count(method if method in _METHODS else "other", route, status, seconds)
        refused = self._log_refused and status in _REFUSED
        for event in (*(["request"] if self._log else []), *(["refused"] if refused else [])):
            log_event(
                event,
                id=request_id.decode("ascii"),
                method=method,
                path=path,
                route=route,
                status=status,
                ms=round(seconds * 1000, 2),
            )


class Metering:
    """Count each request, give it an id, and log it where that is wanted.

    Args:
        app: what answers.
        notes: what is noted.
    """

    def __init__(self, app: ASGIApp, notes: Notes) -> None:
        self.app, self._notes = app, notes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        request_id = given if _REQUEST_ID.fullmatch(given) else new_id()
        status = 500
        watch(scope)
        self._notes.begin()

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message.setdefault("headers", []).append((b"x-request-id", request_id))
            await send(message)

        try:
            await self.app(scope, receive, send_on)
        finally:
            seconds = time.perf_counter() - started
            self._notes.end(request_id, scope["method"], scope["path"], route_of(scope), status, seconds)
