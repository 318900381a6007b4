"""Which axioms and rules would be missed: each is taken away, or turned round, and tests and questions are asked again.

In: the ontology, the fixtures of definitions and checks, the tests of the theory, the questions with expected rows.
Out: ``docs/mutation.md``, a list of what nothing protects.
The decision hidden here: nothing is built anew. What a change of one axiom takes away and adds is found as small
changes of a store are (delete and rederive); only the questions are asked that what came or went may matter to.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import inspect
import io
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import yaml

from valueweave.graph import KnowledgeGraph
from valueweave.graph import open as open_graph
from valueweave.layout import DERIVATIONS, ONTOLOGY_GRAPH
from valueweave.namespaces import SCE
from valueweave.ontology import OntologyIndex
from valueweave.project import Project
from valueweave.queries import load_questions
from valueweave.reasoning.closure.differences import Difference, Ledger
from valueweave.reasoning.closure.matching import matches
from valueweave.reasoning.closure.materialize import materialize
from valueweave.reasoning.closure.query_conditions import QueryConditions
from valueweave.reasoning.closure.triggers import Triggers
from valueweave.reasoning.closure.views import Index, View
from valueweave.reasoning.rules.book import RuleBook, rule_texts
from valueweave.reasoning.rules.compiler import axiom_name, compile_axioms
from valueweave.reasoning.rules.expressions import And, Axiom, Expression, Or
from valueweave.reasoning.rules.files import QueryRule
from valueweave.reasoning.rules.model import TYPE, Rule
from valueweave.results import SolutionTable
from valueweave.store import EmbeddedStore

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "mutation.md"
FIXTURE = "https://w3id.org/valueweave/fixture/"
BY_ASSUMPTION = {"CrossCaseClaim"}
_LATE = 1_000_000


@dataclass(frozen=True, slots=True)
class Mutant:
    """An axiom or rule file that is taken away or turned round.

    Attributes:
        name: of the axiom or rule.
        text: what it says.
        how: ``removed`` or ``flipped``.
        gone: names of the rules that go.
        come: rules that come instead.
        kind: ``axiom`` or ``rule``.
    """

    name: str
    text: str
    how: str
    gone: frozenset[str]
    come: tuple[Rule, ...] = ()
    kind: str = "axiom"


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


# -- mutants


def flipped(axiom: Axiom) -> Axiom | None:
    """Return the axiom turned round, or weakened where it cannot be turned; ``None`` where neither can be done."""
    classes, properties = axiom.classes, axiom.properties
    match axiom.kind:
        case "SubClassOf":
            return replace(axiom, classes=(classes[1], classes[0]))
        case "SubPropertyOf":
            return replace(axiom, properties=(properties[1], properties[0]))
        case "Domain":
            return replace(axiom, kind="Range")
        case "Range":
            return replace(axiom, kind="Domain")
        case "InverseProperties":
            return replace(axiom, kind="EquivalentProperties")
        case "PropertyChain":
            turned = (*reversed(properties[:-1]), properties[-1])
            return replace(axiom, properties=turned) if turned != properties else None
        case "EquivalentClasses" if len(classes) == 2:
            weaker = _weaker(classes[1])
            return replace(axiom, classes=(classes[0], weaker)) if weaker else replace(axiom, kind="SubClassOf")
        case _:
            return None


def _weaker(expression: Expression) -> Expression | None:
    """Return an expression without its last part."""
    if isinstance(expression, And | Or) and len(expression.parts) > 1:
        rest = expression.parts[:-1]
        return rest[0] if len(rest) == 1 else replace(expression, parts=rest)
    return None


def mutants(book: RuleBook) -> Iterator[Mutant]:
    """Yield every axiom that rules carry and every rule file, taken away and turned round."""
    alone = defaultdict(set)
    for rule in (*book.compiled.rules, *book.compiled.checks):
        alone[rule.source.name].add(rule.name)
    for axiom, name in _names_of_axioms(book):
        if name not in alone:
            continue
        text = _text(book, name)
        yield Mutant(name, text, "removed", frozenset(alone[name]))
        turned = flipped(axiom)
        if turned is not None:
            come = tuple(
                replace(rule, name=f"flipped-{number}-{name}")
                for number, rule in enumerate(compile_axioms([turned], book.labels).rules)
            )
            yield Mutant(name, text, "flipped", frozenset(alone[name]), come)
    files: dict[str, set[str]] = defaultdict(set)
    ruled: list[Rule | QueryRule] = [*book.domain, *book.queries]
    for one in ruled:
        files[one.source.name].add(one.name)
    for name, rules in sorted(files.items()):
        yield Mutant(name, _text(book, name), "removed", frozenset(rules), kind="rule")


def _names_of_axioms(book: RuleBook) -> Iterator[tuple[Axiom, str]]:
    """Yield the axioms with the names that the compiler gives them, in their order."""
    counted: Counter[str] = Counter()
    for axiom in book.compiled.axioms:
        stem = axiom_name(axiom)
        counted[stem] += 1
        yield axiom, stem if counted[stem] == 1 else f"{stem}-{counted[stem]}"


def _text(book: RuleBook, name: str) -> str:
    every: list[Rule | QueryRule] = [*book.compiled.rules, *book.compiled.checks, *book.domain, *book.queries]
    return next(one.source.text["en"] for one in every if one.source.name == name)


# -- what may notice


def noticed_checks(ontology: OntologyIndex, book: RuleBook) -> dict[str, str]:
    """Return the checks that a fixture of a violation sets off, with the name of the fixture."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "tests" / "fixtures" / "checks").glob("*.ttl")):
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
        for path in sorted((ROOT / "tests" / "fixtures" / "definitions").glob("*.ttl")):
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
        folder = ROOT / "tests" / "questions"
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
    path = ROOT / "tests" / "reasoning" / "test_theory.py"
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


