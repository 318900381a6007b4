"""Domain rules: what they can say, that they run, and how a wrong one is told."""

from __future__ import annotations

import hashlib

import pyoxigraph as ox
import pytest
from tests.reasoning.small import book, closure, follows, rule, triples

from valueweave.problems import InputError
from valueweave.reasoning.rules.strata import stratify

UNEQUAL = rule("CONSTRUCT { ?a :differs ?b } WHERE { ?x :has ?a , ?b . FILTER(?a != ?b) }", "unequal")


@pytest.mark.parametrize(
    ("text", "data", "inferred"),
    [
        ("CONSTRUCT { ?b :q ?a } WHERE { ?a :p ?b }", ":x :p :y .", {":y :q :x"}),
        ("CONSTRUCT { ?a :q ?b . ?b a :C } WHERE { ?a :p ?b }", ":x :p :y .", {":x :q :y", ":y a :C"}),
        ("CONSTRUCT { ?a :q ?c } WHERE { ?a :p/:p ?c }", ":x :p :y . :y :p :z .", {":x :q :z"}),
        ("CONSTRUCT { ?a :q ?c } WHERE { ?a :p/^:p ?c . FILTER(?a != ?c) }", ":x :p :y . :z :p :y .",
         {":x :q :z", ":z :q :x"}),
        ("CONSTRUCT { ?a :before ?b } WHERE { ?a :n ?i . ?b :n ?j . FILTER(?j = ?i + 1) }",
         ":x :n 1 . :y :n 2 . :z :n 4 .", {":x :before :y"}),
        ("CONSTRUCT { ?a a :Early } WHERE { ?a :n ?i . FILTER(?i < 2.5 && ?i != 0) }",
         ":x :n 1 . :y :n 0 . :z :n 3 .", {":x a :Early"}),
        ("CONSTRUCT { ?a :other ?b } WHERE { ?a :n ?i . ?b :n ?j . FILTER(?i != ?j && STR(?a) < STR(?b)) }",
         ":x :n 1 . :y :n 1.0 . :z :n 2 .", {":x :other :z", ":y :other :z"}),
        ("CONSTRUCT { ?a a :Lonely } WHERE { ?a a :A . FILTER NOT EXISTS { ?a :p ?b . ?b a :A } }",
         ":x a :A ; :p :y . :y a :A ; :p :z .", {":y a :Lonely"}),
        ("CONSTRUCT { ?a a :D } WHERE { { ?a a :A } UNION { ?a :p ?b } }", ":x a :A . :y :p :z .",
         {":x a :D", ":y a :D"}),
        ("CONSTRUCT { ?a a :Many } WHERE { { SELECT ?a WHERE { ?a :p ?b } GROUP BY ?a"
         " HAVING (COUNT(DISTINCT ?b) > 1) } }",
         ":x :p :y , :z . :w :p :y .", {":x a :Many"}),
        ("CONSTRUCT { ?a a :Chosen } WHERE { ?a :kind ?k . FILTER(?k IN (:one, :two)) }",
         ":x :kind :one . :y :kind :three .", {":x a :Chosen"}),
        ('CONSTRUCT { ?n :joins ?a , ?b } WHERE { ?a :p ?b . BIND(IRI(CONCAT("urn:x/pair-", SHA1(STR(?a)))) AS ?n) }',
         "<urn:x/a> :p :y .", {":pair-{0} :joins :a", ":pair-{0} :joins :y"}),
        ("CONSTRUCT { ?a a :Text } WHERE { ?a :n ?v . FILTER(LANG(?v) = 'en') }", ':x :n "x"@en . :y :n "y"@zh .',
         {":x a :Text"}),
        ('CONSTRUCT { ?a a :Said } WHERE { ?a :n ?v . FILTER(STR(?v) = "a \\"b\\" \\\\ c") }',
         ':x :n "a \\"b\\" \\\\ c" . :y :n "a" .', {":x a :Said"}),
    ],
)  # fmt: skip
def test_a_rule_concludes_what_it_says(text: str, data: str, inferred: set[str]) -> None:
    digest = hashlib.sha1(b"urn:x/a").hexdigest()
    assert follows("", data, rule(text)) == {text.replace("{0}", digest) for text in inferred}


def test_tables_and_store_conclude_the_same_things() -> None:
    """The same query, run by the engine itself, is the measure of what a rule concludes on tables."""
    text = rule(
        "CONSTRUCT { ?n :joins ?a , ?b ; :sum ?s } WHERE { ?a :p ?b ; :n ?i . ?b :n ?j . FILTER(?i <= ?j || ?j = 0)"
        ' FILTER NOT EXISTS { ?b :p ?a } BIND(IRI(CONCAT("urn:x/", SHA1(CONCAT(STR(?a), "|", STR(?b))))) AS ?n)'
        " BIND(?i + ?j AS ?s) }"
    )
    data = ":x :p :y , :z ; :n 1 . :y :n 2 ; :p :z . :z :n 0 ; :p :y ."
    engine = ox.Store()
    engine.extend(ox.Quad(t.subject, t.predicate, t.object) for t in triples(data))
    answer = engine.query(text.text)
    assert isinstance(answer, ox.QueryTriples)
    assert {*closure("", data, text).triples()} == {*answer} != set()


def test_rules_and_axioms_run_to_one_fixpoint() -> None:
    ontology = ":A a owl:Class ; rdfs:subClassOf :B . :B a owl:Class . :q a owl:ObjectProperty ; rdfs:range :A ."
    chained = rule("CONSTRUCT { ?a :q ?b } WHERE { ?a a :B ; :p ?b }")
    assert follows(ontology, ":x a :A ; :p :y . :y :p :z .", chained) == {
        ":x a :B", ":x :q :y", ":y a :A", ":y a :B", ":y :q :z", ":z a :A", ":z a :B",
    }  # fmt: skip


