"""A few processes that answer queries, each ended and replaced when a query takes too long or too much.

In: queries, from any thread or from the event loop. Out: answers as bytes, or the refusal they deserve.
The decision hidden here: how long to wait for whom. A query waits for a free process, in the order of arrival, is
answered there, and its process is killed at the limit; the next query finds another one.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import pyoxigraph as ox

from valueweave.problems import InputError, Problem
from valueweave.server.errors import ProblemError
from valueweave.server.evaluator_process import EvaluatorProcess
from valueweave.sparql_text import QueryError
from valueweave.store import NotAcceptableError
from valueweave.store.frames import Evaluation, query_frame

__all__ = ["Evaluators", "Limits", "Tally"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one query may take.

    Attributes:
        seconds: time of evaluation.
        waiting: seconds that a query waits for a free process.
        memory_mib: memory above what the open store takes; 0 is no ceiling.
        answer_bytes: the longest answer.
    """

    seconds: float = 30.0
    waiting: float = 10.0
    memory_mib: int = 2048
    answer_bytes: int = 100_000_000


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
        self._turn = threading.Lock()
        self._waiting: deque[asyncio.Future[EvaluatorProcess]] = deque()
        self._renewals: set[asyncio.Task[None]] = set()
        self._free = [self._start() for _ in range(count)]
        self._all = set(self._free)

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
        for promised in list(self._waiting):
            loop.call_soon_threadsafe(promised.cancel)
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
        return asyncio.run_coroutine_threadsafe(asked, self._running()).result()

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
        process = self._idle() or await self._promised()
        kept = False
        try:
            answer = await process.answer(frame, self.limits.seconds)
            kept = True
        except TimeoutError as error:
            limit = f"The query was ended after {self.limits.seconds:g} seconds."
            raise self._refusal(504, Problem("query-timeout", limit, "Ask for less, or add LIMIT.")) from error
        except (EOFError, OSError) as error:
            raise self._refusal(503, _STOPPING if self._closed else _TOO_MUCH) from error
        finally:
            # Whatever happened, as many processes as before are there for the next one.
            if kept:
                self._give(process)
            else:
                self._renew(process)
        self.tally.observe(time.perf_counter() - started)
        if answer.error:
            self.tally.refuse(answer.problems[0].code)
            kinds: dict[str, type[InputError]] = {"QueryError": QueryError, "NotAcceptableError": NotAcceptableError}
            raise kinds.get(answer.error, InputError)(*answer.problems)
        return answer.body, answer.media_type

    def _refusal(self, status: int, problem: Problem) -> ProblemError:
        self.tally.refuse(problem.code)
        return ProblemError(status, problem, headers={"Retry-After": "5"} if status == 503 else {})

    def _running(self) -> asyncio.AbstractEventLoop:
        """Return the event loop that reads the answers: the server's, or one of our own where there is no server."""
        with self._turn:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
                self._thread.start()
            return self._loop

    # -- the processes

    def _start(self) -> EvaluatorProcess:
        self.tally.start()
        return EvaluatorProcess(self._folder, self.limits.memory_mib)

    def _idle(self) -> EvaluatorProcess | None:
        """Return a free process; those that ended while they had nothing to do are replaced."""
        while self._free:
            process = self._free.pop()
            if not process.gone:
                return process
            self._renew(process)
        return None

    async def _promised(self) -> EvaluatorProcess:
        """Wait for a free process.

        Raises:
            ProblemError: when nobody is free for too long.
        """
        loop = asyncio.get_running_loop()
        promised: asyncio.Future[EvaluatorProcess] = loop.create_future()
        self._waiting.append(promised)
        timer = loop.call_later(self.limits.waiting, promised.cancel)
        try:
            return await promised
        except asyncio.CancelledError as error:
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                if promised.done() and not promised.cancelled():
                    self._give(promised.result())
                raise
            raise self._refusal(503, _STOPPING if self._closed else _BUSY) from error
        finally:
            timer.cancel()

    def _give(self, process: EvaluatorProcess) -> None:
        """Hand a process on to whoever waits longest."""
        while self._waiting:
            promised = self._waiting.popleft()
            if not promised.done():
                promised.set_result(process)
                return
        self._free.append(process)

    def _renew(self, process: EvaluatorProcess) -> None:
        """Put another process in the place of one; not in the event loop, since it takes a while."""
        process.drop()
        task = asyncio.get_running_loop().create_task(self._replace(process))
        self._renewals.add(task)
        task.add_done_callback(self._renewals.discard)

    async def _replace(self, process: EvaluatorProcess) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, process.end)
        if self._closed:
            return
        fresh = await loop.run_in_executor(None, self._start)
        self._all = (self._all - {process}) | {fresh}
        if self._closed:
            await loop.run_in_executor(None, fresh.end)
        else:
            self._give(fresh)


_BUSY = Problem("server-busy", "All evaluators are busy with other queries.", "Ask again in a few seconds.")
_STOPPING = Problem("server-stopping", "The server is being stopped.", "Ask again in a moment.")
_TOO_MUCH = Problem(
    "query-memory", "The query was ended: it took more memory than a query may.", "Ask for less, or add LIMIT."
)
