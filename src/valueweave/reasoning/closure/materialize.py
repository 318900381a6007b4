"""Everything that follows: the closure of asserted statements under the rules.

In: asserted statements, the ontology, its rules. Out: :class:`Closure`.
The decision hidden here: the order. Rules that run to a fixpoint come first, on tables; rules in all of SPARQL come
last, once, on a store of what they ask for; what follows from their conclusions is added.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pyoxigraph as ox

from valueweave.layout import DERIVATIONS, INFERRED_GRAPH
from valueweave.problems import InputError, Problem
from valueweave.reasoning.closure.bulk import BulkClosure, Conclusion
from valueweave.reasoning.closure.query_conditions import QueryConditions
from valueweave.reasoning.closure.query_facts import FactsOfQueries, UnknownPredicateError
from valueweave.reasoning.rules.book import RuleBook
from valueweave.reasoning.rules.files import QueryRule

__all__ = ["Closure", "materialize", "run_queries", "run_rules"]

_LARGE = 300_000
"""With so many statements it pays to read the queries, to load no more than they ask for."""

_INFERRED = ox.NamedNode(INFERRED_GRAPH)


@dataclass(frozen=True, slots=True)
class Closure:
    """What follows from asserted statements.

    Attributes:
        conclusions: each inferred statement once, with its round and the name of its rule.
        rounds: how many rounds there were.
        broken: names of the checks whose conditions are met: each is a contradiction.
    """

    conclusions: tuple[Conclusion, ...]
    rounds: int
    broken: tuple[str, ...] = ()

    def triples(self) -> list[ox.Triple]:
        """Return the inferred statements."""
        return [triple for triple, _, _ in self.conclusions]

    def quads(self) -> Iterator[ox.Quad]:
        """Yield each inferred statement in the graph of all of them, and in the graph of its round and rule."""
        for triple, number, name in self.conclusions:
            yield ox.Quad(triple.subject, triple.predicate, triple.object, _INFERRED)
            yield ox.Quad(triple.subject, triple.predicate, triple.object, derivation(number, name))


def derivation(number: int, name: str) -> ox.NamedNode:
    """Return the graph of what rule ``name`` inferred in round ``number``.

    >>> derivation(2, "precedes").value
    'https://w3id.org/valueweave/graph/inferred/2/precedes'
    """
    return ox.NamedNode(f"{DERIVATIONS}{number}/{name}")


def materialize(asserted: Iterable[ox.Triple], ontology: Iterable[ox.Triple], rules: RuleBook) -> Closure:
    """Return what follows from ``asserted`` and ``ontology`` by ``rules``.

    Args:
        asserted: statements about individuals.
        ontology: statements of the ontology; those about individuals are premises, too.
        rules: the rules compiled from this ontology, and the domain rules.

    Returns:
        Inferred statements, none of them asserted. Not inferred: ``owl:Thing``, top properties, annotations, identities
        (``owl:sameAs``), what follows for classes and properties, membership in classes without a name.

    Raises:
        InputError: when a rule that is a query cannot be evaluated.
    """
    statements = dict.fromkeys(ontology)
    statements.update(dict.fromkeys(asserted))
    with BulkClosure() as closure:
        closure.load(statements)
        run_rules(closure, rules)
        broken = tuple(check.name for check in closure.met(rules.checks))
        return Closure(tuple(closure.conclusions()), closure.round, broken)


def run_rules(closure: BulkClosure, rules: RuleBook) -> None:
    """Draw every conclusion of ``rules`` from the statements that ``closure`` was loaded with.

    Raises:
        InputError: as :func:`materialize`.
    """
    closure.run(rules.strata)
    if rules.queries:
        table = _asked(closure, rules.queries) if closure.size() > _LARGE else "fact"
        store = ox.Store()
        with tempfile.TemporaryDirectory(prefix="valueweave-") as folder:
            path = Path(folder) / "facts.nt"
            closure.write_facts(path, table)
            store.bulk_load(path=str(path), format=ox.RdfFormat.N_TRIPLES)
        # The engine lets go of the interpreter while it works; each answer is read in the thread that asked.
        with ThreadPoolExecutor(max_workers=2) as pool:
            conclusions = dict(pool.map(lambda rule: next(run_queries(store, [rule])), rules.queries))
        del store  # the tables need its memory
        closure.extend(conclusions)


def _asked(closure: BulkClosure, queries: Iterable[QueryRule]) -> str:
    """Return the table with what rules that are queries could need."""
    facts = FactsOfQueries(closure.tables)
    try:
        for rule in queries:
            facts.collect(QueryConditions(rule.text))
    except UnknownPredicateError:
        return "fact"
    finally:
        facts.close()
    return "wanted"


def run_queries(store: ox.Store, queries: Iterable[QueryRule]) -> Iterator[tuple[str, list[ox.Triple]]]:
    """Yield for each rule its name and what it concludes from the default graph of ``store``.

    Raises:
        InputError: when a rule cannot be evaluated.
    """
    for rule in queries:
        try:
            answer = store.query(rule.text)
            assert isinstance(answer, ox.QueryTriples)
            found = [triple for triple in dict.fromkeys(answer) if not _has_blank_node(triple)]
        except (OSError, RuntimeError, ValueError) as error:
            raise InputError(
                Problem("rule-failed", f"The rule cannot be evaluated: {error}.", "Change it.", file=rule.source.file)
            ) from error
        yield (
            rule.name,
            [triple for triple in found if ox.Quad(triple.subject, triple.predicate, triple.object) not in store],
        )


def _has_blank_node(triple: ox.Triple) -> bool:
    return isinstance(triple.subject, ox.BlankNode) or isinstance(triple.object, ox.BlankNode)
