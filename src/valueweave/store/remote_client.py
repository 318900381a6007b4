"""Requests to a SPARQL engine over HTTP.

In: queries, updates, graphs. Out: bytes with their media type, or a problem in words.
The decision hidden here: the HTTP library (httpx, which pools connections and speaks digest authentication), how long
to wait, and that only what changes nothing is tried again.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

import httpx

from valueweave.problems import InputError, Problem
from valueweave.sparql_text import QueryError, query_form
from valueweave.store.remote_target import ENVIRONMENT, Target

__all__ = ["Client", "RemoteError"]

_WRITING = 3600.0
"""So many seconds an update may take: a whole store may be switched by one."""

_TRIES = 3
_PASSING = {429, 502, 503}
"""Answers that say "later"."""


class RemoteError(InputError):
    """The engine cannot be reached, or did not do what it was asked."""


class Client:
    """Speaks to one engine; from any thread.

    Attributes:
        target: where it is.
        requests: how many requests were sent.
    """

    def __init__(self, target: Target, transport: httpx.BaseTransport | None = None) -> None:
        self.target = target
        self.requests = 0
        headers = {"User-Agent": "valueweave", "Accept-Encoding": "gzip"}
        auth: httpx.Auth | None = None
        if target.token:
            headers["Authorization"] = f"Bearer {target.token}"
        elif target.user:
            kind = httpx.DigestAuth if target.dialect.authentication == "digest" else httpx.BasicAuth
            auth = kind(target.user, target.password or "")
        self._http = httpx.Client(
            auth=auth,
            headers=headers,
            timeout=httpx.Timeout(target.seconds, connect=10.0),
            transport=transport,
            follow_redirects=False,
        )

    def with_target(self, target: Target) -> Client:
        """Return a client of the same connections with other settings, such as the time limit."""
        other = Client.__new__(Client)
        other.target, other.requests, other._http = target, 0, self._http
        return other

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def query(
        self,
        text: str,
        accept: str,
        *,
        default_graph: Sequence[str] | None = None,
        named_graphs: Sequence[str] | None = None,
        seconds: float | None = None,
        largest: int | None = None,
    ) -> tuple[bytes, str]:
        """Send a query; return the answer and its media type.

        Raises:
            QueryError: when the engine refuses the query, or it takes too long or too much.
            RemoteError: when the engine does not answer as a SPARQL engine does.
        """
        limit = seconds or self.target.seconds
        form: dict[str, str | list[str]] = {"query": text}
        if default_graph is not None:
            form["default-graph-uri"] = list(default_graph)
        if named_graphs is not None:
            form["named-graph-uri"] = list(named_graphs)
        if self.target.dialect.timeout:
            name, units = self.target.dialect.timeout
            form[name] = str(max(int(limit * units), 1))
        for left in reversed(range(_TRIES)):
            try:
                return self._ask(form, accept, limit, largest)
            except _LaterError as later:
                if not left:
                    self._fail(later.status, later.text, updating=False)
            except httpx.TimeoutException as error:
                if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
                    raise self._unreachable(error) from error
                raise _too_long(limit) from error
            except httpx.TransportError as error:
                if not left:
                    raise self._unreachable(error) from error
            time.sleep(0.1 * (_TRIES - left))
        raise AssertionError("not reached")

    def _ask(
        self, form: Mapping[str, str | list[str]], accept: str, limit: float, largest: int | None
    ) -> tuple[bytes, str]:
        self.requests += 1
        end = time.monotonic() + limit
        body = bytearray()
        timeout = httpx.Timeout(limit, connect=10.0)
        with self._http.stream(
            "POST", self.target.query, data=form, headers={"Accept": accept}, timeout=timeout
        ) as answer:
            if answer.status_code in _PASSING:
                raise _LaterError(answer.status_code, answer.read().decode("utf-8", "replace"))
            for chunk in answer.iter_bytes():
                body += chunk
                if largest is not None and len(body) > largest * 4:
                    # In another format the same answer may be shorter, but not by so much.
                    message = f"The answer is longer than {largest} bytes."
                    raise QueryError(Problem("answer-too-long", message, "Ask for less, or add LIMIT."))
                if time.monotonic() > end:
                    raise _too_long(limit)
        if answer.status_code != 200:
            self._fail(answer.status_code, body.decode("utf-8", "replace"), updating=False, asked=str(form["query"]))
        for header in self.target.dialect.cut_headers:
            if header in answer.headers:
                raise QueryError(_CUT)
        return bytes(body), answer.headers.get("Content-Type", "")

    def update(self, text: str) -> None:
        """Send an update; it is never sent twice.

        Raises:
            QueryError: when the engine refuses the update.
            RemoteError: when the engine does not answer, so that it is unknown what became of the update.
        """
        self._write(
            "POST", self.target.update, content=text.encode(), headers={"Content-Type": "application/sparql-update"}
        )

    def add(self, graph: str, lines: Iterable[str]) -> None:
        """Add statements, as lines of N-Triples, to a named graph, in pieces.

        Raises:
            QueryError: as :meth:`update`.
            RemoteError: as :meth:`update`.
        """
        dialect, store = self.target.dialect, self.target.graph_store
        size = dialect.inline if store is None else dialect.chunk
        every = list(lines)
        for start in range(0, len(every), size):
            piece = "\n".join(every[start : start + size])
            if store is None:
                self.update(f"INSERT DATA {{ GRAPH <{graph}> {{\n{piece}\n}} }}")
            else:
                headers = {"Content-Type": "application/n-triples"}
                self._write("POST", store, params={"graph": graph}, content=f"{piece}\n".encode(), headers=headers)

    def _write(self, method: str, address: str, **options: Any) -> None:
        self.requests += 1
        try:
            answer = self._http.request(method, address, timeout=httpx.Timeout(_WRITING, connect=10.0), **options)
        except httpx.TransportError as error:
            raise self._unreachable(error) from error
        if not answer.is_success:
            self._fail(answer.status_code, answer.text, updating=True)

    def _unreachable(self, error: Exception) -> RemoteError:
        return RemoteError(
            Problem(
                "remote-unreachable",
                f"The SPARQL engine does not answer ({str(error).splitlines()[0] if str(error) else 'no answer'}).",
                "Start it, or mend the address given with --store.",
                file=str(self.target),
            )
        )

    def _fail(self, status: int, text: str, *, updating: bool, asked: str = "") -> NoReturn:
        """Raise what an answer means that is no success."""
        said = _first_words(text)
        where = self.target.update if updating else self.target.query
        if status in {401, 403}:
            remedy = f"Set {ENVIRONMENT}USER and {ENVIRONMENT}PASSWORD, or {ENVIRONMENT}TOKEN."
            raise RemoteError(Problem("remote-refused", f"The engine lets us not in ({status}).", remedy, file=where))
        if status == 400 or (status >= 500 and said and query_form(asked)):
            what = "update" if updating else "query"
            message = f"The engine cannot answer this {what}: {said or status}"
            code = "query-refused" if status == 400 else "query-failed"
            raise QueryError(Problem(code, message, f"Change the {what}."))
        if status in {404, 405, 406, 415} or 300 <= status < 400:
            remedy = f"Mend the address (--store, {ENVIRONMENT}UPDATE, {ENVIRONMENT}GRAPH_STORE, {ENVIRONMENT}DIALECT)."
            message = f"There is no SPARQL engine at this address (status {status})."
            raise RemoteError(Problem("remote-address", message, remedy, file=where))
        message = f"The engine failed (status {status}): {said}"
        raise RemoteError(Problem("remote-failed", message, "See the engine's log.", file=where))


class _LaterError(Exception):
    """The engine asks to come again."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(status)
        self.status, self.text = status, text


_CUT = Problem(
    "answer-cut-short",
    "The engine cut the answer short.",
    "Ask for less, or raise the engine's limits on rows and time.",
)


def _too_long(seconds: float) -> QueryError:
    message = f"The query was ended after {seconds:g} seconds."
    return QueryError(Problem("query-timeout", message, "Ask for less, or add LIMIT."))


def _first_words(text: str, most: int = 300) -> str:
    """Return the beginning of what an engine says, on one line, without the tags of a page."""
    page = text.lstrip()[:9].lower() in {"<!doctype", "<html>", "<html"}
    words = " ".join((re.sub(r"</?[A-Za-z!][^<>]*>", " ", text) if page else text).split())
    return words if len(words) <= most else words[:most] + " ..."
