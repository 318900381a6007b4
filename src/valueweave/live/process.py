"""One process that changes the store, and can be ended.

In: changes as frames on standard input. Out: what became of them, as frames on standard output.
The decision hidden here: changing is work in Python and in the engine that nobody can stop from within, so it runs
where the system can stop it, and where it holds up no other request. A version is never changed, so a process that is
ended at any moment leaves the version before it as it was.
"""

from __future__ import annotations

import gc
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pyoxigraph as ox

from valueweave.problems import InputError, Problem
from valueweave.project import Project
from valueweave.store.evaluator import end_after, limit_memory, read_frame, write_frame
from valueweave.store.isolation import forbid_network

if TYPE_CHECKING:
    from valueweave.live import Applied, Curator

__all__ = ["READY", "RUN", "Change", "Changed", "main", "read_triples"]

RUN = "import sys; from valueweave.live.process import main; main(*sys.argv[1:])"
"""What Python is to run, with the arguments of :func:`main`."""

READY = "ready"
"""What the process says first."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change to be made.

    Attributes:
        kind: the method of :class:`~valueweave.live.Curator` that makes it.
        arguments: what it takes; the triples of ``change_graph`` as ``files`` (media types and bytes) and ``base``
            (the IRI that relative ones stand below).
        seconds: how long whoever asks will wait.
    """

    kind: Literal["put_case", "delete_case", "update", "change_graph"]
    arguments: dict[str, Any]
    seconds: float


@dataclass(frozen=True, slots=True)
class Changed:
    """What became of it: the change as applied, or the problems and the name of the class of the error."""

    applied: Applied | None = None
    problems: tuple[Problem, ...] = ()
    error: str = ""


def main(home: str, store: str, memory_mib: str, wait: str) -> None:
    """Make changes until the input ends.

    Args:
        home: the project's folder.
        store: the store folder.
        memory_mib: memory that changes may take above what is taken at the start; 0 is no limit.
        wait: how many seconds a change waits for others that hold the store.
    """
    from valueweave.live import Curator  # noqa: PLC0415 - whoever asks for changes needs none of what makes them

    # What others print must not come between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    requests = sys.stdin.buffer
    project = Project.find(home, store)
    if project.remote is None:
        forbid_network()
    curator = Curator(project, float(wait))
    limit_memory(int(memory_mib))
    write_frame(answers, READY)
    curator.prepare()
    with suppress(EOFError, BrokenPipeError, KeyboardInterrupt):
        while True:
            asked = read_frame(requests)
            # If the parent is gone, nobody else would end a change that runs on and on.
            end_after(asked.seconds * 2 + 5)
            made = _made(curator, asked)
            write_frame(answers, made)
            if made.applied is None:
                # What a refused change had opened may hang on its traceback, and would take memory meanwhile.
                gc.collect()
            end_after(0)


def _made(curator: Curator, asked: Change) -> Changed:
    make: Callable[..., Applied] = getattr(curator, asked.kind)
    arguments = dict(asked.arguments)
    try:
        if "files" in arguments:
            files, base = arguments.pop("files"), arguments.pop("base")
            arguments["triples"] = [triple for form, data in files for triple in read_triples(data, form, base)]
        return Changed(make(**arguments))
    except InputError as error:
        return Changed(problems=tuple(error.problems), error=type(error).__name__)
    except MemoryError:
        limit = "The change was ended: it took more memory than a change may."
        return Changed(problems=(Problem("write-memory", limit, "Change less at once."),), error="InputError")
    except Exception:
        traceback.print_exc()
        return Changed(error="broken")


def read_triples(data: bytes, form: str, base: str) -> list[ox.Triple]:
    """Read the triples of a graph.

    Args:
        data: the graph as it was sent.
        form: its media type.
        base: the IRI that relative ones stand below.

    Raises:
        InputError: when it cannot be read, with line and column.

    >>> read_triples(b"<a> <urn:p> 1 .", "text/turtle", "urn:g:/")[0].subject.value
    'urn:g:/a'
    """
    found = ox.RdfFormat.from_media_type(form)
    assert found is not None
    try:
        # Blank nodes of one document are not those of another, whatever their labels.
        read = ox.parse(data, format=found, base_iri=base, without_named_graphs=True, rename_blank_nodes=True)
        return list(dict.fromkeys(quad.triple for quad in read))
    except (SyntaxError, ValueError) as error:
        place = (error.lineno, error.offset) if isinstance(error, SyntaxError) else (None, None)
        message = f"The graph cannot be read: {getattr(error, 'msg', None) or error}".rstrip(".") + "."
        problem = Problem("rdf-syntax", message, f"Send well-formed {form}.", line=place[0], column=place[1])
        raise InputError(problem) from error
