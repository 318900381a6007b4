"""The street from files to a store: complete, repeatable, and never half done."""

from __future__ import annotations

import pytest

from valueweave.build import build
from valueweave.graph import open as open_graph
from valueweave.layout import is_current
from valueweave.problems import InputError
from valueweave.project import Project
from valueweave.store import EmbeddedStore

TRIPLES = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"


def test_a_build_puts_each_file_into_its_graph_and_the_closure_into_the_default_graph(project: Project) -> None:
    report = build(project)
    assert report.built
    assert report.warnings == ()
    assert (report.counts["files"], report.counts["evidence"]) == (2, 5)
    with open_graph(project.home, project.store) as kg:
        graphs = kg.select("SELECT ?g (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } } GROUP BY ?g ORDER BY ?g")
        names = [str(name).rsplit("graph/", 1)[1] for name in graphs.column("g")]
        # Below "inferred" lie the rounds and rules that the inferred statements come from.
        assert [name for name in names if not name.startswith("inferred/")] == [
            "case/jd", "inferred", "ontology", "sources",
        ]  # fmt: skip
        assert kg.select(TRIPLES)[0].n == report.counts["statements"]
        distinct = kg.select("SELECT (COUNT(*) AS ?n) { SELECT DISTINCT ?s ?p ?o { GRAPH ?g { ?s ?p ?o } } }")
        assert distinct[0].n == report.counts["asserted"] + report.counts["inferred"] + report.counts["ontology"]


def test_what_has_not_changed_is_not_built_again(project: Project) -> None:
    first = build(project)
    again = build(project)
    assert not again.built
    assert again.version == first.version
    assert "Nothing has changed" in again.to_text()
    assert build(project, force=True).version != first.version


@pytest.mark.parametrize(
    "name", ["data/cases/jd.yaml", "ontology/modules/stages.ttl", "ontology/rules/order-precedes.rq"]
)
def test_a_changed_input_is_built(project: Project, name: str) -> None:
    first = build(project)
    with (project.home / name).open("a", encoding="utf-8") as file:
        file.write("\n# a comment\n")
    assert not is_current(project)
    assert build(project).version != first.version
    assert is_current(project)


def test_every_problem_is_told_and_the_store_is_as_it_was(project: Project) -> None:
    before = build(project).version
    case = project.home / "data/cases/jd.yaml"
    case.write_text(case.read_text("utf-8").replace("startYear: 2007", "strtYear: 2007"), "utf-8")
    (project.home / "data/cases/other.yaml").write_text("a: [", "utf-8")
    with pytest.raises(InputError) as caught:
        build(project)
    assert {problem.file.rsplit("/", 1)[1] for problem in caught.value.problems if problem.file} == {
        "jd.yaml",
        "other.yaml",
    }
    assert EmbeddedStore.open(project.store).manifest["version"] == before


def test_a_broken_rule_stops_the_build(project: Project) -> None:
    (project.home / "ontology/rules/wrong.rq").write_text("CONSTRUCT {", "utf-8")
    with pytest.raises(InputError, match=r"wrong\.rq"):
        build(project)
    assert not (project.store / "current.json").exists()


def test_the_steps_are_told_in_order(project: Project) -> None:
    steps: list[tuple[str, int, int]] = []
    build(project, progress=lambda *step: steps.append(step))
    assert [number for _, number, _ in steps] == list(range(6))
    assert {total for _, _, total in steps} == {5}
    assert steps[-1][0] == "done"


def test_an_import_that_is_not_there_is_told_before_the_records_are_read(project: Project) -> None:
    (project.home / "ontology/modules/stages.ttl").unlink()
    with pytest.raises(InputError) as caught:
        build(project)
    [problem] = caught.value.problems
    assert (problem.code, problem.term) == ("missing-import", "stages")
    assert problem.file
    assert problem.file.endswith("valueweave.ttl")
    assert problem.line
