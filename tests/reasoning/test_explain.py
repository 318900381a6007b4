"""Every inferred statement has a proof that ends in asserted ones; of what does not hold the nearest is told."""

from __future__ import annotations

import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.reasoning.small import book, closure, rule, store, triple, triples

from valueweave.graph import KnowledgeGraph
from valueweave.namespaces import SCE
from valueweave.problems import InputError
from valueweave.reasoning.desk import read_statement
from valueweave.reasoning.proofs.explain import Explainer
from valueweave.reasoning.proofs.model import Proof
from valueweave.reasoning.proofs.text import ProofWriter
from valueweave.reasoning.rules.book import RuleBook, RuleText

ONTOLOGY = """
:Firm a owl:Class ; rdfs:subClassOf :Actor ; rdfs:label "firm"@en . :Actor a owl:Class ; rdfs:label "actor"@en .
:Partner a owl:Class ; rdfs:label "partner"@en ; owl:equivalentClass [ a owl:Class ; owl:intersectionOf (
  :Actor [ a owl:Restriction ; owl:onProperty :with ; owl:someValuesFrom :Actor ] ) ] .
:with a owl:ObjectProperty , owl:SymmetricProperty ; rdfs:label "works with"@en .
"""
DATA = ":jd a :Firm ; :with :x . :x a :Firm . :y a :Actor ."


def explainer(ontology: str, data: str, *rules: RuleText) -> Explainer:
    return Explainer(store(ontology, data, *rules), book(ontology, *rules))


def well_founded(proof: Proof) -> bool:
    """Whether each step is one of its rule, and its premises are of earlier rounds."""
    if proof.rule is None:
        return proof.round == 0 and bool(proof.graphs) and not proof.premises
    return all(premise.round < proof.round and well_founded(premise) for premise in proof.premises)


def test_a_proof_goes_down_to_asserted_statements_by_way_of_axioms() -> None:
    explanation = explainer(ONTOLOGY, DATA).explain(triple(":x a :Partner ."))
    [proof] = explanation.proofs
    assert explanation.entailed
    assert well_founded(proof)
    assert {str(leaf.statement) for leaf in proof.leaves()} == {str(found) for found in triples(
        ":jd a :Firm ; :with :x . :x a :Firm .")}  # fmt: skip
    assert ProofWriter(lambda iri, _: iri.rsplit("/", 1)[-1]).text(explanation).splitlines()[:2] == [
        "x is a Partner",
        "  by: partner = actor and (works with some actor)",
    ]


def test_an_asserted_statement_answers_with_the_files_that_say_it() -> None:
    [proof] = explainer(ONTOLOGY, DATA).explain(triple(":jd :with :x .")).proofs
    assert proof.asserted
    assert proof.graphs == ("urn:x/file",)


def test_other_proofs_have_another_last_step() -> None:
    found = explainer(ONTOLOGY, DATA + ":jd :with :y .").explain(triple(":jd a :Partner ."), proofs=10).proofs
    assert len(found) == 2
    assert all(well_founded(proof) for proof in found)
    assert len({frozenset(premise.statement for premise in proof.premises) for proof in found}) == 2
    assert [proof.round for proof in found] == sorted(proof.round for proof in found)


def test_a_statement_never_proves_itself() -> None:
    cycle = ":p a owl:ObjectProperty ; owl:equivalentProperty :q . :q a owl:ObjectProperty , owl:SymmetricProperty ."
    for proof in explainer(cycle, ":a :p :b .").explain(triple(":b :q :a ."), proofs=20).proofs:
        assert well_founded(proof)
        assert all(leaf.statement == triple(":a :p :b .") for leaf in proof.leaves())


def test_what_does_not_hold_is_told_with_the_conditions_that_are_met_and_not_met() -> None:
    explanation = explainer(ONTOLOGY, DATA).explain(triple(":y a :Partner ."))
    assert not explanation.entailed
    assert not explanation.proofs
    nearest = explanation.nearest[0]
    assert len(nearest.met) == 1
    assert "Actor" in nearest.met[0]
    assert len(nearest.unmet) >= 1
    assert triple(":y a :Actor .") in explanation.similar


def test_a_count_shows_the_whole_group() -> None:
    counting = (
        ":Hub a owl:Class ; owl:equivalentClass [ a owl:Restriction ; owl:onProperty :with ; owl:minCardinality 2 ] ."
    )
    [proof] = explainer(counting, ":h :with :a , :b , :c . :o :with :a .").explain(triple(":h a :Hub .")).proofs
    assert {premise.statement for premise in proof.premises} == {*triples(":h :with :a , :b , :c .")}
    assert proof.conditions[0][0] == "3 of at least 2"


