"""Proofs for people and programs: as text with labels, as JSON, as a Mermaid diagram.

In: explanations, labels. Out: text or JSON values.
The decision hidden here: wording and layout.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pyoxigraph as ox

from valueweave.namespaces import GRAPH, shorten_iri
from valueweave.reasoning.logic.witnesses import ANYTHING, ASSUMED
from valueweave.reasoning.proofs.model import Explanation, Nearest, Passage, Proof
from valueweave.reasoning.rules.manchester import axiom_form
from valueweave.reasoning.rules.model import NOTHING, TYPE

__all__ = ["SCHEMA", "ProofWriter"]

SCHEMA = "https://w3id.org/valueweave/schema/explanation-1"
"""Name and version of the JSON form."""

_WORDS = {
    "en": {
        "is a": "is a", "asserted": "asserted", "inferred": "by", "not": "Not entailed",
        "nearest": "What comes nearest", "met": "met", "unmet": "not met",
        "similar": "What is known instead", "shown": "shown above", "in": "in",
        "assumption": "Assumption", "no rule": "No axiom and no rule concludes such a statement.",
        "another": "Another proof", "and": "And", "axioms": "the axioms behind it", "assumed": "let it be so",
        "cannot be": "cannot be", "absent": "nothing says", "more": "and {} more passages",
        "others": "of other statements about it", "section": "section",
    },
    "zh": {
        "is a": "是", "asserted": "原文陈述", "inferred": "依据", "not": "不能推出", "nearest": "最接近的规则",
        "met": "满足", "unmet": "未满足", "similar": "已知的相近陈述", "shown": "见上文", "in": "见于",
        "assumption": "假定", "no rule": "没有公理或规则能得出这样的陈述。",
        "another": "另一证明", "and": "并且", "axioms": "所依据的公理", "assumed": "设其如此",
        "cannot be": "不可能存在", "absent": "没有陈述",
        "more": "另有 {} 处原文", "others": "支持其其他陈述", "section": "节",
    },
}  # fmt: skip
_PASSAGES = 3
"""So many passages of one statement are shown in a text; JSON has all."""

_TERM = re.compile(r"<([^<>\s]+)>|(\?\w+)")


class ProofWriter:
    """Writes explanations in one language.

    Args:
        label: gives the label of a term by IRI and language.
        language: ``en`` or ``zh``; another one is taken as English.
    """

    def __init__(self, label: Callable[[str, str], str], language: str = "en") -> None:
        self.language = language if language in _WORDS else "en"
        self._label = label
        self._words = _WORDS[self.language]

    # -- text

    def text(self, explanation: Explanation) -> str:
        """Return an explanation as an indented tree: each statement above what it follows from."""
        if not explanation.entailed:
            return "\n".join(self._unexplained(explanation))
        lines: list[str] = []
        if explanation.axioms:
            lines += [f"{self.statement(explanation.statement)}: {self._words['axioms']}"]
            lines += [f"  {self.said(source.text)}" for source in explanation.axioms]
            lines += [""] if explanation.proofs else []
        for number, proof in enumerate(explanation.proofs):
            if number:
                lines += ["", f"{self._words['and' if explanation.axioms else 'another']}:"]
            lines += self._lines(proof, 0, set())
        return "\n".join(lines)

    def tree(self, proof: Proof) -> str:
        """Return one proof as an indented tree."""
        return "\n".join(self._lines(proof, 0, set()))

    def statement(self, triple: ox.Triple) -> str:
        """Return a statement in words."""
        subject, value = self.name(triple.subject), self.name(triple.object)
        if triple.predicate == TYPE and triple.object == NOTHING:
            return f"{subject} {self._words['cannot be']}"
        if triple.predicate == TYPE:
            return f"{subject} {self._is_a(value)} {value}"
        if form := axiom_form(triple.predicate.value, self.language):
            return form.format(subject, value)
        return f"{subject} {self.name(triple.predicate)} {value}"

    def _is_a(self, name: str) -> str:
        link = self._words["is a"]
        return f"{link}n" if self.language == "en" and name[:1].lower() in "aeiou" else link

    def name(self, term: object) -> str:
        """Return the label of a term, a literal as it is."""
        if isinstance(term, ox.NamedNode):
            if term.value.startswith(ANYTHING):
                # What is made up for a question is called by how it hangs on x: "x → hosts".
                steps = term.value.removeprefix(ANYTHING).split("/")
                return " → ".join(step.partition(".")[0] for step in steps)
            return self._label(term.value, self.language)
        return term.value if isinstance(term, ox.Literal) else str(term)

    def _lines(self, proof: Proof, depth: int, shown: set[ox.Triple]) -> Iterator[str]:
        indent = "  " * depth
        yield f"{indent}{self.statement(proof.statement)}"
        if proof.statement in shown and proof.premises:
            yield f"{indent}  ({self._words['shown']})"
            return
        shown.add(proof.statement)
        if proof.graphs == (ASSUMED,):
            yield f"{indent}  ({self._words['assumed']})"
            return
        if proof.rule is None:
            yield f"{indent}  {self._words['asserted']} {self._words['in']} {self.graphs(proof)}"
            for passage in proof.passages[:_PASSAGES]:
                yield f"{indent}  {self.passage(passage)}"
            if (more := len(proof.passages) - _PASSAGES) > 0:
                yield f"{indent}  {self._words['more'].format(more)}"
            return
        source = proof.rule.source
        yield f"{indent}  {self._words['inferred']}: {self.said(source.text)}"
        if source.assumption:
            yield f"{indent}  {self._words['assumption']}: {source.assumption}"
        for text, _ in proof.conditions:
            yield f"{indent}  · {self.pattern(text)}"
        for premise in proof.premises:
            yield from self._lines(premise, depth + 1, shown)

    def said(self, texts: Mapping[str, str]) -> str:
        """Return a text in this language, in one line."""
        return " ".join((texts.get(self.language) or texts["en"]).split())

    def graphs(self, proof: Proof) -> str:
        """Return the short names of the graphs that assert a statement."""
        return ", ".join(graph.removeprefix(GRAPH) for graph in proof.graphs)

    def passage(self, passage: Passage) -> str:
        """Return where a passage stands, in one line."""
        source, kind = self._label(passage.source, self.language), self._label(passage.kind, self.language)
        others = f", {self._words['others']}" if passage.scope == 2 else ""
        return f"[{source}, {self._words['section']} {passage.section}, {passage.start}–{passage.end}, {kind}{others}]"

    def pattern(self, text: str) -> str:
        """Return a condition in SPARQL with labels for the terms.

        >>> ProofWriter(lambda iri, language: iri.rsplit(":", 1)[-1]).pattern("?x <urn:knows> <urn:jd> .")
        '?x knows jd'
        """
        text = re.sub(r'"(-?[\d.]+)"\^\^<[^>]*>', r"\1", text)
        text = re.sub(r"\^\^<[^>]*>", "", text)
        text = (
            text.replace("FILTER NOT EXISTS", f"{self._words['absent']}:")
            .replace("FILTER", "")
            .replace("{", "")
            .replace("}", "")
        )
        text = text.replace(f"<{TYPE.value}>", self._words["is a"])
        text = _TERM.sub(lambda found: self._label(found[1], self.language) if found[1] else found[2], text)
        text = re.sub(r"\bis a (?=[aeiou][^\s:]*(\s|$|\)))", "is an ", text)
        return " ".join(text.removesuffix(" .").split()).replace(" .", ",").removesuffix(",")

    def _unexplained(self, explanation: Explanation) -> Iterator[str]:
        yield f"{self._words['not']}: {self.statement(explanation.statement)}"
        if explanation.nearest:
            yield f"{self._words['nearest']}:"
            for nearest in explanation.nearest:
                yield f"  {self.said(nearest.rule.source.text)}"
                yield from (f"    {self._words['met']}: {self.pattern(part)}" for part in nearest.met)
                yield from (f"    {self._words['unmet']}: {self.pattern(part)}" for part in nearest.unmet)
        else:
            yield self._words["no rule"]
        if explanation.similar:
            yield f"{self._words['similar']}:"
            yield from (f"  {self.statement(triple)}" for triple in explanation.similar)

    # -- JSON

    def json(self, explanation: Explanation) -> dict[str, Any]:
        """Return an explanation as a JSON object; its ``schema`` names form and version."""
        return {
            "schema": SCHEMA,
            "statement": self.triple(explanation.statement),
            "entailed": explanation.entailed,
            "axioms": [
                {"text": _in_one_line(source.text), "terms": list(source.terms)} for source in explanation.axioms
            ],
            "proofs": [self.proof(proof) for proof in explanation.proofs],
            "nearest": [self.near(nearest) for nearest in explanation.nearest],
            "similar": [self.triple(triple) for triple in explanation.similar],
        }

    def triple(self, triple: ox.Triple) -> dict[str, Any]:
        """Return a statement as a JSON object."""
        return {
            "subject": str(triple.subject).strip("<>"),
            "predicate": triple.predicate.value,
            "object": str(triple.object).strip("<>") if isinstance(triple.object, ox.NamedNode) else str(triple.object),
            "text": self.statement(triple),
        }

    def proof(self, proof: Proof) -> dict[str, Any]:
        """Return a proof as a JSON object, its premises inside."""
        found: dict[str, Any] = {"statement": self.triple(proof.statement), "round": proof.round}
        if proof.rule is None:
            return found | {
                "kind": "asserted",
                "graphs": list(proof.graphs),
                "evidence": [self.evidence(passage) for passage in proof.passages],
            }
        source = proof.rule.source
        return found | {
            "kind": "inferred",
            "rule": {
                "name": proof.rule.name,
                "kind": source.kind,
                "label": dict(source.label),
                "text": _in_one_line(source.text),
                "terms": list(source.terms),
                "assumption": source.assumption or None,
            },
            "conditions": [{"sparql": text, "text": self.pattern(text)} for text, _ in proof.conditions],
            "premises": [self.proof(premise) for premise in proof.premises],
        }

    def evidence(self, passage: Passage) -> dict[str, Any]:
        """Return a passage as a JSON object."""
        return {
            "id": passage.item,
            "source": passage.source,
            "source_label": self._label(passage.source, self.language),
            "section": passage.section,
            "start": passage.start,
            "end": passage.end,
            "sha256": passage.sha256,
            "kind": shorten_iri(passage.kind).partition(":")[2] or passage.kind,
            "backs": ("property", "record", "other properties")[passage.scope],
        }

    def near(self, nearest: Nearest) -> dict[str, Any]:
        """Return what comes nearest by one rule as a JSON object."""
        return {
            "rule": {"name": nearest.rule.name, "text": _in_one_line(nearest.rule.source.text)},
            "met": [{"sparql": part, "text": self.pattern(part)} for part in nearest.met],
            "unmet": [{"sparql": part, "text": self.pattern(part)} for part in nearest.unmet],
        }

    # -- Mermaid

    def mermaid(self, explanation: Explanation) -> str:
        """Return the first proof as a Mermaid flowchart: premises point to steps, steps to conclusions."""
        lines = ["flowchart BT"]
        if not explanation.proofs and explanation.axioms:
            lines += [f'  s0["{_escape(self.statement(explanation.statement))}"]']
            for number, source in enumerate(explanation.axioms):
                lines += [f'  a{number}["{_escape(self.said(source.text))}"]', f"  a{number} --> s0"]
            return "\n".join(lines)
        if not explanation.proofs:
            return "\n".join(
                [*lines, f'  s0["{_escape(self._words["not"])}: {_escape(self.statement(explanation.statement))}"]']
            )
        nodes: dict[ox.Triple, str] = {}
        steps: list[str] = []

        def draw(proof: Proof) -> str:
            if proof.statement in nodes:
                return nodes[proof.statement]
            node = nodes[proof.statement] = f"s{len(nodes)}"
            text = _escape(self.statement(proof.statement))
            if proof.rule is None:
                where = _escape("; ".join(dict.fromkeys(self._short(passage) for passage in proof.passages)))
                lines.append(f'  {node}["{text}<br/><small>{where or _escape(self.graphs(proof))}</small>"]')
                return node
            lines.append(f'  {node}(["{text}"])')
            step = f"r{len(steps)}"
            steps.append(step)
            lines.append(f'  {step}{{{{"{_escape(self.said(proof.rule.source.label))}"}}}}')
            lines.append(f"  {step} --> {node}")
            lines.extend(f"  {draw(premise)} --> {step}" for premise in proof.premises)
            return node

        draw(explanation.proofs[0])
        return "\n".join(lines)

    def _short(self, passage: Passage) -> str:
        return f"{passage.source.rsplit('/', 1)[-1]} §{passage.section}, {passage.start}–{passage.end}"


def _in_one_line(texts: Mapping[str, str]) -> dict[str, str]:
    return {language: " ".join(text.split()) for language, text in texts.items()}


def _escape(text: str) -> str:
    """Return text as it may stand in quotes in Mermaid."""
    return text.replace("&", "&amp;").replace('"', "#quot;").replace("<", "&lt;").replace(">", "&gt;")
