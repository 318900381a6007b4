"""The rules reach what the definitions entail: the fixtures that the DL reasoner is held to, without the reasoner."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pytest

from valueweave.namespaces import PREFIXES, SCE
from valueweave.ontology import OntologyIndex
from valueweave.project import Project
from valueweave.reasoning.closure.materialize import materialize
from valueweave.reasoning.rules.book import RuleBook, rule_texts

FIXTURES = sorted((Path(__file__).parents[1] / "fixtures" / "definitions").glob("*.ttl"))
BY_ASSUMPTION = {"CrossCaseClaim"}
EX = "https://w3id.org/valueweave/fixture/"
TYPE = ox.NamedNode(PREFIXES["rdf"] + "type")


@pytest.fixture(scope="module")
def ontology() -> OntologyIndex:
    return OntologyIndex.load(Project.find())


@pytest.fixture(scope="module")
def rules(ontology: OntologyIndex) -> RuleBook:
    return RuleBook.compile(ontology.triples, rule_texts(Project.find()))


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.stem)
def test_the_rules_tell_members_from_near_misses(fixture: Path, ontology: OntologyIndex, rules: RuleBook) -> None:
    stated = [quad.triple for quad in ox.parse(path=fixture)]
    inferred = materialize(stated, ontology.triples, rules).triples()
    members = {
        triple.subject
        for triple in [*stated, *inferred]
        if triple.predicate == TYPE and triple.object == ox.NamedNode(SCE + fixture.stem)
    }
    assert ox.NamedNode(EX + "positive") in members
    assert ox.NamedNode(EX + "negative") not in members
    # Rules take different names to denote different things, and say so; the DL reasoner does not.
    assert (ox.NamedNode(EX + "nearMiss") in members) is (fixture.stem in BY_ASSUMPTION)


def test_a_rule_that_counts_says_what_it_takes_for_granted(rules: RuleBook) -> None:
    assumed = {term for rule in rules.rules if rule.source.assumption for term in rule.source.terms[:1]}
    assert assumed >= {SCE + name for name in BY_ASSUMPTION}
