"""Small changes: whatever comes and goes, the store is what a new closure would make it, and every proof ends."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

import pyoxigraph as ox
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from valueweave.layout import DERIVATIONS, INFERRED_GRAPH, ONTOLOGY_GRAPH
from valueweave.problems import InputError
from valueweave.reasoning.explain import Explainer, Proof
from valueweave.reasoning.increments import add, remove
from valueweave.reasoning.materialize import materialize
from valueweave.reasoning.rulebook import RuleBook, RuleText

PREFIXES = """@prefix : <urn:> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
:A a owl:Class . :B a owl:Class . :C a owl:Class . :D a owl:Class .
:p a owl:ObjectProperty . :q a owl:ObjectProperty . :r a owl:ObjectProperty .
"""
AXIOMS = (
    ":A rdfs:subClassOf :B .",
    ":B rdfs:subClassOf :C .",
    ":C rdfs:subClassOf :A .",
    ":p rdfs:subPropertyOf :q .",
    ":p owl:inverseOf :r .",
    ":q a owl:TransitiveProperty .",
    ":r a owl:SymmetricProperty .",
    ":p rdfs:domain :A .",
    ":q rdfs:range :B .",
    ":r owl:propertyChainAxiom ( :p :q ) .",
    ":D owl:equivalentClass [ a owl:Class ; owl:intersectionOf ( :A"
    " [ a owl:Restriction ; owl:onProperty :q ; owl:someValuesFrom :C ] ) ] .",
    ":D owl:equivalentClass [ a owl:Restriction ; owl:onProperty :r ; owl:hasValue :i1 ] .",
    ":C owl:equivalentClass [ a owl:Restriction ; owl:onProperty :q ; owl:minQualifiedCardinality"
    ' "2"^^xsd:nonNegativeInteger ; owl:onClass :B ] .',
    ":B owl:equivalentClass [ a owl:Class ; owl:unionOf ( :A :D ) ] .",
)
HEADER = "#+ label: {0}\n#+ definition: {0}.\n#+ layer: test\n"
RULES = {
    "alone": "CONSTRUCT { ?x a <urn:Alone> } WHERE { ?x a <urn:B> . FILTER NOT EXISTS { ?x <urn:q> ?y } }",
    "unlinked": "CONSTRUCT { ?x <urn:unlinked> ?y } WHERE { ?x a <urn:A> . ?y a <urn:C> . "
    "FILTER(?x != ?y) FILTER NOT EXISTS { ?x <urn:q> ?z . ?z <urn:r> ?y } }",
    "many": "CONSTRUCT { ?x a <urn:Many> } WHERE { ?x a <urn:C> . "
    "{ SELECT ?x WHERE { ?x <urn:q> ?y . ?y a <urn:B> } GROUP BY ?x HAVING (COUNT(DISTINCT ?y) >= 2) } }",
    "few": "CONSTRUCT { ?x a <urn:Few> } WHERE { ?x <urn:p> ?z . FILTER NOT EXISTS { "
    "{ SELECT ?x WHERE { ?x <urn:q> ?y } GROUP BY ?x HAVING (COUNT(DISTINCT ?y) >= 2) } } }",
    "lonelier": "CONSTRUCT { ?x a <urn:Lonelier> } WHERE { ?x a <urn:B> . FILTER NOT EXISTS { ?x a <urn:Alone> } }",
    "either": "CONSTRUCT { ?y <urn:q> ?x } WHERE { { ?x <urn:r> ?y } UNION { ?x <urn:p> ?y . ?y a <urn:D> } }",
    "older": "CONSTRUCT { ?x <urn:older> ?y } WHERE { ?x <urn:age> ?a . ?y <urn:age> ?b . FILTER(?a > ?b) }",
    "made": "CONSTRUCT { ?n <urn:of> ?x } WHERE { ?x <urn:p> ?y . ?x a <urn:A> . "
    'BIND(IRI(CONCAT(STR(?x), "-", SHA1(STR(?y)))) AS ?n) }',
    "peers": "CONSTRUCT { ?x <urn:peer> ?y } WHERE { ?z <urn:q> ?x , ?y . FILTER(?x != ?y) }",
}
QUERIES = {
    "report": "CONSTRUCT { ?n a <urn:Report> ; <urn:p> ?x . } WHERE { ?x a <urn:B> . OPTIONAL { ?x <urn:q> ?y } "
    'BIND(IRI(CONCAT(STR(?x), "-report", IF(BOUND(?y), "-linked", ""))) AS ?n) }',
    "mutual": "CONSTRUCT { ?x <urn:mutual> ?y } WHERE { ?x <urn:q>/<urn:q>? ?y . ?y <urn:q> ?x "
    "FILTER NOT EXISTS { ?x a <urn:D> } }",
    "also": "CONSTRUCT { ?x <urn:mutual> ?y } WHERE { ?x ?link ?y . ?y a <urn:A> . FILTER(?link = <urn:r>) }",
}
EXAMPLES = int(os.environ.get("VALUEWEAVE_EXAMPLES", "30"))
THINGS = [ox.NamedNode(f"urn:i{number}") for number in range(5)]
TYPE = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
GRAPHS = [ox.NamedNode(f"urn:graph{number}") for number in range(3)]
LINKS = [ox.NamedNode(f"urn:{name}") for name in "pqr"]

links = st.builds(
    ox.Quad, st.sampled_from(THINGS), st.sampled_from(LINKS), st.sampled_from(THINGS), st.sampled_from(GRAPHS)
)
types = st.builds(
    ox.Quad,
    st.sampled_from(THINGS),
    st.just(TYPE),
    st.sampled_from([ox.NamedNode(f"urn:{name}") for name in "ABCD"]),
    st.sampled_from(GRAPHS),
)
ages = st.builds(
    ox.Quad, st.sampled_from(THINGS), st.just(ox.NamedNode("urn:age")), st.sampled_from([ox.Literal(1), ox.Literal(2)]),
    st.sampled_from(GRAPHS),
)  # fmt: skip
batches = st.lists(st.one_of(links, links, types, ages), min_size=1, max_size=8)
edits = st.lists(st.one_of(batches, batches, st.sampled_from(GRAPHS)), min_size=1, max_size=5)


def rule_book(
    axioms: Iterable[str], rules: Iterable[str], queries: Iterable[str] = ()
) -> tuple[RuleBook, list[ox.Triple]]:
    text = PREFIXES + "\n".join(axioms)
    ontology = [quad.triple for quad in ox.parse(text, format=ox.RdfFormat.TURTLE)]
    texts = [RuleText(name, f"{name}.rq", HEADER.format(name) + RULES[name]) for name in rules]
    texts += [
        RuleText(name, f"{name}.rq", HEADER.format(name) + "#+ evaluation: once\n" + QUERIES[name]) for name in queries
    ]
    return RuleBook.compile(ontology, texts), ontology


def built(ontology: Sequence[ox.Triple], asserted: Sequence[ox.Quad], book: RuleBook) -> ox.Store:
    """Return a store as a build makes it."""
    closure = materialize([quad.triple for quad in asserted], ontology, book)
    store = ox.Store()
    store.extend(ox.Quad(t.subject, t.predicate, t.object, ox.NamedNode(ONTOLOGY_GRAPH)) for t in ontology)
    store.extend(asserted)
    store.extend(closure.quads())
    everything = [*ontology, *(quad.triple for quad in asserted), *closure.triples()]
    store.extend(ox.Quad(t.subject, t.predicate, t.object) for t in everything)
    return store


def triples(store: ox.Store, graph: ox.NamedNode | ox.DefaultGraph) -> set[ox.Triple]:
    return {quad.triple for quad in store.quads_for_pattern(None, None, None, graph)}


def derivations(store: ox.Store) -> list[ox.Triple]:
    return [
        quad.triple
        for quad in store
        if isinstance(quad.graph_name, ox.NamedNode) and quad.graph_name.value.startswith(DERIVATIONS)
    ]


def assert_like(store: ox.Store, expected: ox.Store) -> None:
    here, there = triples(store, ox.DefaultGraph()), triples(expected, ox.DefaultGraph())
    assert {str(t) for t in here - there} == set()
    assert {str(t) for t in there - here} == set()
    assert triples(store, ox.NamedNode(INFERRED_GRAPH)) == triples(expected, ox.NamedNode(INFERRED_GRAPH))
    told = derivations(store)
    assert len(told) == len(set(told))
    assert set(told) == triples(store, ox.NamedNode(INFERRED_GRAPH))
    assert set(store.named_graphs()) == {quad.graph_name for quad in store} - {ox.DefaultGraph()}


def assert_proved(store: ox.Store, book: RuleBook) -> None:
    explainer = Explainer(store, book)
    for triple in triples(store, ox.NamedNode(INFERRED_GRAPH)):
        [proof] = explainer.explain(triple).proofs
        assert_descends(proof)


def assert_descends(proof: Proof) -> None:
    for premise in proof.premises:
        assert premise.round < proof.round
        assert_descends(premise)


def edited(store: ox.Store, book: RuleBook, asserted: list[ox.Quad], edit: object, come: bool) -> list[ox.Quad]:
    if isinstance(edit, ox.NamedNode):
        remove(store, book, edit)
        return [quad for quad in asserted if quad.graph_name != edit]
    assert isinstance(edit, list)
    if come:
        add(store, book, edit)
        return list(dict.fromkeys([*asserted, *edit]))
    remove(store, book, edit)
    return [quad for quad in asserted if quad not in edit]


@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(
    st.sets(st.sampled_from(AXIOMS), max_size=8),
    st.sets(st.sampled_from(sorted(RULES)), max_size=5),
    st.sets(st.sampled_from(sorted(QUERIES)), max_size=2),
    batches,
    st.lists(st.tuples(st.one_of(batches, batches, st.sampled_from(GRAPHS)), st.booleans()), min_size=1, max_size=4),
)
def test_random_changes_equal_a_new_closure(
    axioms: set[str],
    rules: set[str],
    queries: set[str],
    start: list[ox.Quad],
    changes: list[tuple[object, bool]],
) -> None:
    try:
        book, ontology = rule_book(sorted(axioms), sorted(rules), sorted(queries))
    except InputError:
        assume(False)
    asserted = list(dict.fromkeys(start))
    store = built(ontology, asserted, book)
    for edit, come in changes:
        asserted = edited(store, book, asserted, edit, come)
        assert_like(store, built(ontology, asserted, book))
        if not queries:  # a query is explained by the store as it is, with what followed from its own conclusions
            assert_proved(store, book)
