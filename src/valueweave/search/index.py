"""Where words stand: an index of folded texts.

In: a :class:`~valueweave.search.texts.Corpus`. Out: the texts that hold a word, a word like it, or a whole name.
The decision hidden here: the structures; rapidfuzz says which words are near.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence

from rapidfuzz import process
from rapidfuzz.distance import OSA

from valueweave.search.folding import compact, is_unspaced, words_of
from valueweave.search.texts import Text

__all__ = ["TextIndex", "allowed_distance", "is_near"]

_MOST_WORDS = 40
"""So many near words are looked at, the nearest first."""


def allowed_distance(word: str) -> int:
    """Return how many letters of a word may be wrong, missing, superfluous or swapped.

    >>> [allowed_distance(word) for word in ("hub", "haier", "complementarity")]
    [0, 1, 2]
    """
    return 0 if len(word) < 4 else 1 if len(word) < 7 else 2


def is_near(one: str, other: str) -> bool:
    """Return whether one word may be meant by the other.

    >>> is_near("hailfang", "hailifang"), is_near("hub", "hug")
    (True, False)
    """
    most = allowed_distance(min(one, other, key=len))
    return most > 0 and OSA.distance(one, other, score_cutoff=most) <= most


class TextIndex:
    """The words and names of texts; it never changes, so any thread may read it.

    Args:
        texts: what to index; texts are named by their position.
    """

    def __init__(self, texts: Sequence[Text]) -> None:
        postings: dict[str, list[int]] = defaultdict(list)
        names: dict[str, list[int]] = defaultdict(list)
        self._runs: list[tuple[int, str]] = []
        for number, text in enumerate(texts):
            words = set(words_of(text.folded))
            if any(is_unspaced(word) for word in words):
                self._runs.append((number, text.folded))
            for word in words:
                if not is_unspaced(word):
                    postings[word].append(number)
            if text.naming:
                names[compact(text.folded)].append(number)
        self._postings, self._words = dict(postings), sorted(postings)
        self._names, self._sorted_names = dict(names), sorted(names)

    def named(self, name: str) -> list[int]:
        """Return the names that are ``name``, spaces aside."""
        return self._names.get(name, [])

    def named_from(self, beginning: str) -> list[int]:
        """Return the names that begin with ``beginning``, spaces aside."""
        return [number for name in _from(self._sorted_names, beginning) for number in self._names[name]]

    def named_like(self, name: str) -> dict[int, int]:
        """Return the names that are nearly ``name``, with their distance."""
        return {number: far for like, far in _near(name, self._sorted_names).items() for number in self._names[like]}

    def knows(self, word: str) -> bool:
        """Return whether a word, or one that begins with it, stands in some text."""
        return bool(self.holding(word))

    def holding(self, word: str) -> dict[int, int]:
        """Return the texts with a word: distance 0 for the word itself, 1 for one that begins with it.

        A run of Chinese characters is looked for anywhere in a text.
        """
        if is_unspaced(word):
            return {number: 0 for number, folded in self._runs if word in folded}
        found = {number: 1 for longer in _from(self._words, word) for number in self._postings[longer]}
        found.update(dict.fromkeys(self._postings.get(word, ()), 0))
        return found

    def holding_like(self, word: str) -> dict[int, int]:
        """Return the texts with a word that is nearly ``word``, with their distance."""
        if is_unspaced(word):
            return {}
        found: dict[int, int] = {}
        for like, far in _near(word, self._words).items():
            for number in self._postings[like]:
                found[number] = min(far, found.get(number, far))
        return found


def _from(ordered: Sequence[str], beginning: str) -> Sequence[str]:
    first = bisect_left(ordered, beginning)
    return ordered[first : bisect_left(ordered, beginning + "\U0010ffff", lo=first)]


def _near(word: str, known: Sequence[str]) -> dict[str, int]:
    most = allowed_distance(word)
    if not most:
        return {}
    found = process.extract(word, known, scorer=OSA.distance, score_cutoff=most, limit=_MOST_WORDS)
    # A short word is not meant by a long one that lacks most of it.
    return {like: int(far) for like, far, _ in found if far and far <= allowed_distance(min(word, like, key=len))}
