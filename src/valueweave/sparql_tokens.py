"""The tokens of a SPARQL query.

In: the text of a query or an update. Out: its tokens, with their places.
The decision hidden here: how SPARQL is cut into tokens without a parser, in a time that grows as the text does, and
where that can be done in two ways.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

__all__ = ["Token", "code_tokens", "is_ambiguous", "place", "tokens"]

Kind = Literal["space", "comment", "iri", "string", "variable", "name", "word", "symbol", "unreadable"]

_ESCAPE = r"\\(?:[tbnrf\"'\\]|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8})"
_TOKEN = re.compile(
    rf"""
      (?P<space>\s+)
    | (?P<comment>\#[^\r\n]*)
    | (?P<iri><[^<>"{{}}|^`\\\x00-\x20]*>)
    | (?P<string>'''(?:'{{0,2}}(?:[^'\\]|{_ESCAPE}))*''' | \"\"\"(?:\"{{0,2}}(?:[^"\\]|{_ESCAPE}))*\"\"\"
        | '(?:[^'\\\r\n]|{_ESCAPE})*' | "(?:[^"\\\r\n]|{_ESCAPE})*")
    | (?P<variable>[?$]\w+)
    # Letters with dots that no colon follows, taken whole: else each part would look for the colon again.
    | (?P<run>[^\W\d_][\w.-]*+(?!:))
    | (?P<name>(?:[^\W\d_][\w.-]*+)?:(?:[\w:-]|\.(?=[\w:.%\\-])|%[0-9A-Fa-f]{{2}}|\\[_~.\-!$&'()*+,;=/?\#@%])*)
    | (?P<word>@?[^\W\d_][\w-]*|\d+)
    | (?P<unreadable>["'\\])
    | (?P<symbol>.)
    """,
    re.VERBOSE | re.DOTALL,
)

# A "<" may open an IRI or mean "less than". Only with one of these characters inside does the difference change how the
# rest is read, and no comparison can hold "://" there.
_AMBIGUOUS_IRI = re.compile(r"<(?![A-Za-z][A-Za-z0-9+.-]*://)[^>]*[#']")

_PART_OF_RUN = re.compile(r"(?P<word>[^\W\d_][\w-]*|\d+)|(?P<symbol>.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Token:
    """One token of a query: its kind, its text, where it starts."""

    kind: Kind
    text: str
    start: int


def tokens(text: str) -> Iterator[Token]:
    """Cut ``text`` into tokens; joined they give ``text`` again.

    >>> [token.text for token in tokens("ASK{?s a <urn:x>} # end")]
    ['ASK', '{', '?s', ' ', 'a', ' ', '<urn:x>', '}', ' ', '# end']
    """
    for match in _TOKEN.finditer(text):
        if match.lastgroup == "run":
            for part in _PART_OF_RUN.finditer(text, match.start(), match.end()):
                yield Token(part.lastgroup, part.group(), part.start())  # type: ignore[arg-type]
        else:
            yield Token(match.lastgroup, match.group(), match.start())  # type: ignore[arg-type]


def code_tokens(text: str) -> list[Token]:
    """Return the tokens of ``text`` that are neither space nor comment.

    >>> [token.text for token in code_tokens("ASK {} # end")]
    ['ASK', '{', '}']
    """
    return [token for token in tokens(text) if token.kind not in {"space", "comment"}]


def place(text: str, offset: int) -> tuple[int, int]:
    """Return line and column (from 1) of ``offset`` in ``text``.

    >>> place("ASK\\n{ }", 4)
    (2, 1)
    """
    before = text[:offset]
    return before.count("\n") + 1, offset - before.rfind("\n")


def is_ambiguous(text: str) -> bool:
    """Return whether a text can be cut into tokens in more than one way, or holds what is no token.

    >>> is_ambiguous("ASK { FILTER(1 < 2) }"), is_ambiguous("ASK { FILTER(?a<'b'&&?c>'d') }")
    (False, True)
    >>> is_ambiguous("INSERT { ?s ?p <#o> } WHERE { ?s ?p <it's> FILTER(?p != 1) }")
    False
    """
    brackets = ["{"]
    for token in tokens(text):
        # "Less than" stands in round brackets only: as every expression of SPARQL does.
        unsure = token.kind == "iri" and brackets[-1] == "(" and _AMBIGUOUS_IRI.match(token.text)
        if token.kind == "unreadable" or unsure:
            return True
        if token.kind == "symbol" and token.text in "([{":
            brackets.append(token.text)
        elif token.kind == "symbol" and token.text in ")]}" and len(brackets) > 1:
            brackets.pop()
    return False
