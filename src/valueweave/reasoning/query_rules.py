"""The rules that are queries, when a store changes a little.

In: a store, a change of it that is known as far as the other rules go. Out: what these rules conclude now.
The decision hidden here: such a rule runs again, as a whole, when the change may matter to it; its conclusions and what
follows from them stand in rounds after all others, so that they can be set aside while it runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pyoxigraph as ox

from valueweave.layout import DERIVATIONS
from valueweave.reasoning.materialize import run_queries
from valueweave.reasoning.query_conditions import QueryConditions
from valueweave.reasoning.rule_files import QueryRule
from valueweave.reasoning.rules import Var

__all__ = ["QueryRules"]

Derivation = tuple[int, str]


class QueryRules:
    """The rules of a rule book that run once, after all others.

    Args:
        rules: the rules, in the order in which they run.
    """

    def __init__(self, rules: Sequence[QueryRule]) -> None:
        self._rules = tuple(rules)
        self._names = frozenset(rule.name for rule in rules)
        self._conditions = {rule.name: QueryConditions(rule.text) for rule in rules}

    def __bool__(self) -> bool:
        return bool(self._rules)

    def beyond(self, store: ox.Store) -> dict[ox.Triple, Derivation]:
        """Return what these rules concluded and what followed from it, with round and rule."""
        graphs = _derivations(store)
        first = min((number for number, name, _ in graphs if name in self._names), default=None)
        found: dict[ox.Triple, Derivation] = {}
        for number, name, graph in graphs:
            if first is not None and number >= first:
                for quad in store.quads_for_pattern(None, None, None, graph):
                    found.setdefault(quad.triple, (number, name))
        return found

    def latest(self, store: ox.Store) -> int:
        """Return the last round before that of the conclusions of these rules."""
        graphs = _derivations(store)
        first = min((number for number, name, _ in graphs if name in self._names), default=None)
        return max((number for number, _, _ in graphs if first is None or number < first), default=0)

    def touched(self, store: ox.Store, triples: Sequence[ox.Triple], *, gone: bool) -> set[str]:
        """Return the names of the rules to which statements may matter.

        Args:
            store: a state that holds the statements.
            triples: what came, or is to go.
            gone: whether they are to go; a rule may conclude itself what is no longer there.
        """
        found: set[str] = set()
        for rule in self._rules:
            told = gone and any(_concluded(store, rule, triple) for triple in triples)
            if told or any(store.query(question) for question in self._conditions[rule.name].questions(triples)):
                found.add(rule.name)
        return found

    def conclude(
        self, store: ox.Store, beyond: Mapping[ox.Triple, Derivation], touched: set[str]
    ) -> dict[str, list[ox.Triple]]:
        """Return what the rules conclude, by name and in their order.

        Args:
            store: the store after the change, without ``beyond``.
            beyond: what they concluded before the change, and what followed from it.
            touched: the rules that must run again.

        Raises:
            InputError: when one cannot be evaluated.
        """
        before: dict[str, list[ox.Triple]] = {rule.name: [] for rule in self._rules}
        for triple, (_, name) in beyond.items():
            if name in before:
                before[name].append(triple)
        found = dict(run_queries(store, [rule for rule in self._rules if rule.name in touched]))
        # Of two rules with one conclusion the first has it; when that one drops it, the other may take it over.
        dropped = [triple for name in found for triple in set(before[name]).difference(found[name])]
        heirs = {
            rule.name
            for rule in self._rules
            if rule.name not in found
            and any(_bound(pattern, triple) is not None for pattern in rule.head for triple in dropped)
        }
        found.update(run_queries(store, [rule for rule in self._rules if rule.name in heirs]))
        return {rule.name: found.get(rule.name, before[rule.name]) for rule in self._rules}


def _derivations(store: ox.Store) -> list[tuple[int, str, ox.NamedNode]]:
    """Return the graphs that say how statements were inferred, by round, and the names of the rules."""
    found: list[tuple[int, str, ox.NamedNode]] = []
    for graph in store.named_graphs():
        if isinstance(graph, ox.NamedNode) and graph.value.startswith(DERIVATIONS):
            number, _, name = graph.value.removeprefix(DERIVATIONS).partition("/")
            # The store goes on naming a graph whose last statement is gone.
            if any(True for _ in store.quads_for_pattern(None, None, None, graph)):
                found.append((int(number), name, graph))
    return sorted(found, key=lambda one: one[:2])


def _bound(pattern: Iterable[object], triple: ox.Triple) -> dict[Var, object] | None:
    """Return the values with which a pattern of a conclusion is a statement, if there are any."""
    values: dict[Var, object] = {}
    for slot, term in zip(pattern, (triple.subject, triple.predicate, triple.object), strict=True):
        if (values.setdefault(slot, term) if isinstance(slot, Var) else slot) != term:
            return None
    return values


def _concluded(store: ox.Store, rule: QueryRule, triple: ox.Triple) -> bool:
    """Whether a rule may have concluded a statement: whatever it concludes with it is there, too."""
    for pattern in rule.head:
        values = _bound(pattern, triple)
        if values is None:
            continue
        others = ([values.get(slot) if isinstance(slot, Var) else slot for slot in other] for other in rule.head)
        if all(
            ox.Quad(*parts) in store  # type: ignore[arg-type]
            for parts in others
            if None not in parts and isinstance(parts[0], ox.NamedNode)
        ):
            return True
    return False
