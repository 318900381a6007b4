"""The fixtures of the definitions under the rules: all of them in one closure.

Most of a closure is that of the ontology, and the same for every fixture. Their individuals have nothing to do with
each other, once each has the name of its file in its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyoxigraph as ox

from valueweave.ontology import OntologyIndex
from valueweave.reasoning.closure.materialize import materialize
from valueweave.reasoning.rules.book import RuleBook

FIXTURES = sorted((Path(__file__).parent / "fixtures" / "definitions").glob("*.ttl"))
BY_ASSUMPTION = {"CrossCaseClaim"}
"""Rules take different names to denote different things here, and say so; the DL reasoner does not."""

_EX = "https://w3id.org/valueweave/fixture/"


def individual(fixture: Path, name: str) -> ox.NamedNode:
    """An individual of a fixture, such as ``positive``, as it is named in the closure."""
    return ox.NamedNode(f"{_EX}{fixture.stem}/{name}")


def closure(ontology: OntologyIndex, rules: RuleBook) -> list[ox.Triple]:
    """What all fixtures state and what follows from it."""
    stated = [triple for fixture in FIXTURES for triple in _statements(fixture)]
    return [*stated, *materialize(stated, ontology.triples, rules).triples()]


def _statements(fixture: Path) -> Iterator[ox.Triple]:
    def renamed(node: Any) -> Any:
        own = isinstance(node, ox.NamedNode) and node.value.startswith(_EX)
        return individual(fixture, node.value.removeprefix(_EX)) if own else node

    for quad in ox.parse(path=fixture):
        yield ox.Triple(renamed(quad.subject), quad.predicate, renamed(quad.object))
