"""What an operator sets and sees: settings, metrics, ids and logs of requests."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import httpx
import pyoxigraph as ox
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.server.conftest import serving

from valueweave.graph import KnowledgeGraph
from valueweave.problems import InputError
from valueweave.project import Project
from valueweave.server import Settings, create_app
from valueweave.server.errors import ProblemError
from valueweave.server.settings import load_settings
from valueweave.server.settings_table import with_table
from valueweave.store import EmbeddedStore
from valueweave.store.remote_target import Target


def test_the_environment_goes_before_the_file_and_the_file_before_what_is_usual(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('evaluators = 3\nquery_seconds = 5.5\nallowed_origins = ["https://a.example"]\n', "utf-8")
    environment = {
        "VALUEWEAVE_SERVER_EVALUATORS": "4",
        "VALUEWEAVE_SERVER_ALLOWED_ORIGINS": "https://b, https://c",
        "X": "1",
    }
    settings = load_settings(environment, file)
    assert (settings.evaluators, settings.query_seconds, settings.related) == (4, 5.5, Settings().related)
    assert settings.allowed_origins == ("https://b", "https://c")
    assert load_settings({}, file).allowed_origins == ("https://a.example",)


@pytest.mark.parametrize(
    ("environment", "text", "terms"),
    [
        ({"VALUEWEAVE_SERVER_EVALUATOR": "4"}, "", {"evaluator"}),
        (
            {"VALUEWEAVE_SERVER_QUERY_SECONDS": "soon", "VALUEWEAVE_SERVER_RELATED": "0"},
            "",
            {"query_seconds", "related"},
        ),
        ({}, "colour = 'red'\nevaluators = -1", {"colour", "evaluators"}),
        ({}, "evaluators = ", {None}),
    ],
)
def test_wrong_settings_are_all_told_with_their_place(
    environment: dict[str, str], text: str, terms: set[str | None], tmp_path: Path
) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(InputError) as caught:
        load_settings(environment, file)
    assert {problem.term for problem in caught.value.problems} == terms
    assert all(problem.file and problem.remedy for problem in caught.value.problems)


def test_a_file_of_settings_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load_settings({}, tmp_path / "none.toml")


def test_requests_and_queries_are_counted_by_route(kg: KnowledgeGraph) -> None:
    with serving(create_app(kg)) as client:
        for actor in ("jd", "nobody"):
            client.get(f"/api/v1/actors/{actor}")
        client.get("/sparql", params={"query": "ASK { ?s ?p ?o }"}, headers={"Accept": "text/csv, */*"})
        client.get("/sparql", params={"query": "ASK { ?s ?p"})
        client.get("/made-up-by-a-stranger")
        answer = client.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        samples = {
            (sample.name, *sorted(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        }
    labels = [key[1:] for key in samples if key[0] == "valueweave_requests_total"]
    counted = {value for pairs in labels for name, value in pairs if name == "route"}
    assert {"/sparql", "none"} <= counted
    assert any("{" in route for route in counted)
    assert not any("stranger" in str(key) or "nobody" in str(key) for key in samples)
    assert samples[("valueweave_query_seconds_count",)] >= 1
    assert samples[("valueweave_queries_refused_total", ("reason", "sparql-syntax"))] == 1
    assert samples[("valueweave_store_statements", ("kind", "inferred"))] > 0


def test_every_answer_has_an_id_and_keeps_a_given_one(client: httpx.Client) -> None:
    assert re.fullmatch(r"[0-9a-f]{32}", client.get("/healthz").headers["x-request-id"])
    assert client.get("/healthz", headers={"X-Request-Id": "abc-1"}).headers["x-request-id"] == "abc-1"
    strange = client.get("/healthz", headers={"X-Request-Id": "a b;c" * 50}).headers["x-request-id"]
    assert re.fullmatch(r"[0-9a-f]{32}", strange)


def test_the_log_has_a_line_for_each_request(kg: KnowledgeGraph, capfd: pytest.CaptureFixture[str]) -> None:
    with serving(create_app(kg, Settings(access_log=True, evaluators=0))) as client:
        client.get("/api/v1/actors/jd", headers={"X-Request-Id": "abc-2"})
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
    assert [(line["id"], line["status"], line["path"]) for line in lines] == [("abc-2", 200, "/api/v1/actors/jd")]


@pytest.mark.parametrize(("access_log", "events"), [(True, ["request", "refused"]), (False, ["refused"])])
def test_a_refusal_has_its_line_whether_or_not_each_request_has_one(
    kg: KnowledgeGraph, capfd: pytest.CaptureFixture[str], access_log: bool, events: list[str]
) -> None:
    with serving(create_app(kg, Settings(log="json", access_log=access_log, evaluators=0))) as client:
        called = "SELECT * { SERVICE <http://127.0.0.1:9/sparql> { ?s ?p ?o } }"
        refused = client.get("/sparql", params={"query": called}, headers={"X-Request-Id": "abc-3"})
        assert refused.status_code == 403
        client.get("/healthz", headers={"X-Request-Id": "abc-4"})
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
    assert [(line["event"], line["status"]) for line in lines if line.get("id") == "abc-3"] == [
        (event, 403) for event in events
    ]
    assert [line["event"] for line in lines if line.get("id") == "abc-4"] == ["request"] * access_log


def test_the_unit_reads_the_settings_that_it_speaks_of() -> None:
    unit = (Project.find().home / "deploy" / "valueweave.service").read_text("utf-8")
    told = set(re.findall(r"/etc/valueweave/[\w.]+", "".join(re.findall(r"^#.*\n", unit, re.MULTILINE))))
    read = "".join(re.findall(r"^(?:ExecStart|EnvironmentFile)=(?:.*\\\n)*.*\n", unit, re.MULTILINE))
    assert told == {"/etc/valueweave/environment", "/etc/valueweave/settings.toml"}
    assert all(file in read for file in told)


def test_a_parameter_that_is_missing_is_said_to_be_missing(client: httpx.Client) -> None:
    problem = client.get("/api/v1/explain", params={"subject": "actor/jd"}).json()
    told = [one["detail"] for one in problem["problems"]]
    assert "The parameter 'predicate' is missing." in told
    assert problem["remedy"].startswith("Add predicate=")


def test_the_page_on_operations_has_every_setting_and_every_number(client: httpx.Client) -> None:
    page = (Project.find().home / "docs" / "operations.md").read_text("utf-8")
    assert with_table(page) == page, "run 'valueweave generate settings'"
    assert all(meaning for meaning in re.findall(r"^\| `\w+` \|.*\| (.*) \|$", page, re.MULTILINE))
    families = {family.name for family in text_string_to_metric_families(client.get("/metrics").text)}
    told = {name.removesuffix("_total") for name in re.findall(r"`(valueweave_\w+)`", page)}
    assert told == {name.removesuffix("_created") for name in families}


def test_nobody_is_sent_to_a_server_that_is_being_stopped(kg: KnowledgeGraph) -> None:
    app = create_app(kg, Settings(evaluators=0))
    with serving(app) as client:
        assert client.get("/readyz").status_code == 200
        app.state.stopping = True
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["code"]) == (503, "server-stopping")
        assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize("remote", [False, True])
def test_what_is_not_ready_says_what_to_start(project: Project, remote: bool) -> None:
    there = replace(project, remote=Target.read("http://127.0.0.1:9/query", {})) if remote else project
    with KnowledgeGraph(EmbeddedStore(ox.Store(), {"version": "1", "digest": ""}), there) as kg:
        answer = next(
            route for route in create_app(kg, Settings(evaluators=0)).routes if getattr(route, "path", "") == "/readyz"
        )
        with pytest.raises(ProblemError) as raised:
            answer.endpoint()  # type: ignore[attr-defined]
    assert ("engine" in raised.value.problems[0].remedy) == remote


def test_methods_that_strangers_make_up_are_counted_as_one(kg: KnowledgeGraph) -> None:
    with serving(create_app(kg, Settings(evaluators=0))) as client:
        for method in ("PROPFIND", "SEARCH"):
            client.request(method, "/healthz")
        told = client.get("/metrics").text
    assert 'method="other"' in told
    assert "PROPFIND" not in told
