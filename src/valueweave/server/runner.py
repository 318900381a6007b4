"""A server that runs.

In: a project, an address. Out: a server that answers until it is stopped.
The decision hidden here: the address is taken before anything else, so that a port in use is said at once and in words.
"""

from __future__ import annotations

import errno
import socket
import sys
import time
from collections.abc import Callable

from valueweave.graph import KnowledgeGraph
from valueweave.graph import open as open_graph
from valueweave.problems import InputError, Problem
from valueweave.project import Project
from valueweave.server.app import create_app
from valueweave.server.logs import log_event
from valueweave.server.settings import Settings
from valueweave.server.workers import WAITING, serve_by_workers, serve_here

__all__ = ["listen", "run"]


_STALE = "Note: files have changed since the store was built; 'valueweave build' takes them in, while this runs."


def listen(host: str, port: int) -> socket.socket:
    """Take an address; port 0 takes any free one.

    Raises:
        InputError: when the address cannot be taken.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise _no_such_host(host) from error
    try:
        taken = socket.socket(family, kind, protocol)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
        # Whoever connects from now on waits until the server is ready, instead of being turned away.
        taken.listen(WAITING)
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            raise _no_such_host(host) from error
        if error.errno == errno.EACCES:
            message = f"The server may not listen on {host}, port {port}: {error.strerror or error}."
            remedy = "Choose a port above 1023 with --port (with make: make serve PORT=8001)."
            raise InputError(Problem("address-refused", message, remedy)) from error
        raise InputError(
            Problem(
                "address-in-use",
                f"The server cannot listen on {host}, port {port}: {error.strerror or error}.",
                "Choose another port with --port (0 takes any free one; with make: make serve PORT=8001).",
            )
        ) from error
    return taken


def _no_such_host(host: str) -> InputError:
    remedy = "Use 127.0.0.1 for this machine only, 0.0.0.0 for all its addresses, or one of these by itself."
    return InputError(Problem("unknown-host", f"This machine has no address '{host}'.", remedy))


def run(
    project: Project,
    host: str = "127.0.0.1",
    port: int = 8000,
    *,
    settings: Settings | None = None,
    prepare: Callable[[Project], object] | None = None,
) -> None:
    """Serve the knowledge graph of a project until stopped; a missing store is built first.

    What was loaded, how long that took and the address go to standard error; also that files have changed since.

    Args:
        project: what to serve.
        host: address to listen on.
        port: port to listen on; 0 takes any free one.
        settings: limits and habits.
        prepare: what to do once the address is taken and before the store is opened, such as to build it in sight.

    Raises:
        InputError: when the address cannot be taken, or there is no store and none can be built.
    """
    settings = settings or Settings()
    taken = listen(host, port)
    try:
        if prepare:
            prepare(project)
        started = time.perf_counter()
        with open_graph(project.home, project.store) as kg:
            name = f"[{host}]" if ":" in host else host
            address = f"http://{name}:{taken.getsockname()[1]}/"
            _tell_start(kg, address, time.perf_counter() - started, settings)
            if settings.workers == 1:
                serve_here(create_app(kg, settings), taken, settings)
        if settings.workers > 1:
            serve_by_workers(project, taken, settings)
        if settings.log == "json":
            log_event("stopped")
    finally:
        taken.close()


def _tell_start(kg: KnowledgeGraph, address: str, seconds: float, settings: Settings) -> None:
    counts = kg.statistics()["counts"]
    records, evidence, statements = (counts.get(name, 0) for name in ("records", "evidence", "statements"))
    if settings.log == "json":
        log_event("loaded", version=kg.version, statements=statements, stale=kg.stale, seconds=round(seconds, 3))
        log_event("serving", address=address, workers=settings.workers, evaluators=settings.evaluators)
        return
    if kg.stale:
        print(_STALE, file=sys.stderr)
    print(
        f"Loaded {records} records with {evidence} evidence items, {statements} statements (version {kg.version}) "
        f"in {seconds:.2f} s.",
        file=sys.stderr,
    )
    print(f"Serving at {address}  (Ctrl+C stops)", file=sys.stderr, flush=True)
