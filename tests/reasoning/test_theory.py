"""The theory at work on the cases: what must follow from the records alone, and what must not.

A paper's claim stands in the name of a test; the records say nothing of the classes asked for here.
"""

from __future__ import annotations

import pyoxigraph as ox
import pytest

from valueweave.graph import KnowledgeGraph
from valueweave.namespaces import ID, SCE
from valueweave.ontology import OntologyIndex
from valueweave.project import Project
from valueweave.reasoning.closure.materialize import materialize
from valueweave.reasoning.rules.book import RuleBook, rule_texts

PREFIXES = """
@prefix sce: <https://w3id.org/valueweave/ontology#> . @prefix : <urn:x/> .
"""


def members(kg: KnowledgeGraph, name: str) -> set[str]:
    table = kg.select(f"SELECT ?x {{ ?x a sce:{name} }}")
    return {str(row[0]).removeprefix(ID) for row in table}


def asserted_as(kg: KnowledgeGraph, name: str) -> set[str]:
    table = kg.select(f"SELECT ?x {{ ?x a sce:{name} }}", scope="asserted")
    return {str(row[0]).removeprefix(ID) for row in table}


# -- supply chain as a service (003, P1b)


def test_only_cosmo_in_step_3_is_a_supply_chain_as_a_service(kg: KnowledgeGraph) -> None:
    assert members(kg, "SupplyChainAsAService") == {"state/cosmo-step-3"}
    assert asserted_as(kg, "SupplyChainAsAService") == set()


@pytest.mark.parametrize("state", ["state/cosmo-step-2", "state/haier-solution-system-step-1"])
def test_earlier_states_do_not_follow_to_be_one(kg: KnowledgeGraph, state: str) -> None:
    explanation = kg.explain(state, "a", "sce:SupplyChainAsAService")
    assert not explanation.entailed
    assert any("CustomerSupermodularity" in part for part in explanation.nearest[0].unmet)


# -- stages of value co-creation (000)


@pytest.mark.parametrize(
    ("stage", "phase"),
    [(f"stage/{case}{number}", phase) for case in ("jd-", "haier-000-") for number, phase in
     enumerate(("phase/value-consensus", "phase/value-sharing", "phase/value-win-win"), 1)],
)  # fmt: skip
def test_the_highest_phase_of_a_stage_is_the_one_its_heading_names(kg: KnowledgeGraph, stage: str, phase: str) -> None:
    table = kg.select(
        f"SELECT ?inferred ?stated {{ <{stage}> sce:hasHighestPhase ?inferred ; sce:statedPhase ?stated }}"
    )
    assert [tuple(str(value).removeprefix(ID) for value in row) for row in table] == [(phase, phase)]


@pytest.mark.parametrize("name", ["ValueConsensusStage", "ValueSharingStage", "ValueWinWinStage"])
def test_no_record_names_the_type_of_a_stage(kg: KnowledgeGraph, name: str) -> None:
    assert asserted_as(kg, name) == set()
    assert len(members(kg, name)) >= 2


# -- customers that become suppliers (003, P2b), common modules (P3)


def test_the_customers_whose_modules_others_use_take_on_the_role_of_suppliers(kg: KnowledgeGraph) -> None:
    table = kg.select(
        "SELECT DISTINCT ?party { ?p a sce:ModuleContributingCustomer ; sce:hasParty ?party ;"
        " sce:acquiresRole sce:thirdPartyResourceSupplier }"
    )
    assert {str(row[0]).removeprefix(ID) for row in table} == {
        "actor/compaksrv", "actor/unified-ceramic", "actor/aspop-jeans",
    }  # fmt: skip


def test_candidates_for_common_modules_follow_from_take_ups_alone(kg: KnowledgeGraph) -> None:
    candidates = members(kg, "CommonModuleCandidate")
    assert len(candidates) >= 2
    assert asserted_as(kg, "CommonModuleCandidate") == set()
    assert candidates <= members(kg, "CustomizedModule")


# -- structures of platforms (004, Table 2)