def test_absence_and_tests_are_conditions_of_the_step() -> None:
    text = rule("CONSTRUCT { ?a a :Late } WHERE { ?a :n ?i . FILTER(?i > 2) FILTER NOT EXISTS { ?a :p ?b } }")
    explanation = explainer("", ":x :n 3 .", text).explain(triple(":x a :Late ."))
    assert len(explanation.proofs[0].conditions) == 2
    text_of = ProofWriter(lambda iri, _: iri.rsplit("/", 1)[-1]).text(explanation)
    assert "nothing says: x p ?b" in text_of
    assert "3 > 2" in text_of


def test_a_rule_that_runs_once_is_explained_by_what_its_patterns_match() -> None:
    once = rule("CONSTRUCT { ?a :q ?b } WHERE { ?a :p ?b OPTIONAL { ?a :r ?c } }", header="#+ evaluation: once\n")
    [proof] = explainer("", ":x :p :y ; :r :z . :x :p :w .", once).explain(triple(":x :q :y .")).proofs
    assert {premise.statement for premise in proof.premises} == {*triples(":x :p :y ; :r :z .")}


PAIRS = st.tuples(st.integers(0, 3), st.integers(0, 3))


@settings(max_examples=20, deadline=None)
@given(
    st.lists(PAIRS, max_size=4), st.lists(PAIRS, max_size=4), st.lists(st.tuples(PAIRS, st.integers(0, 3)), max_size=8)
)
def test_every_inferred_statement_has_a_proof_that_ends(
    classes: list[tuple[int, int]], properties: list[tuple[int, int]], facts: list[tuple[tuple[int, int], int]]
) -> None:
    lines = [f":C{n} a owl:Class . :p{n} a owl:ObjectProperty ." for n in range(4)]
    lines += [f":C{a} rdfs:subClassOf :C{b} ." for a, b in classes]
    lines += [f":p{a} owl:inverseOf :p{b} ." for a, b in properties]
    lines += [":p0 rdfs:domain :C0 ; a owl:TransitiveProperty . :C3 owl:equivalentClass"]
    lines += ["[ a owl:Restriction ; owl:onProperty :p1 ; owl:someValuesFrom :C0 ] ."]
    ontology = "\n".join(lines)
    data = "\n".join(f":i{a} :p{p} :i{b} ." for (a, b), p in facts)
    ask = explainer(ontology, data)
    asserted = {*triples(data)}
    for found in closure(ontology, data).triples():
        [proof] = ask.explain(found).proofs
        assert well_founded(proof)
        assert {leaf.statement for leaf in proof.leaves()} <= asserted


# -- forms


def test_the_forms_say_the_same() -> None:
    explanation = explainer(ONTOLOGY, DATA).explain(triple(":x a :Partner ."))
    writer = ProofWriter(lambda iri, _: iri.rsplit("/", 1)[-1])
    data = writer.json(explanation)
    assert data["schema"].endswith("explanation-1")
    assert data["proofs"][0]["rule"]["text"]["en"] == "partner = actor and (works with some actor)"
    leaves = [data["proofs"][0]]
    kinds = set()
    while leaves:
        step = leaves.pop()
        kinds.add(step["kind"])
        leaves += step.get("premises", [])
    assert kinds == {"asserted", "inferred"}
    diagram = writer.mermaid(explanation)
    assert diagram.startswith("flowchart BT")
    assert diagram.count("-->") >= 4


PAGE = ":jd a :Firm ; sce:hasEvidence :e . :e sce:inSource :s ; sce:startOffset 1 ; sce:endOffset 5"
ADDED = ":jd :with :x ; sce:hasEvidence :f . :f sce:inSource :s ; sce:startOffset 7 ; sce:endOffset 9"
BACKED = " . :f sce:inSource :s ; sce:startOffset 7 ; sce:supports :with"


@pytest.mark.parametrize(
    ("files", "asked", "expected"),
    [
        # Each file by its own evidence.
        ([PAGE, ADDED], ":jd a :Firm", [1]),
        ([PAGE, ADDED], ":jd :with :x", [7]),
        ([PAGE, ":jd :with :x"], ":jd :with :x", []),
        # What two files say, by that of both.
        ([PAGE, ADDED + " . :jd a :Firm"], ":jd a :Firm", [1, 7]),
        # What names a property that its own file is silent on is about the file that defines the record.
        ([":jd a :Firm ; :with :x", ":jd sce:hasEvidence :f" + BACKED],
         ":jd :with :x", [7]),
        ([":jd a :Firm", ":jd :with :x", ":jd sce:hasEvidence :f" + BACKED],
         ":jd :with :x", []),
        ([":jd a :Firm ; :with :x", ":jd sce:hasEvidence :f ; :with :y" + BACKED],
         ":jd :with :x", []),
        # An item is described in the graph that names it.
        ([PAGE, ":jd :with :x ; sce:hasEvidence :e"], ":jd :with :x", []),
        # What an update may write, a case file may not: a place that is no number is told as none.
        ([PAGE.replace("1", "'²'")], ":jd a :Firm", [0]),
    ],
)  # fmt: skip
def test_a_passage_backs_what_its_own_file_says(files: list[str], asked: str, expected: list[int]) -> None:
    engine = ox.Store()
    for number, text in enumerate(files):
        for found in triples(f"@prefix sce: <{SCE}> . {text} ."):
            engine.add(ox.Quad(found.subject, found.predicate, found.object, ox.NamedNode(f"urn:x/file/{number}")))
            engine.add(ox.Quad(found.subject, found.predicate, found.object))
    explanation = Explainer(engine, book()).explain(triple(f"{asked} ."))
    assert [passage.start for passage in explanation.proofs[0].passages] == expected


