"""The rules conclude what an independent OWL 2 RL reasoner concludes from the real ontology, statement by statement.

The projection: what is said of individuals, with terms of the ontology; no ``owl:sameAs``, ``owl:differentFrom`` or
``owl:Thing``, no types of literals. Rules with bounds of numbers or with counting go beyond OWL 2 RL and are left
aside.
"""

from __future__ import annotations

from pathlib import Path

import owlrl  # type: ignore[import-untyped]
import pyoxigraph as ox
import pytest
import rdflib

from valueweave.namespaces import SCE
from valueweave.ontology import OntologyIndex
from valueweave.project import Project
from valueweave.reasoning.closure.materialize import materialize
from valueweave.reasoning.logic.reasoner import logic_of
from valueweave.reasoning.rules.book import RuleBook
from valueweave.reasoning.rules.compiler import Compiled

TESTS = Path(__file__).parents[1]
FIXTURE = "https://w3id.org/valueweave/fixture/"
DEFINITIONS = sorted((TESTS / "fixtures" / "definitions").glob("*.ttl"))


def fixtures(paths: list[Path]) -> list[ox.Triple]:
    """Read fixtures, the individuals of each with the name of its file."""
    return [
        quad.triple
        for path in paths
        for quad in ox.parse(
            path.read_text("utf-8").replace(f"<{FIXTURE}>", f"<{FIXTURE}{path.stem}/>"), format=ox.RdfFormat.TURTLE
        )
    ]


def small_world() -> list[ox.Triple]:
    """The few records that the server is tested with."""
    return [quad.triple for quad in ox.parse(path=TESTS / "server" / "small.trig", format=ox.RdfFormat.TRIG)]


DATA = {
    "definitions A to I": fixtures([path for path in DEFINITIONS if path.stem < "J"]),
    "definitions M to V": fixtures([path for path in DEFINITIONS if path.stem > "J"]),
    "records of the server's tests": small_world(),
}


@pytest.mark.parametrize("name", DATA)
def test_the_rules_conclude_what_an_owl_rl_reasoner_does(name: str) -> None:
    ontology = logic_of(OntologyIndex.load(Project.find()).triples)
    compiled = RuleBook.compile(ontology).compiled
    profile = tuple(rule for rule in compiled.rules if rule.body.plain)
    assert len(profile) > 500
    rules = RuleBook(Compiled(profile, (), (), ()), (), {})
    data = DATA[name]
    ends = (end for triple in data for end in (triple.subject, triple.object))
    # What the ontology itself names is stated there and no conclusion.
    individuals = {end for end in ends if isinstance(end, ox.NamedNode) and not end.value.startswith(SCE)}
    inferred = materialize(data, ontology, rules).triples()
    ours = {str(triple) for triple in [*data, *inferred] if triple.subject in individuals and kept(triple)}

    oracle = rdflib.Graph()
    oracle.parse(data=ox.serialize([*ontology, *data], format=ox.RdfFormat.N_TRIPLES), format="nt")
    owlrl.DeductiveClosure(owlrl.OWLRL_Semantics).expand(oracle)
    names = {node.value for node in individuals}
    found = [
        f"{s.n3()} {p.n3()} {o.n3()} ." for s, p, o in oracle if str(s) in names and not isinstance(p, rdflib.Literal)
    ]
    theirs = {
        str(quad.triple) for quad in ox.parse("\n".join(found), format=ox.RdfFormat.N_TRIPLES) if kept(quad.triple)
    }
    assert ours == theirs
    assert len([triple for triple in inferred if triple.subject in individuals]) > 20


def kept(triple: ox.Triple) -> bool:
    """Return whether a statement is in the projection."""
    if triple.predicate.value.startswith(SCE):
        return True
    kind = triple.predicate == ox.NamedNode(str(rdflib.RDF.type))
    return kind and isinstance(triple.object, ox.NamedNode) and triple.object.value.startswith(SCE)
