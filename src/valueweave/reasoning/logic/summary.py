"""Fewer statements about individuals that say the same to a description logic reasoner.

In: the logic of an ontology and its individuals, as statements. Out: :class:`Summary`.
The decision hidden here: what may be left out without a change of any answer about consistency, classes and types.
A link whose property no axiom but domains, ranges, inverses and simple properties above it speaks of says of its ends
that they are in these domains and ranges, and nothing else. Individuals of the same classes, without other statements,
are alike: one stands for all. Source: Dolby and others (2007), Scalable semantic retrieval through summarization and
refinement, AAAI; here only steps that keep every answer are taken, so that nothing has to be refined.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyoxigraph as ox

from valueweave.namespaces import PREFIXES
from valueweave.reasoning.rules.model import TYPE

__all__ = ["Summary", "summarize"]

_OWL, _RDFS = PREFIXES["owl"], PREFIXES["rdfs"]
_DOMAIN, _RANGE = ox.NamedNode(_RDFS + "domain"), ox.NamedNode(_RDFS + "range")
_BELOW, _INVERSE = ox.NamedNode(_RDFS + "subPropertyOf"), ox.NamedNode(_OWL + "inverseOf")
_OBJECT, _DATA = ox.NamedNode(_OWL + "ObjectProperty"), ox.NamedNode(_OWL + "DatatypeProperty")
_INDIVIDUAL = ox.NamedNode(_OWL + "NamedIndividual")
_TEXT = ox.NamedNode(PREFIXES["xsd"] + "string")
_VOCABULARY = tuple(PREFIXES[name] for name in ("owl", "rdf", "rdfs"))

_End = tuple[ox.NamedNode, bool]
"""A property, and whether its subject is the object of the link."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What the reasoner is given.

    Attributes:
        triples: the statements.
        like: for individuals that are left out, the one that stands for them.
    """

    triples: tuple[ox.Triple, ...]
    like: Mapping[str, str]


def summarize(triples: Sequence[ox.Triple]) -> Summary:
    """Leave out what changes no answer about consistency, classes and types.

    Args:
        triples: the logic of an ontology, its imports merged, and its individuals.

    >>> text = '''@prefix : <urn:> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
    ... @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
    ... :A a owl:Class . :p a owl:ObjectProperty ; rdfs:domain :A . :a :p :c . :b :p :c .'''
    >>> summary = summarize([quad.triple for quad in ox.parse(text, format=ox.RdfFormat.TURTLE)])
    >>> [str(triple) for triple in summary.triples if triple.subject.value == "urn:a"], dict(summary.like)
    (['<urn:a> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <urn:A>'], {'urn:b': 'urn:a'})
    """
    properties = _Properties(triples)
    stated: dict[ox.NamedNode, dict[ox.Triple, None]] = defaultdict(dict)
    pinned: set[object] = set()
    rest: list[ox.Triple] = []
    literals: set[tuple[ox.NamedNode, ox.Literal]] = set()
    for triple in triples:
        subject, predicate, value = triple.subject, triple.predicate, triple.object
        if not properties.is_assertion(triple):
            rest.append(triple)
            pinned.update(() if predicate == TYPE else (subject, value))
            continue
        assert isinstance(subject, ox.NamedNode)
        new = not isinstance(value, ox.Literal) or (predicate, value) not in literals
        if isinstance(value, ox.Literal):
            literals.add((predicate, value))
        if predicate == TYPE or not properties.is_simple(triple):
            stated[subject][triple] = None
        else:
            for said in properties.said_by(triple):
                assert isinstance(said.subject, ox.NamedNode)
                stated[said.subject][said] = None
            if isinstance(value, ox.Literal) and value.datatype != _TEXT and new:
                stated[subject][triple] = None  # whether it is a value of its type is still to be found out
        if predicate != TYPE and isinstance(value, ox.NamedNode):
            stated[value]  # an individual, even if nothing else is said of it
    linked = {triple.object for said in stated.values() for triple in said if triple.predicate != TYPE}
    kept, like = _alike(stated, pinned | linked)
    return Summary((*rest, *kept), like)


def _alike(
    stated: Mapping[ox.NamedNode, Mapping[ox.Triple, None]], pinned: set[object]
) -> tuple[list[ox.Triple], dict[str, str]]:
    """Return what is said of individuals, of those that are alike of the first only, and who stands for whom."""
    first: dict[frozenset[object], ox.NamedNode] = {}
    kept: list[ox.Triple] = []
    like: dict[str, str] = {}
    for individual, said in stated.items():
        classes = [triple.object for triple in said if triple.predicate == TYPE]
        named = all(isinstance(one, ox.NamedNode) for one in classes)
        if named and len(classes) == len(said) and individual not in pinned:
            stands = first.setdefault(frozenset(one for one in classes if one != _INDIVIDUAL), individual)
            if stands != individual:
                like[individual.value] = stands.value
                continue
        kept += said or [ox.Triple(individual, TYPE, _INDIVIDUAL)]
    return kept, like


class _Properties:
    """What the axioms say of properties."""

    def __init__(self, triples: Iterable[ox.Triple]) -> None:
        given = list(triples)
        kinds = [triple for triple in given if triple.predicate == TYPE and triple.object in {_OBJECT, _DATA}]
        self._known = {triple.subject for triple in kinds}
        self._terms = {
            triple.subject
            for triple in given
            if triple.predicate == TYPE
            and isinstance(triple.object, ox.NamedNode)
            and triple.object.value.startswith(_VOCABULARY)
            and triple.object != _INDIVIDUAL
        }
        self._domains: dict[object, list[ox.NamedNode]] = defaultdict(list)
        self._ranges: dict[object, list[ox.NamedNode]] = defaultdict(list)
        self._next: dict[object, list[tuple[ox.NamedNode, bool]]] = defaultdict(list)
        self._entangled = {term for triple in given for term in self._asked(triple)}
        self._implied: dict[object, frozenset[_End]] = {}

    def _asked(self, triple: ox.Triple) -> Iterator[object]:
        """Yield the properties of which an axiom says more than domain, range, inverse and what is above."""
        subject, predicate, value = triple.subject, triple.predicate, triple.object
        named = isinstance(subject, ox.NamedNode) and isinstance(value, ox.NamedNode)
        if named and predicate == _DOMAIN:
            self._domains[subject].append(value)  # type: ignore[arg-type]
        elif named and predicate == _RANGE:
            self._ranges[subject].append(value)  # type: ignore[arg-type]
        elif named and predicate == _BELOW:
            self._next[subject].append((value, False))  # type: ignore[arg-type]
        elif named and predicate == _INVERSE:
            self._next[subject].append((value, True))  # type: ignore[arg-type]
            self._next[value].append((subject, True))  # type: ignore[arg-type]
        elif predicate != TYPE or value not in {_OBJECT, _DATA}:
            yield from (term for term in (subject, value) if term in self._known)

    def is_assertion(self, triple: ox.Triple) -> bool:
        """Whether a statement is about an individual: a link, a value or a class."""
        if not isinstance(triple.subject, ox.NamedNode) or triple.subject in self._terms:
            return False
        if triple.predicate == TYPE:
            return True
        return triple.predicate in self._known and not isinstance(triple.object, ox.BlankNode)

    def is_simple(self, triple: ox.Triple) -> bool:
        """Whether a link or a value says nothing but in which domains and ranges its ends are."""
        if any(name in self._entangled for name, _ in self._above(triple.predicate)):
            return False
        if not isinstance(triple.object, ox.Literal):
            return True
        ranges = {one for name, _ in self._above(triple.predicate) for one in self._ranges[name]}
        return ranges <= {triple.object.datatype}

    def said_by(self, triple: ox.Triple) -> Iterator[ox.Triple]:
        """Yield what a simple link says of its ends."""
        for name, turned in self._above(triple.predicate):
            ends = (triple.object, triple.subject) if turned else (triple.subject, triple.object)
            for classes, end in ((self._domains[name], ends[0]), (self._ranges[name], ends[1])):
                if isinstance(end, ox.NamedNode):
                    yield from (ox.Triple(end, TYPE, one) for one in classes)

    def _above(self, predicate: ox.NamedNode) -> frozenset[_End]:
        """Return the properties that a link has with this one, and whether they go the other way."""
        if predicate not in self._implied:
            found: set[_End] = {(predicate, False)}
            todo = [(predicate, False)]
            while todo:
                name, turned = todo.pop()
                for other, turns in self._next[name]:
                    if (other, turned ^ turns) not in found:
                        found.add((other, turned ^ turns))
                        todo.append((other, turned ^ turns))
            self._implied[predicate] = frozenset(found)
        return self._implied[predicate]
