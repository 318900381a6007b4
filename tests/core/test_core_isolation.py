"""Behind the check of the text stands a wall: the process that evaluates finds no network."""

from __future__ import annotations

import platform
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pyoxigraph as ox
import pytest
from tests.server.conftest import from_memory

from valueweave.problems import InputError
from valueweave.server.evaluators import Evaluators, Limits
from valueweave.sparql_text import QueryError
from valueweave.store import EmbeddedStore
from valueweave.store.frames import HEAD, Evaluation, answer_head, answer_of, numbered, query_frame
from valueweave.store.template import RUN

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or platform.machine() not in {"x86_64", "aarch64"},
    reason="only Linux on these processors has the filter; run it there",
)

UNCHECKED = (
    "import sys; import valueweave.store.embedded as embedded; embedded.check_query = lambda *a, **k: None\n"
    "from valueweave.store.evaluator import main; main(sys.argv[1], 0)"
)


@pytest.fixture
def listener() -> Iterator[tuple[int, list[str]]]:
    """A server on loopback that notes who comes."""
    calls: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def take() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                calls.append("called")
                connection.close()

        threading.Thread(target=take, daemon=True).start()
        yield server.getsockname()[1], calls


def ask(child: subprocess.Popen[bytes], text: str) -> tuple[bytes, str]:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(numbered(1, query_frame(Evaluation(text, "csv", {}, None, None, 10_000, 10.0))))
    child.stdin.flush()
    kind, media, length, _ = answer_head(child.stdout.read(HEAD.size))
    answer = answer_of(kind, media, child.stdout.read(media + length))
    return answer.body, answer.problems[0].code if answer.problems else ""


def test_a_call_that_no_check_stops_reaches_nobody(tmp_path: Path, listener: tuple[int, list[str]]) -> None:
    port, calls = listener
    EmbeddedStore.write(tmp_path, [ox.Quad(*[ox.NamedNode("urn:a")] * 3)], {"digest": "a" * 12})
    call = f"SELECT * {{ SERVICE <http://127.0.0.1:{port}/> {{ ?s ?p ?o }} }}"
    with pytest.raises(OSError, match=r"\w"):
        list(ox.Store().query(call))  # type: ignore[arg-type]
    assert calls == ["called"], "the engine by itself does call"
    command = [sys.executable, "-c", UNCHECKED, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        _, media, length, _ = answer_head(child.stdout.read(HEAD.size))
        child.stdout.read(media + length)  # it says that it is ready
        body, problem = ask(child, call)
        assert (body, problem != "") == (b"", True)
        assert ask(child, "SELECT ?s { ?s ?p ?o }")[0] == b"s\r\nurn:a\r\n"
        child.kill()
    assert calls == ["called"]


def test_what_is_made_from_a_template_reaches_nobody_either(
    tmp_path: Path, listener: tuple[int, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, calls = listener
    EmbeddedStore.write(tmp_path, [ox.Quad(*[ox.NamedNode("urn:a")] * 3)], {"digest": "a" * 12})
    monkeypatch.setattr("valueweave.server.template.RUN", UNCHECKED.splitlines()[0] + "\n" + RUN)
    with Evaluators(tmp_path, 1) as evaluators:
        from_memory(evaluators, tmp_path)
        with pytest.raises(InputError, match=r"\w"):
            evaluators.serialize_query(f"SELECT * {{ SERVICE <http://127.0.0.1:{port}/> {{ ?s ?p ?o }} }}", "csv")
        assert evaluators.serialize_query("SELECT ?s { ?s ?p ?o }", "csv")[0] == b"s\r\nurn:a\r\n"
    assert calls == []


@pytest.mark.parametrize("copied", [False, True], ids=["files", "memory"])
def test_services_on_the_list_are_called_and_no_others(
    tmp_path: Path, listener: tuple[int, list[str]], copied: bool
) -> None:
    port, calls = listener
    EmbeddedStore.write(tmp_path, [ox.Quad(*[ox.NamedNode("urn:a")] * 3)], {"digest": "a" * 12})
    listed = f"http://127.0.0.1:{port}/listed"
    with Evaluators(tmp_path, 1, Limits(services=(listed,))) as evaluators:
        if copied:
            from_memory(evaluators, tmp_path)
        for address in (f"http://127.0.0.1:{port}/other", f"{listed}/below", listed.upper()):
            with pytest.raises(QueryError, match="service-refused"):
                evaluators.serialize_query(f"SELECT * {{ SERVICE <{address}> {{ ?s ?p ?o }} }}", "csv")
        assert calls == []
        with pytest.raises(QueryError, match="query-failed"):  # the listener hangs up
            evaluators.serialize_query(f"SELECT * {{ SERVICE <{listed}> {{ ?s ?p ?o }} }}", "csv")
    assert calls == ["called"]
