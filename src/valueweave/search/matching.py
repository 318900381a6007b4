"""Which things fit a few words, and in which order.

In: an index and the words. Out: for each thing that fits how it fits, the best first.
The decision hidden here: the ranks, and when a word is taken for a misspelling of another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from valueweave.search.folding import compact, fold, words_of
from valueweave.search.index import TextIndex
from valueweave.search.texts import Corpus

__all__ = ["RANKS", "Found", "Rank", "Sorting", "find"]

Rank = Literal["exact", "prefix", "word", "fuzzy", "description"]
RANKS: tuple[Rank, ...] = get_args(Rank)
"""How a thing fits, the best first: a name is what was asked, begins with it, holds its words, holds words like them;
or names and descriptions together hold the words."""

_EXACT, _PREFIX, _WORD, _FUZZY, _DESCRIPTION = range(5)
Sorting = tuple[int, int, int, str]
"""What decides the place of a thing: rank, distance, how many statements (negative), IRI."""


@dataclass(frozen=True, slots=True)
class Found:
    """A thing that fits.

    Attributes:
        thing: its IRI.
        sorting: what decides its place.
        texts: positions of the texts that made it fit, the best first.
    """

    thing: str
    sorting: Sorting
    texts: tuple[int, ...]


def find(corpus: Corpus, index: TextIndex, asked: str) -> list[Found]:
    """Return the things that fit ``asked``, the best first.

    A word that no text has is taken for a misspelling. Where nothing holds all the words, every word is.

    Args:
        corpus: what is searched.
        index: of its texts.
        asked: what a person typed.
    """
    folded = fold(asked)
    words = list(dict.fromkeys(words_of(folded)))
    if not words:
        return []
    fits = _Fits(corpus)
    name = compact(folded)
    fits.names(((number, 0) for number in index.named(name)), _EXACT)
    fits.names(((number, 0) for number in index.named_from(name)), _PREFIX)
    _find_words(fits, index, words, {word for word in words if not index.knows(word)})
    if not fits.found:
        _find_words(fits, index, words, set(words))
        fits.names(index.named_like(name).items(), _FUZZY)
    return fits.ordered()


def _find_words(fits: _Fits, index: TextIndex, words: Sequence[str], misspelt: set[str]) -> None:
    holding = [index.holding_like(word) | index.holding(word) if word in misspelt else index.holding(word)
               for word in words]
    everywhere = set(holding[0]).intersection(*holding[1:])
    near = [index.holding_like(word) if word in misspelt else {} for word in words]
    whole, nearly = [], []
    for number in everywhere:
        far = sum(one[number] for one in holding)
        bent = any(number in like and like[number] == one[number] for like, one in zip(near, holding, strict=True))
        (nearly if bent else whole).append((number, far))
    fits.names(whole, _WORD)
    fits.names(nearly, _FUZZY)
    fits.spread(holding)


class _Fits:
    """How each thing fits, as far as is known."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self.found: dict[str, tuple[int, int]] = {}
        self._texts: dict[str, dict[int, None]] = {}

    def names(self, numbers: Iterable[tuple[int, int]], rank: int) -> None:
        """Note texts that hold all the words, with their distance; only names count here."""
        for number, far in sorted(numbers, key=lambda each: each[1]):
            text = self._corpus.texts[number]
            if text.naming:
                fit = (rank, far)
                self.found[text.thing] = min(fit, self.found.get(text.thing, fit))
                self._texts.setdefault(text.thing, {}).setdefault(number)

    def spread(self, holding: Sequence[Mapping[int, int]]) -> None:
        """Note things whose texts, descriptions included, hold all the words between them."""
        by_word: list[dict[str, dict[int, int]]] = []
        for texts in holding:
            things: dict[str, dict[int, int]] = {}
            for number, far in texts.items():
                things.setdefault(self._corpus.texts[number].thing, {})[number] = far
            by_word.append(things)
        for thing in set(by_word[0]).intersection(*by_word[1:]):
            if thing not in self.found:
                self.found[thing] = (_DESCRIPTION, sum(min(things[thing].values()) for things in by_word))
            known = self._texts.setdefault(thing, {})
            numbers = {number for things in by_word for number in things[thing]}
            # The text with most of the words first, names before descriptions.
            for number in sorted(numbers, key=lambda each: self._worth(each, thing, by_word)):
                known.setdefault(number)

    def _worth(self, number: int, thing: str, by_word: Sequence[Mapping[str, Mapping[int, int]]]) -> tuple[int, bool, int]:
        held = sum(number in things[thing] for things in by_word)
        return -held, not self._corpus.texts[number].naming, number

    def ordered(self) -> list[Found]:
        """Return the things, the best first; of equals the one of which more is said."""
        statements = self._corpus.statements
        return sorted(
            (
                Found(thing, (rank, far, -statements[thing], thing), tuple(self._texts[thing]))
                for thing, (rank, far) in self.found.items()
            ),
            key=lambda each: each.sorting,
        )
