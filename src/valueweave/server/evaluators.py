"""A few processes that answer queries, each ended and replaced when a query takes too long or too much.

In: queries, from any thread or from the event loop. Out: answers as bytes, or the refusal they deserve.
The decision hidden here: who asks from where. The event loop of the server reads all answers; where there is no server,
there is one of our own. Of the server's threads only some may wait for answers, so that others are there for what needs
no query.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import pyoxigraph as ox

from valueweave.problems import InputError
from valueweave.server.limits import Limits, Tally
from valueweave.server.line import ASKER, Asker, Query
from valueweave.server.pool import Pool
from valueweave.sparql_text import QueryError
from valueweave.store import NotAcceptableError
from valueweave.store.frames import Evaluated, Evaluation, query_frame

__all__ = ["Evaluators", "Limits", "Tally"]

_THREADS = 12
"""So many threads may wait for answers: well below those that the server has (40), which others need."""

_END = 10.0
"""So many seconds those who wait may take to hear that there is no answer any more."""


async def _told() -> None:
    """Wait until everybody in the event loop has been told that this ends."""
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others)
    await asyncio.sleep(0)


class Evaluators:
    """Answers queries in processes of its own; use it as a context manager.

    Whoever is in the event loop asks :meth:`answer`, any other thread :meth:`serialize_query`.

    Args:
        folder: the store folder.
        count: how many processes.
        limits: what one query may take.
        tally: told what becomes of the queries.

    Attributes:
        limits: what one query may take.
        count: how many processes there are at least.
        tally: told what becomes of the queries.
        pool: the processes.
    """

    def __init__(self, folder: Path, count: int = 2, limits: Limits | None = None, tally: Tally | None = None) -> None:
        self.limits = limits or Limits()
        self.count = count
        self.tally = tally or Tally()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._threads = threading.BoundedSemaphore(_THREADS)
        self.pool = Pool(folder, count, self.limits, self.tally)

    def __enter__(self) -> Evaluators:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def attach(self) -> None:
        """Let the running event loop be the one that reads the answers."""
        self._loop = asyncio.get_running_loop()

    def close(self) -> None:
        """End all processes; whoever still waits for an answer is told that the server stops."""
        loop = self._loop
        self.pool.close(loop)
        if loop is not None and self._thread is not None and not loop.is_closed():
            with suppress(TimeoutError):
                asyncio.run_coroutine_threadsafe(_told(), loop).result(_END)
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join()
            loop.close()

    def serialize_query(
        self,
        text: str,
        accept: str | None = None,
        *,
        substitutions: Mapping[str, ox.NamedNode | ox.Literal] | None = None,
        default_graph: Sequence[str] | None = None,
        named_graphs: Sequence[str] | None = None,
        version: str = "",
    ) -> tuple[bytes, str]:
        """Answer a query and write the answer, as :meth:`~valueweave.store.EmbeddedStore.serialize_query`.

        This thread waits; it must not be that of the event loop. The answer is from the version named, which must be
        that of the store or one shortly before it; without a name from the version that the process has open.

        Raises:
            QueryError: when the query cannot be answered.
            NotAcceptableError: when no format asked for can hold the answer.
            ProblemError: 503 when nobody is free or the query takes too much memory, 504 when it takes too long.
        """
        asked = self.answer(
            text,
            accept,
            substitutions=substitutions,
            default_graph=default_graph,
            named_graphs=named_graphs,
            version=version,
        )
        if not self._threads.acquire(blocking=False):
            asked.close()
            raise self.pool.busy()
        try:
            return asyncio.run_coroutine_threadsafe(asked, self._running()).result()
        finally:
            self._threads.release()

    async def answer(
        self,
        text: str,
        accept: str | None = None,
        *,
        substitutions: Mapping[str, ox.NamedNode | ox.Literal] | None = None,
        default_graph: Sequence[str] | None = None,
        named_graphs: Sequence[str] | None = None,
        version: str = "",
    ) -> tuple[bytes, str]:
        """Answer a query as :meth:`serialize_query`, in the event loop: no thread waits."""
        values = {name: str(term) for name, term in (substitutions or {}).items()}
        begun = self.begin(text, accept, ASKER.get(), values, default_graph, named_graphs, version)
        try:
            return self.told(await begun.answer)
        finally:
            self.pool.forget(begun)

    def begin(
        self,
        text: str,
        accept: str | None,
        asker: Asker,
        values: Mapping[str, str] | None = None,
        default_graph: Sequence[str] | None = None,
        named_graphs: Sequence[str] | None = None,
        version: str = "",
    ) -> Query:
        """Begin to answer a query, in the event loop.

        Args:
            text: the query.
            accept: as for :meth:`serialize_query`.
            asker: who asks.
            values: terms as N-Triples by variable.
            default_graph: graphs of the default graph.
            named_graphs: graphs that ``GRAPH`` sees.
            version: the version to answer from.

        Returns:
            The query on its way: read its ``answer`` with :meth:`told`.
        """
        if self._loop is None:
            self.attach()
        evaluation = Evaluation(
            text,
            accept,
            dict(values or {}),
            None if default_graph is None else list(default_graph),
            None if named_graphs is None else list(named_graphs),
            self.limits.answer_bytes,
            self.limits.seconds,
            version,
        )
        return self.pool.begin(query_frame(evaluation), asker)

    def told(self, answer: Evaluated) -> tuple[bytes, str]:
        """Return body and media type of what a process answered.

        Raises:
            InputError: when it was a problem.
        """
        if answer.error:
            self.tally.refuse(answer.problems[0].code)
            kinds: dict[str, type[InputError]] = {"QueryError": QueryError, "NotAcceptableError": NotAcceptableError}
            raise kinds.get(answer.error, InputError)(*answer.problems)
        return answer.body, answer.media_type

    def _running(self) -> asyncio.AbstractEventLoop:
        """Return the event loop that reads the answers: the server's, or one of our own where there is no server."""
        with self._starting:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
                self._thread.start()
            return self._loop
