"""The application: every route, and what all of them have in common.

In: a knowledge graph and settings. Out: a FastAPI application.
The decision hidden here: how the parts of the server are put together.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse, Response

from valueweave.graph import KnowledgeGraph
from valueweave.live import Curator
from valueweave.problems import Problem
from valueweave.server.answer_cache import AnswerCache, KeptAnswers
from valueweave.server.api import api_routes
from valueweave.server.caching import NotModifiedError, not_modified
from valueweave.server.compression import Compression
from valueweave.server.connection import DIRECT
from valueweave.server.copies import Copies
from valueweave.server.direct import DirectAnswers
from valueweave.server.editions import Editions
from valueweave.server.errors import ProblemError, install
from valueweave.server.evaluators import Evaluators, Limits
from valueweave.server.finding import search_routes
from valueweave.server.graph_store import graph_routes
from valueweave.server.graph_writing import graph_writing_routes
from valueweave.server.interface import describe_interface
from valueweave.server.items import ItemsAtOnce
from valueweave.server.lean import LeanQueries
from valueweave.server.linked_data import linked_data_routes
from valueweave.server.live import live_routes
from valueweave.server.metering import Metering, Notes
from valueweave.server.metrics import MEDIA_TYPE, Meter
from valueweave.server.middleware import HeadAndSafety
from valueweave.server.pages import page_routes
from valueweave.server.questions import question_routes
from valueweave.server.reasons import reason_routes
from valueweave.server.responsive import responsive
from valueweave.server.routing import Routed
from valueweave.server.settings import Settings
from valueweave.server.sparql import sparql_routes
from valueweave.server.under_way import UnderWay
from valueweave.server.writer import Writer
from valueweave.server.writing import Writing
from valueweave.version import __version__

__all__ = ["create_app"]

_ALMOST = 0.9
"""After so much of the time that a stop may take, queries under way are ended."""
_SUMMARY = "The knowledge graph of supply-chain ecosystems: SPARQL, lookups, linked data"
_DESCRIPTION = """
Every record carries the passages that back it; every value says which files state it and whether it was inferred.
Labels come in the language of `lang` or `Accept-Language`, else in English. Errors are problem documents (RFC 9457).
Answers carry an `ETag` that changes with the graph.
"""


def create_app(kg: KnowledgeGraph, settings: Settings | None = None) -> FastAPI:
    """Return the application that serves ``kg``.

    Args:
        kg: the knowledge graph; the caller closes it.
        settings: limits and habits.

    Example:
        >>> import valueweave
        >>> app = create_app(valueweave.open())  # doctest: +SKIP
    """
    settings = settings or Settings()
    meter = Meter()
    kept = KeptAnswers(settings.cache_bytes, meter.cached)
    notes = Notes(meter, log=settings.access_log, log_refused=settings.log == "json")
    editions = Editions(kg, _evaluators(kg, settings, meter), settings)
    copies = Copies(editions, settings)
    meter.watch(editions, copies)
    # What lies in memory is not changed from here.
    changeable = kg.store.folder is not None or kg.project.remote is not None
    writing = Writing(Writer(kg.project, settings, meter.changed) if changeable else None, settings)
    app = FastAPI(
        title="ValueWeave",
        summary=_SUMMARY,
        description=_DESCRIPTION,
        version=__version__,
        license_info={"name": "Apache-2.0"},
        # The framework's own pages load scripts from another server; /docs is ours.
        docs_url=None,
        redoc_url=None,
        lifespan=partial(
            _lifespan, editions=editions, writing=writing, copies=copies, stop_seconds=settings.stop_seconds
        ),
    )
    # Routes are tried in their order: first those that are many and asked for most.
    app.include_router(api_routes(editions))
    app.include_router(sparql_routes(editions, settings, writing))
    app.include_router(graph_routes(editions))
    app.include_router(graph_writing_routes(editions, writing))
    app.include_router(live_routes(Curator(kg.project) if changeable else None, writing))
    app.include_router(search_routes(editions))
    app.include_router(question_routes(editions, settings))
    app.include_router(reason_routes(editions))
    app.include_router(linked_data_routes(editions, settings))
    app.include_router(page_routes(editions))
    _operations(app, editions, meter, remote=kg.project.remote is not None)
    install(app)
    app.add_exception_handler(NotModifiedError, not_modified)
    # From the inside out: which route it was, queries as data, answers that are there already, what all have in common.
    app.add_middleware(Routed)
    app.add_middleware(ItemsAtOnce, editions=editions)
    if editions.evaluators is not None:
        app.add_middleware(LeanQueries, editions=editions, evaluators=editions.evaluators, settings=settings)
    app.add_middleware(AnswerCache, editions=editions, kept=kept)
    app.add_middleware(Compression)
    app.add_middleware(HeadAndSafety)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(settings.allowed_origins),
        allow_methods=["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"],
        allow_headers=["*"],
        expose_headers=["ETag", "Link", "Location", "Content-Location", "Allow", "Retry-After"],
        max_age=86400,
    )
    app.add_middleware(UnderWay, editions=editions, largest=settings.unsent_bytes)
    # The outermost of all: what it counts is what the asker sees.
    app.add_middleware(Metering, notes=notes)
    app.state.stopping = False
    app.state.direct = None
    if editions.evaluators is not None:
        app.state.direct = DirectAnswers(editions, editions.evaluators, kept, notes, settings)
    app.openapi = lambda: describe_interface(app)  # type: ignore[method-assign]
    return app


def _evaluators(kg: KnowledgeGraph, settings: Settings, meter: Meter) -> Evaluators | None:
    """Return the processes that answer queries; a store in memory can be read in its own process only."""
    if settings.evaluators == 0 or kg.store.folder is None:
        return None
    limits = Limits(
        settings.query_seconds,
        settings.query_waiting,
        settings.query_memory_mib,
        settings.answer_bytes,
        settings.services,
        settings.spare_evaluators,
    )
    return Evaluators(Path(kg.store.folder), settings.evaluators, limits, meter)


@asynccontextmanager
async def _lifespan(
    app: FastAPI, editions: Editions, writing: Writing, copies: Copies, stop_seconds: float
) -> AsyncIterator[dict[str, Any]]:
    if editions.evaluators is not None:
        editions.evaluators.attach()
    _notice_stop(app, editions.evaluators, stop_seconds)
    writing.prepare()
    editions.prepare()
    try:
        with responsive():
            async with copies.kept():
                yield {DIRECT: app.state.direct}
    finally:
        writing.close()
        if editions.evaluators is not None:
            editions.evaluators.close()
        editions.close()


def _notice_stop(app: FastAPI, evaluators: Evaluators | None, stop_seconds: float) -> None:
    """Have the application know from the signal on that it is being stopped, so that nobody sends it more.

    Shortly before requests under way are given up, those that wait for the answer to a query are told so.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()

    def notice(
        stops: Callable[[int, FrameType | None], Any] | int | None, number: int, frame: FrameType | None
    ) -> None:
        app.state.stopping = True
        if evaluators is not None and not loop.is_closed():
            loop.call_soon_threadsafe(loop.call_later, _ALMOST * stop_seconds, evaluators.close)
        if callable(stops):
            stops(number, frame)

    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, partial(notice, signal.getsignal(one)))


