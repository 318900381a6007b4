"""What an axiom is called, and which terms it names.

In: axioms. Out: a name for each that fits into an IRI, the IRIs of its classes and properties.
The decision hidden here: a name is made of the kind of axiom and the first terms, so that it stays what it was when
other axioms come or go; what is called alike is numbered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from valueweave.reasoning.rules.expressions import (
    And,
    Axiom,
    Cardinality,
    ClassName,
    Expression,
    HasSelf,
    HasValue,
    Not,
    Only,
    Or,
    Some,
)

__all__ = ["named", "terms_of"]


def named(axioms: Iterable[Axiom]) -> Iterator[tuple[str, Axiom]]:
    """Yield axioms with their names; of several with one name the second and later ones get a number.

    >>> firm, agent = ClassName("urn:x/Firm"), ClassName("urn:x/Agent")
    >>> [name for name, _ in named([Axiom("SubClassOf", (firm, agent)), Axiom("SubClassOf", (firm, agent))])]
    ['SubClassOf.Firm.Agent', 'SubClassOf.Firm.Agent-2']
    """
    counted: Counter[str] = Counter()
    for axiom in axioms:
        name = _name(axiom)
        counted[name] += 1
        yield (name if counted[name] == 1 else f"{name}-{counted[name]}"), axiom


def _name(axiom: Axiom) -> str:
    terms = [_local(term) for term in terms_of(axiom)]
    shown = terms[:2] if axiom.kind in {"SubClassOf", "SubPropertyOf", "InverseProperties"} else terms[:1]
    return ".".join([axiom.kind, *shown])


def _local(iri: str) -> str:
    return iri.rsplit("#", 1)[-1].rsplit("/", 1)[-1]


def terms_of(axiom: Axiom) -> Iterator[str]:
    """Yield the IRIs of the classes and properties that an axiom names; what it is about comes first."""
    if axiom.kind in {"Domain", "Range"}:
        yield from (joined.iri for joined in axiom.properties)
    for expression in axiom.classes:
        yield from _names_in(expression)
    yield from (joined.iri for joined in axiom.properties)


def _names_in(expression: Expression) -> Iterator[str]:
    match expression:
        case ClassName(iri):
            yield iri
        case And(parts) | Or(parts):
            for part in parts:
                yield from _names_in(part)
        case Not(part):
            yield from _names_in(part)
        case Some(joined, filler) | Only(joined, filler) | Cardinality(_, _, joined, filler):
            yield joined.iri
            yield from _names_in(filler)
        case HasValue(joined) | HasSelf(joined):
            yield joined.iri
        case _:
            return
