"""The ontology as one: its statements merged, and an index of its terms.

In: the Turtle modules of a project. Out: :class:`OntologyIndex` with every class, property and individual by IRI and by
the key that authors write.
The decision hidden here: how modules become one ontology, and which ranges are closed lists of values.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import pyoxigraph as ox

from valueweave.namespaces import PREFIXES, SCE
from valueweave.problems import InputError, Problem
from valueweave.project import Project

if TYPE_CHECKING:
    import rdflib

__all__ = ["ANNOTATION_KEYS", "VOCABULARY_ANNOTATIONS", "OntologyIndex", "OntologyTerm", "TermKind"]

TermKind = Literal["class", "object", "datatype", "annotation", "individual"]

_RDF, _RDFS, _OWL, _SKOS = (PREFIXES[name] for name in ("rdf", "rdfs", "owl", "skos"))
_KINDS: dict[str, TermKind] = {
    _OWL + "Class": "class",
    _OWL + "ObjectProperty": "object",
    _OWL + "DatatypeProperty": "datatype",
    _OWL + "AnnotationProperty": "annotation",
    _OWL + "NamedIndividual": "individual",
}

ANNOTATION_KEYS: dict[str, str] = {
    "label": _RDFS + "label",
    "altLabel": _SKOS + "altLabel",
    "description": PREFIXES["dcterms"] + "description",
    "note": _SKOS + "editorialNote",
}
"""Keys of a record whose values are texts by language, with their properties."""

VOCABULARY_ANNOTATIONS = ("supports", "completeProperty", "statedProperty", "denotesTerm")
"""Annotation properties of a record whose values name terms of the ontology."""


@dataclass(frozen=True, slots=True)
class OntologyTerm:
    """A class, property or individual of the ontology.

    Attributes:
        iri: the full IRI.
        kind: what it is.
        key: what an author writes for it: the authoring key of a property, else the local name.
        labels: ``rdfs:label`` by language.
        definition: ``skos:definition`` in English, ``""`` when there is none.
        ranges: named classes or datatypes of ``rdfs:range``, the members of a union each.
        domains: the same for ``rdfs:domain``.
        parents: direct named superclasses or superproperties, for an individual its classes.
        inverses: properties stated as inverse, in either direction.
        module: IRI of the module that defines it, ``""`` for a foreign term.
    """

    iri: str
    kind: TermKind
    key: str
    labels: dict[str, str] = field(default_factory=dict)
    definition: str = ""
    ranges: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    inverses: tuple[str, ...] = ()
    module: str = ""

    @property
    def local(self) -> str:
        """The local name: what stands after the last ``#`` or ``/``."""
        return local_name(self.iri)


def local_name(iri: str) -> str:
    """Return what stands after the last ``#`` or ``/`` of ``iri``."""
    return iri.rsplit("#", 1)[-1].rsplit("/", 1)[-1]


def _parse(project: Project) -> Iterator[ox.Triple]:
    problems: list[Problem] = []
    for path in project.module_files():
        try:
            yield from (quad.triple for quad in ox.parse(path=path, format=ox.RdfFormat.TURTLE))
        except OSError as error:
            problems.append(
                Problem(
                    "unreadable-module",
                    f"A module of the ontology cannot be read ({error.strerror}).",
                    "Restore the file.",
                    file=str(path),
                )
            )
        except SyntaxError as error:
            problems.append(
                Problem(
                    "turtle-syntax",
                    f"A module of the ontology is not Turtle: {error.msg}.",
                    "Mend the statement at this place.",
                    file=str(path),
                    line=error.lineno,
                    column=error.offset,
                )
            )
    if problems:
        raise InputError(*problems)


def _missing_imports(triples: Iterable[ox.Triple], project: Project) -> list[Problem]:
    """Return a problem for each import of an ontology that no module is; nothing is fetched from elsewhere."""
    there: set[str] = set()
    wanted: dict[str, None] = {}
    for triple in triples:
        value = triple.object.value if isinstance(triple.object, ox.NamedNode) else ""
        if triple.predicate.value == _RDF + "type" and value == _OWL + "Ontology":
            assert isinstance(triple.subject, ox.NamedNode | ox.BlankNode)
            there.add(triple.subject.value)
        elif triple.predicate.value == _OWL + "imports":
            wanted[value] = None
    problems = []
    for iri in wanted:
        if iri in there:
            continue
        places = [
            (path, number)
            for path in project.module_files()
            for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
            if f"<{iri}>" in line
        ]
        path, number = places[0] if places else (None, None)
        problems.append(
            Problem(
                "missing-import",
                f"The ontology {iri} is imported, and no module is it.",
                "Restore its file in ontology/modules/, or take the import out.",
                file=str(path) if path else None,
                line=number,
                term=local_name(iri),
            )
        )
    return problems


