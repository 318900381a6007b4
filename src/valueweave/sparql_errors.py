"""What is wrong with a query or an update that does not parse.

In: the engine's complaint and the text. Out: a problem with line, column, the token at fault and a remedy.
The decision hidden here: how the fault is found.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import pyoxigraph as ox

from valueweave.namespaces import ID, PREFIXES
from valueweave.problems import Problem, did_you_mean
from valueweave.sparql_text import FORMS, QueryError, query_form
from valueweave.sparql_tokens import Token, code_tokens, place

__all__ = ["syntax_error"]

Kind = Literal["query", "update"]

_UPDATES = {"INSERT", "DELETE", "LOAD", "CLEAR", "DROP", "CREATE", "COPY", "MOVE", "ADD"}


def syntax_error(error: SyntaxError, text: str, *, file: str | None = None, kind: Kind = "query") -> QueryError:
    """Turn the engine's complaint into one with line, column and the place it points at.

    Args:
        error: what the engine raised.
        text: the query or update it read.
        file: where it comes from.
        kind: which of the two it was read as.

    >>> complaint = SyntaxError("error at 1:10: expected one of a, Prefix not found, ['%']")
    >>> print(syntax_error(complaint, "ASK { ?s foo:p ?o }"))
    1:10: error: foo:p: The query uses a prefix that it does not declare. Add a PREFIX line for it. [sparql-syntax]
    """
    match = re.match(r"error at (\d+):(\d+): expected(?: one of)? (.*)", str(error), re.DOTALL)
    if not match:
        return QueryError(Problem("sparql-syntax", f"The {kind} does not parse: {error}.", "Mend it.", file=file))
    line, column, expected = int(match.group(1)), int(match.group(2)), match.group(3)
    code = code_tokens(text)
    here = _first_wrong(text, code, kind, (line, column))
    found = _fault(_Reading(text, code, kind, expected), here)
    start = here.start if found.at is None and here is not None else found.at
    if start is not None:
        line, column = place(text, start)
    problem = Problem(
        "sparql-syntax", found.message, found.remedy, file=file, line=line, column=column, term=found.near
    )
    return QueryError(problem)


@dataclass(frozen=True, slots=True)
class _Reading:
    """A text that does not parse: its tokens, what it was read as, what the engine expected."""

    text: str
    code: list[Token]
    kind: Kind
    expected: str


@dataclass(frozen=True, slots=True)
class _Fault:
    """What is wrong, what to do about it, the words at fault; where they start if not at the first wrong token."""

    message: str
    remedy: str
    near: str | None = None
    at: int | None = None


def _fault(read: _Reading, here: Token | None) -> _Fault:
    kind, code = read.kind, read.code
    if here is not None and here.kind == "name" and _prefix(here) not in _declared(code):
        message = f"The {kind} uses a prefix that it does not declare."
        return _Fault(message, "Add a PREFIX line for it.", here.text)
    if here is not None and (path := _path_as_name(read.text, code, here)) is not None:
        return path
    if (other := _fault_of_query(read, here) if kind == "query" else _fault_of_update(read, here)) is not None:
        return other
    if here is not None:
        return _Fault(f"The {kind} does not parse here.", _remedy(read, here), here.text)
    if _open_brace(code) or _open_string(code):
        return _Fault(f"The {kind} ends too early.", "Close what was opened: a brace, a bracket, a string.")
    return _Fault(f"The {kind} ends too early.", "Write what is missing at its end.")


def _fault_of_query(read: _Reading, here: Token | None) -> _Fault | None:
    if "SELECT contains a variable that is unbound" in read.expected:
        message = "The SELECT clause names a variable that is neither grouped by nor aggregated."
        return _Fault(message, "Add it to GROUP BY, or aggregate it.")
    if not read.text.strip():
        return _Fault("The query is empty.", "Write a SELECT, ASK, CONSTRUCT or DESCRIBE query.")
    if query_form(read.text) is None and any(t.kind == "word" and t.text.upper() in _UPDATES for t in read.code):
        return _Fault("Only queries are answered, not updates.", "Use SELECT, ASK, CONSTRUCT or DESCRIBE.")
    if here is not None and not any(token.text.upper() in FORMS for token in read.code if token.start < here.start):
        remedy = "Queries start with SELECT, ASK, CONSTRUCT or DESCRIBE, after their PREFIX lines."
        return _Fault("The query does not parse here.", remedy, here.text)
    return None


def _fault_of_update(read: _Reading, here: Token | None) -> _Fault | None:
    if here is None:
        return None
    words = (token.text.upper() for token in read.code if token.kind == "word")
    if next((word for word in words if word in FORMS or word in _BEGIN), None) in FORMS:
        remedy = "Send a query as a query (query=, application/sparql-query), not as an update."
        return _Fault("Only updates are made here, not queries.", remedy, here.text)
    if (variable := _variable_in_data(read.code, here)) is not None:
        message = "Where data are inserted or deleted (DATA) there may be no variables."
        return _Fault(
            message, "Use INSERT { ... } WHERE { ... }, or DELETE WHERE { ... }.", variable.text, variable.start
        )
    return None


def _remedy(read: _Reading, here: Token) -> str:
    """Return what to do about a token that cannot stand where it stands."""
    mend, written = f"Mend the {read.kind} at this place.", here.text.upper()
    if here.kind != "word":
        return mend
    if read.kind == "query":
        return did_you_mean(written, _KEYWORDS, mend)
    before = [token for token in read.code if token.start < here.start]
    if before and before[-1].text == "}" and written in _BEGIN:
        return "Write ';' between two operations."
    if _at_begin(before):
        begins = f"Updates start with {', '.join(_BEGIN[:-1])} or {_BEGIN[-1]}, after their PREFIX lines."
        return did_you_mean(written, (*_BEGIN, "PREFIX", "BASE"), begins)
    return did_you_mean(written, [word for word in (*_UPDATE_KEYWORDS, *_KEYWORDS) if word != written], mend)


_KEYWORDS = (  # noqa: SIM905 - readable so
    "WHERE FILTER OPTIONAL UNION MINUS GRAPH BIND VALUES EXISTS DISTINCT REDUCED LIMIT OFFSET HAVING"
    " GROUP ORDER FROM COUNT SAMPLE GROUP_CONCAT UNDEF"
).split()
_BEGIN = ("INSERT", "DELETE", "WITH", "CLEAR", "DROP", "CREATE", "COPY", "MOVE", "ADD")
_UPDATE_KEYWORDS = ("DATA", "INSERT", "DELETE", "USING", "NAMED", "SILENT", "DEFAULT", "ALL", "INTO", "TO")
_PADDING = "\n" + " " * 40 + "\x01"


def _first_wrong(text: str, code: list[Token], kind: Kind, named: tuple[int, int]) -> Token | None:
    """Return the first token that cannot stand where it stands, or nothing when only the end is missing.

    The engine names the furthest place that any of its rules looked at, which lies behind the fault. Cut off after a
    token and followed by a character that fits nowhere, a query is refused there exactly if all before it fits.
    The fault lies mostly shortly before that place, so it is looked for from there: a long text is read few times.
    """
    engine, code = ox.Store(), _joined(code)

    def fits(count: int) -> bool:
        if count == 0:
            return True
        cut = text[: code[count - 1].start + len(code[count - 1].text)]
        try:
            if kind == "query":
                engine.query(cut + _PADDING, base_iri=ID, prefixes=PREFIXES)
            else:
                engine.update(cut + _PADDING, base_iri=ID, prefixes=PREFIXES)
        except SyntaxError as error:
            found = re.match(r"error at (\d+):(\d+):", str(error))
            return found is not None and int(found.group(1)) > cut.count("\n") + 1 and int(found.group(2)) > 40
        except ValueError:
            return False
        return True

    low, high = 0, len(code)  # low tokens fit
    if fits(high):
        return None
    behind = bisect_right([token.start for token in code], _offset(text, *named))
    if 0 < behind < high and not fits(behind):
        high = behind
    step = 1
    while high - step > 0:
        if fits(high - step):
            low = high - step
            break
        high, step = high - step, step * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return code[low]


def _offset(text: str, line: int, column: int) -> int:
    """Return where a line and column (from 1) are in a text."""
    at = 0
    for _ in range(line - 1):
        at = text.find("\n", at) + 1
    return at + column - 1


def _joined(code: list[Token]) -> list[Token]:
    """Return tokens with those together that an engine reads as one: a text cut between them would not fit."""
    joined: list[Token] = []
    for token in code:
        last = joined[-1] if joined else None
        touches = last is not None and last.kind == "symbol" and last.start + len(last.text) == token.start
        if last is not None and touches and _ONE.fullmatch(last.text + token.text):
            joined[-1] = Token("word", last.text + token.text, last.start)
        else:
            joined.append(token)
    return joined


_ONE = re.compile(r"\^\^|&&|\|\||[<>!]=|<<|>>|[+-]\d+|_:.*")


def _prefix(token: Token) -> str:
    return token.text.partition(":")[0]


def _declared(code: list[Token]) -> set[str]:
    own = {_prefix(token) for before, token in pairwise(code) if before.text.upper() == "PREFIX"}
    return own | set(PREFIXES)


def _path_as_name(text: str, code: list[Token], here: Token) -> _Fault | None:
    """Return what is wrong with the name with slashes in it that the token belongs to, such as ``id:actor/jd``."""
    namespaces = dict(PREFIXES)
    for before, name, base in zip(code, code[1:], code[2:], strict=False):
        if before.text.upper() == "PREFIX" and base.kind == "iri":
            namespaces[_prefix(name)] = base.text[1:-1]
    for token in code:
        if token.kind != "name" or token.start > here.start:
            continue
        match = _SLASHES.match(text, token.start)
        # Elsewhere a slash joins two properties; what ends in a slash is made to have paths behind it.
        if match is None or here.start >= match.end() or not namespaces.get(_prefix(token), "").endswith("/"):
            continue
        iri = namespaces[_prefix(token)] + match.group(1)
        relative = iri.startswith(ID) and not any(other.text.upper() == "BASE" for other in code)
        meant = f"<{match.group(1)}>: relative IRIs stand in the id namespace" if relative else f"<{iri}>"
        message = "A slash cannot stand in a name with a prefix."
        return _Fault(message, f"Write {meant}.", match.group(), token.start)
    return None


_SLASHES = re.compile(r"[A-Za-z][\w.-]*:([\w.~%-]+(?:/[\w.~%-]*[\w~%-])+)(?![\w:])")


def _variable_in_data(code: list[Token], here: Token) -> Token | None:
    """Return the first variable of a block of data, when its end is what the engine stumbles over."""
    before = [token for token in code if token.start < here.start]
    data = next((number for number in reversed(range(len(before))) if before[number].text.upper() == "DATA"), None)
    if here.text != "}" or data is None:
        return None
    return next((token for token in before[data:] if token.kind == "variable"), None)


def _at_begin(before: list[Token]) -> bool:
    """Return whether an operation begins behind these tokens."""
    while before and before[-1].kind == "iri" and [token.text.upper() for token in before[-3:-2]] == ["PREFIX"]:
        before = before[:-3]
    return not before or before[-1].text == ";"


def _open_brace(code: list[Token]) -> bool:
    return sum((token.text in "{([") - (token.text in "})]") for token in code if token.kind == "symbol") > 0


def _open_string(code: list[Token]) -> bool:
    return any(token.kind == "unreadable" for token in code)
