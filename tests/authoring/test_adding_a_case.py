"""The made-up case of docs/adding-a-case.md goes through the whole street as the page says."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from valueweave.authoring.evidence import find, verify
from valueweave.build import build
from valueweave.graph import open as open_graph
from valueweave.live import Curator
from valueweave.problems import InputError
from valueweave.project import Project
from valueweave.results import SolutionTable
from valueweave.validation import validate

PAGE = Path(__file__).parents[2] / "docs" / "adding-a-case.md"


def _blocks() -> list[str]:
    """Return the text, the record of its source, the case, and the record of the source as a case says it."""
    blocks = re.findall(r"```(?:text|yaml)\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)
    assert len(blocks) == 4
    return blocks


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The registers of this checkout with the source and the case of the page, and no other case."""
    here = Project.find().home
    text, source, case, _ = _blocks()
    shutil.copytree(here / "ontology", tmp_path / "ontology")
    (tmp_path / "data" / "cases").mkdir(parents=True)
    (tmp_path / "queries").mkdir()
    shutil.copy(here / "queries" / "stage-types.rq", tmp_path / "queries")
    (tmp_path / "data" / "sources.yaml").write_text(
        '"@context": https://w3id.org/valueweave/context.jsonld\nid: registry/sources\ntype: Registry\n'
        f"label: {{en: sources, zh: 来源}}\nlists:\n{source}",
        "utf-8",
    )
    (tmp_path / "data" / "cases" / "mill.yaml").write_text(case, "utf-8")
    (tmp_path / "data" / "concepts.yaml").write_text(
        '"@context": https://w3id.org/valueweave/context.jsonld\nid: registry/concepts\ntype: Registry\n'
        "label: {en: terms, zh: 术语}\nlists:\n"
        "  - {id: scheme/value-co-creation-000, type: EvolutionScheme, label: {en: scheme, zh: 框架}}\n"
        "  - {id: opportunity-kind/customer-demand, type: OpportunityKind, label: {en: demand, zh: 客户需求}}\n",
        "utf-8",
    )
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "mill.txt").write_text(text, "utf-8")
    return Project.find(tmp_path, tmp_path / "store")


def test_the_case_validates_and_its_spans_fit(project: Project) -> None:
    assert [str(problem) for problem in validate(project) if problem.level == "error"] == []
    assert verify(project, project.home / "texts").ok


def test_evidence_find_prints_the_item_that_the_page_shows(project: Project) -> None:
    [item] = find(project, "mill", project.home / "texts", text="shared their data on demand")
    assert str(item["sha256"]) in PAGE.read_text("utf-8")


def test_the_stage_is_found_to_be_a_value_consensus_stage(project: Project) -> None:
    build(project)
    with open_graph(project.home, store=project.store) as kg:
        table = kg.query("stage-types")
        assert isinstance(table, SolutionTable)
        assert table.column("type") == ["value consensus stage"]


def test_the_case_can_be_put_into_a_running_server_by_the_names_that_the_pages_say(project: Project) -> None:
    _, _, case, source = _blocks()
    (project.home / "data" / "cases" / "mill.yaml").unlink()
    (project.home / "data" / "sources.yaml").unlink()
    build(project)
    told = "".join((PAGE.parents[1] / page).read_text("utf-8") for page in ("README.md", "docs/http-api.md"))
    [name] = set(re.findall(r"/api/v1/(?:live-)?cases/([a-z][\w-]*)", told + PAGE.read_text("utf-8")))
    curator = Curator(project)
    with pytest.raises(InputError, match="Nothing has the id 'source/mill'"):
        curator.put_case(name, case.encode())
    assert curator.put_case(name, (case + source).encode()).added > 0
    with open_graph(project.home, store=project.store) as kg:
        assert kg.query("ASK { <case/mill> sce:reportedIn <source/mill> }")