# -- the report


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a mutant: what noticed it, and how many statements it changed in fixtures and cases."""

    mutant: Mutant
    noticed: tuple[str, ...]
    changed: int
    carries: str


def examine(graph: KnowledgeGraph, progress: bool) -> tuple[list[Result], RuleBook]:
    """Try every mutant."""
    project = Project.find()
    ontology = OntologyIndex.load(project)
    book = RuleBook.compile(ontology.triples, rule_texts(project))
    fixtures, cases, checks = Fixtures(ontology, book), Cases(graph), noticed_checks(ontology, book)
    results: list[Result] = []
    every = list(mutants(book))
    conclusive = {rule.name for rule in book.rules} | {rule.name for rule in book.queries}
    for number, mutant in enumerate(every):
        strata = [[rule for rule in stratum if rule.name not in mutant.gone] for stratum in book.strata]
        strata[0] += mutant.come
        triggers = Triggers(strata)
        noticed: list[str] = [
            checks[name] for name in sorted(mutant.gone) if name in checks and mutant.how == "removed"
        ]
        of_fixtures = fixtures.base.change(mutant, triggers)
        noticed += fixtures.fails(of_fixtures)
        of_cases = cases.base.change(mutant, triggers)
        changed = _size(of_fixtures) + _size(of_cases)
        if _size(of_cases) and len(noticed) < 3:
            noticed += cases.fails(of_cases)
        carries = "conclusions" if mutant.gone & conclusive else "checks"
        results.append(Result(mutant, tuple(noticed[:3]), changed, carries))
        if progress and number % 50 == 0:
            sys.stderr.write(f"\r{number} of {len(every)}")
    if progress:
        sys.stderr.write("\n")
    return results, book


def _size(ledger: Ledger) -> int:
    return sum(triple not in ledger.added for triple in ledger.removed) + sum(
        triple not in ledger.removed for triple in ledger.added
    )


def page(results: list[Result], book: RuleBook) -> str:
    """Return the report as Markdown."""
    lines = [
        "# Which axioms and rules are protected",
        "",
        "Made by `make mutate`. Every axiom that rules carry, and every rule file, is taken away, and where that can",
        "be done turned round (a subclass axiom the other way, a domain as a range, an inverse as an equivalent, a",
        "definition without its last part). It is protected when a fixture of a definition or a check, a test of the",
        "theory that asks the graph, or the expected rows of a question notice. Unit tests on small ontologies and the",
        "description logic reasoner are not asked.",
        "",
        "| | mutants | noticed | not noticed, statements change | not noticed, nothing changes |",
        "|---|---|---|---|---|",
    ]
    for title, how, kind, carries in (
        ("axioms with conclusions, removed", "removed", "axiom", "conclusions"),
        ("axioms with conclusions, flipped", "flipped", "axiom", "conclusions"),
        ("axioms that only check, removed", "removed", "axiom", "checks"),
        ("rule files, removed", "removed", "rule", None),
    ):
        rows = [
            one
            for one in results
            if one.mutant.how == how and one.mutant.kind == kind and carries in {None, one.carries}
        ]
        seen = [one for one in rows if one.noticed]
        loud = [one for one in rows if not one.noticed and one.changed]
        lines.append(f"| {title} | {len(rows)} | {len(seen)} | {len(loud)} | {len(rows) - len(seen) - len(loud)} |")
    lines += ["", "## Not protected, though statements depend on them", ""]
    lines += _listed(one for one in results if not one.noticed and one.changed)
    lines += ["", "## Not protected: no statement of the fixtures or cases depends on them", ""]
    lines += _listed(
        one for one in results if not one.noticed and not one.changed and one.carries == "conclusions"
        and one.mutant.how == "removed"
    )  # fmt: skip
    lines += ["", "## Checks without a fixture that violates them", ""]
    lines += _listed(
        one for one in results if not one.noticed and one.carries == "checks" and one.mutant.how == "removed"
    )
    carriers = Counter(one.carrier for one in book.compiled.uncovered)
    told = ", ".join(f"{count} by {carrier}" for carrier, count in sorted(carriers.items()))
    lines += ["", f"Axioms, or directions of axioms, that rules do not carry and that are not tried here: {told}.", ""]
    return "\n".join(lines)


def _listed(results: Iterable[Result]) -> list[str]:
    by_name: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for one in results:
        by_name[one.mutant.name, one.mutant.text].append(one)
    return [
        f"- `{name}`: {text} ({', '.join(one.mutant.how for one in found)}"
        + (f"; {max(one.changed for one in found)} statements" if any(one.changed for one in found) else "")
        + ")"
        for (name, text), found in sorted(by_name.items())
    ] or ["None."]


def main() -> None:
    """Try every mutant and write the page."""
    parser = argparse.ArgumentParser(description="Take axioms and rules away and see who notices.")
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--store", type=Path, help="a built store; otherwise one is built")
    given = parser.parse_args()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="valueweave-") as folder, open_graph(store=given.store or folder) as graph:
        results, book = examine(graph, progress=sys.stderr.isatty())
    given.page.write_text(page(results, book), encoding="utf-8")
    missed = sum(not one.noticed for one in results)
    print(
        f"{len(results)} mutants in {time.perf_counter() - started:.0f} s;"
        f" {missed} are noticed by nothing: {given.page}"
    )


if __name__ == "__main__":
    main()
