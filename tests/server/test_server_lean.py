"""The short way of a query and the kept answers: they answer as the routes do, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pyoxigraph as ox
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.server.conftest import serving

from valueweave.graph import KnowledgeGraph
from valueweave.project import Project
from valueweave.server import Settings, create_app
from valueweave.server.lean import LeanQueries
from valueweave.store import EmbeddedStore

ROWS = "SELECT ?stage ?from { ?stage a sce:Stage ; sce:startYear ?from } ORDER BY ?from"
GRAPH = "CONSTRUCT { ?s a sce:Actor } WHERE { ?s a sce:Actor }"
LONG = "SELECT * { ?s ?p ?o } ORDER BY ?s ?p ?o LIMIT 300"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
QUERY, FORM = "application/sparql-query", "application/x-www-form-urlencoded"
ACTORS = "https://w3id.org/valueweave/graph/actors"

GETS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "rows": ({"query": ROWS}, {}),
    "csv": ({"query": ROWS}, {"Accept": "text/csv;q=0.9, */*;q=0.1"}),
    "graph": ({"query": GRAPH}, {}),
    "graph in another format": ({"query": GRAPH, "format": "jsonld"}, {}),
    "yes or no": ({"query": "ASK { ?s a sce:Stage }"}, {"Accept": "text/csv"}),
    "long": ({"query": LONG}, {}),
    "compressed": ({"query": LONG}, {"Accept-Encoding": "gzip"}),
    "dataset": ({"query": "SELECT * { ?s ?p ?o } ORDER BY ?s ?p ?o", "default-graph-uri": ACTORS}, {}),
    "other origin": ({"query": ROWS}, {"Origin": "https://example.org"}),
    "given id": ({"query": ROWS}, {"X-Request-Id": "abc-3"}),
    "never the same": ({"query": "SELECT (NOW() AS ?now) {} LIMIT 0"}, {}),
    "syntax": ({"query": "SELECT * { ?s ?p"}, {}),
    "other service": ({"query": "SELECT * { SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }"}, {}),
    "unknown function": ({"query": "SELECT (<urn:f>(1) AS ?x) {}"}, {}),
    "page": ({"query": ROWS}, {"Accept": BROWSER}),
    "page of a fault": ({"query": "SELECT"}, {"Accept": BROWSER}),
    "not acceptable": ({"query": ROWS}, {"Accept": "application/pdf"}),
    "no query": ({}, {}),
    "update": ({"query": "DROP ALL"}, {}),
    "empty": ({"query": ""}, {}),
    "twice": ({"query": [ROWS, ROWS]}, {}),
    "no graph": ({"query": ROWS, "default-graph-uri": "no iri"}, {}),
    "too long": ({"query": ROWS + "#" * 3000}, {}),
    "with a token": ({"query": ROWS}, {"Authorization": "Bearer none"}),
}
POSTS: dict[str, tuple[str, str]] = {
    "query": (ROWS, QUERY),
    "query with a charset": (ROWS, QUERY + "; charset=utf-8"),
    "form": (str(httpx.QueryParams({"query": ROWS, "format": "csv"})), FORM),
    "form with an update": (str(httpx.QueryParams({"update": "DROP ALL"})), FORM),
    "form of nothing": ("a=b", FORM),
    "update": ("DROP ALL", "application/sparql-update"),
    "text": (ROWS, "text/plain"),
    "fault": ("ASK {", QUERY),
    "too long": (ROWS + "#" * 3000, QUERY),
}
_OWN = {"date", "x-request-id"}


def _settings(**more: Any) -> Settings:
    return Settings(evaluators=1, max_query_bytes=2000, **more)


@pytest.fixture(scope="module")
def lean(kg: KnowledgeGraph) -> Iterator[httpx.Client]:
    with serving(create_app(kg, _settings())) as client:
        yield client


def _is_lean(middleware: object) -> bool:
    return middleware is LeanQueries


@pytest.fixture(scope="module")
def routes(kg: KnowledgeGraph) -> Iterator[httpx.Client]:
    """A server that has neither the short way nor kept answers."""
    app = create_app(kg, _settings(cache_bytes=0))
    app.user_middleware = [one for one in app.user_middleware if not _is_lean(one.cls)]
    app.state.direct = None
    with serving(app) as client:
        yield client


def _told(answer: httpx.Response, method: str) -> tuple[int, dict[str, str], bytes]:
    headers = {name: value for name, value in answer.headers.items() if name not in _OWN}
    assert answer.headers.get("x-request-id") or method == "lost"
    return answer.status_code, headers, answer.content


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(("parameters", "headers"), GETS.values(), ids=GETS)
def test_a_query_in_the_address_is_answered_alike(
    lean: httpx.Client, routes: httpx.Client, method: str, parameters: dict[str, Any], headers: dict[str, str]
) -> None:
    for _ in range(2):  # the second time the answer may have been kept
        expected = routes.request(method, "/sparql", params=parameters, headers=headers)
        told = lean.request(method, "/sparql", params=parameters, headers=headers)
        # The description of the service names its address.
        own = told.content.replace(str(lean.base_url).encode(), str(routes.base_url).encode())
        if parameters:
            assert _told(told, method) == _told(expected, method)
        else:
            assert (told.status_code, len(own)) == (expected.status_code, len(expected.content))
        if tag := told.headers.get("etag"):
            held = {**headers, "If-None-Match": f'"other", W/{tag}'}
            again = lean.request(method, "/sparql", params=parameters, headers=held)
            if parameters:
                assert _told(again, method) == _told(
                    routes.request(method, "/sparql", params=parameters, headers=held), method
                )
            assert again.status_code == 304


@pytest.mark.parametrize(("body", "media_type"), POSTS.values(), ids=POSTS)
def test_a_query_in_the_body_is_answered_alike(
    lean: httpx.Client, routes: httpx.Client, body: str, media_type: str
) -> None:
    for _ in range(2):
        expected, told = (
            client.post("/sparql", content=body, headers={"Content-Type": media_type}) for client in (routes, lean)
        )
        assert _told(told, "POST") == _told(expected, "POST")


def _counts(client: httpx.Client) -> dict[str, float]:
    return {
        sample.labels["result"]: sample.value
        for family in text_string_to_metric_families(client.get("/metrics").text)
        for sample in family.samples
        if sample.name == "valueweave_cache_total"
    }


def test_what_was_answered_is_sent_again_without_asking_anybody(kg: KnowledgeGraph) -> None:
    asked = [
        ("/sparql", {"query": ROWS}),
        ("/api/v1/actors/jd", {}),
        ("/api/v1/actors", {"limit": "2"}),
        ("/id/actor/jd.ttl", {}),
    ]
    with serving(create_app(kg, _settings())) as client:
        first = [client.get(path, params=parameters) for path, parameters in asked]
        before = _counts(client)
        again = [client.get(path, params=parameters) for path, parameters in asked]
        after = _counts(client)
        assert [one.content for one in first] == [one.content for one in again]
        kept = sum("etag" in one.headers for one in first)
        assert kept >= 3
        assert after["hit"] - before["hit"] == kept
        # Another language, another format and another sender are other questions.
        chinese = client.get("/api/v1/actors/jd", headers={"Accept-Language": "zh"})
        assert chinese.json()["label"] != first[1].json()["label"]
        assert client.get("/api/v1/actors/jd", headers={"Accept": "application/ld+json"}).json() != first[1].json()
        client.get("/api/v1/actors/jd", headers={"Authorization": "Bearer x"})
        assert _counts(client)["hit"] == after["hit"]


def test_kept_answers_go_with_the_version_they_are_of(project: Project, tmp_path: Path) -> None:
    own = Project(project.home, tmp_path / "store")
    query = "SELECT ?s { ?s <urn:p> <urn:o> }"

    def write(name: str) -> None:
        quad = ox.Quad(ox.NamedNode(f"urn:{name}"), ox.NamedNode("urn:p"), ox.NamedNode("urn:o"))
        EmbeddedStore.write(own.store, [quad], {"digest": name * 12})

    write("a")
    with (
        KnowledgeGraph(EmbeddedStore.open(own.store), own) as kg,
        serving(create_app(kg, _settings())) as client,
    ):
        tags = []
        for name in ("a", "b"):
            for _ in range(2):
                answer = client.get("/sparql", params={"query": query})
                assert f"urn:{name}" in answer.text
                assert f"urn:{name}" in client.post("/sparql", data={"query": query}).text
            tags.append(answer.headers["etag"])
            write("b")
        assert tags[0] != tags[1]


def test_a_long_query_is_answered_as_well(lean: httpx.Client, kg: KnowledgeGraph) -> None:
    with serving(create_app(kg, Settings(evaluators=1))) as client:
        long = ROWS + " #" + "x" * 20_000
        for answer in (client.get("/sparql", params={"query": long}), client.post("/sparql", data={"query": long})):
            assert answer.json() == lean.get("/sparql", params={"query": ROWS}).json()
