"""A few processes that answer queries, each ended and replaced when a query takes too long or too much.

In: queries, from any thread or from the event loop. Out: answers as bytes, or the refusal they deserve.
The decision hidden here: how long to wait for whom. A query waits for a free process, is answered there, and its process
is killed at the limit; the next query finds another one. Long queries must not hold up short ones: when somebody has
waited for a moment, a spare process is started, and a query that takes longer there than a turn while others wait loses
it and waits on for one of the others.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import pyoxigraph as ox

from valueweave.problems import InputError, Problem
from valueweave.server.errors import ProblemError
from valueweave.server.evaluator_process import EvaluatorProcess
from valueweave.server.line import ASKER, Line
from valueweave.sparql_text import QueryError
from valueweave.store import NotAcceptableError
from valueweave.store.frames import Evaluated, Evaluation, query_frame

__all__ = ["Evaluators", "Limits", "Tally"]

_MOMENT = 0.3
"""After so many seconds of waiting a spare process is started."""
_TURN = 1.0
"""So many seconds a query may take in a spare process while others wait."""
_IDLE = 20.0
"""A spare process that has had nothing to do for so long is ended."""
_LINE = 256
"""So many queries may wait."""
_THREADS = 16
"""So many threads may wait for answers: well below those that the server has (40), which others need."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one query may take.

    Attributes:
        seconds: time of evaluation.
        waiting: seconds that a query waits for a free process.
        memory_mib: memory above what the open store takes; 0 is no ceiling.
        answer_bytes: the longest answer.
        services: addresses that queries may call by ``SERVICE``.
    """

    seconds: float = 30.0
    waiting: float = 10.0
    memory_mib: int = 2048
    answer_bytes: int = 100_000_000
    services: tuple[str, ...] = ()


class Tally:
    """What became of the queries, for those who watch the server: all of it does nothing here."""

    def observe(self, seconds: float) -> None:
        """Take note of a query that was answered, with an answer or with a problem, waiting included."""

    def refuse(self, code: str) -> None:
        """Take note of a query that was refused, by the code of the problem."""

    def start(self) -> None:
        """Take note of a process that starts."""


class Evaluators:
    """Answers queries in processes of its own; use it as a context manager.

    Whoever is in the event loop asks :meth:`answer`, any other thread :meth:`serialize_query`.

    Args:
        folder: the store folder.
        count: how many processes.
        limits: what one query may take.
        tally: told what becomes of the queries.
    """

    def __init__(self, folder: Path, count: int = 2, limits: Limits | None = None, tally: Tally | None = None) -> None:
        self._folder = folder
        self.limits = limits or Limits()
        self.count = count
        self.tally = tally or Tally()
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._threads = threading.BoundedSemaphore(_THREADS)
        self._line = Line(_LINE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._free = [self._start() for _ in range(count)]
        self._all = set(self._free)
        self._spare: set[EvaluatorProcess] = set()
        self._coming = 0

    def __enter__(self) -> Evaluators:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def attach(self) -> None:
        """Let the running event loop be the one that reads the answers."""
        self._loop = asyncio.get_running_loop()

    def close(self) -> None:
        """End all processes; whoever still waits for an answer is told that the server stops."""
        self._closed = True
        everyone, loop = list(self._all), self._loop
        for process in everyone:
            process.end()
        if loop is None or loop.is_closed():
            return
        for process in everyone:
            loop.call_soon_threadsafe(process.drop)
        loop.call_soon_threadsafe(self._line.clear)
        if self._thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join()
            loop.close()

    def serialize_query(
        self,
        text: str,
        accept: str | None = None,
        *,
        substitutions: Mapping[str, ox.NamedNode | ox.Literal] | None = None,
        default_graph: Sequence[str] | None = None,
        named_graphs: Sequence[str] | None = None,
        version: str = "",
    ) -> tuple[bytes, str]:
        """Answer a query and write the answer, as :meth:`~valueweave.store.EmbeddedStore.serialize_query`.

        This thread waits; it must not be that of the event loop. The answer is from the version named, which must be
        that of the store or one shortly before it; without a name from the version that the process has open.

        Raises:
            QueryError: when the query cannot be answered.
            NotAcceptableError: when no format asked for can hold the answer.
            ProblemError: 503 when nobody is free or the query takes too much memory, 504 when it takes too long.
        """
        asked = self.answer(
            text,
            accept,
            substitutions=substitutions,
            default_graph=default_graph,
            named_graphs=named_graphs,
            version=version,
        )
        if not self._threads.acquire(blocking=False):
            asked.close()
            raise self._refusal(503, _BUSY)
        try:
            return asyncio.run_coroutine_threadsafe(asked, self._running()).result()
        finally:
            self._threads.release()

    async def answer(
        self,
        text: str,
        accept: str | None = None,
        *,
        substitutions: Mapping[str, ox.NamedNode | ox.Literal] | None = None,
        default_graph: Sequence[str] | None = None,
        named_graphs: Sequence[str] | None = None,
        version: str = "",
    ) -> tuple[bytes, str]:
        """Answer a query as :meth:`serialize_query`, in the event loop: no thread waits."""
        if self._loop is None:
            self.attach()
        frame = query_frame(
            Evaluation(
                text,
                accept,
                {name: str(term) for name, term in (substitutions or {}).items()},
                None if default_graph is None else list(default_graph),
                None if named_graphs is None else list(named_graphs),
                self.limits.answer_bytes,
                self.limits.seconds,
                version,
            )
        )
        started = time.perf_counter()
        answer = await self._turn(frame, slow=False) or await self._turn(frame, slow=True)
        assert answer is not None
        self.tally.observe(time.perf_counter() - started)
        if answer.error:
            self.tally.refuse(answer.problems[0].code)
            kinds: dict[str, type[InputError]] = {"QueryError": QueryError, "NotAcceptableError": NotAcceptableError}
            raise kinds.get(answer.error, InputError)(*answer.problems)
        return answer.body, answer.media_type

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
            limit = f"The query was ended after {self.limits.seconds:g} seconds."
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
            return await process.answer(frame, self.limits.seconds)
        loop = asyncio.get_running_loop()

        def look() -> None:
            nonlocal timer
            if self._line.quick:
                process.fail(InterruptedError)
            timer = loop.call_later(_TURN, look)

        timer = loop.call_later(_TURN, look)
        try:
            return await process.answer(frame, self.limits.seconds)
        finally:
            timer.cancel()

    def _refusal(self, status: int, problem: Problem) -> ProblemError:
        self.tally.refuse(problem.code)
        return ProblemError(status, problem, headers={"Retry-After": "5"} if status == 503 else {})

    def _running(self) -> asyncio.AbstractEventLoop:
        """Return the event loop that reads the answers: the server's, or one of our own where there is no server."""
        with self._starting:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
                self._thread.start()
            return self._loop

    # -- the processes

    def _start(self) -> EvaluatorProcess:
        self.tally.start()
        return EvaluatorProcess(self._folder, self.limits.memory_mib, self.limits.services)

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
        try:
            place = self._line.join(asker, slow)
        except OverflowError as error:
            raise self._refusal(503, _BUSY) from error
        loop = asyncio.get_running_loop()
        timers = [loop.call_later(self.limits.waiting, place.promised.cancel), loop.call_later(_MOMENT, self._add)]
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
        if self._line.quick and len(self._spare) + self._coming < self.limits.spare:
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
            self._all.discard(process)
            self._coming += spare
            self._spare.discard(process)
        fresh = None
        try:
            if not self._closed and (self._line.quick or not spare):
                fresh = await loop.run_in_executor(None, self._start)
                self._all.add(fresh)
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
