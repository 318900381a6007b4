"""The text of a SPARQL query, before an engine sees it.

In: the text of a query, values for some of its variables. Out: what it names, the same text with the values in place,
a refusal when the query would reach out to the network, problems with line and column.
The decision hidden here: what a query may do, and that a value always stays one token.

The engine's own substitution (RDF-dev SEP-0007) only takes variables that the outermost SELECT projects, so it cannot
bind a year in a FILTER. Values are therefore put in the place of variable *tokens*, written by the engine's own term
writer; a value can never become anything but the one IRI or literal it is, whatever characters it holds.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

import pyoxigraph as ox

from valueweave.namespaces import PREFIXES
from valueweave.problems import InputError, Problem
from valueweave.sparql_tokens import Token, code_tokens, is_ambiguous, place, tokens

__all__ = [
    "FORMS",
    "QueryError",
    "check_query",
    "keyword_place",
    "named_terms",
    "query_form",
    "substitute",
    "variables",
]

_SERVICE = re.compile("SERVICE", re.IGNORECASE)
FORMS = ("SELECT", "ASK", "CONSTRUCT", "DESCRIBE")
"""The words that queries start with."""


class QueryError(InputError):
    """A query that cannot be answered as it is written."""


def variables(text: str) -> list[str]:
    """Return the names of the variables of a query, each once, in order.

    >>> variables('SELECT ?a { ?a ?b "?c" } # ?d')
    ['a', 'b']
    """
    return list(dict.fromkeys(token.text[1:] for token in tokens(text) if token.kind == "variable"))


def named_terms(text: str, namespace: str) -> list[str]:
    """Return the IRIs of a namespace that a query names, each once, in order.

    >>> named_terms("PREFIX x: <urn:n#> ASK { ?s x:p <urn:n#q> ; sce:r 'x:no' }", "urn:n#")
    ['urn:n#p', 'urn:n#q']
    """
    prefixes, found = dict(PREFIXES), []
    code = code_tokens(text)
    for before, token in zip([None, *code], code, strict=False):
        declares = before is not None and before.text.upper() == "PREFIX"
        declared = before is not None and before.kind == "name" and before.text.endswith(":") and token.kind == "iri"
        if declared and before is not None:
            prefixes[before.text[:-1]] = token.text[1:-1]
        elif token.kind == "iri":
            found.append(token.text[1:-1])
        elif token.kind == "name" and not declares:
            prefix, _, local = token.text.partition(":")
            found.append(prefixes.get(prefix, "") + local)
    return list(dict.fromkeys(iri for iri in found if iri.startswith(namespace) and iri != namespace))


def query_form(text: str) -> str | None:
    """Return ``SELECT``, ``ASK``, ``CONSTRUCT`` or ``DESCRIBE``, or ``None`` when the text is none of these.

    >>> query_form("PREFIX ask: <urn:ask> construct where { ?s ?p ?o }")
    'CONSTRUCT'
    """
    words = (token.text.upper() for token in tokens(text) if token.kind == "word")
    return next((word for word in words if word in FORMS), None)


def check_query(text: str, *, file: str | None = None, services: Collection[str] = ()) -> None:
    """Refuse a query that would make the engine reach out to another service.

    The engine cannot be told not to follow ``SERVICE``, and it takes the keyword with or without a space around it. So
    the letters are refused wherever they are not part of a string, a comment, an IRI, a variable or the local part of a
    name; a prefix may not have them. Doubt refuses. (Whatever passes still finds no network: ``store/isolation.py``.)

    Args:
        text: the query.
        file: where it comes from, for the message.
        services: addresses that may be called, each written in full, as ``SERVICE <address> {``.

    Raises:
        QueryError: when the query has a SERVICE clause.

    >>> check_query("SELECT * { ?s a sce:ServiceModule }")
    >>> check_query("SELECT * { SERVICE <urn:x> { ?s ?p ?o } }", services={"urn:x"})
    >>> check_query("SELECT * { SERVICE <urn:x> { ?s ?p ?o } }")  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    ...
    QueryError: 1:12: error: SERVICE: Queries may not call other services. ... [service-refused]
    """
    for reading in dict.fromkeys((text, _unescape(text))):
        offset = keyword_place(reading, _SERVICE, services)
        if offset is not None:
            line, column = place(reading, offset)
            raise QueryError(
                Problem(
                    "service-refused",
                    "Queries may not call other services.",
                    "Leave the SERVICE clause out and ask the other service on its own; if it is a prefix that is "
                    "called so, call it otherwise.",
                    file=file,
                    line=line,
                    column=column,
                    term="SERVICE",
                )
            )


def keyword_place(text: str, keyword: re.Pattern[str], services: Collection[str] = ()) -> int | None:
    """Return where the letters of a keyword stand as code, or may do so; ``None`` when they do not.

    They are no code in a string, a comment, an IRI, a variable, or after the colon of a name. Where the text can be
    read in more than one way, any place counts. A call of one of ``services`` does not count.

    >>> keyword_place("ASK { ?load a :load FILTER('load' = ?x) }", re.compile("LOAD", re.IGNORECASE)) is None
    True
    >>> keyword_place("LOADe:x", re.compile("LOAD", re.IGNORECASE))
    0
    """
    first = keyword.search(text)
    if first is None:
        return None
    if is_ambiguous(text):
        return first.start()
    code = code_tokens(text)
    for number, token in enumerate(code):
        if token.kind in {"word", "name"}:
            letters = token.text.partition(":")[0] if token.kind == "name" else token.text
            found = keyword.search(letters)
            if found and not (services and _calls(code[number : number + 4], services)):
                return token.start + found.start()
    return None


def _calls(code: Sequence[Token], services: Collection[str]) -> bool:
    """Return whether tokens begin with a call of one of these services."""
    written = [token.text for token in code if token.text.upper() != "SILENT"]
    if len(written) < 3 or written[0].upper() != "SERVICE" or written[2] != "{":
        return False
    return written[1].startswith("<") and written[1][1:-1] in services


def _unescape(text: str) -> str:
    """Return ``text`` with the code point escapes of SPARQL replaced (some engines do so before they read keywords)."""

    def char(match: re.Match[str]) -> str:
        code = int(match.group(1) or match.group(2), 16)
        return chr(code) if code < 0x110000 else match.group()

    return re.sub(r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})", char, text)


def substitute(text: str, values: Mapping[str, ox.NamedNode | ox.Literal], *, file: str | None = None) -> str:
    """Put values in the place of variables.

    A variable that the SELECT clause projects stays a column: ``SELECT ?x`` becomes ``SELECT (VALUE AS ?x)``;
    ``BOUND(?x)`` becomes ``true``. A variable that a query itself assigns (``AS ?x``, ``VALUES ?x``, ``GROUP BY ?x``)
    cannot have a value.

    Args:
        text: the query.
        values: a term for each variable, named without the question mark.
        file: where the query comes from, for the messages.

    Raises:
        QueryError: when a value is given for a variable that the query assigns itself, or the text cannot be read.

    >>> substitute('SELECT ?s { ?s sce:startYear ?y FILTER(?y > ?from) } # ?from', {"from": ox.Literal(2010)})
    'SELECT ?s { ?s sce:startYear ?y FILTER(?y > "2010"^^<http://www.w3.org/2001/XMLSchema#integer>) } # ?from'
    >>> substitute('SELECT ?s ?o { ?s ?p ?o }', {"s": ox.NamedNode("urn:a")})
    'SELECT (<urn:a> AS ?s) ?o { <urn:a> ?p ?o }'
    """
    if not values:
        return text
    if is_ambiguous(text):
        raise QueryError(
            Problem(
                "unreadable-query",
                "The query can be read in more than one way, so no value can be put into it.",
                "Write a space after every '<' that means 'less than', and close every string.",
                file=file,
            )
        )
    parts = [token.text for token in tokens(text)]
    code = [(index, token) for index, token in enumerate(tokens(text)) if token.kind not in {"space", "comment"}]
    words = [token.text.upper() for _, token in code]
    projecting = _in_projection(words)
    outermost = _in_projection(words[: words.index("{")]) if "{" in words else projecting
    for position, (index, token) in enumerate(code):
        name = token.text[1:]
        if token.kind != "variable" or name not in values:
            continue
        before = words[max(position - 2, 0) : position]
        if before[-1:] in (["AS"], ["VALUES"]) or before == ["GROUP", "BY"]:
            line, column = place(text, token.start)
            raise QueryError(
                Problem(
                    "assigned-variable",
                    "A value was given for a variable that the query assigns itself.",
                    "Use another variable for the parameter.",
                    file=file,
                    line=line,
                    column=column,
                    term=token.text,
                )
            )
        term = _written(values[name])
        if position in projecting:
            # A subquery hands the value on under another name: the outer query has it in place of the variable already.
            parts[index] = f"({term} AS {token.text}{'' if position in outermost else f'_given{position}'})"
        elif before == ["BOUND", "("]:
            for inner in range(code[position - 2][0], code[position + 1][0] + 1):
                parts[inner] = ""
            parts[index] = "true"
        else:
            parts[index] = term
    return "".join(parts)


def _written(term: ox.NamedNode | ox.Literal) -> str:
    """Return the term as N-Triples text, having made sure that it is one token (or a literal with tag or datatype)."""
    text = str(term)
    kinds = [token.kind for token in tokens(text)]
    if kinds not in (["iri"], ["string"], ["string", "word"], ["string", "symbol", "symbol", "iri"]):
        raise QueryError(Problem("unwritable-value", f"The value {text!r} is no RDF term.", "Give another value."))
    return text


def _in_projection(words: list[str]) -> set[int]:
    """Return the positions of plain variables in SELECT clauses."""
    found: set[int] = set()
    selecting, depth = False, 0
    for position, word in enumerate(words):
        if word == "SELECT":
            selecting, depth = True, 0
        elif selecting and word in {"WHERE", "{", "FROM"}:
            selecting = False
        elif selecting:
            depth += (word == "(") - (word == ")")
            if depth == 0 and word[0] in "?$":
                found.add(position)
    return found
