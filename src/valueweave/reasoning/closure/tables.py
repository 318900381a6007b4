"""The conditions of a rule as a query on tables.

In: rules. Out: SQL over the tables of :mod:`valueweave.reasoning.closure.facts`.
The decision hidden here: how terms stand in tables. The id of a term is the hash of its N-Triples form, its lowest bit
says whether it is a literal; ``num`` holds the numbers that literals stand for, ``term`` the forms.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import pyoxigraph as ox

from valueweave.namespaces import PREFIXES
from valueweave.reasoning.rules.model import Body, Call, Count, Formula, Key, Rule, Slot, Term, Var, atom_key

__all__ = ["MACROS", "RuleQuery", "constant", "key_condition", "key_table", "quote"]

MACROS = (
    # Of a 64-bit hash the lowest bit gives way to whether the term is a literal.
    "CREATE MACRO term_id(t) AS (hash(t) & 18446744073709551614) | (CASE WHEN t[1] = '\"' THEN 1 ELSE 0 END)::UBIGINT",
    "CREATE MACRO lexical(t) AS CASE WHEN t[1] = '<' THEN substr(t, 2, length(t) - 2) ELSE"
    r""" replace(replace(regexp_extract(t, '^"((?:[^"\\]|\\.)*)"', 1), '\"', '"'), '\\', '\') END""",
)
"""Functions that the queries call."""

_XSD = PREFIXES["xsd"]
_NUMBERS = {_XSD + name for name in ("integer", "decimal", "double", "float", "int", "long", "nonNegativeInteger")}
_ARITHMETIC = frozenset({"+", "-", "*", "/", "ABS"})
_COMPARISONS = frozenset({"=", "!=", "<", "<=", ">", ">="})


def quote(text: str) -> str:
    """Return ``text`` as SQL writes it.

    >>> quote("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def constant(term: Term) -> str:
    """Return the id of a term, as SQL."""
    return f"term_id({quote(str(term))})"


def key_table(key: Key) -> str:
    """Return the name of the table with the subjects and objects of the statements of ``key``."""
    return "k" + hashlib.sha256(repr(key).encode()).hexdigest()[:16]


def key_condition(key: Key) -> str:
    """Return the condition that a row of ``fact`` is of ``key``."""
    predicate, value = key
    condition = f"p = {constant(ox.NamedNode(predicate))}"
    return condition if value is None else f"{condition} AND o = {constant(ox.NamedNode(value))}"


class RuleQuery:
    """The queries that draw the conclusions of one rule."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule

    @property
    def mints(self) -> bool:
        """Whether the conclusion names a thing that the rule makes up."""
        made = {variable for variable, _ in self.rule.body.bindings}
        return bool(made.intersection(self.rule.head.variables()))

    def conclusions(self, new_at: int | None = None) -> str:
        """Return a query for the conclusions as rows of ``s``, ``p``, ``o``.

        Args:
            new_at: the number of the atom that is to hold of new statements (table ``delta``); otherwise of all.
        """
        scope = _Scope({}, "a")
        sources, conditions = scope.body(self.rule.body, new_at)
        head = self.rule.head
        columns = f"{scope.id(head.subject)} AS s, {constant(head.predicate)} AS p, {scope.id(head.object)} AS o"
        return _select(columns, sources, conditions)

    def minted(self) -> str:
        """Return a query for the forms of the things that the rule makes up, as rows of ``text``."""
        scope = _Scope({}, "a")
        sources, conditions = scope.body(self.rule.body, None)
        variables = {variable for variable, _ in self.rule.body.bindings}.intersection(self.rule.head.variables())
        return " UNION ".join(
            _select(f"{scope.form(variable)} AS text", sources, conditions) for variable in sorted(variables)
        )


def _select(columns: str, sources: Iterable[str], conditions: Iterable[str]) -> str:
    where = " AND ".join(conditions) or "true"
    tables = ", ".join(sources)
    return f"SELECT {columns} FROM {tables} WHERE {where}" if tables else f"SELECT {columns} WHERE {where}"


