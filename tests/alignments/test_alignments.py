"""Alignments name terms that exist, on both sides, and bring no axiom of another ontology into this one."""

from __future__ import annotations

import re
from pathlib import Path

import pyoxigraph as ox
import pytest
import rdflib
from rdflib import DCTERMS, OWL, RDF, RDFS, SKOS, namespace

from valueweave.namespaces import ID, SCE
from valueweave.ontology import OntologyIndex
from valueweave.project import Project

PROJECT = Project.find()
FILES = sorted((PROJECT.ontology / "alignments").glob("*.ttl"))
BY_FILE = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
BASE = "https://w3id.org/valueweave/ontology"
MATCHES = {SKOS.exactMatch, SKOS.closeMatch, SKOS.broadMatch, SKOS.narrowMatch, SKOS.relatedMatch}
FORBIDDEN = {OWL.equivalentClass, OWL.equivalentProperty, OWL.sameAs, OWL.imports, RDFS.subPropertyOf}


@pytest.fixture(scope="module")
def ontology() -> OntologyIndex:
    return OntologyIndex.load(PROJECT)


@pytest.fixture(scope="module")
def checked() -> set[str]:
    """The foreign IRIs that docs/alignments.md says were looked up."""
    text = (PROJECT.home / "docs" / "alignments.md").read_text(encoding="utf-8")
    prefixes = dict(re.findall(r"^### `([\w-]+):` <(\S+)>$", text, re.MULTILINE))
    listed = re.findall(r"`([\w-]+):(\w+)`", text[text.index("## What was checked where") :])
    return {prefixes[prefix] + name for prefix, name in listed}


def mapped(graph: rdflib.Graph) -> set[str]:
    """Return the foreign IRIs that a mapping names."""
    return {str(o) for p in (*MATCHES, RDFS.subClassOf) for o in graph.objects(None, p)}


def test_the_vocabularies_promised_are_there() -> None:
    names = {path.stem for path in FILES}
    assert names >= {"prov-o", "org", "time", "iof", "gist", "valueflows", "schema-org", "qudt", "scor"}


@BY_FILE
class TestFile:
    def test_it_is_an_ontology_of_its_own_that_no_module_imports(self, path: Path, ontology: OntologyIndex) -> None:
        graph = rdflib.Graph().parse(path)
        [header] = graph.subjects(RDF.type, OWL.Ontology)
        assert str(header) == f"{BASE}/alignments/{path.stem}"
        versions = {str(term) for term in ontology.merged_graph().objects(rdflib.URIRef(BASE), OWL.versionInfo)}
        assert {str(value) for value in graph.objects(header, OWL.versionInfo)} == versions
        assert list(graph.objects(header, OWL.versionIRI)) == [
            rdflib.URIRef(f"{BASE}/{next(iter(versions))}/alignments/{path.stem}")
        ]
        assert {text.language for text in graph.objects(header, DCTERMS.title) if isinstance(text, rdflib.Literal)} == {
            "en",
            "zh",
        }
        assert header not in set(ontology.merged_graph().objects(None, OWL.imports))

    def test_both_parsers_read_the_same(self, path: Path) -> None:
        assert len(list(ox.parse(path=path, format=ox.RdfFormat.TURTLE))) == len(rdflib.Graph().parse(path))

    def test_it_states_no_equivalence_and_imports_nothing(self, path: Path) -> None:
        graph = rdflib.Graph().parse(path)
        assert FORBIDDEN.isdisjoint(graph.predicates())
        assert not [term for term in graph.all_nodes() if isinstance(term, rdflib.BNode)]

    def test_every_term_of_ours_exists_with_the_kind_stated(self, path: Path, ontology: OntologyIndex) -> None:
        known = ontology.merged_graph()
        ours = [(s, o) for s, o in rdflib.Graph().parse(path).subject_objects(RDF.type) if str(s).startswith(SCE)]
        assert ours or path.stem == "scor"
        assert [str(term) for term, kind in ours if (term, RDF.type, kind) not in known] == []

    def test_every_foreign_term_was_looked_up(self, path: Path, checked: set[str]) -> None:
        named = mapped(rdflib.Graph().parse(path))
        assert named or path.stem == "scor"
        assert sorted(named - checked) == []


@pytest.mark.parametrize("name", ["PROV", "ORG", "TIME", "SDO", "SKOS"])
def test_terms_of_well_known_vocabularies_are_in_the_lists_that_rdflib_ships(name: str) -> None:
    terms = getattr(namespace, name)
    graph = sum((rdflib.Graph().parse(path) for path in FILES), rdflib.Graph())
    named = {iri for iri in mapped(graph) if iri.startswith(str(terms))}
    assert named
    assert [iri for iri in named if iri not in terms] == []


def test_supply_chain_functions_with_a_scor_code_are_in_the_data() -> None:
    graph = rdflib.Graph().parse(PROJECT.ontology / "alignments" / "scor.ttl")
    coded = {str(s).removeprefix(ID): str(code) for s, code in graph.subject_objects(SKOS.notation)}
    assert coded
    assert set(coded.values()) <= set("PSMDRE")
    text = "\n".join(path.read_text(encoding="utf-8") for path in PROJECT.data_files())
    assert [record for record in coded if not re.search(rf"\bid: {re.escape(record)}$", text, re.MULTILINE)] == []
