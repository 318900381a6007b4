"""A build stops at a contradiction, names its statements, and lets it pass when told to, marked."""

from __future__ import annotations

import json

import pytest

from valueweave.build import build
from valueweave.graph import open as open_graph
from valueweave.problems import ContradictionError
from valueweave.project import Project
from valueweave.store import EmbeddedStore

from .conftest import Command


def break_it(project: Project) -> None:
    """Say that actors are no stages, and make an actor a stage by way of a rule."""
    module = project.home / "ontology/modules/stages.ttl"
    module.write_text(module.read_text("utf-8") + "sce:Stage owl:disjointWith sce:Actor .\n", "utf-8")
    rule = project.home / "ontology/rules/strange.rq"
    rule.write_text(
        """#+ label: strange
#+ definition: What is identified in something is a stage.
#+ layer: test
PREFIX sce: <https://w3id.org/valueweave/ontology#>
CONSTRUCT { ?one a sce:Stage } WHERE { ?one sce:identifiedIn ?other }
""",
        "utf-8",
    )


@pytest.fixture
def broken(project: Project) -> Project:
    break_it(project)
    return project


def test_a_contradiction_stops_the_build_with_the_statements_behind_it(project: Project) -> None:
    before = build(project).version
    break_it(project)
    with pytest.raises(ContradictionError) as caught:
        build(project)
    found = [problem for problem in caught.value.problems if problem.code == "contradiction"]
    case = (project.home / "data/cases/jd.yaml").read_text("utf-8").splitlines()
    [wuliu] = found
    assert wuliu.record == "actor/wuliu"
    assert wuliu.file
    assert wuliu.file.endswith("jd.yaml")
    assert wuliu.line
    line = case[wuliu.line - 1].strip()
    assert (wuliu.term, line) in {("type", "type: Organization"), ("identifiedIn", "identifiedIn: stage/jd-1")}
    assert "nothing is two of" in wuliu.message
    for part in ("Wuliu identified in JD first stage", "Wuliu is an organization", "source 000 §1, 1–5"):
        assert part in wuliu.message
    assert "discrepancy" in wuliu.remedy
    assert EmbeddedStore.open(project.store).manifest["version"] == before


def test_it_passes_when_told_to_and_the_store_is_marked(broken: Project) -> None:
    report = build(broken, allow_contradictions=True)
    assert report.counts["contradictions"] == 1
    assert [problem.level for problem in report.warnings if problem.code == "contradiction"] == ["warning"]
    assert "MARKED" in report.to_text()
    with open_graph(broken.home, broken.store) as kg:
        assert kg.statistics()["counts"]["contradictions"] == 1
        assert {problem["record"] for problem in kg.store.manifest["contradictions"]} == {"actor/wuliu"}
    assert not build(broken, allow_contradictions=True).built
    # Who does not let them pass is told again, although nothing has changed.
    with pytest.raises(ContradictionError):
        build(broken)


def test_a_sound_project_is_not_marked(built_project: Project) -> None:
    manifest = EmbeddedStore.open(built_project.store).manifest
    assert manifest["counts"]["contradictions"] == 0
    assert manifest["contradictions"] == []


def test_the_command_ends_with_1_and_says_how_to_go_on(broken: Project, command: Command) -> None:
    stopped = command(broken, "build")
    assert stopped.returncode == 1
    assert stopped.stdout == ""
    assert "[contradiction]" in stopped.stderr
    assert "1 contradiction. The store is as it was; 'valueweave build --allow-contradictions'" in stopped.stderr
    assert not (broken.store / "current.json").exists()
    # A question that would have to build first does not get past it either.
    assert command(broken, "query", "stages").returncode == 1
    for flag in ("--allow-contradictions", "--force"):
        passed = command(broken, "build", flag, "--json")
        assert passed.returncode == 0, passed.stderr
        assert json.loads(passed.stdout)["counts"]["contradictions"] == 1
        assert "warning" in passed.stderr
