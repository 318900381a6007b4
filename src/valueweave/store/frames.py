"""Messages between processes: frames on a stream or a socket.

In: requests and answers. Out: bytes, and back.
The decision hidden here: how the bytes lie. A query goes out as JSON; its answer comes back with a head of fixed length
and the bytes of the answer as they are, so that nobody copies or decodes a long answer on its way, and nothing that the
answering process sends is ever executed. Rarer messages of our own processes are pickled.
"""

from __future__ import annotations

import json
import os
import pickle
import struct
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import IO, Any

from valueweave.problems import Problem

__all__ = [
    "HEAD",
    "LARGEST_MESSAGE",
    "Evaluated",
    "Evaluation",
    "answer_frame",
    "answer_head",
    "answer_of",
    "number_of",
    "numbered",
    "query_frame",
    "read_frame",
    "read_query",
    "write_frame",
]

_LENGTH = struct.Struct(">Q")
_NUMBERED = struct.Struct(">QQ")
"""The head of a query: how long the rest is, and its number."""
HEAD = struct.Struct(">BBQQ")
"""The head of an answer: what it is, how long its media type and its body are, and the number of its query."""

LARGEST_MESSAGE = 1 << 16
"""So many bytes of a query go in one message; longer ones take several."""

_ANSWERED, _REFUSED = 1, 2


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


def query_frame(asked: Evaluation) -> bytes:
    """Return the frame of a query, without the number that :func:`numbered` puts before it.

    >>> frame = query_frame(Evaluation("ASK { }", "csv", {}, None, None, 1000, 2.5))
    >>> import os
    >>> reading, writing = os.pipe()
    >>> sent = os.write(writing, numbered(7, frame))
    >>> number, query = read_query(reading)
    >>> number, query.text
    (7, 'ASK { }')
    """
    # A text may hold half a surrogate pair: escaped it gets through.
    text = json.dumps(asked.text)
    if asked.values or asked.default_graph is not None or asked.named_graphs is not None:
        dataset = json.dumps((asked.values, asked.default_graph, asked.named_graphs))[1:-1]
    else:
        dataset = "{}, null, null"
    return f"[{text}, {dataset}, {_limits(asked.format, asked.largest, asked.seconds, asked.version)}]".encode("ascii")


@lru_cache(64)
def _limits(form: str | None, largest: int, seconds: float, version: str) -> str:
    return json.dumps((form, largest, seconds, version))[1:-1]


def numbered(number: int, frame: bytes) -> bytes:
    """Return the frame of a query with its number, which its answer carries as well."""
    return _NUMBERED.pack(len(frame), number) + frame


def number_of(message: bytes) -> int:
    """Return the number of the query that a message holds, or begins."""
    return int(_NUMBERED.unpack_from(message)[1])


def read_query(file: int) -> tuple[int, Evaluation]:
    """Read a query and its number from a socket that keeps messages apart, or where only one waits at a time.

    Args:
        file: the number of an open file.

    Raises:
        EOFError: when the other side is gone.
    """
    data, length, number = b"", _NUMBERED.size, 0
    while len(data) < length:
        part = os.read(file, LARGEST_MESSAGE)
        if not part:
            raise EOFError
        data = data + part if data else part
        if len(data) >= _NUMBERED.size:
            rest, number = _NUMBERED.unpack_from(data)
            length = _NUMBERED.size + rest
    text, values, default, named, form, *limits = json.loads(data[_NUMBERED.size :])
    return number, Evaluation(text, form, values, default, named, *limits)


def answer_frame(answer: Evaluated, number: int = 0) -> tuple[bytes, bytes]:
    """Return an answer to the query with a number as bytes in two parts, the second being its body.

    >>> head, body = answer_frame(Evaluated(b"true", "text/csv"))
    >>> kind, media, length, number = answer_head(head)
    >>> answer_of(kind, media, head[HEAD.size:] + body)
    Evaluated(body=b'true', media_type='text/csv', problems=(), error='')
    """
    if answer.error:
        told = {"error": answer.error, "problems": [asdict(problem) for problem in answer.problems]}
        body = json.dumps(told).encode("ascii")
        return HEAD.pack(_REFUSED, 0, len(body), number), body
    media = answer.media_type.encode("ascii")
    return HEAD.pack(_ANSWERED, len(media), len(answer.body), number) + media, answer.body


def answer_head(head: bytes | bytearray | memoryview) -> tuple[int, int, int, int]:
    """Return what an answer is, the lengths of its media type and its body, and the number of its query.

    Raises:
        EOFError: when this is no head.
    """
    kind, media, length, number = HEAD.unpack_from(head)
    if kind not in {_ANSWERED, _REFUSED}:
        raise EOFError
    return kind, media, length, number


def answer_of(kind: int, media: int, rest: bytes | bytearray | memoryview) -> Evaluated:
    """Return an answer from what follows its head."""
    view = memoryview(rest)
    if kind == _ANSWERED:
        return Evaluated(bytes(view[media:]), str(view[:media], "ascii"))
    told = json.loads(bytes(view[media:]))
    return Evaluated(problems=tuple(Problem(**problem) for problem in told["problems"]), error=told["error"])


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
    return pickle.loads(_framed(stream))


def _framed(stream: IO[bytes]) -> bytes:
    return _read(stream, _LENGTH.unpack(_read(stream, _LENGTH.size))[0])


def _read(stream: IO[bytes], count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        chunk = stream.read(min(count - len(parts), 1 << 20))
        if not chunk:
            raise EOFError
        parts += chunk
    return bytes(parts)