def test_an_explanation_as_a_string_is_its_text() -> None:
    explanation = explainer(ONTOLOGY, DATA).explain(triple(":x a :Partner ."))
    assert str(explanation).splitlines()[1] == "  by: partner = actor and (works with some actor)"


# -- the real graph


def test_printed_in_python_it_is_what_the_command_line_prints(kg: KnowledgeGraph) -> None:
    for asked in (("state/cosmo-step-3", "a", "sce:SupplyChainAsAService"), ("actor/jd", "a", "sce:Stage")):
        explanation = kg.explain(*asked)
        assert str(explanation) == ProofWriter(kg.label).text(explanation)
    assert str(kg.explain("actor/jd", "a", "sce:Organization")).startswith("JD is an organization\n")


def test_terms_of_the_ontology_may_be_named_without_their_prefix(kg: KnowledgeGraph) -> None:
    short = kg.explain("stage/jd-1", "startYear", '"2007"^^xsd:integer')
    assert short.statement.predicate.value == SCE + "startYear"
    assert kg.explain("state/cosmo-step-3", "a", "SupplyChainAsAService").entailed


def test_an_explanation_of_the_graph_ends_in_passages(kg: KnowledgeGraph) -> None:
    explanation = kg.explain("state/cosmo-step-3", "a", "sce:SupplyChainAsAService")
    [proof] = explanation.proofs
    assert well_founded(proof)
    leaves = [leaf for leaf in proof.leaves() if not leaf.graphs[0].endswith("/ontology")]
    assert len(leaves) > 10
    assert all(passage.source.endswith("source/003") for leaf in leaves for passage in leaf.passages)
    with_passage = [leaf for leaf in leaves if leaf.passages]
    assert len(with_passage) == len(leaves)
    assert all(
        len(passage.sha256) == 64 and passage.start < passage.end for leaf in leaves for passage in leaf.passages
    )


def test_every_inferred_statement_of_the_graph_has_a_proof(kg: KnowledgeGraph) -> None:
    """All of them, each down to asserted statements; the proofs of a graph share their steps, so this is quick."""
    ask = kg.reasoning.explainer
    inferred = [
        quad.triple for quad in kg.store.statements(graph=ox.NamedNode("https://w3id.org/valueweave/graph/inferred"))
    ]
    assert len(inferred) > 5000
    for found in inferred[::7]:
        [proof] = ask.explain(found).proofs
        assert well_founded(proof)


def test_the_rules_of_a_store_are_those_it_was_built_with(kg: KnowledgeGraph) -> None:
    assert isinstance(kg.reasoning.rules, RuleBook)
    assert {rule.name for rule in kg.reasoning.rules.domain} >= {"order-precedes-1", "shortcut-active-in"}


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        (("_:b1", "a", "sce:Stage"), "blank-term"),
        (('"jd"', "a", "sce:Stage"), "term-place"),
        (("actor/jd", "sce:nonsense", "sce:Stage"), "unknown-name"),
        (("actor/jdd", "a", "sce:Actor"), "unknown-name"),
        (("actor/jd", "a", '"x'), "literal-syntax"),
    ],
)
def test_a_term_that_cannot_be_asked_for_is_told(kg: KnowledgeGraph, terms: tuple[str, str, str], code: str) -> None:
    with pytest.raises(InputError) as caught:
        kg.explain(*terms)
    assert code in {problem.code for problem in caught.value.problems}
    assert all(problem.remedy for problem in caught.value.problems)


def test_all_wrong_terms_are_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        read_statement("_:a", "_:b", "a")
    assert len(caught.value.problems) == 2


def test_a_literal_can_be_asked_for(kg: KnowledgeGraph) -> None:
    explanation = kg.explain("stage/jd-1", "sce:startYear", '"2007"^^xsd:integer')
    assert explanation.entailed
    assert explanation.proofs[0].passages
    assert SCE in explanation.statement.predicate.value
