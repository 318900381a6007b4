"""One process that answers queries, and can be ended.

In: requests as frames on standard input. Out: answers as frames on standard output.
The decision hidden here: the engine cannot be stopped in the middle of a query, so it runs where the system can stop
it. The process opens the store for reading, answers one request at a time, and ends with its parent.
"""

from __future__ import annotations

import pickle
import signal
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyoxigraph as ox

from valueweave.problems import InputError, Problem
from valueweave.store.embedded import EmbeddedStore

__all__ = ["RUN", "Evaluated", "Evaluation", "main", "read_frame", "write_frame"]

RUN = "import sys; from valueweave.store.evaluator import main; main(sys.argv[1], int(sys.argv[2]))"
"""What Python is to run, with the store folder and the memory in MiB as arguments."""

_LENGTH = struct.Struct(">Q")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A query to be answered.

    Attributes:
        text: the SPARQL text.
        format: name of the format wanted.
        values: terms as N-Triples by variable.
        default_graph: graphs of the default graph.
        named_graphs: graphs that ``GRAPH`` sees.
        largest: the longest answer in bytes.
        seconds: how long whoever asks will wait.
        version: the version to answer from; when it is gone, the current one answers.
    """

    text: str
    format: str | None
    values: dict[str, str]
    default_graph: list[str] | None
    named_graphs: list[str] | None
    largest: int
    seconds: float
    version: str = ""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The answer: bytes and media type, or the problems and the name of the class of the error."""

    body: bytes = b""
    media_type: str = ""
    problems: tuple[Problem, ...] = ()
    error: str = ""


def write_frame(stream: IO[bytes], value: Any) -> None:
    """Write a value as a frame: its length in eight bytes, then itself."""
    data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def read_frame(stream: IO[bytes]) -> Any:
    """Read a value as :func:`write_frame` writes it.

    Raises:
        EOFError: when the other side is gone.
    """
    head = _read(stream, _LENGTH.size)
    return pickle.loads(_read(stream, _LENGTH.unpack(head)[0]))


def _read(stream: IO[bytes], count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        chunk = stream.read(min(count - len(parts), 1 << 20))
        if not chunk:
            raise EOFError
        parts += chunk
    return bytes(parts)


def term_of(text: str) -> ox.NamedNode | ox.Literal:
    """Return the term that N-Triples writes so."""
    [quad] = ox.parse(f"<urn:s> <urn:p> {text} .", format=ox.RdfFormat.N_TRIPLES)
    assert isinstance(quad.object, ox.NamedNode | ox.Literal)
    return quad.object


def main(folder: str, memory_mib: int) -> None:
    """Answer requests until the input ends."""
    # The parent alone decides when this ends; Ctrl+C in a terminal goes to the whole group.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    opened = _Opened(Path(folder))
    store = opened.at("")
    _limit_memory(memory_mib)
    write_frame(answers, store.manifest["version"])
    with suppress(EOFError, BrokenPipeError):
        while True:
            asked = read_frame(requests)
            # If the parent is gone, nobody else would end a query that runs on and on.
            _end_after(asked.seconds * 2 + 5)
            write_frame(answers, _evaluate(opened, asked))
            _end_after(0)


def _end_after(seconds: float) -> None:
    """Have the system end this process after so many seconds; 0 takes that back."""
    if hasattr(signal, "setitimer"):  # not on Windows
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _limit_memory(memory_mib: int) -> None:
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


class _Opened:
    """The version that is open: another one is opened when it is asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._store: EmbeddedStore | None = None

    def at(self, version: str) -> EmbeddedStore:
        """Return the store at a version, at any when that is not named.

        Raises:
            InputError: when the store is broken.
        """
        if self._store is None or version not in ("", self._store.manifest["version"]):
            self._store = None  # before the next is opened: there is memory for one
            self._store = EmbeddedStore.open(self._folder, version or None)
        return self._store


def _evaluate(opened: _Opened, asked: Evaluation) -> Evaluated:
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
