"""What the server knows of the graph as a whole: the terms of the ontology, labels, counts.

In: a :class:`~valueweave.graph.KnowledgeGraph`. Out: labels in a language, keys of properties, numbers for pages.
The decision hidden here: what is read once and kept (a store never
changes while it is open) and what is asked each time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Protocol, TypedDict

import pyoxigraph as ox

from valueweave.graph import KnowledgeGraph
from valueweave.layout import ONTOLOGY_GRAPH
from valueweave.namespaces import PREFIXES, SCE, expand_iri, shorten_iri
from valueweave.ontology import OntologyIndex
from valueweave.resources import RESOURCES
from valueweave.server.models import Reference, Statistics
from valueweave.server.templating import href

__all__ = ["Answering", "Catalogue", "Naming", "Texts", "best", "holds", "iris_of", "rows"]

Node = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple
Texts = Mapping[str, str]

_NAMING = (("rdfs:label",), ("sce:usedName", "sce:title"), ("sce:statedLiteral",))
"""What a thing is called by: those of a line together, where there is none of the line before."""
_REMEMBERED = 50_000
_ONTOLOGY = f"CONSTRUCT {{ ?s ?p ?o }} WHERE {{ GRAPH <{ONTOLOGY_GRAPH}> {{ ?s ?p ?o }} }}"


def rows(answer: object) -> list[list[Node | None]]:
    """Read the solutions of a SELECT query (in the thread that asked), columns in the order of the query."""
    assert isinstance(answer, ox.QuerySolutions)
    names = [variable.value for variable in answer.variables]
    return [[solution[name] for name in names] for solution in answer]


def iris_of(found: Iterable[Sequence[Node | None]]) -> list[str]:
    """Return the IRIs in the first column of solutions."""
    return [row[0].value for row in found if isinstance(row[0], ox.NamedNode)]


def holds(term: Node | None) -> bool:
    """Return whether a computed value is true, in either way that a literal or an engine writes it.

    >>> holds(ox.Literal(True)), holds(ox.Literal(1)), holds(ox.Literal(False)), holds(None)
    (True, True, False, False)
    """
    return isinstance(term, ox.Literal) and term.value in {"true", "1"}


def best(texts: Texts, languages: Sequence[str]) -> str | None:
    """Return the text in the first language there is, else in English, else without a language, else any.

    >>> best({"en": "JD", "zh": "京东"}, ("fr", "zh"))
    '京东'
    """
    for wanted in (*languages, "en", ""):
        if wanted in texts:
            return texts[wanted]
        for language in sorted(texts):
            if language.lower().split("-")[0] == wanted:
                return texts[language]
    return texts[min(texts)] if texts else None


class Naming(TypedDict):
    """The fields of a :class:`~valueweave.server.models.Reference`."""

    id: str
    iri: str
    label: str
    href: str | None


class Answering(Protocol):
    """What answers queries of others in bytes: the store itself, or processes that can be ended."""

    def serialize_query(
        self,
        text: str,
        accept: str | None = None,
        *,
        substitutions: Mapping[str, ox.NamedNode | ox.Literal] | None = None,
        default_graph: Sequence[str] | None = None,
        named_graphs: Sequence[str] | None = None,
    ) -> tuple[bytes, str]:
        """Answer a query and write the answer, as :meth:`valueweave.store.EmbeddedStore.serialize_query`."""
        ...


class Catalogue:
    """Labels, keys and counts of one knowledge graph.

    Attributes:
        kg: the knowledge graph.
        store: its store, for queries of our own making.
        evaluator: what answers the queries of others: processes that can be ended, or the store itself.
    """

    def __init__(self, kg: KnowledgeGraph, evaluator: Answering | None = None) -> None:
        self.kg = kg
        self.store = kg.store
        self.evaluator: Answering = evaluator or kg.store
        self._names: dict[str, dict[str, str]] = {}

    def inherit(self, before: Catalogue) -> None:
        """Take over what depends on the ontology alone from the catalogue of another version with the same ontology."""
        if self.store.manifest["digest"] == before.store.manifest["digest"]:
            for name in ("ontology", "definitions", "_symmetric"):
                if name in before.__dict__:
                    self.__dict__[name] = before.__dict__[name]

    @property
    def version(self) -> str:
        """Version of the store."""
        return self.kg.version

    @cached_property
    def ontology(self) -> OntologyIndex:
        """The terms of the ontology that is in the store."""
        answer = self.store.query(_ONTOLOGY)
        assert isinstance(answer, ox.QueryTriples)
        return OntologyIndex(answer)

    def labels(self, iris: Iterable[str]) -> dict[str, dict[str, str]]:
        """Return the labels of things by IRI and language; a spelling or title stands in where there is no label."""
        wanted = dict.fromkeys(iris)
        terms, names = self.ontology.terms, self._names
        found: dict[str, dict[str, str]] = {}
        for iri in wanted:
            if (term := terms.get(iri)) and term.labels:
                found[iri] = term.labels
            elif iri in names:
                found[iri] = names[iri]
        if missing := [iri for iri in wanted if iri not in found]:
            found |= self._ask_names(missing)
        return found

    def _ask_names(self, iris: Sequence[str]) -> dict[str, dict[str, str]]:
        """Return what things are called, and remember it: lists and neighbours name the same things again and again."""
        found: dict[str, dict[str, str]] = {}
        for properties in _NAMING:
            texts: dict[str, dict[str, str]] = defaultdict(dict)
            subjects = [ox.NamedNode(iri) for iri in iris if iri not in found]
            for name in properties:
                for triple in self.store.statements_about(subjects, ox.NamedNode(expand_iri(name))):
                    if isinstance(triple.subject, ox.NamedNode) and isinstance(triple.object, ox.Literal):
                        known, text = texts[triple.subject.value], triple.object
                        language = text.language or ""
                        known[language] = min(text.value, known.get(language, text.value))
            found |= texts
        if len(self._names) + len(iris) > _REMEMBERED:
            self._names = {}
        self._names |= {iri: found.get(iri, {}) for iri in iris}
        return found

    def reference(self, iri: str, labels: Mapping[str, Texts], languages: Sequence[str]) -> Reference:
        """Return a thing with its label."""
        return Reference(**self.naming(iri, labels, languages))

    def naming(self, iri: str, labels: Mapping[str, Texts], languages: Sequence[str]) -> Naming:
        """Return the fields of :meth:`reference`, for whoever adds to them."""
        label = best(labels.get(iri, {}), languages)
        return {"id": shorten_iri(iri), "iri": iri, "label": label or self.name(iri), "href": href(iri)}

    @staticmethod
    def name(iri: str) -> str:
        """Return what to call a thing without a label."""
        short = shorten_iri(iri)
        return short.partition(":")[2] if iri.startswith(SCE) else short

    def key(self, property_iri: str) -> str:
        """Return the key under which a property stands in JSON: that of the case files, else its short form."""
        return self.ontology.key_of.get(property_iri) or (
            property_iri.removeprefix(SCE) if property_iri.startswith(SCE) else shorten_iri(property_iri)
        )

    def named_elsewhere(self, property_iri: str) -> bool:
        """Return whether what points to a thing by this property also stands among the thing's own values."""
        term = self.ontology.terms.get(property_iri)
        return bool(term and term.inverses) or property_iri in self._symmetric

    @cached_property
    def _symmetric(self) -> frozenset[str]:
        owl = PREFIXES["owl"]
        return frozenset(
            triple.subject.value
            for triple in self.ontology.triples
            if isinstance(triple.subject, ox.NamedNode) and triple.object == ox.NamedNode(owl + "SymmetricProperty")
        )

    @cached_property
    def definitions(self) -> dict[str, dict[str, str]]:
        """Definitions of the terms of the ontology, by IRI and language."""
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for triple in self.ontology.triples:
            subject, value = triple.subject, triple.object
            if triple.predicate.value != PREFIXES["skos"] + "definition":
                continue
            if isinstance(subject, ox.NamedNode) and isinstance(value, ox.Literal):
                found[subject.value][value.language or ""] = value.value
        return dict(found)

    def most_specific(self, classes: Iterable[str]) -> list[str]:
        """Return the classes that are not above another one of them."""
        named = sorted(set(classes))
        above = {upper for one in named for upper in self.ontology.ancestors(one) if upper != one}
        return [one for one in named if one not in above]

    @cached_property
    def statistics(self) -> Statistics:
        """Counts, as the build wrote them down."""
        known = self.kg.statistics()
        types: dict[str, int] = known.get("types", {})
        graphs: dict[str, int] = known.get("graphs", {})
        return Statistics(
            version=self.version,
            built_at=known.get("built_at"),
            counts=known.get("counts", {}),
            resources={name: types.get(resource.class_iri, 0) for name, resource in RESOURCES.items()},
            types={shorten_iri(iri): number for iri, number in types.items()},
            graphs={shorten_iri(iri): number for iri, number in graphs.items()},
        )
