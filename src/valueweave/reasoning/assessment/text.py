"""Assessments for people, as a tree of text.

In: assessments, labels. Out: text.
The decision hidden here: wording and layout; both readings always stand side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pyoxigraph as ox

from valueweave.namespaces import GRAPH, shorten_iri
from valueweave.reasoning.assessment.condition import Condition
from valueweave.reasoning.assessment.result import Assessment
from valueweave.reasoning.proofs.model import Proof
from valueweave.reasoning.proofs.text import ProofWriter
from valueweave.reasoning.rules.conditions import where
from valueweave.reasoning.rules.expressions import And, ClassName, Expression, Facets, HasValue, OneOf, Or
from valueweave.reasoning.rules.manchester import Labels, Words

__all__ = ["AssessmentWriter"]

_MARKS = {"met": "✓", "not met": "✗", "unknown": "?"}
_VALUES = 4
_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "entailed": "entailed", "contradicted": "contradicted", "open": "open",
        "met": "met", "not met": "not met", "unknown": "unknown",
        "head": "By what is stated: {}. By what is declared complete: {}. {} of {} simple conditions met.",
        "legend": "In brackets: by what is stated, by what is declared complete.",
        "all": "all of", "any": "one of", "is": "is: {}",
        "necessary": "What holds of every member (not enough to be one)",
        "against": "against it", "complete": "all values are given, by {}", "would": "would meet it", "or": "or",
        "nothing": "nothing that could be added would meet it", "have": "have it", "more": "and {} more",
        "value": "value", "by": "by", "rule": "A rule would also make it one",
        "rule met": "met", "rule unmet": "not met",
        "of": "{} of {}", "ranking": "classes, the nearest first", "foreign": "another kind of thing",
        "names": "Different names are taken to denote different things.", "same": "is {}", "none": "no value is known",
        "stated": "stated in {}",
    },
    "zh": {
        "entailed": "可推出", "contradicted": "矛盾", "open": "未定",
        "met": "满足", "not met": "未满足", "unknown": "未知",
        "head": "按已陈述的内容：{}。按声明为完备的内容：{}。{}/{} 个简单条件满足。",
        "legend": "方括号内：按已陈述的内容，按声明为完备的内容。",
        "all": "全部满足", "any": "其一满足", "is": "属于：{}", "necessary": "每个成员都具有的条件（不足以判定）",
        "against": "与之相悖", "complete": "值已全部给出，依据 {}", "would": "补充以下内容即可满足", "or": "或者",
        "nothing": "无法通过补充陈述来满足", "have": "已具备者", "more": "另有 {} 个",
        "value": "值", "by": "依据", "rule": "另一条规则也可使其成为成员", "rule met": "满足", "rule unmet": "未满足",
        "of": "{}/{}", "ranking": "各类，最接近者在前", "foreign": "另一种事物",
        "names": "假定不同名称指不同事物。", "same": "是 {}", "none": "没有已知的值",
        "stated": "陈述见于 {}",
    },
}  # fmt: skip


class AssessmentWriter:
    """Writes assessments in one language.

    Args:
        label: gives the label of a term by IRI and language.
        labels: labels of the ontology's terms, by IRI and language.
        language: ``en`` or ``zh``; another one is taken as English.
    """

    def __init__(self, label: Callable[[str, str], str], labels: Labels, language: str = "en") -> None:
        self._label = label
        self._proofs = ProofWriter(label, language)
        self.language = self._proofs.language
        self._said = Words(labels, self.language)
        self._words = _WORDS[self.language]

    # -- text

    def text(self, assessment: Assessment) -> str:
        """Return an assessment as an indented tree with ✓, ✗ and ? for met, not met and unknown."""
        return "\n".join(self._lines(assessment))

    def ranking(self, assessments: Sequence[Assessment]) -> str:
        """Return how near a thing is to each class, a line each."""
        if not assessments:
            return ""
        lines = [f"{self._named(assessments[0].thing)}: {self._words['ranking']}"]
        for one in assessments:
            found = one.condition
            note = f"  ({self._words['foreign']})" if one.foreign and found.open != "entailed" else ""
            count = self._words["of"].format(found.met, found.simple)
            lines.append(f"{_MARKS[found.closed]} {self._named(one.class_iri)}  {count} {self._both(found)}{note}")
        return "\n".join(lines)

    def _lines(self, assessment: Assessment) -> Iterator[str]:
        words, root = self._words, assessment.condition
        yield f"{_MARKS[root.closed]} {self._named(assessment.thing)}: {self._named(assessment.class_iri)}?"
        yield words["head"].format(words[root.open], words[root.closed], root.met, root.simple)
        yield words["legend"]
        if root.open == "entailed":
            yield from self._because(assessment, root, "  ")
        if root.necessary:
            yield f"{words['necessary']}:"
        several = len(root.parts) > 1 and not root.necessary
        for part in root.parts:
            if several:
                yield f"{_MARKS[part.closed]} {self._expression(part.expression)} {self._both(part)}"
            for one in part.parts if isinstance(part.expression, And) else (part,):
                yield from self._node(assessment, one, 2 if several else 1)
                if one.open != "entailed":
                    yield from self._help(assessment, one, "    " * (2 if several else 1))
        if root.open == "entailed":
            return
        for near in assessment.by_rule:
            yield f"{words['rule']}: {self._proofs.said(near.rule.source.text)}"
            yield from (f"  {words['rule met']}: {self._proofs.pattern(text)}" for text in near.met)
            yield from (f"  {words['rule unmet']}: {self._proofs.pattern(text)}" for text in near.unmet)

    def _node(self, assessment: Assessment, found: Condition, depth: int) -> Iterator[str]:
        indent, words = "  " * depth, self._words
        yield f"{indent}{_MARKS[found.closed]} {self._text_of(found)} {self._both(found)}"
        inner = indent + "  "
        if found.against is not None:
            yield f"{inner}{words['against']}: {self._proofs.said(found.against.rule.source.text)}"
            yield from self._because(assessment, found, inner)
        if found.names and found.open != "open":
            yield f"{inner}{words['names']}"
        if found.open == "entailed" and not found.values:
            if not found.parts or found.necessary:
                yield from self._because(assessment, found, inner)
            elif not isinstance(found.expression, ClassName):
                for part in found.parts:
                    yield from self._node(assessment, part, depth + 1)
            return
        if not found.necessary and not found.against:
            for part in found.parts:
                flat = isinstance(found.expression, ClassName) and isinstance(part.expression, And)
                for one in part.parts if flat else (part,):
                    yield from self._node(assessment, one, depth + 1)
        yield from self._values(assessment, found, depth + 1)
        if found.complete and found.closed != "unknown" and found.open == "open":
            names = ", ".join(dict.fromkeys(shorten_iri(one.iri) for one in found.complete))
            yield f"{inner}{words['complete'].format(names)}"
            for declaration in found.complete:
                for passage in assessment.passages(declaration)[:2]:
                    yield f"{inner}  {self._proofs.passage(passage)}"

    def _values(self, assessment: Assessment, found: Condition, depth: int) -> Iterator[str]:
        indent = "  " * depth
        for number, value in enumerate(found.values[:_VALUES]):
            count = self._words["of"].format(value.met, value.simple)
            yield f"{indent}{_MARKS[value.closed]} {self._named(value.member)}: {count} {self._both(value)}"
            if number == 0 and value.open != "entailed" and value.simple > 1:
                for part in value.parts:
                    for one in part.parts if isinstance(part.expression, And) else (part,):
                        yield from self._node(assessment, one, depth + 1)
        if len(found.values) > _VALUES:
            yield f"{indent}… {self._words['more'].format(len(found.values) - _VALUES)}"

    def _because(self, assessment: Assessment, found: Condition, indent: str) -> Iterator[str]:
        for proof in assessment.proofs(found):
            if found.against is not None:
                yield f"{indent}· {self._proofs.statement(proof.statement)}"
            yield (
                f"{indent}  {self._shortly(proof)}" if found.against is not None else f"{indent}{self._shortly(proof)}"
            )

    def _shortly(self, proof: Proof) -> str:
        if proof.rule is not None:
            return f"{self._words['by']}: {self._proofs.said(proof.rule.source.text)}"
        passages = " ".join(self._proofs.passage(one) for one in proof.passages[:1])
        return f"{self._words['stated'].format(self._proofs.graphs(proof))} {passages}".rstrip()

    def _help(self, assessment: Assessment, found: Condition, indent: str) -> Iterator[str]:
        """Yield what would meet a condition, and who meets it."""
        words = self._words
        if found.closed != "met":
            ways = assessment.ways(found)
            for number, way in enumerate(ways[:2]):
                yield f"{indent}→ {words['or'] if number else words['would']}: {self._proofs.pattern(where(way, {}))}"
            if not ways:
                yield f"{indent}→ {words['nothing']}"
        if have := assessment.examples(found):
            things = "; ".join(f"{self._named(ox.NamedNode(iri))} [{_graphs(graphs)}]" for iri, graphs in have)
            yield f"{indent}→ {words['have']}: {things}"

    def _text_of(self, found: Condition) -> str:
        match found.expression:
            case And():
                return f"{self._words['all']}:"
            case Or():
                return f"{self._words['any']}:"
            case ClassName() | OneOf() | Facets():
                return self._words["is"].format(self._expression(found.expression))
            case HasValue(joined, value):
                return f"{self._said.property(joined)}: {self._named(value)}"
            case _:
                return self._expression(found.expression)

    def _both(self, found: Condition) -> str:
        return f"[{self._words[found.open]}, {self._words[found.closed]}]"

    def _expression(self, expression: Expression) -> str:
        return self._said.expression(expression)

    def _named(self, term: object) -> str:
        iri = term.value if isinstance(term, ox.NamedNode) else term
        if not isinstance(iri, str):
            return self._proofs.name(term)
        label, short = self._label(iri, self.language), shorten_iri(iri)
        return label if label == short else f"{label} ({short})"


def _graphs(graphs: Sequence[str]) -> str:
    return ", ".join(graph.removeprefix(GRAPH) for graph in graphs)
