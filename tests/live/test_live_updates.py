"""SPARQL updates and graphs replaced, in a store with a closure and in one of plain RDF."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pytest

from valueweave.build import build
from valueweave.graph import open as open_graph
from valueweave.layout import UPDATES_GRAPH
from valueweave.live import Curator
from valueweave.namespaces import GRAPH, ID, SCE
from valueweave.problems import ContradictionError, InputError
from valueweave.project import Project
from valueweave.store import EmbeddedStore

from .conftest import asks, assert_state, case, manifest, state

JD = GRAPH + "case/jd"
LINK = "<actor/jd> sce:cooperatesWith <actor/wuliu>"


def code(error: pytest.ExceptionInfo[InputError]) -> str:
    [problem] = error.value.problems
    return problem.code


def asserted(project: Project, graph: str) -> set[str]:
    store = EmbeddedStore.open(project.store)
    return {str(quad.triple) for quad in store.statements(graph=ox.NamedNode(graph))}


def said(text: str) -> set[str]:
    """Statements in Turtle with the prefixes of the project, as the store writes them."""
    head = f"@base <{ID}> . @prefix sce: <{SCE}> ."
    return {str(quad.triple) for quad in ox.parse(head + text, format=ox.RdfFormat.TURTLE)}


@pytest.mark.parametrize(
    ("text", "there", "gone"),
    [
        ("INSERT DATA { <actor/jd> sce:cooperatesWith <actor/x> }", "<actor/x> sce:cooperatesWith <actor/jd>", None),
        ("DELETE DATA { <actor/jd> sce:cooperatesWith <actor/wuliu> }", None, LINK),
        ("DELETE WHERE { <stage/jd-1> sce:endYear ?year }", None, "<stage/jd-1> sce:endYear 2016"),
        (
            "PREFIX s: <https://w3id.org/valueweave/ontology#> DELETE { ?a s:startYear ?y } "
            "INSERT { ?a s:startYear ?z } WHERE { ?a s:startYear ?y BIND(?y + 1 AS ?z) }",
            "<stage/jd-1> sce:startYear 2008 . <stage/jd-2> sce:startYear 2018",
            "<stage/jd-1> sce:startYear 2007",
        ),
        (
            f"WITH <{JD}> DELETE {{ ?s sce:order 1 }} INSERT {{ ?s sce:order 3 }} WHERE {{ ?s sce:order 1 }}",
            f"GRAPH <{JD}> {{ <stage/jd-1> sce:order 3 }}",
            "<stage/jd-1> sce:order 1",
        ),
        (
            f"DELETE {{ GRAPH <{JD}> {{ ?s sce:order ?o }} }} USING <{JD}> WHERE {{ ?s sce:order ?o }}",
            None,
            "?s sce:order ?o",
        ),
        (
            "INSERT DATA { <actor/a> a sce:Actor } ; DELETE WHERE { GRAPH ?g { <actor/jd> sce:cooperatesWith ?x } } ;"
            "INSERT { ?x sce:cooperatesWith <actor/b> } WHERE { ?x a sce:Actor FILTER(?x = <actor/a>) }",
            "<actor/b> sce:cooperatesWith <actor/a>",
            LINK,
        ),
        (f"CLEAR GRAPH <{JD}>", None, LINK),
        (
            f"COPY <{JD}> TO <urn:copy> ; DROP GRAPH <{JD}>",
            f"{LINK} . GRAPH <urn:copy> {{ {LINK} }}",
            f"GRAPH <{JD}> {{ {LINK} }}",
        ),
        (
            f"ADD <{JD}> TO DEFAULT ; DROP SILENT GRAPH <{JD}>",
            LINK,
            f"GRAPH <{JD}> {{ {LINK} }}",
        ),
        (
            "DELETE { GRAPH ?g { ?s sce:order ?o } } INSERT { ?s sce:order 9 } WHERE { GRAPH ?g { ?s sce:order ?o } }",
            "<stage/jd-1> sce:order 9",
            "<stage/jd-1> sce:order 1",
        ),
        (
            "INSERT { ?s sce:growth 1.0 } WHERE { ?s sce:order ?o } ; DELETE WHERE { ?s sce:growth 1.0 }",
            None,
            "?s sce:growth 1.0",
        ),
    ],
)
def test_an_update_changes_what_is_asserted_and_what_follows_and_outlives_a_build(
    project: Project, curator: Curator, text: str, there: str | None, gone: str | None
) -> None:
    curator.update(text)
    if there:
        assert asks(project, there)
    if gone:
        assert not asks(project, gone)
    after = state(project)
    assert EmbeddedStore.is_intact(project.store)
    build(project, force=True)
    assert_state(project, after)
    (project.data / "cases" / "jd.yaml").touch()
    assert not build(project).built


def test_an_update_may_be_taken_back_by_another_or_by_a_build(project: Project, curator: Curator) -> None:
    before = state(project)
    curator.update(f"DELETE DATA {{ {LINK} }}")
    assert manifest(project)["updates"] == ["removed.nq"]
    curator.update(f"INSERT DATA {{ GRAPH <{JD}> {{ {LINK} }} }}")
    assert manifest(project)["updates"] == []
    assert_state(project, before)
    curator.update(f"DELETE DATA {{ {LINK} }}")
    build(project, drop_updates=True)
    assert_state(project, before)


def test_what_was_inferred_stays_asserted_once_an_update_has_said_it(project: Project, curator: Curator) -> None:
    back = "<actor/wuliu> sce:cooperatesWith <actor/jd>"
    assert asks(project, back)
    curator.update(f"INSERT DATA {{ {back} }}")
    assert asserted(project, UPDATES_GRAPH) == said(back + " .")
    curator.update(f"DELETE DATA {{ {LINK} }}")
    assert asks(project, back)
    curator.update(f"INSERT {{ {back} . {LINK} }} WHERE {{ ?s ?p ?o }} ; DELETE DATA {{ {back} . {LINK} }}")
    assert not asks(project, back)


def test_what_is_inferred_goes_only_with_what_it_follows_from(project: Project, curator: Curator) -> None:
    before = state(project)
    applied = curator.update("DELETE DATA { <actor/wuliu> sce:cooperatesWith <actor/jd> }")
    assert applied.version == manifest(project)["version"]
    assert_state(project, before)


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("DELETE WHERE { ?s ?p ?o }", "computed-graph"),
        ("DELETE WHERE { GRAPH graph:ontology { ?s ?p ?o } }", "computed-graph"),
        ("CLEAR GRAPH graph:inferred", "computed-graph"),
        ("DROP ALL", "computed-graph"),
        ("INSERT DATA { GRAPH graph:inferred { <a> sce:order 1 } }", "computed-graph"),
        (
            "INSERT DATA { GRAPH <https://w3id.org/valueweave/graph/inferred/1/x> { <a> sce:order 1 } }",
            "computed-graph",
        ),
        ("MOVE DEFAULT TO <urn:x>", "computed-graph"),
        ("DELETE DATA { sce:Actor a <http://www.w3.org/2002/07/owl#Class> }", "computed-graph"),
        ("INSERT DATA { [] sce:order 1 }", "blank-node"),
        ("INSERT { ?s sce:withPartner [] } WHERE { ?s sce:order 1 }", "blank-node"),
        ("LOAD <http://127.0.0.1/x>", "load-refused"),
        ("LOADSILENT<http://127.0.0.1/x>", "load-refused"),
        ("PREFIX e: <http://127.0.0.1/> LOADe:x", "load-refused"),
        ("INSERT DATA { <urn:a> <urn:b> 1 };load<http://127.0.0.1/x>", "load-refused"),
        ("INSERT DATA { <a> <b> <c> } ; load silent <http://127.0.0.1/x> INTO GRAPH <urn:x>", "load-refused"),
        ("INSERT { ?s ?p ?o } WHERE { SERVICE <http://127.0.0.1/x> { ?s ?p ?o } }", "service-refused"),
        ("INSERT DATA {", "sparql-syntax"),
        ("SELECT * { ?s ?p ?o }", "sparql-syntax"),
    ],
)
def test_what_is_computed_or_elsewhere_is_not_touched(
    project: Project, curator: Curator, text: str, refusal: str
) -> None:
    before = state(project)
    with pytest.raises(InputError) as error:
        curator.update(text)
    assert code(error) == refusal
    assert_state(project, before)
    assert len(list((project.store / "versions").iterdir())) == 1


def test_the_place_of_a_fault_is_told(curator: Curator) -> None:
    with pytest.raises(InputError) as error:
        curator.update("INSERT DATA\n  { <a> sce:order }")
    [problem] = error.value.problems
    assert (problem.line, problem.column) == (2, 19)


def test_an_update_may_not_contradict(project: Project, curator: Curator) -> None:
    before = state(project)
    with pytest.raises(ContradictionError):
        curator.update("INSERT DATA { <actor/jd> a sce:Stage }")
    with pytest.raises(ContradictionError):
        curator.update(
            "INSERT DATA { <stage/jd-2> sce:precedes <stage/jd-1> . <stage/jd-1> sce:precedes <stage/jd-2> }"
        )
    assert_state(project, before)


ITEM = "<actor/jd/evidence/000-9-12>"
SPAN = (
    f"<actor/jd> sce:hasEvidence {ITEM} . {ITEM} a sce:EvidenceItem ; sce:inSource <source/000> ; "
    'sce:section "1" ; sce:startOffset 9 ; sce:endOffset 12 .'
)
NAMES = f"{ITEM} sce:supports sce:cooperatesWith"


@pytest.mark.parametrize(
    ("text", "backed"),
    [
        ("<actor/jd> sce:cooperatesWith <actor/x>", False),
        (f"GRAPH <{GRAPH}mine> {{ <actor/jd> sce:cooperatesWith <actor/x> }}", False),
        (f"GRAPH <{JD}> {{ <actor/jd> sce:cooperatesWith <actor/x> }}", False),
        (f"GRAPH <{JD}> {{ <actor/jd> sce:cooperatesWith <actor/x> . {SPAN} }}", False),
        (f"GRAPH <{JD}> {{ <actor/jd> sce:cooperatesWith <actor/x> . {SPAN} {NAMES} }}", True),
        (f"GRAPH <{GRAPH}mine> {{ <actor/jd> sce:cooperatesWith <actor/x> . {SPAN} }}", True),
        (f"<actor/jd> sce:cooperatesWith <actor/x> . {SPAN}", False),
        (f"<actor/jd> sce:cooperatesWith <actor/x> . {SPAN} {NAMES}", True),
    ],
)
def test_an_update_is_backed_by_no_passage_but_one_that_it_brings_for_it(
    project: Project, curator: Curator, text: str, backed: bool
) -> None:
    curator.update(f"INSERT DATA {{ {text} }}")
    with open_graph(project.home, project.store) as kg:
        [said_so] = kg.explain("actor/jd", "sce:cooperatesWith", "actor/x").proofs
        assert [(one.start, one.end) for one in said_so.passages] == ([(9, 12)] if backed else [])
        [follows] = kg.explain("actor/x", "sce:cooperatesWith", "actor/jd").proofs
        assert follows.premises
        assert any(leaf.passages for leaf in follows.leaves()) is backed
        [as_before] = kg.explain("actor/jd", "sce:cooperatesWith", "actor/wuliu").proofs
        assert [(one.start, one.end) for one in as_before.passages] == [(1, 5)]


def test_what_an_update_says_is_backed_where_a_file_says_it_too(project: Project, curator: Curator) -> None:
    curator.update(f"INSERT DATA {{ {LINK} . <actor/jd> sce:cooperatesWith <actor/x> }}")
    with open_graph(project.home, project.store) as kg:
        [proof] = kg.explain("actor/jd", "sce:cooperatesWith", "actor/wuliu").proofs
        assert UPDATES_GRAPH in proof.graphs
        assert [(one.start, one.end) for one in proof.passages] == [(1, 5)]


def test_a_contradiction_names_passages_of_what_a_file_says_alone(curator: Curator) -> None:
    with pytest.raises(ContradictionError) as error:
        curator.update("INSERT DATA { <actor/jd> a sce:Stage }")
    [problem] = error.value.problems
    told = problem.message.split("But: ")[1]
    assert "source 000" in told
    assert "JD is a stage (graph:updates)" in told


def test_conditions_are_looked_up_in_the_graphs_that_are_named(project: Project, curator: Curator) -> None:
    text = "INSERT { <actor/n> sce:order ?o } WHERE { <stage/jd-1> sce:order ?o }"
    curator.update(text, using_default=[GRAPH + "sources"])
    assert not asks(project, "<actor/n> sce:order 1")
    curator.update(text, using_default=[JD])
    assert asks(project, "<actor/n> sce:order 1")
    curator.update("DELETE WHERE { GRAPH ?g { <actor/n> sce:order ?o } }", using_named=[JD])
    assert asks(project, "<actor/n> sce:order 1")
    curator.update("DELETE WHERE { <actor/n> sce:order ?o }", using_default=[UPDATES_GRAPH])
    assert not asks(project, "<actor/n> sce:order 1")
    for own in (
        f"WITH <{JD}> DELETE {{ ?s ?p 1 }} WHERE {{ ?s ?p 1 }}",
        "DELETE { ?s ?p 1 } USING <urn:x> WHERE { ?s ?p 1 }",
    ):
        with pytest.raises(InputError) as error:
            curator.update(own, using_default=[JD])
        assert code(error) == "using-in-update"


def test_a_graph_is_replaced_merged_and_removed(project: Project, curator: Curator) -> None:
    graph = "urn:graph"

    def triples(text: str) -> list[ox.Triple]:
        head = f"@base <{ID}> . @prefix sce: <{SCE}> ."
        return [quad.triple for quad in ox.parse(head + text, format=ox.RdfFormat.TURTLE)]

    before = state(project)
    first = curator.change_graph(graph, triples("<actor/a> sce:cooperatesWith <actor/b> ."), how="replace")
    assert first.created
    assert asks(project, "<actor/b> sce:cooperatesWith <actor/a>")
    second = curator.change_graph(graph, triples("<actor/a> sce:cooperatesWith <actor/c> ."), how="replace")
    assert not second.created
    assert not asks(project, "<actor/b> sce:cooperatesWith <actor/a>")
    curator.change_graph(graph, triples("<actor/a> sce:cooperatesWith <actor/b> ."), how="merge")
    assert len(asserted(project, graph)) == 2
    curator.change_graph(graph, [], how="remove")
    assert_state(project, before)
    curator.change_graph(None, triples("<actor/a> sce:cooperatesWith <actor/b> ."), how="merge")
    assert len(asserted(project, UPDATES_GRAPH)) == 1
    curator.put_case("mill", case("mill"))
    for name, how, refusal in (
        (graph, "remove", "unknown-graph"),
        (None, "replace", "computed-graph"),
        (None, "remove", "computed-graph"),
        (GRAPH + "ontology", "remove", "computed-graph"),
        (GRAPH + "inferred", "merge", "computed-graph"),
        (GRAPH + "case/mill", "replace", "case-graph"),
        ("no iri", "merge", "bad-graph"),
    ):
        with pytest.raises(InputError) as error:
            curator.change_graph(name, triples("<a> sce:order 1 ."), how=how)  # type: ignore[arg-type]
        assert code(error) == refusal
    with pytest.raises(InputError) as error:
        curator.change_graph(graph, triples("<a> sce:withPartner [] ."), how="merge")
    assert code(error) == "blank-node"


def test_a_document_put_anew_ends_what_updates_did_to_its_graph(project: Project, curator: Curator) -> None:
    curator.put_case("mill", case("mill"))
    mine = f"GRAPH <{GRAPH}case/mill>"
    curator.update(f"DELETE WHERE {{ {mine} {{ ?s sce:startYear ?y }} }}")
    curator.update(f"INSERT DATA {{ {mine} {{ <actor/mill> sce:cooperatesWith <actor/wuliu> }} }}")
    assert manifest(project)["updates"] == ["added.nq", "removed.nq"]
    curator.put_case("mill", case("mill"))
    assert manifest(project)["updates"] == []
    assert asks(
        project, "<stage/mill> sce:startYear 2011 FILTER NOT EXISTS { <actor/mill> sce:cooperatesWith <actor/wuliu> }"
    )


# -- plain RDF


@pytest.fixture
def plain(tmp_path: Path) -> Project:
    """A store of one statement without rules."""
    a = ox.NamedNode("urn:a")
    EmbeddedStore.write(tmp_path / "store", [ox.Quad(a, a, a)], {"digest": "d" * 64})
    return Project(tmp_path, tmp_path / "store")


def test_a_plain_store_is_changed_as_the_engine_changes_it(plain: Project) -> None:
    curator = Curator(plain)
    applied = curator.update("INSERT DATA { <urn:b> <urn:b> [] GRAPH <urn:g> { <urn:b> <urn:b> 1 } }")
    assert (applied.added, applied.removed, applied.inferred) == (2, 0, 0)
    curator.update("DELETE { ?s ?p ?o } WHERE { ?s ?p ?o }", using_default=["urn:g"])
    curator.update("DELETE WHERE { <urn:a> ?p ?o }")
    store = EmbeddedStore.open(plain.store)
    assert {str(quad.subject) for quad in store.statements()} == {"<urn:b>"}
    assert EmbeddedStore.is_intact(plain.store)
    with pytest.raises(InputError) as error:
        curator.update("DROP GRAPH <urn:nothing>")
    assert code(error) == "update-failed"
    with pytest.raises(InputError) as error:
        curator.put_case("mill", case("mill"))
    assert code(error) == "plain-store"


def test_graphs_of_a_plain_store(plain: Project) -> None:
    curator = Curator(plain)
    b = ox.NamedNode("urn:b")
    one, two = ox.Triple(b, b, b), ox.Triple(b, b, ox.BlankNode("x"))
    assert curator.change_graph("urn:g", [one], how="replace").created
    assert not curator.change_graph("urn:g", [two], how="merge").created
    assert curator.change_graph("urn:g", [two], how="replace").removed == 2
    curator.change_graph(None, [one, two], how="replace")
    assert len(EmbeddedStore.open(plain.store).engine) == 3
    curator.change_graph("urn:g", [], how="remove")
    curator.change_graph(None, [], how="remove")
    curator.change_graph("urn:empty", [], how="replace")
    assert EmbeddedStore.open(plain.store).graphs() == ["urn:empty"]
    with pytest.raises(InputError) as error:
        curator.change_graph("urn:g", [], how="remove")
    assert code(error) == "unknown-graph"
