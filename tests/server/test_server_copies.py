"""A copy in memory answers what the files answer, follows every change, and nobody notices when it comes or goes."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pyoxigraph as ox
import pytest

from valueweave.graph import KnowledgeGraph
from valueweave.project import Project
from valueweave.server import Settings, create_app
from valueweave.server.errors import ProblemError
from valueweave.server.evaluator_process import EvaluatorProcess
from valueweave.server.evaluators import Evaluators, Limits
from valueweave.server.pool import Pool
from valueweave.server.template import POSSIBLE, Template
from valueweave.store import EmbeddedStore
from valueweave.store.changing import changing
from valueweave.store.memory import fits
from valueweave.store.versions import Versions

from .conftest import from_memory, serving, until_copied
from .writable import YAML, case, copy_of, csv, writable

pytestmark = pytest.mark.skipif(not POSSIBLE, reason="Linux alone can do this")

QUERIES = (
    "SELECT * { ?s ?p ?o }",
    "SELECT * { GRAPH ?g { ?s ?p ?o } }",
    "SELECT ?g (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } } GROUP BY ?g",
    "SELECT ?s ?l { ?s a sce:Stage ; rdfs:label ?l FILTER(LANG(?l) = 'en') }",
)
ENDLESS = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . FILTER(?a != ?i) }"


@pytest.fixture(scope="module")
def own(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return copy_of(project, tmp_path_factory.mktemp("copies") / "store")


@pytest.fixture(scope="module")
def writer(own: Project) -> Iterator[httpx.Client]:
    with writable(own, evaluators=2) as client:
        until_copied(client)
        yield client


def items(client: httpx.Client) -> list[str]:
    """Return the addresses of things of every list."""
    paths = [path for path in client.get("/openapi.json").json()["paths"] if re.fullmatch(r"/api/v1/\w+/{id}", path)]
    return [
        path.replace("{id}", item["id"].partition("/")[2])
        for path in paths
        for item in client.get(path.removesuffix("/{id}"), params={"limit": 5}).json()["items"]
    ]


def children(of: str) -> set[int]:
    """Return the processes of these tests that run something."""
    found = set[int]()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == os.getpid() and of.encode() in (folder / "cmdline").read_bytes():
                found.add(int(folder.name))
    return found


def templates() -> set[int]:
    """Return the processes that others are made from."""
    return children("store.template")


def test_what_is_answered_from_memory_is_what_the_files_answer(writer: httpx.Client, own: Project) -> None:
    with (
        KnowledgeGraph(EmbeddedStore.open(own.store), own) as kg,
        serving(create_app(kg, Settings(evaluators=1, copy_memory_mib=0))) as plain,
    ):
        for query in QUERIES:
            assert sorted(csv(writer, query)) == sorted(csv(plain, query))
        addresses = items(plain)
        assert len(addresses) > 10
        for address in addresses:
            assert writer.get(address).json() == plain.get(address).json()
        assert plain.get("/metrics").text.count('valueweave_store_copied{by="worker"} 0.0') == 1


def test_a_change_is_seen_at_once_and_the_copies_follow_it(writer: httpx.Client, own: Project) -> None:
    stages = "SELECT ?s { <https://w3id.org/valueweave/id/case/mill> sce:includes ?s . ?s a sce:Stage }"
    before, made_from = [sorted(csv(writer, query)) for query in QUERIES], templates()
    for label, headers in (("A mill", YAML), ("Another mill", {**YAML, "If-Match": "*"})):
        answer = writer.put("/api/v1/cases/mill", content=case("mill", label), headers=headers)
        assert answer.is_success, answer.text
        assert csv(writer, stages) == ["https://w3id.org/valueweave/id/stage/mill-1"]
        assert writer.get("/api/v1/cases/mill").json()["label"] == label
        until_copied(writer)
        assert csv(writer, stages) == ["https://w3id.org/valueweave/id/stage/mill-1"]
        assert writer.get("/api/v1/cases/mill").json()["label"] == label
        held = {str(quad) for quad in EmbeddedStore.open(own.store).engine}
        assert len(csv(writer, QUERIES[0])) + len(csv(writer, QUERIES[1])) == len(held)
    assert writer.delete("/api/v1/cases/mill", headers={"If-Match": "*"}).is_success
    until_copied(writer)
    assert [sorted(csv(writer, query)) for query in QUERIES] == before
    assert writer.get("/api/v1/cases/mill").status_code == 404
    assert templates() == made_from


def test_a_build_in_between_is_copied_afresh(writer: httpx.Client, own: Project) -> None:
    held, made_from = EmbeddedStore.open(own.store), templates()
    more = ox.Quad(ox.NamedNode("urn:more"), ox.NamedNode("urn:p"), ox.NamedNode("urn:o"))
    EmbeddedStore.write(own.store, [*held.engine, more], held.manifest)
    assert csv(writer, "SELECT ?o { <urn:more> ?p ?o }") == ["urn:o"]
    until_copied(writer)
    assert csv(writer, "SELECT ?o { <urn:more> ?p ?o }") == ["urn:o"]
    assert not templates() & made_from


@pytest.fixture
def folder(kg: KnowledgeGraph) -> Path:
    assert kg.store.folder is not None
    return Path(kg.store.folder)


def test_every_process_answers_in_the_same_order_but_draws_numbers_of_its_own(folder: Path, tmp_path: Path) -> None:
    orders, drawn = set[bytes](), list[bytes]()
    changed = Path(shutil.copytree(folder, tmp_path / "store"))
    for _ in range(2):
        with Evaluators(changed, 2) as evaluators:
            template = from_memory(evaluators, changed)
            with changing(Versions(changed)) as draft:
                update = "INSERT DATA { <urn:a> <urn:b> 1 } ; DELETE DATA { <urn:a> <urn:b> 1 }"
                draft.engine.update(update)
                draft.tell(update)
                version = draft.switch({})["version"]
            asyncio.run_coroutine_threadsafe(evaluators.pool.follow(version), evaluators._running()).result(30)
            assert (evaluators.pool.copied, evaluators.pool._maker._template) == (version, template)
            for _ in range(3):
                for process in list(evaluators.pool.everyone):
                    orders.add(evaluators.serialize_query("SELECT * { ?s ?p ?o FILTER(!ISBLANK(?o)) }", "csv")[0])
                    drawn.append(evaluators.serialize_query("SELECT (UUID() AS ?u) (RAND() AS ?r) {}", "csv")[0])
                    process.child.kill()
                    while not process.gone:
                        time.sleep(0.01)
    assert len(orders) == 1
    assert len(set(drawn)) == len(drawn) > 6


def test_who_asks_while_the_processes_change_gets_the_answer(folder: Path) -> None:
    async def ask_on(evaluators: Evaluators, done: threading.Event) -> int:
        answered = 0
        while not done.is_set():
            bodies = await asyncio.gather(*(evaluators.answer(f"SELECT ({n} AS ?n) {{}}", "csv") for n in range(10)))
            assert [body for body, _ in bodies] == [b"n\r\n%d\r\n" % n for n in range(10)]
            answered += 10
        return answered

    with Evaluators(folder, 2, Limits(seconds=30, waiting=30)) as evaluators:
        done = threading.Event()
        asking = asyncio.run_coroutine_threadsafe(ask_on(evaluators, done), evaluators._running())
        first = from_memory(evaluators, folder)
        from_memory(evaluators, folder)
        first._child.wait(30)  # the one before is ended
        done.set()
        assert asking.result(30) > 50
        assert len(evaluators.pool.everyone) == 2


def test_a_query_under_way_is_answered_where_it_is_when_the_processes_change(folder: Path) -> None:
    with Evaluators(folder, 1, Limits(seconds=30, waiting=30)) as evaluators:
        long = "SELECT (COUNT(*) AS ?n) { { SELECT * { ?a ?b ?c . ?d ?e ?f } LIMIT 1500000 } }"
        told: list[bytes] = []
        asking = threading.Thread(target=lambda: told.append(evaluators.serialize_query(long, "csv")[0]))
        asking.start()
        while not any(process.waiting for process in evaluators.pool.everyone):
            time.sleep(0.001)
        from_memory(evaluators, folder)
        asking.join()
        assert told == [b"n\r\n1500000\r\n"]


def test_a_template_that_is_gone_is_done_without(folder: Path) -> None:
    with Evaluators(folder, 1) as evaluators:
        template = from_memory(evaluators, folder)
        assert evaluators.pool.copied == template.version
        template._child.kill()
        template._child.wait()
        for _ in range(2):
            [process] = evaluators.pool.everyone
            process.child.kill()
            while not process.gone:
                time.sleep(0.01)
            assert evaluators.serialize_query("SELECT (1 AS ?n) {}", "csv")[0] == b"n\r\n1\r\n"
        assert evaluators.pool.copied == ""


def test_a_server_makes_a_template_that_is_gone_anew(kg: KnowledgeGraph) -> None:
    app = create_app(kg, Settings(evaluators=1))
    with serving(app) as client:
        until_copied(client)
        pool = app.state.direct._evaluators.pool
        first = pool._maker._template
        first._child.kill()
        with pytest.raises(httpx.HTTPStatusError, match="503"):
            _kill_while_asked(client, pool)
        while pool._maker._template is first:  # until there is another process in the place of the one killed
            time.sleep(0.01)
        until_copied(client)
        assert pool._maker._template is not first
        assert csv(client, "SELECT (1 AS ?n) {}") == ["1"]


def _kill_while_asked(client: httpx.Client, pool: Pool) -> None:
    def kill() -> None:
        for process in pool.everyone:
            process.child.kill()

    killing = threading.Timer(0.3, kill)
    killing.start()
    client.get("/sparql", params={"query": ENDLESS}, headers={"Accept": "text/csv"}).raise_for_status()


def test_processes_are_not_renewed_while_those_before_still_answer(folder: Path) -> None:
    with Evaluators(folder, 1, Limits(seconds=20, waiting=20)) as evaluators:

        def ask() -> None:
            with suppress(ProblemError):
                evaluators.serialize_query(ENDLESS, "csv")

        first = from_memory(evaluators, folder)
        asking = [threading.Thread(target=ask) for _ in range(3)]
        for one in asking:
            one.start()
        while not any(process.waiting for process in evaluators.pool.everyone):
            time.sleep(0.01)
        from_memory(evaluators, folder)
        assert not renewed(evaluators, first), "one process is at it already beside those that are new"
        assert len(evaluators.pool._maker.retired) == 1
        evaluators.close()
        for one in asking:
            one.join()


def renewed(evaluators: Evaluators, template: Template | None) -> bool:
    return asyncio.run_coroutine_threadsafe(evaluators.pool.renew(template), evaluators._running()).result(30)


def test_a_process_that_ends_while_others_are_made_is_not_taken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[EvaluatorProcess] = []
    opening = EvaluatorProcess.open

    async def open_and_kill(process: EvaluatorProcess) -> None:
        await opening(process)
        opened.append(process)
        if len(opened) == 2:
            opened[0].child.kill()
            while not opened[0].gone:
                await asyncio.sleep(0.01)

    with Evaluators(folder, 2) as evaluators:
        evaluators.serialize_query("ASK {}", "csv")
        before = set(evaluators.pool.everyone)
        monkeypatch.setattr(EvaluatorProcess, "open", open_and_kill)
        with pytest.raises(ConnectionResetError):
            renewed(evaluators, None)
        assert evaluators.pool.everyone == before
        assert evaluators.serialize_query("SELECT (1 AS ?n) {}", "csv")[0] == b"n\r\n1\r\n"


def test_copies_are_given_back_when_the_store_has_become_too_large(project: Project, tmp_path: Path) -> None:
    own = copy_of(project, tmp_path / "store")
    held = EmbeddedStore.open(own.store)
    room = 1 + len(held.engine) * 330 * 4 // 2**20
    more = [ox.Quad(ox.NamedNode(f"urn:{n}"), ox.NamedNode("urn:p"), ox.Literal(n)) for n in range(3000)]
    with writable(own, evaluators=1, spare_evaluators=1, copy_memory_mib=room) as client:
        until_copied(client)
        before = templates()
        EmbeddedStore.write(own.store, [*held.engine, *more], held.manifest)
        assert csv(client, "SELECT ?o { <urn:7> ?p ?o }") == ["7"]
        deadline = time.monotonic() + 20
        while 'copied{by="worker"} 1.0' in client.get("/metrics").text or templates() == before:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert csv(client, "SELECT ?o { <urn:7> ?p ?o }") == ["7"]


def test_keeping_copies_goes_on_after_what_nobody_thought_of(own: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    failing, said = iter([True]), list[str]()

    def fail(manifest: Mapping[str, Any], holders: int, memory_mib: int) -> bool:
        if next(failing, False):
            raise MemoryError("of all things")
        return fits(manifest, holders, memory_mib)

    monkeypatch.setattr("valueweave.server.copies.fits", fail)
    monkeypatch.setattr(logging.getLogger("uvicorn.error"), "exception", said.append)
    with writable(own) as client:
        until_copied(client)
    assert len(said) == 1


def test_a_stop_does_not_wait_for_who_sends_a_copy(own: Project) -> None:
    with ExitStack() as stack:
        stack.enter_context(writable(own, evaluators=0))
        deadline = time.monotonic() + 20
        while not (found := children("send_copy")):
            assert time.monotonic() < deadline
            time.sleep(0.002)
        for sender in found:
            os.kill(sender, signal.SIGSTOP)
        time.sleep(0.2)
        started = time.monotonic()
        stack.close()
        assert time.monotonic() - started < 5
    assert not children("send_copy")


def test_there_is_no_template_of_a_version_that_is_gone(folder: Path) -> None:
    template = Template(folder, "gone-1", 0)
    assert not template.ready()
    template.end()


def test_a_template_that_cannot_follow_says_so(tmp_path: Path) -> None:
    quad = ox.Quad(*[ox.NamedNode("urn:a")] * 3)
    first = EmbeddedStore.write(tmp_path, [quad], {"digest": "a" * 12})
    template = Template(tmp_path, first["version"], 0)
    try:
        assert template.ready()
        second = EmbeddedStore.write(tmp_path, [], {"digest": "b" * 12})
        assert not template.follow(second["version"])
        with pytest.raises(OSError, match=r"\w"):
            template.fork(0, 1)
    finally:
        template.end()


def test_nothing_runs_on_when_the_server_is_killed(folder: Path) -> None:
    script = (
        "import sys, threading, time\n"
        "from pathlib import Path\n"
        "from tests.server.conftest import from_memory\n"
        "from valueweave.server.evaluators import Evaluators\n"
        "evaluators = Evaluators(Path(sys.argv[1]), 2)\n"
        "template = from_memory(evaluators, Path(sys.argv[1]))\n"
        "print(template._child.pid, *(one.child.pid for one in evaluators.pool.everyone), flush=True)\n"
        "evaluators.serialize_query(sys.argv[2], 'csv')\n"
    )
    command = [sys.executable, "-c", script, str(folder), ENDLESS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as server:
        assert server.stdout is not None
        template, *idle = map(int, server.stdout.readline().split())
        time.sleep(0.5)
        server.kill()
    deadline = time.monotonic() + 20
    left = {template, *idle}
    while len(left) > 1:  # the one that is asked ends by its alarm
        assert time.monotonic() < deadline
        left = {process for process in left if _runs(process)}
        time.sleep(0.05)
    for process in left:
        os.kill(process, signal.SIGKILL)


def _runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_version_told_by_a_template_is_the_one_it_has(folder: Path) -> None:
    with Evaluators(folder, 1) as evaluators:
        assert evaluators.pool.copied == ""
        from_memory(evaluators, folder)
        assert evaluators.pool.copied == Versions(folder).current()["version"]
