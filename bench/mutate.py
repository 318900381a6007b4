"""Which axioms and rules would be missed: each is taken away, or turned round, and tests and questions are asked again.

In: the project. Out: ``docs/mutation.md``, a list of what nothing protects.
The decision hidden here: what counts as protected, and what is told of the rest.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mutants import Mutant, mutants
from noticing import Cases, Fixtures, noticed_checks
from valueweave.graph import KnowledgeGraph
from valueweave.graph import open as open_graph
from valueweave.ontology import OntologyIndex
from valueweave.project import Project
from valueweave.reasoning.closure.differences import Ledger
from valueweave.reasoning.closure.triggers import Triggers
from valueweave.reasoning.rules.book import RuleBook, rule_texts

PAGE = Path(__file__).parents[1] / "docs" / "mutation.md"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a mutant.

    Attributes:
        mutant: the mutant.
        noticed: what noticed it, a few of them.
        changed: how many statements it changed in fixtures and cases.
        carries: ``conclusions`` or ``checks``: what its rules are.
    """

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
