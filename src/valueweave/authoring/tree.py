"""The tree of a YAML file: mappings, lists and scalars with their offsets.

In: what the reader found. Out: values as YAML 1.2 means them.
The decision hidden here: the core schema (``no`` is a text); numbers keep their lexical form, and what begins with a
superfluous zero or looks hexadecimal stays a text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

__all__ = ["Listing", "Mapping", "Node", "Number", "Scalar"]

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


class Number(str):
    """A number with a point or an exponent, in its lexical form."""

    __slots__ = ()


@dataclass(slots=True, eq=False)
class Scalar:
    """A single value: its text, and what the core schema makes of it."""

    start: int
    end: int
    text: str
    plain: bool

    @property
    def value(self) -> str | int | bool | None:
        """The value: a :class:`Number` for numbers with a point, ``int``, ``bool``, ``None`` or ``str``."""
        if not self.plain:
            return self.text
        if self.text in _WORDS:
            return _WORDS[self.text]
        # Python refuses to read integers of thousands of digits; nobody means such a number.
        if _INTEGER.fullmatch(self.text):
            return int(self.text) if len(self.text) < 100 else self.text
        if _FLOAT.fullmatch(self.text) and not _LEADING_ZERO.match(self.text):
            return Number(self.text)
        return self.text


@dataclass(slots=True, eq=False)
class Listing:
    """A list of values."""

    start: int
    end: int
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Mapping:
    """Keys with their values, in the order of the file."""

    start: int
    end: int
    entries: dict[str, tuple[Scalar, Node]] = field(default_factory=dict)

    def get(self, key: str) -> Node | None:
        """Return the value of ``key``, or nothing."""
        entry = self.entries.get(key)
        return entry[1] if entry else None


Node = Scalar | Listing | Mapping
