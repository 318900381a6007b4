"""Who waits for an evaluator, and who is next.

In: queries that find nobody free. Out: the one that gets the process that has become free.
The decision hidden here: whoever has the fewest queries under way goes first, then whoever came first. So somebody who
asks a hundred things at once waits behind somebody who asks one, and when the line is full, it is the former's last
query that has to go.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextvars import ContextVar
from dataclasses import dataclass, field

from valueweave.server.evaluator_process import EvaluatorProcess

__all__ = ["ASKER", "Line", "Place"]

ASKER: ContextVar[str] = ContextVar("asker", default="")
"""Who asks, as far as the server can tell: the address that a request comes from."""


def _promise() -> asyncio.Future[EvaluatorProcess]:
    return asyncio.get_running_loop().create_future()


@dataclass(eq=False, slots=True)
class Place:
    """A query in the line.

    Attributes:
        asker: who asks.
        slow: whether it is known to take long; then a spare process is not for it.
        promised: the process, once there is one.
    """

    asker: str
    slow: bool
    promised: asyncio.Future[EvaluatorProcess] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Line:
    """Those who wait; for the event loop only.

    Args:
        longest: so many may wait.
    """

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._places: list[Place] = []
        self._busy: Counter[str] = Counter()

    @property
    def quick(self) -> bool:
        """Whether somebody waits who may take a spare process."""
        return any(not place.slow and not place.promised.done() for place in self._places)

    def join(self, asker: str, slow: bool) -> Place:
        """Take a place at the end.

        Raises:
            OverflowError: when the line is full, and nobody has more places in it than this one would have.
        """
        if len(self._places) >= self._longest:
            crowd = Counter(place.asker for place in self._places)
            largest, count = crowd.most_common(1)[0]
            if count <= crowd[asker] + 1:
                raise OverflowError
            next(place for place in reversed(self._places) if place.asker == largest).promised.cancel()
        place = Place(asker, slow)
        self._places.append(place)
        return place

    def leave(self, place: Place) -> None:
        """Give a place up, whatever came of it."""
        self._places.remove(place)

    def next(self, spare: bool) -> Place | None:
        """Return whose turn it is when a process becomes free, which may be a spare one."""
        waiting = [place for place in self._places if not place.promised.done() and not (spare and place.slow)]
        return min(waiting, key=lambda place: self._busy[place.asker], default=None)

    def begin(self, asker: str) -> None:
        """Count a query that is under way from now on."""
        self._busy[asker] += 1

    def end(self, asker: str) -> None:
        """Count a query that is under way no longer."""
        self._busy[asker] -= 1
        if not self._busy[asker]:
            del self._busy[asker]

    def clear(self) -> None:
        """Send everybody away."""
        for place in self._places:
            place.promised.cancel()
