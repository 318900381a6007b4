"""Why a class is below another, why two classes share nothing, why a property implies another: by which axioms.

In: a statement about classes or properties, the rules and statements of an ontology. Out: an explanation with the
smallest set of axioms behind it.
The decision hidden here: the question is asked of anything at all. Let x be in the one class: if it then is in the
other, by axioms alone, so is every member. Where the rules do not get there, the description logic reasoner is asked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyoxigraph as ox

from valueweave.layout import DERIVATIONS, ONTOLOGY_GRAPH
from valueweave.namespaces import PREFIXES
from valueweave.reasoning.logic.schema_axioms import axioms_behind
from valueweave.reasoning.logic.witnesses import ANYTHING, ASSUMED, DEPTH, witness_rules
from valueweave.reasoning.proofs.explain import Explainer
from valueweave.reasoning.proofs.model import Explanation, Proof
from valueweave.reasoning.rules.book import RuleBook
from valueweave.reasoning.rules.compiler import Compiled
from valueweave.reasoning.rules.conditions import solutions
from valueweave.reasoning.rules.model import NOTHING, TYPE, Atom, Body, Key, Rule, Source, Var, atom_key, triple_keys

__all__ = ["SchemaQuestions", "is_schema_question"]

_RDFS, _OWL = PREFIXES["rdfs"], PREFIXES["owl"]
_X, _Y = ox.NamedNode(ANYTHING + "x"), ox.NamedNode(ANYTHING + "y")
_ASKED = frozenset(
    {_RDFS + name for name in ("subClassOf", "subPropertyOf", "domain", "range")}
    | {
        _OWL + name
        for name in (
            "equivalentClass", "disjointWith", "equivalentProperty", "inverseOf", "propertyDisjointWith",
        )
    }
)  # fmt: skip
_TEXT = {
    "en": "what holds of any x that is so holds of all",
    "zh": "对任意如此之 x 成立者，对一切皆成立",
}
_LABEL = {"en": "for any x", "zh": "对任意 x"}


def is_schema_question(statement: ox.Triple) -> bool:
    """Return whether a statement is about classes or properties, so that axioms alone decide it."""
    return statement.predicate.value in _ASKED


@dataclass(frozen=True, slots=True)
class _Case:
    """Let this be so; then that should follow (``None``: then nothing can be so)."""

    given: tuple[ox.Triple, ...]
    wanted: ox.Triple | None


def _cases(statement: ox.Triple) -> list[_Case]:
    one, other = statement.subject, statement.object
    assert isinstance(one, ox.NamedNode)
    assert isinstance(other, ox.NamedNode)

    def member(thing: ox.NamedNode, name: ox.NamedNode) -> ox.Triple:
        return ox.Triple(thing, TYPE, name)

    def implies(given: ox.Triple, wanted: ox.Triple) -> _Case:
        return _Case((given,), None if wanted.object == NOTHING else wanted)

    match statement.predicate.value.rsplit("#", 1)[1]:
        case "subClassOf":
            return [implies(member(_X, one), member(_X, other))]
        case "equivalentClass":
            return [implies(member(_X, one), member(_X, other)), implies(member(_X, other), member(_X, one))]
        case "disjointWith":
            return [_Case((member(_X, one), member(_X, other)), None)]
        case "subPropertyOf":
            return [implies(ox.Triple(_X, one, _Y), ox.Triple(_X, other, _Y))]
        case "equivalentProperty":
            pairs = ((one, other), (other, one))
            return [implies(ox.Triple(_X, a, _Y), ox.Triple(_X, b, _Y)) for a, b in pairs]
        case "inverseOf":
            pairs = ((one, other), (other, one))
            return [implies(ox.Triple(_X, a, _Y), ox.Triple(_Y, b, _X)) for a, b in pairs]
        case "propertyDisjointWith":
            return [_Case((ox.Triple(_X, one, _Y), ox.Triple(_X, other, _Y)), None)]
        case "domain":
            return [implies(ox.Triple(_X, one, _Y), member(_X, other))]
        case _:
            return [implies(ox.Triple(_X, one, _Y), member(_Y, other))]


class SchemaQuestions:
    """Answers questions about the classes and properties of one ontology.

    Args:
        rules: its rules; domain rules are left aside.
        ontology: its statements.
    """

    def __init__(self, rules: RuleBook, ontology: Sequence[ox.Triple]) -> None:
        compiled = rules.compiled
        # Two names that stand for anything may denote the same: what takes names to differ is no axiom.
        kept = [rule for rule in compiled.rules if not rule.source.assumption]
        checks = [check for check in compiled.checks if not check.source.assumption]
        self._rules: list[Rule] = [*kept, *witness_rules(compiled)]
        self._checks = checks
        self._compiled, self._labels = compiled, rules.labels
        self._ontology = ontology
        things = {t.subject for t in ontology if t.predicate == TYPE and t.object.value == _OWL + "NamedIndividual"}  # type: ignore[union-attr]
        self._facts = [triple for triple in ontology if triple.subject in things]

    def explain(self, statement: ox.Triple, *, reasoner: bool = True) -> Explanation:
        """Return the axioms by which ``statement`` holds, and a proof where rules find one.

        Args:
            statement: one for which :func:`is_schema_question` is true.
            reasoner: ask the description logic reasoner where rules do not find it, if it is installed.
        """
        proofs: list[Proof] = []
        axioms: dict[str, Source] = {}
        for case in _cases(statement):
            found = self._smallest(case)
            if found is None:
                if not reasoner:
                    return Explanation(statement, entailed=False)
                texts = axioms_behind(case.given, case.wanted, self._ontology, self._labels)
                if texts is None:
                    return Explanation(statement, entailed=False)
                axioms.update((text["en"], Source(text["en"], "axiom", text, text)) for text in texts)
                continue
            axioms.update((source.text["en"], source) for source in _sources(found))
            assert isinstance(statement.object, ox.NamedNode)
            rule = Rule(
                "any", Atom(_X, statement.predicate, statement.object), Body(), Source("any", "logic", _LABEL, _TEXT)
            )
            proofs.append(Proof(statement, found.round + 1, rule, (found,)))
        return Explanation(statement, entailed=True, proofs=tuple(proofs), axioms=tuple(axioms.values()))

    def _smallest(self, case: _Case) -> Proof | None:
        """Return a proof from which no axiom can be left out."""
        best = self._prove(case)
        if best is None:
            return None
        kept = _texts(best)
        for text in list(kept):
            fewer = [other for other in kept if other != text]
            without = self._prove(case, fewer)
            if without is not None:
                best, kept = without, fewer
        return best

    def _prove(self, case: _Case, only: Collection[str] | None = None) -> Proof | None:
        """Return a proof, if need be one by ``only`` these axioms."""
        rules = [rule for rule in self._rules if only is None or rule.source.text["en"] in only]
        checks = [check for check in self._checks if only is None or check.source.text["en"] in only]
        store = ox.Store()
        for triple in case.given:
            _put(store, triple, ASSUMED)
        for triple in self._facts:
            _put(store, triple, ONTOLOGY_GRAPH)
        _close(store, rules)
        book = RuleBook(Compiled(tuple(rules), tuple(checks), (), ()), (), self._labels)
        explainer = Explainer(store, book)
        if case.wanted is not None:
            answer = explainer.explain(case.wanted)
            if answer.entailed:
                return answer.proofs[0]
        # What can have no members is in every class.
        keys = _keys(store)
        found = [
            proof
            for check in checks
            if {atom_key(atom) for atom in check.body.atoms} <= keys
            for proof in explainer.prove_all(check)
        ]
        return min(found, key=lambda proof: (proof.steps(), str(proof.statement)), default=None)


def _put(store: ox.Store, triple: ox.Triple, graph: str) -> None:
    store.add(ox.Quad(triple.subject, triple.predicate, triple.object, ox.NamedNode(graph)))
    store.add(ox.Quad(triple.subject, triple.predicate, triple.object))


def _keys(store: ox.Store) -> set[Key]:
    return {
        key for quad in store.quads_for_pattern(None, None, None, ox.DefaultGraph()) for key in triple_keys(quad.triple)
    }


def _close(store: ox.Store, rules: Iterable[Rule]) -> None:
    """Add what follows, in the layout of a build; a round asks only rules of whose conditions something is there."""
    asked = [(rule, {atom_key(atom) for atom in rule.body.atoms}) for rule in rules]
    new: set[Key] = _keys(store)
    known: set[Key] = set(new)
    number = 0
    while new:
        number += 1
        found: dict[ox.Triple, str] = {}
        for rule, keys in asked:
            if keys <= known and keys & new:
                for triple in _conclusions(store, rule):
                    found.setdefault(triple, rule.name)
        new = set()
        for triple, name in found.items():
            _put(store, triple, f"{DERIVATIONS}{number}/{name}")
            new.update(triple_keys(triple))
        known |= new


def _conclusions(store: ox.Store, rule: Rule) -> Iterator[ox.Triple]:
    for values in list(solutions(store, rule.body, {})):
        head = rule.head.bind(values)
        if isinstance(head.subject, Var | ox.Literal):
            continue
        triple = head.triple()
        ends = [end.value for end in (triple.subject, triple.object) if isinstance(end, ox.NamedNode)]
        if any(end.startswith(ANYTHING) and end.count("/") > DEPTH for end in ends):
            continue
        if ox.Quad(triple.subject, triple.predicate, triple.object) not in store:
            yield triple


def _steps(proof: Proof) -> Iterator[Proof]:
    yield proof
    for premise in proof.premises:
        yield from _steps(premise)


def _sources(proof: Proof) -> list[Source]:
    """Return the axioms of a proof, each once, the last step's first."""
    found = {step.rule.source.text["en"]: step.rule.source for step in _steps(proof) if step.rule is not None}
    return list(found.values())


def _texts(proof: Proof) -> list[str]:
    return [source.text["en"] for source in _sources(proof)]
