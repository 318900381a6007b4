"""The closure of many statements at once, on tables.

In: statements, rules in strata. Out: what follows, each statement with the round and the rule it came from.
The decision hidden here: DuckDB. Terms become 64-bit hashes; rules with one condition run together, as a join with a
table of rules, the others each as a query; every round sees what is new since the last one (semi-naive evaluation:
Abiteboul, Hull and Vianu (1995), Foundations of Databases, section 13.1).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import duckdb
import pyoxigraph as ox

from valueweave.problems import ValueWeaveError
from valueweave.reasoning.closure.tables import MACROS, RuleQuery, constant, key_condition, key_table, quote
from valueweave.reasoning.rules.model import TYPE, Count, Key, Rule, Term, Var, atom_key
from valueweave.reasoning.rules.strata import keys_asked

__all__ = ["BulkClosure", "Conclusion"]

Conclusion = tuple[ox.Triple, int, str]
"""A statement that follows, the round in which it was found, and the name of the rule that found it."""

_NUMERIC = "integer|decimal|double|float|long|int|short|byte|[a-z]+Integer"
_NEW = "NOT EXISTS (SELECT 1 FROM fact WHERE fact.s = f.s AND fact.p = f.p AND fact.o = f.o)"
_TABLES = (
    "CREATE TABLE term(id UBIGINT, text VARCHAR)",
    "CREATE TABLE num(id UBIGINT, n DOUBLE)",
    "CREATE TABLE fact(s UBIGINT, p UBIGINT, o UBIGINT)",
    "CREATE TABLE inferred(s UBIGINT, p UBIGINT, o UBIGINT, round INTEGER, rule INTEGER)",
    # One row for each rule with one condition. ``s`` and ``o`` of the conclusion: the subject (0) or object (1) of the
    # condition, or a constant (2).
    "CREATE TABLE simple(p UBIGINT, o UBIGINT, head_s TINYINT, s_id UBIGINT, head_p UBIGINT, head_o TINYINT,"
    " o_id UBIGINT, rule INTEGER)",
)


class BulkClosure:
    """A closure that is computed on tables; use it as a context manager.

    >>> from valueweave.reasoning.rules.files import read_rule
    >>> rules = read_rule('''#+ label: grandparent
    ... #+ definition: A parent of a parent.
    ... #+ layer: family
    ... CONSTRUCT { ?a <urn:grandparent> ?c } WHERE { ?a <urn:parent> ?b . ?b <urn:parent> ?c }''', "grandparent")
    >>> a, b, c, parent = (ox.NamedNode(f"urn:{name}") for name in ("a", "b", "c", "parent"))
    >>> with BulkClosure() as closure:
    ...     closure.load([ox.Triple(a, parent, b), ox.Triple(b, parent, c)])
    ...     closure.run([rules])
    ...     [(str(triple), number, rule) for triple, number, rule in closure.conclusions()]
    [('<urn:a> <urn:grandparent> <urn:c>', 1, 'grandparent')]
    """

    def __init__(self, *, memory_mib: int | None = None, threads: int | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="valueweave-")
        self._db = duckdb.connect(":memory:")
        self._db.execute("SET preserve_insertion_order = false")
        self._db.execute("SET enable_progress_bar = false")  # it would go to stdout, where the data goes
        self._db.execute(f"SET temp_directory = {quote(self._folder.name)}")
        if memory_mib is not None:
            self._db.execute(f"SET memory_limit = '{memory_mib}MiB'")
        if threads is not None:
            self._db.execute(f"SET threads = {threads}")
        for statement in (*MACROS, *_TABLES):
            self._db.execute(statement)
        self._rules: list[Rule] = []
        self._names: list[str] = []
        self._strata: list[list[tuple[Rule, int]]] = []
        self._keys: dict[Key, str] = {}
        self._numbered: dict[tuple[int, int | None], Key] = {}
        self.round = 0

    def __enter__(self) -> BulkClosure:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()
        self._folder.cleanup()

    # -- loading

    def load(self, triples: Iterable[ox.Triple]) -> None:
        """Take in statements; call it before :meth:`run`.

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
        # A separator that N-Triples cannot hold makes each line one column.
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

    # -- running

    def run(self, strata: Sequence[Sequence[Rule]]) -> None:
        """Run the rules of each stratum to a fixpoint, one stratum after the other."""
        self._rules = [rule for stratum in strata for rule in stratum]
        self._names = [rule.name for rule in self._rules]
        numbers = {id(rule): number for number, rule in enumerate(self._rules)}
        self._add_constants()
        self._add_numbers()
        for rule in self._rules:
            if not _is_simple(rule):
                for key, _ in keys_asked(rule.body):
                    self._add_key(key)
        self._strata = [[(rule, numbers[id(rule)]) for rule in stratum] for stratum in strata]
        for stratum in self._strata:
            self._fixpoint(stratum)

    def extend(self, conclusions: Mapping[str, Iterable[ox.Triple]]) -> None:
        """Take in what rules outside have concluded, and what follows from it; call it after :meth:`run`.

        Args:
            conclusions: statements by the name of the rule; of two rules with one conclusion the first has it.
        """
        self.round += 1
        added = 0
        for name, triples in conclusions.items():
            self._read(self._file(triples))
            self._names.append(name)
            before = self._count("SELECT count(*) FROM inferred")
            self._db.execute(
                "CREATE OR REPLACE TABLE delta AS SELECT * FROM (SELECT DISTINCT term_id(s) AS s, term_id(p) AS p,"
                f" term_id(o) AS o, {len(self._names) - 1} AS rule FROM raw) AS f WHERE {_NEW}"
            )
            self._keep()
            added += self._count("SELECT count(*) FROM inferred") - before
        if not added:
            self.round -= 1
            return
        first = self.round
        for stratum in self._strata:
            self._fixpoint(stratum, first)

    def _add_constants(self) -> None:
        """The terms that conclusions name may be new to the data."""
        heads = [rule.head for rule in self._rules]
        slots = [slot for head in heads for slot in (head.subject, head.predicate, head.object)]
        forms = sorted({str(slot) for slot in slots if not isinstance(slot, Var)})
        if forms:
            self._add_terms(f"SELECT unnest([{', '.join(quote(form) for form in forms)}]) AS text")

    def _add_numbers(self) -> None:
        self._db.execute(
            "INSERT INTO num SELECT * FROM (SELECT id, TRY_CAST(lexical(text) AS DOUBLE) AS n FROM term"
            f" WHERE id & 1 = 1 AND regexp_matches(text, 'XMLSchema#({_NUMERIC})>$')) WHERE n IS NOT NULL"
        )

    def _add_key(self, key: Key) -> None:
        if key not in self._keys:
            name = self._keys[key] = key_table(key)
            predicate, value = key
            given = "NULL" if value is None else constant(ox.NamedNode(value))
            pair = self._db.execute(f"SELECT {constant(ox.NamedNode(predicate))}, {given}").fetchone()
            assert pair is not None
            self._numbered[pair] = key
            self._db.execute(f"CREATE TABLE {name} AS SELECT s, o FROM fact WHERE {key_condition(key)}")

    def _fixpoint(self, rules: Sequence[tuple[Rule, int]], since: int | None = None) -> None:
        """Run rules until nothing new follows; from everything, or from what was found since a round."""
        joined = [(RuleQuery(rule), number) for rule, number in rules if not _is_simple(rule)]
        simple = [_simple_row(rule, number) for rule, number in rules if _is_simple(rule)]
        self._db.execute("DELETE FROM simple")
        if simple:
            self._db.execute(
                "INSERT INTO simple SELECT term_id(p), CASE WHEN o IS NOT NULL THEN term_id(o) END, head_s,"
                " coalesce(term_id(s_id), 0), term_id(head_p), head_o, coalesce(term_id(o_id), 0), rule FROM"
                f" (VALUES {', '.join(simple)}) AS r(p, o, head_s, s_id, head_p, head_o, o_id, rule)"
            )
        changed: frozenset[Key] | None = None
        if since is not None:
            self._db.execute(
                f"CREATE OR REPLACE TABLE delta AS SELECT s, p, o, rule FROM inferred WHERE round >= {since}"
            )
            changed = self._changed()
        while True:
            self._db.execute("CREATE OR REPLACE TABLE found(s UBIGINT, p UBIGINT, o UBIGINT, rule INTEGER)")
            self._run_simple("fact" if changed is None else "delta")
            for query, number in joined:
                self._run_joined(query, number, changed)
            self._db.execute(
                "CREATE OR REPLACE TABLE delta AS SELECT s, p, o, min(rule) AS rule FROM found AS f"
                f" WHERE s & 1 = 0 AND {_NEW} GROUP BY s, p, o"
            )
            if not self._count("SELECT count(*) FROM delta"):
                return
            self.round += 1
            changed = self._keep()

    def _keep(self) -> frozenset[Key]:
        """Keep what stands in ``delta`` as facts of this round; return of which keys there is something new."""
        self._db.execute(f"INSERT INTO inferred SELECT s, p, o, {self.round}, rule FROM delta")
        self._db.execute("INSERT INTO fact SELECT s, p, o FROM delta")
        changed = self._changed()
        for key in changed:
            self._db.execute(f"INSERT INTO {self._keys[key]} SELECT s, o FROM delta WHERE {key_condition(key)}")
        return changed

    def _changed(self) -> frozenset[Key]:
        """Return the keys, of those that rules ask for, of which there is something new."""
        if not self._keys:
            return frozenset()
        pairs = self._db.execute(
            f"SELECT DISTINCT p, CASE WHEN p = {constant(TYPE)} THEN o END FROM delta"
        ).fetchall()  # fmt: skip
        there = {*pairs, *((predicate, None) for predicate, _ in pairs)}
        return frozenset(key for pair, key in self._numbered.items() if pair in there)

    def _run_simple(self, table: str) -> None:
        columns = (
            "CASE head_s WHEN 0 THEN d.s WHEN 1 THEN d.o ELSE s_id END, head_p,"
            " CASE head_o WHEN 0 THEN d.s WHEN 1 THEN d.o ELSE o_id END, r.rule"
        )
        for condition in ("d.p = r.p AND d.o = r.o AND r.o IS NOT NULL", "d.p = r.p AND r.o IS NULL"):
            self._db.execute(f"INSERT INTO found SELECT {columns} FROM {table} AS d JOIN simple AS r ON {condition}")

    def _run_joined(self, query: RuleQuery, number: int, changed: frozenset[Key] | None) -> None:
        """Draw the conclusions of one rule from what is new; from everything in the first round."""
        body = query.rule.body
        if changed is None or any(key in changed for count in body.counts for key in _keys_counted(count)):
            statements = [query.conclusions()]
        else:
            statements = [query.conclusions(at) for at, atom in enumerate(body.atoms) if atom_key(atom) in changed]
        if not statements:
            return
        if query.mints:
            self._add_terms(query.minted())
        for sql in statements:
            self._db.execute(f"INSERT INTO found SELECT DISTINCT s, p, o, {number} FROM ({sql})")

    # -- contradictions

    def met(self, checks: Sequence[Rule]) -> list[Rule]:
        """Return the checks whose conditions are met; call it after :meth:`run`.

        Disjoint classes, by far the most of them, run together; the others each as a query.
        """
        pairs = [(number, *pair) for number, check in enumerate(checks) if (pair := _class_pair(check))]
        found: set[int] = set()
        if pairs:
            rows = ", ".join(f"({constant(one)}, {constant(other)}, {number})" for number, one, other in pairs)
            self._db.execute("CREATE OR REPLACE TABLE pair(one UBIGINT, other UBIGINT, number INTEGER)")
            self._db.execute(f"INSERT INTO pair VALUES {rows}")
            self._db.execute(
                f"CREATE OR REPLACE TABLE typed AS SELECT s, o FROM fact WHERE p = {constant(TYPE)}"
                " AND o IN (SELECT one FROM pair UNION SELECT other FROM pair)"
            )
            found.update(
                row[0]
                for row in self._db.execute(
                    "SELECT DISTINCT number FROM pair JOIN typed AS a ON a.o = one JOIN typed AS b ON b.o = other"
                    " WHERE a.s = b.s"
                ).fetchall()
            )
        together = {number for number, _, _ in pairs}
        for number, check in enumerate(checks):
            if number in together:
                continue
            for key, _ in keys_asked(check.body):
                self._add_key(key)
            if self._count(f"SELECT count(*) FROM (SELECT 1 FROM ({RuleQuery(check).conclusions()}) LIMIT 1)"):
                found.add(number)
        return [checks[number] for number in sorted(found)]

    # -- results

    def conclusions(self) -> Iterator[Conclusion]:
        """Yield what was concluded, round after round."""
        rows = self._db.execute(
            "SELECT s.text || ' ' || p.text || ' ' || o.text || ' .', round, rule FROM inferred AS i"
            " JOIN term AS s ON s.id = i.s JOIN term AS p ON p.id = i.p JOIN term AS o ON o.id = i.o"
            " ORDER BY round, rule, 1"
        ).fetchall()
        lines = "\n".join(row[0] for row in rows)
        for quad, (_, number, rule) in zip(ox.parse(lines, format=ox.RdfFormat.N_TRIPLES), rows, strict=True):
            yield quad.triple, number, self._names[rule]

    @property
    def tables(self) -> duckdb.DuckDBPyConnection:
        """The tables: ``fact``, ``inferred``, ``term``, ``num``."""
        return self._db

    def size(self) -> int:
        """Return how many statements there are, stated and concluded."""
        return self._count("SELECT count(*) FROM fact")

    def write_facts(self, path: Path, table: str = "fact") -> None:
        """Write what was stated and what was concluded as N-Triples.

        Args:
            path: the file.
            table: where the statements stand, as rows of ``s``, ``p``, ``o``; all of them when not given.
        """
        self._db.execute(
            "COPY (SELECT s.text || ' ' || p.text || ' ' || o.text || ' .' FROM"
            f" (SELECT DISTINCT s, p, o FROM {table}) AS f"
            " JOIN term AS s ON s.id = f.s JOIN term AS p ON p.id = f.p JOIN term AS o ON o.id = f.o)"
            f" TO {quote(str(path))} (FORMAT csv, HEADER false, DELIMITER '\x01', QUOTE '', ESCAPE '')"
        )

    def write(self, path: Path, graph: str, derivations: str) -> int:
        """Write the conclusions as N-Quads: each in ``graph``, and in a graph of its round and rule.

        Args:
            path: the file.
            graph: IRI of the graph of all conclusions; each is written to the default graph as well.
            derivations: how the IRIs of the graphs of rounds and rules begin.

        Returns:
            How many statements were concluded.
        """
        self._db.execute("CREATE OR REPLACE TABLE rules(rule INTEGER, name VARCHAR)")
        if self._names:
            rows = ", ".join(f"({number}, {quote(name)})" for number, name in enumerate(self._names))
            self._db.execute(f"INSERT INTO rules VALUES {rows}")
        self._db.execute(
            "COPY (WITH lines AS (SELECT s.text || ' ' || p.text || ' ' || o.text AS line, round, name"
            " FROM inferred AS i"
            " JOIN term AS s ON s.id = i.s JOIN term AS p ON p.id = i.p JOIN term AS o ON o.id = i.o"
            " JOIN rules AS r ON r.rule = i.rule)"
            f" SELECT unnest([line || ' .', line || ' <{graph}> .',"
            f" line || ' <{derivations}' || round || '/' || name || '> .']) FROM lines)"
            f" TO {quote(str(path))} (FORMAT csv, HEADER false, DELIMITER '\x01', QUOTE '', ESCAPE '')"
        )
        return self._count("SELECT count(*) FROM inferred")


def _keys_counted(count: Count) -> Iterator[Key]:
    for alternative in count.alternatives:
        yield from (key for key, _ in keys_asked(alternative))


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


def _is_simple(rule: Rule) -> bool:
    """Whether a rule has one condition, whose variables differ: such rules run all at once."""
    if len(rule.body.atoms) != 1 or not rule.body.plain:
        return False
    atom = rule.body.atoms[0]
    return isinstance(atom.subject, Var) and atom.subject != atom.object


def _simple_row(rule: Rule, number: int) -> str:
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
