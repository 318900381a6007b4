"""Queries over many statements: what they could need is found on tables, and they find in it what they find in all."""

from __future__ import annotations

import os
from pathlib import Path

import pyoxigraph as ox
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from valueweave.ontology import OntologyIndex
from valueweave.project import Project
from valueweave.reasoning.closure import materialize as materializing
from valueweave.reasoning.closure.bulk import BulkClosure
from valueweave.reasoning.closure.materialize import materialize
from valueweave.reasoning.closure.query_conditions import QueryConditions
from valueweave.reasoning.closure.query_facts import FactsOfQueries, UnknownPredicateError
from valueweave.reasoning.rules.book import RuleBook, rule_texts

EXAMPLES = int(os.environ.get("VALUEWEAVE_EXAMPLES", "80"))
QUERIES = (
    "?x <urn:p> ?y . ?y <urn:q> ?z",
    "?x <urn:p> ?y OPTIONAL { ?y <urn:q> ?z OPTIONAL { ?z <urn:r> ?w } } OPTIONAL { ?x <urn:r> ?v }",
    "{ ?x <urn:p> ?y } UNION { ?x <urn:q> ?y . ?y a <urn:A> } OPTIONAL { ?y <urn:r> ?z }",
    "{ ?x a <urn:A> . BIND(?x AS ?y) BIND(?x AS ?z) } UNION { ?x <urn:p> ?y , ?z } OPTIONAL { ?y <urn:q> ?v } "
    "OPTIONAL { ?z <urn:r> ?w }",
    "?x <urn:p> ?y . FILTER(?x != ?y && STR(?x) < STR(?y)) FILTER NOT EXISTS { ?x <urn:q> ?z . ?z a <urn:B> }",
    "?x a <urn:A> ; <urn:p>/<urn:q>? ?y . FILTER(NOT EXISTS { ?y <urn:r> ?z } || EXISTS { ?y <urn:r> ?y })",
    "?x <urn:p>+ ?y . ?y (<urn:q>|^<urn:r>) ?z MINUS { ?x a <urn:B> }",
    "?link a <urn:Link> . ?x ?link ?y . ?y <urn:age> ?a OPTIONAL { ?x <urn:age> ?b FILTER(?b > ?a) }",
    "?x a <urn:A> . { SELECT ?x (COUNT(?y) AS ?n) WHERE { ?x <urn:q> ?y . ?y a ?kind } GROUP BY ?x }",
    "VALUES ?x { <urn:i0> <urn:i1> } OPTIONAL { ?x <urn:p> ?y } ?z <urn:q> ?x",
    "?x <urn:p> ?x . ?x <urn:age> ?a , ?b . FILTER(?a != ?b)",
    "?x <urn:q> ?y ; <urn:r> ?z . ?v <urn:r> ?w",
    "?x <urn:age> ?a . ?y <urn:age> ?b . FILTER(?a = ?b && ?a >= ?b)",
    "{ ?x <urn:p> ?y } UNION { ?x <urn:q> ?z } OPTIONAL { ?y <urn:r> ?w } OPTIONAL { ?x <urn:r> ?v . ?z <urn:p> ?v }",
)
THINGS = [ox.NamedNode(f"urn:i{number}") for number in range(4)]
TYPE = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
LINKS = [ox.NamedNode(f"urn:{name}") for name in "pqr"]
STATEMENTS = [
    *(ox.Triple(one, link, other) for one in THINGS for link in LINKS for other in THINGS),
    *(ox.Triple(one, TYPE, ox.NamedNode(f"urn:{name}")) for one in THINGS for name in "AB"),
    *(ox.Triple(one, ox.NamedNode("urn:age"), ox.Literal(number)) for one in THINGS for number in (0, 1, 1.0)),
    *(ox.Triple(link, TYPE, ox.NamedNode("urn:Link")) for link in LINKS),
]


def answers(query: str, triples: set[ox.Triple]) -> list[str]:
    store = ox.Store()
    store.extend(ox.Quad(triple.subject, triple.predicate, triple.object) for triple in triples)
    found = store.query(query)
    assert isinstance(found, ox.QuerySolutions)
    return sorted(str(solution) for solution in found)


