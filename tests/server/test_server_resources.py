"""Who asks much, sends slowly or takes slowly does not keep others from being answered."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest
from tests.server.conftest import serving

from valueweave.graph import KnowledgeGraph
from valueweave.server import Settings, create_app
from valueweave.server.connection import Patience, unsent
from valueweave.server.errors import ProblemError
from valueweave.server.evaluator_process import EvaluatorProcess
from valueweave.server.evaluators import Evaluators, Limits, Tally
from valueweave.server.line import Asker, Line, Query
from valueweave.server.workers import evaluators_of_each

SMALL = "SELECT ?s { ?s a sce:Stage }"
ENDLESS = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . FILTER(?a != ?i) }"
LONG = f'SELECT ?x {{ VALUES ?x {{ "{"x" * 1000}" }} ?a ?b ?c . ?d ?e ?f }} LIMIT 30000'
"""Some 30 MB: more than any system keeps for a connection."""
STEADY = "SELECT (COUNT(*) AS ?n) { { SELECT * { ?a ?b ?c . ?d ?e ?f } LIMIT 20000 } }"
"""Some 10 ms."""
CSV = {"Accept": "text/csv", "Accept-Encoding": "identity"}


class Told(Tally):
    """Counts the processes."""

    started = 0

    def start(self) -> None:
        self.started += 1


def until(holds: Callable[[], bool]) -> None:
    """Wait for what comes about by itself."""
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, "it does not come about"
        time.sleep(0.01)


@pytest.fixture
def folder(kg: KnowledgeGraph) -> Path:
    assert kg.store.folder is not None
    return Path(kg.store.folder)


def endless(evaluators: Evaluators) -> threading.Thread:
    def ask() -> None:
        with suppress(ProblemError):
            evaluators.serialize_query(ENDLESS, "csv")

    thread = threading.Thread(target=ask)
    thread.start()
    return thread


def test_short_queries_are_answered_while_long_ones_hold_every_process(folder: Path) -> None:
    told = Told()
    with ExitStack() as stack:
        evaluators = stack.enter_context(Evaluators(folder, 2, Limits(seconds=60, waiting=20, spare=1), told))
        asking = [endless(evaluators) for _ in range(5)]
        for _ in range(5):
            assert evaluators.serialize_query(SMALL, "csv")[0].startswith(b"s\r\n")
        assert all(thread.is_alive() for thread in asking), "the long ones are still there"
        assert told.started > 2
        evaluators.close()
        for thread in asking:
            thread.join()


def test_a_query_in_a_spare_process_goes_on_while_nobody_else_waits(folder: Path) -> None:
    with Evaluators(folder, 1, Limits(seconds=3, waiting=10, spare=1)) as evaluators:
        asking = [endless(evaluators) for _ in range(2)]
        until(lambda: len(evaluators.pool.everyone) == 2)
        for thread in asking:
            thread.join()
        assert evaluators.serialize_query(SMALL, "csv")[0].startswith(b"s\r\n")


def test_short_queries_keep_to_one_process_and_longer_ones_spread(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: Counter[EvaluatorProcess] = Counter()
    ask = EvaluatorProcess.ask

    def count(process: EvaluatorProcess, query: Query) -> None:
        asked[process] += 1
        ask(process, query)

    monkeypatch.setattr(EvaluatorProcess, "ask", count)

    async def shares(evaluators: Evaluators, query: str, times: int) -> list[int]:
        asked.clear()
        for _ in range(times):
            await asyncio.gather(*(evaluators.answer(query, "csv") for _ in range(2)))
        return sorted((asked[process] for process in evaluators.pool.everyone), reverse=True)

    async def check(evaluators: Evaluators) -> None:
        await shares(evaluators, SMALL, 20)
        most, rest = await shares(evaluators, SMALL, 100)
        assert rest < most / 4
        await shares(evaluators, STEADY, 20)
        most, rest = await shares(evaluators, STEADY, 20)
        assert rest > most / 3

    with Evaluators(folder, 2, Limits(seconds=30, waiting=20)) as evaluators:
        asyncio.run(check(evaluators))


def test_the_next_process_goes_to_whom_has_the_least() -> None:
    async def check() -> None:
        def query(address: str, slow: bool = False) -> Query:
            return Query(b"", asyncio.get_running_loop().create_future(), Asker(address), slow=slow)

        line = Line(3)
        line.begin(query("many"))
        crowd = [query("many") for _ in range(3)]
        assert [line.join(one) for one in crowd] == [None] * 3
        single = query("one")
        assert line.join(single) is crowd[-1], "the line was full"
        with pytest.raises(OverflowError):
            line.join(query("many"))
        assert line.next(spare=False) is single
        slow = query("one", slow=True)
        line.rejoin([slow])
        assert line.next(spare=True) is crowd[0]
        assert line.next(spare=False) is slow

    asyncio.run(check())


def test_every_worker_has_two_evaluators_at_least() -> None:
    shares = [evaluators_of_each(Settings(evaluators=count, workers=3)) for count in (0, 1, 2, 6, 12)]
    assert shares == [0, 2, 2, 2, 4]
    assert Settings().evaluators >= 2


def test_lookups_are_answered_while_pages_wait_for_long_queries(kg: KnowledgeGraph) -> None:
    settings = Settings(evaluators=1, spare_evaluators=0, query_seconds=6, query_waiting=6)
    turned_away = threading.Semaphore(0)

    def ask(number: int) -> None:
        with suppress(httpx.HTTPError):
            query = {"query": f"{ENDLESS} # {number}"}
            if client.post("/sparql", data=query, headers={"Accept": "text/html"}).status_code == 503:
                turned_away.release()

    with serving(create_app(kg, settings)) as client:
        asking = [threading.Thread(target=ask, args=(number,)) for number in range(60)]
        for thread in asking:
            thread.start()
        assert all(turned_away.acquire(timeout=20) for _ in range(44)), "so many find no thread that may wait"
        assert client.get("/api/v1/actors").status_code == 200
        assert sum(thread.is_alive() for thread in asking) >= 10, "others still wait"
    for thread in asking:
        thread.join()


def connected(client: httpx.Client) -> socket.socket:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(30)
    connection.connect((client.base_url.host, client.base_url.port))
    return connection


def asked_for_much(client: httpx.Client) -> socket.socket:
    """Return a connection over which a long answer begins to come."""
    connection = connected(client)
    head = f"POST /sparql HTTP/1.1\r\nHost: x\r\nAccept: text/csv\r\nContent-Length: {len(LONG)}\r\n"
    connection.sendall(f"{head}Content-Type: application/sparql-query\r\n\r\n{LONG}".encode())
    assert connection.recv(15) == b"HTTP/1.1 200 OK"
    return connection


def test_long_answers_are_refused_while_too_many_bytes_wait_to_be_taken(kg: KnowledgeGraph) -> None:
    def ask(query: str) -> httpx.Response:
        return client.post("/sparql", data={"query": query}, headers=CSV)

    with serving(create_app(kg, Settings(unsent_bytes=40_000_000))) as client:
        with asked_for_much(client):
            until(lambda: unsent() > 10_000_000)
            refused = ask(LONG)
            assert (refused.status_code, refused.json()["code"]) == (503, "answers-under-way")
            assert refused.headers["retry-after"]
            assert ask(SMALL).status_code == 200
        until(lambda: not unsent())
        assert len(ask(LONG).content) > 25_000_000


def test_who_takes_nothing_of_an_answer_is_cut_off(kg: KnowledgeGraph) -> None:
    with (
        serving(create_app(kg), Patience(stalled=0.3)) as client,
        asked_for_much(client) as connection,
    ):
        until(lambda: unsent() > 10_000_000)
        until(lambda: not unsent())
        with suppress(ConnectionError):
            assert sum(map(len, iter(lambda: connection.recv(1 << 16), b""))) < 25_000_000


def test_who_takes_an_answer_in_time_gets_all_of_it(kg: KnowledgeGraph) -> None:
    with serving(create_app(kg), Patience(stalled=0.3)) as client:
        for _ in range(3):
            assert len(client.post("/sparql", data={"query": LONG}, headers=CSV).content) > 25_000_000


CHUNKED = (
    b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: application/sparql-query\r\nTransfer-Encoding: chunked\r\n\r\n"
)


@pytest.mark.parametrize("endless", [b"X-A: b\r\n" * 1000, b"x" * 8000], ids=["many", "long"])
def test_trailers_that_do_not_end_are_given_up(client: httpx.Client, endless: bytes) -> None:
    with connected(client) as connection:
        connection.sendall(CHUNKED + b"5\r\nASK{}\r\n0\r\nX-Trailer: ")
        with pytest.raises(ConnectionError):
            connection.sendall(endless * 5000)


def test_trailers_are_no_headers(client: httpx.Client) -> None:
    with connected(client) as connection:
        connection.sendall(CHUNKED + b"5\r\nASK{}\r\n0\r\nX-Trailer: a\r\n\r\n")
        assert connection.recv(15) == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize(
    "begun",
    [b"GET /sparql?query=ASK HT", b"\r\n", CHUNKED, CHUNKED + b"1\r\nA\r\n"],
    ids=["head", "nothing but a line", "no body", "body"],
)
def test_who_sends_a_request_too_slowly_is_told_so(kg: KnowledgeGraph, begun: bytes) -> None:
    with serving(create_app(kg), Patience(head=0.3)) as client, connected(client) as connection:
        connection.sendall(begun)
        assert connection.recv(100).startswith(b"HTTP/1.1 408")


def test_who_sends_nothing_is_cut_off_and_who_sends_steadily_is_not(kg: KnowledgeGraph) -> None:
    with serving(create_app(kg), Patience(head=0.2, rate=100)) as client:
        with connected(client) as silent:
            assert silent.recv(100) == b""
        with connected(client) as steady:
            steady.sendall(CHUNKED + b"5\r\nASK{}\r\n")
            for _ in range(8):
                steady.sendall(b"32\r\n#" + b"x" * 49 + b"\r\n")
                time.sleep(0.1)  # the pace is what is looked at
            steady.sendall(b"0\r\n\r\n")
            assert steady.recv(15) == b"HTTP/1.1 200 OK"
