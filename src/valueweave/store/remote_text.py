"""Queries and terms as they travel to an engine that does not know the project.

In: the text of a query, terms. Out: text that stands on its own; terms with blank nodes as IRIs, and back.
The decision hidden here: the project's prefixes and base are written before the query, on its first line, so that the
engine's complaints name the right line. Blank nodes (the ontology has some) travel as IRIs of their own, as RDF 1.1
section 3.5 tells, because no engine can be asked twice for the same blank node.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import pyoxigraph as ox

from valueweave.namespaces import ID, PREFIXES
from valueweave.problems import Problem
from valueweave.sparql_errors import syntax_error
from valueweave.sparql_text import FORMS, QueryError, check_query, substitute
from valueweave.sparql_tokens import code_tokens
from valueweave.store.interface import Answer, Term, Value

__all__ = [
    "GENID",
    "Prepared",
    "prepare",
    "read_rows",
    "read_triples",
    "triples_answer",
    "unskolem",
    "without_repeats",
    "write_term",
]

GENID = "https://w3id.org/valueweave/.well-known/genid/"
"""How the IRIs of blank nodes begin on a remote engine."""

_BEYOND = "\n" + " " * 40 + "\x01"
_RELATIVE = re.compile(r"<(?![A-Za-z][A-Za-z0-9+.-]*:)")
_EVERYTHING = "CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }"


class Prepared(str):
    """The text of a query that stands on its own."""

    names_dataset: bool
    """Whether the query itself says which graphs it sees."""
    names_graphs: bool
    """Whether it looks into named graphs."""
    distinct: bool
    """Whether it asks for each row once."""

    __slots__ = ("distinct", "names_dataset", "names_graphs")


def prepare(
    text: str,
    values: Mapping[str, Term] | None = None,
    *,
    refused: Sequence[str] = (),
    file: str | None = None,
) -> Prepared:
    """Return a query as it is sent.

    Args:
        text: a query as people of the project write it.
        values: a term for each variable that has a value.
        refused: beginnings of IRIs that it may not name.
        file: where it comes from, for the messages.

    Raises:
        QueryError: when it does not parse, calls another service or names what is refused.

    >>> prepare("ASK { <actor/jd> a sce:Actor }").split(" ASK")[0]
    'BASE <https://w3id.org/valueweave/id/> PREFIX sce: <https://w3id.org/valueweave/ontology#>'
    """
    check_query(text, file=file)
    bound = substitute(text, values or {}, file=file)
    _check_syntax(bound, text, file)
    code = code_tokens(bound)
    for token in code:
        if token.kind == "iri" and token.text[1:].lower().startswith(tuple(refused)):
            message = "Functions outside SPARQL may not be called."
            raise QueryError(Problem("function-refused", message, "Leave it out.", file=file, term=token.text))
    declared = {after.text.partition(":")[0] for before, after in pairwise(code) if before.text.upper() == "PREFIX"}
    used = dict.fromkeys(token.text.partition(":")[0] for token in code if token.kind == "name")
    lines = [f"PREFIX {name}: <{PREFIXES[name]}>" for name in used if name in PREFIXES and name not in declared]
    words = {token.text.upper() for token in code if token.kind == "word"}
    if "BASE" not in words and any(token.kind == "iri" and _RELATIVE.match(token.text) for token in code):
        lines.insert(0, f"BASE <{ID}>")
    prepared = Prepared(" ".join([*lines, bound]))
    first = next((number for number, token in enumerate(code) if token.text.upper() in FORMS), 0)
    prepared.distinct = [token.text.upper() for token in code[first : first + 2]] == ["SELECT", "DISTINCT"]
    prepared.names_dataset, prepared.names_graphs = "FROM" in words, "GRAPH" in words
    return prepared


def _check_syntax(bound: str, text: str, file: str | None) -> None:
    """Refuse what is no SPARQL 1.1: extensions of an engine may reach further than a query should.

    Followed by a character that fits nowhere, a text is refused there exactly if all before it fits; so it is parsed
    and never evaluated.

    Raises:
        QueryError: with line and column.
    """
    try:
        ox.Store().query(bound + _BEYOND, base_iri=ID, prefixes=PREFIXES)
    except SyntaxError as error:
        found = re.match(r"error at (\d+):(\d+):", str(error))
        if found is None or int(found.group(1)) <= bound.count("\n") + 1 or int(found.group(2)) <= 40:
            raise syntax_error(error, text if bound == text else bound, file=file) from error


def write_term(term: Value) -> str:
    """Return a term as it is written in a query or an update.

    >>> write_term(ox.BlankNode("b1"))
    '<https://w3id.org/valueweave/.well-known/genid/b1>'
    """
    return f"<{GENID}{term.value}>" if isinstance(term, ox.BlankNode) else str(term)


def unskolem(term: Value) -> Value:
    """Return the term that a term of an engine stands for.

    >>> unskolem(ox.NamedNode(GENID + "b1"))
    <BlankNode value=b1>
    """
    if isinstance(term, ox.NamedNode) and term.value.startswith(GENID):
        return ox.BlankNode(term.value.removeprefix(GENID))
    return term


def without_repeats(body: bytes) -> bytes:
    """Return an answer in JSON with each row once, the first of those that are the same.

    >>> without_repeats(b'{"results": {"bindings": [{"n": 1}, {"n": 1}]}}')
    b'{"results": {"bindings": [{"n": 1}]}}'
    """
    answer = json.loads(body)
    rows = answer["results"]["bindings"]
    answer["results"]["bindings"] = list({json.dumps(row, sort_keys=True): row for row in reversed(rows)}.values())[
        ::-1
    ]
    return json.dumps(answer).encode()


def read_rows(body: bytes, media_type: str) -> ox.QuerySolutions | ox.QueryBoolean:
    """Return the answer to a SELECT or ASK query.

    Args:
        body: as the engine wrote it.
        media_type: in which format.

    Raises:
        ValueError: when it cannot be read.
    """
    if "json" in media_type:
        if GENID.encode() in body:
            body = json.dumps(json.loads(body, object_hook=_blank)).encode()
        return ox.parse_query_results(body, format=ox.QueryResultsFormat.JSON)
    raise ValueError(f"the answer is {media_type or 'of no type'}")


def _blank(found: dict[str, Any]) -> dict[str, Any]:
    if found.get("type") == "uri" and str(found.get("value")).startswith(GENID):
        return {"type": "bnode", "value": found["value"].removeprefix(GENID)}
    return found


def read_triples(body: bytes, media_type: str) -> list[ox.Triple]:
    """Return the answer to a CONSTRUCT or DESCRIBE query.

    Raises:
        ValueError: when it cannot be read.
    """
    chosen = ox.RdfFormat.from_media_type(media_type.partition(";")[0].strip())
    if chosen is None:
        raise ValueError(f"the answer is {media_type or 'of no type'}")
    triples = (quad.triple for quad in ox.parse(body, format=chosen))
    if GENID.encode() not in body:
        return list(triples)
    return [ox.Triple(unskolem(one.subject), one.predicate, unskolem(one.object)) for one in triples]  # type: ignore[arg-type]


def triples_answer(triples: Sequence[ox.Triple]) -> Answer:
    """Return triples as the answer of the embedded engine to a CONSTRUCT query.

    >>> [str(triple) for triple in triples_answer([ox.Triple(*[ox.NamedNode("urn:a")] * 3)])]
    ['<urn:a> <urn:a> <urn:a>']
    """
    engine = ox.Store()
    engine.extend(ox.Quad(triple.subject, triple.predicate, triple.object) for triple in triples)
    return engine.query(_EVERYTHING)