def wanted(tables: BulkClosure, folder: Path) -> set[ox.Triple]:
    tables.write_facts(folder / "facts.nt", "wanted")
    return {quad.triple for quad in ox.parse(path=folder / "facts.nt", format=ox.RdfFormat.N_TRIPLES)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("facts")


@settings(max_examples=EXAMPLES, deadline=None)
@example(
    QUERIES[-1],
    {
        ox.Triple(THINGS[0], LINKS[1], THINGS[1]),
        ox.Triple(THINGS[0], LINKS[2], THINGS[2]),
        ox.Triple(THINGS[1], LINKS[0], THINGS[2]),
    },
)
@given(st.sampled_from(QUERIES), st.sets(st.sampled_from(STATEMENTS), min_size=4, max_size=30))
def test_a_query_finds_in_what_it_could_need_what_it_finds_in_all(
    folder: Path, text: str, triples: set[ox.Triple]
) -> None:
    query = f"SELECT * WHERE {{ {text} }}"
    with BulkClosure(threads=1) as tables:
        tables.load(triples)
        facts = FactsOfQueries(tables.tables)
        facts.collect(QueryConditions(query))
        facts.close()
        enough = wanted(tables, folder)
    assert enough <= triples
    assert answers(query, enough) == answers(query, triples)


def test_what_no_pattern_around_is_met_for_is_left_out(folder: Path) -> None:
    one, two, three, four = THINGS
    linked = {ox.Triple(one, LINKS[0], two), ox.Triple(two, LINKS[1], three)}
    with BulkClosure() as tables:
        tables.load({*linked, ox.Triple(three, LINKS[1], four), ox.Triple(four, LINKS[0], one)})
        facts = FactsOfQueries(tables.tables)
        facts.collect(QueryConditions("SELECT * WHERE { ?x <urn:p> ?y . ?y <urn:q> ?z }"))
        assert wanted(tables, folder) == linked


def test_a_query_that_is_not_read_may_need_anything() -> None:
    with BulkClosure() as tables:
        tables.load([ox.Triple(THINGS[0], LINKS[0], THINGS[1])])
        facts = FactsOfQueries(tables.tables)
        with pytest.raises(UnknownPredicateError):
            facts.collect(QueryConditions("SELECT * WHERE { GRAPH ?g { ?x <urn:p> ?y } }"))
        with pytest.raises(UnknownPredicateError):
            facts.collect(QueryConditions("SELECT * WHERE { ?x !<urn:p>* ?y }"))


def test_a_large_closure_is_what_a_small_one_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules of the project that are queries, on a case with disagreements, by both ways."""
    project = Project.find()
    ontology = OntologyIndex.load(project).triples
    rules = RuleBook.compile(ontology, rule_texts(project))
    text = DISAGREEING.replace("\n", " ")
    asserted = [quad.triple for quad in ox.parse(text, format=ox.RdfFormat.TURTLE)]
    small = materialize(asserted, ontology, rules)
    assert any("DerivedDiscrepancy" in str(triple) for triple in small.triples())
    monkeypatch.setattr(materializing, "_LARGE", 0)
    assert set(materialize(asserted, ontology, rules).conclusions) == set(small.conclusions)


DISAGREEING = """@prefix sce: <https://w3id.org/valueweave/ontology#> . @prefix : <https://w3id.org/valueweave/id/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
:stage a sce:Stage ; rdfs:label "stage"@en, "阶段"@zh ; sce:hasStatedValue :one, :other ; sce:stageOf :system ;
  sce:startYear 2010 ; sce:endYear 2015 ; sce:hasEvidence :passage .
:later a sce:Stage ; rdfs:label "later"@en, "后来"@zh ; sce:stageOf :system ; sce:startYear 2013 ; sce:endYear 2019 .
:system a sce:Ecosystem ; sce:hasCoreEnterprise :firm . :firm a sce:Organization .
:one a sce:StatedValue ; sce:statedProperty sce:startYear ; sce:statedLiteral "2015" .
:other a sce:StatedValue ; sce:statedProperty sce:startYear ; sce:statedLiteral "2016" .
:passage a sce:EvidenceItem ; sce:supports sce:startYear .
:new a sce:SupplyChainInnovation, sce:BusinessModelInnovation ; rdfs:label "new"@en, "新"@zh .
"""
