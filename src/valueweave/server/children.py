"""Processes that were started for the work of others.

In: a command and two sockets. Out: the process.
The decision hidden here: with what it starts. Its standard input is a socket that it reads, its standard output one
that it writes.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from typing import Any, Protocol

__all__ = ["Child", "start"]

_TUNING = {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=1000:glibc.malloc.tcache_max=65536"}
"""The engine allocates and frees small pieces all the time; with this a small query takes a tenth less. Other systems
than those with the GNU C library do not look at it."""


class Child(Protocol):
    """A process that can be ended."""

    @property
    def pid(self) -> int:
        """Its number, for people; to end it by that is not safe."""

    def kill(self) -> None:
        """End it at once; one that has ended stays so."""

    def send_signal(self, sig: int, /) -> None:
        """Send it a signal; one that has ended gets none."""

    def wait(self) -> Any:
        """Wait until it has ended."""


def start(command: Sequence[str], reads: int, writes: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """Start a process.

    Args:
        command: what to run, and its arguments.
        reads: the file that it has as standard input.
        writes: the file that it has as standard output.
    """
    # What the engine says when it runs out of memory is of no use to anyone: the refusal says it.
    return subprocess.Popen(
        command, stdin=reads, stdout=writes, stderr=subprocess.DEVNULL, env={**_TUNING, **os.environ}
    )
