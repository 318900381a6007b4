"""Who notices when a closure changes: fixtures of definitions and checks, questions, tests of the theory.

In: the ontology with its rules, the built graph, a mutant. Out: what its closure loses and gains, and who notices.
The decision hidden here: nothing is built anew. What a change of one axiom takes away and adds is found as small
changes of a store are (delete and rederive); only the questions are asked that what came or went may matter to.
"""

from __future__ import annotations

import csv
import importlib.util
import inspect
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import yaml

from mutants import Mutant
from valueweave.graph import KnowledgeGraph
from valueweave.layout import DERIVATIONS, ONTOLOGY_GRAPH
from valueweave.namespaces import SCE
from valueweave.ontology import OntologyIndex
from valueweave.queries import load_questions
from valueweave.reasoning.closure.differences import Difference, Ledger
from valueweave.reasoning.closure.matching import matches
from valueweave.reasoning.closure.materialize import materialize
from valueweave.reasoning.closure.query_conditions import QueryConditions
from valueweave.reasoning.closure.triggers import Triggers
from valueweave.reasoning.closure.views import Index, View
from valueweave.reasoning.rules.book import RuleBook
from valueweave.reasoning.rules.model import TYPE
from valueweave.results import SolutionTable
from valueweave.store import EmbeddedStore

__all__ = ["Cases", "Fixtures", "noticed_checks"]

TESTS = Path(__file__).parents[1] / "tests"
FIXTURE = "https://w3id.org/valueweave/fixture/"
BY_ASSUMPTION = {"CrossCaseClaim"}
"""Classes whose near miss is a member by rules, which take different names to denote different things."""

_LATE = 1_000_000
"""The round of what an axiom that was turned round adds: after all others."""


