"""The assessment of a thing against a class, with all that can be asked about it.

In: a store with its rules, a thing, a class. Out: :class:`Assessment`; or all defined classes, the nearest first.
The decision hidden here: what counts as near, and which classes can be asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import pyoxigraph as ox

from valueweave.namespaces import PREFIXES, SCE, shorten_iri
from valueweave.problems import InputError, Problem, did_you_mean
from valueweave.reasoning.assessment.assess import Assessor, Ground
from valueweave.reasoning.assessment.completeness import Declaration
from valueweave.reasoning.assessment.condition import Condition
from valueweave.reasoning.assessment.definitions import TOP
from valueweave.reasoning.assessment.missing import Missing, examples
from valueweave.reasoning.proofs.explain import Explainer
from valueweave.reasoning.proofs.model import Nearest, Passage, Proof
from valueweave.reasoning.rules.expressions import ClassName, Expression
from valueweave.reasoning.rules.model import TYPE, Body

__all__ = ["Assessment", "assess", "rank"]

_CLASSES = {ox.NamedNode(PREFIXES["owl"] + "Class"), ox.NamedNode(PREFIXES["rdfs"] + "Class")}
_WHY = ox.NamedNode(SCE + "whyPrimitive")


@dataclass(frozen=True)
class Assessment:
    """How a thing stands to a class.

    Attributes:
        thing: the thing.
        class_iri: IRI of the class.
        condition: the conditions of the class as a tree, with both readings.
        ground: what it rests on.
        explainer: what proves statements.
        label: gives the label of a term by IRI and language, for the text; without it terms are called by their names.
    """

    thing: ox.NamedNode
    class_iri: str
    condition: Condition
    ground: Ground = field(repr=False)
    explainer: Explainer = field(repr=False)
    label: Callable[[str, str], str] | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        """Return it as a tree of text in English, as the command line prints it."""
        from valueweave.reasoning.assessment.text import AssessmentWriter  # noqa: PLC0415 - that module needs this one

        return AssessmentWriter(self.label or (lambda iri, _: shorten_iri(iri)), self.ground.book.labels).text(self)

    @property
    def definitions(self) -> tuple[Expression, ...]:
        """The definitions of the class; none where its members are only described."""
        return self.ground.definitions.of(self.class_iri)

    @property
    def foreign(self) -> bool:
        """Whether the thing cannot be what the definition begins with: a kind of thing that it is not."""
        heads = [part for one in self.condition.parts for part in (one, *one.parts)]
        return any(part.open == "contradicted" and isinstance(part.expression, ClassName) for part in heads)

    @cached_property
    def by_rule(self) -> tuple[Nearest, ...]:
        """Rules beyond the definition that would make the thing a member, with what they still want."""
        triple = ox.Triple(self.thing, TYPE, ox.NamedNode(self.class_iri))
        found = []
        for rule in self.ground.book.concluding(triple):
            terms = rule.source.terms
            # The definition itself is the tree, and "every A is a B" says no more than the hierarchy.
            told = rule.source.kind == "axiom" and (
                (rule.name.startswith("EquivalentClasses") and terms[:1] == (self.class_iri,)) or _hierarchy(rule.body)
            )
            if not told and (near := self.explainer.near(rule, triple)):
                found.append(near)
        return tuple(sorted(found, key=lambda near: (len(near.unmet), near.rule.name)))

    def ways(self, condition: Condition) -> list[Body]:
        """Return the smallest sets of statements that would meet a condition; none when nothing can be added."""
        return Missing(self.ground.definitions, self.ground.assumptions).smallest(condition)

    def examples(self, condition: Condition, limit: int = 5) -> list[tuple[str, tuple[str, ...]]]:
        """Return things that meet a condition, with the graphs that speak of them."""
        return examples(self.ground.engine, condition.expression, condition.member, limit)

    def passages(self, declaration: Declaration) -> tuple[Passage, ...]:
        """Return the passages behind a declaration that all values are given."""
        complete = ox.NamedNode(SCE + "completeProperty")
        stated = ox.Triple(ox.NamedNode(declaration.iri), complete, ox.NamedNode(declaration.property))
        return tuple(self.explainer.passages(stated))

    def proofs(self, condition: Condition) -> Iterator[Proof]:
        """Yield proofs of the statements that entail a condition, or that speak against it."""
        known = condition.known if condition.against is None else condition.against.known
        for triple in known:
            if proof := self.explainer.proof(triple):
                yield proof


def assess(ground: Ground, explainer: Explainer, thing: ox.NamedNode, class_iri: str, text: str = "") -> Assessment:
    """Assess a thing against a class.

    Args:
        ground: what the store and its rules say.
        explainer: what proves statements.
        thing: the thing.
        class_iri: the class.
        text: the class as it was asked for, for messages.

    Raises:
        InputError: when it is no class, or no axiom and no rule says what makes a member.
    """
    definitions = ground.definitions
    node = ox.NamedNode(class_iri)
    kinds = [quad.object for quad in ground.engine.quads_for_pattern(node, TYPE, None, ox.DefaultGraph())]
    term = text or shorten_iri(class_iri)
    if class_iri not in TOP and not any(kind in _CLASSES for kind in kinds):
        known = [shorten_iri(iri) for iri in definitions.defined]
        remedy = did_you_mean(shorten_iri(class_iri), known, "Name a class.")
        raise InputError(Problem("not-a-class", f"'{term}' is no class.", remedy, term=term))
    by_rule = any(rule.head.object == node for rule in ground.book.domain)
    if not definitions.has_conditions(class_iri) and not by_rule:
        reasons = [quad.object for quad in ground.engine.quads_for_pattern(node, _WHY, None, ox.DefaultGraph())]
        why = "".join(f" ({one.value.rstrip('.')})" for one in reasons[:1] if isinstance(one, ox.Literal))
        message = f"{shorten_iri(class_iri)} has no definition, no condition on its members, and no rule{why}."
        remedy = "Use 'explain THING a CLASS' for why something is a member, 'assess THING --all' for defined classes."
        raise InputError(Problem("no-conditions", message, remedy, term=term))
    condition = Assessor(ground).assess(thing, ClassName(class_iri))
    return Assessment(thing, class_iri, condition, ground, explainer)


def rank(ground: Ground, explainer: Explainer, thing: ox.NamedNode) -> list[Assessment]:
    """Return the assessments of a thing against every defined class, the nearest first.

    Near is a large share of simple conditions that are met, then few that are not; classes of things of another kind
    come last.
    """
    assessor = Assessor(ground)
    found = [
        Assessment(thing, iri, assessor.assess(thing, ClassName(iri)), ground, explainer)
        for iri in ground.definitions.defined
    ]

    def far(one: Assessment) -> tuple[bool, bool, float, int, str]:
        condition = one.condition
        entailed = condition.open == "entailed"
        missing = condition.simple - condition.met
        return one.foreign and not entailed, not entailed, -condition.share, missing, one.class_iri

    return sorted(found, key=far)


def _hierarchy(body: Body) -> bool:
    return body.plain and len(body.atoms) == 1 and body.atoms[0].predicate == TYPE
