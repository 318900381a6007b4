"""From axioms to rules: the definitions of the ontology, unfolded into what follows from what.

In: axioms and labels. Out: :class:`Compiled`: rules, checks, and the axioms that rules cannot carry.
The decision hidden here: partial evaluation of OWL 2 RL. Where the generic rules of the profile (OWL 2 Profiles,
section 4.3) join over the axioms at every step, the axioms are compiled in once: a class expression on the left becomes
alternatives of statement patterns, one on the right becomes conclusions. Each rule stands for one axiom.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, product

import pyoxigraph as ox

from valueweave.namespaces import PREFIXES
from valueweave.reasoning.rules.expressions import (
    And,
    Axiom,
    Cardinality,
    ClassName,
    Expression,
    Facets,
    HasSelf,
    HasValue,
    Not,
    OneOf,
    Only,
    Or,
    Property,
    Some,
    read_axioms,
)
from valueweave.reasoning.rules.manchester import LANGUAGES, Words
from valueweave.reasoning.rules.model import NOTHING, TYPE, Atom, Body, Call, Count, Formula, Rule, Slot, Source, Var

__all__ = ["Compiled", "Uncovered", "alternatives", "compile_axioms", "compile_ontology", "labels_of"]

_OWL, _XSD, _RDFS = PREFIXES["owl"], PREFIXES["xsd"], PREFIXES["rdfs"]
_TOP = frozenset({_OWL + "Thing", _RDFS + "Resource", _RDFS + "Literal"})
_COMPARISONS = {"minInclusive": ">=", "maxInclusive": "<=", "minExclusive": ">", "maxExclusive": "<"}
_X, _Y, _Z = Var("x"), Var("y"), Var("z")
_UNIQUE_NAMES = "Different names are taken to denote different things."


@dataclass(frozen=True, slots=True)
class Uncovered:
    """An axiom, or one direction of it, that no rule carries.

    Attributes:
        axiom: the axiom.
        why: what stands in the way.
        carrier: what sees to it instead: ``dl`` (the description logic reasoner), ``shapes`` or ``nothing``.
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


def compile_axioms(axioms: Iterable[Axiom], labels: Mapping[str, Mapping[str, str]]) -> Compiled:
    """Compile ``axioms``; ``labels`` by IRI and language serve to say them in words."""
    compiler = _Compiler(labels)
    everything = tuple(axioms)
    for axiom in everything:
        compiler.add(axiom)
    rules = [rule for rule in compiler.rules if not rule.is_check]
    checks = [rule for rule in compiler.rules if rule.is_check]
    return Compiled(tuple(rules), tuple(checks), tuple(compiler.uncovered), everything)


def alternatives(member: Slot, expression: Expression) -> list[Body]:
    """Return the conditions of which one must hold for ``member`` to be in ``expression``.

    There are none where rules cannot say it.

    >>> [str(body.atoms[0]) for body in alternatives(Var("x"), HasValue(Property("urn:p"), ox.NamedNode("urn:v")))]
    ['?x <urn:p> <urn:v>']
    """
    try:
        return list(_Compiler({})._left(member, expression))
    except _NotARuleError:
        return []


class _NotARuleError(Exception):
    """An expression that cannot stand on this side of a rule."""

    def __init__(self, why: str, carrier: str = "dl") -> None:
        super().__init__(why)
        self.carrier = carrier


