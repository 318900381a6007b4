"""The rules that are queries, when a store changes a little.

In: a store, a change of it that is known as far as the other rules go. Out: what these rules conclude now.
The decision hidden here: such a rule runs again only where the change may matter to it: for the values of its variables
at which a statement that came or went meets one of its patterns. Its conclusions and what follows from them stand in
rounds after all others, so that they can be set aside while it runs.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace

import pyoxigraph as ox

from valueweave.layout import DERIVATIONS
from valueweave.reasoning.closure.differences import Derivation, Ledger
from valueweave.reasoning.closure.materialize import run_queries
from valueweave.reasoning.closure.query_conditions import QueryConditions
from valueweave.reasoning.closure.query_patterns import Pattern, key_of
from valueweave.reasoning.closure.query_search import unify_pattern
from valueweave.reasoning.closure.views import View
from valueweave.reasoning.rules.files import QueryRule
from valueweave.reasoning.rules.model import Key, Term, Var, triple_keys

__all__ = ["Places", "QueryRules"]

Place = tuple[Var, Term]


class Places:
    """Where in the solutions of a query something may be: values of variables, or everywhere."""

    def __init__(self, places: Iterable[Place | None] = ()) -> None:
        self.everywhere = False
        self._values: dict[Var, dict[Term, None]] = defaultdict(dict)
        self.update(places)

    def __bool__(self) -> bool:
        return self.everywhere or bool(self._values)

    def __iter__(self) -> Iterator[Place | None]:
        if self.everywhere:
            yield None
        for variable, values in self._values.items():
            yield from ((variable, value) for value in values)

    def update(self, places: Iterable[Place | None]) -> None:
        """Take in places; ``None`` is everywhere."""
        for place in places:
            if place is None:
                self.everywhere = True
                return
            self._values[place[0]][place[1]] = None

    def values(self) -> Iterator[str]:
        """Yield the places as SPARQL writes them, one block for each variable."""
        for variable, values in self._values.items():
            yield f"VALUES {variable} {{ {' '.join(map(str, values))} }}"

    def may_hold(self, others: Places) -> bool:
        """Whether a solution may be at one of these places and at one of ``others``."""
        if self.everywhere or others.everywhere:
            return True
        return any(
            variable != other or not values.keys().isdisjoint(other_values)
            for variable, values in self._values.items()
            for other, other_values in others._values.items()
        )


class QueryRules:
    """The rules of a rule book that run once, after all others.

    Args:
        rules: the rules, in the order in which they run.

    Attributes:
        names: their names.
    """

    def __init__(self, rules: Sequence[QueryRule]) -> None:
        self._rules = tuple(rules)
        self.names = tuple(rule.name for rule in rules)
        self._conditions = {rule.name: QueryConditions(rule.text) for rule in rules}
        self._heads = {name: conditions.head for name, conditions in self._conditions.items()}
        self._concluding: dict[Key | None, dict[QueryRule, None]] = defaultdict(dict)
        for rule in rules:
            for pattern in self._heads[rule.name]:
                self._concluding[key_of(pattern)][rule] = None

    def __bool__(self) -> bool:
        return bool(self._rules)

    def beyond(self, store: ox.Store) -> dict[ox.Triple, Derivation]:
        """Return what these rules concluded and what followed from it, with round and rule."""
        graphs = _derivations(store)
        first = min((number for number, name, _ in graphs if name in self.names), default=None)
        found: dict[ox.Triple, Derivation] = {}
        for number, name, graph in graphs:
            if first is not None and number >= first:
                for quad in store.quads_for_pattern(None, None, None, graph):
                    found.setdefault(quad.triple, (number, name))
        return found

    def latest(self, store: ox.Store) -> int:
        """Return the last round before that of the conclusions of these rules."""
        graphs = _derivations(store)
        first = min((number for number, name, _ in graphs if name in self.names), default=None)
        return max((number for number, _, _ in graphs if first is None or number < first), default=0)

    def conclude(
        self, store: ox.Store, ledger: Ledger, held: Mapping[ox.Triple, Derivation]
    ) -> tuple[dict[ox.Triple, str], set[ox.Triple]]:
        """Return what the rules conclude where the change matters, each with its rule, and what they do no more.

        Args:
            store: the store before the change.
            ledger: the change, as far as the other rules go; these rules see nothing else.
            held: what they concluded before the change, and what followed from it.

        Raises:
            InputError: when one cannot be evaluated.
        """
        recorded: dict[str, list[ox.Triple]] = defaultdict(list)
        for triple, (_, name) in held.items():
            recorded[name].append(triple)
        told = self._told(store, (triple for triple in ledger.removed if triple not in ledger.added))
        before = View(store)
        concluded: dict[ox.Triple, str] = {}
        doubted: set[ox.Triple] = set()
        hits_before: dict[tuple[object, ...], bool] = {}
        hits_after: dict[tuple[object, ...], bool] = {}
        for rule in self._rules:
            conditions = self._conditions[rule.name]
            places = Places(conditions.places(ledger.before, ledger.removed, hits_before))
            places.update(conditions.places(ledger.after, ledger.added, hits_after))
            if not places:
                continue
            for triple in self._evaluate(ledger.after, rule, places):
                concluded.setdefault(triple, rule.name)
            doubted |= {
                triple
                for triple in recorded[rule.name]
                if triple not in concluded and places.may_hold(self._places(before, rule, triple))
            }
        for rule in self._rules:
            # A conclusion that is doubted may come from another place, and what is gone may be concluded.
            mine = doubted.intersection(recorded[rule.name]) | told.get(rule.name, set())
            for triple in self._still(ledger.after, before, rule, mine.difference(concluded)):
                concluded.setdefault(triple, rule.name)
        dropped = doubted.difference(concluded)
        for rule in self._rules:
            # Of two rules with one conclusion the first has it; when that one drops it, the other takes it over.
            others = dropped.difference(recorded[rule.name], concluded)
            for triple in self._still(ledger.after, before, rule, others):
                concluded.setdefault(triple, rule.name)
        new = {triple: name for triple, name in concluded.items() if triple not in ledger.after}
        return new, dropped.difference(concluded)

    def _told(self, store: ox.Store, triples: Iterable[ox.Triple]) -> dict[str, set[ox.Triple]]:
        """Return which of the statements that are to go a rule may conclude, by its name: they were no news."""
        found: dict[str, set[ox.Triple]] = defaultdict(set)
        for triple in triples:
            for rule in self._makers(triple):
                if _concluded(store, self._heads[rule.name], triple):
                    found[rule.name].add(triple)
        return found

    def _makers(self, triple: ox.Triple) -> Iterator[QueryRule]:
        """Yield the rules that conclude statements like this one."""
        yield from dict.fromkeys(rule for key in (None, *triple_keys(triple)) for rule in self._concluding.get(key, ()))

    def _still(self, view: View, before: View, rule: QueryRule, wanted: Set[ox.Triple]) -> Iterator[ox.Triple]:
        """Yield those of some statements that a rule concludes."""
        mine = [
            triple
            for triple in wanted
            if any(unify_pattern(pattern, triple) is not None for pattern in self._heads[rule.name])
        ]
        if mine:
            places = Places(place for triple in mine for place in self._places(before, rule, triple))
            yield from (triple for triple in self._evaluate(view, rule, places) if triple in wanted)

    def _evaluate(self, view: View, rule: QueryRule, places: Places) -> Iterator[ox.Triple]:
        """Yield what a rule concludes at some places."""
        conditions = self._conditions[rule.name]
        around = None if places.everywhere else conditions.around(view, (place for place in places if place))
        if around is None:
            keys = conditions.keys(lambda predicate, value: _things(view, predicate, value))
            around = set(view.everything(keys))
            texts = [rule.text]
        else:
            opened = re.search(r"\bWHERE\s*\{", rule.text, re.IGNORECASE)
            assert opened is not None
            start, end = rule.text[: opened.end()], rule.text[opened.end() :]
            texts = [f"{start} {values} {end}" for values in places.values()]
        # What is around a place is little, and a query of little is fast however it is planned.
        engine = ox.Store()
        engine.extend(ox.Quad(triple.subject, triple.predicate, triple.object) for triple in around)
        for text in texts:
            for _, triples in run_queries(engine, [replace(rule, text=text)]):
                yield from triples

    def _places(self, before: View, rule: QueryRule, triple: ox.Triple) -> Places:
        """Return where in the solutions of a rule its conclusion ``triple`` may come from."""
        conditions = self._conditions[rule.name]
        certain = conditions.certain
        places = Places()
        for pattern in self._heads[rule.name]:
            values = unify_pattern(pattern, triple)
            if values is None:
                continue
            known: list[Place] = [(variable, term) for variable, term in values.items() if variable in certain][:1]
            # What the rule concludes beside it, of the same thing, names where it comes from.
            found = known or list(_beside(before, self._heads[rule.name], values, certain))
            if found or not values:
                places.update(found or [None])
            else:
                places.update(conditions.bound(before, *next(iter(values.items()))))
        return places


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


def _beside(before: View, head: Sequence[Pattern], values: Mapping[Var, Term], certain: Set[Var]) -> Iterator[Place]:
    """Yield the places at which a rule concluded something else of the same thing, by the first pattern that tells."""
    for subject, predicate, value in head:
        if not (
            isinstance(subject, Var)
            and subject in values
            and isinstance(value, Var)
            and value in certain
            and isinstance(predicate, ox.NamedNode)
        ):
            continue
        thing = values[subject]
        if isinstance(thing, ox.NamedNode):
            told = (triple.object for triple in before.find(thing, predicate, None))
            found = [(value, term) for term in told if isinstance(term, ox.NamedNode | ox.Literal)]
            if found:
                yield from found
                return


def _things(view: View, predicate: ox.NamedNode, value: Term) -> list[str]:
    found = (triple.subject for triple in view.find(None, predicate, value))
    return [subject.value for subject in found if isinstance(subject, ox.NamedNode)]


def _concluded(store: ox.Store, head: Sequence[Pattern], triple: ox.Triple) -> bool:
    """Whether a rule may have concluded a statement: whatever it concludes with it is there, too."""
    for pattern in head:
        values = unify_pattern(pattern, triple)
        if values is None:
            continue
        others = ([values.get(slot) if isinstance(slot, Var) else slot for slot in other] for other in head)
        if all(
            ox.Quad(*parts) in store  # type: ignore[arg-type]
            for parts in others
            if None not in parts and isinstance(parts[0], ox.NamedNode)
        ):
            return True
    return False
