"""Requests under way: what each of them keeps for as long as it takes.

In: requests as they pass. Out: the same; a long answer is refused while too many bytes wait for askers to take them.
The decision hidden here: the editions that a request asks for stay open until it ends; who asks is told to those that
share out evaluators; and the bytes of long answers are counted from their head until the system has taken them.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from valueweave.problems import Problem
from valueweave.server.connection import unsent
from valueweave.server.editions import Editions
from valueweave.server.errors import ProblemError, refusal
from valueweave.server.line import ASKER, Asker

__all__ = ["LONG", "UnderWay"]

LONG = 1 << 20
"""An answer of so many bytes is a long one; shorter ones are always sent."""
_NO_ROOM = Problem(
    "answers-under-way", "Too many long answers are on their way.", "Ask again in a few seconds, or for less."
)


class UnderWay:
    """Let go of what a request has kept when it ends, and refuse long answers while there are too many.

    Args:
        app: what answers.
        editions: what opens versions of the graph.
        largest: how many bytes may wait to be sent; a single answer is sent however long it is.
    """

    def __init__(self, app: ASGIApp, editions: Editions, largest: int) -> None:
        self.app, self._editions, self._largest = app, editions, largest
        self._promised = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        ASKER.set(Asker(scope["client"][0] if scope.get("client") else "", receive))
        mine, refused = 0, False

        async def send_on(message: Message) -> None:
            nonlocal mine, refused
            if message["type"] == "http.response.start" and (length := _length(message)) >= LONG:
                under_way = self._promised + unsent()
                if under_way and under_way + length > self._largest:
                    refused = True
                    error = ProblemError(503, _NO_ROOM, headers={"Retry-After": "5"})
                    await refusal(Request(scope), error)(scope, receive, send)
                    return
                mine = length
                self._promised += mine
            if not refused:
                await send(message)

        try:
            with self._editions.kept():
                await self.app(scope, receive, send_on)
        finally:
            self._promised -= mine


def _length(message: Message) -> int:
    for name, value in message["headers"]:
        if name == b"content-length":
            return int(value)
    return 0
