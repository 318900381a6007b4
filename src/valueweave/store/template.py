"""A process with a copy of a version in memory, which others are made from.

In: pairs of sockets, or the name of a later version, over a socket. Out: for each pair a process that answers queries
from the copy, and a handle of it; or the news that the copy is one of that.
The decision hidden here: a process that is forked shares the memory of the one before until it writes there, so an
evaluator need not read the store, and one that was ended is replaced in some 20 ms. This process never has the files of
the engine open, nor a thread beside its own, so what is forked is whole. A number of a process may be given to another
one when it has ended, its handle never is: that is what goes back.
Source: Linux manual pages, fork(2), pidfd_open(2), unix(7) on ``SCM_RIGHTS``.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
from collections.abc import Collection
from pathlib import Path

from valueweave.store.evaluator import Opened, answer_queries, shut_in
from valueweave.store.memory import Copy

__all__ = ["MESSAGE", "POSSIBLE", "READY", "RUN", "main"]

POSSIBLE = hasattr(os, "pidfd_open") and hasattr(signal, "pidfd_send_signal") and hasattr(socket, "send_fds")
"""Whether this system has what it takes (Linux)."""
READY, BEHIND = b"ready", b"behind"
MESSAGE = 1 << 10
"""The longest message, in bytes."""
RUN = "import sys; from valueweave.store.template import main; main(*sys.argv[1:3], int(sys.argv[3]), *sys.argv[4:])"
"""What Python is to run, with the arguments of :func:`main`."""


def main(folder: str, version: str, memory_mib: int, *services: str) -> None:
    """Copy a version, say so, and make processes until the input ends.

    Args:
        folder: the store folder.
        version: the version; when it is gone this ends.
        memory_mib: memory that a query may take; 0 is no ceiling.
        services: addresses that queries may call.
    """
    control = socket.socket(fileno=os.dup(0))
    copy = Copy.of(Path(folder), version)
    if copy is None:
        sys.exit(f"there is no copy of {version}")
    shut_in(services)  # not before: the process that reads the files is a child of this one
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who holds the handle sees the end; nothing is left to collect
    opened = Opened(Path(folder), services, copy)
    gc.collect()
    gc.freeze()
    try:
        control.send(READY)
        useful = True
        while True:
            message, files, _, _ = socket.recv_fds(control, MESSAGE, 2)
            if not message or (files and not useful):
                break
            if not files:
                # What was made from this is its own to collect, so it stays when it is of no other use.
                useful = useful and copy.follow(Path(folder), message.decode())
                control.send(READY if useful else BEHIND)
                continue
            if (child := os.fork()) == 0:
                control.close()
                _answer(opened, files, memory_mib)
            _hand_over(control, child)
            for file in files:
                os.close(file)
    except OSError:
        pass  # whoever started this is gone, or the system makes no more processes
    os._exit(0)  # to let go of a copy piece by piece takes a second


def _answer(opened: Opened, files: Collection[int], memory_mib: int) -> None:
    """Be an evaluator, to the end of the process."""
    status = 1
    try:
        for place, file in enumerate(files):
            os.dup2(file, place)  # takes the place of the control, which ends with the template
            os.close(file)
        answer_queries(opened, 0, 1, memory_mib)
        status = 0
    finally:
        os._exit(status)


def _hand_over(control: socket.socket, child: int) -> None:
    try:
        handle = os.pidfd_open(child)
    except ProcessLookupError:  # it has ended already: its sockets tell
        control.send(str(child).encode())
        return
    socket.send_fds(control, [str(child).encode()], [handle])
    os.close(handle)
