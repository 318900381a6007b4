"""Builds, live changes and faults of a store on a real engine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
from tests.live.conftest import case
from tests.remote.engines import oxigraph, virtuoso

from valueweave.build import build
from valueweave.graph import KnowledgeGraph
from valueweave.live import Curator
from valueweave.problems import InputError
from valueweave.project import Project
from valueweave.results import SolutionTable
from valueweave.store import EmbeddedStore, StoreMissingError
from valueweave.store.places import open_store, place_of
from valueweave.store.remote import RemoteStore
from valueweave.store.remote_changes import Mirror
from valueweave.store.remote_claims import CLAIMS, claimed
from valueweave.store.remote_client import Client, RemoteError
from valueweave.store.remote_manifest import STAGING, RemoteManifest, select
from valueweave.store.remote_target import Target
from valueweave.store.remote_write import Stage, write_remote

EVERYTHING = "SELECT ?g ?s ?p ?o WHERE { { ?s ?p ?o } UNION { GRAPH ?g { ?s ?p ?o } } }"
X = ox.NamedNode("urn:x")
QUAD = ox.Quad(X, X, X, ox.NamedNode("urn:g"))


def quads(store: Any) -> set[str]:
    """Everything a store holds, without what hangs on blank nodes, whose names mean nothing."""
    return {str(quad) for quad in store.statements() if "_:" not in str(quad)}


def codes(error: pytest.ExceptionInfo[InputError]) -> list[str]:
    return [problem.code for problem in error.value.problems]


def staged(target: Target) -> list[str]:
    """The graphs that a switch has left behind."""
    found = select(Client(target), "SELECT ?g (COUNT(*) AS ?n) WHERE { GRAPH ?g { ?s ?p ?o } } GROUP BY ?g")
    return [str(row["g"]) for row in found if STAGING in str(row["g"])]


def test_a_build_says_there_what_it_says_in_a_folder(project: Project, small: Project, empty: Target) -> None:
    with pytest.raises(StoreMissingError):
        open_store(project)
    report = build(project)
    assert report.built
    assert report.store == str(empty)
    local = EmbeddedStore.open(small.store)
    remote = open_store(project)
    assert quads(remote) == quads(local)
    assert {**remote.manifest["counts"]} == {**local.manifest["counts"]}
    assert remote.graphs() == local.graphs()
    assert not build(project).built
    assert staged(empty) == []
    again = build(project, force=True)
    assert again.built
    assert again.version != report.version
    assert quads(open_store(project)) == quads(local)


def test_a_changed_file_changes_what_is_there_and_nothing_else(
    project: Project, small: Project, tmp_path: Path
) -> None:
    build(project)
    with KnowledgeGraph(open_store(project), project) as kg:
        assert not kg.stale
        before = quads(kg.store)
        other = replace(project, home=_copied(small, tmp_path))
        case_file = next((other.home / "data" / "cases").glob("*.yaml"))
        case_file.write_text(case_file.read_text("utf-8").replace("2016", "2015"), "utf-8")
        build(other)
        assert isinstance(kg.store, RemoteStore)
        renewed = kg.store.renewed()
        assert renewed.manifest["previous"] == kg.version
        changed = quads(renewed) ^ before
    assert changed
    assert all("2015" in quad or "2016" in quad for quad in changed)


def _copied(small: Project, folder: Path) -> Path:
    home = folder / "other"
    shutil.copytree(small.home, home, ignore=shutil.ignore_patterns("store"))
    return home


def test_a_build_that_is_broken_off_leaves_what_was_there(project: Project, empty: Target) -> None:
    build(project)
    before = quads(open_store(project))
    version = RemoteManifest(Client(empty)).version()
    stage = Stage(Client(empty), "broken-off")
    stage.begin()
    stage.put({"version": "broken-off"}, (), [QUAD])
    assert staged(empty)
    assert quads(open_store(project)) == before
    assert RemoteManifest(Client(empty)).version() == version
    build(project, force=True)
    assert staged(empty) == []
    assert quads(open_store(project)) == before


def test_of_two_builds_at_once_one_is_told(project: Project, empty: Target) -> None:
    build(project)
    first, second = place_of(project), place_of(project)
    manifest = {"digest": "d" * 64, "counts": {}}
    with first.building(), second.building():
        made = first.write_version([QUAD], dict(manifest))
        with pytest.raises(InputError) as error:
            second.write_version([], dict(manifest))
    assert codes(error) == ["store-busy"]
    assert RemoteManifest(Client(empty)).version() == made["version"]
    assert quads(RemoteStore.open(empty)) == {str(QUAD)}
    assert staged(empty) == []


def test_live_cases_come_and_go(project: Project, empty: Target) -> None:
    build(project)
    before = quads(open_store(project))
    curator = Curator(project)
    put = curator.put_case("mill", case("mill"))
    assert put.created
    with KnowledgeGraph(open_store(project), project) as kg:
        assert kg.version == put.version
        assert kg.query("ASK { <actor/jd> sce:cooperatesWith <actor/mill> }")
        assert "mill" in Curator(project).cases()
    # A second machine has no copy yet, and a build takes the live case over.
    elsewhere = Curator(project)
    elsewhere._versions = Mirror(empty, project.store.with_name("another-cache"))
    assert elsewhere.case("mill") == curator.case("mill")
    build(project, force=True)
    with KnowledgeGraph(open_store(project), project) as kg:
        assert kg.query("ASK { <actor/jd> sce:cooperatesWith <actor/mill> }")
    replaced = elsewhere.put_case("mill", case("mill").replace(b"2011", b"2012"), if_match=put.etag)
    with KnowledgeGraph(open_store(project), project) as kg:
        assert kg.query("ASK { <stage/mill> sce:startYear 2012 FILTER NOT EXISTS { <stage/mill> sce:startYear 2011 } }")
    with pytest.raises(InputError) as error:
        curator.delete_case("mill", if_match=put.etag)
    assert codes(error) == ["precondition-failed"]
    curator.delete_case("mill", if_match=replaced.etag)
    assert quads(open_store(project)) == before
    assert staged(empty) == []


def test_updates_follow_the_rules(project: Project) -> None:
    build(project)
    before = quads(open_store(project))
    curator = Curator(project)
    applied = curator.update("INSERT DATA { <actor/jd> sce:cooperatesWith <actor/mill> }")
    assert (applied.added >= 1, applied.inferred >= 1) == (True, True)
    store = open_store(project)
    assert bool(store.query("ASK { <actor/mill> sce:cooperatesWith <actor/jd> }"))
    curator.update("DELETE DATA { <actor/jd> sce:cooperatesWith <actor/mill> }")
    assert quads(open_store(project)) == before


def test_of_two_changes_at_once_none_is_lost(project: Project, empty: Target) -> None:
    build(project)
    curators = [Curator(project), Curator(project)]
    # Each with a copy of its own, as on two machines.
    for number, curator in enumerate(curators):
        curator._versions = Mirror(empty, project.store.with_name(f"copy-{number}"))
        curator.cases()

    def put(number: int) -> set[str]:
        refused = set()
        for attempt in range(3):
            name = f"mill-{number}-{attempt}"
            while True:
                try:
                    curators[number].put_case(name, case(name))
                    break
                except InputError as error:
                    refused.add(error.problems[0].code)
        return refused

    with ThreadPoolExecutor(2) as pool:
        assert set().union(*pool.map(put, range(2))) <= {"store-busy"}
    assert set(Curator(project).cases()) == {f"mill-{n}-{a}" for n in range(2) for a in range(3)}
    with KnowledgeGraph(open_store(project), project) as kg:
        answer = kg.query("SELECT ?a { <actor/jd> sce:cooperatesWith ?a FILTER(CONTAINS(STR(?a), 'mill')) }")
    assert isinstance(answer, SolutionTable)
    assert len(answer) == 6


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Target]:
    with oxigraph(tmp_path) as target:
        yield target


def test_an_engine_that_holds_other_things_is_left_alone(small: Project, served: Target) -> None:
    Client(served).update("INSERT DATA { <urn:a> <urn:b> <urn:c> }")
    with pytest.raises(InputError) as error:
        build(replace(small, remote=served))
    assert codes(error) == ["not-a-store"]
    assert len(select(Client(served), EVERYTHING)) == 1


def test_blank_nodes_can_be_asked_for_again(served: Target) -> None:
    node = ox.BlankNode("b1")
    name = ox.NamedNode("urn:p")
    some = {ox.Quad(node, name, ox.Literal(" edge "), ox.NamedNode("urn:g")), ox.Quad(name, name, node)}
    write_remote(Client(served), some, {"digest": "d" * 64}, before=None)
    store = RemoteStore.open(served)
    assert set(store.statements()) == some
    [quad] = store.statements(value=node)
    assert quad.subject == name
    assert list(store.engine.quads_for_pattern(node, None, None)) == [q for q in some if q.subject == node]
    answer = store.query("CONSTRUCT { ?s ?p ?o } { ?s ?p ?o }")
    assert [str(triple) for triple in answer] == ["<urn:p> <urn:p> _:b1"]  # type: ignore[union-attr]


def test_a_wrong_dialect_is_noticed(small: Project, tmp_path: Path) -> None:
    with virtuoso(tmp_path) as target:
        own = replace(target, dialect=replace(target.dialect, default_graph="own"))
        with pytest.raises(InputError) as error:
            build(replace(small, remote=own))
        assert codes(error) == ["remote-dialect"]
        nobody = replace(target, user=None, password=None)
        with pytest.raises(RemoteError) as refused:
            Client(nobody).update("INSERT DATA { GRAPH <urn:g> { <urn:a> <urn:b> <urn:c> } }")
        assert codes(refused) == ["remote-refused"]


@pytest.mark.parametrize(("since", "refused"), [(timedelta(minutes=1), True), (timedelta(hours=1), False)])
def test_a_claim_keeps_others_away_until_it_is_dead(served: Target, since: timedelta, refused: bool) -> None:
    client = Client(served)
    other = f"{(datetime.now(UTC) - since).isoformat(timespec='seconds')} other"
    claim = f'<{CLAIMS}> <https://w3id.org/valueweave/store#claim> "{other}"'
    client.update(f"INSERT DATA {{ GRAPH <{CLAIMS}> {{ {claim} }} }}")
    if refused:
        with pytest.raises(InputError) as error, claimed(client, "mine"):
            pytest.fail("two at once")
        assert codes(error) == ["store-busy"]
    else:
        with claimed(client, "mine"), pytest.raises(InputError), claimed(client, "another"):
            pytest.fail("two at once")
    left = select(client, f"SELECT ?c {{ GRAPH <{CLAIMS}> {{ ?s ?p ?c }} }}")
    assert [getattr(row["c"], "value", "") for row in left] == ([other] if refused else [])


def test_an_answer_that_the_engine_cut_short_is_no_answer(tmp_path: Path) -> None:
    with virtuoso(tmp_path, rows=3) as target:
        client = Client(target)
        data = " ".join(f"<urn:a> <urn:p> {number} ." for number in range(5))
        client.update(f"INSERT DATA {{ GRAPH <urn:g> {{ {data} }} }}")
        assert len(select(client, "SELECT ?o { GRAPH <urn:g> { ?s ?p ?o } } LIMIT 2")) == 2
        with pytest.raises(InputError) as error:
            select(client, "SELECT ?o { GRAPH <urn:g> { ?s ?p ?o } }")
        assert codes(error) == ["answer-cut-short"]