class _Scope:
    """Where the variables of a body stand; bodies inside it (absent, counted) have scopes of their own."""

    def __init__(self, outer: Mapping[Var, str], prefix: str) -> None:
        self._columns: dict[Var, str] = dict(outer)
        self._forms: dict[Var, str] = {}
        self._subjects: set[Var] = set()
        self._prefix = prefix

    def body(self, body: Body, new_at: int | None) -> tuple[list[str], list[str]]:
        """Return the tables and the conditions of a body."""
        sources: list[str] = []
        conditions: list[str] = []
        for number, atom in enumerate(body.atoms):
            alias = f"{self._prefix}{number}"
            key = atom_key(atom)
            table = f"(SELECT s, o FROM delta WHERE {key_condition(key)})" if number == new_at else key_table(key)
            sources.append(f"{table} AS {alias}")
            conditions += self._place(atom.subject, f"{alias}.s")
            if key[1] is None:
                conditions += self._place(atom.object, f"{alias}.o")
            if isinstance(atom.subject, Var):
                self._subjects.add(atom.subject)
        for number, count in enumerate(body.counts):
            alias = f"{self._prefix}c{number}"
            sources.append(f"({self._groups(count, alias)}) AS {alias}")
            for index, variable in enumerate(count.group):
                conditions += self._place(variable, f"{alias}.g{index}")
        for variable, formula in body.bindings:
            self._forms[variable] = self.form(formula)
            self._columns[variable] = f"term_id({self._forms[variable]})"
        conditions += [self.truth(test) for test in body.tests]
        for number, absent in enumerate(body.absent):
            inner = _Scope(self._columns, f"{self._prefix}n{number}_")
            conditions.append(f"NOT EXISTS ({_select('1', *inner.body(absent, None))})")
        return sources, conditions

    def _groups(self, count: Count, alias: str) -> str:
        parts = []
        for number, alternative in enumerate(count.alternatives):
            inner = _Scope({}, f"{alias}_{number}_")
            sources, conditions = inner.body(alternative, None)
            grouped = "".join(f", {inner.id(variable)} AS g{index}" for index, variable in enumerate(count.group))
            parts.append(_select(f"{inner.id(count.counted)} AS v{grouped}", sources, conditions))
        columns = ", ".join(f"g{index}" for index in range(len(count.group)))
        grouping = f" GROUP BY {columns}" if columns else ""
        everything = " UNION ALL ".join(parts)
        return f"SELECT {columns or '1'} FROM ({everything}){grouping} HAVING count(DISTINCT v) >= {count.minimum}"

    def _place(self, slot: Slot, column: str) -> list[str]:
        if not isinstance(slot, Var):
            return [f"{column} = {constant(slot)}"]
        if slot in self._columns:
            return [f"{column} = {self._columns[slot]}"]
        self._columns[slot] = column
        return []

    # -- values

    def id(self, slot: Slot) -> str:
        """Return the id of a variable's value or of a term, as SQL."""
        return self._columns[slot] if isinstance(slot, Var) else constant(slot)

    def form(self, formula: Formula) -> str:
        """Return the N-Triples form of a value, as SQL."""
        if isinstance(formula, Var):
            return self._forms.get(formula) or f"(SELECT text FROM term WHERE id = {self._columns[formula]})"
        if not isinstance(formula, Call):
            return quote(str(formula))
        if formula.operator == "IRI":
            return f"'<' || {self.text(formula.arguments[0])} || '>'"
        if formula.operator in _ARITHMETIC:
            return f"'\"' || ({self.number(formula)})::BIGINT || '\"^^<{_XSD}integer>'"
        # A backslash comes first, or those of the quotes would be doubled.
        return f"'\"' || replace(replace({self.text(formula)}, '\\', '\\\\'), '\"', '\\\"') || '\"'"

    def truth(self, formula: Formula) -> str:
        """Return a condition, as SQL."""
        if not isinstance(formula, Call):
            return "true"
        operator, arguments = formula.operator, formula.arguments
        if operator in {"&&", "||"}:
            joined = " AND " if operator == "&&" else " OR "
            return "(" + joined.join(self.truth(argument) for argument in arguments) + ")"
        if operator == "!":
            return f"NOT {self.truth(arguments[0])}"
        if operator in {"isIRI", "isLITERAL"}:
            assert not isinstance(arguments[0], Call)
            return f"({self.id(arguments[0])} & 1 = {int(operator == 'isLITERAL')})"
        assert operator in _COMPARISONS
        left, right = arguments
        sql = {"!=": "<>"}.get(operator, operator)
        kinds = {self._kind(left), self._kind(right)}
        if "number" in kinds or (operator not in {"=", "!="} and "text" not in kinds):
            return f"({self.number(left)} {sql} {self.number(right)})"
        if "text" in kinds:
            return f"({self.text(left)} {sql} {self.text(right)})"
        assert not isinstance(left, Call)
        assert not isinstance(right, Call)
        same = f"({self.id(left)} {sql} {self.id(right)})"
        if any(self._is_thing(side) for side in (left, right)):
            return same
        return f"coalesce({self.number(left)} {sql} {self.number(right)}, {same})"

    def _kind(self, formula: Formula) -> str:
        if isinstance(formula, ox.Literal):
            return "number" if formula.datatype.value in _NUMBERS else "text"
        if isinstance(formula, Call):
            return "number" if formula.operator in _ARITHMETIC else "text"
        return "any"

    def _is_thing(self, formula: Formula) -> bool:
        return isinstance(formula, ox.NamedNode) or (isinstance(formula, Var) and formula in self._subjects)

    def number(self, formula: Formula) -> str:
        """Return a value as a number, as SQL; null when it is none."""
        if isinstance(formula, Var):
            return f"(SELECT n FROM num WHERE id = {self._columns[formula]})"
        if isinstance(formula, ox.Literal):
            return f"TRY_CAST({quote(formula.value)} AS DOUBLE)"
        if isinstance(formula, Call) and formula.operator in _ARITHMETIC:
            values = [self.number(argument) for argument in formula.arguments]
            return (
                f"abs({values[0]})" if formula.operator == "ABS" else "(" + f" {formula.operator} ".join(values) + ")"
            )
        return "NULL::DOUBLE"

    def text(self, formula: Formula) -> str:
        """Return a value as text, as SQL."""
        if not isinstance(formula, Call):
            return f"lexical({self.form(formula)})"
        arguments = [self.text(argument) for argument in formula.arguments]
        match formula.operator:
            case "STR" | "IRI":
                return arguments[0]
            case "CONCAT":
                return "(" + " || ".join(arguments) + ")"
            case "SHA1":
                return f"sha1({arguments[0]})"
            case "LANG":
                return f"regexp_extract({self.form(formula.arguments[0])}, '@([A-Za-z0-9-]+)$', 1)"
            case "DATATYPE":
                found = f"regexp_extract({self.form(formula.arguments[0])}, '\\^\\^<([^>]*)>$', 1)"
                return f"coalesce(nullif({found}, ''), '{_XSD}string')"
            case _:
                return f"({self.number(formula)})::BIGINT::VARCHAR"
