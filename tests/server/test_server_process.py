"""The server as a process of its own."""

from __future__ import annotations

import errno
import re
import shutil
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from valueweave.problems import InputError
from valueweave.project import Project
from valueweave.server.runner import listen


def test_a_served_graph_answers_what_people_try_first(address: str) -> None:
    with httpx.Client(base_url=address, follow_redirects=True) as client:
        assert client.get("/healthz").json() == {"status": "ok"}
        assert client.get("/readyz").json()["status"] == "ready"
        turtle = client.get("/id/actor/jd", headers={"Accept": "text/turtle"})
        assert turtle.status_code == 200
        assert "<https://w3id.org/valueweave/id/actor/jd> a sce:" in turtle.text
        assert client.get("/sparql", params={"query": "ASK { ?s a sce:Stage }"}).json()["boolean"] is True
        assert client.get("/api/v1/actors/jd").json()["label"] == "JD"
        assert "ValueWeave" in client.get("/", headers={"Accept": "text/html"}).text


def test_a_port_in_use_is_said_in_words() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(InputError, match="cannot listen") as error:
            listen("127.0.0.1", taken.getsockname()[1])
    problem = error.value.problems[0]
    assert "--port" in problem.remedy
    assert "make serve PORT=" in problem.remedy
    assert str(problem).count("127.0.0.1") == 1


def test_a_port_that_needs_rights_is_another_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("valueweave.server.runner.socket.socket.bind", refused)
    with pytest.raises(InputError) as error:
        listen("127.0.0.1", 81)
    problem = error.value.problems[0]
    assert (problem.code, "above 1023" in problem.remedy) == ("address-refused", True)


def test_an_address_that_this_machine_does_not_have_is_another_problem() -> None:
    for host in ("no.such.host.invalid", "192.0.2.1"):
        with pytest.raises(InputError, match="unknown-host"):
            listen(host, 0)


def _started(project: Project) -> list[str]:
    """Start a server, wait until it serves, stop it; return what it said."""
    command = [sys.executable, "-m", "valueweave", "--home", str(project.home), "--store", str(project.store)]
    said: list[str] = []
    with subprocess.Popen([*command, "serve", "--port", "0"], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            said.append(line)
            if "Serving at" in line:
                break
        process.terminate()
    return said


def test_the_first_start_says_that_it_builds_and_a_later_one_that_files_have_changed(
    project: Project, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(project.home, home, ignore=shutil.ignore_patterns("store"))
    own = Project(home, tmp_path / "store")
    said = _started(own)
    assert f"There is no store at {own.store} yet: building it" in said[0]
    loaded = next(re.search(r"in ([\d.]+) s\.$", line) for line in said if line.startswith("Loaded"))
    assert loaded
    assert float(loaded.group(1)) < 1
    (home / "ontology" / "valueweave.ttl").open("a").write("\n# changed\n")
    assert any("files have changed" in line for line in _started(own))


def test_a_head_that_does_not_end_is_given_up(address: str) -> None:
    asked = httpx.URL(address)
    for begun in (b"GET /sparql?query=", b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: "):
        with socket.create_connection((asked.host, asked.port or 80), timeout=30) as connection:
            connection.sendall(begun)
            with suppress(ConnectionError):
                for _ in range(100):
                    connection.sendall(b"x" * 10_000)
            with suppress(ConnectionError):  # what was not read any more may take the answer with it
                assert connection.recv(100).startswith(b"HTTP/1.1 431")
    query = "ASK { ?s a sce:Stage } #" + "x" * 60_000
    assert httpx.get(address + "sparql", params={"query": query}).status_code == 200


def test_heads_that_follow_each_other_are_counted_one_by_one(address: str) -> None:
    asked = httpx.URL(address)
    one = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 20_000 + b"\r\n\r\n"
    with socket.create_connection((asked.host, asked.port or 80), timeout=30) as connection:
        connection.sendall(one * 8 + one.replace(b"Host", b"Connection: close\r\nHost"))
        answered = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answered.count(b"HTTP/1.1 200 OK") == 9
