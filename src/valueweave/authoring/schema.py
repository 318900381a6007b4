"""The JSON Schema of the case files, made from ontology and shapes.

In: the ontology and the record model. Out: ``ontology/schema/case.schema.json``, with which editors complete and check.
The decision hidden here: how classes become schemas (one for each class, chosen by the value of ``type``).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyoxigraph as ox

from valueweave.authoring.context import CONTEXT_IRI
from valueweave.authoring.model import RecordModel
from valueweave.namespaces import PREFIXES, SCE
from valueweave.ontology import ANNOTATION_KEYS, OntologyIndex, OntologyTerm

__all__ = ["SCHEMA_IRI", "generate_schema"]

SCHEMA_IRI = "https://w3id.org/valueweave/schema/case.schema.json"
"""Identifier of the schema."""

_XSD = PREFIXES["xsd"]
_ID = r"^([A-Za-z][A-Za-z0-9_.-]*(/[A-Za-z0-9_.~%-]+)+|[A-Za-z][A-Za-z0-9+.-]*://\S+|[a-z]+:\S+)$"
_ANNOTATIONS = {
    "label": "Name of the thing, by language.",
    "altLabel": "Other names of the thing, by language.",
    "description": "What it is, in your own words, by language.",
    "note": "Remark of the curator, by language.",
}
_LITERALS: dict[str, dict[str, Any]] = {
    "integer": {"type": "integer"},
    "decimal": {"type": "number"},
    "boolean": {"type": "boolean"},
    "anyURI": {"type": "string", "format": "uri"},
}


def generate_schema(ontology: OntologyIndex, shapes: Iterable[ox.Triple]) -> dict[str, Any]:
    """Return the JSON Schema (draft-07, which editors know best) of the case files.

    Args:
        ontology: the merged ontology.
        shapes: the shapes, as :func:`~valueweave.authoring.model.read_shapes` returns them.

    Returns:
        The schema: the top of a file is chosen by its type (a case, a general account or a registry), each record by
        its own type. A record without a type may carry any key, and must have an id.
    """
    model = RecordModel(ontology, shapes)
    accounts = ontology.descendants(SCE + "Account")
    roots = {name for name, iri in model.types.items() if iri in accounts or name == "Registry"}
    definitions: dict[str, Any] = {
        "id": {"type": "string", "pattern": _ID, "description": "Path of the thing, such as stage/jd-1."},
        "texts": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": "^[a-zA-Z]{2,3}(-[a-zA-Z0-9]+)*$"},
            "additionalProperties": {"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}]},
        },
        "record": _choice(set(model.types) - roots, "addition"),
        "addition": _any_keys(model, "Adds to a thing that another record defines.", ["evidence", "id"]),
        "several": _any_keys(model, "A thing of several types.", ["id"]),
    }
    for key, iri in sorted(ontology.keys.items()):
        definitions[f"one.{key}"], definitions[f"key.{key}"] = _key(model, key, iri)
    for name, iri in sorted(model.types.items()):
        definitions[name] = _class(model, iri, name in roots)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": SCHEMA_IRI,
        "title": "ValueWeave case file",
        "description": "A file of authored records: a case, what a source says of no single case, or a register.",
        **_choice(roots, None),
        "definitions": definitions,
    }


_TEXT = {"type": "string", "minLength": 1}


def _choice(names: set[str], otherwise: str | None) -> dict[str, Any]:
    """Return a schema that picks a definition by the value of ``type``."""

    def when(condition: dict[str, Any], definition: str) -> dict[str, Any]:
        return {"if": condition, "then": {"$ref": f"#/definitions/{definition}"}}

    typed = {"required": ["type"]}
    cases = [when({**typed, "properties": {"type": {"const": name}}}, name) for name in sorted(names)]
    one = {"enum": sorted(names)}
    types: dict[str, Any] = one
    if otherwise is not None:
        types = {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}
        cases.append(when({**typed, "properties": {"type": {"type": "array"}}}, "several"))
        cases.append(when({"not": typed}, otherwise))
    required = ["@context", "id", "type"] if otherwise is None else []
    return {"type": "object", "properties": {"type": types}, "required": required, "allOf": cases}


def _class(model: RecordModel, iri: str, is_root: bool) -> dict[str, Any]:
    rules = model.rules([iri])
    properties: dict[str, Any] = {"id": {"$ref": "#/definitions/id"}, "type": {}}
    if is_root:
        properties["@context"] = {"const": CONTEXT_IRI}
    for key in sorted(model.allowed([iri])):
        single = key in rules and rules[key].most == 1 and key not in ANNOTATION_KEYS
        properties[key] = {"$ref": f"#/definitions/{'one' if single else 'key'}.{key}"}
    # An evidence item may leave out its source: it is that of the file.
    required = [key for key, rule in rules.items() if rule.least and rule.level == "error" and key != "inSource"]
    words = _words(model.ontology.terms[iri])
    return {**words, "properties": properties, "required": sorted(required), "additionalProperties": False}


def _any_keys(model: RecordModel, description: str, required: list[str]) -> dict[str, Any]:
    keys = {key: {"$ref": f"#/definitions/key.{key}"} for key in sorted(model.ontology.keys)}
    properties = {"id": {"$ref": "#/definitions/id"}, "type": {}, **keys}
    return {
        "description": description,
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _implies_type(model: RecordModel, iri: str) -> bool:
    term = model.ontology.terms.get(iri)
    classes = [name for name in term.ranges if name in model.ontology.classes] if term else []
    return term is not None and term.kind == "object" and len(classes) == 1 and not model.ontology.vocabulary(iri)


def _words(term: OntologyTerm) -> dict[str, str]:
    return {k: v for k, v in (("title", term.labels.get("en", "")), ("description", term.definition)) if v}


def _key(model: RecordModel, key: str, iri: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the schemas of a key that takes one value, and of one that takes several."""
    if key in ANNOTATION_KEYS:
        texts = {"allOf": [{"$ref": "#/definitions/texts"}], "description": _ANNOTATIONS[key]}
        return texts, texts
    term = model.ontology.terms[iri]
    words = _words(term)
    if key in ("includes", "lists"):
        asked = ["id", *(["evidence"] if key == "includes" else [])]
        labelled = {"required": ["label"], "properties": {"label": {"required": ["en"]}}}
        # A record with a type defines a thing, which needs a name; one without adds to a thing that has one.
        named = {"if": {"required": ["type"]}, "then": labelled}
        items = {"allOf": [{"$ref": "#/definitions/record"}, {"required": asked}, named]}
        records = {"type": "array", "items": items, **words}
        return records, records
    value = _value(model, key, term)
    listing = {"type": "array", "items": value, "minItems": 1}
    return {"anyOf": [value, {**listing, "maxItems": 1}], **words}, {"anyOf": [value, listing], **words}


