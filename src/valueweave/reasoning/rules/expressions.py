"""Class expressions and axioms of an OWL 2 ontology, as Python values.

In: the statements of an ontology. Out: :class:`Axiom` values over class expressions.
The decision hidden here: how axioms are written as RDF (OWL 2 Mapping to RDF Graphs, sections 3.2 and 4).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import pyoxigraph as ox

from valueweave.namespaces import PREFIXES

__all__ = [
    "And",
    "Axiom",
    "AxiomKind",
    "Cardinality",
    "ClassName",
    "DataRange",
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
    "read_axioms",
]

_RDF, _RDFS, _OWL, _XSD = (PREFIXES[name] for name in ("rdf", "rdfs", "owl", "xsd"))
Node: TypeAlias = ox.NamedNode | ox.BlankNode | ox.Literal


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


DataRange: TypeAlias = ClassName | Facets
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


_CHARACTERISTICS: dict[str, AxiomKind] = {
    _OWL + "FunctionalProperty": "Functional",
    _OWL + "InverseFunctionalProperty": "InverseFunctional",
    _OWL + "SymmetricProperty": "Symmetric",
    _OWL + "AsymmetricProperty": "Asymmetric",
    _OWL + "TransitiveProperty": "Transitive",
    _OWL + "ReflexiveProperty": "Reflexive",
    _OWL + "IrreflexiveProperty": "Irreflexive",
}
_CARDINALITIES: dict[str, tuple[Literal["min", "max", "exactly"], bool]] = {
    _OWL + "minCardinality": ("min", False),
    _OWL + "maxCardinality": ("max", False),
    _OWL + "cardinality": ("exactly", False),
    _OWL + "minQualifiedCardinality": ("min", True),
    _OWL + "maxQualifiedCardinality": ("max", True),
    _OWL + "qualifiedCardinality": ("exactly", True),
}


def read_axioms(triples: Iterable[ox.Triple]) -> list[Axiom]:
    """Return the axioms that ``triples`` state, each once, sorted; assertions of classes and properties are left out.

    Args:
        triples: an ontology with its imports merged.

    >>> turtle = "@prefix owl: <http://www.w3.org/2002/07/owl#> . <urn:p> a owl:SymmetricProperty ."
    >>> [axiom.kind for axiom in read_axioms(quad.triple for quad in ox.parse(turtle, format=ox.RdfFormat.TURTLE))]
    ['Symmetric']
    """
    graph = _Graph(triples)
    return sorted(set(graph.axioms()), key=str)


class _Graph:
    """The statements of an ontology, by subject and predicate."""

    def __init__(self, triples: Iterable[ox.Triple]) -> None:
        self._values: dict[Node, dict[str, list[Node]]] = defaultdict(lambda: defaultdict(list))
        for triple in triples:
            assert not isinstance(triple.subject, ox.Triple)
            assert not isinstance(triple.object, ox.Triple)
            self._values[triple.subject][triple.predicate.value].append(triple.object)

    def get(self, subject: Node, predicate: str) -> list[Node]:
        found = self._values.get(subject)
        return found.get(predicate, []) if found is not None else []

    def one(self, subject: Node, predicate: str) -> Node | None:
        found = self.get(subject, predicate)
        return found[0] if found else None

    def list_of(self, head: Node | None) -> list[Node]:
        items: list[Node] = []
        while head is not None and head != ox.NamedNode(_RDF + "nil"):
            first = self.one(head, _RDF + "first")
            if first is None:
                break
            items.append(first)
            head = self.one(head, _RDF + "rest")
        return items

    # -- axioms

    def axioms(self) -> Iterator[Axiom]:
        for subject in list(self._values):
            yield from self._class_axioms(subject)
            yield from self._property_axioms(subject)
            yield from self._axioms_of_many(subject)

    def _class_axioms(self, subject: Node) -> Iterator[Axiom]:
        links = self._values[subject]
        for value in links.get(_RDFS + "subClassOf", ()):
            yield Axiom("SubClassOf", (self.expression(subject), self.expression(value)))
        for value in links.get(_OWL + "equivalentClass", ()):
            yield Axiom("EquivalentClasses", (self.expression(subject), self.expression(value)))
        for value in links.get(_OWL + "disjointWith", ()):
            pair = sorted((self.expression(subject), self.expression(value)), key=str)
            yield Axiom("DisjointClasses", tuple(pair))
        for value in links.get(_OWL + "disjointUnionOf", ()):
            parts = tuple(self.expression(part) for part in self.list_of(value))
            yield Axiom("EquivalentClasses", (self.expression(subject), Or(parts)))
            yield Axiom("DisjointClasses", tuple(sorted(parts, key=str)))
        for value in links.get(_OWL + "hasKey", ()):
            keys = tuple(self.property(part) for part in self.list_of(value))
            yield Axiom("HasKey", (self.expression(subject),), keys)
        if isinstance(subject, ox.NamedNode) and _OWL + "Class" in {
            kind.value for kind in links.get(_RDF + "type", ()) if isinstance(kind, ox.NamedNode)
        }:
            # A named class may also be defined by a constructor on its own node (OWL 1 style).
            for constructor in ("intersectionOf", "unionOf", "complementOf", "oneOf"):
                if _OWL + constructor in links:
                    yield Axiom("EquivalentClasses", (ClassName(subject.value), self._constructed(subject)))

    def _property_axioms(self, subject: Node) -> Iterator[Axiom]:
        links = self._values[subject]
        logical = {_OWL + "ObjectProperty", _OWL + "DatatypeProperty"}
        kinds = {kind.value for kind in links.get(_RDF + "type", ()) if isinstance(kind, ox.NamedNode)}
        if not (kinds & logical or kinds & set(_CHARACTERISTICS)):
            return
        own = self.property(subject)
        for kind in sorted(kinds & set(_CHARACTERISTICS)):
            yield Axiom(_CHARACTERISTICS[kind], properties=(own,))
        for value in links.get(_RDFS + "subPropertyOf", ()):
            yield Axiom("SubPropertyOf", properties=(own, self.property(value)))
        for value in links.get(_OWL + "propertyChainAxiom", ()):
            steps = tuple(self.property(part) for part in self.list_of(value))
            yield Axiom("PropertyChain", properties=(*steps, own))
        for value in links.get(_OWL + "equivalentProperty", ()):
            yield Axiom("EquivalentProperties", properties=(own, self.property(value)))
        if isinstance(subject, ox.NamedNode):
            for value in links.get(_OWL + "inverseOf", ()):
                yield Axiom("InverseProperties", properties=(own, self.property(value)))
        for value in links.get(_OWL + "propertyDisjointWith", ()):
            yield Axiom("DisjointProperties", properties=(own, self.property(value)))
        for value in links.get(_RDFS + "domain", ()):
            yield Axiom("Domain", (self.expression(value),), (own,))
        for value in links.get(_RDFS + "range", ()):
            yield Axiom("Range", (self.expression(value),), (own,))

    def _axioms_of_many(self, subject: Node) -> Iterator[Axiom]:
        kinds = {kind.value for kind in self.get(subject, _RDF + "type") if isinstance(kind, ox.NamedNode)}
        members = self.list_of(self.one(subject, _OWL + "members") or self.one(subject, _OWL + "distinctMembers"))
        if _OWL + "AllDisjointClasses" in kinds:
            yield Axiom("DisjointClasses", tuple(sorted((self.expression(part) for part in members), key=str)))
        if _OWL + "AllDisjointProperties" in kinds:
            yield Axiom("DisjointProperties", properties=tuple(self.property(part) for part in members))
        if _OWL + "AllDifferent" in kinds:
            yield Axiom("DifferentIndividuals", individuals=_things(members))
        for value in self.get(subject, _OWL + "sameAs"):
            yield Axiom("SameIndividual", individuals=_things(sorted((subject, value), key=str)))
        for value in self.get(subject, _OWL + "differentFrom"):
            yield Axiom("DifferentIndividuals", individuals=_things(sorted((subject, value), key=str)))
        if _OWL + "NegativePropertyAssertion" in kinds:
            source, joined = self.one(subject, _OWL + "sourceIndividual"), self.one(subject, _OWL + "assertionProperty")
            target = self.one(subject, _OWL + "targetIndividual") or self.one(subject, _OWL + "targetValue")
            if source is not None and joined is not None and target is not None:
                yield Axiom(
                    "NegativeAssertion", properties=(self.property(joined),), individuals=_things((source, target))
                )

    # -- expressions

    def property(self, node: Node) -> Property:
        if isinstance(node, ox.NamedNode):
            return Property(node.value)
        inverse = self.one(node, _OWL + "inverseOf")
        if isinstance(inverse, ox.NamedNode):
            return Property(inverse.value, inverse=True)
        return Property(str(node))

    def expression(self, node: Node) -> Expression:
        if isinstance(node, ox.NamedNode):
            return ClassName(node.value)
        if isinstance(node, ox.Literal):
            return Unreadable(f"the value {node} where a class should stand")
        if self.one(node, _OWL + "onProperty") is not None:
            return self._restriction(node)
        return self._constructed(node)

    def _constructed(self, node: Node) -> Expression:
        if parts := self.get(node, _OWL + "intersectionOf"):
            return And(tuple(self.expression(part) for part in self.list_of(parts[0])))
        if parts := self.get(node, _OWL + "unionOf"):
            return Or(tuple(self.expression(part) for part in self.list_of(parts[0])))
        for link in ("complementOf", "datatypeComplementOf"):
            if part := self.one(node, _OWL + link):
                return Not(self.expression(part))
        if parts := self.get(node, _OWL + "oneOf"):
            return OneOf(_things(self.list_of(parts[0])))
        datatype = self.one(node, _OWL + "onDatatype")
        if isinstance(datatype, ox.NamedNode):
            facets = []
            for facet in self.list_of(self.one(node, _OWL + "withRestrictions")):
                for name, values in self._values[facet].items():
                    facets += [(name.removeprefix(_XSD), value) for value in values if isinstance(value, ox.Literal)]
            return Facets(datatype.value, tuple(sorted(facets, key=str)))
        return Unreadable("an anonymous class without a constructor")

    def _restriction(self, node: Node) -> Expression:
        on = self.one(node, _OWL + "onProperty")
        assert on is not None
        joined = self.property(on)
        if (filler := self.one(node, _OWL + "someValuesFrom")) is not None:
            return Some(joined, self.expression(filler))
        if (filler := self.one(node, _OWL + "allValuesFrom")) is not None:
            return Only(joined, self.expression(filler))
        if (value := self.one(node, _OWL + "hasValue")) is not None and not isinstance(value, ox.BlankNode):
            return HasValue(joined, value)
        if self.get(node, _OWL + "hasSelf"):
            return HasSelf(joined)
        for link, (bound, qualified) in _CARDINALITIES.items():
            if (count := self.one(node, link)) is None:
                continue
            on_class = self.one(node, _OWL + "onClass") or self.one(node, _OWL + "onDataRange")
            filler_expression = self.expression(on_class) if qualified and on_class else ClassName(_OWL + "Thing")
            assert isinstance(count, ox.Literal)
            return Cardinality(bound, int(count.value), joined, filler_expression)
        return Unreadable("a restriction of a kind that OWL 2 does not have")


def _things(nodes: Iterable[Node]) -> tuple[ox.NamedNode | ox.Literal, ...]:
    return tuple(node for node in nodes if not isinstance(node, ox.BlankNode))
