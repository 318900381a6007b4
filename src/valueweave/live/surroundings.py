"""What the store says around a document.

In: a store, graphs to leave out. Out: :class:`Surroundings`: what is defined there, what shapes may look at.
The decision hidden here: a document is checked against the statements as they were asserted, found one by one in the
store, not against the files that assert them; so the check of a case costs what the case is large.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

import pyoxigraph as ox

from valueweave.authoring.document import Document
from valueweave.authoring.entries import Entry
from valueweave.layout import DERIVATIONS, INFERRED_GRAPH, ONTOLOGY_GRAPH
from valueweave.namespaces import ID, PREFIXES, SCE, shorten_iri
from valueweave.ontology import OntologyIndex
from valueweave.store.interface import Engine
from valueweave.validation.findings import did_you_mean
from valueweave.validation.references import Catalogue
from valueweave.values import whole_number

__all__ = ["StoreCatalogue", "Surroundings", "as_stored", "is_asserted"]

_TYPE = ox.NamedNode(PREFIXES["rdf"] + "type")
_SOURCE = ox.NamedNode(SCE + "Source")
_LENGTH = ox.NamedNode(SCE + "textLength")
_STEPS = 1
"""So many links beyond what a thing leads to are looked at, beside properties followed any number of steps."""


def is_asserted(quad: ox.Quad) -> bool:
    """Return whether a quad says what a file or an update asserts of individuals.

    >>> is_asserted(ox.Quad(ox.NamedNode("urn:a"), _TYPE, ox.NamedNode("urn:b"), ox.NamedNode(INFERRED_GRAPH)))
    False
    """
    graph = quad.graph_name
    return isinstance(graph, ox.NamedNode) and not (
        graph.value in (INFERRED_GRAPH, ONTOLOGY_GRAPH) or graph.value.startswith(DERIVATIONS)
    )


def as_stored(quads: Iterable[ox.Quad]) -> list[ox.Quad]:
    """Return quads as a store gives them back: numbers and dates in the one form in which it keeps them.

    >>> one = ox.Literal("4.50", datatype=ox.NamedNode("http://www.w3.org/2001/XMLSchema#decimal"))
    >>> as_stored([ox.Quad(ox.NamedNode("urn:a"), ox.NamedNode("urn:b"), one)])[0].object.value
    '4.5'
    """
    store = ox.Store()
    store.extend(quads)
    return list(store)


class Surroundings:
    """The asserted statements of a store, without some graphs.

    Args:
        store: the store.
        without: IRIs of graphs that are as if they were not there.
    """

    def __init__(self, store: Engine, without: Collection[str] = ()) -> None:
        self._store, self._without = store, frozenset(without)
        self._types: dict[str, dict[str, str]] = {}

    def quads(
        self, subject: ox.NamedNode | None, predicate: ox.NamedNode | None = None, value: ox.NamedNode | None = None
    ) -> Iterator[ox.Quad]:
        """Yield the asserted quads with these parts."""
        for quad in self._store.quads_for_pattern(subject, predicate, value, None):
            if is_asserted(quad) and getattr(quad.graph_name, "value", "") not in self._without:
                yield quad

    def types(self, iri: str) -> dict[str, str]:
        """Return the classes that are asserted of a thing, each with a graph that does."""
        if iri not in self._types:
            self._types[iri] = {
                quad.object.value: quad.graph_name.value
                for quad in self.quads(ox.NamedNode(iri), _TYPE)
                if isinstance(quad.object, ox.NamedNode) and isinstance(quad.graph_name, ox.NamedNode)
            }
        return self._types[iri]

    def around(self, things: Iterable[str], ahead: Iterable[str], followed: Collection[str]) -> list[ox.Triple]:
        """Return what shapes may look at from some things: what is said of them, what links to them, where they lead.

        Args:
            things: IRIs.
            ahead: IRIs that they are about to lead to.
            followed: properties that are followed any number of steps.
        """
        found: dict[ox.Triple, None] = {}
        near = {iri for iri in things if iri.startswith(ID)}
        for iri in sorted(near):
            found.update((quad.triple, None) for quad in self.quads(None, None, ox.NamedNode(iri)))
        near |= {iri for iri in ahead if iri.startswith(ID)}
        seen, steps = set(near), 0
        while near:
            beyond: set[str] = set()
            for iri in sorted(near):
                for quad in self.quads(ox.NamedNode(iri)):
                    found[quad.triple] = None
                    if isinstance(quad.object, ox.NamedNode) and (steps < _STEPS or quad.predicate.value in followed):
                        beyond.add(quad.object.value)
            near = {iri for iri in beyond - seen if iri.startswith(ID)}
            seen |= near
            steps += 1
        return list(found)

    def names(self) -> Iterator[str]:
        """Yield the ids that an author may mean, without the id namespace."""
        for quad in self.quads(None, _TYPE):
            if isinstance(quad.subject, ox.NamedNode) and quad.subject.value.startswith(ID):
                name = quad.subject.value.removeprefix(ID)
                # Ids that were minted lie below those of records.
                if name.count("/") == 1 and "%" not in name:
                    yield name


class StoreCatalogue(Catalogue):
    """What is defined in a document and in a store.

    Args:
        document: the document.
        ontology: the ontology.
        beside: the store without the document.
    """

    def __init__(self, document: Document, ontology: OntologyIndex, beside: Surroundings) -> None:
        super().__init__([document], ontology)
        self._beside = beside

    def knows(self, iri: str) -> bool:
        """Return whether ``iri`` is defined, is a term of the ontology, or is foreign."""
        return super().knows(iri) or bool(self._beside.types(iri))

    def typed(self, iri: str) -> bool:
        """Return whether the class of ``iri`` is known, so that it can be judged."""
        return super().typed(iri) or bool(self._beside.types(iri))

    def defines(self, iri: str) -> bool:
        """Return whether a record or the ontology defines ``iri``."""
        return super().defines(iri) or bool(self._beside.types(iri))

    def near(self, iri: str, otherwise: str) -> str:
        """Return "Did you mean …?" with defined ids of the same kind."""
        path = iri.removeprefix(ID)
        kind = path.split("/")[0]
        known = dict.fromkeys([*(name for names in self._by_kind.values() for name in names), *self._beside.names()])
        same = [name for name in known if name.split("/")[0] == kind]
        return did_you_mean(path, same or known, otherwise)

    def is_source(self, iri: str) -> bool:
        """Return whether a record says that ``iri`` is a source."""
        return super().is_source(iri) or _SOURCE.value in self._beside.types(iri)

    def text_length(self, iri: str) -> int | None:
        """Return how many characters the text of a source has, where its record says so."""
        told = super().text_length(iri)
        if told is None and self._beside.types(iri):
            for quad in self._beside.quads(ox.NamedNode(iri), _LENGTH):
                if (length := whole_number(quad.object)) is not None:
                    return length
        return told

    def elsewhere(self, entry: Entry) -> list[str]:
        """Return where else the id of an entry is defined, as places to read."""
        graphs = dict.fromkeys(self._beside.types(entry.iri).values())
        return [*super().elsewhere(entry), *(shorten_iri(graph) for graph in graphs)]