def test_the_stages_of_the_e_commerce_platform_get_hub_network_and_symbiosis(kg: KnowledgeGraph) -> None:
    for name in ("HubStructure", "NetworkStructure", "SymbiosisStructure"):
        assert len(members(kg, name)) == 1, name
        assert asserted_as(kg, name) == set()


# -- shortcuts


@pytest.mark.parametrize("name", ["complements", "supermodularWith", "uniquelyComplements", "coCreatesWith"])
def test_shortcuts_are_inferred_and_never_written(kg: KnowledgeGraph, name: str) -> None:
    assert kg.query(f"ASK {{ ?a sce:{name} ?b }}")
    assert not kg.query(f"ASK {{ ?a sce:{name} ?b }}", scope="asserted")


@pytest.mark.parametrize("name", ["activeIn", "cooperatesWith"])
def test_shortcuts_follow_where_nobody_wrote_them(kg: KnowledgeGraph, name: str) -> None:
    assert kg.query(f"ASK {{ ?a sce:{name} ?b }}", scope="inferred")


def test_no_party_complements_itself(kg: KnowledgeGraph) -> None:
    assert not kg.query("ASK { ?a sce:complements ?a }")


# -- what must not follow: the real ontology and rules on made-up cases


@pytest.fixture(scope="module")
def ontology() -> OntologyIndex:
    return OntologyIndex.load(Project.find())


@pytest.fixture(scope="module")
def rules(ontology: OntologyIndex) -> RuleBook:
    return RuleBook.compile(ontology.triples, rule_texts(Project.find()))


def follows(ontology: OntologyIndex, rules: RuleBook, turtle: str) -> set[str]:
    data = [quad.triple for quad in ox.parse(PREFIXES + turtle, format=ox.RdfFormat.TURTLE)]
    found = materialize(data, ontology.triples, rules).triples()
    return {str(triple).replace("<urn:x/", ":").replace(f"<{SCE}", "sce:").replace(">", "") for triple in found}


ARCHITECTURE = """
:state a sce:SystemState ; sce:stateOf :system ; sce:duringStage :stage ; sce:hasArchitecture :architecture .
:architecture a sce:ServiceArchitecture ; sce:hasFrontEnd :front ; sce:hasBackEnd :pool .
:front a sce:FrontEnd ; sce:hasCustomerInterface :team , :platform . :team a sce:ProjectTeamInterface .
:platform a sce:IndustryPlatformInterface . :pool a sce:ModularResourcePool .
"""
SUPPLIER = """
:state sce:hasComplementarity :c1 . :c1 a sce:SupermodularComplementarity ; sce:hasSide :s1 .
:s1 a sce:Participation ; sce:inRole sce:externalResourceSupplier ; sce:hasParty :supplier .
"""
CUSTOMER = """
:state sce:hasComplementarity :c2 . :c2 a sce:SupermodularComplementarity ; sce:hasSide :s2 .
:s2 a sce:Participation ; sce:inRole sce:businessCustomer ; sce:hasParty :customer .
"""
TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
CONCLUSION = f":state <{TYPE} sce:SupplyChainAsAService"


def test_all_conditions_together_make_a_supply_chain_as_a_service(ontology: OntologyIndex, rules: RuleBook) -> None:
    assert CONCLUSION in follows(ontology, rules, ARCHITECTURE + SUPPLIER + CUSTOMER)


@pytest.mark.parametrize(
    "turtle",
    [
        ARCHITECTURE + CUSTOMER,
        ARCHITECTURE + SUPPLIER,
        SUPPLIER + CUSTOMER + ":state a sce:SystemState .",
        ARCHITECTURE.replace(", :platform ", "") + SUPPLIER + CUSTOMER,
        ARCHITECTURE + SUPPLIER + CUSTOMER.replace("SupermodularComplementarity", "UniqueComplementarity"),
        # A customer that has become a supplier stands on both sides of P1b as one relation only.
        ARCHITECTURE + CUSTOMER + ":s2 sce:contributesModule :m . :m a sce:CustomizedModule ; sce:hasTakeUp :t . "
        ":t a sce:TakeUp ; sce:takeUpLowerBound 5 .",
    ],
    ids=["no supplier", "no customer", "no architecture", "one interface", "unique only", "customer turned supplier"],
)  # fmt: skip
def test_one_condition_less_and_nothing_follows(turtle: str, ontology: OntologyIndex, rules: RuleBook) -> None:
    assert CONCLUSION not in follows(ontology, rules, turtle)


