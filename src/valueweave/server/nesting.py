"""How deep brackets may be nested in a text that an engine reads.

In: the text of a query or update. Out: a refusal when its brackets are nested too deep.
The decision hidden here: the engine reads and evaluates by recursion, and a process whose stack overflows dies without
a word; so what would never succeed is told before anybody tries.
"""

from __future__ import annotations

from valueweave.problems import Problem
from valueweave.sparql_text import QueryError
from valueweave.sparql_tokens import place, tokens

__all__ = ["DEEPEST", "check_nesting", "is_nested_too_deep"]

DEEPEST = 500
"""So many levels of brackets are let through. With the usual stack of 8 MiB the first to fail are FILTER NOT EXISTS at
some 800 levels and calls of functions at 860; plain groups and brackets reach 2,000 and more."""


def check_nesting(text: str) -> None:
    """Refuse a text whose brackets are nested too deep.

    Brackets in strings, IRIs and comments do not count.

    Args:
        text: a query or update.

    Raises:
        QueryError: with the code ``query-too-deep`` and the place.

    >>> check_nesting("ASK { FILTER((1 = 1)) }")
    >>> check_nesting("ASK { FILTER(" + "(" * 1000)  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    ...
    QueryError: 1:512: error: Brackets are nested more than 500 levels deep. ... [query-too-deep]
    """
    start = _first_too_deep(text)
    if start is not None:
        line, column = place(text, start)
        message = f"Brackets are nested more than {DEEPEST} levels deep."
        raise QueryError(Problem("query-too-deep", message, "Nest them less.", line=line, column=column))


def is_nested_too_deep(text: str) -> bool:
    """Return whether :func:`check_nesting` refuses a text."""
    return _first_too_deep(text) is not None


def _first_too_deep(text: str) -> int | None:
    # Most texts have fewer brackets than levels are allowed.
    if text.count("(") + text.count("[") + text.count("{") <= DEEPEST:
        return None
    depth = 0
    for token in tokens(text):
        if token.text in "([{":
            depth += 1
            if depth > DEEPEST:
                return token.start
        elif token.text in ")]}":
            depth = max(depth - 1, 0)
    return None
