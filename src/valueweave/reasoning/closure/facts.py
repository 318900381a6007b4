"""Statements on tables.

In: statements, or a file of them. Out: tables that rules are joined with, files of what stands in them.
The decision hidden here: how statements get into DuckDB and out of it. They are lines of N-Triples that the database
reads, cuts and writes itself; terms become ids (:mod:`valueweave.reasoning.closure.tables` says which), so that joins
compare numbers.

::

    term    id and form of each term
    num     id and number of each literal that is a number
    fact    subject, predicate and object of each statement
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import pyoxigraph as ox

from valueweave.problems import ValueWeaveError
from valueweave.reasoning.closure.tables import MACROS, quote

__all__ = ["LINES", "Facts"]

LINES = "FORMAT csv, HEADER false, DELIMITER '\x01', QUOTE '', ESCAPE ''"
"""How lines of text are written: with a separator that N-Triples cannot hold, each is one column."""

_NUMERIC = "integer|decimal|double|float|long|int|short|byte|[a-z]+Integer"
_TABLES = (
    "CREATE TABLE term(id UBIGINT, text VARCHAR)",
    "CREATE TABLE num(id UBIGINT, n DOUBLE)",
    "CREATE TABLE fact(s UBIGINT, p UBIGINT, o UBIGINT)",
)


class Facts:
    """Statements on tables; use it as a context manager.

    Args:
        threads: so many threads it may use; otherwise one for each processor.

    >>> with Facts() as facts:
    ...     facts.load([ox.Triple(ox.NamedNode("urn:a"), ox.NamedNode("urn:p"), ox.Literal(1))])
    ...     facts.size()
    1
    """

    def __init__(self, *, threads: int | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="valueweave-")
        self._db = duckdb.connect(":memory:")
        self._db.execute("SET preserve_insertion_order = false")
        self._db.execute("SET enable_progress_bar = false")  # it would go to stdout, where the data goes
        self._db.execute(f"SET temp_directory = {quote(self._folder.name)}")
        if threads is not None:
            self._db.execute(f"SET threads = {threads}")
        for statement in (*MACROS, *_TABLES):
            self._db.execute(statement)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()
        self._folder.cleanup()

    @property
    def tables(self) -> duckdb.DuckDBPyConnection:
        """The tables themselves."""
        return self._db

    def size(self) -> int:
        """Return how many statements there are."""
        return self._count("SELECT count(*) FROM fact")

    def load(self, triples: Iterable[ox.Triple]) -> None:
        """Take in statements; call it before rules run on them.

        Raises:
            ValueWeaveError: when two terms have one hash (among 5 M terms once in a million times).
        """
        self.load_file(self._file(triples))

    def load_file(self, path: Path) -> None:
        """Take in an N-Triples file as the engine writes it: one statement a line, single spaces between its parts.

        Raises:
            ValueWeaveError: as :meth:`load`.
        """
        self._read(path)
        self._db.execute("INSERT INTO fact SELECT DISTINCT term_id(s), term_id(p), term_id(o) FROM raw")
        self._db.execute("DROP TABLE raw")  # it is larger than the facts

    def _file(self, triples: Iterable[ox.Triple]) -> Path:
        path = Path(self._folder.name) / "statements.nt"
        ox.serialize(triples, str(path), format=ox.RdfFormat.N_TRIPLES)
        return path

    def _read(self, path: Path) -> None:
        """Read a file into the table ``raw``, and its terms into ``term``."""
        self._db.execute(
            "CREATE OR REPLACE TABLE raw AS WITH"
            " a AS (SELECT line, strpos(line, ' ') AS i FROM read_csv(?, columns = {'line': 'VARCHAR'}, delim = '\x01',"
            " quote = '', escape = '', header = false, auto_detect = false, max_line_size = 100000000)),"
            " b AS (SELECT left(line, i - 1) AS s, substr(line, i + 1, length(line) - i - 2) AS rest FROM a),"
            " c AS (SELECT s, rest, strpos(rest, ' ') AS j FROM b)"
            " SELECT s, left(rest, j - 1) AS p, substr(rest, j + 1) AS o FROM c",
            [str(path)],
        )
        self._add_terms("SELECT s AS text FROM raw UNION ALL SELECT DISTINCT p FROM raw UNION ALL SELECT o FROM raw")
        if self._count("SELECT count(*) - count(DISTINCT id) FROM term"):
            raise ValueWeaveError("Two terms have the same 64-bit hash; the closure cannot be computed on tables.")

    def _add_terms(self, query: str) -> None:
        """Take in the terms that ``query`` gives as rows of ``text``, in the form of N-Triples."""
        self._db.execute(
            f"INSERT INTO term SELECT DISTINCT term_id(text) AS id, text FROM ({query}) AS t"
            " WHERE NOT EXISTS (SELECT 1 FROM term WHERE term.id = term_id(t.text))"
        )

    def _count(self, sql: str) -> int:
        row = self._db.execute(sql).fetchone()
        assert row is not None
        return int(row[0])

    def _add_numbers(self) -> None:
        """Fill ``num``, from the literals that are there by now."""
        self._db.execute(
            "INSERT INTO num SELECT * FROM (SELECT id, TRY_CAST(lexical(text) AS DOUBLE) AS n FROM term"
            f" WHERE id & 1 = 1 AND regexp_matches(text, 'XMLSchema#({_NUMERIC})>$')) WHERE n IS NOT NULL"
        )

    def write_facts(self, path: Path, table: str = "fact") -> None:
        """Write statements as N-Triples.

        Args:
            path: the file.
            table: where the statements stand, as rows of ``s``, ``p``, ``o``; all of them when not given.
        """
        self._db.execute(
            "COPY (SELECT s.text || ' ' || p.text || ' ' || o.text || ' .' FROM"
            f" (SELECT DISTINCT s, p, o FROM {table}) AS f"
            " JOIN term AS s ON s.id = f.s JOIN term AS p ON p.id = f.p JOIN term AS o ON o.id = f.o)"
            f" TO {quote(str(path))} ({LINES})"
        )
