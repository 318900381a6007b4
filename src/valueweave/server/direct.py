"""Plain queries by GET, answered where their bytes come in.

In: the head of a request, as a connection has read it. Out: its answer, in one piece.
The decision hidden here: in a request without any header that changes what is done, everything that stands between the
bytes and the evaluators comes to a few lines, which are these; they answer byte for byte as the application does, in a
third of the time. Whatever is not plain, and every answer that is not a plain one either (a problem, a long one, one to
be compressed), goes on to the application.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, cast

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from valueweave.server.answer_cache import ANSWERED, VARYING_HEADERS, Kept, KeptAnswers, key_of
from valueweave.server.caching import KEPT, VARYING, tag_at
from valueweave.server.compression import LEAST, takes_gzip
from valueweave.server.editions import Edition, Editions
from valueweave.server.errors import ProblemError
from valueweave.server.evaluators import Evaluators
from valueweave.server.joining import LONGEST_JOINED, Joining
from valueweave.server.line import Asker
from valueweave.server.metering import Notes, new_id
from valueweave.server.middleware import NOSNIFF
from valueweave.server.plain import PATH, Plain, plain_query
from valueweave.server.protocol import read_address
from valueweave.server.settings import Settings
from valueweave.server.under_way import LONG
from valueweave.store.frames import Evaluated

if TYPE_CHECKING:
    from valueweave.server.connection import Connection

__all__ = ["DirectAnswers"]

_ADDRESS = PATH.encode("ascii") + b"?"
_PLAIN = {b"accept", b"accept-encoding", b"accept-language", b"connection", b"host", b"user-agent"}
"""The headers that may be there."""
_NO_STORE, _KEPT, _VARY = b"no-store", KEPT.encode("ascii"), VARYING.encode("ascii")


class _Answering:
    """A request that is being answered; to uvicorn it looks like a cycle of its own."""

    __slots__ = (
        "body",
        "connection",
        "disconnected",
        "edition",
        "gone",
        "keep_alive",
        "key",
        "message_event",
        "more_body",
        "packs",
        "plain",
        "query_string",
        "response_complete",
        "response_started",
        "scope",
        "started",
    )

    def __init__(
        self, connection: Connection, query_string: bytes, edition: Edition, key: Hashable, packs: bool
    ) -> None:
        self.connection, self.query_string, self.edition, self.key = connection, query_string, edition, key
        self.packs = packs  # whether an answer that is worth it would be compressed
        self.scope: dict[str, Any] = cast("dict[str, Any]", connection.scope)
        self.plain: Plain | None = None
        self.started = time.perf_counter()
        self.body = b""
        self.more_body = self.disconnected = self.response_started = self.response_complete = False
        self.keep_alive = True
        self.gone: asyncio.Future[None] | None = None
        self.message_event = self

    def set(self) -> None:
        """Hear from uvicorn that something has happened: the only thing that matters is that the asker is gone."""
        if self.disconnected and self.gone is not None and not self.gone.done():
            self.gone.set_result(None)

    async def receive(self) -> dict[str, str]:
        """Wait until whoever asked is gone."""
        if not self.disconnected:
            self.gone = asyncio.get_running_loop().create_future()
            await self.gone
        return {"type": "http.disconnect"}


class DirectAnswers:
    """Answers plain queries by GET.

    Args:
        editions: the graph.
        evaluators: what answers queries.
        kept: the answers that are kept.
        notes: what is noted of each request.
        settings: limits.
    """

    def __init__(
        self, editions: Editions, evaluators: Evaluators, kept: KeptAnswers, notes: Notes, settings: Settings
    ) -> None:
        self._editions, self._evaluators, self._kept, self._notes = editions, evaluators, kept, notes
        self._limit = settings.max_query_bytes

    def take(self, connection: Connection) -> bool:
        """Answer a request whose head has come, now or later, and return whether it is answered here."""
        url, accept, packs, varying = connection.url, b"", b"", []
        before = connection.cycle
        if (
            not url.startswith(_ADDRESS)
            or b"#" in url
            or connection.parser.get_method() != b"GET"
            or connection.parser.get_http_version() != "1.1"
            or (before is not None and not before.response_complete)
            or connection.flow.write_paused
            or connection.root_path
        ):
            return False
        for name, value in connection.headers:
            if name not in _PLAIN or (name == b"connection" and value.lower() != b"keep-alive"):
                return False
            if name == b"accept-encoding":
                packs += b"," + value
            if name in VARYING_HEADERS:
                varying.append((name, value))
                if name == b"accept":
                    accept = value
        # One of each, and it must say where it goes to (RFC 9112, 3.2).
        if len({name for name, _ in varying}) < len(varying) or not any(name == b"host" for name, _ in varying):
            return False
        query_string, edition = url[len(_ADDRESS) :], self._editions.hold()
        key = None
        if not self._kept.off:
            key = key_of(edition.version, PATH, query_string, connection.scheme or "", varying)
        packing = bool(packs) and takes_gzip(packs.decode("latin-1"))
        answering = _Answering(connection, query_string, edition, key, packing)
        found = None if key is None else self._kept.get(key, plain=True, below=LEAST if packing else None)
        if found is None:
            answering.plain = self._plain(query_string, accept.decode("latin-1"))
            if answering.plain is None:
                self._editions.let_go(edition)
                return False
        self._notes.begin()
        connection.cycle = cast("RequestResponseCycle", answering)
        if found is not None:
            self._send(answering, found)
        elif answering.plain is not None:
            self._ask(answering, answering.plain)
        return True

    def _plain(self, query_string: bytes, accept: str) -> Plain | None:
        try:
            return plain_query(read_address(query_string, accept, self._limit), accept or None)
        except ProblemError:
            return None

    def _ask(self, answering: _Answering, plain: Plain) -> None:
        client = answering.connection.client
        query = self._evaluators.begin(
            plain.asked.text,
            plain.format.name,
            Asker(client[0] if client else "", answering.receive),
            None,
            plain.asked.default_graph,
            plain.asked.named_graphs,
            answering.edition.version,
        )

        def told(answer: asyncio.Future[Evaluated]) -> None:
            self._answered(answering, plain, answer)

        if query.answer.done():  # refused at once; not while the head of the request is still being read
            query.answer.add_done_callback(told)
        else:
            query.told = told

    def _answered(self, answering: _Answering, plain: Plain, answer: asyncio.Future[Evaluated]) -> None:
        # Whoever asks for the exception has seen it; it is told further on.
        found = None if answer.cancelled() or answer.exception() else answer.result()
        if answer.cancelled() or answering.connection.transport.is_closing():
            self._end(answering, 503)
            return
        if found is None or found.error or len(found.body) >= (LEAST if answering.packs else LONG):
            self._pass_on(answering, answer)
            return
        kept = self._answer(answering, plain, found)
        if answering.key is not None and plain.repeatable:
            self._kept.put(answering.key, kept)
        self._send(answering, kept)

    def _answer(self, answering: _Answering, plain: Plain, found: Evaluated) -> Kept:
        """Return an answer with the headers that the application gives it."""
        headers, tag = [], b""
        if plain.repeatable:
            version = answering.edition.version
            tag = tag_at(PATH, answering.query_string, version, plain.asked.text, plain.format.name).encode("ascii")
            headers.append((b"etag", tag))
        headers += [
            (b"cache-control", _KEPT if plain.repeatable else _NO_STORE),
            (b"vary", _VARY),
            (b"content-length", b"%d" % len(found.body)),
            (b"content-type", content_type(found.media_type)),
        ]
        return Kept(headers, found.body, tag, PATH, plain=True)

    def _send(self, answering: _Answering, kept: Kept) -> None:
        connection, request_id = answering.connection, new_id()
        more = b", Accept-Encoding, Origin\r\n" if len(kept.body) >= LEAST else b", Origin\r\n"
        parts = [b"HTTP/1.1 200 OK\r\n"]
        for name, value in (*connection.server_state.default_headers, *kept.headers):
            parts += (name, b": ", value, more if name == b"vary" else b"\r\n")
        parts += (NOSNIFF[0], b": ", NOSNIFF[1], b"\r\nx-request-id: ", request_id)
        parts.append(b"\r\n\r\n" if answering.keep_alive else b"\r\nconnection: close\r\n\r\n")
        if len(kept.body) <= LONGEST_JOINED:
            parts.append(kept.body)
            cast("Joining", connection.transport).send(b"".join(parts))
        else:
            connection.transport.write(b"".join(parts))
            connection.transport.write(kept.body)
        answering.response_started = answering.response_complete = True
        if not answering.keep_alive:
            connection.transport.close()
        self._end(answering, 200, request_id)
        connection.on_response_complete()

    def _pass_on(self, answering: _Answering, answer: asyncio.Future[Evaluated]) -> None:
        """Let the application tell what is not plain, from the answer that is there."""
        connection, scope = answering.connection, answering.scope
        scope["method"], scope["path"], scope["raw_path"] = "GET", PATH, PATH.encode("ascii")
        scope["query_string"], scope[ANSWERED] = answering.query_string, (answering.edition, answer)
        cycle = RequestResponseCycle(
            scope=cast("Any", scope),
            transport=connection.transport,
            flow=connection.flow,
            logger=connection.logger,
            access_logger=connection.access_logger,
            access_log=connection.access_log,
            default_headers=connection.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=answering.keep_alive,
            on_response=connection.on_response_complete,
        )
        cycle.more_body = False
        cycle.message_event.set()
        if connection.cycle is cast("RequestResponseCycle", answering):
            connection.cycle = cycle
        self._notes.withdraw()
        self._editions.let_go(answering.edition)
        connection.begin(cycle)

    def _end(self, answering: _Answering, status: int, request_id: bytes = b"") -> None:
        self._editions.let_go(answering.edition)
        seconds = time.perf_counter() - answering.started
        self._notes.end(request_id or new_id(), "GET", PATH, PATH, status, seconds)


def content_type(media_type: str) -> bytes:
    """Return a media type as the header says it: texts with their charset.

    >>> content_type("text/csv"), content_type("application/json")
    (b'text/csv; charset=utf-8', b'application/json')
    """
    charset = "; charset=utf-8" if media_type.startswith("text/") and "charset=" not in media_type else ""
    return f"{media_type}{charset}".encode("latin-1")
