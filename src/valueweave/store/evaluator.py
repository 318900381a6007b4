"""One process that answers queries, and can be ended.

In: queries as frames on standard input, where others may lie behind. Out: answers as frames on standard output.
The decision hidden here: the engine cannot be stopped in the middle of a query, so it runs where the system can stop
it. The process opens the store for reading, answers one request at a time, and ends with its parent.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path

import pyoxigraph as ox

from valueweave.problems import InputError
from valueweave.store.embedded import EmbeddedStore
from valueweave.store.frames import Evaluated, Evaluation, answer_frame, read_frame, read_query, write_frame
from valueweave.store.isolation import forbid_network
from valueweave.store.memory import Copy

__all__ = [
    "RUN",
    "Evaluated",
    "Evaluation",
    "Opened",
    "answer_queries",
    "end_after",
    "limit_memory",
    "main",
    "read_frame",
    "shut_in",
    "write_frame",
]

RUN = "import sys; from valueweave.store.evaluator import main; main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])"
"""What Python is to run, with the arguments of :func:`main`."""


def term_of(text: str) -> ox.NamedNode | ox.Literal:
    """Return the term that N-Triples writes so."""
    [quad] = ox.parse(f"<urn:s> <urn:p> {text} .", format=ox.RdfFormat.N_TRIPLES)
    assert isinstance(quad.object, ox.NamedNode | ox.Literal)
    return quad.object


def main(folder: str, memory_mib: int, *services: str) -> None:
    """Answer requests until the input ends.

    Args:
        folder: the store folder.
        memory_mib: memory that a query may take; 0 is no ceiling.
        services: addresses that queries may call; without any this process finds no network.
    """
    shut_in(services)
    answer_queries(Opened(Path(folder), services), sys.stdin.fileno(), sys.stdout.fileno(), memory_mib)


def shut_in(services: Collection[str]) -> None:
    """Keep this process off the network, unless it may call services, and leave its end to its parent alone."""
    if not services:
        forbid_network()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in a terminal goes to the whole group


def answer_queries(opened: Opened, queries: int, answers: int, memory_mib: int) -> None:
    """Answer requests until the input ends.

    Args:
        opened: what to answer them from.
        queries: the file that they come from.
        answers: the file that answers go to; the first says that this is ready.
        memory_mib: memory that a query may take; 0 is no ceiling.
    """
    store = opened.at("")
    limit_memory(memory_mib)
    _send(answers, Evaluated(store.manifest["version"].encode("ascii"), "text/plain"))
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            number, asked = read_query(queries)
            # If the parent is gone, nobody else would end a query that runs on and on.
            end_after(asked.seconds * 2 + 5)
            _send(answers, _evaluate(opened, asked), number)
            end_after(0)


def _send(file: int, answer: Evaluated, number: int = 0) -> None:
    """Write an answer with as few calls and copies as may be."""
    parts = [memoryview(part) for part in answer_frame(answer, number)]
    while parts:
        written = os.writev(file, parts) if hasattr(os, "writev") else os.write(file, parts[0])
        while parts and written >= len(parts[0]):
            written -= len(parts.pop(0))
        if parts:
            parts[0] = parts[0][written:]


def end_after(seconds: float) -> None:
    """Have the system end this process after so many seconds; 0 takes that back."""
    if hasattr(signal, "setitimer"):  # not on Windows
        signal.setitimer(signal.ITIMER_REAL, seconds)


def limit_memory(memory_mib: int) -> None:
    """Set the ceiling above what the open store takes; not every system has one."""
    if memory_mib <= 0:
        return
    with suppress(ImportError, OSError, ValueError):
        import resource  # noqa: PLC0415 - not on Windows

        taken = 0
        with suppress(OSError):
            taken = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
        ceiling = taken + memory_mib * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_AS, (ceiling, ceiling))


class Opened:
    """The version that is open: another one is opened when it is asked for.

    Args:
        folder: the store folder.
        services: addresses that queries may call.
        copy: a version in memory.

    Attributes:
        copy: that version; the files of another one do not take its place.
    """

    def __init__(self, folder: Path, services: Iterable[str], copy: Copy | None = None) -> None:
        self._folder, self._services = folder, frozenset(services)
        self._store: EmbeddedStore | None = None
        self._of_copy: EmbeddedStore | None = None
        self.copy = copy

    def at(self, version: str) -> EmbeddedStore:
        """Return the store at a version, at any when that is not named.

        Raises:
            InputError: when the store is broken.
        """
        if self.copy is not None and version in ("", self.copy.version):
            if self._of_copy is None:
                self._of_copy = self._serving(
                    EmbeddedStore(self.copy.engine, {**self.copy.manifest}, str(self._folder))
                )
            return self._of_copy
        if self._store is None or version not in ("", self._store.manifest["version"]):
            self._store = None  # before the next is opened: there is memory for one
            self._store = self._serving(EmbeddedStore.open(self._folder, version or None))
        return self._store

    def _serving(self, store: EmbeddedStore) -> EmbeddedStore:
        store.services = self._services
        return store


def _evaluate(opened: Opened, asked: Evaluation) -> Evaluated:
    try:
        store = opened.at(asked.version)
        body, media_type = store.serialize_query(
            asked.text,
            asked.format,
            substitutions={name: term_of(text) for name, text in asked.values.items()},
            default_graph=asked.default_graph,
            named_graphs=asked.named_graphs,
            largest=asked.largest,
        )
    except InputError as error:
        return Evaluated(problems=tuple(error.problems), error=type(error).__name__)
    return Evaluated(body, media_type)
