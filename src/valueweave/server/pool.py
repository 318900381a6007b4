"""The processes that answer queries: which query gets which, and for how long.

In: queries as frames, in the event loop. Out: answers, or the refusal they deserve.
The decision hidden here: how long to wait for whom. A query waits for a free process, is answered there, and its
process is killed at the limit; the next query finds another one. Long queries must not hold up short ones: when
somebody has waited for a moment, a spare process is started, and a query that takes longer there than a turn while
others wait loses it and waits on for one of the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from valueweave.problems import Problem
from valueweave.server.errors import ProblemError
from valueweave.server.evaluator_process import EvaluatorProcess
from valueweave.server.limits import Limits, Tally
from valueweave.server.line import ASKER, Line
from valueweave.store.frames import Evaluated

__all__ = ["Pool"]

_MOMENT = 0.3
"""After so many seconds of waiting a spare process is started."""
_TURN = 0.5
"""So many seconds a query may take in a spare process while others wait."""
_IDLE = 20.0
"""A spare process that has had nothing to do for so long is ended."""
_LINE = 256
"""So many queries may wait."""


class Pool:
    """Processes with a store open; but for its making and its end, for the event loop.

    Args:
        folder: the store folder.
        count: how many there always are.
        limits: what one query may take.
        tally: told what becomes of the queries.

    Attributes:
        everyone: the processes that there are.
    """

    def __init__(self, folder: Path, count: int, limits: Limits, tally: Tally) -> None:
        self._folder, self._limits, self._tally = folder, limits, tally
        self._closed = False
        self._line = Line(_LINE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._free = [self._start() for _ in range(count)]
        self.everyone = set(self._free)
        self._spare: set[EvaluatorProcess] = set()
        self._coming = 0

    def close(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """End all processes; whoever still waits for an answer is told that the server stops.

        Args:
            loop: the event loop that asks them, from another thread or from itself.
        """
        self._closed = True
        everyone = list(self.everyone)
        for process in everyone:
            process.end()
        if loop is not None and not loop.is_closed():
            for process in everyone:
                loop.call_soon_threadsafe(process.drop)
            loop.call_soon_threadsafe(self._line.clear)

    async def answer(self, frame: bytes) -> Evaluated:
        """Return the answer to a query.

        Raises:
            ProblemError: 503 when nobody is free or the query takes too much memory, 504 when it takes too long.
        """
        answer = await self._turn(frame, slow=False) or await self._turn(frame, slow=True)
        assert answer is not None  # a slow one gets no spare process, so nobody takes it away
        return answer

    def busy(self) -> ProblemError:
        """Return the refusal for whom nobody is free."""
        return self._refusal(503, _BUSY)

    def _refusal(self, status: int, problem: Problem) -> ProblemError:
        self._tally.refuse(problem.code)
        return ProblemError(status, problem, headers={"Retry-After": "5"} if status == 503 else {})

    async def _turn(self, frame: bytes, slow: bool) -> Evaluated | None:
        """Return the answer, or none when the query lost its turn to others."""
        asker = ASKER.get()
        process = self._idle(slow) or await self._promised(asker, slow)
        self._line.begin(asker)
        kept = False
        try:
            answer = await self._ask(process, frame)
            kept = True
        except InterruptedError:
            return None
        except TimeoutError as error:
            limit = f"The query was ended after {self._limits.seconds:g} seconds."
            raise self._refusal(504, Problem("query-timeout", limit, "Ask for less, or add LIMIT.")) from error
        except (EOFError, OSError) as error:
            raise self._refusal(503, _STOPPING if self._closed else _TOO_MUCH) from error
        finally:
            # Whatever happened, as many processes as before are there for the next one.
            self._line.end(asker)
            if kept:
                self._give(process)
            else:
                self._renew(process)
        return answer

    async def _ask(self, process: EvaluatorProcess, frame: bytes) -> Evaluated:
        """Return the answer of a process.

        Raises:
            InterruptedError: when it is a spare one, and others are to have their turn.
        """
        if process not in self._spare:
            return await process.answer(frame, self._limits.seconds)
        loop = asyncio.get_running_loop()

        def look() -> None:
            if self._line.quick:
                process.fail(InterruptedError)
            timers.append(loop.call_later(_TURN, look))

        timers = [loop.call_later(_TURN, look)]
        try:
            return await process.answer(frame, self._limits.seconds)
        finally:
            timers[-1].cancel()

    def _start(self) -> EvaluatorProcess:
        self._tally.start()
        return EvaluatorProcess(self._folder, self._limits.memory_mib, self._limits.services)

    def _idle(self, slow: bool) -> EvaluatorProcess | None:
        """Return a free process, a spare one last; those that ended while they had nothing to do are replaced."""
        for process in sorted(self._free, key=self._spare.__contains__):
            if slow and process in self._spare:
                break
            self._free.remove(process)
            if not process.gone:
                return process
            self._renew(process)
        return None

    async def _promised(self, asker: str, slow: bool) -> EvaluatorProcess:
        """Wait for a free process.

        Raises:
            ProblemError: when nobody is free for too long, or too many wait.
        """
        if self._closed:
            raise self._refusal(503, _STOPPING)
        try:
            place = self._line.join(asker, slow)
        except OverflowError as error:
            raise self._refusal(503, _BUSY) from error
        loop = asyncio.get_running_loop()
        timers = [loop.call_later(self._limits.waiting, place.promised.cancel), loop.call_later(_MOMENT, self._add)]
        try:
            return await place.promised
        except asyncio.CancelledError as error:
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                if place.promised.done() and not place.promised.cancelled():
                    self._give(place.promised.result())
                raise
            raise self._refusal(503, _STOPPING if self._closed else _BUSY) from error
        finally:
            self._line.leave(place)
            for timer in timers:
                timer.cancel()

    def _give(self, process: EvaluatorProcess) -> None:
        """Hand a process on to whoever is next."""
        spare = process in self._spare
        if place := self._line.next(spare):
            place.promised.set_result(process)
            return
        self._free.append(process)
        if spare:
            asyncio.get_running_loop().call_later(_IDLE, self._dismiss, process)

    def _renew(self, process: EvaluatorProcess) -> None:
        """Put another process in the place of one; not in the event loop, since it takes a while."""
        process.drop()
        self._do(self._replace(process))

    def _add(self) -> None:
        """Start a spare process, when somebody waits and there may be one more."""
        if self._line.quick and len(self._spare) + self._coming < self._limits.spare:
            self._coming += 1
            self._do(self._replace(None))

    def _dismiss(self, process: EvaluatorProcess) -> None:
        """End a spare process that has nothing to do."""
        if process in self._free:
            self._free.remove(process)
            self._renew(process)

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _replace(self, process: EvaluatorProcess | None) -> None:
        """End a process and start one in its place; of spare ones only as long as somebody waits."""
        loop = asyncio.get_running_loop()
        spare = process is None or process in self._spare
        if process is not None:
            await loop.run_in_executor(None, process.end)
            self.everyone.discard(process)
            self._coming += spare
            self._spare.discard(process)
        fresh = None
        try:
            if not self._closed and (self._line.quick or not spare):
                fresh = await loop.run_in_executor(None, self._start)
                self.everyone.add(fresh)
                if spare:
                    self._spare.add(fresh)
        finally:
            self._coming -= spare
        if fresh is None:
            return
        if self._closed:
            await loop.run_in_executor(None, fresh.end)
            return
        with suppress(EOFError, OSError):
            await fresh.open()  # where that fails, whoever asks it is told
        self._give(fresh)


_BUSY = Problem("server-busy", "All evaluators are busy with other queries.", "Ask again in a few seconds.")
_STOPPING = Problem("server-stopping", "The server is being stopped.", "Ask again in a moment.")
_TOO_MUCH = Problem(
    "query-memory", "The query was ended: it took more memory than a query may.", "Ask for less, or add LIMIT."
)
