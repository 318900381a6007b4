"""RDF terms as Python values.

In: a term of the engine. Out: ``int``, ``Decimal``, ``float``, ``bool``, ``str``; :class:`IRI` and :class:`Text` where
a plain ``str`` would lose something.
The decision hidden here: which datatype becomes what; a decimal never becomes a float. (The store keeps numbers by
value: 4.50 comes back as 4.5.)
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

import pyoxigraph as ox

from valueweave.namespaces import PREFIXES, shorten_iri

__all__ = ["IRI", "Text", "Value", "to_python", "whole_number", "written"]

_XSD = PREFIXES["xsd"]
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_SIZES = ("Int", "Long", "Short", "Byte")
_INTEGERS = {
    _XSD + name
    for name in (
        "integer",
        *(f"{sign}Integer" for sign in ("nonNegative", "positive", "nonPositive", "negative")),
        *(size.lower() for size in _SIZES),
        *(f"unsigned{size}" for size in _SIZES),
    )
}


class IRI(str):
    """An IRI: a ``str`` that knows its short form.

    >>> IRI("https://w3id.org/valueweave/id/actor/jd").short
    'actor/jd'
    """

    __slots__ = ()

    @property
    def short(self) -> str:
        """The form that the command line and the Python functions read back (``actor/jd``, ``sce:Stage``)."""
        return shorten_iri(self)


class Text(str):
    """A text in a language: a ``str`` that knows which.

    >>> Text("京东", "zh").language
    'zh'
    """

    __slots__ = ("language",)
    language: str

    def __new__(cls, text: str, language: str) -> Text:
        """Make a text in ``language`` (a BCP 47 tag)."""
        made = super().__new__(cls, text)
        made.language = language
        return made

    def __reduce__(self) -> tuple[type[Text], tuple[str, str]]:
        return Text, (str(self), self.language)


Value = IRI | Text | str | int | float | bool | Decimal
"""A term as a Python value."""


def to_python(term: ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple) -> Value:
    """Return the Python value of a term; a literal whose text does not fit its datatype stays a ``str``.

    >>> to_python(ox.Literal("4.50", datatype=ox.NamedNode("http://www.w3.org/2001/XMLSchema#decimal")))
    Decimal('4.50')
    """
    if isinstance(term, ox.NamedNode):
        return IRI(term.value)
    if isinstance(term, ox.Literal):
        return Text(term.value, term.language) if term.language else _literal(term.value, term.datatype.value)
    return str(term)


def _literal(text: str, datatype: str) -> Value:
    value: Value = text
    try:
        if datatype in _INTEGERS:
            value = int(text)
        elif datatype == _XSD + "decimal":
            value = Decimal(text)
        elif datatype in {_XSD + "double", _XSD + "float"}:
            value = float(text)
        elif datatype == _XSD + "boolean" and text in _BOOLEANS:
            value = _BOOLEANS[text]
    except (ValueError, InvalidOperation):
        pass
    return value


def whole_number(term: object) -> int | None:
    """Return the whole number that a literal of any datatype is, nothing for any other term or one beyond 18 digits.

    Updates may write what no case file may: a place in a text that is no number is told as no place.

    >>> whole_number(ox.Literal("0217")), whole_number(ox.Literal("²")), whole_number(ox.NamedNode("urn:x"))
    (217, None, None)
    """
    if isinstance(term, ox.Literal) and _WHOLE_NUMBER.fullmatch(term.value):
        return int(term.value)
    return None


def written(value: Value | None) -> str:
    """Return a value as people read it in a table: IRIs in their short form, nothing for no value.

    >>> written(IRI("https://w3id.org/valueweave/id/stage/jd-1"))
    'stage/jd-1'
    """
    if value is None:
        return ""
    if isinstance(value, IRI):
        return value.short
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
