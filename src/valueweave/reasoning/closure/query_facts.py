"""What queries could ask for, of many statements, found on tables.

In: the patterns of queries, a closure on tables. Out: a table of the statements that the queries could need.
The decision hidden here: a query finds in a few of the statements what it finds in all of them, when these are the
statements that meet its patterns where the patterns around them are met as well. The groups of a query are joined from
the outside in; what joins nothing is not looked into.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import duckdb
import pyoxigraph as ox
from rdflib.paths import Path as PropertyPath

from valueweave.reasoning.closure.query_conditions import QueryConditions
from valueweave.reasoning.closure.query_patterns import (
    Needs,
    Pattern,
    QueryTree,
    inner_groups,
    key_of,
    triples_of,
    variables_of,
)
from valueweave.reasoning.closure.tables import constant, key_condition, key_table
from valueweave.reasoning.rules.model import TYPE, Call, Key, Var

__all__ = ["FactsOfQueries", "UnknownPredicateError"]


class UnknownPredicateError(Exception):
    """A query could ask for anything."""


class FactsOfQueries:
    """Collects statements into the table ``wanted``.

    Args:
        db: tables of a closure, with ``fact``.

    >>> from valueweave.reasoning.closure.bulk import BulkClosure
    >>> query = QueryConditions("SELECT * WHERE { ?a <urn:p> ?b OPTIONAL { ?b <urn:q> ?c } }")
    >>> a, b, p, q = (ox.NamedNode(f"urn:{name}") for name in "abpq")
    >>> with BulkClosure() as closure:
    ...     closure.load([ox.Triple(a, p, b), ox.Triple(b, q, a), ox.Triple(a, q, b)])
    ...     facts = FactsOfQueries(closure.tables)
    ...     facts.collect(query)
    ...     closure.tables.execute("SELECT count(*) FROM wanted").fetchone()
    (2,)
    """

    def __init__(self, db: duckdb.DuckDBPyConnection) -> None:
        self._db = db
        self._tables = 0
        self._keys: set[Key] = set()
        db.execute("CREATE OR REPLACE TABLE wanted(s UBIGINT, p UBIGINT, o UBIGINT)")

    def collect(self, query: QueryConditions) -> None:
        """Add what a query could need.

        Raises:
            UnknownPredicateError: when that may be anything.
        """
        if query.unread:
            raise UnknownPredicateError
        self._group(query.tree, query.tree.where, {(): None})
        while self._tables:
            self._db.execute(f"DROP TABLE met{self._tables}")
            self._tables -= 1

    def close(self) -> None:
        """Drop the tables that were needed on the way; ``wanted`` stays."""
        for key in self._keys:
            self._db.execute(f"DROP TABLE asked_{key_table(key)}")
        self._keys.clear()

    def _group(self, tree: QueryTree, group: Any, outside: dict[tuple[Var, ...], str | None]) -> None:
        """Add what a group could need, where what is outside of it is met.

        Args:
            tree: the query.
            group: the group.
            outside: tables of the values of the variables that are given from outside, by these variables.
        """
        if group.name == "SubSelect":  # its variables are its own
            self._group(tree, group.where, {(): None})
            return
        inside = [inner for part in group.part or [] if part.name != "TriplesBlock" for inner in inner_groups(part)]
        shared = frozenset[Var]().union(*(variables_of(inner) for inner in inside))
        met: dict[tuple[Var, ...], list[str]] = defaultdict(list)
        for needs in tree.needs(group):
            for given, table in outside.items():
                for columns, found in self._way(needs, given, table, shared):
                    met[columns].append(found)
        self._paths(tree, group)
        if not met:
            return
        for inner in inside:
            named = variables_of(inner)
            chosen: dict[tuple[Var, ...], list[str]] = defaultdict(list)
            for columns, tables in met.items():
                kept = tuple(variable for variable in columns if variable in named)
                chosen[kept] += [f"SELECT {_columns(kept)} FROM {table}" for table in tables]
            self._group(tree, inner, {kept: self._table(" UNION ".join(parts)) for kept, parts in chosen.items()})

    def _way(
        self, needs: Needs, given: tuple[Var, ...], table: str | None, shared: frozenset[Var]
    ) -> Iterator[tuple[tuple[Var, ...], str]]:
        """Join the patterns of a way to meet a group and add what meets them; yield the table of values, if any."""
        used = Counter(slot for pattern in needs.patterns for slot in pattern if isinstance(slot, Var))
        named = {old for _, old in needs.names}
        joined = {slot for slot, count in used.items() if count > 1 or slot in shared or slot in named or slot in given}
        joined |= {variable for test in needs.tests for variable in test.variables() if variable in used}
        where = _Join({variable: f"t.{_column(variable)}" for variable in given})
        sources = [] if table is None else [f"{table} AS t"]
        # What has a variable that nothing else asks for need not be joined: whether it is there is enough.
        patterns = sorted(needs.patterns, key=lambda pattern: not joined.issuperset(_variables(pattern)))
        for number, pattern in enumerate(patterns):
            variables = _variables(pattern)
            if joined.issuperset(variables) or where.columns.keys().isdisjoint(variables):
                sources.append(f"{self._source(pattern)} AS f{number}")
                where.place(pattern, f"f{number}", keyed=key_of(pattern) is not None)
                continue
            inner = where.copy()
            inner.place(pattern, f"e{number}", keyed=key_of(pattern) is not None)
            condition = " AND ".join(inner.conditions) or "true"
            where.conditions.append(f"EXISTS (SELECT 1 FROM {self._source(pattern)} AS e{number} WHERE {condition})")
        where.conditions += [test for call in needs.tests for test in where.differ(call)]
        columns = dict(where.columns)
        columns.update({new: columns[old] for new, old in needs.names if old in columns and new not in columns})
        chosen = ", ".join(f"{place} AS {_column(variable)}" for variable, place in columns.items()) or "1 AS nothing"
        condition = " AND ".join(where.conditions) or "true"
        found = self._table(f"SELECT DISTINCT {chosen}" + (f" FROM {', '.join(sources)}" if sources else "")
                            + f" WHERE {condition}")  # fmt: skip
        if self._db.execute(f"SELECT 1 FROM {found} LIMIT 1").fetchone() is None:
            return
        for pattern in needs.patterns:
            self._want(pattern, found, columns)
        yield tuple(columns), found

    def _want(self, pattern: Pattern, found: str, columns: dict[Var, str]) -> None:
        """Add the statements that meet a pattern with values found."""
        given = [variable for variable in dict.fromkeys(_variables(pattern)) if variable in columns]
        fixed, bound = _Join({}), _Join({variable: f"t.{_column(variable)}" for variable in given})
        fixed.place(pattern, "f", keyed=False)
        bound.place(pattern, "f", keyed=False)
        conditions = list(fixed.conditions)
        if given:
            where = " AND ".join(condition for condition in bound.conditions if condition not in conditions)
            conditions.append(f"EXISTS (SELECT 1 FROM {found} AS t WHERE {where})")
        self._db.execute(f"INSERT INTO wanted SELECT s, p, o FROM fact AS f WHERE {' AND '.join(conditions) or 'true'}")

    def _paths(self, tree: QueryTree, group: Any) -> None:
        """Add every statement that a path may go along, of which there is no telling how long it is."""
        for part in group.part or []:
            if part.name != "TriplesBlock":
                continue
            for subject, path, value in triples_of(part.triples):
                if isinstance(path, PropertyPath) and () in tree.ways(subject, path, value):
                    for _, predicate, _ in tree.steps(subject, path, value):
                        if not isinstance(predicate, ox.NamedNode):
                            raise UnknownPredicateError
                        self._db.execute(f"INSERT INTO wanted SELECT * FROM fact WHERE p = {constant(predicate)}")

    def _source(self, pattern: Pattern) -> str:
        """Return the table with the statements that may meet a pattern."""
        key = key_of(pattern)
        if key is None:
            return "fact"
        if key not in self._keys:
            self._keys.add(key)
            # Tables of their own have sizes of their own, by which joins are ordered.
            self._db.execute(
                f"CREATE TEMP TABLE asked_{key_table(key)} AS SELECT s, o FROM fact WHERE {key_condition(key)}"
            )
        return f"asked_{key_table(key)}"

    def _table(self, query: str) -> str:
        self._tables += 1
        self._db.execute(f"CREATE OR REPLACE TEMP TABLE met{self._tables} AS {query}")
        return f"met{self._tables}"


class _Join:
    """The conditions under which patterns are met together, and where their variables stand."""

    def __init__(self, columns: dict[Var, str]) -> None:
        self.columns = columns
        self.conditions: list[str] = []

    def copy(self) -> _Join:
        """Return a join with the same variables, without conditions."""
        return _Join(dict(self.columns))

    def place(self, pattern: Pattern, alias: str, *, keyed: bool) -> None:
        """Take in a pattern; a table of one key has no column for the predicate, nor for a class."""
        for slot, column in zip(pattern, "spo", strict=True):
            if keyed and (column == "p" or (column == "o" and pattern[1] == TYPE and not isinstance(slot, Var))):
                continue
            place = f"{alias}.{column}"
            if not isinstance(slot, Var):
                self.conditions.append(f"{place} = {constant(slot)}")
            elif slot in self.columns:
                self.conditions.append(f"{place} = {self.columns[slot]}")
            else:
                self.columns[slot] = place

    def differ(self, call: Call) -> Iterator[str]:
        """Yield what a test says at least: what is not equal, or before the other, is not the same."""
        if call.operator in {"!=", "<", ">"}:
            sides = [side.arguments[0] if isinstance(side, Call) and side.operator == "STR" else side
                     for side in call.arguments]  # fmt: skip
            one, other = (self.columns.get(side) if isinstance(side, Var) else None for side in sides)
            if one is not None and other is not None:
                yield f"{one} <> {other}"


def _variables(pattern: Pattern) -> list[Var]:
    return [slot for slot in pattern if isinstance(slot, Var)]


def _column(variable: Var) -> str:
    return '"' + variable.name.replace('"', "") + '"'


def _columns(variables: tuple[Var, ...]) -> str:
    return ", ".join(_column(variable) for variable in variables) or "1 AS nothing"
