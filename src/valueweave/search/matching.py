"""Which things fit a few words, and in which order.

In: an index and the words. Out: for each thing that fits how it fits, the best first.
The decision hidden here: the ranks, and when a word is taken for a misspelling of another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from valueweave.search.folding import compact, fold, words_of
from valueweave.search.index import TextIndex
from valueweave.search.texts import Corpus

__all__ = ["RANKS", "Found", "Query", "Rank", "Sorting", "find"]

Rank = Literal["exact", "prefix", "word", "fuzzy", "description"]
RANKS: tuple[Rank, ...] = get_args(Rank)
"""How a thing fits, the best first: a name is what was asked, begins with it, holds its words, holds words like them;
or names and descriptions together hold the words."""

_EXACT, _PREFIX, _WORD, _FUZZY, _DESCRIPTION = range(5)
Sorting = tuple[int, int, int, str]
"""What decides the place of a thing: rank, distance, how many statements (negative), IRI."""


@dataclass(frozen=True, slots=True)
class Query:
    """What was asked, as it is looked for.

    Attributes:
        name: all of it without spaces, folded.
        words: its words, each once.
        bent: the words that are taken for misspellings.
    """

    name: str
    words: tuple[str, ...]
    bent: frozenset[str]


@dataclass(frozen=True, slots=True)
class Found:
    """A thing that fits.

    Attributes:
        thing: its IRI.
        sorting: what decides its place.
    """

    thing: str
    sorting: Sorting

    @property
    def rank(self) -> Rank:
        """How it fits."""
        return RANKS[self.sorting[0]]

    @property
    def place(self) -> int:
        """Rank and distance as one number, the least of the best."""
        return self.sorting[0] * 1000 + min(self.sorting[1], 999)


def find(corpus: Corpus, index: TextIndex, asked: str) -> tuple[Query, list[Found]]:
    """Return the things that fit ``asked``, the best first, and how it was understood.

    A word that no text has is taken for a misspelling. Where no name holds all of several words, every word is.

    Args:
        corpus: what is searched.
        index: of its texts.
        asked: what a person typed.
    """
    folded = fold(asked)
    name, words = compact(folded), tuple(dict.fromkeys(words_of(folded)))
    fits: dict[str, tuple[int, int]] = {}
    query = Query(name, words, frozenset(word for word in words if not index.knows(word)))
    if not words:
        return query, []
    _take(fits, corpus, dict.fromkeys(index.named(name), 0), _EXACT)
    _take(fits, corpus, dict.fromkeys(index.named_from(name), 0), _PREFIX)
    _take_words(fits, corpus, index, query)
    by_name = any(rank < _DESCRIPTION for rank, _ in fits.values())
    if not fits or (not by_name and len(words) > 1):
        query = Query(name, words, frozenset(words))
        _take_words(fits, corpus, index, query)
        _take(fits, corpus, index.named_like(name), _FUZZY)
    found = (Found(thing, (rank, far, -corpus.statements[thing], thing)) for thing, (rank, far) in fits.items())
    return query, sorted(found, key=lambda each: each.sorting)


def _take(fits: dict[str, tuple[int, int]], corpus: Corpus, numbers: Mapping[int, int], rank: int) -> None:
    """Note that texts fit so, where they are names and nothing better is known of their things."""
    for number, far in numbers.items():
        text = corpus.texts[number]
        if text.naming:
            fit = (rank, far)
            known = fits.setdefault(text.thing, fit)
            if fit < known:
                fits[text.thing] = fit


def _take_words(fits: dict[str, tuple[int, int]], corpus: Corpus, index: TextIndex, query: Query) -> None:
    plain = [index.holding(word) for word in query.words]
    holding = [
        {**index.holding_like(word), **texts} if word in query.bent else texts
        for word, texts in zip(query.words, plain, strict=True)
    ]
    whole: dict[int, int] = {}
    bent: dict[int, int] = {}
    for number in set(holding[0]).intersection(*holding[1:]):
        as_typed = all(number in texts for texts in plain)
        (whole if as_typed else bent)[number] = sum(texts[number] for texts in holding)
    _take(fits, corpus, whole, _WORD)
    _take(fits, corpus, bent, _FUZZY)
    _take_spread(fits, corpus, holding)


def _take_spread(fits: dict[str, tuple[int, int]], corpus: Corpus, holding: Sequence[Mapping[int, int]]) -> None:
    """Note things whose texts, descriptions included, hold all the words between them."""
    by_word: list[dict[str, int]] = []
    for texts in holding:
        things: dict[str, int] = {}
        for number, far in texts.items():
            thing = corpus.texts[number].thing
            things[thing] = min(far, things.get(thing, far))
        by_word.append(things)
    for thing in set(by_word[0]).intersection(*by_word[1:]):
        if thing not in fits:
            fits[thing] = (_DESCRIPTION, sum(things[thing] for things in by_word))
