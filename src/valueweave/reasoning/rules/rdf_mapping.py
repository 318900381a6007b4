"""Axioms read from the statements of an ontology.

In: the statements of an ontology. Out: :class:`~valueweave.reasoning.rules.expressions.Axiom` values.
The decision hidden here: how axioms are written as RDF (OWL 2 Mapping to RDF Graphs, sections 3.2 and 4).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Literal, TypeAlias

import pyoxigraph as ox

from valueweave.namespaces import PREFIXES
from valueweave.reasoning.rules.expressions import (
    And,
    Axiom,
    AxiomKind,
    Cardinality,
    ClassName,
    Expression,
    Facets,
    HasSelf,
    HasValue,
    Not,
    OneOf,
    Only,
    Or,
    Property,
    Some,
    Unreadable,
)

__all__ = ["read_axioms"]

_RDF, _RDFS, _OWL, _XSD = (PREFIXES[name] for name in ("rdf", "rdfs", "owl", "xsd"))
Node: TypeAlias = ox.NamedNode | ox.BlankNode | ox.Literal

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

    def _get(self, subject: Node, predicate: str) -> list[Node]:
        found = self._values.get(subject)
        return found.get(predicate, []) if found is not None else []

    def _one(self, subject: Node, predicate: str) -> Node | None:
        found = self._get(subject, predicate)
        return found[0] if found else None

    def _kinds(self, subject: Node) -> set[str]:
        return {kind.value for kind in self._get(subject, _RDF + "type") if isinstance(kind, ox.NamedNode)}

    def _list_of(self, head: Node | None) -> list[Node]:
        items: list[Node] = []
        while head is not None and head != ox.NamedNode(_RDF + "nil"):
            first = self._one(head, _RDF + "first")
            if first is None:
                break
            items.append(first)
            head = self._one(head, _RDF + "rest")
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
            yield Axiom("SubClassOf", (self._expression(subject), self._expression(value)))
        for value in links.get(_OWL + "equivalentClass", ()):
            yield Axiom("EquivalentClasses", (self._expression(subject), self._expression(value)))
        for value in links.get(_OWL + "disjointWith", ()):
            pair = sorted((self._expression(subject), self._expression(value)), key=str)
            yield Axiom("DisjointClasses", tuple(pair))
        for value in links.get(_OWL + "disjointUnionOf", ()):
            parts = tuple(self._expression(part) for part in self._list_of(value))
            yield Axiom("EquivalentClasses", (self._expression(subject), Or(parts)))
            yield Axiom("DisjointClasses", tuple(sorted(parts, key=str)))
        for value in links.get(_OWL + "hasKey", ()):
            keys = tuple(self._property(part) for part in self._list_of(value))
            yield Axiom("HasKey", (self._expression(subject),), keys)
        if isinstance(subject, ox.NamedNode) and _OWL + "Class" in self._kinds(subject):
            # A named class may also be defined by a constructor on its own node (OWL 1 style).
            for constructor in ("intersectionOf", "unionOf", "complementOf", "oneOf"):
                if _OWL + constructor in links:
                    yield Axiom("EquivalentClasses", (ClassName(subject.value), self._constructed(subject)))

    def _property_axioms(self, subject: Node) -> Iterator[Axiom]:
        links = self._values[subject]
        logical = {_OWL + "ObjectProperty", _OWL + "DatatypeProperty"}
        kinds = self._kinds(subject)
        if not (kinds & logical or kinds & set(_CHARACTERISTICS)):
            return
        own = self._property(subject)
        for kind in sorted(kinds & set(_CHARACTERISTICS)):
            yield Axiom(_CHARACTERISTICS[kind], properties=(own,))
        for value in links.get(_RDFS + "subPropertyOf", ()):
            yield Axiom("SubPropertyOf", properties=(own, self._property(value)))
        for value in links.get(_OWL + "propertyChainAxiom", ()):
            steps = tuple(self._property(part) for part in self._list_of(value))
            yield Axiom("PropertyChain", properties=(*steps, own))
        for value in links.get(_OWL + "equivalentProperty", ()):
            yield Axiom("EquivalentProperties", properties=(own, self._property(value)))
        if isinstance(subject, ox.NamedNode):
            for value in links.get(_OWL + "inverseOf", ()):
                yield Axiom("InverseProperties", properties=(own, self._property(value)))
        for value in links.get(_OWL + "propertyDisjointWith", ()):
            yield Axiom("DisjointProperties", properties=(own, self._property(value)))
        for value in links.get(_RDFS + "domain", ()):
            yield Axiom("Domain", (self._expression(value),), (own,))
        for value in links.get(_RDFS + "range", ()):
            yield Axiom("Range", (self._expression(value),), (own,))

    def _axioms_of_many(self, subject: Node) -> Iterator[Axiom]:
        kinds = self._kinds(subject)
        members = self._list_of(self._one(subject, _OWL + "members") or self._one(subject, _OWL + "distinctMembers"))
        if _OWL + "AllDisjointClasses" in kinds:
            yield Axiom("DisjointClasses", tuple(sorted((self._expression(part) for part in members), key=str)))
        if _OWL + "AllDisjointProperties" in kinds:
            yield Axiom("DisjointProperties", properties=tuple(self._property(part) for part in members))
        if _OWL + "AllDifferent" in kinds:
            yield Axiom("DifferentIndividuals", individuals=_things(members))
        for value in self._get(subject, _OWL + "sameAs"):
            yield Axiom("SameIndividual", individuals=_things(sorted((subject, value), key=str)))
        for value in self._get(subject, _OWL + "differentFrom"):
            yield Axiom("DifferentIndividuals", individuals=_things(sorted((subject, value), key=str)))
        if _OWL + "NegativePropertyAssertion" in kinds:
            source, joined = (
                self._one(subject, _OWL + "sourceIndividual"),
                self._one(subject, _OWL + "assertionProperty"),
            )
            target = self._one(subject, _OWL + "targetIndividual") or self._one(subject, _OWL + "targetValue")
            if source is not None and joined is not None and target is not None:
                yield Axiom(
                    "NegativeAssertion", properties=(self._property(joined),), individuals=_things((source, target))
                )

    # -- expressions

    def _property(self, node: Node) -> Property:
        if isinstance(node, ox.NamedNode):
            return Property(node.value)
        inverse = self._one(node, _OWL + "inverseOf")
        if isinstance(inverse, ox.NamedNode):
            return Property(inverse.value, inverse=True)
        return Property(str(node))

    def _expression(self, node: Node) -> Expression:
        if isinstance(node, ox.NamedNode):
            return ClassName(node.value)
        if isinstance(node, ox.Literal):
            return Unreadable(f"the value {node} where a class should stand")
        if self._one(node, _OWL + "onProperty") is not None:
            return self._restriction(node)
        return self._constructed(node)

    def _constructed(self, node: Node) -> Expression:
        if parts := self._get(node, _OWL + "intersectionOf"):
            return And(tuple(self._expression(part) for part in self._list_of(parts[0])))
        if parts := self._get(node, _OWL + "unionOf"):
            return Or(tuple(self._expression(part) for part in self._list_of(parts[0])))
        for link in ("complementOf", "datatypeComplementOf"):
            if part := self._one(node, _OWL + link):
                return Not(self._expression(part))
        if parts := self._get(node, _OWL + "oneOf"):
            return OneOf(_things(self._list_of(parts[0])))
        datatype = self._one(node, _OWL + "onDatatype")
        if isinstance(datatype, ox.NamedNode):
            facets = []
            for facet in self._list_of(self._one(node, _OWL + "withRestrictions")):
                for name, values in self._values[facet].items():
                    facets += [(name.removeprefix(_XSD), value) for value in values if isinstance(value, ox.Literal)]
            return Facets(datatype.value, tuple(sorted(facets, key=str)))
        return Unreadable("an anonymous class without a constructor")

    def _restriction(self, node: Node) -> Expression:
        on = self._one(node, _OWL + "onProperty")
        assert on is not None
        joined = self._property(on)
        if (filler := self._one(node, _OWL + "someValuesFrom")) is not None:
            return Some(joined, self._expression(filler))
        if (filler := self._one(node, _OWL + "allValuesFrom")) is not None:
            return Only(joined, self._expression(filler))
        if (value := self._one(node, _OWL + "hasValue")) is not None and not isinstance(value, ox.BlankNode):
            return HasValue(joined, value)
        if self._get(node, _OWL + "hasSelf"):
            return HasSelf(joined)
        for link, (bound, qualified) in _CARDINALITIES.items():
            if (count := self._one(node, link)) is None:
                continue
            on_class = self._one(node, _OWL + "onClass") or self._one(node, _OWL + "onDataRange")
            filler_expression = self._expression(on_class) if qualified and on_class else ClassName(_OWL + "Thing")
            assert isinstance(count, ox.Literal)
            return Cardinality(bound, int(count.value), joined, filler_expression)
        return Unreadable("a restriction of a kind that OWL 2 does not have")


def _things(nodes: Iterable[Node]) -> tuple[ox.NamedNode | ox.Literal, ...]:
    return tuple(node for node in nodes if not isinstance(node, ox.BlankNode))
