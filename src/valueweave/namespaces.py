"""Namespaces of the knowledge graph, and the one way to write and read terms.

In: a term as a person writes it (full IRI, ``sce:Stage``, ``actor/jd``). Out: a full IRI, and back.
The decision hidden here: which prefixes are known and that a bare path is relative to the id namespace.
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["GRAPH", "ID", "PREFIXES", "SCE", "TermError", "expand_iri", "shorten_iri"]

SCE = "https://w3id.org/valueweave/ontology#"
"""Namespace of the Supply-Chain Ecosystem Ontology."""

ID = "https://w3id.org/valueweave/id/"
"""Namespace of the individuals."""

GRAPH = "https://w3id.org/valueweave/graph/"
"""Namespace of the named graphs, one for each authored file."""

PREFIXES: dict[str, str] = {
    "sce": SCE,
    "id": ID,
    "graph": GRAPH,
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "dcterms": "http://purl.org/dc/terms/",
    "sh": "http://www.w3.org/ns/shacl#",
    "vsh": "https://w3id.org/valueweave/shapes#",
    "prov": "http://www.w3.org/ns/prov#",
    "unit": "http://qudt.org/vocab/unit/",
}
"""Prefixes known to the command line, to printed results and to the case files."""

_PREFIXED = re.compile(r"([A-Za-z][\w-]*):(?!//)(.*)")
_BARE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*(/[A-Za-z0-9_.~%-]+)+")


class TermError(ValueError):
    """A term that is neither an IRI nor a known prefixed name nor a path in the id namespace."""


def expand_iri(term: str) -> str:
    """Return the full IRI of ``term``.

    Args:
        term: a full IRI (with or without angle brackets), a prefixed name, or a path relative to the id namespace.

    Raises:
        TermError: when the prefix is unknown or the text is no term.

    >>> expand_iri("sce:Stage")
    'https://w3id.org/valueweave/ontology#Stage'
    >>> expand_iri("actor/jd")
    'https://w3id.org/valueweave/id/actor/jd'
    >>> expand_iri("<https://example.org/x>")
    'https://example.org/x'
    """
    text = term.strip()
    if text.startswith("<") and text.endswith(">"):
        text = text[1:-1]
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://\S+$", text) or text.startswith("urn:"):
        return text
    if match := _PREFIXED.fullmatch(text):
        prefix, local = match.groups()
        if prefix in PREFIXES and not re.search(r"\s", local):
            return PREFIXES[prefix] + local
        known = ", ".join(f"{name}:" for name in PREFIXES)
        raise TermError(f"unknown prefix '{prefix}:' in '{term}'; known prefixes are {known}")
    if _BARE.fullmatch(text):
        return ID + text
    raise TermError(
        f"'{term}' is no term: write a full IRI, a prefixed name such as sce:Stage, or a path such as actor/jd"
    )


@lru_cache(1 << 14)
def shorten_iri(iri: str) -> str:
    """Return the shortest form of ``iri`` that :func:`expand_iri` reads back, else ``iri`` itself.

    >>> shorten_iri("https://w3id.org/valueweave/id/actor/jd")
    'actor/jd'
    >>> shorten_iri("http://www.w3.org/2000/01/rdf-schema#label")
    'rdfs:label'
    """
    if iri.startswith(ID) and _BARE.fullmatch(iri[len(ID) :]):
        return iri[len(ID) :]
    best = max(
        ((name, base) for name, base in PREFIXES.items() if iri.startswith(base) and len(iri) > len(base)),
        key=lambda item: len(item[1]),
        default=None,
    )
    return iri if best is None else f"{best[0]}:{iri[len(best[1]) :]}"
