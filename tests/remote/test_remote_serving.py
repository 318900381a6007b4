"""The server and the command line over a real engine, and engines that are none."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient
from tests.core.conftest import ROOT
from tests.live.conftest import case
from tests.remote.engines import oxigraph

from valueweave.build import build
from valueweave.graph import KnowledgeGraph
from valueweave.problems import InputError
from valueweave.project import Project
from valueweave.server.app import create_app
from valueweave.server.settings import Settings
from valueweave.sparql_text import QueryError
from valueweave.store.dialects import find_dialect
from valueweave.store.places import open_store
from valueweave.store.remote import RemoteStore
from valueweave.store.remote_client import Client, RemoteError
from valueweave.store.remote_target import Target
from valueweave.store.remote_text import prepare

SECRET = "s3cret-of-sixteen-characters"
TOKEN = {"Authorization": f"Bearer {SECRET}"}


@pytest.fixture
def built(small: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """The small project, built on an Oxigraph server that the settings name."""
    with oxigraph(tmp_path) as target:
        monkeypatch.setenv("VALUEWEAVE_REMOTE_DIALECT", "oxigraph")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        project = Project.find(small.home, target.query)
        build(project)
        yield project


def test_a_server_shows_changes_whoever_makes_them(built: Project) -> None:
    settings = Settings(write_token=SecretStr(SECRET), evaluators=2)
    with KnowledgeGraph(open_store(built), built) as kg, TestClient(create_app(kg, settings)) as client:
        path = "/api/v1/cases/mill"
        put = client.put(path, content=case("mill"), headers={**TOKEN, "Content-Type": "application/yaml"})
        assert put.status_code == 201
        asked = "/sparql?query=ASK+{+<actor/jd>+sce:cooperatesWith+<actor/mill>+}"
        assert client.get(asked).json()["boolean"] is True
        assert client.get("/readyz").json()["version"] == put.json()["version"]
        build(built, force=True, drop_live=["mill"])
        assert client.get(asked).json()["boolean"] is False
        update = client.post(
            "/sparql", data={"update": "INSERT DATA { <actor/jd> sce:cooperatesWith <actor/x> }"}, headers=TOKEN
        )
        assert update.status_code in {200, 204}
        assert client.get(asked.replace("mill", "x")).json()["boolean"] is True


def test_queries_of_others_are_ended(built: Project) -> None:
    slow = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l . ?m ?n1 ?o }"
    settings = Settings(query_seconds=0.5, answer_bytes=1000)
    with KnowledgeGraph(open_store(built), built) as kg, TestClient(create_app(kg, settings)) as client:
        ended = client.get("/sparql", params={"query": slow})
        assert (ended.status_code, ended.json()["code"]) == (504, "query-timeout")
        long = client.get("/sparql", params={"query": "SELECT * { ?a ?b ?c }"})
        assert (long.status_code, long.json()["code"]) == (503, "answer-too-long")


def run(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "valueweave", "--home", str(project.home), "--store", project.place, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_the_command_line_takes_an_address(built: Project) -> None:
    assert "Nothing has changed" in run(built, "build").stdout
    assert "stage" in run(built, "query", "stages").stdout
    assert "stage" in run(built, "explain", "stage/jd-1", "a", "sce:Stage").stdout
    gone = replace(built, remote=replace(built.remote, query="http://127.0.0.1:9/query"))  # type: ignore[type-var]
    told = run(gone, "query", "stages")
    assert (told.returncode, told.stdout) == (2, "")
    assert "[remote-unreachable]" in told.stderr
    assert "Traceback" not in told.stderr


# -- engines that are none


def client(answer: Callable[[httpx.Request], httpx.Response], dialect: str = "standard") -> Client:
    """A client of an engine that answers so."""
    target = Target.read(f"http://u:{SECRET}@engine.example/sparql", {})
    return Client(replace(target, dialect=find_dialect(dialect)), httpx.MockTransport(answer))


def raising(error: Exception) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error

    return answer


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (lambda _: httpx.Response(404, text="<html><body>no such page</body></html>"), "remote-address"),
        (
            lambda _: httpx.Response(200, text="<html>hello</html>", headers={"Content-Type": "text/html"}),
            "remote-address",
        ),
        (lambda _: httpx.Response(200, text="{", headers={"Content-Type": "application/json"}), "remote-address"),
        (lambda _: httpx.Response(302, headers={"Location": "/login"}), "remote-address"),
        (lambda _: httpx.Response(401, text="who?"), "remote-refused"),
        (lambda _: httpx.Response(400, text="Virtuoso 37000 Error SP030: SPARQL compiler"), "query-refused"),
        (lambda _: httpx.Response(500, text="stack overflow"), "query-failed"),
        (lambda _: httpx.Response(503, text="later"), "remote-failed"),
        (raising(httpx.ConnectError("refused")), "remote-unreachable"),
        (raising(httpx.ReadTimeout("slow")), "query-timeout"),
        (raising(httpx.RemoteProtocolError("what?")), "remote-unreachable"),
    ],
)
def test_faults_of_engines_are_told_without_credentials(
    answer: Callable[[httpx.Request], httpx.Response], code: str
) -> None:
    store = RemoteStore(client(answer), {"version": "1", "graphs": []})
    with pytest.raises(InputError) as error:
        store.query("SELECT * { ?s ?p ?o }")
    assert error.value.problems[0].code == code
    assert SECRET not in str(error.value) + repr(store.client.target)


def test_what_changes_nothing_is_tried_again_and_an_update_never() -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.read())
        if len(asked) < 3:
            raise httpx.ConnectError("refused")
        return httpx.Response(200, json={"head": {}, "boolean": True})

    store = RemoteStore(client(answer), {"version": "1", "graphs": []})
    assert bool(store.query("ASK { }"))
    assert len(asked) == 3
    asked.clear()
    with pytest.raises(RemoteError):
        store.client.update("INSERT DATA { <urn:a> <urn:b> <urn:c> }")
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("query", "dialect", "expected"),
    [
        ("ASK { }", "standard", {}),
        ("ASK { }", "virtuoso", {"default-graph-uri": ["https://w3id.org/valueweave/graph/closure"]}),
        ("ASK FROM <urn:g> { }", "virtuoso", {}),
        (
            "ASK { GRAPH ?g { } }",
            "virtuoso",
            {"default-graph-uri": ["https://w3id.org/valueweave/graph/closure"], "named-graph-uri": ["urn:a", "urn:b"]},
        ),
    ],
)
def test_which_graphs_a_request_names(query: str, dialect: str, expected: dict[str, list[str]]) -> None:
    sent: dict[str, list[str]] = {}

    def answer(request: httpx.Request) -> httpx.Response:
        for name, value in httpx.QueryParams(request.read().decode()).multi_items():
            sent.setdefault(name, []).append(value)
        return httpx.Response(200, json={"head": {}, "boolean": True})

    RemoteStore(client(answer, dialect), {"version": "1", "graphs": ["urn:b", "urn:a"]}).query(query)
    assert {name: value for name, value in sent.items() if name.endswith("uri")} == expected


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("DEFINE get:soft 'soft' SELECT * { ?s ?p ?o }", "sparql-syntax"),
        ("SELECT (<bif:rnd>(10) AS ?x) { }", "function-refused"),
        ("PREFIX b: <bif:> SELECT (b:rnd(10) AS ?x) { }", "function-refused"),
        ("SELECT * { ?s ?p ?o OPTION (TRANSITIVE) }", "sparql-syntax"),
        ("SELECT (`1` AS ?x) { }", "sparql-syntax"),
        ("SELECT * { SERVICE <http://x> { ?s ?p ?o } }", "service-refused"),
        ("SELECT * { ?s unknown:p ?o }", "sparql-syntax"),
    ],
)
def test_nothing_but_sparql_reaches_an_engine(query: str, code: str) -> None:
    with pytest.raises(QueryError) as error:
        prepare(query, refused=find_dialect("virtuoso").refused)
    assert error.value.problems[0].code == code


@pytest.mark.parametrize(
    ("address", "settings", "code"),
    [
        ("http://", {}, "remote-address"),
        ("http://h/q", {"DIALECT": "virtuosso"}, "unknown-dialect"),
        ("http://h/q", {"SECONDS": "soon"}, "remote-setting"),
    ],
)
def test_wrong_settings_are_told(address: str, settings: dict[str, str], code: str) -> None:
    with pytest.raises(InputError) as error:
        Target.read(address, {f"VALUEWEAVE_REMOTE_{name}": value for name, value in settings.items()})
    assert error.value.problems[0].code == code
