"""Checks find what cannot be so, say which statements are behind it, and let near misses pass."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyoxigraph as ox
import pytest

from valueweave.layout import ONTOLOGY_GRAPH
from valueweave.namespaces import GRAPH
from valueweave.ontology import OntologyIndex
from valueweave.project import Project
from valueweave.reasoning.closure.materialize import Closure, materialize
from valueweave.reasoning.proofs.contradictions import Contradiction, find_contradictions
from valueweave.reasoning.rules.book import RuleBook, rule_texts

FIXTURES = sorted((Path(__file__).parents[1] / "fixtures" / "checks").glob("*.ttl"))
EX = "https://w3id.org/valueweave/fixture/"
HEAD = """
@prefix owl: <http://www.w3.org/2002/07/owl#> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix : <urn:t:> .
:A a owl:Class . :B a owl:Class . :C a owl:Class ; rdfs:subClassOf :A . :p a owl:ObjectProperty .
:q a owl:ObjectProperty . :n a owl:DatatypeProperty .
"""


def parse(turtle: str) -> list[ox.Triple]:
    return [quad.triple for quad in ox.parse(turtle, format=ox.RdfFormat.TURTLE)]


def layout(ontology: Iterable[ox.Triple], asserted: Iterable[ox.Triple], closure: Closure) -> ox.Store:
    """Return a store as a build lays it out, all assertions in one graph."""
    store = ox.Store()
    named = [(ontology, ox.NamedNode(ONTOLOGY_GRAPH)), (asserted, ox.NamedNode(GRAPH + "case/t"))]
    for triples, graph in named:
        for triple in triples:
            for place in (graph, ox.DefaultGraph()):
                store.add(ox.Quad(triple.subject, triple.predicate, triple.object, place))
    for quad in closure.quads():
        store.add(quad)
        store.add(ox.Quad(quad.subject, quad.predicate, quad.object))
    return store


def contradictions(ontology: str, data: str) -> list[Contradiction]:
    """Return what is found in a small world; that the tables find the same is asserted on the way."""
    stated, asserted = parse(HEAD + ontology), parse(HEAD.split(":A", maxsplit=1)[0] + data)
    book = RuleBook.compile(stated)
    closure = materialize(asserted, stated, book)
    store = layout(stated, asserted, closure)
    found = find_contradictions(store, book)
    assert bool(closure.broken) is bool(found)
    assert {one.check.name for one in found} <= set(closure.broken)
    return found


KINDS = {
    "disjoint classes": (":A owl:disjointWith :B .", ":x a :A, :B .", ":x a :A . :y a :B ."),
    "disjoint by what follows": (
        ":A owl:disjointWith :B . :p rdfs:range :B .",
        ":y :p :x . :x a :C .",
        ":x :p :y . :x a :C .",
    ),
    "one of many disjoint": (
        "[] a owl:AllDisjointClasses ; owl:members ( :A :B ) .", ":x a :B, :C .", ":x a :A, :C ."
    ),
    "complement": (":A rdfs:subClassOf [ a owl:Class ; owl:complementOf :B ] .", ":x a :C, :B .", ":x a :C ."),
    "functional": (":p a owl:FunctionalProperty .", ":x :p :y, :z .", ":x :p :y . :w :p :y ."),
    "functional value": (":n a owl:FunctionalProperty .", ":x :n 1, 2 .", ":x :n 1 . :y :n 2 ."),
    "inverse functional": (":p a owl:InverseFunctionalProperty .", ":x :p :y . :z :p :y .", ":x :p :y . :x :p :z ."),
    "asymmetric": (":p a owl:AsymmetricProperty .", ":x :p :y . :y :p :x .", ":x :p :y . :y :p :z ."),
    "asymmetric to itself": (":p a owl:AsymmetricProperty .", ":x :p :x .", ":x :p :y ."),
    "irreflexive": (":p a owl:IrreflexiveProperty .", ":x :p :x .", ":x :p :y . :y :p :x ."),
    "disjoint properties": (":p owl:propertyDisjointWith :q .", ":x :p :y ; :q :y .", ":x :p :y ; :q :z ."),
    "at most": (
        ":A rdfs:subClassOf [ a owl:Restriction ; owl:onProperty :p ; owl:maxCardinality 2 ] .",
        ":x a :C ; :p :k, :l, :m .",
        ":x a :C ; :p :k, :l . :y :p :k, :l, :m .",
    ),
    "at most of a kind": (
        ":A rdfs:subClassOf [ a owl:Restriction ; owl:onProperty :p ; owl:maxQualifiedCardinality 1 ;"
        " owl:onClass :B ] .",
        ":x a :A ; :p :k, :l . :k a :B . :l a :B .",
        ":x a :A ; :p :k, :l . :k a :B . :l a :C .",
    ),
    "none": (
        ":A rdfs:subClassOf [ a owl:Restriction ; owl:onProperty :p ; owl:maxQualifiedCardinality 0 ;"
        " owl:onClass :B ] .",
        ":x a :A ; :p :k . :k a :B .",
        ":x a :A ; :p :k . :y :p :l . :l a :B .",
    ),
    "denied": (
        "[] a owl:NegativePropertyAssertion ; owl:sourceIndividual :x ; owl:assertionProperty :p ;"
        " owl:targetIndividual :y .",
        ":x :p :y .",
        ":y :p :x .",
    ),
    "key": (":A owl:hasKey ( :n ) .", ":x a :A ; :n 1 . :y a :C ; :n 1 .", ":x a :A ; :n 1 . :y a :B ; :n 1 ."),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_axiom_is_checked(kind: str) -> None:
    axiom, broken, near_miss = KINDS[kind]
    [*found] = contradictions(axiom, broken)
    assert found
    assert contradictions(axiom, near_miss) == []
    behind = {leaf.statement for leaf in found[0].leaves}
    stated = set(parse(HEAD.split(":A", maxsplit=1)[0] + broken))
    assert behind <= stated
    # What is named is a smallest set: without any one of its statements nothing is wrong.
    for left_out in behind:
        rest = " ".join(f"{triple} ." for triple in behind - {left_out})
        assert contradictions(axiom, rest) == []


def test_one_wrong_statement_is_told_once_and_by_the_shortest_way() -> None:
    ontology = ":A owl:disjointWith :B . :C owl:disjointWith :B . :p a owl:AsymmetricProperty ."
    one, two = contradictions(ontology, ":x a :C, :B . :y :p :z . :z :p :y .")
    # Both disjointness axioms are broken, the first only by way of a superclass.
    assert (one.thing.value, one.proof.steps(), one.check.source.terms) == ("urn:t:x", 1, ("urn:t:B", "urn:t:C"))
    # What is asymmetric is broken at both ends.
    assert (two.thing.value, len(two.leaves)) == ("urn:t:y", 2)


def test_a_set_that_holds_another_contradiction_is_not_told() -> None:
    ontology = ":A owl:disjointWith :B . :p a owl:IrreflexiveProperty ; rdfs:domain :B ."
    [alone] = contradictions(ontology, ":x a :A ; :p :y .")
    assert len(alone.leaves) == 2
    [smaller] = contradictions(ontology, ":x a :A ; :p :x .")
    assert [str(leaf.statement) for leaf in smaller.leaves] == ["<urn:t:x> <urn:t:p> <urn:t:x>"]


@pytest.fixture(scope="module")
def found() -> dict[str, set[str]]:
    """Return, by fixture, the individuals that a check finds, as ``CHECK NAME``."""
    project = Project.find()
    ontology = OntologyIndex.load(project).triples
    book = RuleBook.compile(ontology, rule_texts(project))
    asserted = [
        triple
        for path in FIXTURES
        for triple in parse(path.read_text("utf-8").replace(f"<{EX}>", f"<{EX}{path.stem}/>"))
    ]
    closure = materialize(asserted, ontology, book)
    found: dict[str, set[str]] = {path.stem: set() for path in FIXTURES}
    for one in find_contradictions(layout(ontology, asserted, closure), book):
        stem, _, name = one.thing.value.removeprefix(EX).partition("/")
        found[stem].add(f"{one.check.source.name} {name}")
        assert one.check.name in closure.broken
    return found


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_the_broken_are_found_by_their_check_and_nothing_else_is(path: Path, found: dict[str, set[str]]) -> None:
    subjects = {str(triple.subject).strip("<>") for triple in parse(path.read_text("utf-8"))}
    names = {subject.rsplit("/", 1)[1] for subject in subjects}
    broken = {name for name in names if name.startswith("broken")}
    assert {name for name in names if name.startswith("nearMiss")}
    told = {entry.split()[1] for entry in found[path.stem]}
    # Of things that contradict each other in a circle one is told.
    assert told <= broken
    assert "broken" in told
    assert {entry.split()[0] for entry in found[path.stem]} == {f"check-{path.stem}"}


def test_every_check_has_a_fixture() -> None:
    rules = {path.stem.removeprefix("check-") for path in Project.find().rule_files() if path.stem.startswith("check-")}
    assert rules == {path.stem for path in FIXTURES}
