"""The knowledge graph as one file for other programs.

In: the store of a project. Out: one file, the same bytes for the same content, written beside and moved into place.
The decision hidden here: what an OWL file for Protégé and reasoners holds, and how its order is fixed.

``owl`` is RDF/XML: the modules of the ontology merged under the root's IRI (no imports), and the records. Evidence,
spellings, stated values and sources are left out, because thousands of individuals that no axiom looks at make
a description-logic reasoner slow; ``include`` adds them. The other formats hold everything that was asserted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import pyoxigraph as ox

from valueweave.convert import BACKING_CLASSES
from valueweave.files import write_atomically
from valueweave.graph import KnowledgeGraph
from valueweave.layout import DERIVATIONS, INFERRED_GRAPH, ONTOLOGY_GRAPH
from valueweave.namespaces import GRAPH, ID, PREFIXES, SCE
from valueweave.problems import InputError, Problem
from valueweave.store.formats import WRITTEN_PREFIXES

__all__ = ["EXPORT_FORMATS", "INCLUDES", "export", "owl_triples"]

EXPORT_FORMATS = ("owl", "turtle", "ntriples", "nquads", "trig", "jsonld")
"""Names of the formats."""

INCLUDES = ("evidence", "inferred")
"""What can be added to what a format holds of itself."""

ROOT = SCE.removesuffix("#")
"""IRI of the ontology."""

_OWL, _RDF = PREFIXES["owl"], PREFIXES["rdf"]
_TYPE = ox.NamedNode(_RDF + "type")
_ONTOLOGY = ox.NamedNode(_OWL + "Ontology")
_IMPORTS = ox.NamedNode(_OWL + "imports")
_INDIVIDUAL = ox.NamedNode(_OWL + "NamedIndividual")
_WRITERS = {
    "turtle": ox.RdfFormat.TURTLE,
    "ntriples": ox.RdfFormat.N_TRIPLES,
    "nquads": ox.RdfFormat.N_QUADS,
    "trig": ox.RdfFormat.TRIG,
    "jsonld": ox.RdfFormat.JSON_LD,
}


def export(kg: KnowledgeGraph, form: str, output: Path, include: Collection[str] = ()) -> int:
    """Write the knowledge graph to a file.

    Args:
        kg: what to write.
        form: one of :data:`EXPORT_FORMATS`.
        output: the file; it is replaced in one step.
        include: ``evidence`` (for ``owl``; the other formats always hold it) and ``inferred``.

    Returns:
        How many statements were written.

    Raises:
        InputError: when the format or an ``include`` is unknown, or the file cannot be written.
    """
    if form not in EXPORT_FORMATS:
        raise InputError(
            Problem(
                "unknown-format", f"There is no format '{form}'.", f"Known: {', '.join(EXPORT_FORMATS)}.", term=form
            )
        )
    for name in include:
        if name not in INCLUDES:
            raise InputError(
                Problem(
                    "unknown-include", f"There is no '{name}' to include.", f"Known: {', '.join(INCLUDES)}.", term=name
                )
            )
    statements: Sequence[ox.Triple] | Sequence[ox.Quad]
    if form == "owl":
        statements = owl_triples(kg, evidence="evidence" in include, inferred="inferred" in include)
        body = ox.serialize(statements, format=ox.RdfFormat.RDF_XML, prefixes=WRITTEN_PREFIXES)
    else:
        quads = _canonical(_named_quads(kg, inferred="inferred" in include))
        graphs = form in {"nquads", "trig"}
        statements = quads if graphs else sorted({quad.triple for quad in quads}, key=str)
        body = ox.serialize(statements, format=_WRITERS[form], prefixes=WRITTEN_PREFIXES)
    assert body is not None
    write_atomically(output, body)
    return len(statements)


def owl_triples(kg: KnowledgeGraph, *, evidence: bool = False, inferred: bool = False) -> list[ox.Triple]:
    """Return what the OWL file holds: one ontology, its terms and the records, sorted.

    Args:
        kg: the knowledge graph.
        evidence: also the evidence items, spellings, stated values and sources.
        inferred: also the inferred statements.
    """
    root = ox.NamedNode(ROOT)
    merged = [
        ox.Quad(quad.subject, quad.predicate, quad.object)
        for quad in kg.store.statements(graph=ox.NamedNode(ONTOLOGY_GRAPH))
        if quad.predicate != _IMPORTS
    ]
    headers = {quad.subject for quad in merged if quad.predicate == _TYPE and quad.object == _ONTOLOGY} - {root}
    kept: dict[ox.Triple, None] = {quad.triple: None for quad in _canonical(merged) if quad.subject not in headers}
    left_out: set[str] = set()
    if not evidence:
        for name in BACKING_CLASSES:
            for quad in kg.store.statements(None, _TYPE, ox.NamedNode(name), ox.DefaultGraph()):
                left_out.update([quad.subject.value] if isinstance(quad.subject, ox.NamedNode) else [])
    individuals: set[str] = set()
    for quad in _named_quads(kg, inferred=inferred, ontology=False):
        ends = [node.value for node in (quad.subject, quad.object) if isinstance(node, ox.NamedNode)]
        if left_out.intersection(ends):
            continue
        kept[quad.triple] = None
        individuals.update(end for end in ends if end.startswith(ID))
    annotations = {
        triple.subject.value
        for triple in kept
        if triple.object == ox.NamedNode(_OWL + "AnnotationProperty") and isinstance(triple.subject, ox.NamedNode)
    }
    individuals -= _only_annotated(kept, annotations)
    for iri in individuals:
        kept[ox.Triple(ox.NamedNode(iri), _TYPE, _INDIVIDUAL)] = None
    return sorted(kept, key=_order)


def _only_annotated(triples: Iterable[ox.Triple], annotations: set[str]) -> set[str]:
    """Return the ids that stand only as values of annotations: they are names there, no individuals."""
    named: set[str] = set()
    used: set[str] = set()
    for triple in triples:
        if isinstance(triple.subject, ox.NamedNode):
            used.add(triple.subject.value)
        if isinstance(triple.object, ox.NamedNode):
            (named if triple.predicate.value in annotations else used).add(triple.object.value)
    return named - used


def _named_quads(kg: KnowledgeGraph, *, inferred: bool, ontology: bool = True) -> list[ox.Quad]:
    """Return the quads of the named graphs: those of authored files, and the others where asked for."""
    skipped = {graph for graph, wanted in ((INFERRED_GRAPH, inferred), (ONTOLOGY_GRAPH, ontology)) if not wanted}
    return [
        quad
        for graph in kg.store.graphs()
        if graph.startswith(GRAPH) and graph not in skipped and not graph.startswith(DERIVATIONS)
        for quad in kg.store.statements(graph=ox.NamedNode(graph))
    ]


def _canonical(quads: Iterable[ox.Quad]) -> list[ox.Quad]:
    """Return ``quads`` sorted, their blank nodes named by what they say and not by chance (RDFC-1.0)."""
    dataset = ox.Dataset(quads)
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    return sorted(dataset, key=lambda quad: (str(quad.graph_name), str(quad.triple)))


def _order(triple: ox.Triple) -> tuple[int, str, int, str, str]:
    """Put the ontology first, then named things, then blank nodes; the type of each before its other statements."""
    subject = triple.subject
    rank = 0 if subject == ox.NamedNode(ROOT) else 1 if isinstance(subject, ox.NamedNode) else 2
    return rank, str(subject), int(triple.predicate != _TYPE), str(triple.predicate), str(triple.object)
