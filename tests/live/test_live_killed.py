"""Killed at any moment: what was acknowledged is there whole, and nothing is there by half."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest

from valueweave.live import Curator
from valueweave.namespaces import GRAPH, SCE
from valueweave.project import Project
from valueweave.store import EmbeddedStore

from .conftest import case, record

KILLS = int(os.environ.get("VALUEWEAVE_KILLS", "200"))
NAMES = ("corn", "mill", "oil")
RECORDS = 5

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

# A case that tells in each of several records which one it is.
TEXTS = {
    name: case(name, *(record(f"stage/{name}-{n}", "Stage", "order: NUMBER") for n in range(RECORDS))).decode()
    for name in NAMES
}
Event = tuple[str, str, int | None]


class Children:
    """Children that change the store, one after the other, each killed at some moment."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._draw = random.Random(7)
        self._seed = 0
        self._usual = 0.1

    def killed(self) -> list[Event]:
        """Start a child, kill it in the midst of a change or just after one, and return what it has said."""
        self._seed += 1
        self._tell(str(self._seed))
        first = self._hear()
        assert first[0] == "child"
        events = [self._hear()]
        begun = time.monotonic()
        for _ in range(2 * self._draw.choice((0, 0, 1))):
            events.append(self._hear())
            if events[-1][0] == "done":
                self._usual, begun = (self._usual + time.monotonic() - begun) / 2, time.monotonic()
        time.sleep(self._draw.uniform(0, 1.2 * self._usual))  # waits for nothing: it is the moment of the kill
        os.kill(first[1], signal.SIGKILL)
        while events[-1][0] != "ended":
            events.append(self._hear())
        assert events.pop()[1] == signal.SIGKILL, "the child ended by itself: a change failed"
        return events

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _hear(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


@contextmanager
def nursery(project: Project) -> Iterator[Children]:
    with subprocess.Popen(
        [sys.executable, Path(__file__).parent / "nursery.py", project.home, project.store],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        process.stdin.write(json.dumps(TEXTS) + "\n")
        yield Children(process)
        process.stdin.close()


def seen(project: Project) -> dict[str, int]:
    """What the records of each case say, read from the store: all of them, and all the same."""
    store, order, found = EmbeddedStore.open(project.store), ox.NamedNode(SCE + "order"), {}
    for name in NAMES:
        said = list(store.statements(predicate=order, graph=ox.NamedNode(f"{GRAPH}case/{name}")))
        numbers = [int(quad.object.value) for quad in said if not str(quad.subject).endswith(f"/{name}>")]  # type: ignore[union-attr]
        assert len(numbers) in (0, RECORDS), "half a case"
        assert len(set(numbers)) <= 1, "two halves of a case"
        assert all(ox.Quad(quad.subject, order, quad.object) in store.engine for quad in said)
        if numbers:
            found[name] = numbers[0]
    store.close()
    return found


def test_no_acknowledged_case_is_lost_and_none_is_there_by_half(project: Project) -> None:
    curator = Curator(project)
    expected: dict[str, int] = {}
    done = cut = 0

    def make(name: str, number: int | None, into: dict[str, int]) -> dict[str, int]:
        others = {key: value for key, value in into.items() if key != name}
        return others if number is None else {**others, name: number}

    with nursery(project) as children:
        for _ in range(KILLS):
            events = children.killed()
            for event, name, number in events:
                if event == "done":
                    expected = make(name, number, expected)
                    done += 1
            found = seen(project)
            assert EmbeddedStore.is_intact(project.store)
            event, name, number = events[-1]
            cut += event == "begin"
            if event == "begin" and found != expected:
                # It was made, and the child killed before it could say so.
                expected = make(name, number, expected)
            assert found == expected
            texts = {name: TEXTS[name].replace("NUMBER", str(number)).encode() for name, number in expected.items()}
            assert {name: told.text for name, told in curator.cases().items()} == texts
    assert done > KILLS / 10, "too few changes were made to say anything"
    assert cut > KILLS / 4, "too few changes were cut to say anything"
    # One more change, and nothing that a killed one left is there any more.
    curator.put_case("last", case("last"))
    assert len(list((project.store / "versions").iterdir())) <= 3
