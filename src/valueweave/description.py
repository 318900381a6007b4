"""What the graph says of one thing, and what it calls it.

In: a store, the IRI of a thing. Out: :class:`Description`, a label.
The decision hidden here: what belongs to a description (the statements of a thing, those of its evidence, some of those
that point to it), and which label stands in where there is none in the language asked for.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyoxigraph as ox

from valueweave.namespaces import PREFIXES, SCE, shorten_iri
from valueweave.results import GraphResult, SolutionTable
from valueweave.store.interface import Store
from valueweave.values import IRI

__all__ = ["Description", "describe", "label_of"]

_LABEL = ox.NamedNode(PREFIXES["rdfs"] + "label")
_TYPE = ox.NamedNode(PREFIXES["rdf"] + "type")
_EVIDENCE = ox.NamedNode(SCE + "hasEvidence")


class Description:
    """What the graph says of one thing.

    Attributes:
        iri: the thing.
        label: its label.
        types: its classes, asserted and inferred.
        outgoing: statements with it as subject, those of its evidence items after them.
        incoming: statements with it as object, as many as were asked for.
        more_incoming: whether there are more of these.
    """

    def __init__(
        self, iri: IRI, label: str, outgoing: list[ox.Triple], incoming: list[ox.Triple], more_incoming: bool
    ) -> None:
        self.iri, self.label = iri, label
        self.outgoing, self.incoming, self.more_incoming = outgoing, incoming, more_incoming
        subject = ox.NamedNode(iri)
        self.types = sorted(
            IRI(triple.object.value)
            for triple in outgoing
            if triple.subject == subject and triple.predicate == _TYPE and isinstance(triple.object, ox.NamedNode)
        )

    def to_graph(self) -> GraphResult:
        """Return all the statements as one graph."""
        return GraphResult([*self.outgoing, *self.incoming])

    def _repr_html_(self) -> str:
        own = [triple for triple in self.outgoing if triple.subject == ox.NamedNode(self.iri)]
        return SolutionTable(("property", "value"), [(t.predicate, t.object) for t in own])._repr_html_()

    def __repr__(self) -> str:
        return f"<Description of {self.iri.short} ({self.label}): {len(self.outgoing)} statements>"


def describe(store: Store, iri: IRI, incoming: int) -> Description | None:
    """Return what a store says of a thing, ``None`` when it says nothing.

    Args:
        store: the store.
        iri: the thing.
        incoming: how many statements about it as an object at most.
    """
    node = ox.NamedNode(iri)
    own = sorted(_statements(store, node, None, None), key=str)
    items = [triple.object for triple in own if triple.predicate == _EVIDENCE]
    evidence = [
        triple for item in items if isinstance(item, ox.NamedNode) for triple in _statements(store, item, None, None)
    ]
    pointing = []
    for triple in _statements(store, None, None, node):
        pointing.append(triple)
        if len(pointing) > incoming:
            break
    if not own and not pointing:
        return None
    outgoing = own + sorted(evidence, key=str)
    return Description(iri, label_of(store, iri), outgoing, pointing[:incoming], len(pointing) > incoming)


def label_of(store: Store, iri: IRI, language: str = "en") -> str:
    """Return the label of a thing in a language, else in English, else any, else its short form."""
    found: dict[str, str] = {}
    for triple in _statements(store, ox.NamedNode(iri), _LABEL, None):
        if isinstance(triple.object, ox.Literal):
            found.setdefault(triple.object.language or "", triple.object.value)
    for wanted in (language, language.partition("-")[0], "en", ""):
        if wanted in found:
            return found[wanted]
    return found[min(found)] if found else shorten_iri(iri)


def _statements(
    store: Store, subject: ox.NamedNode | None, predicate: ox.NamedNode | None, value: ox.NamedNode | None
) -> Iterator[ox.Triple]:
    for quad in store.statements(subject, predicate, value, ox.DefaultGraph()):
        yield quad.triple
