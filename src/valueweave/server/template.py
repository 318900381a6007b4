"""The process that evaluators are made from, as the server sees it.

In: a version of the store. Out: evaluator processes that have it in memory.
The decision hidden here: how it is asked (``store/template.py`` answers): two files go over a socket, the number of the
process that has them comes back with a handle of it. Who waits for that is a thread.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from valueweave.server.children import start
from valueweave.store.template import MESSAGE, POSSIBLE, READY, RUN

__all__ = ["POSSIBLE", "Forked", "Template"]

_FORK = 10.0
"""So many seconds a process may take to be made."""
_FOLLOW = 10.0
"""So many seconds it may take to become a copy of another version."""


class Forked:
    """A process that was forked from another one than this.

    Args:
        pid: its number.
        handle: its handle, which is closed in the end; -1 when it had ended before there was one.
    """

    def __init__(self, pid: int, handle: int) -> None:
        self.pid, self._handle = pid, handle

    def kill(self) -> None:
        """End it at once; one that has ended stays so."""
        self.send_signal(signal.SIGKILL)

    def send_signal(self, sig: int, /) -> None:
        """Send it a signal; one that has ended gets none."""
        if self._handle >= 0:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, sig)

    def wait(self) -> None:
        """Wait until it has ended."""
        if self._handle >= 0:
            # A handle can be read when its process has ended; it may be a high number, which select does not take.
            watch = select.poll()
            watch.register(self._handle, select.POLLIN)
            watch.poll()

    def __del__(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)


class Template:
    """A process that has a version in memory, or is about to.

    Args:
        folder: the store folder.
        version: the version.
        memory_mib: memory that a query may take; 0 is no ceiling.
        services: addresses that queries may call.

    Attributes:
        version: the version.
    """

    def __init__(self, folder: Path, version: str, memory_mib: int, services: Sequence[str] = ()) -> None:
        self.version = version
        self._turn = threading.Lock()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            command = [sys.executable, "-c", RUN, str(folder), version, str(memory_mib), *services]
            self._child = start(command, theirs.fileno())
        except BaseException:
            self._control.close()
            raise
        finally:
            theirs.close()

    def ready(self) -> bool:
        """Wait until it has the version in memory; return whether it has. From a thread of its own."""
        try:
            return self._control.recv(MESSAGE) == READY
        except OSError:
            return False

    def follow(self, version: str) -> bool:
        """Have a later version in memory, for what is made from now on; from a thread of its own.

        Args:
            version: the version.

        Returns:
            Whether that is so; if not, nothing can be made from this any more.
        """
        try:
            with self._turn:
                self._control.settimeout(_FOLLOW)
                self._control.send(version.encode())
                done = self._control.recv(MESSAGE) == READY
        except OSError:
            return False
        if done:
            self.version = version
        return done

    def fork(self, reads: int, writes: int) -> Forked:
        """Return a new process that answers queries.

        Args:
            reads: the file that queries come from.
            writes: the file that answers go to.

        Raises:
            OSError: when there is no template any more.
        """
        with self._turn:
            self._control.settimeout(_FORK)
            socket.send_fds(self._control, [b"!"], [reads, writes])
            message, handles, _, _ = socket.recv_fds(self._control, MESSAGE, 1)
        if not message:
            raise ConnectionResetError("the template has ended")
        if not message.isdigit():  # what it says to something that was not waited for
            raise ConnectionAbortedError("the template says something else")
        return Forked(int(message), handles[0] if handles else -1)

    def end(self) -> None:
        """End it at once; what was made from it goes on."""
        self._child.kill()
        with suppress(OSError):  # whoever waits for it hears of it
            self._control.shutdown(socket.SHUT_RDWR)
        self._child.wait()
        with self._turn:
            self._control.close()
