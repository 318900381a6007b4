"""The processes that take requests.

In: an application or a project, a socket that listens. Out: a server that answers until it is stopped.
The decision hidden here: uvicorn, and its supervisor where there are several processes. They share the socket, one that
dies or hangs is replaced, SIGTERM goes to all. To be stopped is how a server ends: requests under way are finished, and
it ends without an error.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, cast

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from valueweave.graph import open as open_graph
from valueweave.project import Project
from valueweave.server.app import create_app
from valueweave.server.connection import Connection, Patience
from valueweave.server.logs import log_config
from valueweave.server.metrics import COUNTED_TOGETHER
from valueweave.server.settings import Settings

__all__ = ["WAITING", "evaluators_of_each", "serve_by_workers", "serve_here"]

WAITING = 128
"""So many connections may wait to be taken."""


def serve_here(app: FastAPI, taken: socket.socket, settings: Settings) -> None:
    """Serve an application in this process until it is stopped."""
    with _ending_well():
        uvicorn.Server(_config(app, settings)).run(sockets=[taken])


def serve_by_workers(project: Project, taken: socket.socket, settings: Settings) -> None:
    """Serve a project by several processes until they are stopped.

    Args:
        project: what to serve; each process opens it.
        taken: the socket that all listen on.
        settings: limits and habits.
    """
    each = settings.model_copy(update={"evaluators": evaluators_of_each(settings)})
    with _counting_together(), _ending_well():
        config = _config(
            partial(_application, project, each),
            settings,
            factory=True,
            workers=settings.workers,
            # One connection at a time, or the first to look would take all that wait.
            backlog=1,
            callback_notify=partial(_listen_again, taken),
            timeout_notify=3600,
        )
        _Supervisor(config, sockets=[taken]).run()


def evaluators_of_each(settings: Settings) -> int:
    """Return how many evaluators each of several workers has.

    >>> evaluators_of_each(Settings(evaluators=12, workers=3))
    4
    """
    # Two at least: one alone would be held by the first long query.
    return settings.evaluators and max(2, settings.evaluators // settings.workers)


async def _listen_again(taken: socket.socket) -> None:
    """Let as many wait for a connection as before: the number that the server takes at once is set with it."""
    taken.listen(WAITING)


class _Supervisor(Multiprocess):
    """Starts the processes, replaces those that die, and stops them."""

    def terminate_all(self) -> None:
        """Turn away whoever comes now, and let the workers finish what they have begun."""
        for taken in self.sockets:
            taken.close()
        super().terminate_all()


def _config(app: Callable[..., Any], settings: Settings, **more: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        # A forwarded address counts only from a proxy on this machine (uvicorn's default).
        server_header=False,
        http=cast("Any", partial(Connection, patience=Patience(stalled=settings.stalled_seconds))),
        ws="none",
        access_log=False,
        log_config=log_config(settings.log == "json"),
        timeout_graceful_shutdown=math.ceil(settings.stop_seconds),
        **more,
    )


def _application(project: Project, settings: Settings) -> FastAPI:
    """Return what a worker serves."""
    if parent := multiprocessing.parent_process():
        threading.Thread(target=_end_with, args=(parent.join,), daemon=True).start()
    return create_app(open_graph(project.home, project.store), settings)


def _end_with(wait: Callable[[], None]) -> None:
    """End this process when the one that started it has ended, however that came."""
    wait()
    os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def _counting_together() -> Iterator[None]:
    """Let processes that are started count into one folder."""
    with tempfile.TemporaryDirectory(prefix="valueweave-", ignore_cleanup_errors=True) as folder:
        before = os.environ.get(COUNTED_TOGETHER)
        os.environ[COUNTED_TOGETHER] = folder
        try:
            yield
        finally:
            del os.environ[COUNTED_TOGETHER]
            if before is not None:
                os.environ[COUNTED_TOGETHER] = before


@contextmanager
def _ending_well() -> Iterator[None]:
    """Let the signals that stop a server end it without an error: the server sends them on when it has stopped."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        with suppress(KeyboardInterrupt):
            yield
    finally:
        signal.signal(signal.SIGTERM, before)
