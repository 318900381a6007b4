"""Discrepancies that follow by rule: each rule finds what it should, and lets go by what only looks like it."""

from __future__ import annotations

from functools import cache

import pyoxigraph as ox
import pytest

from valueweave.graph import KnowledgeGraph
from valueweave.namespaces import ID, PREFIXES, SCE
from valueweave.ontology import OntologyIndex
from valueweave.project import Project
from valueweave.reasoning.closure.materialize import materialize
from valueweave.reasoning.rules.book import RuleBook, rule_texts
from valueweave.results import SolutionTable

PROJECT = Project.find()
HEAD = f"""
@prefix : <urn:x/> . @prefix sce: <{SCE}> . @prefix rdfs: <{PREFIXES["rdfs"]}> . @prefix rdf: <{PREFIXES["rdf"]}> .
:firm a sce:Organization ; rdfs:label "firm"@en, "甲"@zh . :rival a sce:Organization ; rdfs:label "rival"@en, "乙"@zh .
:net a sce:Ecosystem ; sce:hasCoreEnterprise :firm ; rdfs:label "net"@en, "网"@zh .
:shop a sce:Platform ; rdfs:label "shop"@en, "店"@zh . :mall a sce:Platform ; rdfs:label "mall"@en, "城"@zh .
:new a sce:SupplyChainInnovation ; rdfs:label "new"@en, "新"@zh .
:way a sce:BusinessModelInnovation ; rdfs:label "way"@en, "法"@zh .
"""
KINDS = (
    "overlappingPeriodsRule",
    "differingStatedValuesRule",
    "differingRecordedValuesRule",
    "differingIdentifiedValuesRule",
    "bothInnovationKindsRule",
    "differingOperatorsRule",
    "differingQuantitiesRule",
    "opposedDriversRule",
)


@cache
def ontology() -> tuple[ox.Triple, ...]:
    return tuple(OntologyIndex.load(PROJECT).triples)


@cache
def rules() -> RuleBook:
    return RuleBook.compile(ontology(), rule_texts(PROJECT))


def conclusions(*turtles: str) -> set[ox.Triple]:
    """What follows from the texts, in each of which the prefix is a place of its own."""
    parsed: list[ox.Triple] = []
    for number, turtle in enumerate(turtles):
        text = HEAD.replace("<urn:x/>", f"<urn:{number}/>") + turtle
        parsed += [quad.triple for quad in ox.parse(text, format=ox.RdfFormat.TURTLE)]
    return set(materialize(parsed, ontology(), rules()).triples())


@cache
def found_in_each() -> dict[str, dict[str, list[str]]]:
    """For each text the rules that find something, and those that confirm something; all texts at once."""
    texts = {**{name: text for name, (text, _) in POSITIVE.items()}, **NEGATIVE, **CURATED}
    triples = conclusions(*texts.values())
    place: dict[object, set[str]] = {}
    for triple in triples:
        if triple.predicate.value in {SCE + "concerns", SCE + "confronts"} and isinstance(triple.object, ox.NamedNode):
            place.setdefault(triple.subject, set()).add(triple.object.value.split("/")[0])
    names = {f"urn:{number}": name for number, name in enumerate(texts)}
    result: dict[str, dict[str, list[str]]] = {name: {"foundBy": [], "confirmedBy": []} for name in texts}
    for triple in triples:
        relation = triple.predicate.value.removeprefix(SCE)
        if relation in {"foundBy", "confirmedBy"}:
            assert isinstance(triple.subject, ox.NamedNode)
            assert isinstance(triple.object, ox.NamedNode)
            (home,) = place.get(triple.subject) or {triple.subject.value.split("/")[0]}
            result[names[home]][relation].append(triple.object.value.removeprefix(SCE))
    return result


def found(name: str, relation: str = "foundBy") -> list[str]:
    """Return the rules that find something in a text, one for each discrepancy."""
    return found_in_each()[name][relation]


def stage(name: str, years: str, system: str = ":net", more: str = "") -> str:
    return f':{name} a sce:Stage ; sce:stageOf {system} ; rdfs:label "{name}"@en, "期"@zh ; {years} {more} .\n'


def years(start: int, end: int | None = None) -> str:
    return f"sce:startYear {start}" + (f" ; sce:endYear {end}" if end else "")


