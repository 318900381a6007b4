"""Queries on their way to an answer, and which of those that wait is next.

In: queries that find nobody free. Out: the one that gets the process that has become free.
The decision hidden here: whoever has the fewest queries under way goes first, then whoever came first. So somebody who
asks a hundred things at once waits behind somebody who asks one, and when the line is full, it is the former's last
query that has to go.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from valueweave.store.frames import Evaluated

__all__ = ["ASKER", "NOBODY", "Asker", "Line", "Query"]


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, as far as the server can tell.

    Attributes:
        address: where the request comes from.
        receive: the channel of the request, which tells when whoever asks is gone.
    """

    address: str = ""
    receive: Callable[[], Awaitable[Any]] | None = None


NOBODY = Asker()
"""Who asks where there is no request."""

ASKER: ContextVar[Asker] = ContextVar("asker", default=NOBODY)
"""Who asks in this context."""


@dataclass(eq=False, slots=True)
class Query:
    """A query on its way.

    Attributes:
        frame: as it is sent to a process.
        answer: what becomes of it.
        asker: who asks.
        begun: when it came, by the clock of the event loop.
        slow: whether it is known to take long; then a spare process is not for it.
        timers: what is to happen when it waits too long.
        watch: looks whether its asker is still there.
        told: called with the answer as soon as it is there, before the event loop goes on to anything else.
    """

    frame: bytes
    answer: asyncio.Future[Evaluated]
    asker: Asker = NOBODY
    begun: float = 0.0
    slow: bool = False
    timers: list[asyncio.TimerHandle] = field(default_factory=list)
    watch: asyncio.Task[None] | None = None
    told: Callable[[asyncio.Future[Evaluated]], None] | None = None

    def tell(self, answer: Evaluated | Exception) -> None:
        """Give the answer, or say why there is none."""
        if self.answer.done():
            return
        if isinstance(answer, Exception):
            self.answer.set_exception(answer)
        else:
            self.answer.set_result(answer)
        if self.told is not None:
            self.told(self.answer)

    def settle(self) -> None:
        """Stop everything that happens while it waits."""
        for timer in self.timers:
            timer.cancel()
        self.timers.clear()
        if self.watch is not None:
            self.watch.cancel()
            self.watch = None


class Line:
    """Those who wait; for the event loop only.

    Args:
        longest: so many may wait.

    Attributes:
        waiting: the queries, in the order in which they came.
    """

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self.waiting: list[Query] = []
        self._busy: Counter[str] = Counter()

    @property
    def quick(self) -> bool:
        """Whether somebody waits who may take a spare process."""
        return any(not query.slow for query in self.waiting)

    def join(self, query: Query) -> Query | None:
        """Take a place at the end.

        Returns:
            The query that has to go for it, if one has.

        Raises:
            OverflowError: when the line is full, and nobody has more places in it than this one would have.
        """
        gone = None
        if len(self.waiting) >= self._longest:
            crowd = Counter(other.asker.address for other in self.waiting)
            largest, count = crowd.most_common(1)[0]
            if count <= crowd[query.asker.address] + 1:
                raise OverflowError
            gone = next(other for other in reversed(self.waiting) if other.asker.address == largest)
            self.waiting.remove(gone)
        self.waiting.append(query)
        return gone

    def rejoin(self, queries: list[Query]) -> None:
        """Put queries that had their turn already, and lost it, before all others."""
        self.waiting[:0] = queries

    def leave(self, query: Query) -> bool:
        """Give a place up; return whether there was one."""
        if query in self.waiting:
            self.waiting.remove(query)
            return True
        return False

    def next(self, spare: bool) -> Query | None:
        """Take out whose turn it is when a process becomes free, which may be a spare one."""
        able = [query for query in self.waiting if not (spare and query.slow)]
        found = min(able, key=lambda query: self._busy[query.asker.address], default=None)
        if found is not None:
            self.waiting.remove(found)
        return found

    def begin(self, query: Query) -> None:
        """Count a query that is under way from now on."""
        self._busy[query.asker.address] += 1

    def end(self, query: Query) -> None:
        """Count a query that is under way no longer."""
        address = query.asker.address
        self._busy[address] -= 1
        if not self._busy[address]:
            del self._busy[address]
