"""From axioms to rules: the definitions of the ontology, unfolded into what follows from what.

In: axioms and labels. Out: :class:`Compiled`: rules, checks, and the axioms that rules cannot carry.
The decision hidden here: partial evaluation of OWL 2 RL. Where the generic rules of the profile (OWL 2 Profiles,
section 4.3) join over the axioms at every step, each axiom is compiled in once, by its kind: into directions, of which
each has conditions and conclusions or cannot be carried. Each rule stands for one axiom.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations, product

import pyoxigraph as ox

from valueweave.namespaces import PREFIXES
from valueweave.reasoning.rules.axiom_names import named, terms_of
from valueweave.reasoning.rules.expressions import And, Axiom, ClassName, Expression, Facets, Property, Some
from valueweave.reasoning.rules.manchester import LANGUAGES, Labels, Words
from valueweave.reasoning.rules.model import NOTHING, TYPE, Atom, Body, Call, Rule, Source, Var
from valueweave.reasoning.rules.rdf_mapping import read_axioms
from valueweave.reasoning.rules.unfolding import Drawn, NotARuleError, Unfolding, joins

__all__ = ["Compiled", "Uncovered", "compile_axioms", "compile_ontology", "labels_of"]

_OWL, _XSD, _RDFS = PREFIXES["owl"], PREFIXES["xsd"], PREFIXES["rdfs"]
_X, _Y, _Z = Var("x"), Var("y"), Var("z")
_UNIQUE_NAMES = "Different names are taken to denote different things."


@dataclass(frozen=True, slots=True)
class Uncovered:
    """An axiom, or one direction of it, that no rule carries.

    Attributes:
        axiom: the axiom.
        why: what stands in the way.
        carrier: what sees to it instead: ``dl`` (the description logic reasoner) or ``shapes``.
        text: the axiom in words, by language.
    """

    axiom: Axiom
    why: str
    carrier: str
    text: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Compiled:
    """What the axioms became.

    Attributes:
        rules: rules, each with one conclusion.
        checks: rules that find contradictions.
        uncovered: axioms, or directions of axioms, that these leave out.
        axioms: all the axioms.
    """

    rules: tuple[Rule, ...]
    checks: tuple[Rule, ...]
    uncovered: tuple[Uncovered, ...]
    axioms: tuple[Axiom, ...]


def labels_of(triples: Iterable[ox.Triple]) -> dict[str, dict[str, str]]:
    """Return the labels that ``triples`` give, by IRI and language."""
    labels: dict[str, dict[str, str]] = defaultdict(dict)
    for triple in triples:
        if triple.predicate.value == _RDFS + "label" and isinstance(triple.subject, ox.NamedNode):
            assert isinstance(triple.object, ox.Literal)
            labels[triple.subject.value].setdefault(triple.object.language or "en", triple.object.value)
    return labels


def compile_ontology(triples: Iterable[ox.Triple]) -> Compiled:
    """Compile the ontology that ``triples`` state, its imports merged.

    >>> turtle = '''@prefix owl: <http://www.w3.org/2002/07/owl#> .
    ... @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
    ... <urn:Firm> a owl:Class ; rdfs:subClassOf <urn:Actor> .'''
    >>> [rule] = compile_ontology(quad.triple for quad in ox.parse(turtle, format=ox.RdfFormat.TURTLE)).rules
    >>> rule.source.text["en"]
    'every urn:Firm is a urn:Actor'
    """
    stated = list(triples)
    return compile_axioms(read_axioms(stated), labels_of(stated))


def compile_axioms(axioms: Iterable[Axiom], labels: Labels) -> Compiled:
    """Compile ``axioms``; ``labels`` serve to say them in words."""
    compiler = _Compiler(labels)
    everything = tuple(axioms)
    for name, axiom in named(everything):
        compiler.add(name, axiom)
    rules = [rule for rule in compiler.rules if not rule.is_check]
    checks = [rule for rule in compiler.rules if rule.is_check]
    return Compiled(tuple(rules), tuple(checks), tuple(compiler.uncovered), everything)


class _Compiler:
    def __init__(self, labels: Labels) -> None:
        self._words = {language: Words(labels, language) for language in LANGUAGES}
        self._unfolding = Unfolding()
        self.rules: list[Rule] = []
        self.uncovered: list[Uncovered] = []

    def add(self, name: str, axiom: Axiom) -> None:
        source = self._source(name, axiom)
        found: list[Drawn] = []
        for draw in self._directions(axiom):
            try:
                found += draw()
            except NotARuleError as error:
                self.uncovered.append(Uncovered(axiom, str(error), error.carrier, source.text))
        # The same conclusion may be drawn twice, where the two directions of a definition meet.
        grounded = [_grounded(head, body) for head, body in found]
        unique = list(dict.fromkeys((head, body) for head, body in grounded if head not in body.atoms))
        for number, (head, body) in enumerate(unique, 1):
            counted = bool(body.counts) or (
                head.object == NOTHING and any(test.operator == "!=" for test in body.tests)
            )
            assumed = replace(source, assumption=_UNIQUE_NAMES) if counted else source
            self.rules.append(Rule(name if len(unique) == 1 else f"{name}-{number}", head, body, assumed))

    def _source(self, name: str, axiom: Axiom) -> Source:
        text = {language: words.axiom(axiom) for language, words in self._words.items()}
        label = {language: _label(axiom, words) for language, words in self._words.items()}
        return Source(name, "axiom", label, text, tuple(dict.fromkeys(terms_of(axiom))))

    # -- what an axiom becomes

    def _directions(self, axiom: Axiom) -> list[Callable[[], list[Drawn]]]:
        """Return, for each direction of ``axiom``, a function that gives its conclusions or refuses."""
        classes, properties = axiom.classes, axiom.properties
        match axiom.kind:
            case "SubClassOf":
                return [partial(self._implies, classes[0], classes[1])]
            case "EquivalentClasses":
                one, other = classes
                # Each conjunct of the definition is a conclusion of its own: one that no rule carries hides no other.
                parts = other.parts if isinstance(other, And) else (other,)
                return [partial(self._implies, other, one), *(partial(self._implies, one, part) for part in parts)]
            case "DisjointClasses":
                return [partial(self._never, And(pair)) for pair in combinations(classes, 2)]
            case "Domain":
                return [partial(self._implies, Some(properties[0], ClassName(_OWL + "Thing")), classes[0])]
            case "Range":
                return [partial(self._range, properties[0], classes[0])]
            case "HasKey":
                return [partial(self._key, classes[0], properties)]
            case "SameIndividual":
                return [partial(_refuse, "identities are not merged by inference")]
            case "DifferentIndividuals":
                # Taken for granted of all names, so nothing follows.
                return []
            case "NegativeAssertion":
                return [partial(self._denied, axiom)]
            case _:
                return [partial(self._property_rules, axiom)]

    def _implies(self, sub: Expression, sup: Expression) -> list[Drawn]:
        bodies = list(self._unfolding.conditions(_X, sub))
        return [pair for body in bodies for pair in self._unfolding.conclusions(_X, sup, body)]

    def _never(self, expression: Expression) -> list[Drawn]:
        return [(Atom(_X, TYPE, NOTHING), body) for body in self._unfolding.conditions(_X, expression)]

    def _range(self, joined: Property, sup: Expression) -> list[Drawn]:
        if isinstance(sup, Facets) or (isinstance(sup, ClassName) and sup.iri.startswith(_XSD)):
            raise NotARuleError("the type of a literal is checked by shapes and the DL reasoner", "shapes")
        return list(self._unfolding.conclusions(_Y, sup, Body((joins(joined, _X, _Y),))))

    def _key(self, sub: Expression, keys: tuple[Property, ...]) -> list[Drawn]:
        found = []
        for one, other in product(self._unfolding.conditions(_X, sub), self._unfolding.conditions(_Y, sub)):
            body = one + other
            for number, key in enumerate(keys):
                value = Var(f"k{number}")
                body += Body((joins(key, _X, value), joins(key, _Y, value)))
            found.append((Atom(_X, TYPE, NOTHING), body + Body(tests=(Call("!=", (_X, _Y)),))))
        return found

    def _denied(self, axiom: Axiom) -> list[Drawn]:
        subject, value = axiom.individuals
        assert isinstance(subject, ox.NamedNode)
        return [(Atom(subject, TYPE, NOTHING), Body((joins(axiom.properties[0], subject, value),)))]

    def _property_rules(self, axiom: Axiom) -> list[Drawn]:
        properties = axiom.properties
        nothing, different = Atom(_X, TYPE, NOTHING), Body(tests=(Call("!=", (_Y, _Z)),))
        first = properties[0]
        match axiom.kind:
            case "SubPropertyOf":
                return [self._carries(first, properties[1])]
            case "EquivalentProperties":
                return [self._carries(first, properties[1]), self._carries(properties[1], first)]
            case "InverseProperties":
                turned = Property(properties[1].iri, not properties[1].inverse)
                return [self._carries(first, turned), self._carries(turned, first)]
            case "Symmetric":
                return [self._carries(first, Property(first.iri, inverse=True))]
            case "PropertyChain":
                steps = [_X, *(Var(f"s{number}") for number in range(1, len(properties) - 1)), _Y]
                atoms = [joins(p, steps[i], steps[i + 1]) for i, p in enumerate(properties[:-1])]
                return [(joins(properties[-1], _X, _Y), Body(tuple(atoms)))]
            case "Transitive":
                return [(joins(first, _X, _Z), Body((joins(first, _X, _Y), joins(first, _Y, _Z))))]
            case "Irreflexive":
                return [(nothing, Body((joins(first, _X, _X),)))]
            case "Asymmetric":
                return [(nothing, Body((joins(first, _X, _Y), joins(first, _Y, _X))))]
            case "Functional":
                return [(nothing, Body((joins(first, _X, _Y), joins(first, _X, _Z))) + different)]
            case "InverseFunctional":
                return [(nothing, Body((joins(first, _Y, _X), joins(first, _Z, _X))) + different)]
            case "DisjointProperties":
                return [
                    (nothing, Body((joins(one, _X, _Y), joins(other, _X, _Y))))
                    for one, other in combinations(properties, 2)
                ]
            case _:
                raise NotARuleError("it says something of everything there is")

    def _carries(self, sub: Property, sup: Property) -> Drawn:
        return joins(sup, _X, _Y), Body((joins(sub, _X, _Y),))


def _refuse(why: str) -> list[Drawn]:
    raise NotARuleError(why)


def _label(axiom: Axiom, words: Words) -> str:
    if axiom.kind == "EquivalentClasses":
        form = "definition of {}" if words.language == "en" else "{}的定义"
        defined, *_ = terms_of(axiom)
        return form.format(words.name(defined))
    return words.axiom(axiom)


def _grounded(head: Atom, body: Body) -> Drawn:
    """Put the things of an enumeration in the place of the variables that are one of them."""
    values = {
        test.arguments[0]: test.arguments[1]
        for test in body.tests
        if test.operator == "=" and isinstance(test.arguments[0], Var) and isinstance(test.arguments[1], ox.NamedNode)
    }
    if not values or body.counts:
        return head, body
    tests = tuple(test for test in body.tests if test.arguments[0] not in values)
    return head.bind(values), Body(tuple(atom.bind(values) for atom in body.atoms), tests)
