"""Checks of single values: datatypes, closed lists, names of keys, spans, periods.

In: a value as read and what its key asks for. Out: findings.
The decision hidden here: how strictly a written value is read (a number in quotes is none, a year has four digits).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from valueweave.authoring.document import Document
from valueweave.authoring.entries import DECIMAL, Entry, expand_name, expand_reference
from valueweave.authoring.model import KeyRule, RecordModel
from valueweave.authoring.tree import Listing, Mapping, Node, Number, Scalar
from valueweave.namespaces import PREFIXES
from valueweave.ontology import OntologyTerm
from valueweave.validation.findings import Finding, at, did_you_mean, name_list

__all__ = ["YEAR_KEYS", "Report", "check_evidence_item", "check_periods", "check_value"]

Report = Callable[[str, str, str, Node], Finding]
"""Makes a finding of a code, a message, a remedy and the value at fault."""

_XSD = PREFIXES["xsd"]
_TYPE = PREFIXES["rdf"] + "type"
_SHA256 = re.compile(r"[0-9a-f]{64}")

YEAR_KEYS = ("startYear", "endYear", "year", "foundedYear", "publicationYear")
"""Keys whose integer is a calendar year."""

_BOUNDS = {"month": (1, 12), "day": (1, 31), **dict.fromkeys(YEAR_KEYS, (1000, 2100))}


def check_value(model: RecordModel, key: str, node: Node, rule: KeyRule | None, found: Report) -> Iterator[Finding]:
    """Yield what is wrong with one value of ``key``."""
    term = model.ontology.property_for_key(key)
    assert term is not None
    if isinstance(node, Scalar) and node.value is None:
        yield found("empty-value", f"The key '{key}' has no value.", "Write a value, or remove the key.", node)
    elif isinstance(node, Listing):
        yield found("wrong-value", f"A list stands in the list of '{key}'.", "Write single values in one list.", node)
    elif term.kind == "object":
        yield from _check_object(model, term, node, found)
    elif isinstance(node, Mapping):
        yield found(
            "wrong-value",
            f"The key '{key}' takes a single value, not keys of its own.",
            "Write the value itself.",
            node,
        )
    elif term.kind == "annotation":
        yield from _check_name(model, key, node, found)
    else:
        datatype = (rule.datatype if rule else "") or next((name for name in term.ranges if name.startswith(_XSD)), "")
        yield from _check_literal(key, node, datatype.removeprefix(_XSD), found)


def _check_object(model: RecordModel, term: OntologyTerm, node: Node, found: Report) -> Iterator[Finding]:
    closed = model.ontology.vocabulary(term.iri)
    if isinstance(node, Mapping):
        return
    assert isinstance(node, Scalar)
    text = node.text
    if closed is not None:
        # In a list of the ontology a bare path would be read as a term of the ontology, not as the id of a record.
        iri = closed.get(text) or (expand_reference(text) if ":" in text else None)
        if iri is None and (path := expand_reference(text)):
            yield found(
                "unknown-value",
                f"Under '{term.key}' stand terms of the ontology, and '{text}' is the id of a record.",
                f"Write a term, or the record's full IRI: {path}.",
                node,
            )
        elif iri is None or (iri.startswith(PREFIXES["sce"]) and iri not in closed.values()):
            remedy = did_you_mean(text, closed) or f"Known values are {name_list(list(closed), 30)}."
            yield found("unknown-value", f"The key '{term.key}' has no value '{text}'.", remedy, node)
    elif not isinstance(node.value, str) or isinstance(node.value, Number) or expand_reference(text) is None:
        yield found(
            "malformed-reference",
            f"'{text}' is no id of a record.",
            f"Write the id of a record under {term.key}:, such as {_example(model, term)}.",
            node,
        )


def _example(model: RecordModel, term: OntologyTerm) -> str:
    local = (
        model.ontology.terms[term.ranges[0]].local
        if term.ranges and term.ranges[0] in model.ontology.terms
        else "stage"
    )
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", local).lower() + "/name"


def _check_name(model: RecordModel, key: str, node: Scalar, found: Report) -> Iterator[Finding]:
    iri = expand_name(node.text, model.ontology)
    if key == "denotesTerm":
        known = {term.local for term in model.ontology.terms.values()}
        fits = iri in model.ontology.terms
        what = f"The ontology has no term '{node.text}'."
    else:
        known = {*model.ontology.keys, "rdf:type"}
        fits = iri in model.ontology.key_of or iri == _TYPE
        what = f"The key '{key}' names keys of the record, and there is no key '{node.text}'."
    if not fits:
        # `type` names no property in JSON-LD, so it cannot be a value; the property behind it can.
        remedy = did_you_mean(node.text, known, "Write the key as it stands in the record.")
        yield found("unknown-term", what, "Write rdf:type." if node.text == "type" else remedy, node)


def _check_literal(key: str, node: Scalar, datatype: str, found: Report) -> Iterator[Finding]:
    value, shown = node.value, node.text[:60]
    if datatype == "integer":
        if isinstance(value, bool) or not isinstance(value, int):
            what = "year" if key in YEAR_KEYS else "whole number"
            quoted = re.fullmatch(r"[-+]?[0-9]+", node.text) is not None
            remedy = (
                f"Write {node.text.lstrip('0') or 0} without quotes."
                if quoted
                else f"Write a {what} in digits, such as 2007."
            )
            if not quoted and what == "whole number":
                remedy = "Write a whole number in digits."
            yield found("wrong-datatype", f"'{shown}' is no {what}.", remedy, node)
        elif key in _BOUNDS and not _BOUNDS[key][0] <= value <= _BOUNDS[key][1]:
            low, high = _BOUNDS[key]
            what = "year" if key in YEAR_KEYS else key
            yield found("wrong-datatype", f"{value} is no {what}.", f"Write a number from {low} to {high}.", node)
    elif datatype == "decimal":
        if isinstance(value, bool) or not (isinstance(value, int | Number) and DECIMAL.fullmatch(str(value))):
            remedy = "Write digits, with a point for decimals, without unit, quotes or exponent, such as 99.5."
            yield found("wrong-datatype", f"'{shown}' is no number.", remedy, node)
    elif datatype == "boolean":
        if not isinstance(value, bool):
            yield found("wrong-datatype", f"'{shown}' is neither true nor false.", "Write true or false.", node)
    elif datatype == "anyURI" and not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+\Z", node.text):
        yield found(
            "wrong-datatype", f"'{shown}' is no web address.", "Write the whole address, beginning with https://.", node
        )
    elif not node.text.strip():
        yield found("empty-value", f"The text of '{key}' is empty.", "Write the text, or remove the key.", node)


def _integer(entry: Entry, key: str) -> int | None:
    value = getattr(entry.mapping.get(key), "value", None)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def check_periods(document: Document, entry: Entry) -> Iterator[Finding]:
    """Yield a finding when a record ends before it starts."""
    start, end = _integer(entry, "startYear"), _integer(entry, "endYear")
    if start is not None and end is not None and end < start:
        yield at(
            document,
            entry,
            "end-before-start",
            f"It ends in {end}, before it starts in {start}.",
            "Exchange or correct startYear and endYear.",
            key="endYear",
            node=entry.mapping.get("endYear"),
        )


def check_evidence_item(document: Document, entry: Entry) -> Iterator[Finding]:
    """Yield what is wrong with the span, hash and kind of an evidence item."""
    start, end = _integer(entry, "start"), _integer(entry, "end")
    if start is not None and start < 0:
        message, remedy = f"A span cannot start at {start}.", "Offsets count code points of the text from 0."
        yield at(document, entry, "bad-span", message, remedy, key="start", node=entry.mapping.get("start"))
    elif start is not None and end is not None and end <= start:
        yield at(
            document,
            entry,
            "bad-span",
            f"The span ends at {end}, which is not after its start {start}.",
            "Offsets are half-open: end is one more than the offset of the last character.",
            key="end",
            node=entry.mapping.get("end"),
        )
    digest = entry.mapping.get("sha256")
    if isinstance(digest, Scalar) and not _SHA256.fullmatch(digest.text):
        yield at(
            document,
            entry,
            "bad-hash",
            f"'{digest.text[:20]}' is no SHA-256 of a passage.",
            "Write 64 lower-case hexadecimal digits; 'valueweave evidence find' prints them.",
            key="sha256",
            node=digest,
        )
    kind, reason = entry.mapping.get("evidenceKind"), entry.mapping.get("interpretationReason")
    if isinstance(kind, Scalar) and kind.text.removeprefix("sce:") == "interpreted" and reason is None:
        yield at(
            document,
            entry,
            "missing-reason",
            "The evidence is interpreted, and no reason is given.",
            "Add interpretationReason: with one sentence that says why the passage backs the record.",
            key="interpretationReason",
            node=kind,
        )
