"""Axioms and rules taken away or turned round, one at a time.

In: the rules of a store. Out: :class:`Mutant` values.
The decision hidden here: what is changed of an axiom: the two sides of one that goes one way, the end of a property
that a domain or range is of, the last part of a definition.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

from valueweave.reasoning.rules.axiom_names import named
from valueweave.reasoning.rules.book import RuleBook
from valueweave.reasoning.rules.compiler import compile_axioms
from valueweave.reasoning.rules.expressions import And, Axiom, Expression, Or
from valueweave.reasoning.rules.files import QueryRule
from valueweave.reasoning.rules.model import Rule

__all__ = ["Mutant", "mutants"]


@dataclass(frozen=True, slots=True)
class Mutant:
    """An axiom or rule file that is taken away or turned round.

    Attributes:
        name: of the axiom or rule.
        text: what it says.
        how: ``removed`` or ``flipped``.
        gone: names of the rules that go.
        come: rules that come instead.
        kind: ``axiom`` or ``rule``.
    """

    name: str
    text: str
    how: str
    gone: frozenset[str]
    come: tuple[Rule, ...] = ()
    kind: str = "axiom"


def flipped(axiom: Axiom) -> Axiom | None:
    """Return the axiom turned round, or weakened where it cannot be turned; ``None`` where neither can be done."""
    classes, properties = axiom.classes, axiom.properties
    match axiom.kind:
        case "SubClassOf":
            return replace(axiom, classes=(classes[1], classes[0]))
        case "SubPropertyOf":
            return replace(axiom, properties=(properties[1], properties[0]))
        case "Domain":
            return replace(axiom, kind="Range")
        case "Range":
            return replace(axiom, kind="Domain")
        case "InverseProperties":
            return replace(axiom, kind="EquivalentProperties")
        case "PropertyChain":
            turned = (*reversed(properties[:-1]), properties[-1])
            return replace(axiom, properties=turned) if turned != properties else None
        case "EquivalentClasses" if len(classes) == 2:
            weaker = _weaker(classes[1])
            return replace(axiom, classes=(classes[0], weaker)) if weaker else replace(axiom, kind="SubClassOf")
        case _:
            return None


def _weaker(expression: Expression) -> Expression | None:
    """Return an expression without its last part."""
    if isinstance(expression, And | Or) and len(expression.parts) > 1:
        rest = expression.parts[:-1]
        return rest[0] if len(rest) == 1 else replace(expression, parts=rest)
    return None


def mutants(book: RuleBook) -> Iterator[Mutant]:
    """Yield every axiom that rules carry and every rule file, taken away and turned round."""
    alone = defaultdict(set)
    for rule in (*book.compiled.rules, *book.compiled.checks):
        alone[rule.source.name].add(rule.name)
    for name, axiom in named(book.compiled.axioms):
        if name not in alone:
            continue
        text = _text(book, name)
        yield Mutant(name, text, "removed", frozenset(alone[name]))
        turned = flipped(axiom)
        if turned is not None:
            come = tuple(
                replace(rule, name=f"flipped-{number}-{name}")
                for number, rule in enumerate(compile_axioms([turned], book.labels).rules)
            )
            yield Mutant(name, text, "flipped", frozenset(alone[name]), come)
    files: dict[str, set[str]] = defaultdict(set)
    ruled: list[Rule | QueryRule] = [*book.domain, *book.queries]
    for one in ruled:
        files[one.source.name].add(one.name)
    for name, rules in sorted(files.items()):
        yield Mutant(name, _text(book, name), "removed", frozenset(rules), kind="rule")


def _text(book: RuleBook, name: str) -> str:
    every: list[Rule | QueryRule] = [*book.compiled.rules, *book.compiled.checks, *book.domain, *book.queries]
    return next(one.source.text["en"] for one in every if one.source.name == name)
