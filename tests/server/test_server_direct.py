"""Plain queries answered where their bytes come in: byte for byte as the application answers them."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.server.conftest import serving
from tests.server.test_server_lean import GETS, ROWS
from tests.server.test_server_resources import ENDLESS, until

from valueweave.graph import KnowledgeGraph
from valueweave.server import Settings, create_app
from valueweave.server.connection import Connection
from valueweave.server.direct import DirectAnswers

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
        assert counted.taken - before == (case in PLAIN | {"syntax", "unknown function", "other service"})


@pytest.mark.parametrize("line", ["Origin: https://a.example", "Range: bytes=0-1", "Accept-Encoding: gzip", "TE: x"])
def test_what_any_other_header_asks_for_is_the_applications(
    both: tuple[httpx.Client, Counting, httpx.Client], line: str
) -> None:
    direct, counted, _ = both
    before = counted.taken
    assert said(direct, head({"query": ROWS}, line), LAST).startswith(b"HTTP/1.1 200 OK")
    assert counted.taken == before


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
    told = said(direct, head({"query": MILLION, "format": "csv"}), head({"query": "SELECT * { ?s ?p"}), LAST)
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
