"""The rules reach what the definitions entail: the fixtures that the DL reasoner is held to, without the reasoner."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pytest

from valueweave.namespaces import PREFIXES, SCE
from valueweave.ontology import OntologyIndex
from valueweave.project import Project
from valueweave.reasoning.closure import close_ontology, load_rules

FIXTURES = sorted((Path(__file__).parents[1] / "fixtures" / "definitions").glob("*.ttl"))
BEYOND_THE_RULES = {"CrossCaseClaim": "counts values, and whether two names mean two things no rule can tell"}
EX = "https://w3id.org/valueweave/fixture/"
TYPE = ox.NamedNode(PREFIXES["rdf"] + "type")


@pytest.fixture(scope="module")
def ontology() -> OntologyIndex:
    return OntologyIndex.load(Project.find())


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.stem)
def test_the_rules_tell_members_from_near_misses(fixture: Path, ontology: OntologyIndex) -> None:
    stated = [quad.triple for quad in ox.parse(path=fixture)]
    quads = [ox.Quad(t.subject, t.predicate, t.object) for t in stated]
    inferred = close_ontology(quads, ontology.triples, load_rules(Project.find().rule_files()))
    members = {
        quad.subject
        for quad in [*quads, *inferred]
        if quad.predicate == TYPE and quad.object == ox.NamedNode(SCE + fixture.stem)
    }
    assert (ox.NamedNode(EX + "positive") in members) is (fixture.stem not in BEYOND_THE_RULES)
    assert ox.NamedNode(EX + "negative") not in members
    assert ox.NamedNode(EX + "nearMiss") not in members
