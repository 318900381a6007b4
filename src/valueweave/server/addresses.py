"""Addresses under ``/api/v1`` that answers hand out.

In: terms and statements. Out: addresses.
The decision hidden here: where the lookups begin, how a statement is asked about, and that ``{id:rest}`` in a route
takes any rest of an address.
"""

from __future__ import annotations

from urllib.parse import urlencode

import pyoxigraph as ox
from starlette.convertors import Convertor, register_url_convertor

from valueweave.namespaces import PREFIXES, shorten_iri

__all__ = ["BASE", "explanation"]


class _AnyPath(Convertor[str]):
    """The rest of an address, whatever it holds: the framework's own stops at a line break."""

    regex = r"[\s\S]*"

    def convert(self, value: str) -> str:
        """Return it as it is."""
        return value

    def to_string(self, value: str) -> str:
        """Return it as it is."""
        return value


register_url_convertor("rest", _AnyPath())

BASE = "/api/v1"
"""Where the lookups begin."""

_TYPE = PREFIXES["rdf"] + "type"


def explanation(subject: str, predicate: str, value: ox.NamedNode | ox.Literal) -> str:
    """Return the address that says why a statement holds.

    >>> actor = ox.NamedNode("https://w3id.org/valueweave/ontology#Actor")
    >>> explanation("https://w3id.org/valueweave/id/actor/jd", PREFIXES["rdf"] + "type", actor)
    '/api/v1/explain?subject=actor%2Fjd&predicate=a&object=sce%3AActor'
    """
    asked = {
        "subject": shorten_iri(subject),
        "predicate": "a" if predicate == _TYPE else shorten_iri(predicate),
        "object": shorten_iri(value.value) if isinstance(value, ox.NamedNode) else str(value),
    }
    return f"{BASE}/explain?{urlencode(asked)}"
