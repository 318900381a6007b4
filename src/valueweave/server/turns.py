"""Work that gives way to others between its pieces, in one thread.

In: work as a generator that yields between its pieces and returns its result. Out: the result.
The decision hidden here: whoever has much to read does so in pieces in the event loop, where a thread would hold up
everybody: at each call of the system the loop lets the thread go on, and gets its turn back only after a millisecond.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from typing import TypeVar

__all__ = ["Turns", "at_once", "batched", "in_pieces", "in_turns"]

Result = TypeVar("Result")
Each = TypeVar("Each")
Turns = Generator[None, None, Result]

_PIECE = 50
"""So many statements or values, some quarter of a millisecond, are a piece."""
_TURN = 0.0005
"""A turn is as many pieces as fit into so many seconds: to give way costs something, too."""


def in_pieces(several: Iterable[Each]) -> Turns[list[Each]]:
    """Return a list of what there is, giving way every now and then.

    >>> at_once(in_pieces(range(3)))
    [0, 1, 2]
    """
    rest = iter(several)
    found = list(islice(rest, _PIECE))
    while len(found) % _PIECE == 0 and (more := list(islice(rest, _PIECE))):
        yield
        found += more
    return found


def batched(several: Sequence[Each]) -> Iterator[Sequence[Each]]:
    """Yield what there is in pieces.

    >>> [len(piece) for piece in batched(range(250))]
    [50, 50, 50, 50, 50]
    """
    for start in range(0, len(several), _PIECE):
        yield several[start : start + _PIECE]


def at_once(work: Turns[Result]) -> Result:
    """Return the result of work without giving way to anybody.

    >>> at_once(x for x in ())
    """
    result: list[Result] = []
    for _ in _noting(work, result):
        pass
    return result[0]


async def in_turns(work: Turns[Result]) -> Result:
    """Return the result of work, with everybody else in the event loop taking their turn between its pieces.

    >>> asyncio.run(in_turns(in_pieces("ab")))
    ['a', 'b']
    """
    result: list[Result] = []
    began = time.perf_counter()
    with closing(_noting(work, result)) as pieces:
        for _ in pieces:
            if time.perf_counter() - began >= _TURN:
                await asyncio.sleep(0)
                began = time.perf_counter()
    return result[0]


def _noting(work: Turns[Result], result: list[Result]) -> Turns[None]:
    """Go on with work piece by piece, and put its result where a loop over the pieces can find it."""
    result.append((yield from work))
