"""Smallest sets: which few of many statements are behind something.

In: statements, and a test that tells whether a set of them is enough. Out: a set that is enough, and of which nothing
can be left out.
The decision hidden here: QuickXplain, which asks about k · log(n/k) times where leaving out one after the other asks n
times. Source: Junker (2004), QUICKXPLAIN: Preferred Explanations and Relaxations for Over-Constrained Problems,
AAAI-04.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

__all__ = ["BoundReachedError", "smallest"]

Item = TypeVar("Item")


class BoundReachedError(Exception):
    """The test was asked as often as it may be."""


def smallest(
    items: Sequence[Item], enough: Callable[[Sequence[Item]], bool], *, most: int | None = None
) -> list[Item] | None:
    """Return a smallest set of ``items`` that is enough: no part of it is, though another set may be smaller.

    Args:
        items: where to choose from; of several sets the one with the earlier items is preferred.
        enough: whether some items are enough; what is enough stays so with more items.
        most: how many times to ask at most.

    Returns:
        The set, in the order of ``items``; ``None`` when not even all of them are enough.

    Raises:
        BoundReachedError: when ``most`` questions did not suffice.

    >>> smallest(range(100), lambda chosen: {7, 70} <= set(chosen))
    [7, 70]
    """
    asked = 0

    def ask(chosen: Sequence[Item]) -> bool:
        nonlocal asked
        if most is not None and asked >= most:
            raise BoundReachedError
        asked += 1
        return enough(chosen)

    def search(given: list[Item], added: bool, left: list[Item]) -> list[Item]:
        if added and ask(given):
            return []
        if len(left) == 1:
            return left
        half = len(left) // 2
        first, second = left[:half], left[half:]
        of_second = search([*given, *first], bool(first), second)
        of_first = search([*given, *of_second], bool(of_second), first)
        return [*of_first, *of_second]

    if not ask(items):
        return None
    if not items or ask([]):
        return []
    return search([], False, list(items))
