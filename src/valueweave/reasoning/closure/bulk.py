"""The closure of many statements at once, on tables.

In: statements, rules in strata. Out: what follows, each statement with the round and the rule it came from; the checks
that are met.
The decision hidden here: in which order rules run and what each sees. Every round sees what is new since the last one
(semi-naive evaluation: Abiteboul, Hull and Vianu (1995), Foundations of Databases, section 13.1); rules with one
condition run together, the others each as a query.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pyoxigraph as ox

from valueweave.reasoning.closure.facts import LINES, Facts
from valueweave.reasoning.closure.rule_rows import ClassPairs, SimpleRules, is_simple
from valueweave.reasoning.closure.tables import RuleQuery, constant, key_condition, key_table, quote
from valueweave.reasoning.rules.model import TYPE, Count, Key, Rule, Var, atom_key
from valueweave.reasoning.rules.strata import keys_asked

__all__ = ["BulkClosure", "Conclusion"]

Conclusion = tuple[ox.Triple, int, str]
"""A statement that follows, the round in which it was found, and the name of the rule that found it."""

_NEW = "NOT EXISTS (SELECT 1 FROM fact WHERE fact.s = f.s AND fact.p = f.p AND fact.o = f.o)"
_INFERRED = "CREATE TABLE inferred(s UBIGINT, p UBIGINT, o UBIGINT, round INTEGER, rule INTEGER)"


class BulkClosure(Facts):
    """Statements with what follows from them, which stands in ``inferred``, too; use it as a context manager.

    Load statements, run rules, then ask for what they concluded and which checks are met.

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

    def __init__(self, *, threads: int | None = None) -> None:
        super().__init__(threads=threads)
        self._db.execute(_INFERRED)
        self._simple = SimpleRules(self._db)
        self._names: list[str] = []
        self._strata: list[list[tuple[Rule, int]]] = []
        self._keys: dict[Key, str] = {}
        self._numbered: dict[tuple[int, int | None], Key] = {}
        self.round = 0

    # -- running

    def run(self, strata: Sequence[Sequence[Rule]]) -> None:
        """Run the rules of each stratum to a fixpoint, one stratum after the other."""
        rules = [rule for stratum in strata for rule in stratum]
        self._names = [rule.name for rule in rules]
        numbers = {id(rule): number for number, rule in enumerate(rules)}
        self._add_constants(rules)
        self._add_numbers()
        for rule in rules:
            if not is_simple(rule):
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

    def _add_constants(self, rules: Iterable[Rule]) -> None:
        """Take in the terms that conclusions name, which may be new to the data."""
        heads = [rule.head for rule in rules]
        slots = [slot for head in heads for slot in (head.subject, head.predicate, head.object)]
        forms = sorted({str(slot) for slot in slots if not isinstance(slot, Var)})
        if forms:
            self._add_terms(f"SELECT unnest([{', '.join(quote(form) for form in forms)}]) AS text")

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
        joined = [(RuleQuery(rule), number) for rule, number in rules if not is_simple(rule)]
        self._simple.choose((rule, number) for rule, number in rules if is_simple(rule))
        changed: frozenset[Key] | None = None
        if since is not None:
            self._db.execute(
                f"CREATE OR REPLACE TABLE delta AS SELECT s, p, o, rule FROM inferred WHERE round >= {since}"
            )
            changed = self._changed()
        while True:
            self._db.execute("CREATE OR REPLACE TABLE found(s UBIGINT, p UBIGINT, o UBIGINT, rule INTEGER)")
            self._simple.run("fact" if changed is None else "delta")
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
        query = f"SELECT DISTINCT p, CASE WHEN p = {constant(TYPE)} THEN o END FROM delta"
        pairs = self._db.execute(query).fetchall()
        there = {*pairs, *((predicate, None) for predicate, _ in pairs)}
        return frozenset(key for pair, key in self._numbered.items() if pair in there)

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
        pairs = ClassPairs(self._db, checks)
        found = pairs.met()
        for number, check in enumerate(checks):
            if number in pairs.numbers:
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
            f" TO {quote(str(path))} ({LINES})"
        )
        return self._count("SELECT count(*) FROM inferred")


def _keys_counted(count: Count) -> Iterator[Key]:
    for alternative in count.alternatives:
        yield from (key for key, _ in keys_asked(alternative))
