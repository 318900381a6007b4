"""How the readings of conditions combine.

In: readings of the parts. Out: readings of the whole.
The decision hidden here: the logic of three values (Kleene), in both readings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, TypeAlias

__all__ = ["Closed", "Open", "Read", "all_of", "any_of", "at_least", "at_most", "negated"]

Open: TypeAlias = Literal["entailed", "contradicted", "open"]
Closed: TypeAlias = Literal["met", "not met", "unknown"]


class Read(Protocol):
    """Anything with two readings."""

    @property
    def open(self) -> Open:
        """By what is stated."""

    @property
    def closed(self) -> Closed:
        """By what is declared complete."""


_OPPOSITE: dict[Open, Open] = {"entailed": "contradicted", "contradicted": "entailed", "open": "open"}
_REVERSE: dict[Closed, Closed] = {"met": "not met", "not met": "met", "unknown": "unknown"}


def negated(part: Read) -> tuple[Open, Closed]:
    """Return the readings of what is so when ``part`` is not."""
    return _OPPOSITE[part.open], _REVERSE[part.closed]


def all_of(parts: Sequence[Read]) -> tuple[Open, Closed]:
    """Return the readings of all parts together.

    >>> all_of([])
    ('entailed', 'met')
    """
    return at_least(len(parts), parts, complete=True, named=False)


def any_of(parts: Sequence[Read]) -> tuple[Open, Closed]:
    """Return the readings of one part at least.

    >>> any_of([])
    ('contradicted', 'not met')
    """
    return at_least(1, parts, complete=True, named=False)


def at_least(number: int, parts: Sequence[Read], *, complete: bool, named: bool = True) -> tuple[Open, Closed]:
    """Return the readings of so many of the parts at least.

    Args:
        number: how many.
        parts: readings of each one known.
        complete: whether there are no others, in the closed-world reading.
        named: whether there may be others, in the open-world reading.

    >>> at_least(1, [], complete=True), at_least(1, [], complete=False)
    (('open', 'not met'), ('open', 'unknown'))
    """
    entailed = sum(part.open == "entailed" for part in parts)
    possible = sum(part.open != "contradicted" for part in parts)
    met = sum(part.closed == "met" for part in parts)
    imaginable = sum(part.closed != "not met" for part in parts)
    opened: Open = "entailed" if entailed >= number else "contradicted" if not named and possible < number else "open"
    closed: Closed = "met" if met >= number else "not met" if complete and imaginable < number else "unknown"
    return opened, closed


def at_most(number: int, parts: Sequence[Read], *, complete: bool) -> tuple[Open, Closed]:
    """Return the readings of so many of the parts at most.

    >>> at_most(0, [], complete=True), at_most(0, [], complete=False)
    (('open', 'met'), ('open', 'unknown'))
    """
    return negated(_Pair(*at_least(number + 1, parts, complete=complete)))


class _Pair:
    def __init__(self, opened: Open, closed: Closed) -> None:
        self.open: Open = opened
        self.closed: Closed = closed
