"""What one query may take, and who is told what became of it.

In: numbers. Out: :class:`Limits`, :class:`Tally`.
The decision hidden here: the usual limits.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits", "Tally"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one query may take.

    Attributes:
        seconds: time of evaluation.
        waiting: seconds that a query waits for a free process.
        memory_mib: memory above what the open store takes; 0 is no ceiling.
        answer_bytes: the longest answer.
        services: addresses that queries may call by ``SERVICE``.
        spare: how many more processes may be started while all are busy and others wait.
    """

    seconds: float = 30.0
    waiting: float = 10.0
    memory_mib: int = 2048
    answer_bytes: int = 100_000_000
    services: tuple[str, ...] = ()
    spare: int = 0


class Tally:
    """What became of the queries, for those who watch the server: all of it does nothing here."""

    def observe(self, seconds: float) -> None:
        """Take note of a query that was answered, with an answer or with a problem, waiting included."""

    def refuse(self, code: str) -> None:
        """Take note of a query that was refused, by the code of the problem."""

    def start(self) -> None:
        """Take note of a process that starts."""
