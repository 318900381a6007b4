"""What an operator may set.

In: numbers and lists. Out: :class:`Settings`.
The decision hidden here: the limits that keep one asker from taking everything.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits and habits of a server.

    Attributes:
        allowed_origins: origins whose pages may read the answers (CORS); ``*`` is everyone.
        max_query_bytes: longest SPARQL query taken, and longest body of a request.
        evaluators: how many processes answer SPARQL queries; 0 answers them in the server's own, without the limits on
            time and memory.
        query_seconds: how long a query may take.
        query_waiting: how many seconds a query waits for a free evaluator.
        query_memory_mib: memory that a query may take; 0 is no limit.
        answer_bytes: the longest answer to a query.
        shown_rows: how many rows of an answer a page for people shows.
        related: how many things a description names for each incoming property.
        described_incoming: how many incoming statements the RDF description of a thing holds.

    >>> Settings(max_query_bytes=10_000).related
    50
    """

    allowed_origins: tuple[str, ...] = ("*",)
    max_query_bytes: int = 1_000_000
    evaluators: int = 2
    query_seconds: float = 30.0
    query_waiting: float = 10.0
    query_memory_mib: int = 2048
    answer_bytes: int = 100_000_000
    shown_rows: int = 500
    related: int = 50
    described_incoming: int = 1000
