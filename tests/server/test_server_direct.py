"""Plain queries answered where their bytes come in: byte for byte as the application answers them."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pyoxigraph as ox
import pytest
from tests.server.conftest import serving
from tests.server.test_server_lean import GETS, ROWS
from tests.server.test_server_resources import ENDLESS, until

from valueweave.graph import KnowledgeGraph
from valueweave.project import Project
from valueweave.server import Settings, create_app
from valueweave.server.connection import LARGEST_HEAD, Connection
from valueweave.server.direct import DirectAnswers
from valueweave.store import EmbeddedStore

PLAIN = {"rows", "csv", "graph", "graph in another format", "yes or no", "long", "dataset", "never the same"}
"""Those of the requests that are plain, and whose answers are."""
MILLION = "SELECT ?x { VALUES ?x { '" + "x" * 2000 + "' } ?a ?b ?c } LIMIT 600"
_OWN = re.compile(rb"(date|x-request-id): [^\r]*\r\n")


class Counting(DirectAnswers):
    """Counts what is answered at once."""

    taken = passed_on = 0

    def take(self, connection: Connection) -> bool:
        took = super().take(connection)
        self.taken += took
        return took

    def _pass_on(self, *given: Any) -> None:
        self.passed_on += 1
        super()._pass_on(*given)


@pytest.fixture(scope="module")
def both(kg: KnowledgeGraph) -> Iterator[tuple[httpx.Client, Counting, httpx.Client]]:
    """A server with the direct way, what counts there, and a server without."""
    settings = Settings(evaluators=1, max_query_bytes=3000)
    app, other = create_app(kg, settings), create_app(kg, settings)
    app.state.direct.__class__ = Counting
    other.state.direct = None
    with serving(app) as direct, serving(other) as ordinary:
        yield direct, app.state.direct, ordinary


def said(client: httpx.Client, *requests: bytes, seconds: float = 30) -> bytes:
    """Send bytes to a server and return what it says until it closes."""
    with socket.create_connection((client.base_url.host, client.base_url.port or 0), timeout=seconds) as connection:
        for request in requests:
            connection.sendall(request)
        parts = []
        while part := connection.recv(1 << 16):
            parts.append(part)
    return b"".join(parts)


def head(parameters: dict[str, Any], *more: str, close: bool = False) -> bytes:
    """Return the bytes of a request."""
    lines = [f"GET /sparql?{httpx.QueryParams(parameters)} HTTP/1.1", "Host: a.example", *more]
    if close:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


LAST = b"GET /healthz HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize("case", GETS)
def test_every_query_is_answered_alike_to_the_byte(
    both: tuple[httpx.Client, Counting, httpx.Client], case: str
) -> None:
    direct, counted, ordinary = both
    parameters, headers = GETS[case]
    lines = [f"{name}: {value}" for name, value in {"Accept-Encoding": "identity", **headers}.items()]
    for _ in range(2):  # the second time the answer may have been kept
        before = counted.taken
        told, expected = (said(client, head(parameters, *lines), LAST) for client in (direct, ordinary))
        assert _OWN.sub(b"", told) == _OWN.sub(b"", expected)
        assert told.count(b"x-request-id: ") == told.count(b"date: ") == 2
        if case != "compressed":  # taken, until the length of the answer is known
            assert counted.taken - before == (case in PLAIN | {"syntax", "unknown function", "other service"})


@pytest.mark.parametrize("line", ["Origin: https://a.example", "Range: bytes=0-1", "Connection: TE", "TE: x"])
def test_what_any_other_header_asks_for_is_the_applications(
    both: tuple[httpx.Client, Counting, httpx.Client], line: str
) -> None:
    direct, counted, _ = both
    before = counted.taken
    assert said(direct, head({"query": ROWS}, line), LAST).startswith(b"HTTP/1.1 200 OK")
    assert counted.taken == before


@pytest.mark.parametrize("encoding", ["gzip, deflate", "gzip;q=0", "br", "*", "identity"])
def test_only_what_is_worth_it_is_compressed(both: tuple[httpx.Client, Counting, httpx.Client], encoding: str) -> None:
    direct, counted, ordinary = both
    for query in ("ASK { ?s a sce:Stage }", f"SELECT * {{ ?s ?p ?o }} ORDER BY ?s ?p ?o LIMIT 300 #{encoding}"):
        for _ in range(2):  # the second time the answer may have been kept
            before, passed = counted.taken, counted.passed_on
            asked = head({"query": query}, f"Accept-Encoding: {encoding}")
            told, expected = (said(client, asked, LAST) for client in (direct, ordinary))
            assert _OWN.sub(b"", told) == _OWN.sub(b"", expected)
            packed = b"content-encoding: gzip" in told
            assert packed is (query.startswith("SELECT") and encoding in {"gzip, deflate", "*"})
            assert counted.taken - before - (counted.passed_on - passed) == (not packed)


def test_several_requests_at_once_are_answered_in_their_order(
    both: tuple[httpx.Client, Counting, httpx.Client],
) -> None:
    direct, _, _ = both
    asked = [head({"query": f"SELECT ('{number}' AS ?n) {{}}", "format": "csv"}) for number in range(12)]
    told = said(direct, b"".join(asked), LAST)
    assert re.findall(rb"\r\n\r\nn\r\n(\d+)", told) == [str(number).encode() for number in range(12)]


def test_a_connection_is_closed_when_that_is_asked_for(both: tuple[httpx.Client, Counting, httpx.Client]) -> None:
    told = said(both[0], head({"query": ROWS}, close=True))
    assert told.startswith(b"HTTP/1.1 200 OK")
    assert b"connection: close" in told


def test_a_long_answer_and_a_problem_are_told_by_the_application(
    both: tuple[httpx.Client, Counting, httpx.Client],
) -> None:
    direct, counted, _ = both
    before = counted.passed_on
    told = said(direct, head({"query": MILLION, "format": "csv"}) + head({"query": "SELECT * { ?s ?p"}), LAST)
    assert len(told) > 1 << 20
    assert b"HTTP/1.1 400" in told
    assert counted.passed_on == before + 1, "the second came while the first was under way"
    assert b"HTTP/1.1 400" in said(direct, head({"query": "SELECT * { ?s ?p"}), LAST)
    assert counted.passed_on == before + 2
    text = direct.get("/metrics").text
    assert re.search(r"^valueweave_requests_under_way 1\.0$", text, re.MULTILINE), "nothing but this request"


def test_what_nobody_waits_for_any_more_is_given_up(kg: KnowledgeGraph) -> None:
    app = create_app(kg, Settings(evaluators=1, spare_evaluators=0, query_seconds=60))
    with serving(app) as client:
        children = {process.child.pid for process in app.state.direct._evaluators.pool.everyone}
        asking = [socket.create_connection((client.base_url.host, client.base_url.port or 0)) for _ in range(3)]
        for number, connection in enumerate(asking):
            connection.sendall(head({"query": f"{ENDLESS} # {number}"}))
        time.sleep(1)
        for connection in asking:
            connection.close()
        started = time.monotonic()
        assert client.get("/sparql", params={"query": ROWS}, headers={"Accept-Encoding": "identity"}).status_code == 200
        assert time.monotonic() - started < 20
        everyone = app.state.direct._evaluators.pool.everyone
        until(lambda: bool(everyone) and not children & {process.child.pid for process in everyone})
        assert re.search(r'refused_total{reason="asker-gone"} 3', client.get("/metrics").text)


def test_a_long_answer_is_kept_for_the_version_that_it_is_of(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Project(project.home, tmp_path / "store")
    ask = head({"query": "SELECT ?o { ?s <urn:p> ?o }"})
    pass_on = DirectAnswers._pass_on

    def write(value: str) -> None:
        quad = ox.Quad(ox.NamedNode("urn:s"), ox.NamedNode("urn:p"), ox.Literal(value * (1 << 20)))
        EmbeddedStore.write(own.store, [quad], {"digest": value * 12})

    def change_first(*given: Any) -> None:
        write("b")
        monkeypatch.undo()
        pass_on(*given)

    write("a")
    monkeypatch.setattr(DirectAnswers, "_pass_on", change_first)
    with KnowledgeGraph(EmbeddedStore.open(own.store), own) as kg, serving(create_app(kg, Settings())) as client:
        assert b"aaaa" in said(client, ask, LAST), "it was asked before the change"
        assert b"bbbb" in said(client, ask, LAST)


def test_versions_are_closed_whatever_the_connection_has_seen(project: Project, tmp_path: Path) -> None:
    own = Project(project.home, tmp_path / "store")

    def write(number: int) -> None:
        quad = ox.Quad(ox.NamedNode("urn:s"), ox.NamedNode("urn:p"), ox.Literal(number))
        EmbeddedStore.write(own.store, [quad], {"digest": f"{number:012}"})

    write(0)
    ask = head({"query": "SELECT ?o { ?s <urn:p> ?o }", "format": "csv"})
    with KnowledgeGraph(EmbeddedStore.open(own.store), own) as kg:
        app = create_app(kg, Settings(cache_bytes=0))
        with serving(app) as client:
            address = client.base_url.host, client.base_url.port or 0
            with socket.create_connection(address, timeout=30) as connection:
                # Reading is paused, and goes on in the name of the request that was under way.
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 2 + ask)
                for number in range(1, 6):
                    expected = f"\r\n{number - 1}\r\n".encode()
                    while expected not in connection.recv(1 << 16):
                        pass
                    write(number)
                    connection.sendall(ask)
            until(lambda: not app.state.direct._editions._used)


def test_the_same_holds_for_a_query_by_post(kg: KnowledgeGraph) -> None:
    app = create_app(kg, Settings(evaluators=1, spare_evaluators=0, query_seconds=60))
    with serving(app) as client:
        with pytest.raises(httpx.ReadTimeout):
            client.post("/sparql", data={"query": ENDLESS}, timeout=1)
        assert client.post("/sparql", data={"query": ROWS}, timeout=30).status_code == 200


def test_an_answer_under_way_is_given_when_the_server_stops(kg: KnowledgeGraph) -> None:
    told: list[bytes] = []
    with serving(create_app(kg, Settings(evaluators=1, query_seconds=2))) as client:
        asking = threading.Thread(target=lambda: told.append(said(client, head({"query": ENDLESS}))))
        asking.start()
        time.sleep(0.5)
    asking.join()
    assert told[0].startswith(b"HTTP/1.1 504")
    assert b"connection: close" in told[0]


@pytest.mark.parametrize(
    ("start", "status"),
    [("GET /sparql?query={} HTTP/1.1\r\nHost: x\r\n\r\n", b"414 URI Too Long"),
     ("GET /healthz HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", b"431 Request Header Fields Too Large")],
)  # fmt: skip
def test_a_head_that_is_too_long_is_refused_though_it_comes_at_once(
    both: tuple[httpx.Client, Counting, httpx.Client], start: str, status: bytes
) -> None:
    told = said(both[0], start.format("a" * LARGEST_HEAD).encode())
    assert told.startswith(b"HTTP/1.1 " + status)
    assert told.count(b"HTTP/1.1") == 1


def test_half_a_request_behind_a_whole_one_has_its_time(both: tuple[httpx.Client, Counting, httpx.Client]) -> None:
    address = both[0].base_url.host, both[0].base_url.port or 0
    with socket.create_connection(address, timeout=30) as connection:
        connection.sendall(LAST.replace(b"Connection: close\r\n", b"") + LAST[:20])
        time.sleep(6)
        connection.sendall(LAST[20:])
        told = b""
        while part := connection.recv(1 << 16):
            told += part
    assert told.count(b"HTTP/1.1 200 OK") == 2
