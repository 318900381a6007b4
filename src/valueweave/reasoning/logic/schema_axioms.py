"""The smallest set of axioms behind a question about classes, found with the description logic reasoner.

In: what is let be so, what should follow, an ontology. Out: axioms in words.
The decision hidden here: to entail something is to have no model with its opposite. Axioms near the terms of the
question are tried first, because each question starts a reasoner.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyoxigraph as ox

from valueweave.namespaces import PREFIXES
from valueweave.reasoning.logic.reasoner import ReasonerError, is_consistent
from valueweave.reasoning.proofs.minimal import BoundReachedError, smallest
from valueweave.reasoning.rules.manchester import LANGUAGES, Labels, Words
from valueweave.reasoning.rules.model import TYPE
from valueweave.reasoning.rules.rdf_mapping import read_axioms

__all__ = ["axioms_behind"]

_OWL = PREFIXES["owl"]
_MOST = 80
"""So many times the reasoner is asked for one question."""

_TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class _Group:
    """The statements of one axiom."""

    triples: tuple[ox.Triple, ...]
    terms: frozenset[str]


def axioms_behind(
    given: Sequence[ox.Triple], wanted: ox.Triple | None, ontology: Sequence[ox.Triple], labels: Labels
) -> list[Mapping[str, str]] | None:
    """Return the axioms, in words by language, by which ``wanted`` follows from ``given``.

    Args:
        given: statements about made-up things.
        wanted: what should follow; ``None`` when nothing that is given should be possible.
        ontology: the ontology.
        labels: labels by IRI and language.

    Returns:
        A smallest set of axioms; ``None`` when it does not follow, or the reasoner is not installed.
    """
    question = [*given, *(_denial(wanted) if wanted is not None else ())]
    groups, rest = _split(ontology)

    def follows(chosen: Sequence[_Group]) -> bool:
        axioms = [triple for group in chosen for triple in group.triples]
        return not is_consistent([*rest, *axioms, *question], timeout=_TIMEOUT)

    try:
        if not follows(groups):
            return None
        near = next(candidate for candidate in _nearer(groups, question) if follows(candidate))
        found = smallest(near, follows, most=_MOST)
    except (ReasonerError, BoundReachedError):
        return None
    return [text for group in found or () for text in _words(group, rest, labels)]


def _denial(wanted: ox.Triple) -> list[ox.Triple]:
    node = ox.BlankNode("denied")
    if wanted.predicate == TYPE:
        return [
            ox.Triple(wanted.subject, TYPE, node),
            ox.Triple(node, TYPE, ox.NamedNode(_OWL + "Class")),
            ox.Triple(node, ox.NamedNode(_OWL + "complementOf"), wanted.object),
        ]
    return [
        ox.Triple(node, TYPE, ox.NamedNode(_OWL + "NegativePropertyAssertion")),
        ox.Triple(node, ox.NamedNode(_OWL + "sourceIndividual"), wanted.subject),
        ox.Triple(node, ox.NamedNode(_OWL + "assertionProperty"), wanted.predicate),
        ox.Triple(node, ox.NamedNode(_OWL + "targetIndividual"), wanted.object),
    ]


def _split(ontology: Sequence[ox.Triple]) -> tuple[list[_Group], list[ox.Triple]]:
    """Return the axioms, and what is no axiom: declarations, annotations, individuals."""
    by_subject: dict[object, list[ox.Triple]] = defaultdict(list)
    for triple in ontology:
        by_subject[triple.subject].append(triple)

    def below(triple: ox.Triple) -> Iterator[ox.Triple]:
        yield triple
        if isinstance(triple.object, ox.BlankNode):
            for inner in by_subject[triple.object]:
                yield from below(inner)

    groups: list[_Group] = []
    rest: list[ox.Triple] = []
    inner = {triple.object for triple in ontology if isinstance(triple.object, ox.BlankNode)}
    for triple in ontology:
        if isinstance(triple.subject, ox.BlankNode):
            if triple.subject in inner or triple.predicate != TYPE:
                continue
            members = tuple(part for one in by_subject[triple.subject] for part in below(one))
        else:
            members = tuple(below(triple))
            if not read_axioms([*members, *_declarations(by_subject[triple.subject])]) or _is_declaration(triple):
                rest.append(triple)
                continue
        terms = frozenset(
            end.value
            for part in members
            for end in (part.subject, part.object)
            if isinstance(end, ox.NamedNode) and "w3.org" not in end.value
        )
        groups.append(_Group(members, terms))
    return groups, rest


def _is_declaration(triple: ox.Triple) -> bool:
    return triple.predicate == TYPE and str(triple.object).strip("<>").removeprefix(_OWL) in {
        "Class",
        "ObjectProperty",
        "DatatypeProperty",
        "AnnotationProperty",
        "NamedIndividual",
        "Ontology",
    }


def _declarations(triples: Iterable[ox.Triple]) -> Iterator[ox.Triple]:
    yield from (triple for triple in triples if _is_declaration(triple))


def _nearer(groups: Sequence[_Group], question: Iterable[ox.Triple]) -> Iterator[list[_Group]]:
    """Yield the axioms within one, two, three steps from the terms of the question, and all at last."""
    terms = {
        end.value
        for triple in question
        for end in (triple.subject, triple.predicate, triple.object)
        if isinstance(end, ox.NamedNode) and "w3.org" not in end.value
    }
    for _ in range(3):
        chosen = [group for group in groups if terms & group.terms]
        yield chosen
        terms |= {term for group in chosen for term in group.terms}
    yield list(groups)


def _words(group: _Group, rest: Iterable[ox.Triple], labels: Labels) -> Iterator[Mapping[str, str]]:
    subjects = {triple.subject for triple in group.triples}
    declared = [triple for triple in rest if triple.subject in subjects and _is_declaration(triple)]
    for axiom in read_axioms([*group.triples, *declared]):
        yield {language: Words(labels, language).axiom(axiom) for language in LANGUAGES}
