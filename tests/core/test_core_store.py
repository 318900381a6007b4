"""The store: a version is complete or not there; readers and killed builds do not disturb each other."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pyoxigraph as ox
import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from valueweave.problems import InputError
from valueweave.sparql_text import QueryError
from valueweave.store import FORMATS, EmbeddedStore, NotAcceptableError, StoreMissingError, negotiate

SRC = Path(__file__).parents[2] / "src"
COUNT = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"


def quads(count: int) -> list[ox.Quad]:
    return [ox.Quad(ox.NamedNode("urn:s"), ox.NamedNode("urn:p"), ox.Literal(number)) for number in range(count)]


def count(store: EmbeddedStore) -> int:
    return int(store.serialize_query(COUNT, "csv")[0].decode().split()[1])


def versions(folder: Path) -> set[str]:
    return {path.name for path in (folder / "versions").iterdir()}


def test_what_was_written_is_read(tmp_path: Path) -> None:
    manifest = EmbeddedStore.write(tmp_path, quads(7), {"digest": "d" * 64, "counts": {"records": 3}})
    store = EmbeddedStore.open(tmp_path)
    assert count(store) == 7
    assert store.manifest == manifest
    assert manifest["counts"] == {"records": 3, "quads": 7}


def test_readers_keep_their_version_while_others_are_built_and_old_ones_go(tmp_path: Path) -> None:
    first = EmbeddedStore.write(tmp_path, quads(1), {"digest": "a" * 64})
    reader = EmbeddedStore.open(tmp_path)
    second = EmbeddedStore.write(tmp_path, quads(2), {"digest": "b" * 64})
    assert (count(reader), count(EmbeddedStore.open(tmp_path))) == (1, 2)
    assert versions(tmp_path) == {first["version"], second["version"]}
    third = EmbeddedStore.write(tmp_path, quads(3), {"digest": "b" * 64})
    fourth = EmbeddedStore.write(tmp_path, quads(4), {"digest": "b" * 64})
    assert versions(tmp_path) == {first["version"], second["version"], third["version"], fourth["version"]}
    assert count(EmbeddedStore.open(tmp_path)) == 4
    assert count(reader) == 1
    reader.close()
    fifth = EmbeddedStore.write(tmp_path, quads(5), {"digest": "b" * 64})
    assert versions(tmp_path) == {third["version"], fourth["version"], fifth["version"]}


def test_the_name_of_a_version_that_is_gone_is_not_given_again(tmp_path: Path) -> None:
    names = [EmbeddedStore.write(tmp_path, quads(1), {"digest": "ab"[n % 2] * 64})["version"] for n in range(8)]
    assert len(set(names)) == 8


def test_a_missing_store_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreMissingError, match="valueweave build"):
        EmbeddedStore.open(tmp_path / "none")


@pytest.mark.parametrize(
    ("pointer", "words"),
    [
        (b"", "is no JSON"),
        (b'{"version": "x"', "is no JSON"),
        (b"[]", "no JSON object"),
        (b"\xff\xfe", "cannot be read"),
        (b'{"version": "x"}', "does not say its folder"),
        (json.dumps({"version": "x", "folder": "versions/x", "digest": "", "counts": {}}).encode(), "is not there"),
    ],
)
def test_a_broken_pointer_is_told_and_a_build_mends_it(tmp_path: Path, pointer: bytes, words: str) -> None:
    EmbeddedStore.write(tmp_path, quads(1), {"digest": "a" * 64})
    (tmp_path / "current.json").write_bytes(pointer)
    with pytest.raises(InputError, match=words) as caught:
        EmbeddedStore.open(tmp_path)
    assert caught.value.problems[0].code == "broken-store"
    assert "build --force" in caught.value.problems[0].remedy
    EmbeddedStore.write(tmp_path, quads(2), {"digest": "a" * 64})
    assert count(EmbeddedStore.open(tmp_path)) == 2


def test_a_damaged_version_is_told(tmp_path: Path) -> None:
    manifest = EmbeddedStore.write(tmp_path, quads(1), {"digest": "a" * 64})
    for path in (tmp_path / manifest["folder"] / "db").iterdir():
        path.unlink()
    with pytest.raises(InputError, match="broken-store"):
        EmbeddedStore.open(tmp_path)


def test_two_builds_at_once_are_told_apart(tmp_path: Path) -> None:
    with FileLock(tmp_path / "build.lock"), pytest.raises(InputError, match="Another build"):
        EmbeddedStore.write(tmp_path, quads(1), {"digest": "a" * 64})


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="store-not-writable"):
        EmbeddedStore.write(tmp_path / "file" / "store", quads(1), {"digest": "a" * 64})


WRITER = """
import sys, pyoxigraph as ox
from pathlib import Path
from valueweave.store import EmbeddedStore
print("go", flush=True)
while True:
    EmbeddedStore.write(Path(sys.argv[1]), (ox.Quad(ox.NamedNode("urn:s"), ox.NamedNode("urn:p"), ox.Literal(n))
        for n in range(5000)), {"digest": "k" * 64})
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL; run it on Linux or macOS")
def test_a_build_killed_at_any_moment_leaves_a_whole_store(tmp_path: Path) -> None:
    EmbeddedStore.write(tmp_path, quads(11), {"digest": "a" * 64})
    chance = random.Random(7)
    seen = set()
    for _ in range(12):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(SRC)},
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(chance.uniform(0, 0.15))
            process.send_signal(signal.SIGKILL)
        seen.add(count(EmbeddedStore.open(tmp_path)))
    assert seen <= {11, 5000}
    EmbeddedStore.write(tmp_path, quads(3), {"digest": "z" * 64})
    assert count(EmbeddedStore.open(tmp_path)) == 3
    EmbeddedStore.write(tmp_path, quads(4), {"digest": "z" * 64})
    assert len(versions(tmp_path)) <= 3, "what killed builds left behind is gone"
    assert not list(tmp_path.glob("current.json.*"))


