"""The order of a list, and the place in it where a page begins.

In: ``sort=label,-year``, a cursor, the keys of things. Out: comparable keys; a cursor for a place.
The decision hidden here: a cursor holds the keys of the thing it stands beside, not a count of those before it; so a
page goes on at the same place when things have come or gone meanwhile.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import total_ordering
from typing import Any, Literal, get_args

from valueweave.problems import Problem, did_you_mean
from valueweave.server.errors import ProblemError

__all__ = ["SORTS", "Comparable", "Cursor", "Key", "Order", "SortName"]

SortName = Literal["label", "year", "id", "statements", "relevance"]
SORTS: tuple[SortName, ...] = get_args(SortName)
Key = str | int | None
"""What a thing is sorted by; what has none comes last."""


@total_ordering
@dataclass(frozen=True, slots=True)
class _Reversed:
    """A key that sorts the other way round."""

    key: Any

    def __lt__(self, other: _Reversed) -> bool:
        return bool(other.key < self.key)


Comparable = tuple[tuple[bool, Any], ...]
"""Keys that compare in some order."""


@dataclass(frozen=True, slots=True)
class Order:
    """By which keys a list is sorted.

    Attributes:
        keys: names of keys, with whether the greatest comes first.
    """

    keys: tuple[tuple[SortName, bool], ...]

    @classmethod
    def read(cls, text: str | None, *, searching: bool) -> Order:
        """Return the order that an address asks for; what is searched for comes by relevance, anything else by label.

        Raises:
            ProblemError: when there is no such key.

        >>> Order.read("year,-label", searching=False).keys
        (('year', False), ('label', True))
        """
        known: dict[str, SortName] = {name: name for name in SORTS if searching or name != "relevance"}
        keys: list[tuple[SortName, bool]] = []
        for part in (text or ("relevance,-statements" if searching else "label")).split(","):
            name = part.strip().removeprefix("-")
            if name not in known:
                remedy = did_you_mean(name, known, f"Sort by {', '.join(known)}; '-' before one turns it round.")
                if name == "relevance":
                    remedy = "Only what is searched for with q has a relevance."
                problem = Problem("unknown-sort", f"Lists cannot be sorted by '{name}'.", remedy, term="sort")
                raise ProblemError(400, problem)
            if known[name] not in [one for one, _ in keys]:
                keys.append((known[name], part.strip().startswith("-")))
        return cls(tuple(keys))

    def __str__(self) -> str:
        return ",".join(f"-{name}" if falling else name for name, falling in self.keys)

    def comparable(self, keys: Sequence[Key], iri: str) -> tuple[Comparable, str]:
        """Return keys so that they compare in this order; of equals the lesser IRI comes first."""
        written: list[tuple[bool, Any]] = []
        for key, (_, falling) in zip(keys, self.keys, strict=True):
            if key is None:
                written.append((True, 0))
            else:
                written.append((False, _Reversed(key) if falling else key))
        return tuple(written), iri


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a list.

    Attributes:
        order: of the list.
        before: whether the page ends before this place, rather than beginning after it.
        keys: those of the thing at this place.
        iri: that thing.
    """

    order: Order
    before: bool
    keys: tuple[Key, ...]
    iri: str

    def __str__(self) -> str:
        """Write it for an address."""
        parts = [str(self.order), int(self.before), list(self.keys), self.iri]
        text = json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str, order: Order) -> Cursor:
        """Return the place that a cursor names.

        Raises:
            ProblemError: when it is none, or one of a list in another order.
        """
        try:
            padded = text + "=" * (-len(text) % 4)
            sort, before, keys, iri = json.loads(
                base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True)
            )
        except (ValueError, TypeError, RecursionError):
            raise _wrong("The cursor cannot be read.") from None
        if sort != str(order):
            raise _wrong("The cursor belongs to a list in another order.")
        fits = isinstance(keys, list) and len(keys) == len(order.keys) and before in (0, 1) and isinstance(iri, str)
        if not fits or not all(_fits(key, name) for key, (name, _) in zip(keys, order.keys, strict=True)):
            raise _wrong("The cursor cannot be read.")
        return cls(order, bool(before), tuple(keys), iri)


def _fits(key: object, name: SortName) -> bool:
    if name in ("label", "id"):
        return isinstance(key, str)
    return isinstance(key, int) or (key is None and name == "year")


def _wrong(message: str) -> ProblemError:
    remedy = "Take it as it stands in next or previous, and change nothing else in the address."
    return ProblemError(400, Problem("invalid-cursor", message, remedy, term="cursor"))
