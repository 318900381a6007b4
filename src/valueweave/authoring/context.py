"""The JSON-LD context of the case files, made from the ontology.

In: the ontology. Out: ``ontology/context.jsonld``, which says what each key of a record means.
The decision hidden here: how the kind and range of a property decide the form in which its values are written.
"""

from __future__ import annotations

from typing import Any

from valueweave.namespaces import PREFIXES, SCE, shorten_iri
from valueweave.ontology import ANNOTATION_KEYS, VOCABULARY_ANNOTATIONS, OntologyIndex
from valueweave.problems import InputError, Problem

__all__ = ["CASE_PREFIXES", "CONTEXT_IRI", "generate_context"]

CONTEXT_IRI = "https://w3id.org/valueweave/context.jsonld"
"""The one context that case files may name; the copy made here is used, nothing is fetched."""

CASE_PREFIXES = {name: PREFIXES[name] for name in ("sce", "rdf", "rdfs", "xsd", "skos", "dcterms", "prov")}
"""Prefixes that a case file may use. ``id`` and ``unit`` are keys there; for an id, its path alone means the same."""

_XSD = PREFIXES["xsd"]
_XSD_STRING = _XSD + "string"


def generate_context(ontology: OntologyIndex) -> dict[str, Any]:
    """Return the JSON-LD 1.1 context of the case files.

    Args:
        ontology: the merged ontology with its authoring keys.

    Returns:
        The document to write: ``{"@context": {...}}``, keys sorted. The base IRI is not in it; who reads a case file
        passes the id namespace.

    Raises:
        InputError: when a key is claimed by two properties, or a term has the name of another's key.
    """
    terms: dict[str, Any] = {"id": "@id", "type": "@type"}
    terms |= {key: _term(ontology, key, iri) for key, iri in sorted(ontology.keys.items())}
    problems = [*_clashes(ontology), *_ambiguous_names(ontology)]
    if problems:
        raise InputError(*problems)
    return {"@context": {"@version": 1.1, "@vocab": SCE, **CASE_PREFIXES, **terms}}


def _short(iri: str) -> str:
    """Return ``iri`` with a prefix that the context itself declares."""
    return next((f"{name}:{iri[len(base) :]}" for name, base in CASE_PREFIXES.items() if iri.startswith(base)), iri)


def _term(ontology: OntologyIndex, key: str, iri: str) -> dict[str, Any]:
    short = _short(iri)
    if key in ANNOTATION_KEYS:
        return {"@id": short, "@container": "@language"}
    term = ontology.terms[iri]
    if term.kind == "object":
        return {"@id": short, "@type": "@vocab" if ontology.vocabulary(iri) else "@id"}
    if term.kind == "annotation" and term.local in VOCABULARY_ANNOTATIONS:
        return {"@id": short, "@type": "@vocab"}
    datatypes = [name for name in term.ranges if name.startswith(_XSD)]
    # A JSON string is an xsd:string already; naming the type would make other readers keep it apart from plain text.
    if len(datatypes) == 1 and datatypes[0] != _XSD_STRING:
        return {"@id": short, "@type": _short(datatypes[0])}
    return {"@id": short}


def _clashes(ontology: OntologyIndex) -> list[Problem]:
    problems = []
    for iri, term in ontology.properties.items():
        used = ontology.keys.get(term.key)
        if iri.startswith(SCE) and used not in (None, iri):
            problems.append(
                Problem(
                    "key-clash",
                    f"The key '{term.key}' belongs to {shorten_iri(str(used))} and to {shorten_iri(iri)}.",
                    "Give one of them another sce:authoringKey.",
                    term=shorten_iri(iri),
                )
            )
        if iri.startswith(SCE) and (term.key in ("id", "type") or term.key in CASE_PREFIXES):
            problems.append(
                Problem(
                    "key-clash",
                    f"The key '{term.key}' is taken by the form of case files itself.",
                    "Give the property another sce:authoringKey.",
                    term=shorten_iri(iri),
                )
            )
    return problems


def _ambiguous_names(ontology: OntologyIndex) -> list[Problem]:
    """A term named as a value must not read as the key of another property, since a context resolves keys first."""
    return [
        Problem(
            "value-clash",
            f"The local name '{term.local}' is also the key of {shorten_iri(ontology.keys[term.local])}.",
            "Rename the term, or give the property another sce:authoringKey.",
            term=shorten_iri(iri),
        )
        for iri, term in sorted(ontology.terms.items())
        if iri.startswith(SCE) and ontology.keys.get(term.local, iri) != iri
    ]