def stated(name: str, prop: str, text: str, more: str = "") -> str:
    return f':{name} a sce:StatedValue ; sce:statedProperty {prop} ; sce:statedLiteral "{text}" {more} .\n'


def number(name: str, value: str, more: str = "", of: str = ":shop") -> str:
    unit = "sce:hasUnit sce:unitCount ; sce:hasMetric :visits"
    return f":{name} a sce:QuantityStatement ; sce:quantityOf {of} ; {unit} ; sce:numericValue {value} {more} .\n"


def link(name: str, driver: str, driven: str, more: str = "") -> str:
    named = f'rdfs:label "{name}"@en, "链"@zh'
    return f":{name} a sce:DriverLink ; {named} ; sce:hasDriver :{driver} ; sce:hasDriven :{driven} {more} .\n"


POSITIVE = {
    "overlap within one scheme": (stage("a", years(2000, 2010)) + stage("b", years(2010, 2015)), KINDS[0]),
    "overlap around one actor": (stage("a", years(2000, 2010)) + stage("b", years(2005, 2015), ":firm"), KINDS[0]),
    "ongoing stage": (stage("a", years(2000) + " ; sce:ongoing true") + stage("b", years(2019, 2020)), KINDS[0]),
    "first year of an open stage": (stage("a", years(2003)) + stage("b", years(2000, 2010)), KINDS[0]),
    "two stated years": (
        stated("s", "sce:year", "2015") + stated("t", "sce:year", "Oct. 2016") + ":shop sce:hasStatedValue :s, :t .",
        KINDS[1],
    ),
    "stated against recorded": (
        stated("s", "sce:foundedYear", "2016") + ":shop sce:foundedYear 2014 ; sce:hasStatedValue :s .",
        KINDS[1],
    ),
    "two recorded years": (":shop sce:foundedYear 2000, 2002 .", KINDS[2]),
    "years of possibly the same": (
        ":shop sce:foundedYear 2000 . :mall sce:foundedYear 2002 . "
        ":claim a sce:IdentityClaim ; sce:identifies :shop, :mall .",
        KINDS[3],
    ),
    "one node of both kinds": (":new a sce:BusinessModelInnovation .", KINDS[4]),
    "both kinds stated": (
        stated("s", "rdf:type", "a BMI", "; sce:denotesTerm sce:BusinessModelInnovation")
        + stated("t", "rdf:type", "(SCIs)", "; sce:denotesTerm sce:SupplyChainInnovation")
        + ":way sce:hasStatedValue :s, :t .",
        KINDS[4],
    ),
    "possibly the same of both kinds": (":c a sce:IdentityClaim ; sce:identifies :new, :way .", KINDS[4]),
    "two operators": (":shop sce:operatedBy :firm, :rival .", KINDS[5]),
    "two numbers": (number("n", "30") + number("m", "40"), KINDS[6]),
    "two numbers of possibly the same": (
        number("n", "30") + number("m", "40", of=":mall") + ":c a sce:IdentityClaim ; sce:identifies :shop, :mall .",
        KINDS[6],
    ),
    "bounds that exclude each other": (
        number("n", "30", "; sce:hasQualifier sce:atMost") + number("m", "40", "; sce:hasQualifier sce:moreThan"),
        KINDS[6],
    ),
    "drivers there and back": (link("l", "new", "way") + link("k", "way", "new"), KINDS[7]),
}
NEGATIVE = {
    "periods that follow each other": stage("a", years(2000, 2009)) + stage("b", years(2010, 2015)),
    "the same period": stage("a", years(2000, 2009)) + stage("b", years(2000, 2009), ":firm"),
    "a part of a longer stage": stage("a", years(2000, 2009))
    + stage("b", years(2000, 2004), more="; sce:subStageOf :a"),
    "a part of a part": stage("a", years(2000, 2009))
    + stage("b", years(2000, 2004), more="; sce:subStageOf :a")
    + stage("c", years(2001, 2002), more="; sce:subStageOf :b"),
    "stages of different actors": stage("a", years(2000, 2009)) + stage("b", years(2005, 2012), ":rival"),
    "stages without years": stage("a", "sce:order 1") + stage("b", "sce:order 2"),
    "an open stage that begins before": stage("a", years(1999)) + stage("b", years(2000, 2010)),
    "the same stated twice": stated("s", "sce:year", "2016")
    + stated("t", "sce:year", "in 2016")
    + ":shop sce:hasStatedValue :s, :t .",
    "two values of a property that takes several": stated("s", "sce:about", "one")
    + stated("t", "sce:about", "another")
    + ":shop sce:hasStatedValue :s, :t .",
    "values of two properties": stated("s", "sce:month", "5")
    + stated("t", "sce:year", "2016")
    + ":shop sce:hasStatedValue :s, :t .",
    "stated as recorded": stated("s", "sce:foundedYear", "2014")
    + ":shop sce:foundedYear 2014 ; sce:hasStatedValue :s .",
    "two spellings": ":shop sce:hasNameUse :u, :v . :u sce:usedName 'Shop' . :v sce:usedName 'Schop' .",
    "different years of different things": ":shop sce:foundedYear 2000 . :mall sce:foundedYear 2002 .",
    "possibly the same of one year": ":shop sce:foundedYear 2000 . :mall sce:foundedYear 2000 . "
    ":c a sce:IdentityClaim ; sce:identifies :shop, :mall .",
    "one kind stated twice": stated("s", "rdf:type", "a BMI", "; sce:denotesTerm sce:BusinessModelInnovation")
    + stated("t", "rdf:type", "BMIs", "; sce:denotesTerm sce:BusinessModelInnovation")
    + ":way sce:hasStatedValue :s, :t .",
    "an operator and its part": ":shop sce:operatedBy :firm, :unit . "
    ':unit a sce:Organization ; sce:partOfActor :firm ; rdfs:label "unit"@en, "部"@zh .',
    "numbers of two years": number("n", "30", "; sce:year 2000") + number("m", "40", "; sce:year 2001"),
    "numbers of two things": number("n", "30") + number("m", "40", of=":mall"),
    "bounds that go together": number("n", "30", "; sce:hasQualifier sce:moreThan") + number("m", "40"),
    "nearly": number("n", "200000", "; sce:hasQualifier sce:approximately") + number("m", "190000"),
    "drivers one way": link("l", "new", "way") + link("k", "new", "way"),
    "mutual support": link("l", "new", "way") + link("k", "way", "new", "; sce:hasDrivingMode sce:mutualSupportMode"),
    "drivers of different steps": stage("a", "sce:order 1")
    + stage("b", "sce:order 2")
    + link("l", "new", "way", "; sce:duringStage :a")
    + link("k", "way", "new", "; sce:duringStage :b"),
}


