"""One process that answers queries, as the server sees it.

In: a query as a frame. Out: its answer, or the news that it takes too long or that the process is gone.
The decision hidden here: a socket between the two that the event loop reads, without any thread between, straight into
the bytes that go out to the asker. One query at a time.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from valueweave.store.evaluator import RUN
from valueweave.store.frames import HEAD, Evaluated, answer_head, answer_of

__all__ = ["EvaluatorProcess"]

_START = 60.0
"""So many seconds a process may take to open the store."""
_PART = 1 << 16


class EvaluatorProcess(asyncio.BufferedProtocol):
    """A process with a store open, or one on its way there.

    Args:
        folder: the store folder.
        memory_mib: memory that a query may take; 0 is no ceiling.
        services: addresses that queries may call.

    Attributes:
        child: the process.
        gone: whether it is known to have ended.
    """

    def __init__(self, folder: Path, memory_mib: int, services: Sequence[str] = ()) -> None:
        self._socket, theirs = socket.socketpair()
        for end in (self._socket, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)  # a usual answer goes in one piece
        command = [sys.executable, "-c", RUN, str(folder), str(memory_mib), *services]
        # What the engine says when it runs out of memory is of no use to anyone: the refusal says it.
        self.child = subprocess.Popen(command, stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=subprocess.DEVNULL)
        theirs.close()
        self._socket.setblocking(False)
        self._transport: asyncio.Transport | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._awaited: asyncio.Future[Evaluated] | None = None
        self._start = memoryview(bytearray(_PART))
        self._rest: memoryview | None = None
        self._kind = self._media = self._have = 0
        self.gone = False

    async def open(self) -> None:
        """Wait until the process is ready to answer.

        Raises:
            TimeoutError: when it takes too long.
            EOFError: when the process is gone.
        """
        self._loop = asyncio.get_running_loop()
        self._awaited = self._loop.create_future()
        await self._loop.create_connection(lambda: self, sock=self._socket)
        await self._within(_START)

    async def answer(self, frame: bytes, seconds: float) -> Evaluated:
        """Return the answer to a query.

        Args:
            frame: the query.
            seconds: how long it may take.

        Raises:
            TimeoutError: when it takes too long; the process is to be ended.
            EOFError: when the process is gone.
        """
        if self._transport is None:
            await self.open()
        if self.gone:
            raise EOFError
        assert self._loop is not None
        assert self._transport is not None
        self._awaited = self._loop.create_future()
        self._transport.write(frame)
        return await self._within(seconds)

    async def _within(self, seconds: float) -> Evaluated:
        assert self._loop is not None
        assert self._awaited is not None
        timer = self._loop.call_later(seconds, self.fail, TimeoutError)
        try:
            return await self._awaited
        finally:
            timer.cancel()

    def fail(self, kind: type[Exception]) -> None:
        """Have whoever waits for an answer wait no longer; the process is to be ended."""
        if self._awaited is not None and not self._awaited.done():
            self._awaited.set_exception(kind())

    # -- what the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to write."""
        self._transport = cast("asyncio.Transport", transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where the next bytes go: behind the head, or straight into the answer."""
        return (self._start if self._rest is None else self._rest)[self._have :]

    def buffer_updated(self, nbytes: int) -> None:
        """Look at what has come."""
        self._have += nbytes
        if self._rest is None:
            if self._have < HEAD.size:
                return
            try:
                self._kind, self._media, length = answer_head(self._start)
            except EOFError:
                self.fail(EOFError)
                return
            begun = self._start[HEAD.size : self._have]
            whole = self._media + length
            self._have -= HEAD.size
            if self._have >= whole:
                self._rest = begun[:whole]
            else:
                self._rest = memoryview(bytearray(whole))
                self._rest[: self._have] = begun
        if self._have >= len(self._rest):
            answer = answer_of(self._kind, self._media, self._rest)
            self._rest, self._have = None, 0
            if self._awaited is not None and not self._awaited.done():
                self._awaited.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits that the process is gone."""
        self.gone = True
        self.fail(EOFError)

    # -- its end

    def drop(self) -> None:
        """Let go of the connection, in the event loop that has it."""
        self.gone = True
        if self._transport is not None:
            self._transport.abort()

    def end(self) -> None:
        """End the process at once; from any thread."""
        self.child.kill()
        if self._transport is None:
            self._socket.close()
        self.child.wait()
