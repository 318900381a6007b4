"""A copy in memory holds what the version holds, and becomes the next version's by what made that."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pyoxigraph as ox
import pytest

from valueweave.store import EmbeddedStore
from valueweave.store.changing import changing
from valueweave.store.memory import Copy
from valueweave.store.versions import CHANGES, Versions

A, B = ox.NamedNode("urn:a"), ox.NamedNode("urn:b")
GRAPH, EMPTY = ox.NamedNode("urn:graph"), ox.NamedNode("urn:empty")
ODD = [
    ox.Quad(A, B, ox.Literal('"quoted"\n\\ and _:not-blank \U0001f9f5')),
    ox.Quad(A, B, ox.Literal("Fall", language="de"), GRAPH),
    ox.Quad(A, B, ox.Literal("1.50", datatype=ox.NamedNode("http://www.w3.org/2001/XMLSchema#decimal"))),
    ox.Quad(A, B, ox.BlankNode("one")),
    ox.Quad(ox.BlankNode("one"), B, ox.BlankNode("0123456789abcdef0123456789abcdef"), ox.BlankNode("two")),
    ox.Quad(A, B, ox.Triple(A, B, ox.Literal("stated"))),
]


def written(folder: Path) -> str:
    """Write a store with odd quads and an empty graph; return the version."""
    EmbeddedStore.write(folder, ODD, {"digest": "a" * 12})
    with changing(Versions(folder)) as draft:
        draft.engine.add_graph(EMPTY)
        return str(draft.switch({"counts": {"quads": len(ODD)}})["version"])


def contents(engine: ox.Store) -> tuple[set[str], set[str]]:
    return {str(quad) for quad in engine}, {str(graph) for graph in engine.named_graphs()}


def change(folder: Path, difference: str, quads: int) -> str:
    """Make the next version by an update, and say so in it."""
    with changing(Versions(folder)) as draft:
        draft.engine.update(difference)
        draft.tell(difference)
        return str(draft.switch({"counts": {"quads": quads}})["version"])


def test_a_copy_holds_what_the_version_holds_by_the_same_names(tmp_path: Path) -> None:
    copy = Copy.of(tmp_path, written(tmp_path))
    assert copy is not None
    held = contents(EmbeddedStore.open(tmp_path).engine)
    assert len(held[0]) == len(ODD)
    assert str(EMPTY) in held[1]
    assert contents(copy.engine) == held


def test_two_copies_answer_in_the_same_order(tmp_path: Path) -> None:
    quads = [ox.Quad(ox.NamedNode(f"urn:{n}"), ox.NamedNode(f"urn:p{n % 7}"), ox.BlankNode()) for n in range(2000)]
    version = EmbeddedStore.write(tmp_path, quads, {"digest": "a" * 12})["version"]
    copies = [Copy.of(tmp_path, version) for _ in range(2)]
    query = "SELECT ?p (COUNT(?s) AS ?n) (SAMPLE(?o) AS ?one) { ?s ?p ?o } GROUP BY ?p"
    for asked in ("SELECT * { ?s ?p ?o }", query):
        one, other = (EmbeddedStore(copy.engine, {}).serialize_query(asked, "tsv")[0] for copy in copies if copy)
        assert one == other


def test_a_copy_follows_a_change(tmp_path: Path) -> None:
    copy = Copy.of(tmp_path, written(tmp_path))
    assert copy is not None
    reading = copy.engine.quads_for_pattern(A, None, None, None)
    difference = (
        'DELETE DATA { GRAPH <urn:graph> { <urn:a> <urn:b> "Fall"@de } } ; DROP SILENT GRAPH <urn:graph> ;\n'
        "INSERT DATA { <urn:a> <urn:b> <urn:c> . GRAPH <urn:new> { <urn:a> <urn:b> 1 } }"
    )
    version = change(tmp_path, difference, len(ODD) + 1)
    assert copy.follow(tmp_path, version)
    assert copy.version == version
    assert contents(copy.engine) == contents(EmbeddedStore.open(tmp_path).engine)
    assert len(list(reading)) == len(ODD) - 1, "an answer under way is that of the version before"


@pytest.mark.parametrize(
    "break_it",
    [
        lambda file: file.unlink(),
        lambda file: file.write_text("DELETE DATA {"),
        lambda file: file.write_bytes(b"\xff"),
    ],
    ids=["missing", "shortened", "no text"],
)
def test_what_cannot_be_followed_is_not(tmp_path: Path, break_it: Callable[[Path], object]) -> None:
    copy = Copy.of(tmp_path, written(tmp_path))
    assert copy is not None
    version = change(tmp_path, "INSERT DATA { <urn:a> <urn:b> <urn:c> }", len(ODD) + 1)
    break_it(tmp_path / "versions" / version / CHANGES)
    assert not copy.follow(tmp_path, version)


def test_several_changes_are_followed_one_after_the_other_as_long_as_they_are_told(tmp_path: Path) -> None:
    first = written(tmp_path)
    early = [Copy.of(tmp_path, first) for _ in range(3)]
    for number in range(5):
        last = change(tmp_path, f"INSERT DATA {{ <urn:a> <urn:b> <urn:{number}> }}", len(ODD) + number + 1)
        if number == 2:
            assert early[0] is not None
            assert early[0].follow(tmp_path, last)
    held = contents(EmbeddedStore.open(tmp_path).engine)
    for copy in early[:2]:
        assert copy is not None
        assert copy.follow(tmp_path, last)
        assert contents(copy.engine) == held
    with changing(Versions(tmp_path)) as draft:  # nobody says how
        draft.engine.update("INSERT DATA { <urn:a> <urn:b> <urn:x> }")
        draft.switch({})
    late = change(tmp_path, "INSERT DATA { <urn:a> <urn:b> <urn:y> }", len(ODD) + 7)
    for copy in early[:2]:
        assert copy is not None
        assert not copy.follow(tmp_path, late)
        assert not copy.follow(tmp_path, first)


def test_what_a_power_failure_has_left_of_the_changes_is_not_told_on(tmp_path: Path) -> None:
    written(tmp_path)
    torn = change(tmp_path, "INSERT DATA { <urn:a> <urn:b> <urn:c> }", len(ODD) + 1)
    file = tmp_path / "versions" / torn / CHANGES
    file.write_bytes(file.read_bytes()[:-20])
    copy = Copy.of(tmp_path, torn)
    assert copy is not None
    assert copy.follow(tmp_path, change(tmp_path, "INSERT DATA { <urn:a> <urn:b> <urn:d> }", len(ODD) + 2))
    assert contents(copy.engine) == contents(EmbeddedStore.open(tmp_path).engine)


def test_a_version_tells_no_more_changes_than_it_should(tmp_path: Path) -> None:
    written(tmp_path)
    long = " ".join(f"<urn:a> <urn:b> <urn:{'long' * 50}{n}> ." for n in range(1500))
    for number in range(6):
        version = change(tmp_path, f"INSERT DATA {{ {long} <urn:a> <urn:b> {number} }}", 0)
    told = (tmp_path / "versions" / version / CHANGES).read_bytes()
    assert 500_000 < len(told) < 1_000_000
    assert json.loads(told.splitlines()[-1])["update"].endswith("5 }")


def test_a_copy_that_has_seen_much_is_given_up(tmp_path: Path) -> None:
    copy = Copy.of(tmp_path, written(tmp_path))
    assert copy is not None
    followed = 0
    while copy.follow(
        tmp_path,
        change(tmp_path, f"{('INSERT', 'DELETE')[followed % 2]} DATA {{ <urn:a> <urn:b> <urn:c> }}", len(ODD)),
    ):
        followed += 1
        assert followed < 100
    assert followed > 3


def test_there_is_no_copy_of_what_is_gone_or_not_wanted_or_broken(tmp_path: Path) -> None:
    version = written(tmp_path)
    assert Copy.of(tmp_path, "gone-1") is None
    assert Copy.of(tmp_path, version, going_on=lambda: False) is None
    manifest = tmp_path / "versions" / version / "manifest.json"
    told = json.loads(manifest.read_text("utf-8"))
    manifest.write_text(json.dumps({**told, "counts": {"quads": len(ODD) + 1}}), "utf-8")
    assert Copy.of(tmp_path, version) is None, "it holds another number of quads than it says"
    for file in (tmp_path / "versions" / version / "db").glob("*.sst"):
        os.truncate(file, 10)
    assert Copy.of(tmp_path, version) is None
