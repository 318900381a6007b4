"""Small changes: whatever comes and goes, the store is what a new closure would make it, and every proof ends."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyoxigraph as ox
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from valueweave.layout import DERIVATIONS, INFERRED_GRAPH, ONTOLOGY_GRAPH
from valueweave.ontology import OntologyIndex
from valueweave.problems import InputError
from valueweave.project import Project
from valueweave.reasoning.closure.increments import add, remove
from valueweave.reasoning.closure.materialize import materialize
from valueweave.reasoning.proofs.explain import Explainer
from valueweave.reasoning.proofs.model import Proof
from valueweave.reasoning.rules.book import RuleBook, RuleText, rule_texts

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
    # Patterns that stand at no thing of every solution, a conclusion of a thing that only some solutions have.
    "marked": "CONSTRUCT { ?m <urn:marks> ?x . ?n <urn:of> ?x } WHERE { ?x a <urn:B> ; <urn:q> ?y . ?y <urn:age> ?age "
    "FILTER(?x != ?y && ?age < 2) OPTIONAL { ?m <urn:r> ?y . FILTER NOT EXISTS { ?m <urn:p> ?any } } "
    "OPTIONAL { { ?x <urn:p> ?z } UNION { ?y <urn:p> ?z } "
    "FILTER(NOT EXISTS { ?z <urn:q> ?w } || EXISTS { ?z a <urn:C> }) }"
    ' BIND(IF(BOUND(?m), ?none, IRI(CONCAT(STR(?x), IF(BOUND(?z), "-pair", "-lone")))) AS ?n) }',
    "also": "CONSTRUCT { ?x <urn:mutual> ?y } WHERE { ?x ?link ?y . ?y a <urn:A> . FILTER(?link = <urn:r>) }",
}
EXAMPLES = int(os.environ.get("VALUEWEAVE_EXAMPLES", "30"))
FIXTURES = Path(__file__).parents[1] / "fixtures" / "definitions"
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


# -- the real ontology and rules


@pytest.fixture(scope="module")
def real() -> tuple[RuleBook, list[ox.Triple]]:
    index = OntologyIndex.load(Project.find())
    return RuleBook.compile(index.triples, rule_texts(Project.find())), list(index.triples)


def fixture(name: str) -> list[ox.Quad]:
    """Return a fixture of a definition as the graph of a file, with names of its own."""
    text = (FIXTURES / f"{name}.ttl").read_text("utf-8").replace("/fixture/", f"/fixture/{name}/")
    graph = ox.NamedNode(f"urn:{name}")
    return [
        ox.Quad(quad.subject, quad.predicate, quad.object, graph) for quad in ox.parse(text, format=ox.RdfFormat.TURTLE)
    ]


def test_files_come_and_go_under_the_real_rules(real: tuple[RuleBook, list[ox.Triple]]) -> None:
    book, ontology = real
    names = ("SupplyChainAsAService", "ModuleContributingCustomer", "ValueWinWinStage", "CrossCaseClaim")
    files = [fixture(name) for name in names]
    store = built(ontology, files[0], book)
    for quads in files[1:]:
        add(store, book, quads)
    assert_like(store, built(ontology, [quad for quads in files for quad in quads], book))
    assert_proved(store, book)
    for name in names[:2]:
        remove(store, book, ox.NamedNode(f"urn:{name}"))
    assert_like(store, built(ontology, [quad for quads in files[2:] for quad in quads], book))


DISAGREEING = """@prefix sce: <https://w3id.org/valueweave/ontology#> . @prefix : <https://w3id.org/valueweave/id/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
:stage a sce:Stage ; rdfs:label "stage"@en, "阶段"@zh ; sce:hasStatedValue :one, :other .
:one a sce:StatedValue ; sce:statedProperty sce:startYear ; sce:statedLiteral "2015" .
"""
OTHER = """@prefix sce: <https://w3id.org/valueweave/ontology#> . @prefix : <https://w3id.org/valueweave/id/> .
:other a sce:StatedValue ; sce:statedProperty sce:startYear ; sce:statedLiteral "2016" .
"""
DERIVED = "ASK { ?found a <https://w3id.org/valueweave/ontology#DerivedDiscrepancy> }"


def parsed(text: str, graph: str) -> list[ox.Quad]:
    return [
        ox.Quad(quad.subject, quad.predicate, quad.object, ox.NamedNode(graph))
        for quad in ox.parse(text, format=ox.RdfFormat.TURTLE)
    ]


def test_a_disagreement_comes_and_goes_with_one_of_its_sides(real: tuple[RuleBook, list[ox.Triple]]) -> None:
    book, ontology = real
    first, second = parsed(DISAGREEING, "urn:first"), parsed(OTHER, "urn:second")
    store = built(ontology, first, book)
    assert not store.query(DERIVED)
    add(store, book, second)
    assert store.query(DERIVED)
    assert_like(store, built(ontology, [*first, *second], book))
    remove(store, book, ox.NamedNode("urn:second"))
    assert not store.query(DERIVED)
    assert_like(store, built(ontology, first, book))


# -- what is reported, refused, left alone


def quad(subject: int, link: str, value: int, graph: int = 0) -> ox.Quad:
    return ox.Quad(THINGS[subject], ox.NamedNode(f"urn:{link}"), THINGS[value], GRAPHS[graph])


def test_a_statement_that_another_graph_asserts_stays() -> None:
    book, ontology = rule_book([":p rdfs:subPropertyOf :q ."], [])
    store = built(ontology, [quad(0, "p", 1), quad(0, "p", 1, graph=1)], book)
    change = remove(store, book, GRAPHS[0])
    assert (change.added, change.removed) == (0, 0)
    assert store.query("ASK { <urn:i0> <urn:q> <urn:i1> }")
    assert remove(store, book, GRAPHS[1]).removed == 2


def test_a_change_is_counted_by_what_queries_see() -> None:
    book, ontology = rule_book([":p rdfs:subPropertyOf :q .", ":q a owl:TransitiveProperty ."], [])
    store = built(ontology, [quad(0, "p", 1)], book)
    change = add(store, book, [quad(1, "p", 2)])
    assert (change.added, change.inferred, change.removed) == (3, 2, 0)
    assert add(store, book, [quad(1, "p", 2)]).added == 0


@pytest.mark.parametrize(
    "wrong",
    [
        ox.Quad(THINGS[0], TYPE, THINGS[1]),
        ox.Quad(THINGS[0], TYPE, THINGS[1], ox.NamedNode(INFERRED_GRAPH)),
        ox.Quad(THINGS[0], TYPE, THINGS[1], ox.NamedNode(f"{DERIVATIONS}1/many")),
        ox.Quad(ox.BlankNode("b"), TYPE, THINGS[1], GRAPHS[0]),
        ox.Quad(THINGS[0], TYPE, ox.BlankNode("b"), GRAPHS[0]),
    ],
)
def test_what_cannot_come_or_go_is_refused(wrong: ox.Quad) -> None:
    book, ontology = rule_book([], [])
    store = built(ontology, [quad(0, "p", 1)], book)
    before = set(store)
    with pytest.raises(InputError):
        add(store, book, [quad(1, "p", 2), wrong])
    assert set(store) == before


def test_an_error_on_the_way_leaves_the_store_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    book, ontology = rule_book([":p rdfs:subPropertyOf :q ."], [], ["report"])
    store = built(ontology, [quad(0, "p", 1)], book)
    before = set(store)

    def fail(*_: object) -> None:
        raise RuntimeError("the engine gave up")

    monkeypatch.setattr("valueweave.reasoning.closure.query_rules.run_queries", fail)
    with pytest.raises(RuntimeError):
        add(store, book, [ox.Quad(THINGS[0], TYPE, ox.NamedNode("urn:B"), GRAPHS[0]), quad(1, "p", 2)])
    assert set(store) == before
