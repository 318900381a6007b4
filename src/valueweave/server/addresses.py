"""Addresses under ``/api/v1`` that answers hand out.

In: terms and statements. Out: addresses.
The decision hidden here: where the lookups begin, how a statement is asked about, and that ``{id:rest}`` in a route
takes any rest of an address.
"""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import quote_plus

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
    link = "a" if predicate == _TYPE else _encoded(predicate)
    other = _encoded(value.value) if isinstance(value, ox.NamedNode) else quote_plus(str(value))
    return f"{BASE}/explain?subject={_encoded(subject)}&predicate={link}&object={other}"


@lru_cache(1 << 14)
def _encoded(iri: str) -> str:
    return quote_plus(shorten_iri(iri))
