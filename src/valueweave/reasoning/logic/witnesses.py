"""Rules for what an axiom says there is without saying what: they make up a thing that stands for it.

In: axioms. Out: rules whose conclusions name made-up things, for questions about classes rather than about records.
The decision hidden here: the made-up thing has the name of the thing it belongs to, with the property behind it, so
each thing and axiom has one of its own (a Skolem term). Names may denote the same thing, so nothing that counts or
compares names may be asked of them.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyoxigraph as ox

from valueweave.namespaces import GRAPH
from valueweave.reasoning.rules.compiler import Compiled
from valueweave.reasoning.rules.expressions import (
    And,
    Axiom,
    Cardinality,
    ClassName,
    Expression,
    HasValue,
    Property,
    Some,
)
from valueweave.reasoning.rules.model import TYPE, Atom, Body, Call, Formula, Rule, Slot, Source, Var
from valueweave.reasoning.rules.unfolding import alternatives, joins

__all__ = ["ANYTHING", "ASSUMED", "DEPTH", "witness_rules"]

ANYTHING = "urn:valueweave:any:"
"""How the names of things begin that stand for any thing."""

ASSUMED = GRAPH + "assumed"
"""Stands where a proof names the graph of a statement that is taken for granted for the sake of the question."""

DEPTH = 3
"""So many made-up things hang on one another at most."""

_X = Var("x")


def witness_rules(compiled: Compiled) -> list[Rule]:
    """Return rules for the axioms, or parts of axioms, that say that there is something.

    >>> from valueweave.reasoning.rules.compiler import compile_axioms
    >>> axiom = Axiom("SubClassOf", (ClassName("urn:A"), Some(Property("urn:p"), ClassName("urn:B"))))
    >>> [str(rule.head) for rule in witness_rules(compile_axioms([axiom], {}))]
    ['?x <urn:p> ?w1', '?w1 <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <urn:B>']
    """
    texts = {one.axiom: one.text for one in compiled.uncovered}
    sources = {(rule.source.text["en"]): rule.source for rule in (*compiled.rules, *compiled.checks)}
    found: list[Rule] = []
    for number, axiom in enumerate(axiom for axiom in compiled.axioms if axiom in texts):
        text = texts[axiom]
        source = sources.get(text["en"]) or Source(f"{axiom.kind}-{number}", "axiom", text, text)
        maker = _Maker(f"{number}")
        pairs = [pair for sub, sup in _directions(axiom) for pair in maker.conclusions(sub, sup)]
        found += [Rule(f"there-is.{number}-{place}", head, body, source) for place, (head, body) in enumerate(pairs, 1)]
    return found


def _directions(axiom: Axiom) -> Iterator[tuple[Expression, Expression]]:
    match axiom.kind:
        case "SubClassOf":
            yield axiom.classes[0], axiom.classes[1]
        case "EquivalentClasses":
            one, other = axiom.classes
            yield one, other
            yield other, one
        case "Domain":
            yield Some(axiom.properties[0], ClassName("http://www.w3.org/2002/07/owl#Thing")), axiom.classes[0]
        case _:
            return


class _Maker:
    """Makes up the things of one axiom."""

    def __init__(self, mark: str) -> None:
        self._mark = mark
        self._made = 0

    def conclusions(self, sub: Expression, sup: Expression) -> Iterator[tuple[Atom, Body]]:
        for body in alternatives(_X, sub):
            if body.plain:
                yield from self._say(_X, sup, body, made=False)

    def _say(self, member: Slot, expression: Expression, body: Body, *, made: bool) -> Iterator[tuple[Atom, Body]]:
        """Yield what ``expression`` says of ``member``; of one that is not made up only what makes something up."""
        match expression:
            case And(parts):
                for part in parts:
                    yield from self._say(member, part, body, made=made)
            case Some(joined, filler):
                yield from self._make(member, joined, filler, body)
            case Cardinality("min" | "exactly", number, joined, filler) if number > 0:
                for _ in range(number):
                    yield from self._make(member, joined, filler, body)
            case ClassName(iri) if made and not iri.endswith(("#Thing", "#Literal")):
                yield Atom(member, TYPE, ox.NamedNode(iri)), body
            case HasValue(joined, value) if made:
                yield joins(joined, member, value), body
            case _:
                return

    def _make(self, member: Slot, joined: Property, filler: Expression, body: Body) -> Iterator[tuple[Atom, Body]]:
        if not isinstance(filler, ClassName | And | Some | HasValue | Cardinality) or _is_data(filler):
            return
        self._made += 1
        thing = Var(f"w{self._made}")
        local = joined.iri.rsplit("#", 1)[-1].rsplit("/", 1)[-1]
        parts: tuple[Formula, ...] = (Call("STR", (member,)), ox.Literal(f"/{local}.{self._mark}-{self._made}"))
        inner = body + Body(bindings=((thing, Call("IRI", (Call("CONCAT", parts),))),))
        yield joins(joined, member, thing), inner
        yield from self._say(thing, filler, inner, made=True)


def _is_data(filler: Expression) -> bool:
    return isinstance(filler, ClassName) and filler.iri.startswith("http://www.w3.org/2001/XMLSchema#")