BOTH = stage("a", years(2000, 2010)) + stage("b", years(2010, 2015))
VALUES = "".join(stated(name, "sce:year", year) for name, year in (("s", "2011"), ("t", "2020"), ("u", "2021")))
CURATED = {
    "curated": BOTH + ":d a sce:Discrepancy ; sce:hasDiscrepancyKind sce:periodConflict ; sce:concerns :a, :b .",
    "curated by its values": VALUES.replace(":u a", ":w a")
    + ":shop sce:hasStatedValue :s, :t . "
    + ":d a sce:Discrepancy ; sce:hasDiscrepancyKind sce:valueConflict ; sce:confronts :s, :t .",
    "curated, of another kind": BOTH
    + ":d a sce:Discrepancy ; sce:hasDiscrepancyKind sce:termConflict ; sce:concerns :a, :b .",
    "curated, of one side": BOTH
    + ":d a sce:Discrepancy ; sce:hasDiscrepancyKind sce:periodConflict ; sce:concerns :a .",
    "three values": VALUES + ":shop sce:hasStatedValue :s, :t, :u .",
}


@pytest.mark.parametrize("name", POSITIVE)
def test_a_rule_finds_a_disagreement_once(name: str) -> None:
    assert found(name) == [POSITIVE[name][1]]


@pytest.mark.parametrize("name", NEGATIVE)
def test_a_rule_lets_a_near_miss_go_by(name: str) -> None:
    assert found(name) == []


def test_each_rule_has_a_positive_fixture() -> None:
    assert {rule for _, rule in POSITIVE.values()} == set(KINDS)
    rdf_type = ox.NamedNode(PREFIXES["rdf"] + "type")
    declared = {
        str(triple.subject)
        for triple in ontology()
        if triple.predicate == rdf_type
        and not isinstance(triple.subject, ox.BlankNode)
        and triple.object == ox.NamedNode(SCE + "DiscrepancyRule")
    }
    assert declared == {f"<{SCE}{rule}>" for rule in KINDS}


