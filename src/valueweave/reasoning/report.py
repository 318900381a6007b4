"""What reasoning did: rounds, how much each rule concluded, which axioms rules do not carry, what contradicts.

In: an open graph, answers of the description logic reasoner. Out: text and JSON.
The decision hidden here: layout and wording of ``valueweave reason``.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyoxigraph as ox

from valueweave.graph import KnowledgeGraph
from valueweave.layout import INFERRED_GRAPH, ONTOLOGY_GRAPH
from valueweave.namespaces import GRAPH, shorten_iri
from valueweave.reasoning.closure.materialize import materialize
from valueweave.reasoning.logic.check import DescriptionReport
from valueweave.reasoning.proofs.contradictions import Contradiction, find_contradictions
from valueweave.reasoning.proofs.text import ProofWriter
from valueweave.reasoning.rules.compiler import Uncovered

__all__ = ["SCHEMA", "ReasoningReport", "ReportWriter", "reason"]

SCHEMA = "https://w3id.org/valueweave/schema/reasoning-1"
"""Name and version of the JSON form."""

_CARRIERS = {
    "dl": "the description logic reasoner",
    "shapes": "the shapes",
}


@dataclass(frozen=True, slots=True)
class ReasoningReport:
    """What follows from the asserted statements of a graph.

    Attributes:
        asserted: how many statements were asserted, the ontology's left out.
        inferred: how many were inferred.
        rounds: in how many rounds.
        by_rule: how many statements each rule was the first to conclude.
        rules: how many rules there are; ``checks``: how many checks.
        checks: how many checks.
        uncovered: axioms that rules do not carry.
        contradictions: what the checks find.
        differing: how many inferred statements the store lacks or has too many; 0 when it holds exactly what follows.
        seconds: of the closure and the checks.
    """

    asserted: int
    inferred: int
    rounds: int
    by_rule: dict[str, int]
    rules: int
    checks: int
    uncovered: tuple[Uncovered, ...]
    contradictions: tuple[Contradiction, ...]
    differing: int
    seconds: float

    @property
    def sound(self) -> bool:
        """Whether nothing contradicts, and the store holds what follows."""
        return not self.contradictions and not self.differing


def reason(kg: KnowledgeGraph) -> ReasoningReport:
    """Compute again what follows from the asserted statements of ``kg``, and hold it against what the store holds."""
    book = kg.reasoning.rules
    ontology = [quad.triple for quad in kg.store.statements(graph=ox.NamedNode(ONTOLOGY_GRAPH))]
    asserted = {
        quad.triple
        for graph in kg.store.graphs()
        if graph.startswith(GRAPH) and graph != ONTOLOGY_GRAPH and not graph.startswith(INFERRED_GRAPH)
        for quad in kg.store.statements(graph=ox.NamedNode(graph))
    }
    held = {quad.triple for quad in kg.store.statements(graph=ox.NamedNode(INFERRED_GRAPH))}
    started = time.perf_counter()
    closure = materialize(asserted, ontology, book)
    found = find_contradictions(kg.store.engine, book, closure.broken) if closure.broken else []
    seconds = time.perf_counter() - started
    counted = Counter(name for _, _, name in closure.conclusions)
    return ReasoningReport(
        len(asserted),
        len(closure.conclusions),
        closure.rounds,
        dict(sorted(counted.items(), key=lambda entry: (-entry[1], entry[0]))),
        len(book.rules) + len(book.queries),
        len(book.checks),
        book.compiled.uncovered,
        tuple(found),
        len(held.symmetric_difference(closure.triples())),
        seconds,
    )


class ReportWriter:
    """Writes reports in one language.

    Args:
        proofs: says statements and proofs in words.
    """

    def __init__(self, proofs: ProofWriter) -> None:
        self._proofs = proofs

    # -- text

    def text(self, report: ReasoningReport, most: int = 15) -> str:
        """Return a report as text, with the ``most`` productive rules."""
        lines = [
            f"{report.asserted} statements asserted, {report.inferred} inferred in {report.rounds} rounds by "
            f"{report.rules} rules, {report.checks} checks, in {report.seconds:.1f} s."
        ]
        lines.append(
            "The store holds exactly what follows."
            if not report.differing
            else f"The store differs in {report.differing} inferred statements: build it again."
        )
        lines += ["", "Inferred by rule:"]
        shown = list(report.by_rule.items())
        lines += [f"  {count:>6}  {name}" for name, count in shown[:most]]
        if len(shown) > most:
            lines.append(f"  {sum(count for _, count in shown[most:]):>6}  by {len(shown) - most} more rules")
        lines += ["", "Axioms that rules do not carry:"]
        lines += list(self._uncovered(report.uncovered))
        lines += ["", *self._contradictions(report.contradictions)]
        return "\n".join(lines)

    def _uncovered(self, uncovered: Iterable[Uncovered]) -> Iterator[str]:
        groups: dict[tuple[str, str], Counter[str]] = {}
        for one in uncovered:
            text = " ".join(str(one.text.get(self._proofs.language) or one.text["en"]).split())
            groups.setdefault((one.carrier, one.why), Counter())[text] += 1
        for (carrier, why), texts in groups.items():
            yield f"  {_CARRIERS[carrier]} sees to these, as {why}:"
            yield from (f"    {text}" for text in texts)

    def _contradictions(self, found: Sequence[Contradiction]) -> Iterator[str]:
        if not found:
            yield "No contradictions."
            return
        yield f"Contradictions: {len(found)}"
        for one in found:
            yield ""
            yield self._proofs.tree(one.proof)

    def dl_text(self, report: DescriptionReport) -> str:
        """Return what the description logic reasoner found as text."""
        name = self._proofs.name
        result = report.result
        lines = [
            f"{report.case or 'all cases'}: {'consistent' if result.consistent else 'INCONSISTENT'}; "
            f"{report.statements} statements, {len(result.superclasses)} classes, {len(result.types)} individuals; "
            f"reasoner {result.seconds:.1f} s, all {report.seconds:.1f} s."
        ]
        if not result.consistent:
            if report.contradictions:
                lines += list(self._contradictions(report.contradictions))
            elif report.behind is None:
                lines.append("No check finds it, and the search for the smallest set behind it was ended.")
            else:
                lines.append("These statements together have no model:")
                lines += [self._proofs.tree(proof) for proof in report.behind]
            return "\n".join(lines)
        told = [f"  {name(ox.NamedNode(iri))}" for iri in sorted(result.unsatisfiable)]
        lines += ["Classes that can have no members:", *told] if told else ["Every class can have members."]
        lines += [self._proofs.text(reason) for reason in report.reasons]
        for heading, pairs in (
            ("Types that only rules conclude:", report.only_rules),
            ("Types that only the reasoner concludes:", report.only_reasoner),
        ):
            if pairs:
                lines.append(heading)
                lines += [f"  {name(ox.NamedNode(one))}: {name(ox.NamedNode(kind))}" for one, kind in pairs]
        if not (report.only_rules or report.only_reasoner):
            lines.append("Rules and reasoner agree on all types.")
        if report.beyond_hierarchy:
            lines.append("By definitions alone:")
            lines += [
                f"  every {name(ox.NamedNode(one))} is a {name(ox.NamedNode(other))}"
                for one, other in report.beyond_hierarchy
            ]
        return "\n".join(lines)

    # -- JSON

    def json(self, report: ReasoningReport | None, dl: Sequence[DescriptionReport] = ()) -> dict[str, Any]:
        """Return reports as a JSON object; its ``schema`` names form and version."""
        found: dict[str, Any] = {"schema": SCHEMA}
        if report is not None:
            found["rules"] = {
                "asserted": report.asserted,
                "inferred": report.inferred,
                "rounds": report.rounds,
                "rules": report.rules,
                "checks": report.checks,
                "by_rule": report.by_rule,
                "uncovered": [
                    {"text": dict(one.text), "why": one.why, "carrier": one.carrier} for one in report.uncovered
                ],
                "contradictions": [self._contradiction(one) for one in report.contradictions],
                "differing": report.differing,
                "seconds": round(report.seconds, 3),
            }
        if dl:
            found["description_logic"] = [self._dl(one) for one in dl]
        return found

    def _contradiction(self, one: Contradiction) -> dict[str, Any]:
        return {
            "thing": one.thing.value,
            "check": {"name": one.check.name, "text": dict(one.check.source.text)},
            "statements": [self._proofs.statement(leaf.statement) for leaf in one.leaves],
            "proof": self._proofs.proof(one.proof),
        }

    def _dl(self, report: DescriptionReport) -> dict[str, Any]:
        def pairs(given: Iterable[tuple[str, str]]) -> list[list[str]]:
            return [[shorten_iri(one), shorten_iri(other)] for one, other in given]

        return {
            "case": report.case,
            "consistent": report.result.consistent,
            "unsatisfiable": sorted(map(shorten_iri, report.result.unsatisfiable)),
            "statements": report.statements,
            "classes": len(report.result.superclasses),
            "individuals": len(report.result.types),
            "only_rules": pairs(report.only_rules),
            "only_reasoner": pairs(report.only_reasoner),
            "beyond_hierarchy": pairs(report.beyond_hierarchy),
            "contradictions": [self._contradiction(one) for one in report.contradictions],
            "behind": None if report.behind is None else [self._proofs.proof(one) for one in report.behind],
            "reasons": [self._proofs.json(reason) for reason in report.reasons],
            "reasoner_seconds": round(report.result.seconds, 3),
            "seconds": round(report.seconds, 3),
        }
