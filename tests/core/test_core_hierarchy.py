"""What follows from the hierarchy, by the rules of the ontology folder."""

from __future__ import annotations

import owlrl  # type: ignore[import-untyped]
import pyoxigraph as ox
import pytest
import rdflib
from hypothesis import given, settings
from hypothesis import strategies as st

from valueweave.problems import InputError
from valueweave.reasoning.closure.materialize import materialize
from valueweave.reasoning.rules.book import RuleBook, RuleText

PREFIXES = """
@prefix : <urn:x/> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""
ONTOLOGY = """
:Organization a owl:Class ; rdfs:subClassOf :Actor . :Actor a owl:Class ; rdfs:subClassOf owl:Thing, :Party .
:Party a owl:Class . :Stage a owl:Class . :Opportunity a owl:Class . :Platform a owl:Class .
:Identified a owl:Class ; owl:equivalentClass [ a owl:Class ; owl:intersectionOf (
  :Opportunity [ a owl:Restriction ; owl:onProperty :identifiedIn ; owl:someValuesFrom :Stage ] ) ] .
:Operator a owl:Class ; owl:equivalentClass [ a owl:Class ; owl:intersectionOf (
  :Actor [ a owl:Restriction ; owl:onProperty :operates ; owl:someValuesFrom :Platform ] ) ] .
:identifiedIn a owl:ObjectProperty ; rdfs:subPropertyOf :during ; rdfs:domain :Opportunity .
:during a owl:ObjectProperty ; rdfs:range :Stage ; owl:inverseOf :hosts . :hosts a owl:ObjectProperty .
:operates a owl:ObjectProperty ; rdfs:range :Platform .
:with a owl:ObjectProperty, owl:SymmetricProperty ; rdfs:domain :Actor .
:year a owl:DatatypeProperty ; rdfs:subPropertyOf :number ; rdfs:domain :Stage ; rdfs:range xsd:integer .
:number a owl:DatatypeProperty . :note a owl:AnnotationProperty ; rdfs:subPropertyOf rdfs:comment ; rdfs:domain :Stage .
"""


def triples(turtle: str) -> list[ox.Triple]:
    return [quad.triple for quad in ox.parse(PREFIXES + turtle, format=ox.RdfFormat.TURTLE)]


def follows(turtle: str) -> set[str]:
    """What follows, written shortly."""
    asserted = triples(turtle)
    found = materialize(asserted, triples(ONTOLOGY), RuleBook.compile(triples(ONTOLOGY))).triples()
    assert len(found) == len(set(found))
    assert not {*found} & {*asserted}
    short = (str(triple).replace("<urn:x/", ":").replace(">", "") for triple in found)
    return {text.replace("<http://www.w3.org/1999/02/22-rdf-syntax-ns#type", "a") for text in short}


@pytest.mark.parametrize(
    ("asserted", "inferred"),
    [
        (":jd a :Organization .", {":jd a :Actor", ":jd a :Party"}),
        (":o a :Identified .", {":o a :Opportunity"}),
        (":jd :with :x .", {":jd a :Actor", ":jd a :Party", ":x :with :jd", ":x a :Actor", ":x a :Party"}),
        (":s :hosts :o .", {":o :during :s", ":s a :Stage"}),
        (
            ":o :identifiedIn :s .",
            {":o :during :s", ":s :hosts :o", ":s a :Stage", ":o a :Opportunity", ":o a :Identified"},
        ),
        (':s :note "x" ; :other :y .', set()),
    ],
)
def test_what_follows_follows_and_nothing_else(asserted: str, inferred: set[str]) -> None:
    assert follows(asserted) == inferred


def test_a_datatype_property_gives_its_superproperty_and_no_type_to_the_number() -> None:
    found = follows(":s :year 2007 .")
    assert {text.split(" ")[1] for text in found} == {":number", "a"}
    assert ":s a :Stage" in found


def test_a_member_of_all_conjuncts_of_a_definition_is_a_member_of_the_class() -> None:
    assert ":jd a :Operator" in follows(":jd a :Organization . :jd :operates :p .")


def test_a_member_of_one_conjunct_of_a_definition_is_no_member_of_the_class() -> None:
    assert not any("Operator" in text for text in follows(":jd a :Organization . :jd :with :p ."))
    assert not any("Operator" in text for text in follows(":x :operates :p ."))


PAIRS = st.tuples(st.integers(0, 4), st.integers(0, 4))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(PAIRS, max_size=6),
    st.lists(PAIRS, max_size=4),
    st.lists(PAIRS, max_size=3),
    st.lists(PAIRS, max_size=3),
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 4)), max_size=8),
)
def test_the_closure_equals_that_of_an_owl_rl_reasoner(
    classes: list[tuple[int, int]],
    properties: list[tuple[int, int]],
    inverses: list[tuple[int, int]],
    typed: list[tuple[int, int]],
    facts: list[tuple[int, int, int]],
) -> None:
    """On random hierarchies (cycles too) with domains and ranges; compared on what is said of individuals."""
    lines = [f":C{n} a owl:Class . :p{n} a owl:ObjectProperty ." for n in range(5)]
    lines += [f":C{a} rdfs:subClassOf :C{b} ." for a, b in classes]
    lines += [f":p{a} rdfs:subPropertyOf :p{b} ." for a, b in properties]
    lines += [f":p{a} owl:inverseOf :p{b} ." for a, b in inverses]
    lines += [":p0 rdfs:domain :C0 . :p1 rdfs:range :C1 . :p2 a owl:SymmetricProperty ."]
    ontology = "\n".join(lines)
    data = "\n".join([*(f":i{a} a :C{b} ." for a, b in typed), *(f":i{a} :p{b} :i{c} ." for a, b, c in facts)])
    found = materialize(triples(data), triples(ontology), RuleBook.compile(triples(ontology))).triples()
    ours = {str(triple) for triple in found} | {str(triple) for triple in triples(data)}
    oracle = rdflib.Graph().parse(data=PREFIXES + ontology + data, format="turtle")
    owlrl.DeductiveClosure(owlrl.OWLRL_Semantics).expand(oracle)
    theirs = {
        f"{s.n3()} {p.n3()} {o.n3()}"
        for s, p, o in oracle
        if str(s).startswith("urn:x/i") and (str(p).startswith("urn:x/p") or str(o).startswith("urn:x/C"))
    }
    assert ours == theirs


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("CONSTRUCT { ?s a ?o } { ?s a ?o }", "label and definition and layer"),
        ("#+ label: x\n#+ definition: x\n#+ layer: hierarchy\nSELECT * {}", "CONSTRUCT"),
        ("#+ label: x\n#+ definition: x\n#+ layer: hierarchy\nCONSTRUCT { ?s }", "sparql-syntax"),
        ("#+ label: [x\nCONSTRUCT {} {}", "no YAML"),
    ],
)
def test_a_rule_file_that_is_wrong_is_told(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        RuleBook.compile([], [RuleText("rule", "rule.rq", text)])
    assert caught.value.problems[0].file == "rule.rq"
