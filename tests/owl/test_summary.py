"""What the reasoner is given is less than what there is, and it answers the same."""

from __future__ import annotations

import random
from dataclasses import replace

import pyoxigraph as ox
import pytest

from valueweave.reasoning.logic import reasoner
from valueweave.reasoning.logic.reasoner import DLResult, classify_triples, is_consistent
from valueweave.reasoning.logic.summary import Summary, summarize

TYPE = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
PREFIXES = """@prefix : <urn:> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""
ONTOLOGY = f"""{PREFIXES}
:A a owl:Class . :B a owl:Class ; rdfs:subClassOf :A . :C a owl:Class . :D a owl:Class . :E a owl:Class .
:plain a owl:ObjectProperty ; rdfs:domain :A ; rdfs:range :C ; owl:inverseOf :back .
:back a owl:ObjectProperty ; rdfs:range :B . :narrow a owl:ObjectProperty ; rdfs:subPropertyOf :back .
:free a owl:ObjectProperty . :part a owl:ObjectProperty , owl:TransitiveProperty .
:below a owl:ObjectProperty ; rdfs:subPropertyOf :asked . :asked a owl:ObjectProperty .
:chained a owl:ObjectProperty ; owl:propertyChainAxiom ( :first :second ) ; rdfs:range :E .
:first a owl:ObjectProperty . :second a owl:ObjectProperty . :only a owl:ObjectProperty .
:age a owl:DatatypeProperty ; rdfs:range xsd:integer . :name a owl:DatatypeProperty ; rdfs:domain :D .
:Asking a owl:Class ; owl:equivalentClass [ a owl:Restriction ; owl:onProperty :asked ; owl:someValuesFrom :A ] .
:Asked a owl:Class ; owl:equivalentClass [ a owl:Restriction ;
  owl:onProperty [ owl:inverseOf :asked ] ; owl:someValuesFrom :B ] .
:Here a owl:Class ; owl:equivalentClass [ a owl:Restriction ; owl:onProperty :part ; owl:hasValue :i0 ] .
:A rdfs:subClassOf [ a owl:Restriction ; owl:onProperty :only ; owl:allValuesFrom :D ] .
:One a owl:Class ; owl:equivalentClass [ a owl:Class ; owl:oneOf ( :i1 :i2 ) ] .
"""
SURELY = ":i3 :part :i4 . :i4 :part :i0 . :i5 :first :i6 . :i6 :second :i7 ."
LINKS = ("plain", "back", "narrow", "free", "part", "below", "asked", "first", "second", "only")
CLASSES = ("A", "B", "C", "D")


def parsed(text: str) -> list[ox.Triple]:
    return [quad.triple for quad in ox.parse(text, format=ox.RdfFormat.TURTLE)]


def individuals(seed: int, number: int, links: int) -> str:
    """Return statements about individuals, most of which are alike."""
    chosen = random.Random(seed)
    lines = [f":i{each} a owl:NamedIndividual ." for each in range(number)]
    for _ in range(links):
        one, other = chosen.randrange(number), chosen.randrange(number)
        lines.append(f":i{one} :{chosen.choice(LINKS)} :i{other} .")
    for _ in range(number // 2):
        one = chosen.randrange(number)
        lines.append(f":i{one} a :{chosen.choice(CLASSES)} . :i{one} :age {chosen.randrange(3)} ; :name 'x' .")
    return "\n".join(lines)


def without_summary(monkeypatch: pytest.MonkeyPatch, triples: list[ox.Triple]) -> DLResult:
    with monkeypatch.context() as patch:
        patch.setattr(reasoner, "summarize", lambda given: Summary(tuple(given), {}))
        return classify_triples(triples)


def test_the_reasoner_answers_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    triples = parsed(ONTOLOGY + individuals(7, 60, 90) + SURELY)
    result, expected = classify_triples(triples), without_summary(monkeypatch, triples)
    assert expected.consistent
    assert len(expected.types) == 60
    assert replace(result, seconds=0) == replace(expected, seconds=0)
    assert {"urn:Asking", "urn:Asked", "urn:Here", "urn:E", "urn:One"} <= {
        name for names in expected.types.values() for name in names
    }


def test_a_plain_link_becomes_what_it_says_of_its_ends() -> None:
    summary = summarize(parsed(ONTOLOGY + ":a :narrow :b . :a :free :b . :b :asked :a ."))
    said = {str(triple) for triple in summary.triples if str(triple.subject) in {"<urn:a>", "<urn:b>"}}
    assert said == {
        f"<urn:a> {TYPE} <urn:C>", f"<urn:b> {TYPE} <urn:B>", f"<urn:b> {TYPE} <urn:A>", "<urn:b> <urn:asked> <urn:a>"
    }  # fmt: skip


def test_of_those_that_are_alike_one_is_kept_unless_an_axiom_names_it() -> None:
    summary = summarize(parsed(ONTOLOGY + ":a a :A . :b a :A . :c a :A ; :below :d . :i1 a :A . :i2 a :A ."))
    assert dict(summary.like) == {"urn:b": "urn:a"}


@pytest.mark.parametrize(
    ("wrong", "consistent"),
    [
        (":C owl:disjointWith :A . :a :plain :b . :c :plain :b .", True),
        (":C owl:disjointWith :A . :a :plain :b . :c :narrow :b .", False),
        (":C owl:disjointWith :A . :a :plain :b . :b :plain :a .", False),
        (":a :age 1 . :b :age 2 .", True),
        (":a :age 'one' . :b :age 2 .", False),
        (":a :age 1 . :b :age 'one'^^xsd:integer .", False),
        (":free a owl:IrreflexiveProperty . :a :free :a .", False),
        (":free owl:propertyDisjointWith :back . :a :free :b ; :narrow :b .", False),
    ],
)
def test_what_cannot_be_is_still_found(wrong: str, consistent: bool) -> None:
    try:
        found = is_consistent(parsed(ONTOLOGY + wrong))
    except reasoner.ReasonerError:  # a value that is none of its type is refused
        found = False
    assert found is consistent
