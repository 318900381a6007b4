"""The graph of this checkout on real engines, and engines with nothing in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.core.conftest import write_project
from tests.remote.engines import ENGINES

from valueweave.build import build
from valueweave.graph import KnowledgeGraph
from valueweave.project import Project
from valueweave.store import EmbeddedStore
from valueweave.store.remote import RemoteStore
from valueweave.store.remote_client import Client
from valueweave.store.remote_target import Target
from valueweave.store.remote_write import write_remote

NOT_TAKEN = ("folder", "files", "version", "previous")


def copy(kg: KnowledgeGraph, target: Target) -> None:
    """Write what an embedded store holds to an engine, as a build does."""
    assert isinstance(kg.store, EmbeddedStore)
    told = {name: value for name, value in kg.store.manifest.items() if name not in NOT_TAKEN}
    write_remote(Client(target), kg.store.engine, told, before=None)


@pytest.fixture(scope="session", params=ENGINES)
def elsewhere(
    request: pytest.FixtureRequest, kg: KnowledgeGraph, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[KnowledgeGraph]:
    """The knowledge graph of this checkout on an engine."""
    with ENGINES[request.param](tmp_path_factory.mktemp(request.param)) as target:
        copy(kg, target)
        project = replace(kg.project, remote=target)
        with KnowledgeGraph(RemoteStore.open(target), project) as graph:
            yield graph


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A small project, built into a folder."""
    project = write_project(tmp_path_factory.mktemp("small") / "home")
    build(project)
    return project


@pytest.fixture(params=ENGINES)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Target]:
    """An engine with nothing in it."""
    folder = tmp_path / "engine"
    folder.mkdir()
    with ENGINES[request.param](folder) as target:
        yield target


@pytest.fixture
def project(small: Project, empty: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The small project with its store on that engine."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return replace(small, remote=empty, store=tmp_path / "no-folder")