def _value(model: RecordModel, key: str, term: OntologyTerm) -> dict[str, Any]:
    ontology = model.ontology
    if term.kind == "annotation":
        names = {t.local for iri, t in ontology.terms.items() if iri.startswith(SCE)}
        known = sorted(names if key == "denotesTerm" else ontology.keys)
        return {"anyOf": [{"enum": known}, {"type": "string", "pattern": "^[a-z]+:"}]}
    if term.kind == "object":
        if closed := ontology.vocabulary(term.iri):
            known = sorted(closed)
            return {"anyOf": [{"enum": known}, {"type": "string", "pattern": "^(sce:|https?://)"}]}
        nested = "#/definitions/record"
        if _implies_type(model, term.iri):
            # A nested record without a type has the class that the key asks for; one with an id alone is a reference.
            implied = {"$ref": f"#/definitions/{ontology.terms[term.ranges[0]].local}"}
            bare = {"required": ["id"], "maxProperties": 1}
            untyped = {"if": bare, "then": {}, "else": implied}
            choice = {"if": {"required": ["type"]}, "then": {"$ref": nested}, "else": untyped}
            return {"anyOf": [{"$ref": "#/definitions/id"}, {"type": "object", **choice}]}
        return {"anyOf": [{"$ref": "#/definitions/id"}, {"$ref": nested}]}
    datatype = next((name.removeprefix(_XSD) for name in term.ranges if name.startswith(_XSD)), "string")
    if key == "sha256":
        return {"type": "string", "pattern": "^[0-9a-f]{64}$"}
    # A text such as a section number reads as a number when it is not quoted; that does no harm.
    return _LITERALS.get(datatype, {"type": ["string", "number", "boolean"]})
