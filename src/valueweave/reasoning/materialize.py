"""Everything that follows: the closure of asserted statements under the rules.

In: asserted statements, the ontology, its rules. Out: :class:`Closure`.
The decision hidden here: the order. Rules that run to a fixpoint come first, on tables; rules in all of SPARQL come
last, once, on a store of the closure; what follows from their conclusions is added.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyoxigraph as ox

from valueweave.layout import DERIVATIONS, INFERRED_GRAPH
from valueweave.problems import InputError, Problem
from valueweave.reasoning.bulk import BulkClosure, Conclusion
from valueweave.reasoning.rule_files import QueryRule
from valueweave.reasoning.rulebook import RuleBook

__all__ = ["Closure", "materialize", "run_queries"]

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
        closure.run(rules.strata)
        if rules.queries:
            store = ox.Store()
            store.bulk_extend(ox.Quad(t.subject, t.predicate, t.object) for t in statements)
            store.bulk_extend(ox.Quad(t.subject, t.predicate, t.object) for t, _, _ in closure.conclusions())
            closure.extend(dict(run_queries(store, rules.queries)))
        broken = tuple(check.name for check in closure.met(rules.checks))
        return Closure(tuple(closure.conclusions()), closure.round, broken)


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
