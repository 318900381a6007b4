"""Axioms become rules: what follows from each kind of axiom, what is told as not covered, and in which words."""

from __future__ import annotations

import owlrl  # type: ignore[import-untyped]
import pytest
import rdflib
from tests.reasoning.small import PREFIXES, book, closure, follows, store, triples

from valueweave.ontology import OntologyIndex
from valueweave.project import Project
from valueweave.reasoning.rules.book import RuleBook
from valueweave.reasoning.rules.compiler import compile_ontology
from valueweave.reasoning.rules.conditions import solutions
from valueweave.reasoning.rules.manchester import Words

NAMES = ":A a owl:Class . :B a owl:Class . :C a owl:Class . :p a owl:ObjectProperty . :q a owl:ObjectProperty . "
RESTRICTION = "[ a owl:Restriction ; owl:onProperty :p ; {} ]"

EITHER = "[ a owl:Class ; owl:unionOf ( :B :C ) ]"


def defined(expression: str) -> str:
    return NAMES + f":A owl:equivalentClass {expression} ."


AT_LEAST_TWO = (
    defined(
        "[ a owl:Restriction ; owl:onProperty :n ; owl:someValuesFrom [ a rdfs:Datatype ;"
        " owl:onDatatype xsd:integer ; owl:withRestrictions ( [ xsd:minInclusive 2 ] ) ] ]"
    )
    + " :n a owl:DatatypeProperty ."
)


@pytest.mark.parametrize(
    ("ontology", "data", "inferred"),
    [
        (NAMES + ":A rdfs:subClassOf :B . :B rdfs:subClassOf :C .", ":x a :A .", {":x a :B", ":x a :C"}),
        (NAMES + ":p rdfs:subPropertyOf :q .", ":x :p :y .", {":x :q :y"}),
        (NAMES + ":p owl:inverseOf :q .", ":x :p :y . :z :q :w .", {":y :q :x", ":w :p :z"}),
        (NAMES + ":p owl:equivalentProperty :q .", ":x :p :y . :z :q :w .", {":x :q :y", ":z :p :w"}),
        (NAMES + ":p a owl:SymmetricProperty .", ":x :p :y .", {":y :p :x"}),
        (NAMES + ":p a owl:TransitiveProperty .", ":x :p :y . :y :p :z . :z :p :w .",
         {":x :p :z", ":x :p :w", ":y :p :w"}),
        (NAMES + ":p owl:propertyChainAxiom ( :q [ owl:inverseOf :p ] ) .", ":x :q :y . :z :p :y .", {":x :p :z"}),
        (NAMES + ":p rdfs:domain :A ; rdfs:range :B .", ":x :p :y .", {":x a :A", ":y a :B"}),
        (NAMES + ":p rdfs:domain [ a owl:Class ; owl:intersectionOf ( :A :B ) ] .", ":x :p :y .",
         {":x a :A", ":x a :B"}),
        (defined(RESTRICTION.format("owl:someValuesFrom :B")), ":x :p :y . :y a :B .", {":x a :A"}),
        (defined(RESTRICTION.format("owl:someValuesFrom owl:Thing")), ":x :p :y .", {":x a :A"}),
        (defined(RESTRICTION.format("owl:hasValue :v")), ":x :p :v . :y a :A .", {":x a :A", ":y :p :v"}),
        (defined(RESTRICTION.format("owl:hasSelf true")), ":x :p :x . :y a :A . :z :p :y .",
         {":x a :A", ":y :p :y"}),
        (defined("[ a owl:Class ; owl:unionOf ( :B :C ) ]"), ":x a :B . :y a :C . :z a :A .",
         {":x a :A", ":y a :A"}),
        (defined("[ a owl:Class ; owl:intersectionOf ( :B :C ) ]"), ":x a :B , :C . :y a :B . :z a :A .",
         {":x a :A", ":z a :B", ":z a :C"}),
        (NAMES + ":A rdfs:subClassOf " + RESTRICTION.format("owl:allValuesFrom :B") + " .", ":x a :A ; :p :y .",
         {":y a :B"}),
        (defined(RESTRICTION.format("owl:minCardinality 1")), ":x :p :y .", {":x a :A"}),
        (defined(RESTRICTION.format("owl:minQualifiedCardinality 2 ; owl:onClass :B")),
         ":x :p :y , :z . :y a :B . :z a :B . :w :p :y , :v .", {":x a :A"}),
        (AT_LEAST_TWO,
         ":x :n 2 . :y :n 10 . :z :n 1 .", {":x a :A", ":y a :A"}),
        (defined("[ a owl:Restriction ; owl:onProperty [ owl:inverseOf :p ] ; owl:someValuesFrom :B ]"),
         ":y :p :x ; a :B . :x :p :z .", {":x a :A"}),
        (defined("[ a owl:Class ; owl:oneOf ( :x :y ) ]"), ":z a :B .", {":x a :A", ":y a :A"}),
        (defined("[ a owl:Class ; owl:intersectionOf ( :B [ a owl:Class ; owl:oneOf ( :x :y ) ] ) ]"),
         ":z a :B . :x a :B .", {":x a :A"}),
        # A facet holds of its datatype only.
        (AT_LEAST_TWO, ":x :n 2.5 . :y :n 3 .", {":y a :A"}),
        # A literal is never the subject of a conclusion.
        (":n a owl:DatatypeProperty ; rdfs:range :A .", ":x :n 2 .", set()),
        # What is said of annotations is no logic.
        (":n a owl:AnnotationProperty ; rdfs:domain :A ; rdfs:subPropertyOf :m .", ":x :n :y .", set()),
    ],
)  # fmt: skip
def test_what_an_axiom_entails_follows_and_nothing_else(ontology: str, data: str, inferred: set[str]) -> None:
    assert follows(ontology, data) == inferred


