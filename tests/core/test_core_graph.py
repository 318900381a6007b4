"""The one door: questions, terms, descriptions, and the graph as other libraries see it."""

from __future__ import annotations

import csv
import io
import json
import pickle
import subprocess
import sys
from decimal import Decimal
from typing import Any

import pyoxigraph as ox
import pytest
import rdflib
from rdflib.compare import isomorphic

import valueweave
from valueweave.graph import KnowledgeGraph
from valueweave.problems import InputError
from valueweave.project import Project
from valueweave.results import GraphResult, SolutionTable, Verdict
from valueweave.store import NotAcceptableError, StoreMissingError
from valueweave.values import IRI, Text, to_python

JD = "https://w3id.org/valueweave/id/actor/jd"

LABELS = "SELECT ?s ?label ?none { ?s rdfs:label ?label FILTER(STRSTARTS(STR(?s), STR(id:))) } ORDER BY ?label"


def test_opening_builds_a_missing_store_and_only_that(project: Project) -> None:
    with pytest.raises(StoreMissingError):
        valueweave.open(project.home, project.store, build=False)
    with valueweave.open(project.home, project.store) as kg:
        version = kg.version
        assert not kg.stale
    (project.data / "sources.yaml").write_text((project.data / "sources.yaml").read_text("utf-8") + "# x\n", "utf-8")
    with valueweave.open(project.home, project.store) as kg:
        assert kg.version == version
        assert kg.stale


def test_a_named_question_and_its_parameter(kg: KnowledgeGraph) -> None:
    table = kg.select("stages")
    assert [(row.stage.short, row["start"]) for row in table if isinstance(row.stage, IRI)] == [
        ("stage/jd-1", 2007),
        ("stage/jd-2", 2017),
    ]
    assert kg.select("stages", {"from": 2010}).column("start") == [2017]


def test_rows_hold_python_values(kg: KnowledgeGraph) -> None:
    row = kg.select(
        "SELECT ?s ?label ?growth ?year (true AS ?yes) ?none "
        "{ ?s sce:growth ?growth ; rdfs:label ?label ; sce:startYear ?year FILTER(LANG(?label) = 'zh') }"
    )[0]
    assert tuple(row) == (f"{JD[:-8]}stage/jd-1", "京东第一阶段", Decimal("4.5"), 2007, True, None)
    assert isinstance(row.growth, Decimal)
    assert isinstance(row.label, Text)
    assert row.label.language == "zh"
    assert pickle.loads(pickle.dumps(row.label)).language == "zh"
    with pytest.raises(KeyError, match="there are s, label"):
        row["nothing"]


def test_scopes_see_what_they_say(kg: KnowledgeGraph) -> None:
    ask = f"ASK {{ <{JD}> a sce:Actor }}"
    assert [bool(kg.query(ask, scope=scope)) for scope in ("all", "asserted", "inferred")] == [True, False, True]
    asserted = f"ASK {{ <{JD}> a sce:Organization }}"
    assert [bool(kg.query(asserted, scope=scope)) for scope in ("all", "asserted", "inferred")] == [True, True, False]


def test_each_form_has_its_answer(kg: KnowledgeGraph) -> None:
    assert isinstance(kg.query("ASK {}"), Verdict)
    assert isinstance(kg.query(f"DESCRIBE <{JD}>"), GraphResult)
    assert isinstance(kg.query("SELECT * {}"), SolutionTable)
    with pytest.raises(InputError, match="no SELECT query"):
        kg.select("ASK {}")


def test_labels_fall_back(kg: KnowledgeGraph) -> None:
    assert kg.label("actor/jd", "zh") == "京东"
    assert kg.label("actor/jd", "zh-CN") == "京东"
    assert kg.label("actor/jd", "fr") == "JD"
    assert kg.label("registry/sources") == "来源"
    assert kg.label("actor/unknown") == "actor/unknown"


def test_a_description_holds_both_directions_and_the_evidence(kg: KnowledgeGraph) -> None:
    found = kg.describe("actor/jd")
    assert [name.short for name in found.types] == ["sce:Actor", "sce:Organization"]
    subjects = {str(triple.subject) for triple in found.outgoing}
    assert subjects == {f"<{JD}>", f"<{JD}/evidence/000-1-5>"}
    assert {str(triple.predicate).rsplit("#", 1)[1] for triple in found.incoming} == {"cooperatesWith>", "includes>"}
    assert kg.describe("actor/jd", incoming=1).more_incoming
    assert "京东" in found._repr_html_()
    with pytest.raises(InputError, match="says nothing"):
        kg.describe("actor/nobody")
    with pytest.raises(InputError, match="Did you mean 'actor/jd'"):
        kg.describe("actor/jdd")
    with pytest.raises(InputError, match="no term"):
        kg.describe("a b")


def test_statistics_agree_with_the_graph(kg: KnowledgeGraph) -> None:
    counted = kg.select(
        "SELECT ?type (COUNT(DISTINCT ?s) AS ?n) { ?s a ?type FILTER(STRSTARTS(STR(?s), STR(id:))) } GROUP BY ?type"
    )
    assert kg.statistics()["types"] == {row["type"]: row["n"] for row in counted}