def test_a_curators_discrepancy_is_confirmed_and_not_doubled() -> None:
    rule = ["overlappingPeriodsRule"]
    assert (found("curated"), found("curated", "confirmedBy")) == ([], rule)
    assert (found("curated by its values"), found("curated by its values", "confirmedBy")) == ([], [KINDS[1]])
    assert (found("curated, of another kind"), found("curated, of another kind", "confirmedBy")) == (rule, [])
    assert (found("curated, of one side"), found("curated, of one side", "confirmedBy")) == (rule, [])


def test_a_derived_discrepancy_has_the_same_name_each_time_whatever_else_is_known() -> None:
    turtle = stage("b", years(2010, 2015)) + stage("a", years(2000, 2010))
    more = turtle + stage("z", years(1800, 1801))

    def names(text: str) -> set[str]:
        return {str(triple.subject) for triple in conclusions(text) if triple.predicate.value == SCE + "foundBy"}

    assert names(turtle) == names(more)
    assert all(name.startswith(f"<{ID}discrepancy/derived-") for name in names(turtle))


def test_three_statements_make_three_pairs() -> None:
    assert found("three values") == ["differingStatedValuesRule"] * 3


def _rows(kg: KnowledgeGraph, query: str) -> list[dict[str, object]]:
    table = kg.query("PREFIX sce: <https://w3id.org/valueweave/ontology#>\n" + query)
    assert isinstance(table, SolutionTable)
    return [dict(zip(row.names, row, strict=True)) for row in table]


def test_in_the_graph_each_derived_discrepancy_is_explained_by_two_statements_with_evidence(kg: KnowledgeGraph) -> None:
    everything = _rows(kg, "SELECT DISTINCT ?d WHERE { ?d a sce:DerivedDiscrepancy }")
    explained = _rows(
        kg,
        """SELECT DISTINCT ?d WHERE {
             ?d a sce:DerivedDiscrepancy ; sce:foundBy ?rule ; sce:hasDiscrepancyKind ?kind .
             ?d sce:confronts ?one, ?other .
             ?one sce:hasEvidence ?passage . ?other sce:hasEvidence ?otherPassage .
             ?d sce:hasEvidence ?passage, ?otherPassage .
             FILTER(?one != ?other && ?passage != ?otherPassage)
           }""",
    )
    assert len(everything) >= 15
    assert {row["d"] for row in explained} == {row["d"] for row in everything}


def test_in_the_graph_a_pair_is_derived_once_and_not_where_a_curator_has_it(kg: KnowledgeGraph) -> None:
    assert not _rows(
        kg,
        """SELECT ?d ?e WHERE {
             ?d a sce:DerivedDiscrepancy ; sce:foundBy ?rule ; sce:confronts ?one, ?other .
             ?e a sce:Discrepancy ; sce:hasDiscrepancyKind ?kind ; (sce:concerns|sce:confronts) ?one, ?other .
             ?d sce:hasDiscrepancyKind ?kind .
             FILTER(?d != ?e && ?one != ?other)
           }""",
    )


def test_in_the_graph_each_discrepancy_has_labels_and_its_answer_says_where_it_comes_from(kg: KnowledgeGraph) -> None:
    table = kg.query("discrepancies")
    assert isinstance(table, SolutionTable)
    origins = {str(row["discrepancy"]): str(row["origin"]) for row in table}
    assert set(origins.values()) == {"curated", "derived"}
    assert len(origins) >= 300
    assert not _rows(
        kg,
        """PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
           SELECT ?d WHERE { ?d a sce:Discrepancy . FILTER(!EXISTS { ?d rdfs:label ?en . FILTER(LANG(?en) = "en") }
             || !EXISTS { ?d rdfs:label ?zh . FILTER(LANG(?zh) = "zh") }) }""",
    )


def test_haier_is_in_four_stages_in_2015_each_with_its_source(kg: KnowledgeGraph) -> None:
    table = kg.query("stages-in-year", {"year": "2015"})
    assert isinstance(table, SolutionTable)
    found_stages = {(str(row["stage"]), str(row["source"])[:12]) for row in table if "JD" not in str(row["stage"])}
    assert len(found_stages) == 4
    assert len({source for _, source in found_stages}) == 3
