"""Queries that would take everything are ended, and the next asker notices nothing."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pyoxigraph as ox
import pytest
from tests.server.conftest import from_memory, serving, until_copied

from valueweave.graph import KnowledgeGraph
from valueweave.server import Settings, create_app
from valueweave.server.children import Child
from valueweave.server.errors import ProblemError
from valueweave.server.evaluators import Evaluators, Limits, Tally
from valueweave.server.template import POSSIBLE
from valueweave.store import EmbeddedStore
from valueweave.store.evaluator import RUN
from valueweave.store.frames import Evaluation, numbered, query_frame

SECONDS = 1.0
SMALL = "SELECT ?s { ?s a sce:Stage }"
CARTESIAN = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . FILTER(?a != ?i) }"
PRODUCT = "?a ?b ?c . ?d ?e ?f"
CUBE = PRODUCT + " . ?g ?h ?i"
ANY = "(!<urn:none>|!<urn:none>)*"
BOMB = "(a*)*b(a|aa)+$"
GROWING = " ".join(f"BIND(CONCAT(?v{n}, ?v{n}, ?v{n}, ?v{n}) AS ?v{n + 1})" for n in range(20))
VALUES = " ".join(f'"{n}"' for n in range(100_000))
HOSTILE = {
    "cartesian product": CARTESIAN,
    "ordered product": f"SELECT ?a ?f {{ {CUBE} }} ORDER BY ?c ?f",
    "exponential path": f"SELECT (COUNT(*) AS ?n) {{ ?a {ANY}/{ANY} ?b . ?b {ANY}/^{ANY} ?c }}",
    "regular expression": f'SELECT (COUNT(*) AS ?n) {{ {PRODUCT} . FILTER(REGEX(STR(?c), "{BOMB}")) }}',
    "growing literal": f"SELECT (STRLEN(?v20) AS ?n) {{ BIND('{'x' * 1000}' AS ?v0) {GROWING} }}",
    "many values": f"SELECT (COUNT(*) AS ?n) {{ VALUES ?x {{ {VALUES} }} {PRODUCT} }}",
    "deep union": f"SELECT (COUNT(*) AS ?n) {{ {'{ ?s ?p ?o } UNION ' * 2000} {{ ?a ?b ?c }} {CUBE} }}",
    "deep nesting": "SELECT * " + "{ " * 5000 + "?s ?p ?o" + " }" * 5000,
    "huge group": f"SELECT ?a (GROUP_CONCAT(CONCAT(STR(?c), STR(?f))) AS ?all) {{ {CUBE} }} GROUP BY ?a",
    "long answer": f"SELECT * {{ {PRODUCT} }}",
    "cross construct": f"CONSTRUCT {{ ?a ?e ?i }} {{ {CUBE} }}",
    "describe everything": f"DESCRIBE * {{ {CUBE} }}",
}


COPIED = pytest.param(True, id="memory", marks=pytest.mark.skipif(not POSSIBLE, reason="Linux alone can do this"))


@pytest.fixture(scope="module", params=[pytest.param(False, id="files"), COPIED])
def client(kg: KnowledgeGraph, request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    settings = Settings(
        evaluators=2,
        query_seconds=SECONDS,
        query_memory_mib=300,
        answer_bytes=1_000_000,
        copy_memory_mib=4096 if request.param else 0,
    )
    with serving(create_app(kg, settings)) as connected:
        if request.param:
            until_copied(connected)
        yield connected


@pytest.mark.parametrize("query", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_query_is_ended_and_the_next_one_answered(client: httpx.Client, query: str) -> None:
    started = time.monotonic()
    answer = client.post("/sparql", data={"query": query}, headers={"Accept": "text/csv, text/turtle"}, timeout=30)
    assert time.monotonic() - started < 20
    assert answer.status_code in {200, 400, 413, 503, 504}
    if answer.status_code != 200:
        problem = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert problem["remedy"]
        assert "Traceback" not in answer.text
    assert client.get("/sparql", params={"query": SMALL}, headers={"Accept": "text/csv"}).status_code == 200


def test_an_endless_query_gets_504_in_its_time(client: httpx.Client) -> None:
    answer = client.get("/sparql", params={"query": CARTESIAN}, headers={"Accept": "text/csv"}, timeout=30)
    assert answer.status_code == 504
    assert answer.json()["code"] == "query-timeout"


def test_too_long_an_answer_is_refused(client: httpx.Client) -> None:
    answer = client.get("/sparql", params={"query": HOSTILE["long answer"]}, headers={"Accept": "text/csv"}, timeout=30)
    assert (answer.status_code, answer.json()["code"]) in {(503, "answer-too-long"), (504, "query-timeout")}


def test_others_are_answered_while_a_query_runs_out(client: httpx.Client) -> None:
    slow = threading.Thread(target=lambda: client.get("/sparql", params={"query": CARTESIAN}, timeout=30))
    slow.start()
    answered = 0
    while slow.is_alive():
        assert client.get("/sparql", params={"query": SMALL}, headers={"Accept": "text/csv"}).status_code == 200
        answered += 1
    assert answered > 5


@pytest.fixture
def folder(kg: KnowledgeGraph) -> Path:
    assert kg.store.folder is not None
    return Path(kg.store.folder)


class Told(Tally):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.refused: Counter[str] = Counter()
        self.started = 0

    def refuse(self, code: str) -> None:
        self.refused[code] += 1

    def start(self) -> None:
        self.started += 1


def test_who_finds_nobody_free_is_told_so(folder: Path) -> None:
    told = Told()
    with Evaluators(folder, 1, Limits(seconds=3, waiting=0.2), told) as evaluators:
        evaluators.serialize_query(SMALL, "csv")

        def run_out() -> None:
            with suppress(ProblemError):
                evaluators.serialize_query(CARTESIAN)

        busy = threading.Thread(target=run_out)
        busy.start()
        time.sleep(0.2)
        with pytest.raises(ProblemError, match="busy") as caught:
            evaluators.serialize_query(SMALL)
        assert caught.value.status == 503
        busy.join()
        assert told.refused == {"server-busy": 1, "query-timeout": 1}


@pytest.mark.parametrize("copied", [pytest.param(False, id="files"), COPIED])
def test_a_process_that_dies_is_replaced(folder: Path, copied: bool) -> None:
    with Evaluators(folder, 1) as evaluators:
        if copied:
            from_memory(evaluators, folder)
        evaluators.serialize_query(SMALL, "csv")
        [process] = evaluators.pool.everyone
        asking = threading.Timer(0.3, process.child.kill)
        asking.start()
        with pytest.raises(ProblemError, match="memory"):
            evaluators.serialize_query(CARTESIAN, "csv")
        assert evaluators.serialize_query(SMALL, "csv")[0].startswith(b"s\r\n")


def test_a_process_that_dies_while_it_has_nothing_to_do_is_replaced_before_anybody_asks_it(folder: Path) -> None:
    with Evaluators(folder, 1) as evaluators:
        evaluators.serialize_query(SMALL, "csv")
        [process] = evaluators.pool.everyone
        process.child.kill()
        while not process.gone:
            time.sleep(0.01)
        assert evaluators.serialize_query(SMALL, "csv")[0].startswith(b"s\r\n")


def test_a_process_that_cannot_open_the_store_holds_nobody_up_for_ever(folder: Path, tmp_path: Path) -> None:
    own = tmp_path / "store"
    shutil.copytree(folder, own)
    told = Told()
    with Evaluators(own, 1, Limits(seconds=3, waiting=3), told) as evaluators:
        assert evaluators.serialize_query(SMALL, "csv")[0].startswith(b"s\r\n")
        own.rename(tmp_path / "aside")
        [process] = evaluators.pool.everyone
        process.child.kill()
        while not process.gone:
            time.sleep(0.01)
        started = time.monotonic()
        with pytest.raises(ProblemError, match="busy"):
            evaluators.serialize_query(SMALL, "csv")
        assert time.monotonic() - started < 20
        assert told.started < 10, "it is not tried again and again without a pause"
        (tmp_path / "aside").rename(own)
        time.sleep(2)
        assert evaluators.serialize_query(SMALL, "csv")[0].startswith(b"s\r\n")


@pytest.mark.parametrize("copied", [pytest.param(False, id="files"), COPIED])
def test_everybody_gets_the_answer_to_the_own_query_whatever_is_taken_back(folder: Path, copied: bool) -> None:
    async def ask_all(evaluators: Evaluators) -> int:
        """Ask many things at once while the processes stop and go on, so that much is taken back half read."""

        async def ask(number: int) -> bool:
            body, _ = await evaluators.answer(f"SELECT ({number} AS ?n) {{}}", "csv")
            return body == b"n\r\n%d\r\n" % number

        async def disturb() -> None:
            while True:
                for process in list(evaluators.pool.everyone):
                    process.child.send_signal(signal.SIGSTOP)
                    await asyncio.sleep(0.03)
                    process.child.send_signal(signal.SIGCONT)
                    await asyncio.sleep(choose.random() / 200)

        choose = random.Random(1)
        disturbing = asyncio.create_task(disturb())
        right = 0
        for start in range(0, 2000, 10):
            right += sum(await asyncio.gather(*(ask(number) for number in range(start, start + 10))))
        disturbing.cancel()
        return right

    with Evaluators(folder, 2, Limits(seconds=30, waiting=30)) as evaluators:
        if copied:
            from_memory(evaluators, folder)
        asking = asyncio.run_coroutine_threadsafe(ask_all(evaluators), evaluators._running())
        assert asking.result() == 2000


@pytest.mark.parametrize("copied", [pytest.param(False, id="files"), COPIED])
def test_a_process_answers_from_the_version_that_is_asked_for(tmp_path: Path, copied: bool) -> None:
    def write(name: str) -> str:
        quad = ox.Quad(ox.NamedNode(f"urn:{name}"), ox.NamedNode("urn:p"), ox.NamedNode("urn:o"))
        return str(EmbeddedStore.write(tmp_path, [quad], {"digest": name * 12})["version"])

    first, second = write("a"), write("b")
    told = Told()
    with Evaluators(tmp_path, 1, tally=told) as evaluators:
        if copied:
            from_memory(evaluators, tmp_path)
        for version, expected in ((second, b"urn:b"), (first, b"urn:a"), (second, b"urn:b"), ("gone-1", b"urn:b")):
            assert expected in evaluators.serialize_query("SELECT * { ?s ?p ?o }", "csv", version=version)[0]
        assert told.started == 1 + copied


@pytest.mark.parametrize("copied", [pytest.param(False, id="files"), COPIED])
def test_nothing_runs_on_when_the_pool_is_closed(folder: Path, copied: bool) -> None:
    evaluators = Evaluators(folder, 2)
    children: list[Child] = [from_memory(evaluators, folder)._child] if copied else []
    evaluators.serialize_query(SMALL, "csv")
    children += [process.child for process in evaluators.pool.everyone]
    evaluators.close()
    for child in children:
        with pytest.raises(ProcessLookupError):
            os.kill(child.pid, 0)


def test_an_evaluator_whose_asker_is_gone_ends_by_itself(folder: Path) -> None:
    command = [sys.executable, "-c", RUN, str(folder), "0"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as child:
        assert child.stdin is not None
        child.stdin.write(numbered(1, query_frame(Evaluation(CARTESIAN, "csv", {}, None, None, 1000, seconds=0.1))))
        child.stdin.flush()
        assert child.wait(timeout=30) == -signal.SIGALRM
