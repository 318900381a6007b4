"""What to mark in a text that fits.

In: a text and a query. Out: the spans that match, and the text as HTML with these marked.
The decision hidden here: of a word that begins with what was asked only the beginning is marked, a misspelt one whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from valueweave.search.folding import compact, fold_with_places, is_unspaced, words_of
from valueweave.search.index import is_near
from valueweave.search.matching import Query

__all__ = ["Span", "marked", "spans"]


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A part of a text, in Unicode code points, half-open."""

    start: int
    end: int


def spans(text: str, query: Query) -> tuple[list[Span], frozenset[str]]:
    """Return what matches in ``text``, in order, and which of the words asked for it holds.

    >>> spans("COSMO-Plat of Haier", Query("haier", ("haier",), frozenset()))
    ([Span(start=14, end=19)], frozenset({'haier'}))
    """
    folded = fold_with_places(text)
    found: list[tuple[int, int]] = []
    held: set[str] = set()
    place = 0
    for word in words_of(folded.text):
        place = folded.text.index(word, place)
        for asked in query.words:
            for start, end in _parts(word, asked, asked in query.bent):
                found.append((place + start, place + end))
                held.add(asked)
        place += len(word)
    if len(held) < len(query.words) and (whole := _whole(folded.text, query)):
        found.append(whole)
        held.update(query.words)
    original = (Span(folded.places[start], folded.places[end - 1] + 1) for start, end in found)
    return _merged(original), frozenset(held)


def _parts(word: str, asked: str, bent: bool) -> Iterable[tuple[int, int]]:
    """Yield which parts of a word are what was asked."""
    if is_unspaced(asked):
        start = word.find(asked)
        while start >= 0:
            yield start, start + len(asked)
            start = word.find(asked, start + len(asked))
    elif word.startswith(asked):
        yield 0, len(asked)
    elif bent and is_near(word, asked):
        yield 0, len(word)


def _whole(folded: str, query: Query) -> tuple[int, int] | None:
    """Return the part of a name that is the whole of what was asked, written with other spaces or nearly so."""
    name = compact(folded)
    if name.startswith(query.name):
        length = len(query.name)
        for place, char in enumerate(folded):
            length -= char != " "
            if not length:
                return 0, place + 1
    if query.bent and is_near(name, query.name):
        return 0, len(folded)
    return None


def _merged(found: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for span in sorted(found):
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(span.end, merged[-1].end))
        else:
            merged.append(span)
    return merged


def marked(text: str, parts: Sequence[Span]) -> str:
    """Return ``text`` as HTML with the parts in ``<mark>``.

    >>> marked("R&D of JD", [Span(7, 9)])
    'R&amp;D of <mark>JD</mark>'
    """
    written, place = [], 0
    for part in parts:
        written += [escape(text[place : part.start]), "<mark>", escape(text[part.start : part.end]), "</mark>"]
        place = part.end
    return "".join([*written, escape(text[place:])])
