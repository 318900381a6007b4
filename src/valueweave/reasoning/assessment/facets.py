"""Whether a value is of a datatype and within bounds.

In: a value. Out: yes or no.
The decision hidden here: which datatypes are part of which (XML Schema 1.1 Datatypes, section 3.4), and how values are
compared.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

import pyoxigraph as ox

from valueweave.namespaces import PREFIXES
from valueweave.reasoning.rules.expressions import Facets

__all__ = ["in_datatype", "within"]

_XSD = PREFIXES["xsd"]
_PART_OF = {
    "integer": "decimal", "nonNegativeInteger": "integer", "nonPositiveInteger": "integer", "long": "integer",
    "positiveInteger": "nonNegativeInteger", "unsignedLong": "nonNegativeInteger",
    "negativeInteger": "nonPositiveInteger",
    "int": "long", "short": "int", "byte": "short", "unsignedInt": "unsignedLong", "unsignedShort": "unsignedInt",
    "unsignedByte": "unsignedShort", "normalizedString": "string", "token": "normalizedString",
    "dateTimeStamp": "dateTime",
}  # fmt: skip


def in_datatype(term: object, iri: str) -> bool:
    """Return whether a term is a literal of a datatype or of one that is part of it.

    >>> in_datatype(ox.Literal(3), "http://www.w3.org/2001/XMLSchema#decimal")
    True
    """
    if not isinstance(term, ox.Literal):
        return False
    name: str | None = term.datatype.value.removeprefix(_XSD)
    while name is not None:
        if name in (iri.removeprefix(_XSD), iri):
            return True
        name = _PART_OF.get(name)
    return False


def within(term: object, facets: Facets) -> bool:
    """Return whether a term is a value of the datatype within all the bounds; a bound that is not known excludes it.

    >>> within(ox.Literal(3), Facets(_XSD + "integer", (("minInclusive", ox.Literal(2)),)))
    True
    """
    if not isinstance(term, ox.Literal) or not in_datatype(term, facets.datatype):
        return False
    return all(_meets(term.value, name, bound.value) for name, bound in facets.facets)


def _meets(value: str, name: str, bound: str) -> bool:
    match name:
        case "minInclusive":
            return _ordered(bound, value)
        case "maxInclusive":
            return _ordered(value, bound)
        case "minExclusive":
            return not _ordered(value, bound)
        case "maxExclusive":
            return not _ordered(bound, value)
        case "length":
            return len(value) == int(bound)
        case "minLength":
            return len(value) >= int(bound)
        case "maxLength":
            return len(value) <= int(bound)
        case "pattern":
            return re.fullmatch(bound, value) is not None
        case _:
            return False


def _ordered(one: str, other: str) -> bool:
    """Return whether ``one`` is not above ``other``: as numbers, or as texts where they are none (dates and times)."""
    try:
        return Decimal(one) <= Decimal(other)
    except InvalidOperation:
        return one <= other
