"""Answers written in a format.

In: an answer, what the asker wants to read. Out: bytes and their media type.
The decision hidden here: an answer that grows too long is stopped while it is written.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pyoxigraph as ox

from valueweave.problems import Problem
from valueweave.sparql_text import QueryError
from valueweave.store.formats import WRITTEN_PREFIXES, negotiate
from valueweave.store.interface import Answer

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["write_answer"]


def write_answer(answer: Answer, accept: str | None, largest: int | None = None) -> tuple[bytes, str]:
    """Write an answer, in the thread that asked.

    Args:
        answer: as the engine gives it.
        accept: an ``Accept`` header, a media type or the name of a format; otherwise JSON (Turtle for a graph).
        largest: the longest answer in bytes.

    Returns:
        The bytes, and their media type.

    Raises:
        QueryError: when the answer is longer than allowed.
        NotAcceptableError: when no format asked for can hold the answer.

    >>> write_answer(ox.Store().query("ASK { }"), "csv")
    (b'true', 'text/csv')
    """
    written = _Bounded(largest)
    try:
        if isinstance(answer, ox.QueryTriples):
            chosen = negotiate(accept, "graph")
            assert isinstance(chosen.writer, ox.RdfFormat)
            # A graph is a set, the engine's CONSTRUCT may repeat itself.
            ox.serialize(dict.fromkeys(answer), written, format=chosen.writer, prefixes=WRITTEN_PREFIXES)
        else:
            chosen = negotiate(accept, "boolean" if isinstance(answer, ox.QueryBoolean) else "solutions")
            assert isinstance(chosen.writer, ox.QueryResultsFormat)
            answer.serialize(written, format=chosen.writer)
    except _TooLongError as error:
        raise QueryError(
            Problem("answer-too-long", f"The answer is longer than {largest} bytes.", "Ask for less, or add LIMIT.")
        ) from error
    finally:
        # An error keeps this frame; the engine's answer must be let go of in this thread.
        del answer
    return written.getvalue(), chosen.media_type


class _TooLongError(Exception):
    """An answer that is longer than it may be."""


class _Bounded(io.BytesIO):
    """Bytes up to a limit; the engine stops evaluating when a write is refused."""

    def __init__(self, largest: int | None) -> None:
        super().__init__()
        self._left = largest

    def write(self, data: Buffer, /) -> int:
        written = super().write(data)
        if self._left is not None:
            self._left -= written
            if self._left < 0:
                raise _TooLongError
        return written
