"""The knowledge graph as other libraries know graphs.

In: statements, or a :class:`~valueweave.graph.KnowledgeGraph`. Out: ``rdflib.Graph``, ``networkx.MultiDiGraph``.
The decision hidden here: what is a node and what is an edge.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import networkx
import pyoxigraph as ox
import rdflib

from valueweave.layout import INFERRED_GRAPH
from valueweave.namespaces import ID, PREFIXES, SCE, shorten_iri
from valueweave.values import IRI

if TYPE_CHECKING:
    from valueweave.graph import KnowledgeGraph, Scope

__all__ = ["BACKING_CLASSES", "to_networkx", "to_rdflib"]

BACKING_CLASSES = tuple(SCE + name for name in ("EvidenceItem", "NameUse", "StatedValue", "Source"))
"""Classes of the records that back the others: evidence, spellings, stated values, sources."""

_TYPE = ox.NamedNode(PREFIXES["rdf"] + "type")
_LABEL = ox.NamedNode(PREFIXES["rdfs"] + "label")


def to_rdflib(triples: Iterable[ox.Triple]) -> rdflib.Graph:
    """Return ``triples`` as an rdflib graph with the project's prefixes bound."""
    graph = rdflib.Graph()
    for prefix, base in PREFIXES.items():
        graph.bind(prefix, base)
    for triple in triples:
        graph.add((_node(triple.subject), _node(triple.predicate), _node(triple.object)))
    return graph


def _node(term: ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple) -> rdflib.URIRef | rdflib.BNode | rdflib.Literal:
    if isinstance(term, ox.NamedNode):
        return rdflib.URIRef(term.value)
    if isinstance(term, ox.BlankNode):
        return rdflib.BNode(term.value)
    assert isinstance(term, ox.Literal)
    if term.language:
        return rdflib.Literal(term.value, lang=term.language)
    plain = term.datatype.value == PREFIXES["xsd"] + "string"
    # Lexical forms are kept as they are: "4.50" must not become "4.5".
    return rdflib.Literal(term.value, datatype=None if plain else rdflib.URIRef(term.datatype.value), normalize=False)


def to_networkx(kg: KnowledgeGraph, *, evidence: bool, scope: Scope) -> networkx.MultiDiGraph:
    """Return the records of ``kg`` and what relates them; see :meth:`KnowledgeGraph.to_networkx`."""
    engine, default = kg.store.engine, ox.DefaultGraph()
    types: dict[str, set[str]] = {}
    for quad in kg.store.statements(predicate=_TYPE, graph=default):
        if isinstance(quad.subject, ox.NamedNode) and quad.subject.value.startswith(ID):
            assert isinstance(quad.object, ox.NamedNode)
            types.setdefault(quad.subject.value, set()).add(quad.object.value)
    if not evidence:
        types = {iri: classes for iri, classes in types.items() if classes.isdisjoint(BACKING_CLASSES)}
    labels: dict[str, dict[str, str]] = {}
    for quad in kg.store.statements(predicate=_LABEL, graph=default):
        if isinstance(quad.subject, ox.NamedNode) and isinstance(quad.object, ox.Literal):
            labels.setdefault(quad.subject.value, {}).setdefault(quad.object.language or "", quad.object.value)

    def label(iri: str) -> str:
        found = labels.get(iri, {})
        return found.get("en") or next(iter(found.values()), shorten_iri(iri))

    graph = networkx.MultiDiGraph()
    for iri, classes in sorted(types.items()):
        graph.add_node(IRI(iri), label=label(iri), types=sorted(shorten_iri(name) for name in classes))
    inferred = ox.NamedNode(INFERRED_GRAPH)
    names = kg.graphs(scope)
    for place in [default] if names is None else [ox.NamedNode(name) for name in names]:
        for quad in kg.store.statements(graph=place):
            subject, predicate, value = quad.triple
            if not (isinstance(subject, ox.NamedNode) and isinstance(value, ox.NamedNode)):
                continue
            if subject.value not in types or value.value not in types or not predicate.value.startswith(SCE):
                continue
            graph.add_edge(
                IRI(subject.value),
                IRI(value.value),
                key=shorten_iri(predicate.value),
                property=IRI(predicate.value),
                label=label(predicate.value),
                inferred=ox.Quad(subject, predicate, value, inferred) in engine,
            )
    return graph
