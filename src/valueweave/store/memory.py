"""A copy of a version in main memory.

In: a version of a store. Out: an engine that holds the same quads and graphs, and no files.
The decision hidden here: on disk the engine looks up every term of an answer in its files, some 2 µs each, which is
most of a long answer; in memory it does not. Another process reads the files, so that whoever takes the copy never has
them open: it can be forked, and its own work is the smaller half. The quads are taken one after the other, as they lie
on disk, so every fresh copy of a version gives its answers in the same order; it is not the order of the files. Loading
in bulk would be quicker, but names blank nodes anew and leaves the order to chance. A version that changes have made
says how; the copy of a version before becomes its copy by the same.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import IO, Any

import pyoxigraph as ox

from valueweave.store.embedded import EmbeddedStore
from valueweave.store.versions import CHANGES, Versions

__all__ = ["Copy", "fits", "memory_here", "send_copy"]

_BYTES = 330
"""So many bytes a statement takes in memory (measured: 305,000 statements 375, 2.8 million 325)."""
_PIECE = 250
"""So many quads are taken before others have their turn: a millisecond."""
_CHANGED = 100
"""When changes have come to so many letters for each quad there is, about half of it all, the copy is made afresh."""
_LONGEST = 20_000_000
"""So many bytes of changes are read at most, some 0.1 s."""
_BUFFER = 1 << 20
_NICE = 19
"""Whoever has something to answer goes first; who takes the copy has to wait for who sends it."""
_SEND = "import sys; from valueweave.store.memory import send_copy; send_copy(*sys.argv[1:])"


def fits(manifest: Mapping[str, Any], holders: int, memory_mib: int) -> bool:
    """Return whether copies of a version take no more memory than they may.

    Args:
        manifest: of the version.
        holders: how many processes hold it. Those that were forked share it at first; but the engine counts who uses
            what it reads, so one that reads everything comes to have a copy of its own.
        memory_mib: how much they may take.

    >>> fits({"counts": {"quads": 300_000}}, 4, 400), fits({"counts": {"quads": 3_000_000}}, 4, 400)
    (True, False)
    """
    quads = manifest["counts"].get("quads")
    return quads is not None and quads * _BYTES * holders <= memory_mib << 20


def memory_here() -> int:
    """Return the MiB of memory of this machine, or of the control group of this process where that has less.

    Source: Linux kernel documentation, Control Group v2, ``memory.max``.

    >>> memory_here() > 0
    True
    """
    found = [8 << 30]  # where the system does not tell
    with suppress(ValueError, OSError, AttributeError):
        found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    with suppress(OSError, ValueError):
        group = Path("/proc/self/cgroup").read_text("ascii").partition("0::/")[2].partition("\n")[0]
        place = Path("/sys/fs/cgroup") / group
        for folder in (place, *place.parents[:-3]):
            with suppress(OSError, ValueError):  # "max" is no number
                found.append(int((folder / "memory.max").read_text("ascii")))
    return min(found) >> 20


class Copy:
    """A version in memory.

    Args:
        engine: holds what the version holds.
        manifest: of the version.

    Attributes:
        engine: holds what the version holds.
        manifest: of the version.
    """

    def __init__(self, engine: ox.Store, manifest: Mapping[str, Any]) -> None:
        self.engine, self.manifest = engine, manifest
        self._changed = 0

    @property
    def version(self) -> str:
        """Name of the version."""
        return str(self.manifest["version"])

    @classmethod
    def of(
        cls,
        folder: Path,
        version: str,
        *,
        going_on: Callable[[], bool] = lambda: True,
        share: float = 1.0,
        sending: Callable[[subprocess.Popen[bytes]], None] = lambda sender: None,
    ) -> Copy | None:
        """Return a fresh copy of a version.

        Args:
            folder: the store folder.
            version: its name.
            going_on: asked after each piece whether the copy is still wanted.
            share: how much of the time this thread may take; for the rest others have the interpreter.
            sending: told the process that reads the files; when it is killed this returns.

        Returns:
            The copy; ``None`` when it is not wanted any more, or the version is gone or cannot be read.
        """
        manifest = Versions(folder).named(version)
        if manifest is None:
            return None
        command = [sys.executable, "-c", _SEND, str(folder), version]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=_BUFFER) as sender:
            assert sender.stdout is not None
            sending(sender)
            try:
                engine = _taken(sender.stdout, going_on, share)
            except (SyntaxError, ValueError, OSError):  # the sender broke off
                engine = None
            if engine is None:
                sender.kill()
        if engine is None or sender.returncode != 0 or not _is_whole(engine, manifest):
            return None
        return cls(engine, manifest)

    def follow(self, folder: Path, version: str) -> bool:
        """Become a copy of a later version; nobody may ask the engine meanwhile, answers under way do not matter.

        Args:
            folder: the store folder.
            version: name of the version.

        Returns:
            Whether this is one; if not, this is of no use any more.
        """
        manifest = Versions(folder).named(version)
        if manifest is None:
            return False
        try:
            for update in self._missing(folder / manifest["folder"] / CHANGES):
                self.engine.update(update)
        except (LookupError, SyntaxError, ValueError, OSError, RuntimeError):  # ValueError: no JSON, or no text
            return False
        self.manifest = manifest
        return True

    def _missing(self, file: Path) -> list[str]:
        """Return the changes that this copy has not seen.

        Raises:
            LookupError: when there are others that nobody told, or too many.
            OSError, ValueError: when they cannot be read.
        """
        if file.stat().st_size > _LONGEST:
            raise LookupError("to read it would take too long")
        changes = [json.loads(line) for line in file.read_bytes().splitlines()]
        first = [change["from"] for change in changes].index(self.version)
        updates = [change["update"] for change in changes[first:]]
        # The engine keeps what was taken out for whoever may still read it, and never forgets it.
        self._changed += sum(map(len, updates))
        if self._changed > self.manifest["counts"]["quads"] * _CHANGED:
            raise LookupError("it is time for a fresh copy")
        return updates


def _is_whole(engine: ox.Store, manifest: Mapping[str, Any]) -> bool:
    return bool(len(engine) == manifest["counts"].get("quads"))


def _taken(source: IO[bytes], going_on: Callable[[], bool], share: float) -> ox.Store | None:
    engine = ox.Store()
    for graph in json.loads(source.readline()):
        engine.add_graph(ox.NamedNode(graph))
    quads: Iterator[ox.Quad] = ox.parse(source, format=ox.RdfFormat.N_QUADS)
    while going_on():
        started = time.perf_counter()
        piece = list(islice(quads, _PIECE))
        if not piece:
            return engine
        engine.extend(piece)
        if share < 1:
            time.sleep((time.perf_counter() - started) * (1 / share - 1))
    return None


def send_copy(folder: str, version: str) -> None:
    """Write a version to standard output: a line of JSON with the empty graphs, then N-Quads.

    Args:
        folder: the store folder.
        version: its name; no other is sent in its place.
    """
    if hasattr(os, "nice"):  # not on Windows
        os.nice(_NICE)
    store = EmbeddedStore.open(Path(folder), version)
    if store.manifest["version"] != version:
        sys.exit(f"the version {version} is gone")
    engine, out = store.engine, sys.stdout.buffer
    empty = [
        graph.value
        for graph in engine.named_graphs()
        if isinstance(graph, ox.NamedNode) and next(engine.quads_for_pattern(None, None, None, graph), None) is None
    ]
    out.write(json.dumps(empty).encode() + b"\n")
    engine.dump(out, format=ox.RdfFormat.N_QUADS)
    out.flush()
