"""The JSON Schema of the case files, made from ontology and shapes.

In: the ontology and the record model. Out: ``ontology/schema/case.schema.json``, with which editors complete and check.
The decision hidden here: how classes become schemas (one for each class, chosen by the value of ``type``).
"""

from __future__ import annotations

from typing import Any

from valueweave.authoring.context import CONTEXT_IRI
from valueweave.authoring.model import KeyRule, RecordModel
from valueweave.namespaces import PREFIXES, SCE
from valueweave.ontology import ANNOTATION_KEYS, OntologyTerm

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


def generate_schema(model: RecordModel) -> dict[str, Any]:
    """Return the JSON Schema (draft-07, which editors know best) of the case files.

    Args:
        model: what records may say (:class:`~valueweave.authoring.model.RecordModel`).

    Returns:
        The schema: the top of a file is chosen by its type (a case, a general account or a registry), each record by
        its own type. A record without a type may carry any key, and must have an id.
    """
    ontology = model.ontology
    accounts = ontology.descendants(SCE + "Account")
    roots = {n: iri for n, iri in model.types.items() if iri in accounts or n == "Registry"}
    records = {n: iri for n, iri in model.types.items() if n not in roots}
    nested = {ontology.terms[iri].ranges[0] for iri in ontology.keys.values() if _implies_type(model, iri)}
    definitions: dict[str, Any] = {
        "id": {"type": "string", "pattern": _ID, "description": "Path of the thing, such as stage/jd-1."},
        "texts": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": "^[a-zA-Z]{2,3}(-[a-zA-Z0-9]+)*$"},
            "additionalProperties": {"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}]},
        },
    }
    for key, iri in sorted(ontology.keys.items()):
        definitions[f"key.{key}"] = _key(model, key, iri)
    for name, iri in sorted(model.types.items()):
        definitions[f"class.{name}"] = _class(model, iri, name in roots)
    for iri in sorted(nested):
        term = ontology.terms[iri]
        definitions[f"nested.{term.local}"] = _class(model, iri, False, typed=False)
    definitions["record"] = _choice(records, "class.", "addition")
    definitions["addition"] = _addition(model)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": SCHEMA_IRI,
        "title": "ValueWeave case file",
        "description": "A file of authored records: a case, what a source says of no single case, or a register.",
        **_choice(roots, "class.", None),
        "definitions": definitions,
    }


_TEXT = {"type": "string", "minLength": 1}


def _choice(names: dict[str, str], prefix: str, otherwise: str | None) -> dict[str, Any]:
    """Return a schema that picks a definition by the value of ``type``; a list of types picks each."""
    alternatives = [
        {
            "if": {
                "required": ["type"],
                "properties": {"type": {"anyOf": [{"const": name}, {"type": "array", "contains": {"const": name}}]}},
            },
            "then": {"$ref": f"#/definitions/{prefix}{name}"},
        }
        for name in sorted(names)
    ]
    names_schema = {"enum": sorted(names)}
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {"type": {"anyOf": [names_schema, {"type": "array", "items": names_schema, "minItems": 1}]}},
    }
    if otherwise is None:
        schema["required"] = ["@context", "id", "type"]
    else:
        untyped = {"if": {"not": {"required": ["type"]}}, "then": {"$ref": f"#/definitions/{otherwise}"}}
        alternatives.append(untyped)
    return {**schema, "allOf": alternatives}


