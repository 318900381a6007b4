"""The rules reach what the definitions entail: the fixtures that the DL reasoner is held to, without the reasoner."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pytest
from tests.definitions import BY_ASSUMPTION, FIXTURES, closure, individual

from valueweave.namespaces import PREFIXES, SCE
from valueweave.ontology import OntologyIndex
from valueweave.project import Project
from valueweave.reasoning.rules.book import RuleBook, rule_texts

TYPE = ox.NamedNode(PREFIXES["rdf"] + "type")


@pytest.fixture(scope="module")
def ontology() -> OntologyIndex:
    return OntologyIndex.load(Project.find())


@pytest.fixture(scope="module")
def rules(ontology: OntologyIndex) -> RuleBook:
    return RuleBook.compile(ontology.triples, rule_texts(Project.find()))


@pytest.fixture(scope="module")
def types(ontology: OntologyIndex, rules: RuleBook) -> set[tuple[object, object]]:
    """Who is of which class, stated or inferred."""
    return {(triple.subject, triple.object) for triple in closure(ontology, rules) if triple.predicate == TYPE}


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.stem)
def test_the_rules_tell_members_from_near_misses(fixture: Path, types: set[tuple[object, object]]) -> None:
    wanted = ox.NamedNode(SCE + fixture.stem)
    assert (individual(fixture, "positive"), wanted) in types
    assert (individual(fixture, "negative"), wanted) not in types
    assert ((individual(fixture, "nearMiss"), wanted) in types) is (fixture.stem in BY_ASSUMPTION)


def test_a_rule_that_counts_says_what_it_takes_for_granted(rules: RuleBook) -> None:
    assumed = {term for rule in rules.rules if rule.source.assumption for term in rule.source.terms[:1]}
    assert assumed >= {SCE + name for name in BY_ASSUMPTION}