PERSISTING = """
:s1 a sce:Stage ; sce:inScheme :scheme ; sce:stageOf :system ; sce:order 1 .
:s2 a sce:Stage ; sce:inScheme :scheme ; sce:stageOf :system ; sce:order 2 .
:s3 a sce:Stage ; sce:inScheme :scheme ; sce:stageOf :system ; sce:order 3 .
:t1 a sce:SystemState ; sce:stateOf :system ; sce:duringStage :s1 ; sce:hasComplementarity :c .
:t2 a sce:SystemState ; sce:stateOf :system ; sce:duringStage :s2 .
:t3 a sce:SystemState ; sce:stateOf :system ; sce:duringStage :s3 .
:o3 a sce:SystemState ; sce:stateOf :other ; sce:duringStage :s3 .
:c a sce:ComplementarityRelation ; sce:beginsIn :s1 .
"""


@pytest.mark.parametrize(
    ("end", "holds"), [("", {"t1", "t2", "t3"}), (":c sce:endsIn :s2 .", {"t1", "t2"}), (":c sce:endsIn :s1 .", {"t1"})]
)
def test_a_relation_persists_until_it_is_told_to_end(
    end: str, holds: set[str], ontology: OntologyIndex, rules: RuleBook
) -> None:
    found = follows(ontology, rules, PERSISTING + end)
    carried = {state for state in ("t2", "t3", "o3") if f":{state} sce:hasComplementarity :c" in found}
    assert carried | {"t1"} == holds


def test_what_persists_is_marked_as_an_assumption(rules: RuleBook) -> None:
    assert rules.by_name["persistence-complementarity"].source.assumption


def test_stages_precede_each_other_over_any_distance_on_one_level(ontology: OntologyIndex, rules: RuleBook) -> None:
    found = follows(ontology, rules, PERSISTING + ":sub a sce:Stage ; sce:inScheme :scheme ; sce:stageOf :system ; "
                    "sce:order 1 ; sce:subStageOf :s2 .")  # fmt: skip
    pairs = {text for text in found if " sce:precedes " in text}
    assert pairs == {":s1 sce:precedes :s2", ":s1 sce:precedes :s3", ":s2 sce:precedes :s3"}


def test_change_a_definition_and_behaviour_has_changed(ontology: OntologyIndex) -> None:
    """With the condition of the architecture taken out of the Turtle, the state without one is a member."""
    architecture = ox.NamedNode(SCE + "DecoupledServiceArchitecture")
    some = ox.NamedNode("http://www.w3.org/2002/07/owl#someValuesFrom")
    anything = ox.NamedNode("http://www.w3.org/2002/07/owl#Thing")
    changed = [
        ox.Triple(t.subject, t.predicate, anything) if t.predicate == some and t.object == architecture else t
        for t in ontology.triples
    ]
    assert changed != list(ontology.triples)
    turtle = ARCHITECTURE.replace(", :platform ", "") + SUPPLIER + CUSTOMER
    data = [quad.triple for quad in ox.parse(PREFIXES + turtle, format=ox.RdfFormat.TURTLE)]
    found = materialize(data, changed, RuleBook.compile(changed)).triples()
    assert any(f"{SCE}SupplyChainAsAService" in str(triple) for triple in found)


SIDES = ":c sce:hasSide :s1 , :s2 . :s1 sce:hasParty :a . :s2 sce:hasParty :b ."


