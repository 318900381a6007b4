"""The processes that answer queries: which query gets which, and for how long.

In: queries as frames, in the event loop. Out: answers, or the refusal they deserve.
The decision hidden here: how long to wait for whom. A query goes to a free process, or to one that has just begun with
another; else it waits for one. The process is killed when the query takes too long, and the next query finds another
one. Long queries must not hold up short ones: when somebody has waited for a moment, a spare process is started, and a
query that takes longer there than a turn while others wait loses it and waits on for one of the others. What nobody
waits for any more is given up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from valueweave.problems import Problem
from valueweave.server.errors import ProblemError
from valueweave.server.evaluator_process import EvaluatorProcess
from valueweave.server.limits import Limits, Tally
from valueweave.server.line import Asker, Line, Query
from valueweave.server.making import Maker, discard
from valueweave.server.template import Template

__all__ = ["Pool"]

_MOMENT = 0.3
"""After so many seconds of waiting a spare process is started."""
_SHORT = 0.001
"""While queries take no longer, it costs more to wake up another process for one than to let it wait for its turn."""
_IDLE = 20.0
"""A spare process that has had nothing to do for so long is ended."""
_PAUSE = 1.0
"""So many seconds pass before another process is started for one that could not open the store."""
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
        limits: what one query may take.
    """

    def __init__(self, folder: Path, count: int, limits: Limits, tally: Tally) -> None:
        self._count, self.limits, self._tally = count, limits, tally
        self._closed = False
        self._maker = Maker(folder, limits, tally, self)
        self._line = Line(_LINE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._free = [self._maker.one() for _ in range(count)]
        self.everyone = set(self._free)
        self._spare: set[EvaluatorProcess] = set()
        self._coming = 0
        self._spread = max(1, count - 1)  # so many are busy before others are woken up

    def close(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """End all processes; whoever still waits for an answer is told that the server stops.

        Args:
            loop: the event loop that asks them, from another thread or from itself.
        """
        self._closed = True
        everyone = [*self.everyone, *self._maker.retired]
        for process in everyone:
            process.end()
        self._maker.close()
        if loop is not None and not loop.is_closed():
            for process in everyone:
                loop.call_soon_threadsafe(process.drop)
            loop.call_soon_threadsafe(self._send_away)

    @property
    def copied(self) -> str:
        """The version that the processes have in memory; empty when they have none."""
        return self._maker.copied

    def begin(self, frame: bytes, asker: Asker) -> Query:
        """Have a query answered.

        Returns:
            The query; its answer is what a process says, or a :class:`ProblemError`: 503 when nobody is free or the
            query takes too much memory, 504 when it takes too long.
        """
        loop = asyncio.get_running_loop()
        query = Query(frame, loop.create_future(), asker, loop.time())
        self._submit(query)
        return query

    def forget(self, query: Query) -> None:
        """Let go of a query that nobody waits for any more; where it has been answered there is nothing to do."""
        if self._line.waiting and self._line.leave(query):
            query.settle()

    def busy(self) -> ProblemError:
        """Return the refusal for whom nobody is free."""
        return self._refusal(503, _BUSY)

    async def renew(self, template: Template | None) -> bool:
        """Answer by processes of another kind from now on, all of them, since they may answer in another order.

        Those there are finish what lies with them. While some of those before still do, nothing is renewed: there would
        be ever more of them.

        Args:
            template: what to make them from, ready; it is ended here in the end. ``None``: they open the store.

        Returns:
            Whether it was done.

        Raises:
            OSError: when no process can be made; those there are go on.
        """
        if self._closed or any(process.waiting for process in self._maker.retired):
            return False
        fresh = await self._maker.several(template, self._count)
        if self._closed:
            discard(fresh)
            return False
        past, self.everyone, self._free = self.everyone, set(fresh), []
        self._spare.clear()
        self._maker.retired |= past
        for process in past:
            if not process.waiting:
                self._retire(process)
        for process in fresh:
            self._give(process)
        return True

    async def follow(self, version: str) -> None:
        """Answer another version from memory, if the one before is, and changes have made it from that.

        Args:
            version: the version.
        """
        if self.copied not in {"", version} and not any(process.waiting for process in self._maker.retired):
            template = await self._maker.follow(version)
            if template is not None:
                await self.renew(template)

    def _retire(self, process: EvaluatorProcess) -> None:
        """End a process that others have taken the place of."""
        process.drop()
        self._do(self._maker.end(process))

    # -- who gets which process

    def _submit(self, query: Query) -> None:
        """Give a query to a process, or a place in the line."""
        if self._closed:
            self._refuse(query, _STOPPING)
            return
        process = self._process_for(query)
        if process is not None:
            self._hand(process, query)
            return
        try:
            gone = self._line.join(query)
        except OverflowError:
            self._refuse(query, _BUSY)
            return
        if gone is not None:
            self._refuse(gone, _BUSY)
        self._wait(query)

    def _wait(self, query: Query) -> None:
        loop = asyncio.get_running_loop()
        query.timers = [
            loop.call_later(self.limits.waiting, self._send_off, query),
            loop.call_later(_MOMENT, self._add),
        ]
        self._watch(query, None)

    def _process_for(self, query: Query) -> EvaluatorProcess | None:
        """Return a process that begins with a query at once, or soon."""
        quick = self._quick(query) if len(self._free) < len(self.everyone) else None
        if quick is not None and quick.pace < _SHORT and len(self.everyone) - len(self._free) >= self._spread:
            return quick
        return self._idle(query) or quick

    def _idle(self, query: Query) -> EvaluatorProcess | None:
        """Return a free process, the one that was busy last before the others, but a spare one after them."""
        free = self._free[::-1]
        for process in sorted(free, key=self._spare.__contains__) if self._spare else free:
            if query.slow and process in self._spare:
                break
            self._free.remove(process)
            return process
        return None

    def _quick(self, query: Query) -> EvaluatorProcess | None:
        """Return a process that answers one query after the other, when nobody waits for longer than this one."""
        if self._line.waiting:
            return None
        able = [one for one in self.everyone if one.waiting and one.has_room(query) and one not in self._spare]
        return min(able, key=_waiting, default=None)

    def _hand(self, process: EvaluatorProcess, query: Query) -> None:
        if query.timers or query.watch is not None:
            query.settle()
        self._line.begin(query)
        process.ask(query)

    def _give(self, process: EvaluatorProcess) -> None:
        """Hand a process on to whoever is next."""
        if process in self._maker.retired:
            if not process.waiting:
                self._retire(process)
            return
        spare = process in self._spare
        while self._line.waiting and (not process.waiting or not spare):
            query = self._line.next(spare)
            if query is None:
                break
            if process.waiting and not process.has_room(query):
                self._line.rejoin([query])
                break
            self._hand(process, query)
        if not process.waiting and not process.gone:
            self._free.append(process)
            if spare:
                asyncio.get_running_loop().call_later(_IDLE, self._dismiss, process)

    # -- what processes tell

    def answered(self, process: EvaluatorProcess, query: Query) -> None:
        """Take note that a query was answered."""
        self._tally.observe(asyncio.get_running_loop().time() - query.begun)
        self._line.end(query)
        query.settle()
        if not process.waiting or self._line.waiting:
            self._give(process)

    def returned(self, process: EvaluatorProcess, queries: list[Query]) -> None:
        """Find another process for queries that one has not begun with."""
        for query in queries:
            self._line.end(query)
        left = []
        for query in queries:
            if query.answer.done():
                continue
            if self._closed:
                self._refuse(query, _STOPPING)
            elif other := self._idle(query):
                self._hand(other, query)
            else:
                left.append(query)
                self._wait(query)
        self._line.rejoin(left)

    def lasts(self, process: EvaluatorProcess, query: Query) -> None:
        """Take the turn from a query in a spare process when others wait, and look whether its asker is there."""
        if process in self._spare and self._line.quick:
            process.fail(InterruptedError())
            return
        self._watch(query, process)

    def lost(self, process: EvaluatorProcess, query: Query | None, error: Exception) -> None:
        """Put another process in the place of one, and tell who waited for it."""
        if process in self._free:
            self._free.remove(process)
        if process in self.everyone:
            self.everyone.discard(process)
            self._do(self._replace(process, 0 if process.was_open else _PAUSE))
        elif process in self._maker.retired:
            self._do(self._maker.end(process))
        if query is None:
            return
        self._line.end(query)
        query.settle()
        if query.answer.done():
            return
        if process.was_open:
            self._tell(query, error, process in self._spare)
        else:  # it is not for the query that it could not open the store
            self._submit(query)

    def _tell(self, query: Query, error: Exception, spare: bool) -> None:
        if isinstance(error, InterruptedError):
            query.slow = spare
            self._submit(query)
        elif isinstance(error, TimeoutError):
            limit = f"The query was ended after {self.limits.seconds:g} seconds."
            problem = Problem("query-timeout", limit, "Ask for less, or add LIMIT.")
            query.tell(self._refusal(504, problem))
        else:
            gone = isinstance(error, ConnectionAbortedError)
            self._refuse(query, _GONE if gone else _STOPPING if self._closed else _TOO_MUCH)

    # -- who is not answered

    def _refusal(self, status: int, problem: Problem) -> ProblemError:
        self._tally.refuse(problem.code)
        return ProblemError(status, problem, headers={"Retry-After": "5"} if status == 503 else {})

    def _refuse(self, query: Query, problem: Problem) -> None:
        query.settle()
        if not query.answer.done():
            query.tell(self._refusal(503, problem))

    def _send_off(self, query: Query, problem: Problem | None = None) -> None:
        """Refuse a query that has waited too long."""
        if self._line.leave(query):
            self._refuse(query, problem or (_STOPPING if self._closed else _BUSY))

    def _send_away(self) -> None:
        for query in list(self._line.waiting):  # sending off takes them out
            self._send_off(query)

    def _watch(self, query: Query, process: EvaluatorProcess | None) -> None:
        """Give a query up when whoever asked it goes away, whether it waits or is with a process."""
        receive = query.asker.receive
        if receive is None or query.watch is not None:
            return

        async def look() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            query.watch = None
            if process is None:
                self._send_off(query, _GONE)
            else:
                process.fail(ConnectionAbortedError())

        query.watch = asyncio.get_running_loop().create_task(look())

    # -- which processes there are

    def _add(self) -> None:
        """Start a spare process, when somebody waits and there may be one more."""
        if self._line.quick and len(self._spare) + self._coming < self.limits.spare:
            self._coming += 1
            self._do(self._replace(None))

    def _dismiss(self, process: EvaluatorProcess) -> None:
        """End a spare process that has nothing to do."""
        if process in self._free:
            self._free.remove(process)
            self.everyone.discard(process)
            process.drop()
            self._do(self._replace(process))

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _replace(self, process: EvaluatorProcess | None, pause: float = 0) -> None:
        """End a process and start one in its place, after a pause; of spare ones only as long as somebody waits."""
        loop = asyncio.get_running_loop()
        spare = process is None or process in self._spare
        if process is not None:
            await loop.run_in_executor(None, process.end)
            self._coming += spare
            self._spare.discard(process)
            await asyncio.sleep(pause)
        fresh = None
        try:
            if not self._closed and (self._line.quick or not spare):
                fresh = await loop.run_in_executor(None, self._maker.one)
                if not spare and len(self.everyone) - len(self._spare) >= self._count:  # all were renewed meanwhile
                    await loop.run_in_executor(None, fresh.end)
                    return
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
        try:
            await fresh.open()
        except (EOFError, OSError):
            if not fresh.gone:
                fresh.fail(EOFError())
        else:
            self._give(fresh)


def _waiting(process: EvaluatorProcess) -> int:
    return process.waiting


_BUSY = Problem("server-busy", "All evaluators are busy with other queries.", "Ask again in a few seconds.")
_STOPPING = Problem("server-stopping", "The server is being stopped.", "Ask again in a moment.")
_GONE = Problem("asker-gone", "Whoever asked has gone.", "Ask again, and wait for the answer.")
_TOO_MUCH = Problem(
    "query-memory",
    "The process of the query ended: it took more memory than a query may, or was killed.",
    "Ask for less, or add LIMIT.",
)
