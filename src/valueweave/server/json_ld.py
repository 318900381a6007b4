"""Lookups as JSON-LD: the same members, with a context that says what each means.

In: the models of lookups. Out: JSON-LD documents that need no other file.
The decision hidden here: the context stands in the document and holds only the keys used; what points to a thing stands
under ``@reverse``; what the graph does not state (counts, addresses, whether something was inferred) is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from valueweave.namespaces import PREFIXES, SCE, expand_iri
from valueweave.server.models import Evidence, Item, Summary, Value

__all__ = ["JSON_LD", "item_document", "list_document"]

JSON_LD = "application/ld+json"
"""The media type."""

_XSD = PREFIXES["xsd"]
_COMMON = {
    "id": "@id",
    "type": "@type",
    "label": PREFIXES["rdfs"] + "label",
    "altLabel": PREFIXES["skos"] + "altLabel",
    "description": PREFIXES["dcterms"] + "description",
}
_EVIDENCE = {
    "evidence": SCE + "hasEvidence",
    "inSource": {"@id": SCE + "inSource", "@type": "@id"},
    "section": SCE + "section",
    "start": {"@id": SCE + "startOffset", "@type": _XSD + "integer"},
    "end": {"@id": SCE + "endOffset", "@type": _XSD + "integer"},
    "sha256": SCE + "spanSha256",
    "evidenceKind": {"@id": SCE + "hasEvidenceKind", "@type": "@id"},
    "interpretationReason": SCE + "interpretationReason",
}


def item_document(item: Item) -> dict[str, Any]:
    """Return a thing as a JSON-LD document."""
    context: dict[str, Any] = dict(_COMMON)
    document: dict[str, Any] = {
        "id": item.iri,
        "type": [each.iri for each in item.types],
        "label": [_text(text, "" if language == "und" else language) for language, text in item.labels.items()],
        "altLabel": [_value(value) for value in item.alternatives],
    }
    for key, values in item.properties.items():
        # A key with a colon would be read as a prefixed name, and the document has no prefixes.
        name = values.iri if ":" in key else key
        if name not in document:
            if name != values.iri:
                context[name] = values.iri
            document[name] = [_value(value) for value in values.values if value.iri or value.lexical is not None]
    if item.evidence:
        context |= _EVIDENCE
        document["evidence"] = [_evidence(each) for each in item.evidence]
    reverse: dict[str, list[dict[str, str]]] = {}
    for key, related in item.incoming.items():
        if related.things:
            name = related.iri if ":" in key else key
            if name != related.iri:
                context.setdefault(name, related.iri)
            reverse[name] = [{"id": thing.iri} for thing in related.things]
    return {
        "@context": context,
        **{key: value for key, value in document.items() if value},
        **({"@reverse": reverse} if reverse else {}),
    }


def list_document(items: Iterable[Summary], languages: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Return a page of a list as a JSON-LD document.

    Args:
        items: the things.
        languages: their labels by IRI and language.
    """
    return {
        "@context": _COMMON,
        "@graph": [
            {
                "id": item.iri,
                "type": [each.iri for each in item.types],
                "label": [_text(text, language) for language, text in languages.get(item.iri, {}).items()],
            }
            for item in items
        ],
    }


def _text(text: str, language: str) -> dict[str, str]:
    return {"@value": text, "@language": language} if language else {"@value": text}


def _value(value: Value) -> dict[str, str]:
    if value.iri:
        return {"id": value.iri}
    if value.language:
        return _text(value.lexical or "", value.language)
    datatype = expand_iri(value.datatype) if value.datatype else _XSD + "string"
    # As text, since a JSON number would lose the digits of a decimal.
    return {"@value": value.lexical or "", **({"@type": datatype} if datatype != _XSD + "string" else {})}


def _evidence(evidence: Evidence) -> dict[str, Any]:
    written = {
        "id": evidence.iri,
        "inSource": evidence.source.iri if evidence.source else None,
        "section": evidence.section,
        # As text: the context gives the datatype.
        "start": None if evidence.start is None else str(evidence.start),
        "end": None if evidence.end is None else str(evidence.end),
        "sha256": evidence.sha256,
        "evidenceKind": SCE + evidence.kind if evidence.kind else None,
        "interpretationReason": evidence.reason,
    }
    return {key: value for key, value in written.items() if value is not None}
