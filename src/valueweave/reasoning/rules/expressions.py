"""Class expressions and axioms of an OWL 2 ontology, as Python values.

In and out: plain values, to be compared and matched.
The decision hidden here: which kinds of expressions and axioms there are (OWL 2 Structural Specification, sections 5 to
9), and that what is none of them is kept, as :class:`Unreadable`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import pyoxigraph as ox

__all__ = [
    "And",
    "Axiom",
    "AxiomKind",
    "Cardinality",
    "ClassName",
    "Expression",
    "Facets",
    "HasSelf",
    "HasValue",
    "Not",
    "OneOf",
    "Only",
    "Or",
    "Property",
    "Some",
    "Unreadable",
]


@dataclass(frozen=True, slots=True)
class Property:
    """An object or data property, or the inverse of an object property."""

    iri: str
    inverse: bool = False


@dataclass(frozen=True, slots=True)
class ClassName:
    """A named class or a named datatype."""

    iri: str


@dataclass(frozen=True, slots=True)
class And:
    """What is in all of the parts."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """What is in one of the parts."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """What is not in the part."""

    part: Expression


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of the named things or values."""

    members: tuple[ox.NamedNode | ox.Literal, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """What has a value of the property in the filler."""

    property: Property
    filler: Expression


@dataclass(frozen=True, slots=True)
class Only:
    """What has values of the property in the filler only."""

    property: Property
    filler: Expression


@dataclass(frozen=True, slots=True)
class HasValue:
    """What has this value of the property."""

    property: Property
    value: ox.NamedNode | ox.Literal


@dataclass(frozen=True, slots=True)
class HasSelf:
    """What the property joins to itself."""

    property: Property


@dataclass(frozen=True, slots=True)
class Cardinality:
    """What has at least, at most or exactly so many values of the property in the filler."""

    bound: Literal["min", "max", "exactly"]
    number: int
    property: Property
    filler: Expression


@dataclass(frozen=True, slots=True)
class Facets:
    """The values of a datatype within bounds; a facet is the local name of ``xsd:minInclusive`` and the like."""

    datatype: str
    facets: tuple[tuple[str, ox.Literal], ...]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An expression that is none of the above; ``why`` says what was found."""

    why: str


Expression: TypeAlias = (
    ClassName | And | Or | Not | OneOf | Some | Only | HasValue | HasSelf | Cardinality | Facets | Unreadable
)

AxiomKind = Literal[
    "SubClassOf",
    "EquivalentClasses",
    "DisjointClasses",
    "SubPropertyOf",
    "PropertyChain",
    "EquivalentProperties",
    "InverseProperties",
    "DisjointProperties",
    "Domain",
    "Range",
    "Functional",
    "InverseFunctional",
    "Symmetric",
    "Asymmetric",
    "Transitive",
    "Reflexive",
    "Irreflexive",
    "HasKey",
    "SameIndividual",
    "DifferentIndividuals",
    "NegativeAssertion",
]


@dataclass(frozen=True, slots=True)
class Axiom:
    """An axiom: what kind it is, and the expressions, properties or things it is about, in the order of OWL 2.

    Attributes:
        kind: as in the structural specification of OWL 2, shortened.
        classes: class expressions: sub and super, the equivalent or disjoint ones, the domain or range.
        properties: properties; of a chain its links and then the property above.
        individuals: things and values, of assertions.
    """

    kind: AxiomKind
    classes: tuple[Expression, ...] = ()
    properties: tuple[Property, ...] = ()
    individuals: tuple[ox.NamedNode | ox.Literal, ...] = ()