def _operations(app: FastAPI, editions: Editions, meter: Meter, *, remote: bool) -> None:
    @app.get("/metrics", tags=["Operations"], summary="Numbers for Prometheus", response_class=Response)
    def metrics() -> Response:
        """Requests, their time, queries, refusals, the size of the store; in the text format of Prometheus."""
        return Response(meter.text(), media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store"})

    @app.get("/healthz", tags=["Operations"], summary="Is the server alive?")
    async def alive() -> dict[str, str]:
        """Say so, whatever else is going on; and how many contradictions the build let pass, if it did."""
        marked = editions.current().catalogue.statistics.counts.get("contradictions", 0)
        return {"status": "ok", **({"contradictions": str(marked)} if marked else {})}

    @app.get(
        "/readyz", tags=["Operations"], summary="Can it answer queries?", responses={503: {"description": "Not yet"}}
    )
    def ready() -> JSONResponse:
        """Ask the store; 503 when it does not answer, or the server is being stopped."""
        if app.state.stopping:
            raise ProblemError(503, Problem("server-stopping", "The server is being stopped.", "Ask another one."))
        try:
            edition = editions.current()
            answered = bool(edition.kg.store.query("ASK { ?s ?p ?o }"))
        except Exception:  # whatever is wrong with the store, the answer is "not ready"
            answered = False
        if answered:
            return JSONResponse({"status": "ready", "version": edition.version})
        remedy = "Build it, then start the server again."
        if remote:
            remedy = "Start the engine that holds it, or build it where it is empty."
        raise ProblemError(503, Problem("not-ready", "The store does not answer, or is empty.", remedy))
