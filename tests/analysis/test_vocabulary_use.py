"""Every term is used or says why not, and names in Chinese say from whom they come; the checks can fail."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pytest

from valueweave.analysis.vocabulary_use import check_data, vocabulary_use
from valueweave.graph import KnowledgeGraph
from valueweave.namespaces import PREFIXES
from valueweave.project import Project
from valueweave.validation.hygiene import Check, check_ontology, load_checks

PROJECT = Project.find()
CHECKS = load_checks(PROJECT.ontology / "checks" / "data")
FIXTURES = Path(__file__).parents[1] / "fixtures" / "data_checks"


def test_the_built_graph_passes_every_check(kg: KnowledgeGraph) -> None:
    results = check_data(kg)
    assert {result.check.name for result in results} >= {"term-unused", "label-zh-missing", "name-zh-unattributed"}
    # A reason that has become out of date is a warning: it comes with a better inference, and stops nobody.
    errors = [problem for result in results for problem in result.problems() if problem.level == "error"]
    assert "\n".join(map(str, errors)) == ""
    assert all(result.looked_at for result in results)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_a_check_finds_what_its_fixture_does_wrong_and_nothing_else(check: Check) -> None:
    """In a fixture, what offends has 'bad' in its name; beside it stands something that does not."""
    store = ox.Store()
    store.load(path=FIXTURES / f"{check.name}.ttl", format=ox.RdfFormat.TURTLE)
    [result] = check_ontology(store, [check])
    found = {offence.term.lower() for offence in result.offences}
    assert found
    assert all("bad" in term for term in found), found
    assert result.looked_at > len(found)


def test_each_fixture_belongs_to_a_check() -> None:
    assert {path.stem for path in FIXTURES.glob("*.ttl")} == {check.name for check in CHECKS}


def test_the_page_counts_what_plain_sparql_counts(kg: KnowledgeGraph) -> None:
    use = {term.term: term for term in vocabulary_use(kg).terms}
    for name in ("Stage", "ValueConsensusStage", "PlatformOperator"):
        [row] = kg.select(f"SELECT (COUNT(DISTINCT ?s) AS ?n) {{ ?s a <{PREFIXES['sce']}{name}> }}")
        assert use[f"sce:{name}"].uses == int(str(row["n"])) > 0
    assert use["sce:ValueConsensusStage"].inferred == use["sce:ValueConsensusStage"].uses
    assert use["sce:Stage"].inferred < use["sce:Stage"].uses
    [row] = kg.select(f"SELECT (COUNT(*) AS ?n) {{ ?s <{PREFIXES['sce']}writtenBy> ?o }}")
    assert use["sce:writtenBy"].uses == use["sce:writtenBy"].inferred == int(str(row["n"])) == 6


def test_the_page_is_up_to_date(kg: KnowledgeGraph) -> None:
    page = PROJECT.home / "docs" / "vocabulary-use.md"
    assert page.read_text("utf-8") == vocabulary_use(kg).to_markdown(), "run 'valueweave generate vocabulary-use'"
