"""The SHACL engine: same results as pyshacl by itself, and every shape can be told to a researcher."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pyoxigraph as ox
import pyshacl
import rdflib

from valueweave.authoring import load_documents
from valueweave.ontology import OntologyIndex
from valueweave.validation.engine import run_shapes
from valueweave.validation.shapes import hierarchy_triples

SH = rdflib.Namespace("http://www.w3.org/ns/shacl#")


def test_the_engine_finds_what_plain_pyshacl_finds(place: Any, ontology: OntologyIndex, shapes: list[Any]) -> None:
    place.change("    unit: unitPercent\n", "")
    place.change("inScheme: scheme/value", "inScheme: actor/jd")
    place.change("startYear: 2007", "startYear: 2017")
    place.change("    stageOf: ecosystem/jd\n", "    stageOf: scheme/value\n")
    documents = load_documents(place.project.data_files(), place.project, ontology)
    data = [*{q.triple for d in documents for q in d.quads()}, *hierarchy_triples(ontology)]
    ours = Counter((r.subject, r.path, r.component, r.value) for r in run_shapes(data, shapes))

    def graph(triples: list[ox.Triple]) -> rdflib.Graph:
        return rdflib.Graph().parse(data=ox.serialize(triples, format=ox.RdfFormat.N_TRIPLES), format="nt")

    _, report, _ = pyshacl.validate(graph(data), shacl_graph=graph(shapes), inference="none")
    plain: Counter[tuple[str, str | None, str, str | None]] = Counter()
    for node in report.subjects(rdflib.RDF.type, SH.ValidationResult):
        focus, path, component, value = (
            report.value(node, SH[name]) for name in ("focusNode", "resultPath", "sourceConstraintComponent", "value")
        )
        name = str(component).removeprefix(str(SH)).removesuffix("ConstraintComponent")
        plain[str(focus), path and str(path), name, value and str(value)] += 1
    assert {key[2] for key in ours} >= {"Class", "SPARQL", "LessThanOrEquals"}
    assert ours == plain


def test_looking_at_some_things_only_gives_their_part(place: Any, ontology: OntologyIndex, shapes: list[Any]) -> None:
    place.change("    unit: unitPercent\n", "")
    place.change("inScheme: scheme/value", "inScheme: actor/jd")
    documents = load_documents(place.project.data_files(), place.project, ontology)
    data = [*{q.triple for d in documents for q in d.quads()}, *hierarchy_triples(ontology)]
    everything = run_shapes(data, shapes)
    stage = "https://w3id.org/valueweave/id/stage/jd-1"
    assert {r.subject for r in everything} > {stage}
    assert Counter(run_shapes(data, shapes, [stage])) == Counter(r for r in everything if r.subject == stage)


def test_every_result_of_a_shape_has_message_and_remedy(shapes: list[Any]) -> None:
    """What the shapes say is all a researcher sees, so none may be silent."""
    sh, vsh = "http://www.w3.org/ns/shacl#", "https://w3id.org/valueweave/shapes#"
    told: dict[str, set[str]] = {}
    nodes = set()
    for triple in shapes:
        told.setdefault(str(triple.subject), set()).add(triple.predicate.value)
        if triple.predicate.value in (sh + "property", sh + "sparql"):
            nodes.add(str(triple.object))
    assert len(nodes) > 500
    assert [node for node in nodes if not {sh + "message", vsh + "remedy"} <= told[node]] == []
