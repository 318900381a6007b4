"""The file that `valueweave export --format owl` writes is read alike by OWL API 4.5 and 5, owlready2 and HermiT."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import owlready2
import pytest
import rdflib

from valueweave.reasoning.logic.reasoner import classify

Report = dict[str, Any]
APIS = pytest.mark.parametrize("api", ["5.1.9", "4.5.22"])
BASE = "https://w3id.org/valueweave/ontology"


@pytest.fixture(scope="module")
def reports(exported: Path, load_in_owl_apis: Callable[..., dict[str, Report]]) -> dict[str, Report]:
    return load_in_owl_apis(exported)


@APIS
def test_it_is_one_ontology_in_owl_2_dl_with_every_entity_declared(api: str, reports: dict[str, Report]) -> None:
    report = reports[api]
    assert "error" not in report, report.get("error")
    [ontology] = report["ontologies"]
    assert ontology["iri"] == BASE
    assert ontology["version"].startswith(BASE + "/")
    assert ontology["format"] in {"RDF/XML", "RDF/XML Syntax"}
    assert report["individuals"] > 100
    assert report["undeclared"] == []
    assert report["anonymous_individuals"] == []
    assert report["violations"] == []
    assert report["in_owl2_dl"]


def test_both_apis_see_the_same_axioms(reports: dict[str, Report]) -> None:
    new, old = reports["5.1.9"], reports["4.5.22"]
    assert new["axiom_types"] == old["axiom_types"]
    assert (new["axioms"], new["logical_axioms"]) == (old["axioms"], old["logical_axioms"])


def test_owlready2_sees_the_same_classes_and_individuals(exported: Path, reports: dict[str, Report]) -> None:
    world = owlready2.World()
    ontology = world.get_ontology(exported.as_uri()).load()
    assert len(list(ontology.individuals())) == reports["5.1.9"]["individuals"]
    graph = rdflib.Graph().parse(exported, format="xml")
    named = {s for s in graph.subjects(rdflib.RDF.type, rdflib.OWL.Class) if isinstance(s, rdflib.URIRef)}
    assert {str(item.iri) for item in ontology.classes()} == {str(name) for name in named}


def test_hermit_finds_it_consistent_with_no_unsatisfiable_class(
    exported: Path, report_time: Callable[[str], None]
) -> None:
    result = classify(rdflib.Graph().parse(exported, format="xml"))
    report_time(f"HermiT: exported file with {len(result.types)} individuals in {result.seconds:.1f} s")
    assert result.consistent
    assert result.unsatisfiable == frozenset()
    assert len(result.types) > 100
