"""What is wrong with a query that does not parse.

In: the engine's complaint and the text. Out: a problem with line, column, the token at fault and a remedy.
The decision hidden here: how the fault is found.
"""

from __future__ import annotations

import re
from itertools import pairwise

import pyoxigraph as ox

from valueweave.namespaces import ID, PREFIXES
from valueweave.problems import Problem, did_you_mean
from valueweave.sparql_text import FORMS, QueryError, query_form
from valueweave.sparql_tokens import Token, code_tokens, place

__all__ = ["syntax_error"]

_UPDATES = {"INSERT", "DELETE", "LOAD", "CLEAR", "DROP", "CREATE", "COPY", "MOVE", "ADD"}


def syntax_error(error: SyntaxError, text: str, *, file: str | None = None) -> QueryError:
    """Turn the engine's complaint into one with line, column and the place it points at.

    Args:
        error: what the engine raised.
        text: the query it read.
        file: where the query comes from.

    >>> complaint = SyntaxError("error at 1:10: expected one of a, Prefix not found, ['%']")
    >>> print(syntax_error(complaint, "ASK { ?s foo:p ?o }"))
    1:10: error: foo:p: The query uses a prefix that it does not declare. Add a PREFIX line for it. [sparql-syntax]
    """
    match = re.match(r"error at (\d+):(\d+): expected(?: one of)? (.*)", str(error), re.DOTALL)
    if not match:
        return QueryError(Problem("sparql-syntax", f"The query does not parse: {error}.", "Mend it.", file=file))
    line, column, expected = int(match.group(1)), int(match.group(2)), match.group(3)
    message, remedy = "The query does not parse here.", "Mend the query at this place."
    near: str | None = None
    around = code_tokens(text)
    here = _first_wrong(text, around)
    if here is not None:
        line, column = place(text, here.start)
    if here is not None and here.kind == "name" and _prefix(here) not in _declared(around):
        message, remedy = "The query uses a prefix that it does not declare.", "Add a PREFIX line for it."
        near = here.text
    elif "SELECT contains a variable that is unbound" in expected:
        message = "The SELECT clause names a variable that is neither grouped by nor aggregated."
        remedy = "Add it to GROUP BY, or aggregate it."
    elif not text.strip():
        message, remedy = "The query is empty.", "Write a SELECT, ASK, CONSTRUCT or DESCRIBE query."
    elif query_form(text) is None and any(t.kind == "word" and t.text.upper() in _UPDATES for t in around):
        message, remedy = "Only queries are answered, not updates.", "Use SELECT, ASK, CONSTRUCT or DESCRIBE."
    elif here is None and any(opened(around) for opened in (_open_brace, _open_string)):
        message, remedy = "The query ends too early.", "Close what was opened: a brace, a bracket, a string."
    elif here is None:
        message, remedy = "The query ends too early.", "Write what is missing at its end."
    elif not any(token.text.upper() in FORMS for token in around if token.start < here.start):
        near, remedy = here.text, "Queries start with SELECT, ASK, CONSTRUCT or DESCRIBE, after their PREFIX lines."
    else:
        near = here.text
        remedy = did_you_mean(near.upper(), _KEYWORDS, remedy) if here.kind == "word" else remedy
    return QueryError(Problem("sparql-syntax", message, remedy, file=file, line=line, column=column, term=near))


_KEYWORDS = (  # noqa: SIM905 - readable so
    "WHERE FILTER OPTIONAL UNION MINUS GRAPH BIND VALUES EXISTS DISTINCT REDUCED LIMIT OFFSET HAVING"
    " GROUP ORDER FROM COUNT SAMPLE GROUP_CONCAT UNDEF"
).split()
_PADDING = "\n" + " " * 40 + "\x01"


def _first_wrong(text: str, code: list[Token]) -> Token | None:
    """Return the first token that cannot stand where it stands, or nothing when only the end is missing.

    The engine names the furthest place that any of its rules looked at, which lies behind the fault. Cut off after a
    token and followed by a character that fits nowhere, a query is refused there exactly if all before it fits.
    """
    engine = ox.Store()

    def fits(count: int) -> bool:
        if count == 0:
            return True
        cut = text[: code[count - 1].start + len(code[count - 1].text)]
        try:
            engine.query(cut + _PADDING, base_iri=ID, prefixes=PREFIXES)
        except SyntaxError as error:
            found = re.match(r"error at (\d+):(\d+):", str(error))
            return found is not None and int(found.group(1)) > cut.count("\n") + 1 and int(found.group(2)) > 40
        except ValueError:
            return False
        return True

    low, high = 0, len(code)  # low tokens fit
    if fits(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return code[low]


def _prefix(token: Token) -> str:
    return token.text.partition(":")[0]


def _declared(code: list[Token]) -> set[str]:
    own = {_prefix(token) for before, token in pairwise(code) if before.text.upper() == "PREFIX"}
    return own | set(PREFIXES)


def _open_brace(code: list[Token]) -> bool:
    return sum((token.text in "{([") - (token.text in "})]") for token in code if token.kind == "symbol") > 0


def _open_string(code: list[Token]) -> bool:
    return any(token.kind == "unreadable" for token in code)
