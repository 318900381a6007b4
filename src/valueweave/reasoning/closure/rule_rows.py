"""Rules and checks that are much alike, run all at once.

In: rules with one condition, checks of two classes, the tables of a closure. Out: conclusions in the table ``found``;
which checks are met.
The decision hidden here: an ontology has hundreds of each, and to plan a query takes longer than to run it. So each is
a row of a table, and one join with that table does for all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import duckdb

from valueweave.reasoning.closure.tables import constant, quote
from valueweave.reasoning.rules.model import TYPE, Rule, Term, Var

__all__ = ["ClassPairs", "SimpleRules", "is_simple"]


class SimpleRules:
    """The rules with one condition, each a row of ``simple``.

    ``p`` and ``o`` are those of the condition, ``o`` only where it names a class or a value. In ``head_s`` and
    ``head_o`` stands what the conclusion takes: the subject (0) or object (1) of the condition, or a constant (2).

    Args:
        db: tables of a closure.
    """

    def __init__(self, db: duckdb.DuckDBPyConnection) -> None:
        self._db = db
        db.execute(
            "CREATE TABLE simple(p UBIGINT, o UBIGINT, head_s TINYINT, s_id UBIGINT, head_p UBIGINT, head_o TINYINT,"
            " o_id UBIGINT, rule INTEGER)"
        )

    def choose(self, rules: Iterable[tuple[Rule, int]]) -> None:
        """Take these rules, with their numbers, in the place of those before."""
        rows = [_row(rule, number) for rule, number in rules]
        self._db.execute("DELETE FROM simple")
        if rows:
            self._db.execute(
                "INSERT INTO simple SELECT term_id(p), CASE WHEN o IS NOT NULL THEN term_id(o) END, head_s,"
                " coalesce(term_id(s_id), 0), term_id(head_p), head_o, coalesce(term_id(o_id), 0), rule FROM"
                f" (VALUES {', '.join(rows)}) AS r(p, o, head_s, s_id, head_p, head_o, o_id, rule)"
            )

    def run(self, table: str) -> None:
        """Add to ``found`` what follows from the statements in a table."""
        columns = (
            "CASE head_s WHEN 0 THEN d.s WHEN 1 THEN d.o ELSE s_id END, head_p,"
            " CASE head_o WHEN 0 THEN d.s WHEN 1 THEN d.o ELSE o_id END, r.rule"
        )
        for condition in ("d.p = r.p AND d.o = r.o AND r.o IS NOT NULL", "d.p = r.p AND r.o IS NULL"):
            self._db.execute(f"INSERT INTO found SELECT {columns} FROM {table} AS d JOIN simple AS r ON {condition}")


def is_simple(rule: Rule) -> bool:
    """Return whether a rule has one condition, whose variables differ."""
    if len(rule.body.atoms) != 1 or not rule.body.plain:
        return False
    atom = rule.body.atoms[0]
    return isinstance(atom.subject, Var) and atom.subject != atom.object


def _row(rule: Rule, number: int) -> str:
    """Return the row of ``simple`` for a rule, as SQL; terms in the form of N-Triples."""
    atom, head = rule.body.atoms[0], rule.head

    def form(slot: Var | Term) -> str:
        return "NULL::VARCHAR" if isinstance(slot, Var) else quote(str(slot))

    def place(slot: Var | Term) -> int:
        return 2 if not isinstance(slot, Var) else 0 if slot == atom.subject else 1

    parts = (
        form(atom.predicate), form(atom.object), place(head.subject), form(head.subject), form(head.predicate),
        place(head.object), form(head.object), number,
    )  # fmt: skip
    return f"({', '.join(map(str, parts))})"


class ClassPairs:
    """The checks that want one thing to be in two classes, each a row of ``pair``; disjoint classes are such.

    Args:
        db: tables of a closure.
        checks: checks; those that ask for anything else are left out.

    Attributes:
        numbers: the numbers of the checks that are in.
    """

    def __init__(self, db: duckdb.DuckDBPyConnection, checks: Sequence[Rule]) -> None:
        self._db = db
        pairs = [(number, *pair) for number, check in enumerate(checks) if (pair := _class_pair(check))]
        self.numbers = frozenset(number for number, _, _ in pairs)
        db.execute("CREATE OR REPLACE TABLE pair(one UBIGINT, other UBIGINT, number INTEGER)")
        if pairs:
            rows = ", ".join(f"({constant(one)}, {constant(other)}, {number})" for number, one, other in pairs)
            db.execute(f"INSERT INTO pair VALUES {rows}")

    def met(self) -> set[int]:
        """Return the numbers of the checks that are met."""
        self._db.execute(
            f"CREATE OR REPLACE TABLE typed AS SELECT s, o FROM fact WHERE p = {constant(TYPE)}"
            " AND o IN (SELECT one FROM pair UNION SELECT other FROM pair)"
        )
        rows = self._db.execute(
            "SELECT DISTINCT number FROM pair JOIN typed AS a ON a.o = one JOIN typed AS b ON b.o = other"
            " WHERE a.s = b.s"
        ).fetchall()
        return {row[0] for row in rows}


def _class_pair(check: Rule) -> tuple[Term, Term] | None:
    """Return the two classes that a check wants one thing to be in, if that is all it asks for."""
    atoms = check.body.atoms
    if len(atoms) != 2 or not check.body.plain or atoms[0].subject != atoms[1].subject:
        return None
    if any(atom.predicate != TYPE or isinstance(atom.object, Var) for atom in atoms):
        return None
    one, other = (atom.object for atom in atoms)
    assert not isinstance(one, Var)
    assert not isinstance(other, Var)
    return one, other