def test_a_rule_that_runs_once_sees_everything_else_and_is_followed_by_axioms() -> None:
    ontology = ":p a owl:ObjectProperty , owl:SymmetricProperty . :q a owl:ObjectProperty ; rdfs:subPropertyOf :r ."
    once = rule("CONSTRUCT { ?a :q ?b } WHERE { ?a :p ?b OPTIONAL { ?a :q ?c } }", header="#+ evaluation: once\n")
    assert follows(ontology, ":x :p :y .", once) == {":y :p :x", ":x :q :y", ":y :q :x", ":x :r :y", ":y :r :x"}


def test_absence_is_asked_for_after_what_could_conclude_it() -> None:
    lonely = rule("CONSTRUCT { ?a a :Lonely } WHERE { ?a a :A . FILTER NOT EXISTS { ?a :q ?b } }", "lonely")
    joined = rule("CONSTRUCT { ?b :q ?a } WHERE { ?a :p ?b }", "joined")
    happy = rule("CONSTRUCT { ?a a :Happy } WHERE { ?a a :A . FILTER NOT EXISTS { ?a a :Lonely } }", "happy")
    assert len(stratify(book("", lonely, joined, happy).rules)) == 3
    assert follows("", ":x a :A ; :p :y . :y a :A .", happy, lonely, joined) == {
        ":y :q :x", ":x a :Lonely", ":y a :Happy",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "code", "term"),
    [
        ("CONSTRUCT { ?a :q ?c } WHERE { ?a :p ?b }", "rule-unbound", "?c"),
        ("CONSTRUCT { ?a :q ?c } WHERE { ?a :p ?b . FILTER NOT EXISTS { ?b :p ?c } }", "rule-unbound", "?c"),
        ("CONSTRUCT { ?a :q ?b } WHERE { { ?a :p ?b } UNION { ?a a :A } }", "rule-unbound", "?b"),
        ("CONSTRUCT { ?a :q ?b } WHERE { ?a :p ?b . FILTER(?d > 2) }", "rule-unbound", "?d"),
        ("CONSTRUCT { ?a :q ?b } WHERE { ?a :p ?b OPTIONAL { ?b :p ?c } }", "rule-feature", None),
        ("CONSTRUCT { ?a :q ?b } WHERE { ?a :p+ ?b }", "rule-feature", None),
        ("CONSTRUCT { ?a ?p ?b } WHERE { ?a ?p ?b }", "rule-feature", None),
        ("CONSTRUCT { ?a :q ?b } WHERE { ?a :p ?b MINUS { ?a a :A } }", "rule-feature", None),
        ("CONSTRUCT { ?a :q ?b } WHERE { ?a :p ?b . FILTER(REGEX(STR(?b), 'x')) }", "rule-feature", None),
        ("CONSTRUCT { ?a :q } WHERE { ?a :p ?b }", "sparql-syntax", "}"),
        ("SELECT * WHERE { ?a :p ?b }", "rule-form", None),
        ("CONSTRUCT { ?a a :A } WHERE { ?a :p ?b . FILTER NOT EXISTS { ?a a :A } }", "rule-cycle", "rule"),
    ],
)
def test_a_wrong_rule_is_told_with_its_place(text: str, code: str, term: str | None) -> None:
    with pytest.raises(InputError) as caught:
        book("", rule(text))
    [problem] = caught.value.problems
    assert (problem.code, problem.term, problem.file) == (code, term, "rule.rq")
    assert problem.remedy


@pytest.mark.parametrize("header", ["", "#+ evaluation: once\n"])
def test_a_rule_that_names_what_the_ontology_does_not_have_is_told(header: str) -> None:
    ontology = "<https://w3id.org/valueweave/ontology#involves> a owl:ObjectProperty ."
    text = "PREFIX sce: <https://w3id.org/valueweave/ontology#>\nCONSTRUCT { ?a :q ?b }\nWHERE { ?a sce:involvess ?b }"
    with pytest.raises(InputError) as caught:
        book(ontology, rule(text, header=header))
    [problem] = caught.value.problems
    assert (problem.code, problem.term, problem.file) == ("unknown-term", "sce:involvess", "rule.rq")
    assert "sce:involves" in problem.remedy
    assert problem.line == (8 if header else 7)
    assert book(ontology, rule(text.replace("involvess", "involves"))).rules


def test_a_check_cannot_run_once() -> None:
    once = "#+ evaluation: once\nPREFIX owl: <http://www.w3.org/2002/07/owl#>\n"
    with pytest.raises(InputError, match="cannot be a check"):
        book("", rule("CONSTRUCT { ?a a owl:Nothing } WHERE { ?a :p ?a }", header=once))


def test_a_cycle_through_absence_names_the_rules_on_the_way() -> None:
    one = rule("CONSTRUCT { ?a a :A } WHERE { ?a :p ?b . FILTER NOT EXISTS { ?a a :C } }", "one")
    two = rule("CONSTRUCT { ?a a :B } WHERE { ?a a :A }", "two")
    with pytest.raises(InputError, match=r"one needs the absence.*SubClassOf\.B\.C, two"):
        book(":B a owl:Class ; rdfs:subClassOf :C .", one, two)


def test_all_wrong_rules_are_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        book("", rule("CONSTRUCT { ?a :q ?c } WHERE { ?a :p ?b }", "one"), rule("ASK {}", "two"))
    assert [problem.file for problem in caught.value.problems] == ["one.rq", "two.rq"]