@pytest.mark.parametrize(
    ("ontology", "data", "found"),
    [
        (NAMES + ":A owl:disjointWith :B .", ":x a :A , :B . :y a :A .", {"x"}),
        (NAMES + "[] a owl:AllDisjointClasses ; owl:members ( :A :B :C ) .", ":x a :A , :C . :y a :B .", {"x"}),
        (NAMES + ":p a owl:FunctionalProperty .", ":x :p :y , :z . :w :p :y .", {"x"}),
        (NAMES + ":p a owl:InverseFunctionalProperty .", ":x :p :y . :z :p :y . :z :p :w .", {"y"}),
        (NAMES + ":p a owl:AsymmetricProperty .", ":x :p :y . :y :p :x . :y :p :z .", {"x", "y"}),
        (NAMES + ":p a owl:IrreflexiveProperty .", ":x :p :x . :y :p :x .", {"x"}),
        (NAMES + ":p owl:propertyDisjointWith :q .", ":x :p :y ; :q :y . :z :p :y ; :q :x .", {"x"}),
        (NAMES + ":A rdfs:subClassOf [ a owl:Class ; owl:complementOf :B ] .", ":x a :A , :B . :y a :A .", {"x"}),
        (NAMES + ":A rdfs:subClassOf " + RESTRICTION.format("owl:maxCardinality 1") + " .",
         ":x a :A ; :p :y , :z . :w a :A ; :p :y . :v :p :y , :z .", {"x"}),
        (NAMES + ":A rdfs:subClassOf owl:Nothing .", ":x a :A . :y a :B .", {"x"}),
        (NAMES + ":A owl:hasKey ( :p ) .", ":x a :A ; :p :k . :y a :A ; :p :k . :z a :A ; :p :j .", {"x", "y"}),
    ],
)  # fmt: skip
def test_what_an_axiom_forbids_is_a_check(ontology: str, data: str, found: set[str]) -> None:

    engine, rules = store(ontology, data), book(ontology)
    members = {
        check.head.bind(values).subject for check in rules.checks for values in solutions(engine, check.body, {})
    }
    assert {str(member).removeprefix("<urn:x/").removesuffix(">") for member in members} == found


