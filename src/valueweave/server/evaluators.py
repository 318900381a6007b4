"""A few processes that answer queries, each ended and replaced when a query takes too long or too much.

In: queries, from any thread. Out: answers as bytes, or the refusal they deserve.
The decision hidden here: how long to wait for whom. A query waits for a free process, is answered there, and its
process is killed at the limit; the next query finds another one.
"""

from __future__ import annotations

import queue
import select
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO

import pyoxigraph as ox

from valueweave.problems import InputError, Problem
from valueweave.server.errors import ProblemError
from valueweave.sparql_text import QueryError
from valueweave.store import NotAcceptableError
from valueweave.store.evaluator import RUN, Evaluated, Evaluation, read_frame, write_frame

__all__ = ["Evaluators", "Limits"]

_START = 60.0
"""So many seconds a process may take to open the store."""


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


@dataclass(slots=True)
class Tally:
    """What became of the queries: for those who watch the server."""

    answered: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    started: int = 0


class _Process:
    """A process with a store open, or one on its way there."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._limits = limits
        command = [sys.executable, "-c", RUN, str(folder), str(limits.memory_mib)]
        # What the engine says when it runs out of memory is of no use to anyone: the refusal says it.
        self._child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._ready = False
        self.version = ""

    def ask(self, asked: Evaluation) -> Evaluated:
        """Return the answer.

        Raises:
            TimeoutError: when it takes too long; the process is to be ended.
            EOFError: when the process is gone.
        """
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        if not self._ready:
            self._wait(self._child.stdout, _START)
            self.version = read_frame(self._child.stdout)
            self._ready = True
        try:
            write_frame(self._child.stdin, asked)
        except OSError as error:
            raise EOFError from error
        self._wait(self._child.stdout, self._limits.seconds)
        answer = read_frame(self._child.stdout)
        assert isinstance(answer, Evaluated)
        return answer

    @staticmethod
    def _wait(stream: IO[bytes], seconds: float) -> None:
        readable, _, _ = select.select([stream], [], [], seconds)
        if not readable:
            raise TimeoutError

    def end(self) -> None:
        """End the process at once."""
        self._child.kill()
        for stream in (self._child.stdin, self._child.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        self._child.wait()


class Evaluators:
    """Answers queries in processes of its own; use it as a context manager, from any thread.

    Args:
        folder: the store folder.
        count: how many processes.
        limits: what one query may take.

    Attributes:
        tally: what became of the queries.
    """

    def __init__(self, folder: Path, count: int = 2, limits: Limits | None = None) -> None:
        self._folder = folder
        self.limits = limits or Limits()
        self.count = count
        self.tally = Tally()
        self._lock = threading.Lock()
        self._closed = False
        self._all: set[_Process] = set()
        self._free: queue.LifoQueue[_Process] = queue.LifoQueue()
        for _ in range(count):
            self._free.put(self._start())

    def __enter__(self) -> Evaluators:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self) -> _Process:
        process = _Process(self._folder, self.limits)
        with self._lock:
            self.tally.started += 1
            self._all.add(process)
        return process

    def close(self) -> None:
        """End all processes; whoever still waits for an answer is told that the server stops."""
        with self._lock:
            self._closed = True
            everyone, self._all = self._all, set()
        for process in everyone:
            process.end()

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

        The answer is from the version named, which must be that of the store or one shortly before it; without a name
        from the version that the process happens to have open.

        Raises:
            QueryError: when the query cannot be answered.
            NotAcceptableError: when no format asked for can hold the answer.
            ProblemError: 503 when nobody is free or the query takes too much memory, 504 when it takes too long.
        """
        asked = Evaluation(
            text,
            accept,
            {name: str(term) for name, term in (substitutions or {}).items()},
            None if default_graph is None else list(default_graph),
            None if named_graphs is None else list(named_graphs),
            self.limits.answer_bytes,
            self.limits.seconds,
            version,
        )
        started = time.perf_counter()
        answer = self._answer(asked)
        with self._lock:
            self.tally.answered += 1
            self.tally.seconds += time.perf_counter() - started
        if answer.error:
            self._count(answer.problems[0].code)
            kinds: dict[str, type[InputError]] = {"QueryError": QueryError, "NotAcceptableError": NotAcceptableError}
            raise kinds.get(answer.error, InputError)(*answer.problems)
        return answer.body, answer.media_type

    def _answer(self, asked: Evaluation) -> Evaluated:
        try:
            process = self._free.get(timeout=self.limits.waiting)
        except queue.Empty as error:
            raise self._refusal(503, _BUSY) from error
        kept = False
        try:
            answer = process.ask(asked)
            kept = True
        except TimeoutError as error:
            limit = f"The query was ended after {self.limits.seconds:g} seconds."
            raise self._refusal(504, Problem("query-timeout", limit, "Ask for less, or add LIMIT.")) from error
        except (EOFError, OSError) as error:
            if self._closed:
                raise self._refusal(503, _STOPPING) from error
            raise self._refusal(503, _TOO_MUCH) from error
        else:
            return answer
        finally:
            # Whatever happened, as many processes as before are there for the next one.
            self._free.put(process if kept else self._replace(process))

    def _replace(self, process: _Process) -> _Process:
        with self._lock:
            self._all.discard(process)
        process.end()
        return process if self._closed else self._start()

    def _refusal(self, status: int, problem: Problem) -> ProblemError:
        self._count(problem.code)
        return ProblemError(status, problem, headers={"Retry-After": "5"} if status == 503 else {})

    def _count(self, code: str) -> None:
        with self._lock:
            self.tally.refused[code] = self.tally.refused.get(code, 0) + 1


_BUSY = Problem("server-busy", "All evaluators are busy with other queries.", "Ask again in a few seconds.")
_STOPPING = Problem("server-stopping", "The server is being stopped.", "Ask again in a moment.")
_TOO_MUCH = Problem(
    "query-memory", "The query was ended: it took more memory than a query may.", "Ask for less, or add LIMIT."
)
