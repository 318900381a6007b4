"""The project itself, built once for all tests that ask it something; and the option that writes generated files."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from valueweave.build import build
from valueweave.graph import KnowledgeGraph
from valueweave.graph import open as open_graph
from valueweave.project import Project


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--regenerate``; it never runs by itself."""
    parser.addoption(
        "--regenerate",
        action="store_true",
        help="write anew what the tests run generate: expected/*.csv, docs/questions.md, docs/conformance.md",
    )


@pytest.fixture(scope="session")
def regenerate(request: pytest.FixtureRequest) -> bool:
    """Whether generated files are to be written and not compared."""
    return bool(request.config.getoption("--regenerate"))


@pytest.fixture(scope="session")
def built_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project of this checkout with a freshly built store of its own."""
    project = Project.find(store=tmp_path_factory.mktemp("built") / "store")
    build(project)
    return project


@pytest.fixture(scope="session")
def kg(built_project: Project) -> Iterator[KnowledgeGraph]:
    """The knowledge graph of this checkout."""
    with open_graph(store=built_project.store) as graph:
        yield graph
