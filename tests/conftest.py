"""What all tests share: the project itself, built once; the option that writes generated files; lines at the end.

`make test` runs the suite in several processes (pytest-xdist), which hand out the files of tests among themselves. A
file is never divided: its tests run in their order in one process, with the fixtures of that file made once. What
takes long and is asked for in several files is made once for all processes, by `made_once`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from valueweave.build import build
from valueweave.graph import KnowledgeGraph
from valueweave.graph import open as open_graph
from valueweave.project import Project

MOST_PROCESSES = 4
"""Each may need 1 GB, and another for Java; and a server under test starts processes of its own."""

FIRST = ("tests/analysis/test_check_numbers.py", "tests/authoring/")
"""One file that needs the project built, and a folder with enough to do that does not: nobody waits for the build."""

_said = pytest.StashKey[list[str]]()

MadeOnce = Callable[[str, Callable[[Path], object]], Path]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--regenerate``; it never runs by itself."""
    parser.addoption(
        "--regenerate",
        action="store_true",
        help="write anew what the tests run generate: expected/*.csv, docs/questions.md, docs/conformance.md",
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Say how many processes ``-n auto`` means; none but this one where files are written that tests share."""
    if config.option.regenerate:
        return 0
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_PROCESSES)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that come first there; files are handed out in this order."""
    items.sort(key=lambda item: next((n for n, start in enumerate(FIRST) if item.nodeid.startswith(start)), len(FIRST)))


@pytest.fixture(scope="session")
def regenerate(request: pytest.FixtureRequest) -> bool:
    """Whether generated files are to be written and not compared."""
    return bool(request.config.getoption("--regenerate"))


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> MadeOnce:
    """Make something once in a run, however many processes there are: the first who asks for it makes it.

    The others wait, and get the same folder. Nobody changes what is in it.
    """
    own = tmp_path_factory.getbasetemp()
    common = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own

    def folder_of(name: str, make: Callable[[Path], object]) -> Path:
        folder, made = common / name, common / f"{name}.made"
        with FileLock(common / f"{name}.lock"):
            if not made.exists():
                folder.mkdir(exist_ok=True)
                make(folder)
                made.touch()
        return folder

    return folder_of


@pytest.fixture(scope="session")
def built_project(made_once: MadeOnce) -> Project:
    """The project of this checkout with a freshly built store of its own; tests only read it."""
    folder = made_once("built", lambda folder: build(Project.find(store=folder / "store")))
    return Project.find(store=folder / "store")


@pytest.fixture(scope="session")
def kg(built_project: Project) -> Iterator[KnowledgeGraph]:
    """The knowledge graph of this checkout."""
    with open_graph(store=built_project.store) as graph:
        yield graph


@pytest.fixture(scope="session")
def report_time(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Add a line to the summary at the end of the run: what depends on the machine is told, never asserted."""
    return pytestconfig.stash.setdefault(_said, []).append


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the lines to the process that writes the summary, if that is another."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["said"] = session.config.stash.get(_said, [])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take the lines of a process that has ended; one that was killed leaves none."""
    node.config.stash.setdefault(_said, []).extend(getattr(node, "workeroutput", {}).get("said", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Write the lines."""
    for line in config.stash.get(_said, []):
        terminalreporter.write_line(line)
