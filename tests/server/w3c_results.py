"""Answers to SPARQL queries, read and compared: what the server sent with what the W3C expects.

In: answers as bytes in a format, files of expected results. Out: whether they are the same.
The decision hidden here: the formats are read here and not by the engine that wrote them; numbers and times are
compared by value, blank nodes by what is said of them.
"""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

import pyoxigraph as ox

__all__ = [
    "Table",
    "from_csv",
    "from_graph",
    "from_json",
    "from_tsv",
    "from_xml",
    "same_dataset",
    "same_graph",
    "same_table",
]

Term = ox.NamedNode | ox.BlankNode | ox.Literal
Row = Mapping[str, Term]

_XSD = "http://www.w3.org/2001/XMLSchema#"
_RS = "http://www.w3.org/2001/sw/DataAccess/tests/result-set#"
_SRX = "{http://www.w3.org/2005/sparql-results#}"
_TYPE = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
_EXACT = {
    *("integer", "decimal", "int", "long", "short", "byte", "nonNegativeInteger", "positiveInteger"),
    *("negativeInteger", "nonPositiveInteger", "unsignedInt", "unsignedLong", "unsignedShort", "unsignedByte"),
}


@dataclass(frozen=True, slots=True)
class Table:
    """Solutions in the order in which they came; ``ordered`` when the order is part of what is expected."""

    variables: tuple[str, ...]
    rows: tuple[Row, ...]
    ordered: bool = False


def from_json(body: bytes) -> Table | bool:
    """Read `application/sparql-results+json`."""
    document = json.loads(body)
    if "boolean" in document:
        assert isinstance(document["boolean"], bool)
        return document["boolean"]
    rows = ({name: _json_term(term) for name, term in row.items()} for row in document["results"]["bindings"])
    return Table(tuple(document["head"]["vars"]), tuple(rows))


def _json_term(term: Mapping[str, str]) -> Term:
    if term["type"] == "uri":
        return ox.NamedNode(term["value"])
    if term["type"] == "bnode":
        return ox.BlankNode("b" + term["value"])
    return _literal(term["value"], term.get("xml:lang"), term.get("datatype"))


def _literal(text: str, language: str | None, datatype: str | None) -> ox.Literal:
    if language:
        return ox.Literal(text, language=language.lower())
    return ox.Literal(text, datatype=ox.NamedNode(datatype) if datatype else None)


def from_xml(body: bytes) -> Table | bool:
    """Read `application/sparql-results+xml`."""
    root = ET.fromstring(body)
    assert root.tag == _SRX + "sparql"
    verdict = root.find(_SRX + "boolean")
    if verdict is not None:
        return {"true": True, "false": False}[(verdict.text or "").strip()]
    names = tuple(variable.attrib["name"] for variable in root.findall(f"{_SRX}head/{_SRX}variable"))
    rows = (
        {binding.attrib["name"]: _xml_term(binding[0]) for binding in result}
        for result in root.findall(f"{_SRX}results/{_SRX}result")
    )
    return Table(names, tuple(rows))


def _xml_term(element: ET.Element) -> Term:
    text = element.text or ""
    if element.tag == _SRX + "uri":
        return ox.NamedNode(text.strip())
    if element.tag == _SRX + "bnode":
        return ox.BlankNode("b" + text.strip())
    return _literal(text, element.get("{http://www.w3.org/XML/1998/namespace}lang"), element.get("datatype"))


def from_tsv(body: bytes) -> Table:
    """Read `text/tab-separated-values`."""
    head, *lines = body.decode("utf-8").rstrip("\n").split("\n")
    names = tuple(name.strip().removeprefix("?") for name in head.split("\t"))
    rows = (
        {name: _turtle_term(cell) for name, cell in zip(names, line.split("\t"), strict=True) if cell} for line in lines
    )
    return Table(names, tuple(rows))


def _turtle_term(text: str) -> Term:
    [quad] = ox.parse(f"<urn:s> <urn:p> {text} .", format=ox.RdfFormat.TURTLE)
    assert isinstance(quad.object, ox.NamedNode | ox.BlankNode | ox.Literal)
    return quad.object


def from_csv(body: bytes) -> Table:
    """Read `text/csv`, which does not tell terms apart: all become texts, blank nodes stay."""
    head, *lines = list(csv.reader(io.StringIO(body.decode("utf-8"), newline="")))
    rows = ({name: _csv_term(cell) for name, cell in zip(head, line, strict=True) if cell} for line in lines)
    return Table(tuple(head), tuple(rows))


def _csv_term(text: str) -> Term:
    return ox.BlankNode("b" + text[2:]) if text.startswith("_:") else ox.Literal(text)


