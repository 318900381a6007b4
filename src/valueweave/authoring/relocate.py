"""Passages found again by their hash.

In: a text, and the length and SHA-256 of a passage. Out: where the passage stands now.
The decision hidden here: windows of the passage's length are hashed, first around the place where it is expected, then
throughout the text. A text whose lines were wrapped anew holds no such window.
"""

from __future__ import annotations

import hashlib
import re

__all__ = ["Relocator", "find_again"]

_NEAR = 2_000
"""How far around the expected place is searched before the whole text is."""


class Relocator:
    """Finds passages of one text again; asked by rising length, each length is hashed through once.

    Example:
        >>> Relocator("abcabc").find(2, hashlib.sha256(b"bc").hexdigest(), 5)
        4
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._length = 0
        self._places: dict[bytes, list[int]] = {}

    def find(self, length: int, sha256: str, near: int) -> int | None:
        """Return the offset of a passage, the one nearest to ``near`` when it stands several times, or nothing."""
        last = len(self.text) - length
        if length <= 0 or last < 0 or not re.fullmatch(r"[0-9a-f]{64}", sha256):
            return None
        wanted = bytes.fromhex(sha256)
        near = min(max(near, 0), last)
        for distance in range(_NEAR):
            for start in (near - distance, near + distance):
                if 0 <= start <= last and self._hash(start, length) == wanted:
                    return start
        if self._length != length:
            self._length, self._places = length, {}
            for start in range(last + 1):
                self._places.setdefault(self._hash(start, length), []).append(start)
        return min(self._places.get(wanted, ()), key=lambda start: abs(start - near), default=None)

    def _hash(self, start: int, length: int) -> bytes:
        return hashlib.sha256(self.text[start : start + length].encode("utf-8", "surrogatepass")).digest()


def find_again(text: str, length: int, sha256: str, near: int) -> int | None:
    """Return the offset at which a passage of ``length`` with this hash stands, the nearest to ``near``, or nothing.

    >>> find_again("abcabc", 2, hashlib.sha256(b"bc").hexdigest(), 0)
    1
    """
    return Relocator(text).find(length, sha256, near)
