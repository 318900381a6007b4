"""Everything that is asked has the same answer on every engine."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pyoxigraph as ox
import pytest
from starlette.testclient import TestClient

from valueweave.graph import KnowledgeGraph
from valueweave.project import Project
from valueweave.queries import load_questions
from valueweave.reasoning.assessment.json import AssessmentJson
from valueweave.reasoning.proofs.text import ProofWriter
from valueweave.results import SolutionTable
from valueweave.server.app import create_app
from valueweave.server.settings import Settings

QUESTIONS = sorted(load_questions(Project.find()))
STEP_2, STEP_3 = "state/cosmo-step-2", "state/cosmo-step-3"


def rows(table: object) -> Counter[tuple[str, ...]]:
    """The rows of a table, in no order: the collation of an engine is its own."""
    assert isinstance(table, SolutionTable)
    return Counter(tuple(map(str, row)) for row in table.terms)


@pytest.fixture(scope="session")
def answers(kg: KnowledgeGraph) -> dict[str, Counter[tuple[str, ...]]]:
    """The answers of the embedded store."""
    return {name: rows(kg.query(name)) for name in QUESTIONS}


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_named_query_has_the_same_answer(
    name: str, answers: dict[str, Counter[tuple[str, ...]]], elsewhere: KnowledgeGraph
) -> None:
    here, there = answers[name], rows(elsewhere.query(name))
    assert there - here == Counter()
    assert here - there == Counter()


def unordered(value: Any) -> Any:
    """JSON without the order of its lists: what stands side by side in a proof comes as the engine finds it."""
    if isinstance(value, dict):
        return {key: unordered(each) for key, each in value.items()}
    return sorted(map(unordered, value), key=str) if isinstance(value, list) else value


def explained(kg: KnowledgeGraph, subject: str, predicate: str, value: str) -> tuple[Any, ...]:
    """Whether a statement is entailed, and that its proof ends in what files assert.

    Of several witnesses the engine decides which comes first, so that proofs may differ.
    """
    found = kg.explain(subject, predicate, value)
    asserted = [
        any(held(kg, leaf.statement, graph) for graph in leaf.graphs)
        for proof in found.proofs
        for leaf in proof.leaves()
    ]
    told = ProofWriter(kg.label).json(found)
    return found.entailed, all(asserted), [(proof["statement"], proof.get("rule")) for proof in told["proofs"]]


def held(kg: KnowledgeGraph, statement: ox.Triple, graph: str) -> bool:
    """Whether a graph asserts a statement."""
    quad = ox.Quad(statement.subject, statement.predicate, statement.object, ox.NamedNode(graph))
    return quad in kg.store.engine


def assessed(kg: KnowledgeGraph, thing: str, name: str) -> Any:
    """The readings of all conditions of a class."""
    writer = AssessmentJson(kg.label, kg.reasoning.rules.labels)
    return readings(writer.assessment(kg.assess(thing, name))["conditions"])


def readings(condition: dict[str, Any]) -> Any:
    """What an assessment says of a condition and those inside it."""
    told = {key: condition.get(key) for key in ("kind", "text", "open_world", "closed_world", "met")}
    return told, [readings(inner) for inner in condition.get("conditions", ())]


@pytest.mark.parametrize(
    "ask",
    [
        lambda kg: explained(kg, STEP_3, "a", "sce:SupplyChainAsAService"),
        lambda kg: explained(kg, STEP_2, "a", "sce:SupplyChainAsAService"),
        lambda kg: explained(kg, "actor/jd", "sce:cooperatesWith", "actor/haier"),
        lambda kg: explained(kg, "sce:ValueWinWinStage", "rdfs:subClassOf", "sce:Stage"),
        lambda kg: assessed(kg, STEP_2, "sce:SupplyChainAsAService"),
        lambda kg: assessed(kg, STEP_3, "sce:SupplyChainAsAService"),
        lambda kg: kg.check_numbers().to_json()["counts"],
        lambda kg: [hit.iri for hit in kg.search("hailfang").items],
        lambda kg: [hit.iri for hit in kg.search("供应链", language="zh").items],
        lambda kg: (kg.label("actor/jd", "zh"), sorted(map(str, kg.describe("actor/jd").outgoing))),
        lambda kg: kg.names.ids,
        lambda kg: rows(kg.query("SELECT ?s ?o { ?s sce:cooperatesWith ?o }", scope="asserted")),
        lambda kg: rows(kg.query("SELECT ?s ?o { ?s sce:cooperatesWith ?o }", scope="inferred")),
        lambda kg: rows(kg.query("SELECT ?g { GRAPH ?g { <actor/jd> ?p ?o } ?any a sce:Case }")),
        lambda kg: bool(kg.query("ASK { <actor/jd> a sce:Actor FILTER NOT EXISTS { <actor/jd> a sce:Stage } }")),
        lambda kg: sorted(kg.query("CONSTRUCT { ?s rdfs:label ?l } { ?s a sce:Case ; rdfs:label ?l }"), key=str),
        lambda kg: [
            kg.store.holds(graph=ox.NamedNode(f"https://w3id.org/valueweave/graph/{n}")) for n in ("actors", "x")
        ],
    ],
)
def test_reasoning_and_search_say_the_same(
    ask: Callable[[KnowledgeGraph], Any], kg: KnowledgeGraph, elsewhere: KnowledgeGraph
) -> None:
    assert unordered(ask(elsewhere)) == unordered(ask(kg))


@pytest.fixture(scope="module")
def here(kg: KnowledgeGraph) -> TestClient:
    return TestClient(create_app(kg, Settings(evaluators=0)))


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/actors?limit=5",
        "/api/v1/actors/jd",
        "/api/v1/stages?case=jd-2007-2021",
        "/api/v1/complementarities?limit=3",
        "/api/v1/actors?case=jd-2007-2021&year=2015",
        "/api/v1/search?q=haier",
        "/id/actor/jd?format=ntriples",
        "/graph/nothing",
        "/sparql?query=nonsense",
        "/sparql?query=SELECT+*+%7B+SERVICE+%3Curn:x%3E+%7B%7D+%7D",
    ],
)
def test_lookups_say_the_same(path: str, kg: KnowledgeGraph, elsewhere: KnowledgeGraph, here: TestClient) -> None:
    there = TestClient(create_app(elsewhere, Settings(evaluators=0)))
    told, expected = there.get(path), here.get(path)
    assert told.status_code == expected.status_code
    assert told.text.replace(elsewhere.version, kg.version) == expected.text


def test_answers_are_written_in_every_format(elsewhere: KnowledgeGraph) -> None:
    query = 'SELECT ?l { <actor/jd> rdfs:label ?l FILTER(LANG(?l) = "zh") }'
    assert elsewhere.store.serialize_query(query, "csv")[0] == "l\r\n京东\r\n".encode()
    body, media_type = elsewhere.store.serialize_query(query, "application/sparql-results+json")
    assert media_type == "application/sparql-results+json"
    assert json.loads(body)["results"]["bindings"] == [{"l": {"type": "literal", "value": "京东", "xml:lang": "zh"}}]