def from_graph(statements: Iterable[ox.Quad]) -> Table | bool | None:
    """Read a result that is written as a graph (`rs:ResultSet`); ``None`` when it is a graph and no result."""
    found = ox.Dataset(statements)

    def values(subject: Term | ox.Triple, name: str) -> list[Term]:
        assert isinstance(subject, ox.NamedNode | ox.BlankNode)
        return [quad.object for quad in found.quads_for_subject(subject) if quad.predicate.value == _RS + name]  # type: ignore[misc]

    sets = [quad.subject for quad in found.quads_for_object(ox.NamedNode(_RS + "ResultSet")) if quad.predicate == _TYPE]
    if not sets:
        return None
    if verdicts := values(sets[0], "boolean"):
        return _text(verdicts[0]) == "true"
    rows: list[tuple[int | None, Row]] = []
    for solution in values(sets[0], "solution"):
        pairs = {_text(values(one, "variable")[0]): values(one, "value")[0] for one in values(solution, "binding")}
        index = values(solution, "index")
        rows.append((int(_text(index[0])) if index else None, pairs))
    ordered = bool(rows) and all(index is not None for index, _ in rows)
    if ordered:
        rows.sort(key=lambda row: row[0] or 0)
    names = tuple(_text(name) for name in values(sets[0], "resultVariable"))
    return Table(names, tuple(row for _, row in rows), ordered)


def _text(term: Term) -> str:
    assert isinstance(term, ox.Literal)
    return term.value


def same_table(expected: Table, found: Table, *, lax: bool = False) -> bool:
    """Return whether two tables hold the same solutions.

    Args:
        expected: the table to compare with; it says whether order counts.
        found: the other one.
        lax: whether each solution may come once or several times (`REDUCED`).
    """
    if set(expected.variables) != set(found.variables):
        return False
    if lax:
        return set(_flat(expected)) == set(_flat(found)) and len(found.rows) <= len(expected.rows)
    if expected.ordered and not _has_blank_nodes(expected):
        return _flat(expected) == _flat(found)
    if Counter(_shape(row) for row in expected.rows) != Counter(_shape(row) for row in found.rows):
        return False
    return not _has_blank_nodes(expected) or _as_dataset(expected) == _as_dataset(found, ordered=expected.ordered)


def same_graph(expected: Iterable[ox.Triple], found: Iterable[ox.Triple]) -> bool:
    """Return whether two graphs are isomorphic."""
    return _canonical(expected) == _canonical(found)


def same_dataset(expected: Iterable[ox.Quad], found: Iterable[ox.Quad]) -> bool:
    """Return whether two datasets are isomorphic."""
    return _canonical_dataset(expected) == _canonical_dataset(found)


def _flat(table: Table) -> list[tuple[str, ...]]:
    return [tuple(f"{name}={_valued(term)}" for name, term in sorted(row.items())) for row in table.rows]


def _shape(row: Row) -> tuple[str, ...]:
    """Return a row with its blank nodes left without a name."""
    return tuple(
        f"{name}={'_' if isinstance(term, ox.BlankNode) else _valued(term)}" for name, term in sorted(row.items())
    )


def _has_blank_nodes(table: Table) -> bool:
    return any(isinstance(term, ox.BlankNode) for row in table.rows for term in row.values())


def _as_dataset(table: Table, *, ordered: bool | None = None) -> ox.Dataset:
    triples = []
    for number, row in enumerate(table.rows):
        node = ox.BlankNode(f"row{number}")
        triples += [ox.Triple(node, ox.NamedNode(f"urn:variable:{name}"), term) for name, term in row.items()]
        if table.ordered if ordered is None else ordered:
            triples.append(ox.Triple(node, ox.NamedNode("urn:index"), ox.Literal(number)))
    return _canonical(triples)


def _canonical(triples: Iterable[ox.Triple]) -> ox.Dataset:
    return _canonical_dataset(ox.Quad(triple.subject, triple.predicate, triple.object) for triple in triples)


def _canonical_dataset(quads: Iterable[ox.Quad]) -> ox.Dataset:
    dataset = ox.Dataset(ox.Quad(quad.subject, quad.predicate, _valued(quad.object), quad.graph_name) for quad in quads)
    dataset.canonicalize(ox.CanonicalizationAlgorithm.UNSTABLE)
    return dataset


def _valued(term: Term | ox.Triple) -> Term | ox.Triple:
    """Return a literal with the usual spelling of its value; what is no number stays as it is."""
    if not isinstance(term, ox.Literal) or not term.datatype.value.startswith(_XSD):
        return term
    kind = term.datatype.value.removeprefix(_XSD)
    try:
        if kind in _EXACT:
            return ox.Literal(format(Decimal(term.value).normalize(), "f"), datatype=term.datatype)
        if kind in {"double", "float"}:
            return ox.Literal(repr(float(term.value)), datatype=term.datatype)
        if kind in {"date", "dateTime", "time"}:
            return ox.Literal(term.value.replace("+00:00", "Z"), datatype=term.datatype)
    except (InvalidOperation, ValueError):
        return term
    return term
