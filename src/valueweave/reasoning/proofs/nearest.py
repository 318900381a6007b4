"""What comes nearest to a statement that does not hold.

In: a store with its closure, rules, a statement. Out: :class:`~valueweave.reasoning.proofs.model.Nearest`, statements.
The decision hidden here: what counts as near: the rule with the fewest conditions unmet. Conditions are taken in their
order, each is met when it can be met together with those before it, and one that nothing joins to the thing asked for
is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import pyoxigraph as ox

from valueweave.reasoning.proofs.model import Nearest
from valueweave.reasoning.rules.book import RuleBook
from valueweave.reasoning.rules.conditions import select, unify, where
from valueweave.reasoning.rules.model import Body, Rule, Term, Var

__all__ = ["near", "nearest", "similar"]

_MOST = 5
"""So many rules are told, and so many statements for each place in which they differ."""


def nearest(engine: ox.Store, rules: RuleBook, triple: ox.Triple) -> list[Nearest]:
    """Return the rules that come nearest to concluding ``triple``, the nearest first."""
    found = [one for rule in rules.concluding(triple) if (one := near(engine, rule, triple))]
    return sorted(found, key=lambda one: (len(one.unmet), -len(one.met), one.rule.name))[:_MOST]


def near(engine: ox.Store, rule: Rule, triple: ox.Triple) -> Nearest | None:
    """Return which conditions of ``rule`` are met for it to conclude ``triple``, if it is about such statements."""
    values = unify(rule.head, triple)
    if values is None:
        return None
    met, unmet = _partly(engine, rule.body, values)
    return Nearest(rule, tuple(met), tuple(unmet))


def _partly(engine: ox.Store, body: Body, values: dict[Var, Term]) -> tuple[list[str], list[str]]:
    """Return the conditions that can be met together, taken in their order, and the others."""
    met: list[str] = []
    unmet: list[str] = []
    kept = Body()
    parts = [Body((atom,)) for atom in body.atoms]
    parts += [Body(counts=(count,)) for count in body.counts]
    parts += [Body(tests=(test,)) for test in body.tests] + [Body(absent=(absent,)) for absent in body.absent]
    for part in parts:
        tried = kept + part
        known = {*kept.variables(), *values}
        if any(known.isdisjoint(atom.variables()) and any(atom.variables()) for atom in part.atoms):
            # What is not joined to the thing asked for says nothing of it, even if it holds of something else.
            unmet.append(where(part, values))
            continue
        if any(variable not in {*tried.variables(), *values} for test in tried.tests for variable in test.variables()):
            continue  # what it tests is missing, which is told already
        answer = engine.query(select(tried, values, limit=1))
        assert isinstance(answer, ox.QuerySolutions)
        if next(iter(answer), None) is not None:
            kept = tried
            met.append(where(part, values))
        else:
            unmet.append(where(part, values))
    return met, unmet


def similar(engine: ox.Store, triple: ox.Triple) -> Iterator[ox.Triple]:
    """Yield statements that differ from ``triple`` in one place."""
    patterns: Iterable[tuple[object, object, object]] = (
        (triple.subject, triple.predicate, None),
        (triple.subject, None, triple.object),
        (None, triple.predicate, triple.object),
    )
    for subject, predicate, value in patterns:
        quads = engine.quads_for_pattern(subject, predicate, value, ox.DefaultGraph())  # type: ignore[arg-type]
        yield from (quad.triple for quad in islice(quads, _MOST))