def test_rdflib_sees_the_same_statements(kg: KnowledgeGraph) -> None:
    graph = kg.to_rdflib()
    assert len(graph) == kg.statistics()["counts"]["statements"]
    value = graph.value(
        rdflib.URIRef(JD[:-8] + "stage/jd-1"), rdflib.URIRef("https://w3id.org/valueweave/ontology#growth")
    )
    assert value is not None
    assert value.n3() == '"4.5"^^<http://www.w3.org/2001/XMLSchema#decimal>'
    again = rdflib.Graph().parse(data=ox.serialize(kg._scope("all"), format=ox.RdfFormat.N_TRIPLES), format="nt")
    assert isomorphic(graph, again)
    assert len(kg.to_rdflib("inferred")) == kg.statistics()["counts"]["inferred"]


def test_networkx_sees_records_and_relations(kg: KnowledgeGraph) -> None:
    graph = kg.to_networkx()
    other = JD[:-2] + "wuliu"
    assert graph.nodes[JD] == {"label": "JD", "types": ["sce:Actor", "sce:Organization"]}
    assert graph.edges[JD, other, "sce:cooperatesWith"]["inferred"] is False
    assert graph.edges[other, JD, "sce:cooperatesWith"]["inferred"] is True
    assert graph.edges[JD, other, "sce:cooperatesWith"]["label"] == "cooperates with"
    assert not [node for node in graph if "/evidence/" in node or "/source/" in node]
    full = kg.to_networkx(evidence=True)
    assert (JD, f"{JD}/evidence/000-1-5", "sce:hasEvidence") in full.edges(keys=True)
    assert not kg.to_networkx(scope="asserted").has_edge(other, JD)


def test_a_table_writes_every_format_and_they_agree(kg: KnowledgeGraph) -> None:
    table = kg.select(LABELS)
    assert table.to_json() == json.loads(kg.store.serialize_query(LABELS, "json")[0])
    rows = list(csv.reader(io.StringIO(table.serialize("csv").decode())))
    assert rows[0] == ["s", "label", "none"]
    assert [row[1] for row in rows[1:]] == table.column("label")
    assert "京东" in table.serialize("tsv").decode()
    assert b"<sparql" in table.serialize("xml")
    assert '<td lang="zh">京东</td>' in table._repr_html_()
    with pytest.raises(NotAcceptableError):
        table.serialize("turtle")


def test_a_text_table_lines_up_with_chinese_characters() -> None:
    table = SolutionTable(("name", "n"), [(ox.Literal("京东"), ox.Literal(1)), (ox.Literal("JD"), ox.Literal(20))])
    assert table.to_text().splitlines() == ["name  n", "----  --", "京东  1", "JD    20", "(2 rows)"]


def test_html_is_escaped() -> None:
    assert "<script>" not in SolutionTable(("x",), [(ox.Literal("<script>"),)])._repr_html_()


def test_a_graph_writes_every_format_and_reads_back(kg: KnowledgeGraph) -> None:
    graph = kg.query("CONSTRUCT { ?s ?p ?o } { ?s a sce:Stage ; ?p ?o }")
    assert isinstance(graph, GraphResult)
    parsed = [
        rdflib.Graph().parse(data=graph.serialize(name), format=reader)
        for name, reader in (("turtle", "turtle"), ("ntriples", "nt"), ("rdfxml", "xml"), ("jsonld", "json-ld"))
    ]
    assert all(isomorphic(parsed[0], other) for other in parsed[1:])
    assert len(parsed[0]) == len(graph)


@pytest.mark.parametrize(
    ("text", "datatype", "value"),
    [
        ("007", "integer", 7),
        ("x", "integer", "x"),
        ("1.10", "decimal", Decimal("1.10")),
        ("1e3", "double", 1000.0),
        ("true", "boolean", True),
        ("0", "boolean", False),
        ("2020", "gYear", "2020"),
        ("3", "unsignedByte", 3),
    ],
)
def test_literals_become_python_values(text: str, datatype: str, value: object) -> None:
    found = to_python(ox.Literal(text, datatype=ox.NamedNode(f"http://www.w3.org/2001/XMLSchema#{datatype}")))
    assert (found, type(found)) == (value, type(value))


def test_importing_the_package_loads_no_engine() -> None:
    code = "import sys, valueweave; print(sorted({'rdflib', 'networkx', 'pyshacl', 'pyoxigraph'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_parameters_as_keywords_are_refused_with_the_right_form(kg: KnowledgeGraph) -> None:
    unexpected: dict[str, Any] = {"from": 2010}
    with pytest.raises(InputError, match=r"query\(\.\.\., \{'from': 2010\}\)"):
        kg.query("stages", **unexpected)


def test_a_bare_name_is_completed_when_that_is_in_the_graph(kg: KnowledgeGraph) -> None:
    query = "SELECT ?l { ?_thing_iri rdfs:label ?l }"
    with pytest.raises(InputError, match="Did you mean 'actor/wuliu'"):
        kg.query(query, {"thing": "wuliu"})
    assert len(kg.select(query.replace("thing", "actor"), {"actor": "wuliu"})) == 2
    assert len(kg.select(query.replace("thing", "class"), {"class": "Stage"})) == 2