class OntologyIndex:
    """The merged ontology and its terms.

    Attributes:
        triples: every statement of the modules, each once.
        terms: every declared term by IRI.

    Example:
        >>> from valueweave.project import Project
        >>> index = OntologyIndex.load(Project.find())  # doctest: +SKIP
        >>> index.property_for_key("evidence").local  # doctest: +SKIP
        'hasEvidence'
    """

    def __init__(self, triples: Iterable[ox.Triple]) -> None:
        self.triples: tuple[ox.Triple, ...] = tuple(dict.fromkeys(triples))
        self._values: dict[tuple[str, str], list[ox.NamedNode | ox.BlankNode | ox.Literal]] = defaultdict(list)
        for triple in self.triples:
            subject, value = triple.subject, triple.object
            if isinstance(value, ox.NamedNode | ox.BlankNode | ox.Literal):
                self._values[str(subject), triple.predicate.value].append(value)
        self.terms: dict[str, OntologyTerm] = {}
        for triple in self.triples:
            if triple.predicate.value == _RDF + "type" and isinstance(triple.subject, ox.NamedNode):
                kind = _KINDS.get(getattr(triple.object, "value", ""))
                if kind and triple.subject.value not in self.terms:
                    self.terms[triple.subject.value] = self._term(triple.subject, kind)

    @classmethod
    def load(cls, project: Project) -> OntologyIndex:
        """Read the modules of ``project``.

        Raises:
            InputError: when a module is missing or is not Turtle, or is imported and not there (all are named).
        """
        index = cls(_parse(project))
        if missing := _missing_imports(index.triples, project):
            raise InputError(*missing)
        return index

    # -- terms by kind

    def of_kind(self, kind: TermKind) -> dict[str, OntologyTerm]:
        """Return the terms of one kind by IRI, sorted."""
        return {iri: term for iri, term in sorted(self.terms.items()) if term.kind == kind}

    @cached_property
    def classes(self) -> dict[str, OntologyTerm]:
        """Named classes by IRI."""
        return self.of_kind("class")

    @cached_property
    def properties(self) -> dict[str, OntologyTerm]:
        """Object, datatype and annotation properties by IRI."""
        return {iri: t for iri, t in sorted(self.terms.items()) if t.kind in ("object", "datatype", "annotation")}

    @cached_property
    def individuals(self) -> dict[str, OntologyTerm]:
        """Individuals that the ontology itself declares, by IRI."""
        return self.of_kind("individual")

    @cached_property
    def keys(self) -> dict[str, str]:
        """IRI of the property of each key that a record may carry."""
        found = dict(ANNOTATION_KEYS)
        for iri, term in self.properties.items():
            if iri.startswith(SCE) and (term.kind != "annotation" or term.local in VOCABULARY_ANNOTATIONS):
                found.setdefault(term.key, iri)
        return found

    @cached_property
    def key_of(self) -> dict[str, str]:
        """Key of each property IRI, the reverse of :attr:`keys`."""
        return {iri: key for key, iri in self.keys.items()}

    def property_for_key(self, key: str) -> OntologyTerm | None:
        """Return the property that authors write as ``key``, or nothing."""
        return self.terms.get(self.keys.get(key, ""))

    def label(self, iri: str, language: str = "en") -> str:
        """Return the label of a term in ``language``, else in English, else its local name."""
        term = self.terms.get(iri)
        labels = term.labels if term else {}
        return labels.get(language) or labels.get("en") or local_name(iri)

    # -- hierarchy

    def ancestors(self, iri: str) -> frozenset[str]:
        """Return ``iri`` and all its superclasses (or superproperties), as far as they are named."""
        return self._closure(iri, self._parents, self._ancestors)

    def descendants(self, iri: str) -> frozenset[str]:
        """Return ``iri`` and all its named subclasses (or subproperties)."""
        return self._closure(iri, self._children, self._descendants)

    def values_of(self, class_iri: str) -> dict[str, str]:
        """Return the individuals that the ontology declares of a class or of its subclasses, by local name."""
        below = self.descendants(class_iri)
        return {t.local: iri for iri, t in self.individuals.items() if below.intersection(t.parents)}

    def vocabulary(self, property_iri: str) -> dict[str, str] | None:
        """Return the closed list of values of an object property (local name to IRI), or nothing when it is open."""
        if property_iri not in self._vocabularies:
            term = self.terms.get(property_iri)
            found: dict[str, str] = {}
            for range_iri in term.ranges if term and term.kind == "object" else ():
                found |= self.values_of(range_iri)
            self._vocabularies[property_iri] = found or None
        return self._vocabularies[property_iri]

    @cached_property
    def defined(self) -> frozenset[str]:
        """Classes with a definition: an equivalent class expression that says what its members are."""
        return frozenset(
            triple.subject.value
            for triple in self.triples
            if triple.predicate.value == _OWL + "equivalentClass"
            and isinstance(triple.subject, ox.NamedNode)
            and isinstance(triple.object, ox.BlankNode)
        )

    # -- graphs

    def merged_graph(self) -> rdflib.Graph:
        """Return all statements of the modules as one rdflib graph (a new one each time)."""
        import rdflib  # noqa: PLC0415 - only exports need it, and it is slow to import

        graph = rdflib.Graph()
        graph.parse(data=ox.serialize(self.triples, format=ox.RdfFormat.N_TRIPLES), format="nt")
        for prefix, namespace in PREFIXES.items():
            graph.bind(prefix, namespace)
        return graph

    # -- making

    @cached_property
    def _parents(self) -> dict[str, list[str]]:
        return {iri: list(term.parents) for iri, term in self.terms.items() if term.kind != "individual"}

    @cached_property
    def _children(self) -> dict[str, list[str]]:
        children: dict[str, list[str]] = defaultdict(list)
        for iri, parents in self._parents.items():
            for parent in parents:
                children[parent].append(iri)
        return dict(children)

    @cached_property
    def _ancestors(self) -> dict[str, frozenset[str]]:
        return {}

    @cached_property
    def _vocabularies(self) -> dict[str, dict[str, str] | None]:
        return {}

    @cached_property
    def _descendants(self) -> dict[str, frozenset[str]]:
        return {}

    @staticmethod
    def _closure(start: str, step: dict[str, list[str]], known: dict[str, frozenset[str]]) -> frozenset[str]:
        if start not in known:
            seen, todo = {start}, [start]
            while todo:
                for item in step.get(todo.pop(), ()):
                    if item not in seen:
                        seen.add(item)
                        todo.append(item)
            known[start] = frozenset(seen)
        return known[start]

    def _get(self, subject: object, predicate: str) -> list[ox.NamedNode | ox.BlankNode | ox.Literal]:
        return self._values.get((str(subject), predicate), [])

    def _list(self, node: object) -> Iterator[ox.NamedNode | ox.BlankNode | ox.Literal]:
        while first := self._get(node, _RDF + "first"):
            yield first[0]
            node = next(iter(self._get(node, _RDF + "rest")), None)

    def _named(self, nodes: Iterable[object], through: str) -> tuple[str, ...]:
        """Return the named ones of ``nodes``, and the named members of lists that hang at ``through``."""
        found: list[str] = []
        for node in nodes:
            if isinstance(node, ox.NamedNode):
                found.append(node.value)
            else:
                for head in self._get(node, through):
                    found += [item.value for item in self._list(head) if isinstance(item, ox.NamedNode)]
        return tuple(dict.fromkeys(found))

    def _term(self, node: ox.NamedNode, kind: TermKind) -> OntologyTerm:
        labels = {v.language or "": v.value for v in self._get(node, _RDFS + "label") if isinstance(v, ox.Literal)}
        texts = [v.value for v in self._get(node, _SKOS + "definition") if isinstance(v, ox.Literal)]
        keys = [v.value for v in self._get(node, SCE + "authoringKey") if isinstance(v, ox.Literal)]
        if kind == "class":
            parents = self._named(self._get(node, _RDFS + "subClassOf"), _OWL + "intersectionOf")
            # A defined class is below the named classes of its definition.
            parents += self._named(self._get(node, _OWL + "equivalentClass"), _OWL + "intersectionOf")
        elif kind == "individual":
            parents = tuple(
                c for c in self._named(self._get(node, _RDF + "type"), "") if c not in _KINDS and c.startswith(SCE)
            )
        else:
            parents = self._named(self._get(node, _RDFS + "subPropertyOf"), "")
        module = [v.value for v in self._get(node, _RDFS + "isDefinedBy") if isinstance(v, ox.NamedNode)]
        return OntologyTerm(
            iri=node.value,
            kind=kind,
            key=keys[0] if keys else local_name(node.value),
            labels=labels,
            definition=texts[0] if texts else "",
            ranges=self._named(self._get(node, _RDFS + "range"), _OWL + "unionOf"),
            domains=self._named(self._get(node, _RDFS + "domain"), _OWL + "unionOf"),
            parents=tuple(dict.fromkeys(p for p in parents if p != _OWL + "Thing")),
            inverses=self._inverses.get(node.value, ()),
            module=module[0] if module else "",
        )

    @cached_property
    def _inverses(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = defaultdict(list)
        for triple in self.triples:
            one, two = triple.subject, triple.object
            if triple.predicate.value != _OWL + "inverseOf":
                continue
            if isinstance(one, ox.NamedNode) and isinstance(two, ox.NamedNode):
                found[one.value].append(two.value)
                found[two.value].append(one.value)
        return {iri: tuple(dict.fromkeys(others)) for iri, others in found.items()}
