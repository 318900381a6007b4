"""One connection: HTTP as bytes come in and go out.

In: bytes of a connection. Out: requests to the application; the bytes of its answers that nobody has taken yet.
The decision hidden here: httptools reads HTTP (twice as fast as what uvicorn takes otherwise), and since it takes heads
and trailers of any length, at any pace, this counts bytes and seconds. Whoever sends or takes too slowly is cut off.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from valueweave.server.joining import Joining

if TYPE_CHECKING:
    from valueweave.server.direct import DirectAnswers

__all__ = ["DIRECT", "LARGEST_HEAD", "Connection", "Patience", "unsent"]

DIRECT = "direct"
"""Under this name the application tells the connections, in the state of its lifespan, what answers plain queries."""

LARGEST_HEAD = 1 << 16
"""So many bytes the address and the headers of a request may take; whoever has more to say sends a body."""

_OPEN = set["Connection"]()


def unsent() -> int:
    """Return how many bytes of answers wait in this process to be taken, over all connections."""
    return sum(connection.transport.get_write_buffer_size() for connection in _OPEN)


@dataclass(frozen=True, slots=True)
class Patience:
    """How slow the other side may be.

    Attributes:
        head: so many seconds it may take to send the head of a request, and the first part of its body.
        rate: so many bytes a second it must send of a body then, and take of an answer.
        stalled: over so many seconds the pace at which it takes an answer is looked at.
    """

    head: float = 15.0
    rate: int = 1000
    stalled: float = 30.0


class _At(Enum):
    HEAD, BODY, END = range(3)


class Connection(HttpToolsProtocol):
    """Reads requests, and gives up on those who take too long or too much.

    Args:
        given: as uvicorn gives it.
        patience: how slow the other side may be.
    """

    def __init__(self, *given: Any, patience: Patience | None = None, **named: Any) -> None:
        super().__init__(*given, **named)
        self._patience = patience or Patience()
        self._at = _At.HEAD
        self._head = 0  # bytes of the head
        self._aside = self._body = 0  # bytes beside the body since there was some of it; bytes of the body
        self._moved = False  # whether a request began or some of its body came with the last bytes
        self._began = 0.0
        self._reading: asyncio.TimerHandle | None = None
        self._writing: asyncio.TimerHandle | None = None
        self._direct: DirectAnswers | None = self.app_state.get(DIRECT)

    def begin(self, cycle: RequestResponseCycle) -> None:
        """Have the application answer a request."""
        self._start_asgi_task(cycle, self.app)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin with nothing read."""
        super().connection_made(cast("asyncio.Transport", Joining(transport, self.loop)))
        _OPEN.add(self)
        self._expect(self._patience.head)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of everything."""
        _OPEN.discard(self)
        for timer in (self._reading, self._writing):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    # -- what comes in

    def data_received(self, data: bytes) -> None:
        """Take in what has come."""
        self._moved = False
        super().data_received(data)
        if self._moved:
            # Some of the bytes may belong to what was before: so much, and no more, goes uncounted.
            self._aside = 0
        else:
            self._aside += len(data)
            if self._aside > LARGEST_HEAD:
                self._give_up(b"431 Request Header Fields Too Large")
        if self._reading is None and not (self._at is _At.END and self._moved):
            self._expect(self._patience.head)

    def on_message_begin(self) -> None:
        """Begin with the next request."""
        self._at, self._moved, self._head = _At.HEAD, True, 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Take a part of the address."""
        self._head += len(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; those that come after the body are of no use to anyone."""
        if self._at is _At.HEAD:
            self._head += len(name) + len(value) + 4
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Wait for the body from now on; the application counts its bytes."""
        if self._head > LARGEST_HEAD:
            too_long = b"414 URI Too Long" if len(self.url) > LARGEST_HEAD else b"431 Request Header Fields Too Large"
            self._give_up(too_long)
            raise ValueError("The head is too long.")  # to the parser, which reads no further
        self._at, self._body, self._began = _At.BODY, 0, self.loop.time()
        self._expect(None)
        if self._direct is None or not self._direct.take(self):
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._moved = True
        self._body += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait for nothing."""
        self._at = _At.END
        self._expect(None)
        super().on_message_complete()

    def _expect(self, seconds: float | None) -> None:
        """Look after so many seconds whether what is waited for has come."""
        if self._reading is not None:
            self._reading.cancel()
        self._reading = None if seconds is None else self.loop.call_later(seconds, self._look)

    def _look(self) -> None:
        answering = self.cycle is not None and not self.cycle.response_complete
        if self._at is _At.BODY:
            slow = self._body < self._patience.rate * (self.loop.time() - self._began)
            # An application that does not read what has come is not the sender's fault.
            if self.flow.read_paused or not slow:
                self._expect(self._patience.head / 3)
                return
        elif answering:
            self._expect(self._patience.head)  # a next request may take its time while this one does
            return
        self._reading = None
        self._give_up(b"408 Request Timeout" if self._moved or self._aside else b"")

    def _give_up(self, status: bytes) -> None:
        """Say why, where no answer has begun, and close."""
        if self.transport.is_closing():
            return
        begun = self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete
        if status and not begun:
            self.transport.write(
                b"HTTP/1.1 " + status + b"\r\ncontent-type: text/plain; charset=utf-8\r\n"
                b"content-length: 0\r\nconnection: close\r\n\r\n"
            )
        self.transport.close()
        self._watch_taking()

    # -- what goes out

    def pause_writing(self) -> None:
        """Have the application wait, and watch how fast the other side takes what there is."""
        super().pause_writing()
        self._watch_taking()

    def resume_writing(self) -> None:
        """Let the application go on: what there was has been taken."""
        super().resume_writing()
        self._watch_anew()

    def on_response_complete(self) -> None:
        """Go on with the next request, and watch how fast the other side takes the rest of the answer."""
        cast("Joining", self.transport).flush()
        super().on_response_complete()
        if self._at is not _At.END:
            self._unset_keepalive_if_required()  # the next request has begun
        if self.transport.get_write_buffer_size():
            self._watch_taking()
        else:
            self._watch_anew()

    def _watch_anew(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None
        self._watch_taking()

    def _watch_taking(self) -> None:
        if self._writing is None and (waiting := self.transport.get_write_buffer_size()):
            self._writing = self.loop.call_later(self._patience.stalled, self._look_at_taking, waiting)

    def _look_at_taking(self, before: int) -> None:
        self._writing = None
        due = before - self._patience.rate * self._patience.stalled
        if self.transport.get_write_buffer_size() > max(due, 0):
            self.transport.abort()
        else:
            self._watch_taking()
