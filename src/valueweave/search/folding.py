"""What counts as the same text: case, accents, width, hyphens and punctuation do not.

In: a text. Out: the same folded, its words, and for each folded character where it came from.
The decision hidden here: compatibility decomposition without marks, and that every run of Chinese characters is one
word (Chinese is searched by parts of such runs, since it has no spaces).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

__all__ = ["Folded", "compact", "fold", "fold_with_places", "is_unspaced", "words_of"]

_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(f"[{_UNSPACED}]+|[^ {_UNSPACED}]+")
_BREAK = re.compile(r"[\W_]+")
_RUN = re.compile(f"[{_UNSPACED}]")


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text that remembers where its characters came from.

    Attributes:
        text: the folded text.
        places: for each of its characters the position in the original.
    """

    text: str
    places: tuple[int, ...]


def fold(text: str) -> str:
    """Return ``text`` without case, accents and width; whatever is no letter or digit is one space.

    >>> fold("Ｃáfé-COSMOPlat（平台）")
    'cafe cosmoplat 平台'
    """
    return _BREAK.sub(" ", _plain(text)).strip()


def _plain(text: str) -> str:
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(char for char in unicodedata.normalize("NFKD", decomposed) if not unicodedata.combining(char))


def fold_with_places(text: str) -> Folded:
    """Return ``text`` folded as :func:`fold` does, with the place of each character.

    >>> fold_with_places("A-B").places
    (0, 1, 2)
    """
    characters: list[str] = []
    places: list[int] = []
    for place, original in enumerate(text):
        for char in _plain(original):
            if char.isalnum():
                characters.append(char)
                places.append(place)
            elif characters and characters[-1] != " ":
                characters.append(" ")
                places.append(place)
    if characters and characters[-1] == " ":
        del characters[-1], places[-1]
    return Folded("".join(characters), tuple(places))


def compact(folded: str) -> str:
    """Return a folded text without spaces, so that "third-party" and "thirdparty" are one."""
    return folded.replace(" ", "")


def words_of(folded: str) -> list[str]:
    """Return the words of a folded text, in order.

    >>> words_of("haier 卡奥斯cosmoplat")
    ['haier', '卡奥斯', 'cosmoplat']
    """
    return _WORD.findall(folded)


def is_unspaced(word: str) -> bool:
    """Return whether a word is a run of characters of a script without spaces.

    >>> is_unspaced("平台"), is_unspaced("hub")
    (True, False)
    """
    return bool(_RUN.match(word))
