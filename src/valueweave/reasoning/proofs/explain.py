"""Why a statement holds: its proof, down to the passages of the sources.

In: a store with its closure, the rules it was built with, a statement. Out:
:class:`~valueweave.reasoning.proofs.model.Explanation`.
The decision hidden here: a proof is searched backwards on the store. Every inferred statement stands in a graph of its
round and rule; the conditions of the rule are evaluated with the conclusion bound, and only statements of earlier
rounds are taken as premises, so a proof always ends.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import closing
from itertools import islice

import pyoxigraph as ox

from valueweave.layout import DERIVATIONS, INFERRED_GRAPH
from valueweave.namespaces import PREFIXES
from valueweave.reasoning.proofs.model import Explanation, Nearest, Passage, Proof
from valueweave.reasoning.proofs.nearest import near, nearest, similar
from valueweave.reasoning.proofs.passages import passages
from valueweave.reasoning.rules.book import RuleBook
from valueweave.reasoning.rules.conditions import group_members, solutions, unify, where
from valueweave.reasoning.rules.construct import Pattern
from valueweave.reasoning.rules.files import QueryRule
from valueweave.reasoning.rules.model import Body, Call, Rule, Term, Var

__all__ = ["Explainer"]

_ANNOTATIONS = frozenset(ox.NamedNode(iri) for iri in (PREFIXES["rdfs"] + "label", PREFIXES["dcterms"] + "description"))
"""What a rule reads only to give its conclusions a label."""

_TRIES = 200
"""So many ways to meet the conditions of a rule are looked at for the one with the lowest premises."""


class Explainer:
    """Explains the statements of a store.

    Args:
        engine: the store's engine; its default graph holds the closure.
        rules: the rules the store was built with.
        updated: gives what updates have added to the graphs of files.
    """

    def __init__(
        self, engine: ox.Store, rules: RuleBook, updated: Callable[[], AbstractSet[ox.Quad]] = frozenset
    ) -> None:
        self._engine: ox.Store = engine
        self._rules, self._updated = rules, updated

    def explain(self, statement: ox.Triple, *, proofs: int = 1) -> Explanation:
        """Return why ``statement`` holds, or what comes nearest to it.

        Args:
            statement: what to explain.
            proofs: how many proofs to give at most; they differ in their last step.
        """
        if self._rank(statement) is None:
            return Explanation(
                statement,
                entailed=False,
                nearest=tuple(nearest(self._engine, self._rules, statement)),
                similar=tuple(similar(self._engine, statement)),
            )
        known: dict[ox.Triple, Proof] = {}
        first = self._prove(statement, known)
        found = [first]
        if proofs > 1:
            found += islice(self._others(first, known), proofs - 1)
        return Explanation(statement, entailed=True, proofs=tuple(found))

    def prove_all(self, rule: Rule) -> Iterator[Proof]:
        """Yield a proof for each way in which the conditions of ``rule`` are met, for a check a contradiction each."""
        known: dict[ox.Triple, Proof] = {}
        for values in solutions(self._engine, rule.body, {}):
            premises, conditions = self._premises(rule, values)
            proofs = tuple(self._prove(premise, known) for premise in premises)
            deepest = max((proof.round for proof in proofs), default=0)
            yield Proof(rule.head.bind(values).triple(), deepest + 1, rule, proofs, conditions)

    def proof(self, triple: ox.Triple) -> Proof | None:
        """Return the proof of lowest round of a statement, if it holds."""
        return None if self._rank(triple) is None else self._prove(triple, {})

    def near(self, rule: Rule, triple: ox.Triple) -> Nearest | None:
        """Return which conditions of ``rule`` are met for it to conclude ``triple``, if it is about such statements."""
        return near(self._engine, rule, triple)

    def passages(self, triple: ox.Triple) -> list[Passage]:
        """Return where the sources say what an asserted statement says."""
        return passages(self._engine, triple, self._graphs(triple)[0], self._updated())

    # -- the search

    def _graphs(self, triple: ox.Triple) -> tuple[list[str], list[tuple[int, str]]]:
        """Return the graphs that assert a statement, and the rounds and rules that inferred it."""
        asserted: list[str] = []
        derived: list[tuple[int, str]] = []
        for quad in self._engine.quads_for_pattern(triple.subject, triple.predicate, triple.object, None):
            graph = quad.graph_name
            if not isinstance(graph, ox.NamedNode) or graph.value == INFERRED_GRAPH:
                continue
            if graph.value.startswith(DERIVATIONS):
                number, _, name = graph.value.removeprefix(DERIVATIONS).partition("/")
                derived.append((int(number), name))
            else:
                asserted.append(graph.value)
        return sorted(asserted), sorted(derived)

    def _rank(self, triple: ox.Triple) -> int | None:
        asserted, derived = self._graphs(triple)
        if asserted:
            return 0
        return derived[0][0] if derived else None

    def _prove(self, triple: ox.Triple, known: dict[ox.Triple, Proof]) -> Proof:
        if triple not in known:
            asserted, derived = self._graphs(triple)
            if asserted:
                behind = tuple(passages(self._engine, triple, asserted, self._updated()))
                known[triple] = Proof(triple, 0, graphs=tuple(asserted), passages=behind)
            else:
                number, name = derived[0]
                if (query := self._rules.queries_by_name.get(name)) is not None:
                    known[triple] = self._query_step(triple, number, query, known)
                else:
                    known[triple] = self._last_step(triple, number, self._rules.by_name[name], known)
        return known[triple]

    def _last_step(self, triple: ox.Triple, number: int, rule: Rule, known: dict[ox.Triple, Proof]) -> Proof:
        best: tuple[int, list[ox.Triple], dict[Var, Term]] | None = None
        bound = unify(rule.head, triple)
        for tried, values in enumerate(solutions(self._engine, rule.body, bound or {})):
            if tried > _TRIES and best is not None:
                break
            premises, _ = self._premises(rule, values, number)
            ranks = [self._rank(premise) for premise in premises]
            known_ranks = [rank for rank in ranks if rank is not None and rank < number]
            if len(known_ranks) == len(ranks) and (best is None or sum(known_ranks) < best[0]):
                best = sum(known_ranks), premises, values
                if best[0] == 0:
                    break
        if best is None:
            raise LookupError(f"The rule {rule.name} does not conclude {triple} from this store.")
        premises, conditions = self._premises(rule, best[2], number)
        return Proof(triple, number, rule, tuple(self._prove(premise, known) for premise in premises), conditions)

    def _query_step(self, triple: ox.Triple, number: int, query: QueryRule, known: dict[ox.Triple, Proof]) -> Proof:
        """Return the step of a rule that is a query: what its patterns match, with the conclusion bound."""
        # An answer of the engine must be let go of in the thread that asked: it is closed before anything else begins,
        # and the text of the rule is read before it (exceptions inside its parser keep the frames that they passed).
        head, patterns = query.head, query.patterns
        with closing(self._query_solutions(triple, query, head)) as answer:
            found = (self._premises_of_query(values, number, patterns) for values in answer)
            premises = next(filter(None, found), None)
        if premises is None:
            raise LookupError(f"The rule {query.name} does not conclude {triple} from this store.")
        return Proof(triple, number, query, tuple(self._prove(premise, known) for premise in premises))

    def _premises_of_query(self, values: dict[Var, Term], number: int, patterns: Iterable[Pattern]) -> list[ox.Triple]:
        premises: dict[ox.Triple, None] = {}
        for pattern in patterns:
            subject, predicate, value = (values.get(slot) if isinstance(slot, Var) else slot for slot in pattern)
            if not isinstance(subject, ox.NamedNode) or not isinstance(predicate, ox.NamedNode) or value is None:
                continue
            premise = ox.Triple(subject, predicate, value)
            rank = self._rank(premise)
            # A pattern of an alternative that was not taken, or of an option, need not hold.
            if rank is not None and rank < number and predicate not in _ANNOTATIONS:
                premises[premise] = None
        return list(premises)

    def _query_solutions(
        self, triple: ox.Triple, query: QueryRule, head: Iterable[Pattern]
    ) -> Generator[dict[Var, Term], None, None]:
        for pattern in head:
            bound: dict[Var, Term] = {}
            for slot, term in zip(pattern, (triple.subject, triple.predicate, triple.object), strict=True):
                if not isinstance(term, ox.NamedNode | ox.Literal):
                    break
                if (bound.setdefault(slot, term) if isinstance(slot, Var) else slot) != term:
                    break
            else:
                tests = " ".join(f"FILTER(SAMETERM({variable}, {term}))" for variable, term in bound.items())
                answer = self._engine.query(f"{query.prologue} SELECT * WHERE {{ {{ {query.conditions} }} {tests} }}")
                assert isinstance(answer, ox.QuerySolutions)
                names = [Var(variable.value) for variable in answer.variables]
                for solution in answer:
                    found = {name: solution[index] for index, name in enumerate(names)}
                    yield {name: term for name, term in found.items() if isinstance(term, ox.NamedNode | ox.Literal)}

    def _others(self, first: Proof, known: dict[ox.Triple, Proof]) -> Iterator[Proof]:
        """Yield proofs with another last step than ``first``, lowest premises first."""
        triple = first.statement
        found: list[tuple[int, str, Proof]] = []
        seen = {(first.rule.name if first.rule else None, frozenset(premise.statement for premise in first.premises))}
        for rule in self._rules.concluding(triple):
            values = unify(rule.head, triple)
            if values is None:
                continue
            for complete in islice(solutions(self._engine, rule.body, values), _TRIES):
                premises, conditions = self._premises(rule, complete)
                key = (rule.name, frozenset(premises))
                # A premise that itself rests on the statement would prove nothing.
                if key in seen or triple in premises:
                    continue
                seen.add(key)
                proofs = tuple(self._prove(premise, known) for premise in premises)
                if any(_rests_on(proof, triple) for proof in proofs):
                    continue
                number = max((proof.round for proof in proofs), default=0) + 1
                found.append((number, rule.name, Proof(triple, number, rule, proofs, conditions)))
        for _, _, proof in sorted(found, key=lambda entry: entry[:2]):
            yield proof

    def _premises(
        self, rule: Rule, values: dict[Var, Term], number: int | None = None
    ) -> tuple[list[ox.Triple], tuple[tuple[str, Body | Call | int], ...]]:
        """Return the premises of a step, and what else had to be so; of groups what counted before round ``number``."""

        def earlier(premise: ox.Triple) -> bool:
            rank = self._rank(premise)
            return number is None or (rank is not None and rank < number)

        premises = [atom.bind(values).triple() for atom in rule.body.atoms]
        conditions: list[tuple[str, Body | Call | int]] = []
        for count in rule.body.counts:
            members = group_members(self._engine, count, values, earlier)
            if len(members) < count.minimum:  # these values were not enough then
                members = group_members(self._engine, count, values)
            premises += [premise for member in members for premise in member]
            conditions.append((f"{len(members)} of at least {count.minimum}", len(members)))
        conditions += [(where(Body(tests=(test,)), values), test) for test in rule.body.tests]
        conditions += [(where(Body(absent=(absent,)), values), absent) for absent in rule.body.absent]
        return list(dict.fromkeys(premises)), tuple(conditions)


def _rests_on(proof: Proof, triple: ox.Triple) -> bool:
    if proof.statement == triple:
        return True
    return any(_rests_on(premise, triple) for premise in proof.premises)
