"""OWL API 5.1.9 and 4.5.22 (the one in Protégé) read the ontology alike, and find it in OWL 2 DL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyhornedowl
import pytest
import rdflib
from pyhornedowl.profile import check_profile

from valueweave.project import Project

Report = dict[str, Any]
APIS = pytest.mark.parametrize("api", ["5.1.9", "4.5.22"])

CATALOG = """<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<catalog prefer="public" xmlns="urn:oasis:names:tc:entity:xmlns:xml:catalog">
  <group prefer="public" xml:base=""><uri name="https://example.org/b" uri="b.ttl"/></group>
</catalog>
"""
BAD_CLASS = """
  <owl:Class rdf:about="https://example.org/o#A">
    <rdfs:subClassOf rdf:resource="https://example.org/o#Undeclared"/>
  </owl:Class>
"""
HEAD = """
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix : <https://example.org/o#> .
"""


class TestClosure:
    """The root with all its imports, each module a Turtle document of its own."""

    @APIS
    def test_every_module_is_loaded_as_turtle_and_no_import_is_lost(
        self, api: str, closure_reports: dict[str, Report], project: Project
    ) -> None:
        report = closure_reports[api]
        assert "error" not in report, report.get("error")
        assert len(report["ontologies"]) == len(project.module_files())
        assert {item["format"].removesuffix(" Syntax") for item in report["ontologies"]} == {"Turtle"}
        assert all(item["axioms"] > 0 and item["version"] for item in report["ontologies"]), report["ontologies"]

    @APIS
    def test_the_closure_is_in_owl_2_dl(self, api: str, closure_reports: dict[str, Report]) -> None:
        report = closure_reports[api]
        assert report["signature"] > 0
        assert report["violations"] == []
        assert report["in_owl2_dl"]

    @APIS
    def test_every_entity_is_declared_and_no_individual_is_anonymous(
        self, api: str, closure_reports: dict[str, Report]
    ) -> None:
        report = closure_reports[api]
        assert report["undeclared"] == []
        assert report["anonymous_individuals"] == []

    def test_both_apis_see_the_same_axioms(self, closure_reports: dict[str, Report]) -> None:
        new, old = closure_reports["5.1.9"], closure_reports["4.5.22"]
        assert new["logical_axioms"] > 0
        assert new["axiom_types"] == old["axiom_types"]
        for key in ("axioms", "logical_axioms", "signature", "individuals"):
            assert new[key] == old[key], key
        for left, right in zip(new["ontologies"], old["ontologies"], strict=True):
            assert {**left, "format": ""} == {**right, "format": ""}


class TestHarness:
    """The harness sees what is wrong: each of these must be reported by both APIs."""

    def test_an_import_that_the_catalog_does_not_name_is_an_error(
        self, tmp_path: Path, load_in_owl_apis: Callable[..., dict[str, Report]]
    ) -> None:
        root, catalog = tmp_path / "a.ttl", tmp_path / "catalog-v001.xml"
        root.write_text(HEAD + "<https://example.org/a> a owl:Ontology ; owl:imports <urn:example:nowhere> .\n")
        catalog.write_text(CATALOG)
        for report in load_in_owl_apis(root, catalog).values():
            assert "urn:example:nowhere" in report["error"]

    def test_undeclared_terms_dates_and_blank_individuals_are_found_through_imports(
        self, tmp_path: Path, load_in_owl_apis: Callable[..., dict[str, Report]]
    ) -> None:
        root, catalog = tmp_path / "a.ttl", tmp_path / "catalog-v001.xml"
        catalog.write_text(CATALOG)
        root.write_text(HEAD + "<https://example.org/a> a owl:Ontology ; owl:imports <https://example.org/b> .\n")
        (tmp_path / "b.ttl").write_text(
            HEAD
            + """<https://example.org/b> a owl:Ontology .
            :A a owl:Class ; rdfs:subClassOf :Undeclared .
            :founded a owl:DatatypeProperty ; rdfs:range xsd:date .
            :i a owl:NamedIndividual , :A .
            [] a :A .
            """
        )
        for report in load_in_owl_apis(root, catalog).values():
            assert "<https://example.org/o#Undeclared>" in report["undeclared"]
            assert not report["in_owl2_dl"]
            assert any("date" in violation for violation in report["violations"])
            assert len(report["anonymous_individuals"]) == 1


def test_horned_owl_finds_the_merged_ontology_in_owl_2_dl(
    merged_file: Path, closure_reports: dict[str, Report], tmp_path: Path
) -> None:
    report = check_profile(pyhornedowl.open_ontology_from_file(str(merged_file)), "DL")
    assert len(pyhornedowl.open_ontology_from_file(str(merged_file)).get_classes()) > 0
    assert report.violations == []
    assert report.conformant

    text = merged_file.read_text(encoding="utf-8").replace("</rdf:RDF>", BAD_CLASS + "</rdf:RDF>")
    bad = tmp_path / "bad.owl"
    bad.write_text(text, encoding="utf-8")
    assert not check_profile(pyhornedowl.open_ontology_from_file(str(bad)), "DL").conformant


@APIS
def test_the_merged_file_says_what_the_modules_say(
    api: str, merged_reports: dict[str, Report], closure_reports: dict[str, Report]
) -> None:
    merged, closure = merged_reports[api], closure_reports[api]
    assert merged["violations"] == []
    assert merged["undeclared"] == []
    assert merged["logical_axioms"] == closure["logical_axioms"]


def test_the_ontology_with_all_alignments_is_still_in_owl_2_dl(
    ontology_graph: rdflib.Graph, project: Project, tmp_path: Path
) -> None:
    graph = rdflib.Graph() + ontology_graph
    for path in sorted((project.ontology / "alignments").glob("*.ttl")):
        graph.parse(path)
    for header in set(graph.subjects(rdflib.RDF.type, rdflib.OWL.Ontology)):
        graph.remove((header, None, None))
    graph.add((rdflib.URIRef("https://example.org/all"), rdflib.RDF.type, rdflib.OWL.Ontology))
    path = tmp_path / "all.owl"
    graph.serialize(path, format="xml", encoding="utf-8")
    report = check_profile(pyhornedowl.open_ontology_from_file(str(path)), "DL")
    assert report.violations == []
    assert report.conformant
