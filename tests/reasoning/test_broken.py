"""What a change breaks: the checks that find something after it which they did not find before it, and no others."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pyoxigraph as ox
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from valueweave.ontology import OntologyIndex
from valueweave.project import Project
from valueweave.reasoning.closure.broken import broken_by
from valueweave.reasoning.closure.bulk import BulkClosure
from valueweave.reasoning.closure.matching import matches
from valueweave.reasoning.closure.views import Index, View
from valueweave.reasoning.rules.book import RuleBook, RuleText, rule_texts

ONTOLOGY = """@prefix : <urn:> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
:A a owl:Class ; owl:disjointWith :B . :B a owl:Class . :C a owl:Class . :D a owl:Class .
[] a owl:AllDisjointClasses ; owl:members ( :A :C :D ) .
:p a owl:ObjectProperty , owl:AsymmetricProperty . :q a owl:ObjectProperty , owl:IrreflexiveProperty .
:r a owl:ObjectProperty ; owl:propertyDisjointWith :q . :age a owl:DatatypeProperty .
"""
HEADER = "#+ label: {0}\n#+ definition: {0}.\n#+ layer: checks\nPREFIX owl: <http://www.w3.org/2002/07/owl#>\n"
CHECKS = {
    "check-cycle": "{ ?x <urn:q> ?y . ?y <urn:q> ?z . ?z <urn:q> ?x }",
    "check-older": "{ ?x <urn:p> ?y . ?x <urn:age> ?a . ?y <urn:age> ?b . FILTER(?a < ?b) }",
    "check-alone": "{ ?x a <urn:C> . FILTER NOT EXISTS { ?x <urn:q> ?y . ?y a <urn:B> } }",
    "check-many": "{ ?x a <urn:A> . { SELECT ?x WHERE { ?x <urn:q> ?y . ?y a <urn:D> }"
    " GROUP BY ?x HAVING (COUNT(DISTINCT ?y) >= 2) } }",
    "check-few": "{ ?x <urn:r> ?w . FILTER NOT EXISTS { { SELECT ?x WHERE { ?x <urn:q> ?y }"
    " GROUP BY ?x HAVING (COUNT(DISTINCT ?y) >= 2) } } }",
    "check-either": "{ ?x <urn:r> ?y . { ?y a <urn:A> } UNION { ?x a <urn:D> . FILTER NOT EXISTS { ?y a <urn:D> } } }",
}
EXAMPLES = int(os.environ.get("VALUEWEAVE_EXAMPLES", "100"))
TYPE = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
THINGS = [ox.NamedNode(f"urn:i{number}") for number in range(3)]
LINKS = [ox.NamedNode(f"urn:{name}") for name in "pqr"]
STATEMENTS = [
    *(ox.Triple(one, link, other) for one in THINGS for link in LINKS for other in THINGS),
    *(ox.Triple(one, TYPE, ox.NamedNode(f"urn:{name}")) for one in THINGS for name in "ABCD"),
    *(ox.Triple(one, ox.NamedNode("urn:age"), ox.Literal(number)) for one in THINGS for number in range(2)),
]
"""All there can be: so few that most checks are broken, and mended, by accident."""

fates = st.lists(
    st.sampled_from(["never", "never", "stays", "comes", "goes"]), min_size=len(STATEMENTS), max_size=len(STATEMENTS)
)


@pytest.fixture(scope="module")
def book() -> RuleBook:
    texts = [
        RuleText(name, f"{name}.rq", f"{HEADER.format(name)}CONSTRUCT {{ ?x a owl:Nothing }} WHERE {text}")
        for name, text in CHECKS.items()
    ]
    ontology = [quad.triple for quad in ox.parse(ONTOLOGY, format=ox.RdfFormat.TURTLE)]
    return RuleBook.compile(ontology, texts)


def stored(triples: Iterable[ox.Triple]) -> ox.Store:
    store = ox.Store()
    store.extend(ox.Quad(triple.subject, triple.predicate, triple.object) for triple in triples)
    return store


def violations(book: RuleBook, triples: Iterable[ox.Triple]) -> set[tuple[str, str]]:
    """Return every check with every way in which it is met, looked up in all there is."""
    view = View(ox.Store(), (), Index(triples))
    return {
        (check.name, str(sorted((variable.name, str(term)) for variable, term in met.items())))
        for check in book.checks
        for met in matches(view, check.body, {})
    }


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fates)
def test_a_change_breaks_what_the_whole_evaluation_finds_new(book: RuleBook, fates: list[str]) -> None:
    stay, come, go = (
        {one for one, fate in zip(STATEMENTS, fates, strict=True) if fate == wanted}
        for wanted in ("stays", "comes", "goes")
    )
    new = {name for name, _ in violations(book, stay | come) - violations(book, stay | go)}
    assert set(broken_by(stored(stay | come), book, come, go)) == new


@settings(max_examples=EXAMPLES // 3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.sampled_from(STATEMENTS), max_size=12))
def test_all_that_is_broken_was_broken_by_everything(book: RuleBook, everything: set[ox.Triple]) -> None:
    """Held against the checks as the bulk closure evaluates them, in SQL."""
    with BulkClosure() as tables:
        tables.load(everything)
        tables.run([])
        met = [check.name for check in tables.met(book.checks)]
    assert list(broken_by(stored(everything), book, everything)) == met


# -- under the real ontology: every fixture of a check breaks that check

FIXTURES = sorted((Path(__file__).parents[1] / "fixtures" / "checks").glob("*.ttl"))


@pytest.fixture(scope="module")
def real() -> RuleBook:
    project = Project.find()
    return RuleBook.compile(OntologyIndex.load(project).triples, rule_texts(project))


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_a_fixture_of_a_check_breaks_it(real: RuleBook, path: Path) -> None:
    triples = {quad.triple for quad in ox.parse(path.read_bytes(), format=ox.RdfFormat.TURTLE)}
    with BulkClosure() as tables:
        tables.load(triples)
        tables.run(real.strata)
        triples.update(triple for triple, _, _ in tables.conclusions())
        met = [check.name for check in tables.met(real.checks)]
    broken = list(broken_by(stored(triples), real, triples))
    assert any(real.by_name[name].source.name == f"check-{path.stem}" for name in broken)
    assert broken == met
