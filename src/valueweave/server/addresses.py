"""Addresses under ``/api/v1`` that answers hand out.

In: terms and statements. Out: addresses.
The decision hidden here: where the lookups begin, and how a statement is asked about.
"""

from __future__ import annotations

from urllib.parse import urlencode

import pyoxigraph as ox

from valueweave.namespaces import PREFIXES, shorten_iri

__all__ = ["BASE", "explanation"]

BASE = "/api/v1"
"""Where the lookups begin."""

_TYPE = PREFIXES["rdf"] + "type"


def explanation(subject: str, predicate: str, value: ox.NamedNode | ox.Literal) -> str:
    """Return the address that says why a statement holds.

    >>> explanation("https://w3id.org/valueweave/id/actor/jd", PREFIXES["rdf"] + "type", ox.NamedNode(PREFIXES["sce"] + "Actor"))
    '/api/v1/explain?subject=actor%2Fjd&predicate=a&object=sce%3AActor'
    """
    asked = {
        "subject": shorten_iri(subject),
        "predicate": "a" if predicate == _TYPE else shorten_iri(predicate),
        "object": shorten_iri(value.value) if isinstance(value, ox.NamedNode) else str(value),
    }
    return f"{BASE}/explain?{urlencode(asked)}"
