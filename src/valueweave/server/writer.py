"""The process that changes the store, ended and replaced when a change takes too long or too much.

In: changes, from any thread. Out: what was applied, or the refusal it deserves.
The decision hidden here: changes are made one after the other, and so many may wait, so long; a change that is ended
has changed nothing, unless its version was switched in already.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Any, Literal

from valueweave.live import Applied
from valueweave.live.process import RUN, Change, Changed
from valueweave.problems import ContradictionError, InputError, Problem
from valueweave.project import Project
from valueweave.server.errors import ProblemError
from valueweave.server.settings import Settings
from valueweave.sparql_text import QueryError
from valueweave.store.evaluator import read_frame, write_frame

__all__ = ["Writer"]

_START = 60.0
"""So many seconds the process may take to start."""

_WAITING = 16
"""So many changes may wait for those before them: more would take the threads that others need."""


class Writer:
    """Makes changes in a process of its own; from any thread.

    Args:
        project: whose store to change.
        settings: limits.
        count: told of each change its kind, how it ended (``applied``, or the code of the refusal) and its seconds.
    """

    def __init__(
        self, project: Project, settings: Settings, count: Callable[[str, str, float], None] | None = None
    ) -> None:
        self._count = count or (lambda kind, result, seconds: None)
        self._project, self._settings = project, settings
        self._turn = threading.Lock()
        self._room = threading.BoundedSemaphore(_WAITING)
        self._child: subprocess.Popen[bytes] | None = None
        self._closed = False

    def prepare(self) -> None:
        """Start the process ahead of the first change, without waiting for it."""

        def start() -> None:
            # The first change tells what keeps it from starting.
            with self._turn, suppress(OSError, EOFError, TimeoutError):
                self._started()

        threading.Thread(target=start, daemon=True).start()

    def make(self, kind: Literal["put_case", "delete_case", "update", "change_graph"], **arguments: Any) -> Applied:
        """Make a change, after those before it.

        Args:
            kind: the method of :class:`~valueweave.live.Curator`.
            arguments: what it takes, as :class:`~valueweave.live.process.Change` says.

        Raises:
            InputError: when the change is refused.
            ProblemError: 503 when others change the store, or the change takes too much memory; 504 when it takes too
                long.
        """
        started, result = time.perf_counter(), "failed"
        try:
            applied = self._made(Change(kind, arguments, self._settings.write_seconds))
            result = "applied"
        except (InputError, ProblemError) as error:
            result = error.problems[0].code
            raise
        else:
            return applied
        finally:
            self._count(kind, result, time.perf_counter() - started)

    def _made(self, change: Change) -> Applied:
        if not self._room.acquire(blocking=False):
            raise _busy()
        try:
            if not self._turn.acquire(timeout=self._settings.write_waiting):
                raise _busy()
            try:
                changed = self._ask(change)
            finally:
                self._turn.release()
        finally:
            self._room.release()
        if changed.applied is not None:
            return changed.applied
        kinds = {"ContradictionError": ContradictionError, "QueryError": QueryError}
        if not changed.problems:
            raise RuntimeError("the change failed; standard error says how")
        raise kinds.get(changed.error, InputError)(*changed.problems)

    def _ask(self, change: Change) -> Changed:
        kept = False
        try:
            requests, answers = self._started()
            write_frame(requests, change)
            _wait(answers, change.seconds)
            answer = read_frame(answers)
            assert isinstance(answer, Changed)
            kept = True
        except TimeoutError as error:
            limit = f"The change was ended after {change.seconds:g} seconds."
            raise ProblemError(504, Problem("write-timeout", limit, _LOOK)) from error
        except (EOFError, OSError) as error:
            raise ProblemError(503, _STOPPING if self._closed else _ENDED, headers={"Retry-After": "5"}) from error
        else:
            return answer
        finally:
            if not kept:
                self._end()

    def _started(self) -> tuple[IO[bytes], IO[bytes]]:
        """Return what the process reads and what it writes, once it is ready."""
        if self._closed:
            raise EOFError
        new = self._child is None or self._child.poll() is not None
        if new:
            limits = [str(self._settings.write_memory_mib), str(self._settings.write_waiting)]
            command = [sys.executable, "-c", RUN, str(self._project.home), str(self._project.store), *limits]
            # The engine's threads would each set address space aside, and the ceiling on memory is one on that.
            environment = {**os.environ, "MALLOC_ARENA_MAX": "2"}
            self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        assert self._child is not None
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        if new:
            _wait(self._child.stdout, _START)
            read_frame(self._child.stdout)
        return self._child.stdin, self._child.stdout

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        child.wait()

    def close(self) -> None:
        """End the process; a change that is being made is let finish for as long as changes may wait."""
        self._closed = True
        waited = self._turn.acquire(timeout=self._settings.write_waiting)
        try:
            self._end()
        finally:
            if waited:
                self._turn.release()


_LOOK = "Change less at once. Whether it still came to stand, the address changed tells."
_STOPPING = Problem("server-stopping", "The server is being stopped.", "Send it again in a moment.")
_ENDED = Problem("write-ended", "The change was ended, perhaps because it took more memory than it may.", _LOOK)


def _wait(stream: IO[bytes], seconds: float) -> None:
    readable, _, _ = select.select([stream], [], [], seconds)
    if not readable:
        raise TimeoutError


def _busy() -> ProblemError:
    problem = Problem("store-busy", "Others are changing the store.", "Send it again in a few seconds.")
    return ProblemError(503, problem, headers={"Retry-After": "5"})