def _class(model: RecordModel, iri: str, is_root: bool, typed: bool = True) -> dict[str, Any]:
    term = model.ontology.terms[iri]
    container = None if is_root or not typed else "includes"
    rules = model.rules([iri], container)
    properties: dict[str, Any] = {"id": {"$ref": "#/definitions/id"}, "type": True}
    if is_root:
        properties["@context"] = {"const": CONTEXT_IRI}
    required = ["id", "type"] if typed and not is_root else []
    for key in sorted(model.allowed([iri])):
        properties[key] = _with_rule(model, key, rules.get(key))
    if container is not None:
        # Whether evidence is asked for depends on the container; the checks know, the schema stays on the safe side.
        rules = model.rules([iri])
    required += [key for key, rule in rules.items() if rule.least and rule.level == "error" and key != "inSource"]
    several = {"properties": {"type": {"type": "array", "minItems": 2}}, "required": ["type"]}
    schema = {"properties": properties, "required": sorted(set(required)), **_words(term)}
    # With several types each adds its keys, so none may forbid those of another.
    return {**schema, "if": {"not": several}, "then": {"additionalProperties": False, "properties": dict.fromkeys(properties, True)}}


def _addition(model: RecordModel) -> dict[str, Any]:
    properties = {key: {"$ref": f"#/definitions/key.{key}"} for key in sorted(model.ontology.keys)}
    return {
        "description": "Adds statements to a thing that another record defines; its evidence says with supports: which keys it backs.",
        "properties": {"id": {"$ref": "#/definitions/id"}, **properties},
        "required": ["evidence", "id"],
        "additionalProperties": False,
    }


def _implies_type(model: RecordModel, iri: str) -> bool:
    term = model.ontology.terms.get(iri)
    classes = [name for name in term.ranges if name in model.ontology.classes] if term else []
    return term is not None and term.kind == "object" and len(classes) == 1 and not model.ontology.vocabulary(iri)


def _words(term: OntologyTerm) -> dict[str, str]:
    return {k: v for k, v in (("title", term.labels.get("en", "")), ("description", term.definition)) if v}


def _key(model: RecordModel, key: str, iri: str) -> dict[str, Any]:
    if key in ANNOTATION_KEYS:
        return {"$ref": "#/definitions/texts", "description": _ANNOTATIONS[key]}
    term = model.ontology.terms[iri]
    one = _value(model, key, term)
    if key in ("includes", "lists"):
        return {"type": "array", "items": {"$ref": "#/definitions/record"}, **_words(term)}
    return {"anyOf": [one, {"type": "array", "items": one}], **_words(term)}


def _value(model: RecordModel, key: str, term: OntologyTerm) -> dict[str, Any]:
    ontology = model.ontology
    if term.kind == "annotation":
        names = ontology.classes.values() if key == "denotesTerm" else ()
        known = sorted({t.local for t in names}) or sorted(ontology.keys)
        return {"anyOf": [{"enum": known}, {"type": "string", "pattern": "^[a-z]+:"}]}
    if term.kind == "object":
        if closed := ontology.vocabulary(term.iri):
            known = sorted(closed)
            return {"anyOf": [{"enum": known}, {"type": "string", "pattern": "^(sce:|https?://)"}]}
        nested = "#/definitions/record"
        if _implies_type(model, term.iri):
            local = ontology.terms[term.ranges[0]].local
            untyped = {"$ref": f"#/definitions/nested.{local}"}
            choice = {"if": {"required": ["type"]}, "then": {"$ref": nested}, "else": untyped}
            return {"anyOf": [{"$ref": "#/definitions/id"}, {"type": "object", **choice}]}
        return {"anyOf": [{"$ref": "#/definitions/id"}, {"$ref": nested}]}
    datatype = next((name.removeprefix(_XSD) for name in term.ranges if name.startswith(_XSD)), "string")
    if key == "sha256":
        return {"type": "string", "pattern": "^[0-9a-f]{64}$"}
    # A text such as a section number reads as a number when it is not quoted; that does no harm.
    return _LITERALS.get(datatype, {"type": ["string", "number", "boolean"]})


def _with_rule(model: RecordModel, key: str, rule: KeyRule | None) -> dict[str, Any]:
    base = {"$ref": f"#/definitions/key.{key}"}
    if rule is None or rule.most != 1 or key in ANNOTATION_KEYS:
        return base
    # Under allOf a single value (or a list of one) is asked for, while the description stays that of the key.
    return {"allOf": [base, {"if": {"type": "array"}, "then": {"maxItems": 1}}]}