def test_what_no_rule_can_carry_is_told() -> None:
    ontology = (
        NAMES + ":A rdfs:subClassOf " + RESTRICTION.format("owl:someValuesFrom :B") + " ."
        ":B rdfs:subClassOf [ a owl:Class ; owl:unionOf ( :A :C ) ] ."
        ":n a owl:DatatypeProperty ; rdfs:range xsd:integer . :p a owl:ReflexiveProperty ."
    )
    compiled = compile_ontology(triples(ontology))
    assert {(left.axiom.kind, left.carrier) for left in compiled.uncovered} == {
        ("SubClassOf", "dl"),
        ("Range", "shapes"),
        ("Reflexive", "dl"),
    }
    assert all(left.why and left.text["zh"] for left in compiled.uncovered)


def test_every_axiom_is_a_rule_or_a_check_or_told_as_left_out() -> None:
    """Nothing is dropped silently, but for the difference of names, which rules take for granted."""

    ontology = OntologyIndex.load(Project.find())
    rules = RuleBook.compile(ontology.triples)
    words = Words(rules.labels)
    told = {rule.source.text["en"] for rule in (*rules.rules, *rules.checks)}
    told |= {left.text["en"] for left in rules.compiled.uncovered}
    trivial = {"DifferentIndividuals"}
    missing = [words.axiom(axiom) for axiom in rules.compiled.axioms if axiom.kind not in trivial]
    assert [text for text in missing if text not in told] == []


def test_a_rule_says_its_axiom_in_both_languages() -> None:
    ontology = (
        NAMES + ':A rdfs:subClassOf :B ; rdfs:label "firm"@en , "企业"@zh . :B rdfs:label "actor"@en , "主体"@zh .'
    )
    [rule] = book(ontology).rules
    assert rule.source.text == {"en": "every firm is an actor", "zh": "凡企业都是主体"}


def test_a_counting_rule_says_that_it_takes_names_for_things() -> None:
    counting = defined(RESTRICTION.format("owl:minCardinality 2"))
    assert [rule.source.assumption != "" for rule in book(counting).rules] == [True]


@pytest.mark.parametrize(
    "expression",
    [
        RESTRICTION.format("owl:someValuesFrom :B"),
        RESTRICTION.format("owl:hasValue :v"),
        f"[ a owl:Class ; owl:intersectionOf ( :B {RESTRICTION.format('owl:someValuesFrom ' + EITHER)} ) ]",
        "[ a owl:Class ; owl:unionOf ( :B " + RESTRICTION.format("owl:someValuesFrom owl:Thing") + " ) ]",
    ],
)  # fmt: skip
def test_definitions_entail_what_an_owl_rl_reasoner_finds(expression: str) -> None:
    ontology = defined(expression) + " :q rdfs:subPropertyOf :p . :C rdfs:subClassOf :B ."
    data = ":x :p :y . :y a :C . :z :q :v . :w a :A . :y :p :w . :u a :B ; :q :u ."
    oracle = rdflib.Graph().parse(data=PREFIXES + ontology + data, format="turtle")
    owlrl.DeductiveClosure(owlrl.OWLRL_Semantics).expand(oracle)
    theirs = {
        f"{s.n3()} {p.n3()} {o.n3()}"
        for s, p, o in oracle
        if str(s) in {f"urn:x/{name}" for name in "xyzwuv"}
        and "urn:x/" in f"{p}{o}"
        and str(p) != str(rdflib.OWL.sameAs)
    }
    ours = {str(found) for found in triples(data)}

    ours |= {str(found) for found in closure(ontology, data).triples()}
    assert ours == theirs
