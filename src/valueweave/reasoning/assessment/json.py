"""Assessments for programs, as JSON.

In: assessments, labels. Out: JSON values.
The decision hidden here: the published form; its ``schema`` names it and its version.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyoxigraph as ox

from valueweave.namespaces import shorten_iri
from valueweave.reasoning.assessment.condition import Condition
from valueweave.reasoning.assessment.result import Assessment
from valueweave.reasoning.proofs.model import Proof
from valueweave.reasoning.proofs.text import ProofWriter
from valueweave.reasoning.rules.conditions import where
from valueweave.reasoning.rules.expressions import Cardinality, Expression
from valueweave.reasoning.rules.manchester import LANGUAGES, Labels, Words
from valueweave.reasoning.rules.model import Body

__all__ = ["RANKING_SCHEMA", "SCHEMA", "AssessmentJson"]

SCHEMA = "https://w3id.org/valueweave/schema/assessment-1"
"""Name and version of the JSON form of an assessment."""

RANKING_SCHEMA = "https://w3id.org/valueweave/schema/assessment-ranking-1"
"""Name and version of the JSON form of a thing's assessments against all defined classes."""

_KINDS = {
    "And": "all of", "Or": "any of", "Not": "not", "OneOf": "one of", "Some": "some", "Only": "only",
    "HasValue": "value", "HasSelf": "self", "Facets": "facets", "ClassName": "class", "Unreadable": "unreadable",
}  # fmt: skip
_BOUNDS = {"min": "at least", "max": "at most", "exactly": "exactly"}


class AssessmentJson:
    """Writes assessments as JSON objects.

    Args:
        label: gives the label of a term by IRI and language.
        labels: labels of the ontology's terms, by IRI and language.
        language: ``en`` or ``zh``; another one is taken as English.
        proofs: whether to give the whole proof of every condition that is entailed or contradicted.
    """

    def __init__(
        self, label: Callable[[str, str], str], labels: Labels, language: str = "en", *, proofs: bool = False
    ) -> None:
        self._label = label
        self._said = {name: Words(labels, name) for name in LANGUAGES}
        self._proofs = ProofWriter(label, language)
        self._whole = proofs
        self.language = self._proofs.language

    def assessment(self, assessment: Assessment) -> dict[str, Any]:
        """Return an assessment as a JSON object."""
        return {
            "schema": SCHEMA,
            **self._summary(assessment),
            "conditions": self._condition(assessment, assessment.condition, nearest=True),
            "by_rule": [self._proofs.near(near) for near in assessment.by_rule],
        }

    def ranking(self, assessments: Sequence[Assessment]) -> dict[str, Any]:
        """Return how near a thing is to each class as a JSON object."""
        return {"schema": RANKING_SCHEMA, "classes": [self._summary(one) for one in assessments]}

    def _summary(self, assessment: Assessment) -> dict[str, Any]:
        found = assessment.condition
        return {
            "individual": self._reference(assessment.thing.value),
            "class": self._reference(assessment.class_iri),
            "definition": [self._texts(one) for one in assessment.definitions],
            "open_world": found.open,
            "closed_world": found.closed,
            "met": found.met,
            "simple": found.simple,
            "other_kind": assessment.foreign and found.open != "entailed",
        }

    def _condition(self, assessment: Assessment, found: Condition, *, nearest: bool) -> dict[str, Any]:
        member = found.member
        written: dict[str, Any] = {
            "kind": self._kind(found.expression),
            "text": self._texts(found.expression),
            "of": self._reference(member.value) if isinstance(member, ox.NamedNode) else {"value": member.value},
            "open_world": found.open,
            "closed_world": found.closed,
            "met": found.met,
            "simple": found.simple,
        }
        if found.open != "open":
            written["because"] = [self._proof(proof) for proof in assessment.proofs(found)]
        if found.against is not None:
            steps = (*found.against.through, found.against.rule)
            written["against"] = [{"name": rule.name, "text": dict(rule.source.text)} for rule in steps]
        if found.names:
            written["assumption"] = "unique names"
        if found.complete:
            written["complete"] = [
                {
                    "declaration": one.iri,
                    "of": one.thing,
                    "property": one.property,
                    "evidence": [self._proofs.evidence(passage) for passage in assessment.passages(one)],
                }
                for one in found.complete
            ]
        if nearest and found.open != "entailed":
            written["would_meet"] = [self._way(way) for way in assessment.ways(found)]
            written["have_it"] = [
                self._reference(iri) | {"graphs": list(graphs)} for iri, graphs in assessment.examples(found)
            ]
        if found.parts:
            written["enough"] = not found.necessary
            written["conditions"] = [self._condition(assessment, part, nearest=nearest) for part in found.parts]
        if found.values:
            written["values"] = [
                self._condition(assessment, one, nearest=nearest and number == 0 and one.open != "entailed")
                for number, one in enumerate(found.values)
            ]
        return written

    def _proof(self, proof: Proof) -> dict[str, Any]:
        whole = self._proofs.proof(proof)
        if not self._whole and whole["kind"] == "inferred":
            whole["premises"] = [self._proofs.triple(premise.statement) for premise in proof.premises]
        return whole

    def _way(self, way: Body) -> dict[str, Any]:
        sparql = where(way, {})
        return {"sparql": sparql, "text": self._proofs.pattern(sparql), "statements": len(way.atoms)}

    @staticmethod
    def _kind(expression: Expression) -> str:
        if isinstance(expression, Cardinality):
            return _BOUNDS[expression.bound]
        return _KINDS[type(expression).__name__]

    def _texts(self, expression: Expression) -> dict[str, str]:
        return {language: words.expression(expression) for language, words in self._said.items()}

    def _reference(self, iri: str) -> dict[str, Any]:
        return {"id": shorten_iri(iri), "iri": iri, "label": self._label(iri, self.language)}