class _Compiler:
    def __init__(self, labels: Mapping[str, Mapping[str, str]]) -> None:
        self._words = {language: Words(labels, language) for language in LANGUAGES}
        self._names: Counter[str] = Counter()
        self._fresh = 0
        self.rules: list[Rule] = []
        self.uncovered: list[Uncovered] = []

    # -- what an axiom becomes

    def add(self, axiom: Axiom) -> None:
        source = self._source(axiom)
        found: list[tuple[Atom, Body]] = []
        for part in self._parts(axiom):
            try:
                found += part()
            except _NotARuleError as error:
                self.uncovered.append(Uncovered(axiom, str(error), error.carrier, source.text))
        # The same conclusion may be drawn twice, where the two directions of a definition meet.
        grounded = [_grounded(head, body) for head, body in found]
        unique = list(dict.fromkeys((head, body) for head, body in grounded if head not in body.atoms))
        for number, (head, body) in enumerate(unique, 1):
            name = source.name if len(unique) == 1 else f"{source.name}-{number}"
            counted = bool(body.counts) or (
                head.object == NOTHING and any(test.operator == "!=" for test in body.tests)
            )
            assumed = (
                Source(source.name, source.kind, source.label, source.text, source.terms, None, _UNIQUE_NAMES)
                if counted
                else source
            )
            self.rules.append(Rule(name, head, body, assumed))

    def _parts(self, axiom: Axiom):  # type: ignore[no-untyped-def]
        """Return, for each direction of ``axiom``, a function that gives its conclusions."""
        classes, properties = axiom.classes, axiom.properties
        match axiom.kind:
            case "SubClassOf":
                return [lambda: self._implies(classes[0], classes[1])]
            case "EquivalentClasses":
                one, other = classes
                # Each conjunct of the definition is a conclusion of its own: one that no rule carries hides no other.
                parts = other.parts if isinstance(other, And) else (other,)
                return [
                    lambda: self._implies(other, one),
                    *((lambda part=part: self._implies(one, part)) for part in parts),
                ]
            case "DisjointClasses":
                return [(lambda pair=pair: self._never(And(pair))) for pair in combinations(classes, 2)]
            case "Domain":
                return [lambda: self._implies(Some(properties[0], ClassName(_OWL + "Thing")), classes[0])]
            case "Range":
                return [lambda: self._range(properties[0], classes[0])]
            case "HasKey":
                return [lambda: self._key(classes[0], properties)]
            case "SameIndividual":
                return [lambda: self._refuse("identities are not merged by inference", "dl")]
            case "DifferentIndividuals":
                # Taken for granted of all names, so nothing follows.
                return []
            case "NegativeAssertion":
                return [lambda: self._denied(axiom)]
            case _:
                return [lambda: self._property_rules(axiom)]

    @staticmethod
    def _refuse(why: str, carrier: str) -> list[tuple[Atom, Body]]:
        raise _NotARuleError(why, carrier)

    def _implies(self, sub: Expression, sup: Expression) -> list[tuple[Atom, Body]]:
        bodies = list(self._left(_X, sub))
        return [pair for body in bodies for pair in self._right(_X, sup, body)]

    def _never(self, expression: Expression) -> list[tuple[Atom, Body]]:
        return [(Atom(_X, TYPE, NOTHING), body) for body in self._left(_X, expression)]

    def _range(self, joined: Property, sup: Expression) -> list[tuple[Atom, Body]]:
        if isinstance(sup, Facets) or (isinstance(sup, ClassName) and sup.iri.startswith(_XSD)):
            raise _NotARuleError("the type of a literal is checked by shapes and the DL reasoner", "shapes")
        return list(self._right(_Y, sup, Body((self._joins(joined, _X, _Y),))))

    def _key(self, sub: Expression, keys: tuple[Property, ...]) -> list[tuple[Atom, Body]]:
        found = []
        for one, other in product(self._left(_X, sub), self._left(_Y, sub)):
            body = one + other
            for number, key in enumerate(keys):
                value = Var(f"k{number}")
                body += Body((self._joins(key, _X, value), self._joins(key, _Y, value)))
            found.append((Atom(_X, TYPE, NOTHING), body + Body(tests=(Call("!=", (_X, _Y)),))))
        return found

    def _denied(self, axiom: Axiom) -> list[tuple[Atom, Body]]:
        subject, value = axiom.individuals
        assert isinstance(subject, ox.NamedNode)
        return [(Atom(subject, TYPE, NOTHING), Body((self._joins(axiom.properties[0], subject, value),)))]

    def _property_rules(self, axiom: Axiom) -> list[tuple[Atom, Body]]:
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
                atoms = [self._joins(p, steps[i], steps[i + 1]) for i, p in enumerate(properties[:-1])]
                return [(self._joins(properties[-1], _X, _Y), Body(tuple(atoms)))]
            case "Transitive":
                return [(self._joins(first, _X, _Z), Body((self._joins(first, _X, _Y), self._joins(first, _Y, _Z))))]
            case "Irreflexive":
                return [(nothing, Body((self._joins(first, _X, _X),)))]
            case "Asymmetric":
                return [(nothing, Body((self._joins(first, _X, _Y), self._joins(first, _Y, _X))))]
            case "Functional":
                return [(nothing, Body((self._joins(first, _X, _Y), self._joins(first, _X, _Z))) + different)]
            case "InverseFunctional":
                return [(nothing, Body((self._joins(first, _Y, _X), self._joins(first, _Z, _X))) + different)]
            case "DisjointProperties":
                return [
                    (nothing, Body((self._joins(one, _X, _Y), self._joins(other, _X, _Y))))
                    for one, other in combinations(properties, 2)
                ]
            case _:
                raise _NotARuleError("it says something of everything there is")

    def _carries(self, sub: Property, sup: Property) -> tuple[Atom, Body]:
        return self._joins(sup, _X, _Y), Body((self._joins(sub, _X, _Y),))

    @staticmethod
    def _joins(joined: Property, subject: Slot, value: Slot) -> Atom:
        if joined.inverse:
            subject, value = value, subject
        return Atom(subject, ox.NamedNode(joined.iri), value)

    # -- expressions on the left: alternatives of conditions

    def _left(self, member: Slot, expression: Expression) -> Iterator[Body]:  # noqa: PLR0912
        match expression:
            case ClassName(iri) if iri in _TOP:
                yield Body()
            case ClassName(iri) if iri.startswith(_XSD):
                yield Body(tests=(Call("=", (Call("DATATYPE", (member,)), ox.NamedNode(iri))),))
            case ClassName(iri):
                yield Body((Atom(member, TYPE, ox.NamedNode(iri)),))
            case And(parts):
                for bodies in product(*(list(self._left(member, part)) for part in parts)):
                    yield sum(bodies, Body())
            case Or(parts):
                for part in parts:
                    yield from self._left(member, part)
            case Some(joined, OneOf(members)):
                for one in members:
                    yield Body((self._joins(joined, member, one),))
            case Some(joined, filler):
                value = self._variable()
                for body in self._left(value, filler):
                    yield Body((self._joins(joined, member, value),)) + body
            case HasValue(joined, value):
                yield Body((self._joins(joined, member, value),))
            case HasSelf(joined):
                yield Body((self._joins(joined, member, member),))
            case Cardinality("min", 0, _, _):
                yield Body()
            case Cardinality("min", 1, joined, filler):
                yield from self._left(member, Some(joined, filler))
            case Cardinality("min", number, joined, filler):
                value = self._variable()
                edge = Body((self._joins(joined, member, value),))
                alternatives = tuple(edge + body for body in self._left(value, filler))
                yield Body(counts=(Count(_group(member), value, number, alternatives),))
            case OneOf(members):
                for one in members:
                    yield Body(tests=(Call("=", (member, one)),))
            case Facets(datatype, facets):
                # Facets bound the values of their datatype only; integers are decimals, too.
                kinds = [datatype, _XSD + "integer"] if datatype == _XSD + "decimal" else [datatype]
                typed = Call("=", (Call("DATATYPE", (member,)), ox.NamedNode(kinds[0])))
                for kind in kinds[1:]:
                    typed = Call("||", (typed, Call("=", (Call("DATATYPE", (member,)), ox.NamedNode(kind)))))
                bounds = tuple(self._facet(member, datatype, name, value) for name, value in facets)
                yield Body(tests=(typed, *bounds))
            case Not() | Only() | Cardinality():
                raise _NotARuleError(
                    "that something is not so, or is so of nothing else, never follows from what is told"
                )
            case _:
                raise _NotARuleError("the expression is not read")

    @staticmethod
    def _facet(member: Slot, datatype: str, name: str, value: ox.Literal) -> Call:
        if name not in _COMPARISONS:
            raise _NotARuleError(f"rules do not compare by {name}")
        arguments: tuple[Formula, ...] = (member, value)
        return Call(_COMPARISONS[name], arguments)

    # -- expressions on the right: conclusions

    def _right(self, member: Slot, expression: Expression, body: Body) -> Iterator[tuple[Atom, Body]]:  # noqa: PLR0912
        match expression:
            case ClassName(iri) if iri in _TOP:
                return
            case ClassName(iri):
                yield Atom(member, TYPE, ox.NamedNode(iri)), body
            case And(parts):
                for part in parts:
                    yield from self._right(member, part, body)
            case HasValue(joined, value):
                yield self._joins(joined, member, value), body
            case HasSelf(joined):
                yield self._joins(joined, member, member), body
            case Only(joined, filler):
                other_end = self._variable()
                yield from self._right(other_end, filler, body + Body((self._joins(joined, member, other_end),)))
            case Not(part):
                for other in self._left(member, part):
                    yield Atom(member, TYPE, NOTHING), body + other
            case Cardinality("max", 0, joined, filler):
                for other in self._left(member, Some(joined, filler)):
                    yield Atom(member, TYPE, NOTHING), body + other
            case Cardinality("max", number, joined, filler):
                counted = self._variable()
                edge = Body((self._joins(joined, member, counted),))
                alternatives = tuple(edge + other for other in self._left(counted, filler))
                too_many = Body(counts=(Count(_group(member), counted, number + 1, alternatives),))
                yield Atom(member, TYPE, NOTHING), body + too_many
            case Some() | Cardinality():
                raise _NotARuleError("it says that there is something, without saying what")
            case Or() | OneOf():
                raise _NotARuleError("it says that one of several is the case, without saying which")
            case _:
                raise _NotARuleError("the expression is not read")

    # -- names

    def _variable(self) -> Var:
        self._fresh += 1
        return Var(f"v{self._fresh}")

    def _source(self, axiom: Axiom) -> Source:
        name = axiom_name(axiom)
        self._names[name] += 1
        if (count := self._names[name]) > 1:
            name = f"{name}-{count}"
        text = {language: words.axiom(axiom) for language, words in self._words.items()}
        label = {language: self._label(axiom, words) for language, words in self._words.items()}
        return Source(name, "axiom", label, text, tuple(dict.fromkeys(_terms(axiom))))

    @staticmethod
    def _label(axiom: Axiom, words: Words) -> str:
        terms = list(_terms(axiom))
        if axiom.kind == "EquivalentClasses":
            form = "definition of {}" if words.language == "en" else "{}的定义"
            return form.format(words.name(terms[0]))
        return words.axiom(axiom)