def test_several_threads_may_ask_one_store(tmp_path: Path) -> None:
    EmbeddedStore.write(tmp_path, quads(500), {"digest": "a" * 64})
    store = EmbeddedStore.open(tmp_path)
    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.extend(count(store) for _ in range(20))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [500] * 80


def test_a_closed_store_says_so() -> None:
    store = EmbeddedStore.in_memory(quads(1))
    store.close()
    with pytest.raises(InputError, match="closed"):
        store.query(COUNT)


def test_default_and_named_graphs_can_be_chosen() -> None:
    store = EmbeddedStore.in_memory(
        [
            ox.Quad(ox.NamedNode("urn:s"), ox.NamedNode("urn:p"), ox.Literal(n), ox.NamedNode(f"urn:g{n}"))
            for n in range(3)
        ]
    )
    assert count(store) == 0
    assert store.serialize_query(COUNT, "csv", default_graph=["urn:g1", "urn:g2"])[0] == b"n\r\n2\r\n"
    graphs = "SELECT (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } }"
    assert store.serialize_query(graphs, "csv", named_graphs=["urn:g1"])[0] == b"n\r\n1\r\n"


def test_a_constructed_graph_holds_each_statement_once() -> None:
    store = EmbeddedStore.in_memory(quads(3))
    body, media_type = store.serialize_query("CONSTRUCT { ?s a <urn:C> } { ?s ?p ?o }", "ntriples")
    assert body.decode().strip().count("\n") == 0
    assert media_type == "application/n-triples"


def test_a_service_that_is_called_is_refused_before_the_engine_sees_it() -> None:
    with pytest.raises(QueryError, match="service-refused"):
        EmbeddedStore.in_memory([]).query("SELECT * { SERVICE <http://127.0.0.1:1/> { ?s ?p ?o } }")


def test_an_error_does_not_keep_the_answer_of_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    store = EmbeddedStore.in_memory(quads(50))
    lost: list[object] = []
    errors: list[Exception] = []
    monkeypatch.setattr(sys, "unraisablehook", lost.append)

    def ask() -> None:
        for wanted, largest in (("text/turtle", None), ("nonsense", None), ("json", 100)):
            try:
                store.serialize_query("SELECT * { ?s ?p ?o }", wanted, largest=largest)
            except (NotAcceptableError, QueryError) as error:
                errors.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert len(errors) == 3
    errors.clear()
    gc.collect()
    assert not lost


def test_the_projects_prefixes_need_no_declaration() -> None:
    body, _ = EmbeddedStore.in_memory([]).serialize_query("ASK { ?s a sce:Stage ; skos:altLabel ?l }", "csv")
    assert body == b"false"


@pytest.mark.parametrize(
    ("accept", "kind", "name"),
    [
        (None, "solutions", "json"),
        ("*/*", "boolean", "json"),
        ("text/csv", "solutions", "csv"),
        ("text/csv;q=0.1, text/tab-separated-values", "solutions", "tsv"),
        ("application/sparql-results+xml;q=0.9, */*;q=0.1", "solutions", "xml"),
        ("text/*", "solutions", "csv"),
        ("text/html, application/xhtml+xml, */*;q=0.8", "graph", "turtle"),
        ("application/ld+json", "graph", "jsonld"),
        ("json", "graph", "jsonld"),
        ("ttl", "graph", "turtle"),
    ],
)
def test_the_format_asked_for_is_chosen(accept: str | None, kind: str, name: str) -> None:
    assert negotiate(accept, kind).name == name  # type: ignore[arg-type]


@pytest.mark.parametrize(("accept", "kind"), [("text/turtle", "solutions"), ("csv", "graph"), ("*/*;q=0", "graph")])
def test_a_format_that_cannot_hold_the_answer_is_refused(accept: str, kind: str) -> None:
    with pytest.raises(NotAcceptableError, match="cannot be written"):
        negotiate(accept, kind)  # type: ignore[arg-type]


@given(st.text(max_size=40))
def test_any_accept_header_is_chosen_from_or_refused(accept: str) -> None:
    with contextlib.suppress(NotAcceptableError):
        assert negotiate(accept, "solutions") in FORMATS