@dataclass(slots=True)
class Base:
    """A store with its closure, and what each rule inferred in it."""

    engine: ox.Store
    by_rule: dict[str, list[ox.Triple]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for graph in self.engine.named_graphs():
            if isinstance(graph, ox.NamedNode) and graph.value.startswith(DERIVATIONS):
                name = graph.value.removeprefix(DERIVATIONS).partition("/")[2]
                self.by_rule[name] += [quad.triple for quad in self.engine.quads_for_pattern(None, None, None, graph)]

    def change(self, mutant: Mutant, triggers: Triggers) -> Ledger:
        """Return what the closure loses and gains by a mutant."""
        ledger = Ledger(self.engine, [], [])
        for name in mutant.gone:
            ledger.removed.update(dict.fromkeys(self.by_rule.get(name, ())))
        difference = Difference(ledger, triggers)
        difference.run()
        if mutant.come:
            found: dict[str, list[ox.Triple]] = {}
            for rule in mutant.come:
                heads = (rule.head.bind(values) for values in matches(ledger.after, rule.body, {}))
                found[rule.name] = [head.triple() for head in heads if not isinstance(head.subject, ox.Literal)]
            difference.extend(found, _LATE)
        return ledger


# -- what may notice


def noticed_checks(ontology: OntologyIndex, book: RuleBook) -> dict[str, str]:
    """Return the checks that a fixture of a violation sets off, with the name of the fixture."""
    found: dict[str, str] = {}
    for path in sorted((TESTS / "fixtures" / "checks").glob("*.ttl")):
        stated = [quad.triple for quad in ox.parse(path=path)]
        facts = Index([*stated, *ontology.triples, *materialize(stated, ontology.triples, book).triples()])
        for check in book.checks:
            if check.name not in found and next(matches(facts, check.body, {}), None) is not None:
                found[check.name] = f"fixture {path.stem}"
    return found


class Fixtures:
    """The fixtures of definitions, all in one store, each with names of its own."""

    def __init__(self, ontology: OntologyIndex, book: RuleBook) -> None:
        self._names = []
        asserted: list[ox.Triple] = []
        for path in sorted((TESTS / "fixtures" / "definitions").glob("*.ttl")):
            text = path.read_text("utf-8").replace(FIXTURE, f"{FIXTURE}{path.stem}/")
            asserted += [quad.triple for quad in ox.parse(text, format=ox.RdfFormat.TURTLE)]
            self._names.append(path.stem)
        self.base = Base(_store(ontology.triples, asserted, book))

    def fails(self, ledger: Ledger) -> Iterator[str]:
        """Yield the fixtures that notice a change."""
        for name in self._names:
            expected = (("positive", True), ("negative", False), ("nearMiss", name in BY_ASSUMPTION))
            if any((_member(name, one) in ledger.after) is not wanted for one, wanted in expected):
                yield f"fixture {name}"


def _member(name: str, one: str) -> ox.Triple:
    return ox.Triple(ox.NamedNode(f"{FIXTURE}{name}/{one}"), TYPE, ox.NamedNode(SCE + name))


def _store(ontology: Iterable[ox.Triple], asserted: Iterable[ox.Triple], book: RuleBook) -> ox.Store:
    everything = [*ontology, *asserted]
    closure = materialize(everything, [], book)
    engine = ox.Store()
    engine.bulk_extend(ox.Quad(t.subject, t.predicate, t.object, ox.NamedNode(ONTOLOGY_GRAPH)) for t in everything)
    engine.bulk_extend(closure.quads())
    engine.bulk_extend(ox.Quad(t.subject, t.predicate, t.object) for t in [*everything, *closure.triples()])
    return engine


class Cases:
    """The real graph, its questions and the tests of the theory."""

    def __init__(self, graph: KnowledgeGraph) -> None:
        engine = ox.Store()
        engine.bulk_extend(graph.store.engine)
        self._kg = KnowledgeGraph(EmbeddedStore(engine, graph.store.manifest), graph.project)
        self.base = Base(engine)
        folder = TESTS / "questions"
        texts = load_questions(graph.project)
        self._asked: dict[str, QueryConditions] = {}
        self._entries: list[tuple[dict[str, Any], list[tuple[str, ...]]]] = []
        for entry in yaml.safe_load((folder / "questions.yaml").read_text("utf-8")):
            path = folder / "expected" / f"{entry['id']}.csv"
            if not path.exists():
                continue
            expected = _rows(path.read_text("utf-8"))
            if self._holds(entry, expected):
                self._entries.append((entry, expected))
                if entry["question"] not in self._asked:
                    self._asked[entry["question"]] = QueryConditions(texts[entry["question"]].text)
        self._tests = list(_theory())

    def _holds(self, entry: dict[str, Any], expected: list[tuple[str, ...]]) -> bool:
        table = self._kg.query(entry["question"], entry.get("parameters"))
        assert isinstance(table, SolutionTable)
        found = _rows(table.serialize("csv").decode())
        return found == expected if entry["rows"] == "exact" else set(expected) <= set(found)

    def fails(self, ledger: Ledger, most: int = 3) -> list[str]:
        """Return what notices a change: questions and tests of the theory, a few of them."""
        engine = self.base.engine
        out = [_quad(triple) for triple in ledger.removed if triple not in ledger.added]
        into = [_quad(triple) for triple in ledger.added if triple not in ledger.removed]
        found: list[str] = []
        # An answer that no longer holds was met by what went, one that is new by what came.
        asked = {name for name, one in self._asked.items() if _any(engine, one, out)}
        for quad in out:
            engine.remove(quad)
        engine.extend(into)
        try:
            asked |= {name for name, one in self._asked.items() if name not in asked and _any(engine, one, into)}
            for entry, expected in self._entries:
                if len(found) < most and entry["question"] in asked and not self._holds(entry, expected):
                    found.append(f"question {entry['id']}")
            found += [f"test {name}" for name, test in self._tests if len(found) < most and not _passes(test, self._kg)]
        finally:
            for quad in into:
                engine.remove(quad)
            engine.extend(out)
        return found


def _any(engine: ox.Store, asked: QueryConditions, quads: Iterable[ox.Quad]) -> bool:
    return any(True for _ in asked.places(View(engine), (quad.triple for quad in quads)))


def _quad(triple: ox.Triple) -> ox.Quad:
    return ox.Quad(triple.subject, triple.predicate, triple.object)


def _rows(text: str) -> list[tuple[str, ...]]:
    return [tuple(row) for row in csv.reader(io.StringIO(text))]


def _theory() -> Iterator[tuple[str, Any]]:
    """Yield the tests of the theory that need nothing but the graph, with a function that runs each."""
    path = TESTS / "reasoning" / "test_theory.py"
    spec = importlib.util.spec_from_file_location("test_theory", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, test in inspect.getmembers(module, inspect.isfunction):
        names = list(inspect.signature(test).parameters)
        if not name.startswith("test_") or "kg" not in names or {"ontology", "rules"} & set(names):
            continue
        marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
        choices: list[dict[str, Any]] = [{}]
        for mark in marks:
            keys = [key.strip() for key in mark.args[0].split(",")] if isinstance(mark.args[0], str) else mark.args[0]
            choices = [
                {**one, **dict(zip(keys, value if len(keys) > 1 else (value,), strict=True))}
                for one in choices
                for value in mark.args[1]
            ]
        for number, chosen in enumerate(choices):
            yield f"{name}{number or ''}", (test, chosen)


def _passes(test: Any, kg: KnowledgeGraph) -> bool:
    function, chosen = test
    try:
        function(kg=kg, **chosen)
    except AssertionError:
        return False
    return True
