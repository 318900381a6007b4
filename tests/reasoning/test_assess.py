"""A defined class is a checklist: each condition in both readings, for every constructor of OWL 2."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.definitions import BY_ASSUMPTION, FIXTURES, closure, individual
from tests.reasoning.small import book, rule, store

from valueweave.graph import KnowledgeGraph
from valueweave.namespaces import ID, PREFIXES, SCE
from valueweave.ontology import OntologyIndex
from valueweave.problems import InputError
from valueweave.project import Project
from valueweave.reasoning.assessment.assess import Assessor, Ground
from valueweave.reasoning.assessment.condition import Condition
from valueweave.reasoning.assessment.result import Assessment, assess, rank
from valueweave.reasoning.assessment.text import AssessmentWriter
from valueweave.reasoning.proofs.explain import Explainer
from valueweave.reasoning.rules.book import RuleBook, RuleText, rule_texts
from valueweave.reasoning.rules.conditions import where
from valueweave.reasoning.rules.expressions import ClassName, Or

TYPE = ox.NamedNode(PREFIXES["rdf"] + "type")
BASE = """
:p a owl:ObjectProperty . :q a owl:ObjectProperty . :size a owl:DatatypeProperty .
:A a owl:Class . :B a owl:Class . :C a owl:Class ; owl:disjointWith :B .
"""
COMPLETE = f"<{SCE}CompletenessDeclaration>"


def complete(thing: str, *properties: str) -> str:
    named = ", ".join(properties)
    return f":d a {COMPLETE} ; <{SCE}concerns> {thing} ; <{SCE}completeProperty> {named} ."


def restriction(text: str) -> str:
    return f"[ a owl:Restriction ; {text} ]"


def defined(meaning: str, more: str = "") -> str:
    return f"{BASE} {more} :D a owl:Class ; owl:equivalentClass {meaning} ."


def assessed(ontology: str, data: str, *rules: RuleText, thing: str = "x", name: str = "D") -> Assessment:
    engine, rulebook = store(ontology, data, *rules), book(ontology, *rules)
    return assess(
        Ground(engine, rulebook), Explainer(engine, rulebook), ox.NamedNode(f"urn:x/{thing}"), f"urn:x/{name}"
    )


def both(ontology: str, data: str) -> tuple[str, str]:
    found = assessed(ontology, data).condition
    return found.open, found.closed


def leaves(found: Condition) -> list[Condition]:
    parts = () if found.necessary else found.parts
    if isinstance(found.expression, Or):
        parts = (max(parts, key=lambda one: one.share),)
    below = [*parts, *found.values[:1]]
    return [leaf for part in below for leaf in leaves(part)] if below else [found]


ONE = "owl:onProperty :p"
SOME_B = restriction(f"{ONE} ; owl:someValuesFrom :B")
AND = f"[ a owl:Class ; owl:intersectionOf ( :A {SOME_B} ) ]"
OR = f"[ a owl:Class ; owl:unionOf ( :A {SOME_B} ) ]"
NOT = "[ a owl:Class ; owl:complementOf :B ]"
ONLY = restriction(f"{ONE} ; owl:allValuesFrom :B")
VALUE = restriction(f"{ONE} ; owl:hasValue :v")
SELF = restriction(f"{ONE} ; owl:hasSelf true")
MIN2 = restriction(f'{ONE} ; owl:minQualifiedCardinality "2"^^xsd:nonNegativeInteger ; owl:onClass :B')
MAX1 = restriction(f'{ONE} ; owl:maxQualifiedCardinality "1"^^xsd:nonNegativeInteger ; owl:onClass :B')
EXACTLY1 = restriction(f'{ONE} ; owl:qualifiedCardinality "1"^^xsd:nonNegativeInteger ; owl:onClass :B')
ONE_OF = "[ a owl:Class ; owl:intersectionOf ( :A [ a owl:Class ; owl:oneOf ( :x :z ) ] ) ]"
NOT_ONE_OF = "[ a owl:Class ; owl:intersectionOf ( :A [ a owl:Class ; owl:oneOf ( :y :z ) ] ) ]"
BIG = (
    "[ a owl:Restriction ; owl:onProperty :size ; owl:someValuesFrom [ a rdfs:Datatype ; owl:onDatatype xsd:integer ; "
    "owl:withRestrictions ( [ xsd:minInclusive 5 ] ) ] ]"
)
FUNCTIONAL = ":p a owl:FunctionalProperty ."
INVERSE_B = "[ a owl:Restriction ; owl:onProperty [ owl:inverseOf :p ] ; owl:someValuesFrom :B ]"


@pytest.mark.parametrize(
    ("meaning", "more", "data", "expected"),
    [
        (AND, "", ":x a :A ; :p :y . :y a :B .", ("entailed", "met")),
        (AND, "", ":x a :A .", ("open", "unknown")),
        (AND, "", ":x a :A . " + complete(":x", ":p"), ("open", "not met")),
        (AND, ":E a owl:Class ; owl:disjointWith :A .", ":x a :E ; :p :y . :y a :B .", ("contradicted", "not met")),
        (OR, "", ":x :p :y . :y a :B .", ("entailed", "met")),
        (OR, "", ":x :p :y . " + complete(":x", ":p", "rdf:type"), ("open", "unknown")),
        (OR, "", ":x a :C . " + complete(":x", ":p", "rdf:type"), ("open", "not met")),
        (SOME_B, "", ":x :p :y .", ("open", "unknown")),
        (SOME_B, "", ":x :p :y . :y a :C . " + complete(":x", ":p"), ("open", "not met")),
        (SOME_B, "", ":x :p :y . " + complete(":x", ":p"), ("open", "unknown")),
        (SOME_B, FUNCTIONAL, ":x :p :y . :y a :C .", ("contradicted", "not met")),
        (SOME_B, ":p rdfs:range :C .", ":x a :A .", ("contradicted", "not met")),
        (SOME_B, ":p rdfs:domain :B .", ":x a :C .", ("contradicted", "not met")),
        (SOME_B, f":A rdfs:subClassOf {restriction(f'{ONE} ; owl:allValuesFrom :C')} .", ":x a :A .",
         ("contradicted", "not met")),
        (SOME_B, f":A rdfs:subClassOf {SOME_B} .", ":x a :A .", ("entailed", "met")),
        (SOME_B, ":i owl:inverseOf :p .", ":x a :A . " + complete(":x", ":p"), ("open", "not met")),
        (INVERSE_B, "", ":y :p :x ; a :B .", ("entailed", "met")),
        (INVERSE_B, ":i a owl:ObjectProperty ; owl:inverseOf :p .", ":x a :A . " + complete(":x", ":i"),
         ("open", "not met")),
        (NOT, "", ":x a :C .", ("entailed", "met")),
        (NOT, "", ":x a :B .", ("contradicted", "not met")),
        (NOT, "", ":x a :A .", ("open", "unknown")),
        (NOT, "", ":x a :A . " + complete(":x", "rdf:type"), ("open", "met")),
        (ONLY, "", ":x :p :y . :y a :B .", ("open", "unknown")),
        (ONLY, "", ":x :p :y . :y a :B . " + complete(":x", ":p"), ("open", "met")),
        (ONLY, "", ":x :p :y . :y a :C .", ("contradicted", "not met")),
        (ONLY, ":p rdfs:range :B .", ":x a :A .", ("entailed", "met")),
        (ONLY, FUNCTIONAL, ":x :p :y . :y a :B .", ("entailed", "met")),
        (VALUE, "", ":x :p :v .", ("entailed", "met")),
        (VALUE, "", ":x :p :w .", ("open", "unknown")),
        (VALUE, "", ":x :p :w . " + complete(":x", ":p"), ("open", "not met")),
        (VALUE, FUNCTIONAL, ":x :p :w .", ("contradicted", "not met")),
        (VALUE, "[] a owl:NegativePropertyAssertion ; owl:sourceIndividual :x ; owl:assertionProperty :p ; "
         "owl:targetIndividual :v .", ":x a :A .", ("contradicted", "not met")),
        (SELF, "", ":x :p :x .", ("entailed", "met")),
        (SELF, ":p a owl:IrreflexiveProperty .", ":x a :A .", ("contradicted", "not met")),
        (MIN2, "", ":x :p :y , :z . :y a :B . :z a :B .", ("entailed", "met")),
        (MIN2, "", ":x :p :y , :z . :y a :B .", ("open", "unknown")),
        (MIN2, "", ":x :p :y . :y a :B . " + complete(":x", ":p"), ("open", "not met")),
        (MIN2, f":A rdfs:subClassOf {MAX1} .", ":x a :A .", ("contradicted", "not met")),
        (MAX1, "", ":x :p :y , :z . :y a :B . :z a :B .", ("contradicted", "not met")),
        (MAX1, "", ":x :p :y . :y a :B .", ("open", "unknown")),
        (MAX1, "", ":x :p :y . :y a :B . " + complete(":x", ":p"), ("open", "met")),
        (MAX1, FUNCTIONAL, ":x :p :y .", ("entailed", "met")),
        (EXACTLY1, FUNCTIONAL, ":x :p :y . :y a :B .", ("entailed", "met")),
        (EXACTLY1, "", ":x :p :y . :y a :B . " + complete(":x", ":p"), ("open", "met")),
        (ONE_OF, "", ":x a :A .", ("entailed", "met")),
        (NOT_ONE_OF, "", ":x a :A .", ("contradicted", "not met")),
        (BIG, "", ":x :size 7 .", ("entailed", "met")),
        (BIG, "", ":x :size 3 .", ("open", "unknown")),
        (BIG, "", ":x :size 3 . " + complete(":x", ":size"), ("open", "not met")),
        (BIG, ":size a owl:FunctionalProperty .", ":x :size 3 .", ("contradicted", "not met")),
    ],
)  # fmt: skip
def test_each_constructor_has_both_readings(meaning: str, more: str, data: str, expected: tuple[str, str]) -> None:
    assert both(defined(meaning, more), data) == expected


def test_a_definition_inside_a_definition_is_unfolded() -> None:
    outer = restriction("owl:onProperty :q ; owl:someValuesFrom :E")
    inner = f":E a owl:Class ; owl:equivalentClass [ a owl:Class ; owl:intersectionOf ( :B {VALUE} ) ] ."
    found = assessed(
        defined(f"[ a owl:Class ; owl:intersectionOf ( :A {outer} ) ]", inner),
        ":x a :A ; :q :y , :z . :y a :B . :z a :C .",
    ).condition  # fmt: skip
    assert (found.met, found.simple) == (2, 3)
    [definition] = found.parts
    [near, far] = definition.parts[1].values
    assert [(one.member.value[-1], one.open, one.met) for one in (near, far)] == [
        ("y", "open", 1),
        ("z", "contradicted", 0),
    ]


def test_a_circular_definition_comes_to_an_end() -> None:
    ontology = defined(f"[ a owl:Class ; owl:unionOf ( :B {restriction(f'{ONE} ; owl:someValuesFrom :D')} ) ]")
    assert both(ontology, ":x :p :y . :y :p :x .") == ("open", "unknown")
    assert both(ontology, ":x :p :y . :y :p :z . :z a :B .") == ("entailed", "met")


def test_of_two_definitions_each_is_enough_and_each_is_needed() -> None:
    ontology = f"{BASE} :D a owl:Class ; owl:equivalentClass {SOME_B} , {VALUE} ."
    assert both(ontology, ":x :p :v .") == ("entailed", "met")
    assert both(ontology + FUNCTIONAL, ":x :p :w .") == ("contradicted", "not met")


def test_a_class_without_a_definition_has_the_conditions_of_the_classes_above_it() -> None:
    found = assessed(defined(AND) + ":F a owl:Class ; rdfs:subClassOf :D .", ":x a :C .", name="F").condition
    assert found.necessary
    assert found.open == "open"
    assert [leaf.closed for part in found.parts for leaf in leaves(part)] == ["unknown", "unknown"]


def test_a_class_above_that_is_ruled_out_rules_out_the_class() -> None:
    ontology = defined(AND) + ":F a owl:Class ; rdfs:subClassOf :D . :E a owl:Class ; owl:disjointWith :A ."
    found = assessed(ontology, ":x a :E .", name="F").condition
    assert (found.open, found.closed) == ("contradicted", "not met")
    [denied] = [leaf for part in found.parts for leaf in leaves(part) if leaf.closed == "not met"]
    assert denied.against is not None
    assert denied.against.known == (ox.Triple(ox.NamedNode("urn:x/x"), TYPE, ox.NamedNode("urn:x/E")),)


def test_a_rule_is_another_way_to_become_a_member() -> None:
    made = rule("CONSTRUCT { ?x a :D } WHERE { ?x :q ?y . ?y a :B }")
    found = assessed(defined(AND), ":x a :A ; :q :y .", made)
    [near] = found.by_rule
    assert (len(near.met), len(near.unmet)) == (1, 1)
    assert assessed(defined(AND), ":x :q :y . :y a :B .", made).condition.open == "entailed"


# -- what would meet it


def missing(ontology: str, data: str) -> list[str]:
    found = assessed(ontology, data)
    return [where(way, {}).replace("<urn:x/", ":").replace(">", "").replace(f"<{TYPE.value}", "a")
            for way in found.ways(found.condition)]  # fmt: skip


def test_the_smallest_missing_statements_use_what_is_there() -> None:
    assert missing(defined(AND), ":x a :A ; :p :y , :z . :z a :C .") == [":y a :B .", ":x :p ?value1 . ?value1 a :B ."]


def test_what_follows_from_the_range_need_not_be_stated() -> None:
    assert missing(defined(AND, ":p rdfs:range :B ."), ":x a :A .") == [":x :p ?value1 ."]


def test_what_is_ruled_out_has_no_way() -> None:
    assert missing(defined(AND, FUNCTIONAL), ":x a :A ; :p :z . :z a :C .") == []


@pytest.mark.parametrize(
    ("meaning", "data"),
    [
        (AND, ":x a :A ."), (AND, ":x :p :y ."), (OR, ":x :p :y ."), (MIN2, ":x :p :y , :z . :y a :B ."),
        (VALUE, ":x a :A ."), (SELF, ":x a :A ."), (INVERSE_B, ":x a :A ."), (BIG, ":x :size 3 ."),
    ],
)  # fmt: skip
def test_adding_what_is_missing_makes_it_a_member(meaning: str, data: str) -> None:
    ontology = defined(meaning)
    for way in missing(ontology, data):
        added = way.partition("FILTER")[0]
        added = added.replace(":size ?value1", ":size 5").replace("?", ":new-")
        assert both(ontology, f"{data} {added}") == ("entailed", "met"), way


def test_who_meets_a_condition_is_named_with_its_file() -> None:
    found = assessed(defined(AND), ":x a :A . :m a :A ; :p :y . :y a :B .")
    assert found.examples(found.condition) == [("urn:x/m", ("urn:x/file",))]


# -- ranking, text


def test_the_nearest_class_comes_first_and_other_kinds_last() -> None:
    more = f":E a owl:Class ; owl:equivalentClass [ a owl:Class ; owl:intersectionOf ( :B {VALUE} ) ] . "
    engine, rules = store(defined(AND, more), ":x a :C , :A ; :p :v ."), book(defined(AND, more))
    found = rank(Ground(engine, rules), Explainer(engine, rules), ox.NamedNode("urn:x/x"))
    assert [(one.class_iri, one.foreign) for one in found] == [("urn:x/D", False), ("urn:x/E", True)]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_text_shows_each_condition_with_both_readings(language: str) -> None:
    found = assessed(defined(AND), ":x a :A .  " + complete(":x", ":p"))
    text = AssessmentWriter(lambda iri, _: iri.rsplit("/", 1)[-1], {}, language).text(found)
    words = {"en": ("[entailed, met]", "[open, not met]"), "zh": ("[可推出, 满足]", "[未定, 未满足]")}[language]
    assert [line.strip()[0] for line in text.splitlines() if line.endswith("]") and "→" not in line] >= ["✓", "✗"]
    assert all(word in text for word in words)
    assert "→" in text


def test_a_literal_value_is_no_member_of_a_class() -> None:
    found = assessed(defined(SOME_B), ':x :p "text" .').condition
    assert [one.open for one in found.parts[0].values] == ["contradicted"]


@pytest.mark.parametrize(("name", "code"), [("A", "no-conditions"), ("p", "not-a-class"), ("none", "not-a-class")])
def test_what_cannot_be_assessed_says_why(name: str, code: str) -> None:
    with pytest.raises(InputError) as error:
        assessed(defined(AND), ":x a :A .", name=name)
    assert error.value.problems[0].code == code


# -- entailed means what the closure says

THINGS = ("x", "y", "z", "v")
STATEMENTS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(THINGS), st.just("a"), st.sampled_from("ABC")),
        st.tuples(st.sampled_from(THINGS), st.sampled_from([":p", ":q"]), st.sampled_from(THINGS)),
    ),
    max_size=12,
)
LEAF = st.one_of(
    st.sampled_from([":A", ":B", ":E"]),
    st.builds(
        lambda p, v: restriction(f"owl:onProperty :{p} ; owl:hasValue :{v}"),
        st.sampled_from("pq"),
        st.sampled_from(THINGS),
    ),
)
MEANING = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.builds(lambda one, two: f"[ a owl:Class ; owl:intersectionOf ( {one} {two} ) ]", inner, inner),
        st.builds(lambda one, two: f"[ a owl:Class ; owl:unionOf ( {one} {two} ) ]", inner, inner),
        st.builds(
            lambda p, one: restriction(f"owl:onProperty :{p} ; owl:someValuesFrom {one}"), st.sampled_from("pq"), inner
        ),
    ),
    max_leaves=5,
)


@settings(max_examples=60, deadline=None)
@given(meaning=MEANING, inner=MEANING, statements=STATEMENTS)
def test_a_class_is_entailed_if_and_only_if_the_closure_has_it(
    meaning: str, inner: str, statements: list[tuple[str, str, str]]
) -> None:
    ontology = defined(f"[ a owl:Class ; owl:intersectionOf ( owl:Thing {meaning} ) ]") + (
        f":E a owl:Class ; owl:equivalentClass [ a owl:Class ; owl:intersectionOf ( owl:Thing {inner} ) ] ."
    )
    data = " ".join(f":{s} {p} :{o} ." for s, p, o in statements)
    engine = store(ontology, data)
    assessor = Assessor(Ground(engine, book(ontology)))
    for name in THINGS:
        thing = ox.NamedNode(f"urn:x/{name}")
        for wanted in ("D", "E"):
            held = ox.Quad(thing, TYPE, ox.NamedNode(f"urn:x/{wanted}")) in engine
            found = assessor.assess(thing, ClassName(f"urn:x/{wanted}"))
            assert (found.open == "entailed") is held, (name, wanted)
            assert (found.closed == "met") is held
            assert (found.met == found.simple) is held


# -- the definitions of the ontology


@pytest.fixture(scope="module")
def ontology() -> OntologyIndex:
    return OntologyIndex.load(Project.find())


@pytest.fixture(scope="module")
def rules(ontology: OntologyIndex) -> RuleBook:
    return RuleBook.compile(ontology.triples, rule_texts(Project.find()))


@pytest.fixture(scope="module")
def definitions(ontology: OntologyIndex, rules: RuleBook) -> ox.Store:
    """The fixtures of all definitions under the real ontology; tests only read it."""
    engine = ox.Store()
    engine.extend(ox.Quad(t.subject, t.predicate, t.object) for t in (*ontology.triples, *closure(ontology, rules)))
    return engine


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.stem)
def test_each_definition_names_what_is_missing(fixture: Path, definitions: ox.Store, rules: RuleBook) -> None:
    ground, explainer = Ground(definitions, rules), Explainer(definitions, rules)
    found = {
        name: assess(ground, explainer, individual(fixture, name), SCE + fixture.stem)
        for name in ("positive", "negative", "nearMiss")
    }
    positive = found["positive"].condition
    assert (positive.open, positive.closed, positive.met) == ("entailed", "met", positive.simple)
    assert {leaf.closed for leaf in leaves(positive)} == {"met"}
    for name in ("negative", "nearMiss"):
        condition = found[name].condition
        if name == "nearMiss" and fixture.stem in BY_ASSUMPTION:
            continue
        assert condition.open != "entailed"
        assert condition.met < condition.simple
        assert any(leaf.open != "entailed" for leaf in leaves(condition))


# -- on the cases


def conditions_of(found: Assessment) -> dict[str, str]:
    """The closed-world reading of each condition of the one definition, by what it is about."""
    [definition] = found.condition.parts
    return {str(part.expression): part.closed for part in definition.parts}


@pytest.mark.parametrize("state", ["state/cosmo-step-2", "state/haier-solution-system-step-1"])
def test_states_before_step_3_lack_customers_and_decoupling_to_be_a_supply_chain_as_a_service(
    kg: KnowledgeGraph, state: str
) -> None:
    found = kg.assess(state, "sce:SupplyChainAsAService")
    assert (found.condition.open, found.condition.closed) == ("open", "not met")
    readings = conditions_of(found)
    assert [closed for text, closed in readings.items() if "CustomerSupermodularity" in text] == ["not met"]
    assert [closed for text, closed in readings.items() if "DecoupledServiceArchitecture" in text] == ["not met"]
    assert [closed for text, closed in readings.items() if "SupplierSupermodularity" in text] == ["met"]
    assert sorted(readings.values()) == ["met", "met", "not met", "not met"]
    [definition] = found.condition.parts
    for part in definition.parts:
        if part.closed == "not met":
            assert part.complete
            assert [iri.removeprefix(ID) for iri, _ in found.examples(part)] == ["state/cosmo-step-3"]
            assert found.ways(part)


def test_step_3_is_one_with_every_condition_proved(kg: KnowledgeGraph) -> None:
    found = kg.assess("state/cosmo-step-3", "sce:SupplyChainAsAService").condition
    assert (found.open, found.closed, found.met) == ("entailed", "met", found.simple)


@pytest.mark.parametrize("case", ["stage/jd-", "stage/haier-000-"])
def test_the_first_stages_create_no_opportunity(kg: KnowledgeGraph, case: str) -> None:
    first = kg.assess(f"{case}1", "sce:ValueWinWinStage")
    assert (first.condition.open, first.condition.closed) == ("open", "not met")
    last = kg.assess(f"{case}3", "sce:ValueWinWinStage")
    assert (last.condition.open, last.condition.closed) == ("entailed", "met")


@pytest.mark.parametrize("name", ["compaksrv", "unified-ceramic", "aspop-jeans"])
def test_customers_contribute_modules_to_others_in_step_3_and_not_in_step_2(kg: KnowledgeGraph, name: str) -> None:
    readings = [
        kg.assess(f"participation/cosmo-step-{step}-{name}", "sce:ModuleContributingCustomer").condition
        for step in (2, 3)
    ]
    assert [(one.open, one.closed) for one in readings] == [("open", "not met"), ("entailed", "met")]


def test_the_nearest_class_of_a_state_is_the_one_it_becomes(kg: KnowledgeGraph) -> None:
    [nearest, *_] = kg.reasoning.rank("state/cosmo-step-2")
    assert nearest.class_iri == SCE + "SupplyChainAsAService"
    assert kg.reasoning.rank("actor/jd")[-1].foreign


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("stage/none", "sce:SupplyChainAsAService"), "unknown-name"),
        (('"text"', "sce:SupplyChainAsAService"), "term-place"),
        (("_:b", "sce:SupplyChainAsAService"), "blank-term"),
        (("stage/jd-1", "sce:Stage"), "no-conditions"),
        (("stage/jd-1", '"text"'), "term-place"),
        (("sce:Stage", "sce:SupplyChainAsAService"), "not-an-individual"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_remedy(
    kg: KnowledgeGraph, arguments: tuple[str, str], code: str
) -> None:
    with pytest.raises(InputError) as error:
        kg.assess(*arguments)
    assert error.value.problems[0].code == code
    assert error.value.problems[0].remedy


def test_the_command_prints_a_tree_and_json(built_project: Project) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "valueweave", "--store", str(built_project.store), "assess", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    asked = ("state/cosmo-step-2", "sce:SupplyChainAsAService")
    tree = run(*asked).stdout
    assert tree.startswith("✗ COSMO in step 2")
    assert "✗ has complementarity some customer supermodularity [open, not met]" in tree
    assert "have it: COSMO in step 3 (state/cosmo-step-3) [case/haier-cosmo]" in tree
    written = json.loads(run(*asked, "--json", "--proofs").stdout)
    assert written["schema"] == "https://w3id.org/valueweave/schema/assessment-1"
    ranking = json.loads(run("state/cosmo-step-2", "--all", "--limit", "2", "--json").stdout)
    assert [one["class"]["id"] for one in ranking["classes"]][:1] == ["sce:SupplyChainAsAService"]
    assert len(ranking["classes"]) == 2
    assert run("state/cosmo-step-2").returncode == 2
    assert run(*asked, "--all").returncode == 2
    assert "Did you mean" in run("state/cosmo-step-9", "sce:SupplyChainAsAService").stderr


def test_a_class_may_be_named_without_its_prefix_and_a_wrong_name_is_mended(kg: KnowledgeGraph) -> None:
    named = kg.assess("state/cosmo-step-2", "SupplyChainAsAService")
    assert named.class_iri == SCE + "SupplyChainAsAService"
    with pytest.raises(InputError, match=r"Did you mean 'sce:SupplyChainAsAService'"):
        kg.assess("state/cosmo-step-2", "SupplyChainAsService")


def test_an_assessment_as_a_string_is_what_the_command_line_prints(kg: KnowledgeGraph) -> None:
    found = kg.assess("state/cosmo-step-2", "sce:SupplyChainAsAService")
    assert str(found) == AssessmentWriter(kg.label, kg.reasoning.rules.labels).text(found)
    assert str(found).startswith("✗ COSMO in step 2 (state/cosmo-step-2): supply chain as a service")
    assert str(kg.reasoning.rank("state/cosmo-step-2")[0]).startswith(("✗", "✓", "?"))
