"""One process that answers queries, as the server sees it.

In: queries as frames. Out: their answers in the same order, or the news that one takes too long, or that the process
is gone.
The decision hidden here: two sockets without any thread between. Queries go out as messages, so that a few may lie
ready while one is answered: nobody needs to be woken up between two of them. What a process has not taken yet is taken
back when the one before lasts. Answers come back as a stream that the event loop reads, straight into the bytes that go
out to the asker.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Protocol, cast

from valueweave.server.children import Child, start
from valueweave.server.line import Query
from valueweave.server.template import Template
from valueweave.store.evaluator import RUN
from valueweave.store.frames import HEAD, LARGEST_MESSAGE, answer_head, answer_of, number_of, numbered

__all__ = ["EvaluatorProcess", "Owner"]

_START = 60.0
"""So many seconds a process may take to open the store."""
_READY = 8
"""So many short queries may lie with a process at most, the one that it answers included."""
_OF_LATE = 16
"""Over so many queries or so the pace of a process is taken."""
_SHORT = 1 << 13
"""A query of so many bytes is a short one: all that may lie there find room in the socket."""
_QUICK = 0.002
"""While the query that is answered has taken no longer, others may be laid behind it."""
_LONG = 0.005
"""So many seconds others may have to lie there, as far as the pace tells. They are taken back when the query that is
answered has taken longer, and longer than usual."""
_UNUSUAL = 4
"""So many times the pace is longer than usual."""
_LONGEST = 0.02
"""They are taken back by then in any case."""
_LASTING = 0.5
"""When it has taken so many seconds, and from then on again and again, its owner is told."""
_PART = 1 << 16


class Owner(Protocol):
    """Who is told what happens in a process; never while it is being asked."""

    def answered(self, process: EvaluatorProcess, query: Query) -> None:
        """Take note that a query was answered: it will be told right afterwards."""

    def returned(self, process: EvaluatorProcess, queries: list[Query]) -> None:
        """Take back queries that the process has not begun with."""

    def lasts(self, process: EvaluatorProcess, query: Query) -> None:
        """Take note that a query takes long."""

    def lost(self, process: EvaluatorProcess, query: Query | None, error: Exception) -> None:
        """Take note that the process is of no use any more, and which query it was at."""


class EvaluatorProcess(asyncio.BufferedProtocol):
    """A process with a store open, or one on its way there.

    Args:
        folder: the store folder.
        memory_mib: memory that a query may take; 0 is no ceiling.
        seconds: time that a query may take.
        services: addresses that queries may call.
        owner: who is told what happens.
        template: what to make the process from; without one it opens the store itself.

    Raises:
        OSError: when no process can be made.

    Attributes:
        child: the process.
        gone: whether it is known to have ended.
        was_open: whether it was ready to answer once.
        pace: how many seconds it has been taking for a query of late.
    """

    def __init__(
        self,
        folder: Path,
        memory_mib: int,
        seconds: float,
        services: Sequence[str] = (),
        *,
        owner: Owner,
        template: Template | None = None,
    ) -> None:
        self._seconds, self._owner = seconds, owner
        try:
            self._asking, self._asked = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._ready = _READY
        except (AttributeError, OSError):  # not on macOS: bytes that were sent cannot be taken back there
            self._asking, self._asked = socket.socketpair()
            self._ready = 1
        self._answers, theirs = socket.socketpair()
        for end in (self._asking, self._answers, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)  # a usual answer goes in one piece
        self.child: Child
        try:
            if template is None:
                command = [sys.executable, "-c", RUN, str(folder), str(memory_mib), *services]
                self.child = start(command, self._asked.fileno(), theirs.fileno())
            else:
                self.child = template.fork(self._asked.fileno(), theirs.fileno())
        except BaseException:
            for end in (self._asking, self._asked, self._answers):
                end.close()
            raise
        finally:
            theirs.close()
        self._asking.setblocking(False)
        self._answers.setblocking(False)
        self._transport: asyncio.Transport | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opened: asyncio.Future[None] | None = None
        self._sending: asyncio.Task[None] | None = None
        self._queries: dict[int, Query] = {}
        self._numbers = count(1)
        self._since = self.pace = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._start = memoryview(bytearray(_PART))
        self._rest: memoryview | None = None
        self._kind = self._media = self._number = self._have = 0
        self.gone = self.was_open = False

    # -- what its owner asks

    @property
    def waiting(self) -> int:
        """How many queries lie with it, the one that it answers included."""
        return len(self._queries)

    def has_room(self, query: Query) -> bool:
        """Return whether a query may be laid behind others."""
        if self.gone or self._loop is None:
            return False
        if not self._queries:
            return True
        if len(self._queries) >= self._ready or (len(self._queries) > 1 and len(self._queries) * self.pace > _LONG):
            return False
        return (
            self._loop.time() - self._since < _QUICK and len(query.frame) <= _SHORT and len(self._first.frame) <= _SHORT
        )

    @property
    def _first(self) -> Query:
        """The query that it answers: messages are read in their order."""
        return next(iter(self._queries.values()))

    async def open(self) -> None:
        """Wait until the process is ready to answer.

        Raises:
            TimeoutError: when it takes too long.
            EOFError: when the process is gone.
        """
        if self._opened is None:
            self._loop = asyncio.get_running_loop()
            self._opened = self._loop.create_future()
            await self._loop.create_connection(lambda: self, sock=self._answers)
        async with asyncio.timeout(_START):
            await asyncio.shield(self._opened)

    def ask(self, query: Query) -> None:
        """Have a query answered, in the event loop; a process that is gone has its owner told."""
        if self.gone:
            self._owner.lost(self, query, EOFError())
            return
        number = next(self._numbers)
        self._queries[number] = query
        message = numbered(number, query.frame)
        if self._loop is None or self._opened is None or not self._opened.done():
            self._sending = asyncio.get_running_loop().create_task(self._open_and_send(message))
            return
        if len(self._queries) == 1:
            self._begin()
        if len(query.frame) <= _SHORT:
            with suppress(OSError):  # of a process that is gone the other socket tells
                self._asking.send(message)
                return
        self._sending = self._loop.create_task(self._send(message))

    def fail(self, error: Exception) -> None:
        """Give up on the query that it is at, and so on the process."""
        query = self._queries.pop(next(iter(self._queries))) if self._queries else None
        self.drop()
        self._owner.lost(self, query, error)

    def drop(self) -> None:
        """Let go of the connection, and give back what has not been begun, in the event loop that has it."""
        if self.gone:
            return
        self.gone = True
        if self._timer is not None:
            self._timer.cancel()
        if self._sending is not None:
            self._sending.cancel()
        if self._transport is not None:
            self._transport.abort()
        if self._queries:
            queries, self._queries = list(self._queries.values()), {}
            self._owner.returned(self, queries)

    def end(self) -> None:
        """End the process at once; from any thread."""
        self.child.kill()
        if self._transport is None:
            self._answers.close()
        self.child.wait()
        self._asking.close()
        self._asked.close()

    # -- how queries go out

    async def _open_and_send(self, message: bytes) -> None:
        """Send the query that it was asked before it was open."""
        try:
            await self.open()
        except (OSError, EOFError) as error:  # a TimeoutError is an OSError
            if not self.gone:
                self.fail(EOFError(str(error)))
            return
        if self._queries:
            self._begin()
            await self._send(message)

    async def _send(self, message: bytes) -> None:
        loop = asyncio.get_running_loop()
        with suppress(OSError):  # of a process that is gone the other socket tells
            for start in range(0, len(message), LARGEST_MESSAGE):
                await loop.sock_sendall(self._asking, message[start : start + LARGEST_MESSAGE])

    @property
    def _patience(self) -> float:
        """So many seconds it may be at a query before what lies behind is taken back."""
        return min(max(_LONG, _UNUSUAL * self.pace), _LONGEST)

    def _begin(self) -> None:
        """Take note that it begins with a query."""
        assert self._loop is not None
        self._since = self._loop.time()
        if self._timer is None or self._timer.when() > self._since + self._patience:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_later(self._patience, self._look)

    def _look(self) -> None:
        """Look how long it has been at its query; one timer does for all of them."""
        self._timer = None
        if not self._queries:
            return
        assert self._loop is not None
        taken = self._loop.time() - self._since
        if taken >= self._seconds:
            self.fail(TimeoutError())
            return
        if taken >= self._patience and len(self._queries) > 1:
            self._take_back()
        if taken >= _LASTING:
            self._owner.lasts(self, self._first)
        if self.gone or self._timer is not None:  # the owner has given it up, or something else to do
            return
        step = self._patience if taken < self._patience else _LASTING
        self._timer = self._loop.call_later(max(min(step, self._seconds - taken), 0.001), self._look)

    def _take_back(self) -> None:
        """Take back what has not been begun: a message that nobody has read can be read from this side.

        Each is read by one side only, yet the process may go on meanwhile: which ones came back, their numbers tell.
        """
        first, back = self._first, list[Query]()
        with suppress(OSError):
            while len(self._queries) > 1:
                message = self._asked.recv(LARGEST_MESSAGE, socket.MSG_DONTWAIT)
                if not message:
                    break
                back.append(self._queries.pop(number_of(message)))
        if back:
            if self._first is not first:
                self._begin()
            self._owner.returned(self, back)

    # -- what the event loop calls when answers come

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to let go."""
        self._transport = cast("asyncio.Transport", transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where the next bytes go: behind the head, or straight into the answer."""
        return (self._start if self._rest is None else self._rest)[self._have :]

    def buffer_updated(self, nbytes: int) -> None:
        """Look at what has come: the rest of an answer, or the beginning of one, and perhaps others behind it."""
        self._have += nbytes
        if self._rest is not None:
            if self._have < len(self._rest):
                return
            rest, self._rest, self._have = self._rest, None, 0
            self._settle(rest)
            return
        at, end = 0, self._have
        while end - at >= HEAD.size:
            try:
                self._kind, self._media, length, self._number = answer_head(self._start[at:])
            except EOFError:
                self.fail(EOFError())
                return
            whole = self._media + length
            begun = self._start[at + HEAD.size : min(at + HEAD.size + whole, end)]
            if len(begun) < whole:
                if at == 0 and HEAD.size + whole <= _PART:
                    return  # it has room here
                if HEAD.size + whole > _PART:
                    self._rest = memoryview(bytearray(whole))
                    self._rest[: len(begun)] = begun
                    self._have = len(begun)
                    return
                break
            at += HEAD.size + whole
            self._settle(begun)
            if self.gone:
                return
        self._start[: end - at] = bytes(self._start[at:end])
        self._have = end - at

    def _settle(self, rest: memoryview) -> None:
        """Hand an answer over, and go on with the next query."""
        assert self._loop is not None
        assert self._opened is not None
        if not self._opened.done():
            self.was_open = True
            self._opened.set_result(None)
            return
        query = self._queries.pop(self._number, None)
        if query is None:
            self.fail(EOFError())
            return
        answer = answer_of(self._kind, self._media, rest)
        self.pace += (self._loop.time() - self._since - self.pace) / _OF_LATE
        if self._queries:
            self._begin()
        self._owner.answered(self, query)
        query.tell(answer)  # last: the process has its next query by now

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits that the process is gone."""
        if self._opened is not None and not self._opened.done():
            self._opened.set_exception(EOFError())
            self._opened.exception()  # whoever waits for it is told; it may be nobody
        if not self.gone:
            self.fail(EOFError())
