"""What HTTP says of hosts, codings and conditions; and texts that no engine can read to their end."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Iterator

import httpx
import pytest

from valueweave.project import Project
from valueweave.server.nesting import DEEPEST

from .writable import YAML, case, copy_of, writable

STAGES = "SELECT ?stage ?from { ?stage a sce:Stage ; sce:startYear ?from } ORDER BY ?from"


@pytest.fixture(scope="module")
def writer(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    own = copy_of(project, tmp_path_factory.mktemp("details") / "store")
    with writable(own) as client:
        yield client


def said(client: httpx.Client, request: str) -> bytes:
    """Return what the server answers to a request written by hand."""
    address = (client.base_url.host, client.base_url.port or 80)
    with socket.create_connection(address, timeout=20) as connection:
        connection.sendall(request.replace("\n", "\r\n").encode() + b"\r\n\r\n")
        return b"".join(iter(lambda: connection.recv(1 << 16), b""))


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("GET /healthz HTTP/1.1\nHost: a.example\nConnection: close", b"200"),
        ("GET /healthz HTTP/1.0", b"200"),
        ("GET /healthz HTTP/1.1\nConnection: close", b"400"),
        ("GET /healthz HTTP/1.1\nHost: a.example\nHost: b.example\nConnection: close", b"400"),
        ("GET /healthz HTTP/1.0\nHost: a.example\nHost: b.example", b"400"),
    ],
)
def test_a_request_names_one_host(client: httpx.Client, head: str, status: bytes) -> None:
    answer = said(client, head)
    assert answer.split()[1] == status
    if status == b"400" and b"one-host" not in answer:
        assert b"Invalid HTTP request" in answer  # what reads HTTP may be stricter than we are


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "br", "identity, gzip"])
def test_a_body_that_is_compressed_is_not_read(writer: httpx.Client, coding: str) -> None:
    sent = {"Content-Encoding": coding}
    packed = gzip.compress(STAGES.encode())
    for answer in (
        writer.post("/sparql", content=packed, headers={**sent, "Content-Type": "application/sparql-query"}),
        writer.post("/sparql", content=packed, headers={**sent, "Content-Type": "application/sparql-update"}),
        writer.put("/api/v1/cases/mill", content=gzip.compress(case("mill").encode()), headers={**YAML, **sent}),
        writer.put("/graph/test/packed", content=packed, headers={**sent, "Content-Type": "text/turtle"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported-content-encoding"), answer.text
        assert answer.headers["accept-encoding"] == "identity"
    plain = {"Content-Type": "application/sparql-query", "Content-Encoding": "identity"}
    assert writer.post("/sparql", content=STAGES, headers=plain).status_code == 200


@pytest.mark.parametrize("coding", ["gzip", "identity"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/actors/jd",
        "/api/v1/actors",
        "/id/actor/jd?format=turtle",
        "/ontology",
        "/sparql",
        f"/sparql?query={STAGES}",
    ],
)
def test_whoever_wants_nothing_that_is_there_gets_nothing(
    client: httpx.Client, path: str, method: str, coding: str
) -> None:
    full = client.request(method, path, headers={"Accept-Encoding": coding})
    for _ in range(2):  # the second time the answer is a kept one
        answer = client.request(method, path, headers={"If-None-Match": "*", "Accept-Encoding": coding})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == full.headers["etag"]


def test_what_is_not_there_is_told_to_whoever_wants_only_that(client: httpx.Client) -> None:
    anything = {"If-None-Match": "*"}
    assert client.get("/api/v1/actors/nobody", headers=anything).status_code == 404
    assert client.get("/sparql", params={"query": "SELECT nonsense"}, headers=anything).status_code == 400
    asked = {"data": {"query": STAGES}, "headers": anything}
    assert client.post("/sparql", **asked).status_code == 200  # type: ignore[arg-type]


def nested(levels: int, opening: str, inside: str, closing: str) -> str:
    return f"ASK {{ {opening * (levels - 1)}{inside}{closing * (levels - 1)} }}"


@pytest.mark.parametrize(
    ("opening", "inside", "closing"),
    [
        ("FILTER NOT EXISTS { ?s ?p ?o ", "", "}"),
        ("{ ", "?s ?p ?o", "}"),
        ("OPTIONAL { ?s ?p ?o ", "", "}"),
        ("BIND(EXISTS { ", "?s ?p ?o", "} AS ?x)"),
    ],
)
def test_too_deep_a_nesting_is_told_before_an_engine_dies_of_it(
    client: httpx.Client, opening: str, inside: str, closing: str
) -> None:
    each = opening.count("{") + opening.count("(")
    for number, status in ((DEEPEST // each, 200), (DEEPEST // each + 1, 400), (5000, 400)):
        query = nested(number, opening, inside, closing)
        answers = [client.post("/sparql", data={"query": query})]
        if len(query) < 10_000:
            answers.append(client.get("/sparql", params={"query": query}))
        for answer in answers:
            assert answer.status_code == status, (number, answer.text)
            if status == 400:
                assert answer.json()["code"] == "query-too-deep"
                assert answer.json()["line"] == 1


def test_brackets_side_by_side_or_in_strings_are_not_deep(client: httpx.Client) -> None:
    rows = "(1)" * 2000
    query = f"SELECT (COUNT(*) AS ?n) {{ VALUES (?x) {{ {rows} }} FILTER(STR(?x) != '{'(' * 2000}') }} # {'{' * 2000}"
    answer = client.post("/sparql", data={"query": query}, headers={"Accept": "text/csv"})
    assert answer.text.split() == ["n", "2000"]


def test_an_update_that_is_nested_too_deep_is_refused(writer: httpx.Client) -> None:
    text = "DELETE { ?s ?p ?o } WHERE { ?s ?p ?o " + "FILTER EXISTS { ?s ?p ?o " * 1000 + "}" * 1001
    answer = writer.post("/sparql", data={"update": text})
    assert (answer.status_code, answer.json()["code"]) == (400, "query-too-deep")
