"""Rules and HermiT agree on every type in all cases; what only HermiT finds is told with the statements behind it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyoxigraph as ox
import pytest

from valueweave.graph import KnowledgeGraph
from valueweave.layout import ONTOLOGY_GRAPH
from valueweave.namespaces import GRAPH, ID, SCE
from valueweave.problems import InputError
from valueweave.project import Project
from valueweave.reasoning.logic.check import case_names, check_with_reasoner, projection
from valueweave.reasoning.proofs.text import ProofWriter
from valueweave.reasoning.report import ReportWriter
from valueweave.store import EmbeddedStore

COMPARING = ox.NamedNode(SCE + "CrossCaseClaim")
TYPE = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")


class TestRealProject:
    def test_rules_and_reasoner_agree_over_all_cases(
        self, kg: KnowledgeGraph, report_time: Callable[[str], None]
    ) -> None:
        [report] = check_with_reasoner(kg)
        report_time(f"HermiT: all cases, {report.statements} statements in {report.result.seconds:.1f} s")
        assert report.result.consistent
        assert report.result.unsatisfiable == frozenset()
        assert report.only_rules == ()
        assert report.only_reasoner == ()
        assert report.sound
        assert len(report.result.types) > 3000
        # The comparison looks at what is inferred, and at what follows from counting.
        stated = {(quad.subject, quad.object) for quad in kg.store.statements(predicate=TYPE, graph=None)}
        comparing = [name for name, kinds in report.result.types.items() if COMPARING.value in kinds]
        assert comparing
        assert stated

    def test_each_case_is_consistent_by_itself(self, kg: KnowledgeGraph) -> None:
        cases = [name for name in case_names(kg) if name.startswith("case/")]
        assert len(cases) >= 5
        whole = set(projection(kg))
        [report] = check_with_reasoner(kg, ["jd-2007-2021"])
        assert (report.case, report.sound) == ("case/jd-2007-2021", True)
        assert report.statements < len(whole)
        assert set(projection(kg, "case/jd-2007-2021")) < whole
        jd = {
            triple.subject.value
            for triple in projection(kg, "jd-2007-2021")
            if isinstance(triple.subject, ox.NamedNode)
        }
        assert {ID + "stage/jd-1", ID + "actor/jd"} <= jd
        assert ID + "state/cosmo-step-3" not in jd

    def test_a_case_that_is_not_there_is_told_with_the_nearest(self, kg: KnowledgeGraph) -> None:
        with pytest.raises(InputError, match="jd-2007-2021"):
            check_with_reasoner(kg, ["jd-2007-2020"])

    def test_the_command_reports_it(self, kg: KnowledgeGraph) -> None:
        arguments = ["--home", str(kg.project.home), "--store", str(kg.project.store), "reason"]

        def run(*more: str) -> subprocess.CompletedProcess[str]:
            command = [sys.executable, "-m", "valueweave", *arguments, *more]
            return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)

        answer = run("--dl", "--case", "jd-2007-2021", "--json")
        assert answer.returncode == 0, answer.stderr
        [found] = json.loads(answer.stdout)["description_logic"]
        assert (found["case"], found["consistent"], found["only_rules"]) == ("case/jd-2007-2021", True, [])
        assert run("--case", "jd-2007-2021").returncode == 2
        plain = json.loads(run("--json").stdout)
        assert plain["schema"].endswith("reasoning-1")
        assert plain["rules"]["differing"] == 0
        assert plain["rules"]["contradictions"] == []
        assert plain["rules"]["inferred"] == kg.statistics()["counts"]["inferred"]
        assert sum(plain["rules"]["by_rule"].values()) == plain["rules"]["inferred"]


ONTOLOGY = """
@prefix owl: <http://www.w3.org/2002/07/owl#> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix sce: <https://w3id.org/valueweave/ontology#> .
sce:Mill a owl:Class ; rdfs:subClassOf [ a owl:Class ; owl:unionOf ( sce:Spinner sce:Weaver ) ] .
sce:Spinner a owl:Class . sce:Weaver a owl:Class . sce:Other a owl:Class .
sce:NoSpinner a owl:Class ; owl:disjointWith sce:Spinner . sce:NoWeaver a owl:Class ; owl:disjointWith sce:Weaver .
sce:supplies a owl:ObjectProperty ; rdfs:range sce:Spinner .
sce:Impossible a owl:Class ; rdfs:subClassOf sce:Spinner, sce:NoSpinner .
sce:hasEvidence a owl:ObjectProperty .
"""


def world(folder: Path, data: str) -> KnowledgeGraph:
    """Return a graph of a small ontology in which only the reasoner finds what is wrong."""
    prefixes = f"@prefix sce: <{SCE}> . @prefix : <{ID}> .\n"
    ontology = [quad.triple for quad in ox.parse(ONTOLOGY, format=ox.RdfFormat.TURTLE)]
    asserted = [quad.triple for quad in ox.parse(prefixes + data, format=ox.RdfFormat.TURTLE)]
    graphs = [(ontology, ox.NamedNode(ONTOLOGY_GRAPH)), (asserted, ox.NamedNode(GRAPH + "case/mill"))]
    quads = [
        ox.Quad(triple.subject, triple.predicate, triple.object, place)
        for triples, graph in graphs
        for triple in triples
        for place in (graph, ox.DefaultGraph())
    ]
    counts = {"records": len(asserted)}
    manifest = {"digest": "0" * 64, "counts": counts, "statistics": {"graphs": {GRAPH + "case/mill": 1}, "types": {}}}
    EmbeddedStore.write(folder / "store", quads, manifest)
    return KnowledgeGraph(EmbeddedStore.open(folder / "store"), Project(folder, folder / "store"))


class TestSmallWorld:
    def test_what_only_the_reasoner_finds_names_a_smallest_set(self, tmp_path: Path) -> None:
        data = ":one a sce:Mill, sce:NoSpinner, sce:NoWeaver, sce:Other . :two a sce:Mill ; sce:supplies :three ."
        with world(tmp_path, data) as kg:
            [report] = check_with_reasoner(kg)
            assert not report.result.consistent
            assert not report.sound
            assert report.contradictions == ()
            assert report.behind is not None
            told = {str(proof.statement.object).rsplit("#", 1)[1].strip(">") for proof in report.behind}
            assert told == {"Mill", "NoSpinner", "NoWeaver"}
            text = ReportWriter(ProofWriter(kg.label)).dl_text(report)
            assert "INCONSISTENT" in text
            assert "asserted in case/mill" in text
            assert "Other" not in text

    def test_what_a_check_finds_is_told_by_its_proof(self, tmp_path: Path) -> None:
        with world(tmp_path, ":one a sce:Spinner, sce:NoSpinner .") as kg:
            [report] = check_with_reasoner(kg)
            assert not report.result.consistent
            [found] = report.contradictions
            assert len(found.leaves) == 2
            assert "nothing is two of" in ReportWriter(ProofWriter(kg.label)).dl_text(report)

    def test_a_class_without_members_is_told_with_its_axioms(self, tmp_path: Path) -> None:
        with world(tmp_path, ":one a sce:Mill ; sce:supplies :two .") as kg:
            [report] = check_with_reasoner(kg)
            assert report.result.consistent
            assert report.result.unsatisfiable == {SCE + "Impossible"}
            assert not report.sound
            [reason] = report.reasons
            assert len(reason.axioms) == 3
            text = ReportWriter(ProofWriter(kg.label)).dl_text(report)
            assert "Classes that can have no members:" in text
            assert "every sce:Impossible is a sce:NoSpinner" in text
