"""A running server sees what is written to its store, and each request sees one version only."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import httpx
import pyoxigraph as ox
import pytest

import valueweave.server.editions
from valueweave.graph import KnowledgeGraph
from valueweave.problems import InputError
from valueweave.project import Project
from valueweave.server import create_app
from valueweave.server.editions import Editions
from valueweave.server.settings import Settings
from valueweave.store import EmbeddedStore
from valueweave.store.versions import POINTER, Versions

from .conftest import serving

COUNT = "SELECT (COUNT(*) AS ?n) { ?s <urn:test> ?o }"


@pytest.fixture
def own(project: Project, tmp_path: Path) -> Project:
    """The small project with a store that a test may change."""
    with KnowledgeGraph(EmbeddedStore.open(project.store), project) as kg:
        quads, manifest = list(kg.store.engine), kg.store.manifest
    changed = Project(project.home, tmp_path / "store")
    EmbeddedStore.write(changed.store, quads, manifest)
    return changed


def write(project: Project, count: int) -> None:
    store = EmbeddedStore.open(project.store)
    added = [ox.Quad(ox.NamedNode(f"urn:{i}"), ox.NamedNode("urn:test"), ox.Literal(i)) for i in range(count)]
    kept = [quad for quad in store.engine if quad.predicate.value != "urn:test"]
    EmbeddedStore.write(project.store, [*kept, *added], store.manifest)


def answer(client: httpx.Client) -> tuple[str, str]:
    got = client.get("/sparql", params={"query": COUNT}, headers={"Accept": "text/csv"})
    return got.text.split()[1], got.headers["etag"]


def test_a_running_server_answers_from_what_was_written_since(own: Project) -> None:
    with KnowledgeGraph(EmbeddedStore.open(own.store), own) as kg, serving(create_app(kg)) as client:
        version = client.get("/readyz").json()["version"]
        before, tag = answer(client)
        actors = client.get("/api/v1/actors").json()["total"]
        write(own, 3)
        assert client.get("/readyz").json()["version"] != version
        after, other = answer(client)
        assert (before, after) == ("0", "3")
        assert tag != other
        assert client.get("/api/v1/actors").json()["total"] == actors
        held = client.get("/sparql", params={"query": COUNT}, headers={"Accept": "text/csv", "If-None-Match": tag})
        assert held.status_code == 200


def test_while_versions_come_every_answer_is_of_one_of_them(own: Project) -> None:
    stop, problems, seen = threading.Event(), list[str](), set[str]()
    app = create_app(kg := KnowledgeGraph(EmbeddedStore.open(own.store), own), Settings(evaluators=2))
    with kg, serving(app) as client:

        def ask() -> None:
            while not stop.is_set():
                got = client.get("/sparql", params={"query": COUNT}, headers={"Accept": "text/csv"})
                item = client.get("/api/v1/actors")
                if (got.status_code, item.status_code) != (200, 200):
                    problems.append(f"{got.status_code} {got.text} {item.status_code} {item.text[:300]}")
                seen.add(got.text.split()[1])

        askers = [threading.Thread(target=ask) for _ in range(4)]
        for asker in askers:
            asker.start()
        for count in range(10, 130, 10):
            write(own, count)
        stop.set()
        for asker in askers:
            asker.join()
        assert answer(client)[0] == "120"
    assert not problems
    assert len(seen) > 3
    assert seen <= {str(count) for count in range(0, 130, 10)}


def test_a_broken_pointer_leaves_what_was_served(own: Project) -> None:
    with KnowledgeGraph(EmbeddedStore.open(own.store), own) as kg:
        editions = Editions(kg, None, Settings())
        first = editions.current()
        pointer = own.store / POINTER
        sound = json.loads(pointer.read_text("utf-8"))
        for broken in ("", "{", json.dumps({**sound, "folder": "versions/none"})):
            pointer.write_text(broken, "utf-8")
            assert editions.current() is first
        Versions(own.store).switch(sound)
        assert editions.current() is first
        write(own, 1)
        assert editions.current() is not first
        editions.close()


def test_what_depends_on_the_ontology_alone_is_handed_on(own: Project) -> None:
    with KnowledgeGraph(EmbeddedStore.open(own.store), own) as kg:
        editions = Editions(kg, None, Settings())
        first = editions.current()
        ontology, rules = first.catalogue.ontology, first.kg.reasoning.rules
        write(own, 2)
        second = editions.current()
        assert second.catalogue.ontology is ontology
        assert second.kg.reasoning.rules is rules
        store = EmbeddedStore.open(own.store)
        EmbeddedStore.write(own.store, store.engine, {**store.manifest, "digest": "of other files"})
        assert editions.current().catalogue.ontology is not ontology
        editions.close()


def test_where_people_search_the_index_of_a_new_version_is_made_beforehand(own: Project) -> None:
    with KnowledgeGraph(EmbeddedStore.open(own.store), own) as kg:
        editions = Editions(kg, None, Settings())
        write(own, 1)
        assert not editions.current().kg.finder.ready
        editions.current().kg.search("haier")
        write(own, 2)
        finder = editions.current().kg.finder
        deadline = time.monotonic() + 30
        while not finder.ready and time.monotonic() < deadline:
            time.sleep(0.01)
        assert finder.ready
        editions.close()


def is_open(kg: KnowledgeGraph) -> bool:
    try:
        return bool(kg.store.query("ASK { ?s ?p ?o }"))
    except InputError:
        return False


def test_what_a_request_has_asked_for_stays_open_as_long_as_it_takes_and_no_longer(own: Project) -> None:
    with KnowledgeGraph(EmbeddedStore.open(own.store), own) as kg:
        editions = Editions(kg, None, Settings())
        seen = []
        write(own, 1)
        with editions.kept():
            used = editions.current()
            for count in range(2, 14):
                write(own, count)
                with editions.kept():
                    seen.append(editions.current())
            assert is_open(used.kg)
            still = [edition for edition in seen[:-1] if is_open(edition.kg)]
            assert len(still) <= 4, "past editions pile up"
            assert is_open(seen[-1].kg)
        assert not is_open(used.kg)
        editions.close()
        assert not any(is_open(edition.kg) for edition in seen)


def test_a_past_edition_is_closed_without_another_change(own: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(valueweave.server.editions, "_PATIENCE", 0.1)
    with KnowledgeGraph(EmbeddedStore.open(own.store), own) as kg:
        editions = Editions(kg, None, Settings())
        write(own, 1)
        past = editions.current()
        write(own, 2)
        with editions.kept():
            current = editions.current()
            assert editions._timer is not None
            editions._timer.join(30)
            assert not is_open(past.kg)
            assert is_open(current.kg)
        editions.close()
