"""A build stops at a contradiction, names its statements, and lets it pass when told to, marked."""

from __future__ import annotations

import json

import pytest
from .conftest import Command

from valueweave.build import build
from valueweave.graph import open as open_graph
from valueweave.problems import ContradictionError
from valueweave.project import Project
from valueweave.store import EmbeddedStore


def break_it(project: Project) -> None:
    """Say that firms are no stages, and make a firm a stage by way of a range."""
    module = project.home / "ontology/modules/stages.ttl"
    module.write_text(module.read_text("utf-8") + "sce:Stage owl:disjointWith sce:Actor .\n", "utf-8")
    rule = project.home / "ontology/rules/everything-hosts.rq"
    rule.write_text(
        """#+ label: strange
#+ definition: Who cooperates with someone is a stage.
#+ layer: test
PREFIX sce: <https://w3id.org/valueweave/ontology#>
CONSTRUCT { ?one a sce:Stage } WHERE { ?one sce:cooperatesWith ?other }
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
    # JD is an organization and cooperates; so does the other side, as cooperation goes both ways.
    assert {problem.record for problem in found} == {"actor/jd", "actor/wuliu"}
    jd = next(problem for problem in found if problem.record == "actor/jd")
    assert jd.file
    assert jd.file.endswith("jd.yaml")
    assert jd.line
    assert case[jd.line - 1].strip() in {"type: Organization", "cooperatesWith: actor/wuliu"}
    assert jd.term in {"type", "cooperatesWith"}
    for part in ("nothing is two of", "JD cooperates with Wuliu", "JD is an organization", "source 000 §1, 1–5"):
        assert part in jd.message
    assert "discrepancy" in jd.remedy
    assert EmbeddedStore.open(project.store).manifest["version"] == before


def test_it_passes_when_told_to_and_the_store_is_marked(broken: Project) -> None:
    report = build(broken, allow_contradictions=True)
    assert report.counts["contradictions"] == 2
    assert [problem.level for problem in report.warnings if problem.code == "contradiction"] == ["warning"] * 2
    assert "MARKED" in report.to_text()
    with open_graph(broken.home, broken.store) as kg:
        assert kg.statistics()["counts"]["contradictions"] == 2
        assert {problem["record"] for problem in kg.store.manifest["contradictions"]} == {"actor/jd", "actor/wuliu"}
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
    assert "2 contradictions. The store is as it was; 'valueweave build --allow-contradictions'" in stopped.stderr
    assert not (broken.store / "current.json").exists()
    # A question that would have to build first does not get past it either.
    assert command(broken, "query", "stages").returncode == 1
    for flag in ("--allow-contradictions", "--force"):
        passed = command(broken, "build", flag, "--json")
        assert passed.returncode == 0, passed.stderr
        assert json.loads(passed.stdout)["counts"]["contradictions"] == 2
        assert "warning" in passed.stderr
