"""Checks by the SHACL shapes of the ontology.

In: documents and shapes. Out: findings with the message and remedy of the shape, placed in the files.
The decision hidden here: that records are checked as they were written, with the class hierarchy and nothing else
inferred, and where in which file a result of the engine belongs.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import pyoxigraph as ox

from valueweave.authoring.document import Document
from valueweave.namespaces import ID, PREFIXES, SCE, shorten_iri
from valueweave.ontology import OntologyIndex
from valueweave.problems import Level, Problem
from valueweave.validation.findings import Finding
from valueweave.validation.references import Catalogue

if TYPE_CHECKING:
    from valueweave.validation.engine import Result

__all__ = ["check_shapes", "hierarchy_triples"]

_TYPE = ox.NamedNode(PREFIXES["rdf"] + "type")
_SUBCLASS = ox.NamedNode(PREFIXES["rdfs"] + "subClassOf")
_LEVELS: dict[str, Level] = {"Violation": "error", "Warning": "warning", "Info": "info"}


def hierarchy_triples(ontology: OntologyIndex) -> list[ox.Triple]:
    """Return what shapes need of the ontology: superclasses of each class, and the classes of its individuals."""
    found = []
    for iri in ontology.classes:
        for above in sorted(ontology.ancestors(iri) - {iri}):
            found.append(ox.Triple(ox.NamedNode(iri), _SUBCLASS, ox.NamedNode(above)))
    for iri, term in ontology.individuals.items():
        for name in term.parents:
            found.append(ox.Triple(ox.NamedNode(iri), _TYPE, ox.NamedNode(name)))
    return found


def check_shapes(
    documents: Sequence[Document],
    shapes: Iterable[ox.Triple],
    ontology: OntologyIndex,
    catalogue: Catalogue,
    only: Sequence[Document] | None = None,
    around: Iterable[ox.Triple] = (),
) -> Iterator[Finding]:
    """Yield what the shapes find.

    Args:
        documents: all documents of the project.
        shapes: the shapes, as :func:`~valueweave.authoring.model.read_shapes` returns them.
        ontology: the ontology.
        catalogue: what is defined; a value that is defined nowhere is reported elsewhere, not here.
        only: documents whose things are looked at; all by default.
        around: what is said elsewhere, as far as shapes may look.
    """
    looked_at = list(documents if only is None else only)
    subjects = {entry.iri for document in looked_at for entry in document.entries}
    if not subjects:
        return
    from valueweave.validation.engine import run_shapes  # noqa: PLC0415 - slow to import

    triples = dict.fromkeys(quad.triple for document in documents for quad in document.quads())
    triples.update(dict.fromkeys(around))
    dangling = _dangling(triples, catalogue, subjects)
    results = run_shapes([*triples, *hierarchy_triples(ontology)], shapes, None if only is None else sorted(subjects))
    for result in results:
        if _is_consequence(result, catalogue, dangling):
            continue
        place = _place(looked_at, result.subject, result.path, result.value)
        if place is None:
            continue
        document, line, column, record, key = place
        term = key or (shorten_iri(result.path) if result.path and result.path.startswith(SCE) else None)
        problem = Problem(
            "shape-" + re.sub(r"(?<=[a-z])(?=[A-Z])", "-", result.component).lower(),
            result.message + _shown(result.subject, result.value, result.message),
            result.remedy or "See the definition of the class in the ontology.",
            str(document.path),
            line,
            column,
            record,
            term,
            _LEVELS.get(result.severity, "error"),
        )
        # Of a comparison of two keys the other checks report the second.
        other = document.ontology.key_of.get(result.compared_with or "")
        yield Finding(problem, result.subject, other or key)


def _dangling(triples: Iterable[ox.Triple], catalogue: Catalogue, things: Collection[str]) -> set[str]:
    """Return those of some things that refer to something of which no class is known."""
    found = set()
    for triple in triples:
        subject, value = triple.subject, triple.object
        if not isinstance(value, ox.NamedNode) or not isinstance(subject, ox.NamedNode) or subject.value not in things:
            continue
        if value.value.startswith(ID) and not catalogue.typed(value.value):
            found.add(subject.value)
    return found


def _is_consequence(result: Result, catalogue: Catalogue, dangling: set[str]) -> bool:
    """Return whether a result only follows from a reference to nothing, or to a thing without a class."""
    if result.component == "SPARQL" and result.subject in dangling:
        return True
    checks_class = result.component in ("Class", "SPARQL") and result.refers and result.value != result.subject
    return checks_class and not catalogue.typed(str(result.value))


def _place(
    documents: Sequence[Document], subject: str, path: str | None, value: str | None
) -> tuple[Document, int, int, str, str | None] | None:
    """Return the place in the first document that says it, else in the first that speaks of ``subject``."""
    places = []
    for document in documents:
        if found := document.locate(subject, path, value):
            line, column, record, key = found
            stated = key is not None and any(key in entry.mapping.entries for entry in document.by_iri[subject])
            places.append((not stated, (document, line, column, record, key)))
    return min(places, key=lambda item: item[0])[1] if places else None


def _shown(subject: str, value: str | None, message: str) -> str:
    """Return the value at fault, for a message that does not name it."""
    if value is None or value == subject:
        return ""
    text = shorten_iri(value).removeprefix("sce:")
    return "" if text in message or len(text) > 80 else f" Here it is '{text}'."