def _grounded(head: Atom, body: Body) -> tuple[Atom, Body]:
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


def axiom_name(axiom: Axiom) -> str:
    """Return the name of an axiom; of several with one name the second and later ones get a number."""
    named = [_local(term) for term in _terms(axiom)]
    shown = named[:2] if axiom.kind in {"SubClassOf", "SubPropertyOf", "InverseProperties"} else named[:1]
    return ".".join([axiom.kind, *shown])


def _group(member: Slot) -> tuple[Var, ...]:
    return (member,) if isinstance(member, Var) else ()


def _local(iri: str) -> str:
    return iri.rsplit("#", 1)[-1].rsplit("/", 1)[-1]


def _terms(axiom: Axiom) -> Iterator[str]:
    if axiom.kind in {"Domain", "Range"}:
        yield from (joined.iri for joined in axiom.properties)
    for expression in axiom.classes:
        yield from _names_in(expression)
    yield from (joined.iri for joined in axiom.properties)


def _names_in(expression: Expression) -> Iterator[str]:
    match expression:
        case ClassName(iri):
            yield iri
        case And(parts) | Or(parts):
            for part in parts:
                yield from _names_in(part)
        case Not(part):
            yield from _names_in(part)
        case Some(joined, filler) | Only(joined, filler) | Cardinality(_, _, joined, filler):
            yield joined.iri
            yield from _names_in(filler)
        case HasValue(joined) | HasSelf(joined):
            yield joined.iri
        case _:
            return
