"""One process that answers queries, as the server sees it.

In: a query as a frame. Out: its answer, or the news that it takes too long or that the process is gone.
The decision hidden here: a socket between the two, read by whoever asks: a thread that waits, or the event loop without
any thread between. One asks at a time.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from pathlib import Path

from valueweave.store.evaluator import RUN
from valueweave.store.frames import HEAD, Evaluated, answer_head, answer_of

__all__ = ["EvaluatorProcess"]

_START = 60.0
"""So many seconds a process may take to open the store."""
_PART = 1 << 16


class EvaluatorProcess:
    """A process with a store open, or one on its way there.

    Args:
        folder: the store folder.
        memory_mib: memory that a query may take; 0 is no ceiling.

    Attributes:
        version: the version that was open at first, once it has said so.
    """

    def __init__(self, folder: Path, memory_mib: int) -> None:
        self._socket, theirs = socket.socketpair()
        for end in (self._socket, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)  # a usual answer goes in one piece
        command = [sys.executable, "-c", RUN, str(folder), str(memory_mib)]
        # What the engine says when it runs out of memory is of no use to anyone: the refusal says it.
        self.child = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL)
        theirs.close()
        self._socket.setblocking(False)
        self._buffer = bytearray(_PART)
        self._ready = False
        self.version = ""

    def ask(self, frame: bytes, seconds: float) -> Evaluated:
        """Return the answer to a query; this thread waits.

        Args:
            frame: the query.
            seconds: how long it may take.

        Raises:
            TimeoutError: when it takes too long; the process is to be ended.
            EOFError: when the process is gone.
        """
        try:
            if not self._ready:
                self._hail(self._read(time.monotonic() + _START))
            ends = time.monotonic() + seconds
            self._socket.settimeout(seconds)
            self._socket.sendall(frame)
            return self._read(ends)
        except TimeoutError:
            raise
        except OSError as error:
            raise EOFError from error

    async def answer(self, frame: bytes, seconds: float) -> Evaluated:
        """Return the answer to a query, as :meth:`ask`; the event loop goes on meanwhile."""
        loop = asyncio.get_running_loop()
        try:
            self._socket.setblocking(False)
            if not self._ready:
                async with asyncio.timeout(_START):
                    self._hail(await self._receive(loop))
            async with asyncio.timeout(seconds):
                await loop.sock_sendall(self._socket, frame)
                return await self._receive(loop)
        except TimeoutError:
            raise
        except OSError as error:
            raise EOFError from error

    def _hail(self, told: Evaluated) -> None:
        self.version = told.body.decode("ascii")
        self._ready = True

    def _read(self, ends: float) -> Evaluated:
        def receive(into: memoryview) -> int:
            left = ends - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._socket.settimeout(left)
            return self._socket.recv_into(into)

        have = 0
        while have < HEAD.size:
            have += _some(receive(memoryview(self._buffer)[have:]))
        kind, media, rest = self._begun(have)
        have -= HEAD.size
        while have < len(rest):
            have += _some(receive(rest[have:]))
        return answer_of(kind, media, rest)

    async def _receive(self, loop: asyncio.AbstractEventLoop) -> Evaluated:
        have = 0
        while have < HEAD.size:
            have += _some(await loop.sock_recv_into(self._socket, memoryview(self._buffer)[have:]))
        kind, media, rest = self._begun(have)
        have -= HEAD.size
        while have < len(rest):
            have += _some(await loop.sock_recv_into(self._socket, rest[have:]))
        return answer_of(kind, media, rest)

    def _begun(self, have: int) -> tuple[int, int, memoryview]:
        """Return what the head says and room for the rest, with what has come of it already."""
        kind, media, length = answer_head(self._buffer)
        begun = memoryview(self._buffer)[HEAD.size : have]
        whole = media + length
        if len(begun) >= whole:
            return kind, media, begun[:whole]
        rest = memoryview(bytearray(whole))
        rest[: len(begun)] = begun
        return kind, media, rest

    def end(self) -> None:
        """End the process at once."""
        self.child.kill()
        self._socket.close()
        self.child.wait()


def _some(count: int) -> int:
    if count == 0:
        raise EOFError
    return count
