"""A server of several processes, and how servers stop."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from valueweave.project import Project

QUICK = "ASK { ?s a sce:Stage }"
SLOW = """SELECT (COUNT(*) AS ?n) {
  { SELECT * { ?a ?b ?c } LIMIT 1200 } { SELECT * { ?d ?e ?f } LIMIT 1000 } FILTER(CONCAT(STR(?a), STR(?f)) != "")
}"""
"""Takes some seconds, and ends."""


def _get(address: str, **more: Any) -> httpx.Response:
    return httpx.get(address, **{"timeout": 60, **more})


class Served:
    """A server of its own, with what it says."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.events: list[dict[str, Any]] = []
        self._more = threading.Condition()
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()
        self.address = str(self.event("serving")["address"])

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._more:
                self.events.append(json.loads(line) if line.startswith("{") else {"event": "words", "words": line})
                self._more.notify_all()

    def event(self, name: str, message: str = "", number: int = 1) -> dict[str, Any]:
        """Return what was said for so many times, when it has been."""

        def said() -> list[dict[str, Any]]:
            return [e for e in self.events if e["event"] == name and re.search(message, e.get("message", ""))]

        with self._more:
            assert self._more.wait_for(lambda: len(said()) >= number, 30), self.events
            return said()[number - 1]

    def counted(self, name: str, **labels: str) -> float:
        """Return a number of ``/metrics``."""
        families = text_string_to_metric_families(_get(self.address + "metrics").text)
        samples = [sample for family in families for sample in family.samples if sample.name == name]
        return sum(s.value for s in samples if labels.items() <= s.labels.items())


@contextmanager
def _served(project: Project, *options: str, **settings: str) -> Iterator[Served]:
    command = [sys.executable, "-m", "valueweave", "--home", str(project.home), "--store", str(project.store)]
    told = {f"VALUEWEAVE_SERVER_{name.upper()}": value for name, value in {"log": "json", **settings}.items()}
    process = subprocess.Popen(
        [*command, "serve", "--port", "0", *options], stderr=subprocess.PIPE, text=True, env={**os.environ, **told}
    )
    try:
        yield Served(process)
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(30)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_request_under_way_is_answered_before_the_server_ends(project: Project, workers: str) -> None:
    answers: list[httpx.Response] = []
    with _served(project, "--workers", workers, evaluators="2") as served:
        assert _get(served.address + "sparql", params={"query": QUICK}).json()["boolean"] is True

        def ask() -> None:
            answers.append(_get(served.address + "sparql", params={"query": SLOW}))

        asking = threading.Thread(target=ask)
        asking.start()
        while served.counted("valueweave_requests_under_way") < 2:  # the slow one and this one
            assert asking.is_alive()
        served.process.send_signal(signal.SIGTERM)
        served.event("server", "Shutting down")
        with suppress(httpx.TransportError):
            while True:  # workers close the address one after the other
                _get(served.address + "healthz")
        assert asking.is_alive(), "the slow query was over before the server stopped: it shows nothing"
        asking.join(60)
        assert served.process.wait(30) == 0
        served.event("stopped")
    assert [answer.status_code for answer in answers] == [200]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_query_that_takes_longer_than_stopping_may_is_given_up_and_its_asker_told(
    project: Project, how: signal.Signals
) -> None:
    with _served(project, stop_seconds="2", evaluators="1") as served:
        slow = SLOW.replace("1200", "300000").replace("1000", "300000")
        answers: list[httpx.Response] = []
        asking = threading.Thread(
            target=lambda: answers.append(_get(served.address + "sparql", params={"query": slow}))
        )
        asking.start()
        while served.counted("valueweave_requests_under_way") < 2:
            assert asking.is_alive()
        served.process.send_signal(how)
        assert served.process.wait(20) == 0
        asking.join(20)
    assert [(one.status_code, one.json()["code"]) for one in answers] == [(503, "server-stopping")]


def _children(process: int) -> set[int]:
    return {int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text("ascii").split()}


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in /proc")
def test_a_worker_that_dies_is_replaced_and_the_numbers_are_those_of_all(project: Project) -> None:
    with _served(project, "--workers", "2", evaluators="2", copy_memory_mib="0") as served:
        served.event("server", "Started server process", 2)
        for _ in range(20):  # connections of their own, so that both workers get some
            assert _get(served.address + "sparql", params={"query": QUICK}).status_code == 200
        assert served.counted("valueweave_requests_total", route="/sparql", status="200") == 20
        workers = {int(event["process"]) for event in served.events if "Started server" in event.get("message", "")}
        evaluators = {one for worker in workers for one in _children(worker)}
        assert len(evaluators) == 4
        killed = min(workers)
        os.kill(killed, signal.SIGKILL)
        served.event("server", f"Child process .{killed}. died")
        served.event("server", "Started server process", 3)
        for _ in range(20):
            assert _get(served.address + "sparql", params={"query": QUICK}).status_code == 200
        assert served.counted("valueweave_requests_total", route="/sparql", status="200") == 40
        assert served.counted("valueweave_requests_under_way") == 1
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(30) == 0


def test_what_is_refused_is_logged_with_its_request(project: Project) -> None:
    with _served(project, query_seconds="0.2", evaluators="1") as served:
        slow = SLOW.replace("1200", "300000").replace("1000", "300000")
        answer = _get(served.address + "sparql", params={"query": slow})
        assert answer.status_code == 504
        told = served.event("refused")
        assert told["id"] == answer.headers["x-request-id"]
        assert (told["status"], told["route"]) == (504, "/sparql")
        assert served.counted("valueweave_queries_refused_total", reason="query-timeout") == 1