@pytest.mark.parametrize(
    ("turtle", "link", "pairs"),
    [
        (SIDES + ":c a sce:ComplementarityRelation .", "complements", {"a b", "b a"}),
        # One party on both sides complements nobody; two parties of one side do not complement each other.
        (":c a sce:ComplementarityRelation ; sce:hasSide :s1 , :s2 . :s1 sce:hasParty :a . :s2 sce:hasParty :a .",
         "complements", set()),
        (":c a sce:ComplementarityRelation ; sce:hasSide :s1 . :s1 sce:hasParty :a , :b .", "complements", set()),
        (SIDES + ":c a sce:SupermodularComplementarity .", "supermodularWith", {"a b", "b a"}),
        (SIDES + ":c a sce:UniqueComplementarity .", "supermodularWith", set()),
        (SIDES + ":c a sce:UniqueComplementarity .", "uniquelyComplements", {"a b", "b a"}),
        (SIDES + ":c a sce:SupermodularComplementarity .", "uniquelyComplements", set()),
        (":p sce:hasParty :a ; sce:inSystem :e .", "activeIn", {"a e"}),
        (":p sce:hasParty :a . :q sce:inSystem :e .", "activeIn", set()),
        (":i sce:undertakenBy :a ; sce:withPartner :b .", "cooperatesWith", {"a b", "b a"}),
        (":i sce:undertakenBy :a ; sce:withPartner :a .", "cooperatesWith", set()),
        (":i sce:undertakenBy :a . :j sce:withPartner :b .", "cooperatesWith", set()),
        (":v a sce:ValueCoCreation ; sce:involves :a , :b . :a a sce:Actor . :b a sce:Actor .", "coCreatesWith",
         {"a b", "b a"}),
        (":v a sce:ValueCoCreation ; sce:involves :a , :b . :a a sce:Actor . :b a sce:Concept .", "coCreatesWith",
         set()),
        (":v a sce:Event ; sce:involves :a , :b . :a a sce:Actor . :b a sce:Actor .", "coCreatesWith", set()),
        (":k a sce:IdentityClaim ; sce:identifies :a , :b .", "possiblySameAs", {"a b", "b a"}),
        (":k a sce:Claim ; sce:about :a , :b .", "possiblySameAs", set()),
        (":x a sce:SchemePhase ; sce:inScheme :s ; sce:order 1 . "
         ":y a sce:SchemePhase ; sce:inScheme :s ; sce:order 3 .", "precedesPhase", {"x y"}),
        (":x a sce:SchemePhase ; sce:inScheme :s ; sce:order 1 . "
         ":y a sce:SchemePhase ; sce:inScheme :t ; sce:order 3 .", "precedesPhase", set()),
        (":x a sce:Stage ; sce:inScheme :s ; sce:stageOf :e ; sce:order 1 . "
         ":y a sce:Stage ; sce:inScheme :s ; sce:stageOf :f ; sce:order 3 .", "precedes", set()),
    ],
)  # fmt: skip
def test_a_domain_rule_joins_these_and_no_others(
    turtle: str, link: str, pairs: set[str], ontology: OntologyIndex, rules: RuleBook
) -> None:
    found = follows(ontology, rules, turtle)
    joined = {text.replace(":", "").replace(f" sce{link} ", " ") for text in found if f" sce:{link} " in text}
    assert joined == pairs


PHASES = """
:p1 a sce:SchemePhase ; sce:inScheme :s ; sce:order 1 ; sce:denotesTerm sce:ValueConsensusStage .
:p2 a sce:SchemePhase ; sce:inScheme :s ; sce:order 2 ; sce:denotesTerm sce:ValueSharingStage .
:x a sce:Stage ; sce:inScheme :s .
"""


@pytest.mark.parametrize(
    ("types", "highest"),
    [
        ("sce:ValueConsensusStage", {"p1"}),
        ("sce:ValueConsensusStage , sce:ValueSharingStage", {"p2"}),
        ("sce:ValueWinWinStage", set()),
    ],
)
def test_the_highest_phase_is_the_last_whose_term_applies(
    types: str, highest: set[str], ontology: OntologyIndex, rules: RuleBook
) -> None:
    found = follows(ontology, rules, PHASES + f":x a {types} .")
    assert {text.rsplit(":", 1)[-1] for text in found if " sce:hasHighestPhase " in text} == highest
