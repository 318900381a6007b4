"""Checks by the SHACL shapes of the ontology.

In: documents and shapes. Out: findings with the message and remedy of the shape, placed in the files.
The decision hidden here: the SHACL engine (pyshacl), and that records are checked as they were written, with the class
hierarchy and nothing else inferred.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pyoxigraph as ox

from valueweave.authoring.document import Document
from valueweave.namespaces import PREFIXES, SCE, shorten_iri
from valueweave.ontology import OntologyIndex
from valueweave.problems import Level, Problem
from valueweave.validation.findings import Finding
from valueweave.validation.references import Catalogue

if TYPE_CHECKING:
    import rdflib

__all__ = ["check_shapes", "hierarchy_triples"]

_RDF, _RDFS, _SH, _VSH = (PREFIXES[name] for name in ("rdf", "rdfs", "sh", "vsh"))
_LEVELS: dict[str, Level] = {"Violation": "error", "Warning": "warning", "Info": "info"}
_NAMED_BLANK = "urn:valueweave:shape:"


def hierarchy_triples(ontology: OntologyIndex) -> list[ox.Triple]:
    """Return what shapes need of the ontology: superclasses of each class, and the classes of its individuals."""
    found = []
    for iri in ontology.classes:
        for above in ontology.ancestors(iri) - {iri}:
            found.append(ox.Triple(ox.NamedNode(iri), ox.NamedNode(_RDFS + "subClassOf"), ox.NamedNode(above)))
    for iri, term in ontology.individuals.items():
        for name in term.parents:
            found.append(ox.Triple(ox.NamedNode(iri), ox.NamedNode(_RDF + "type"), ox.NamedNode(name)))
    return found


def _graph(triples: Iterable[ox.Triple]) -> rdflib.Graph:
    import rdflib  # noqa: PLC0415 - slow to import, and many commands never check shapes

    graph = rdflib.Graph()
    graph.parse(data=ox.serialize(triples, format=ox.RdfFormat.N_TRIPLES), format="nt")
    return graph


def _name_blanks(triples: Iterable[ox.Triple]) -> list[ox.Triple]:
    """Give blank nodes names, so that a result can be traced back to the property or constraint it comes from."""

    def named(node: Any) -> Any:
        return ox.NamedNode(_NAMED_BLANK + node.value) if isinstance(node, ox.BlankNode) else node

    return [ox.Triple(named(t.subject), t.predicate, named(t.object)) for t in triples]


def check_shapes(
    documents: Sequence[Document],
    shapes: Iterable[ox.Triple],
    ontology: OntologyIndex,
    catalogue: Catalogue,
    only: Sequence[Document] | None = None,
) -> Iterator[Finding]:
    """Yield what the shapes find.

    Args:
        documents: all documents of the project.
        shapes: the shapes, as :func:`~valueweave.authoring.model.read_shapes` returns them.
        ontology: the ontology.
        catalogue: what is defined; a value that is defined nowhere is reported elsewhere, not here.
        only: documents whose things are looked at; all by default.

    Source: SHACL, https://www.w3.org/TR/shacl/.
    """
    import pyshacl  # noqa: PLC0415 - slow to import

    looked_at = list(documents if only is None else only)
    subjects = {entry.iri for document in looked_at for entry in document.entries}
    if not subjects:
        return
    shape_graph = _graph(_name_blanks(shapes))
    triples = {quad.triple for document in documents for quad in document.quads()}
    data = _graph([*triples, *hierarchy_triples(ontology)])
    focus = None if only is None else sorted(subjects)
    _, report, _ = pyshacl.validate(
        data, shacl_graph=shape_graph, inference="none", advanced=False, inplace=True, focus_nodes=focus
    )
    yield from _findings(report, shape_graph, looked_at, catalogue)


def _findings(
    report: rdflib.Graph, shapes: rdflib.Graph, documents: Sequence[Document], catalogue: Catalogue
) -> Iterator[Finding]:
    from rdflib import RDF, Namespace  # noqa: PLC0415

    sh = Namespace(_SH)
    vsh = Namespace(_VSH)
    for result in report.subjects(RDF.type, sh.ValidationResult):
        subject = str(report.value(result, sh.focusNode))
        path = report.value(result, sh.resultPath)
        value = report.value(result, sh.value)
        component = str(report.value(result, sh.sourceConstraintComponent)).removeprefix(_SH)
        if component == "ClassConstraintComponent" and value is not None and not catalogue.typed(str(value)):
            continue
        place = _place(documents, subject, None if path is None else str(path), value)
        if place is None:
            continue
        document, line, column, record, key = place
        sources = [
            node
            for node in (report.value(result, sh.sourceConstraint), report.value(result, sh.sourceShape))
            if node is not None
        ]
        message = _text(shapes, sources[:1], sh.message) or _text(report, [result], sh.resultMessage)
        remedy = _text(shapes, sources, vsh.remedy)
        severity = str(report.value(result, sh.resultSeverity)).removeprefix(_SH)
        other = next(
            (str(o) for name in ("lessThan", "lessThanOrEquals") for o in shapes.objects(sources[0], sh[name])), ""
        )
        yield Finding(
            Problem(
                "shape-" + re.sub(r"(?<=[a-z])(?=[A-Z])", "-", component.removesuffix("ConstraintComponent")).lower(),
                message + _shown(subject, value, message),
                remedy or "See the definition of the class in the ontology.",
                str(document.path),
                line,
                column,
                record,
                key or (shorten_iri(str(path)) if path is not None and str(path).startswith(SCE) else None),
                _LEVELS.get(severity, "error"),
            ),
            subject,
            _also(document, key, other),
        )


def _also(document: Document, key: str | None, other: str) -> str | None:
    """Return the key a finding is about; for a comparison of two the second, where other checks report it."""
    return document.ontology.key_of.get(other, key) if other else key


def _place(
    documents: Sequence[Document], subject: str, path: str | None, value: object
) -> tuple[Document, int, int, str, str | None] | None:
    """Return the place in the first document that says it, else in the first that speaks of ``subject``."""
    places = []
    for document in documents:
        if found := document.locate(subject, path, value):
            line, column, record, key = found
            stated = key is not None and any(key in entry.mapping.entries for entry in document.by_iri[subject])
            places.append((not stated, (document, line, column, record, key)))
    return min(places, key=lambda item: item[0])[1] if places else None


def _text(graph: rdflib.Graph, nodes: Sequence[Any], predicate: Any) -> str:
    for node in nodes:
        texts = sorted(graph.objects(node, predicate), key=lambda text: getattr(text, "language", None) != "en")
        if texts:
            return str(texts[0])
    return ""


def _shown(subject: str, value: object, message: str) -> str:
    """Return the value at fault, for a message that does not name it."""
    if value is None or str(value) == subject:
        return ""
    text = shorten_iri(str(value)).removeprefix("sce:")
    return "" if text in message or len(text) > 80 else f" Here it is '{text}'."
