"""What the asker wants to read: a page or data, and in which language.

In: the ``Accept`` and ``Accept-Language`` headers, and what the address says itself. Out: whether to send a page, and
languages in the order wanted.
The decision hidden here: a page is sent only to those who name HTML and want nothing else more; the formats of data are
the store's affair (:func:`valueweave.store.negotiate`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from valueweave.problems import Problem
from valueweave.store import NotAcceptableError

__all__ = ["HTML", "chosen_form", "languages", "wants_page"]

HTML = "text/html; charset=utf-8"
_PAGES = ("text/html", "application/xhtml+xml")
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")


def _weighted(header: str) -> list[tuple[str, float]]:
    found = []
    for part in header.split(","):
        name, *options = (piece.strip() for piece in part.split(";"))
        quality = 1.0
        for option in options:
            key, _, value = option.partition("=")
            if key.strip().lower() == "q":
                try:
                    quality = min(max(float(value), 0.0), 1.0)
                except ValueError:
                    quality = 0.0
        if name:
            found.append((name, quality))
    return found


def wants_page(accept: str | None, asked: str | None = None) -> bool:
    """Return whether to send HTML.

    Args:
        accept: the ``Accept`` header.
        asked: the format that the address itself asks for; it decides when it is there.

    >>> wants_page("text/html,application/xml;q=0.9,*/*;q=0.8")
    True
    >>> wants_page("*/*")
    False
    >>> wants_page("text/turtle, text/html;q=0.5")
    False
    """
    return _wants_page(accept, asked)


@lru_cache(256)
def _wants_page(accept: str | None, asked: str | None) -> bool:
    if asked:
        return asked.lower() in {"html", *_PAGES}
    weights = [(name.lower(), quality) for name, quality in _weighted(accept or "")]
    page = max((quality for name, quality in weights if name in _PAGES), default=0.0)
    return page > 0 and all(quality <= page for name, quality in weights if name not in _PAGES)


def languages(header: str | None, asked: str | None = None) -> tuple[str, ...]:
    """Return the languages wanted, the most wanted first; English and then any follow by themselves.

    Args:
        header: the ``Accept-Language`` header.
        asked: the language that the address itself asks for; it goes first.

    >>> languages("fr;q=0.3, zh-CN", "en")
    ('en', 'zh', 'fr')
    """
    ranked = sorted(_weighted(header or ""), key=lambda item: -item[1])
    wanted = [asked or "", *(name for name, quality in ranked if quality > 0)]
    primary = (name.lower().split("-")[0] for name in wanted if _LANGUAGE.fullmatch(name))
    return tuple(dict.fromkeys(primary))


def chosen_form(accept: str | None, asked: str | None, offered: Mapping[str, str]) -> str:
    """Return the name of the form that is wanted most.

    Args:
        accept: the ``Accept`` header.
        asked: the form that the address itself asks for; it decides when it is there.
        offered: media type by name, the first being that of those who do not mind.

    Raises:
        NotAcceptableError: when none is wanted.

    >>> offered = {"json": "application/json", "jsonld": "application/ld+json"}
    >>> chosen_form("application/ld+json, */*;q=0.1", None, offered), chosen_form("text/html, */*;q=0.8", None, offered)
    ('jsonld', 'json')
    """
    if asked and asked in offered:
        return asked
    weights: dict[str, float] = {}
    for name, quality in _weighted(accept or "*/*"):
        weights[name.lower()] = max(quality, weights.get(name.lower(), 0.0))

    def weight(name: str) -> float:
        media = offered[name]
        return weights.get(media, weights.get(media.partition("/")[0] + "/*", weights.get("*/*", 0.0)))

    best = max(offered, key=weight)
    if asked or weight(best) <= 0:
        remedy = f"Ask for one of {', '.join(f'{name} ({media})' for name, media in offered.items())}."
        wanted = asked or accept or ""
        problem = Problem("not-acceptable", f"The answer cannot be written as '{wanted}'.", remedy, term=wanted)
        raise NotAcceptableError(problem)
    return best
