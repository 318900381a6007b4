"""The competency questions answer what the sources say: expected rows for each, and inference where it is promised.

`expected/` holds one CSV file an entry of `questions.yaml`. `rows: exact` means just these rows, `rows: contains`
means these rows among others, for questions about everything there is. What an answer must hold was read from the
sources: here row by row, for the entries after the comment in `questions.yaml` by the pointed questions of
`sections.yaml`. After a change of the records, `pytest tests/questions --regenerate` writes anew the files whose rows
the graph no longer gives, and files for new entries (`limit` rows of a long answer): read the difference against the
sources before you keep it.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
import yaml

from valueweave.graph import KnowledgeGraph
from valueweave.layout import INFERRED_GRAPH
from valueweave.namespaces import PREFIXES
from valueweave.queries import load_questions
from valueweave.results import SolutionTable
from valueweave.sparql_text import substitute

HERE = Path(__file__).parent
ENTRIES: list[dict[str, Any]] = yaml.safe_load((HERE / "questions.yaml").read_text("utf-8"))


def _rows(text: str) -> list[tuple[str, ...]]:
    return [tuple(row) for row in csv.reader(io.StringIO(text))]


def _answer(kg: KnowledgeGraph, entry: dict[str, Any]) -> list[tuple[str, ...]]:
    table = kg.query(entry["question"], entry.get("parameters"))
    assert isinstance(table, SolutionTable)
    return _rows(table.serialize("csv").decode())


def _regenerate(path: Path, found: list[tuple[str, ...]], entry: dict[str, Any]) -> None:
    """Write what the graph answers now, unless the file still holds; as many rows of a long answer as before."""
    before = _rows(path.read_text("utf-8")) if path.exists() else []
    if before[:1] == found[:1] and entry["rows"] == "contains" and set(before) <= set(found):
        return
    wanted = max(entry.get("limit", 0), len(before) - 1) if entry["rows"] == "contains" else len(found)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(found[: (wanted or len(found)) + 1])


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: str(entry["id"]))
def test_a_question_has_the_rows_that_the_sources_give(
    kg: KnowledgeGraph, entry: dict[str, Any], regenerate: bool
) -> None:
    path = HERE / "expected" / f"{entry['id']}.csv"
    found = _answer(kg, entry)
    if regenerate:
        _regenerate(path, found, entry)
    expected = _rows(path.read_text("utf-8"))
    assert len(expected) > 1, "an expectation without rows protects nothing"
    if entry["rows"] == "exact":
        assert found == expected
    else:
        assert found[0] == expected[0]
        assert [row for row in expected[1:] if row not in found] == []


def test_every_question_has_expected_rows(kg: KnowledgeGraph) -> None:
    assert {entry["question"] for entry in ENTRIES} == set(load_questions(kg.project))


def test_every_expectation_is_asked() -> None:
    assert {entry["id"] for entry in ENTRIES} == {path.stem for path in (HERE / "expected").glob("*.csv")}


def test_at_least_five_questions_need_inference(kg: KnowledgeGraph) -> None:
    """Without the inferred statements, the questions tagged so lose rows."""
    stated = ox.Store()
    inferred = {
        (quad.subject, quad.predicate, quad.object)
        for quad in kg.store.engine.quads_for_pattern(None, None, None, ox.NamedNode(INFERRED_GRAPH))
    }
    stated.extend(
        quad
        for quad in kg.store.engine.quads_for_pattern(None, None, None, ox.DefaultGraph())
        if (quad.subject, quad.predicate, quad.object) not in inferred
    )
    losing = []
    for question in load_questions(kg.project).values():
        if "inference" not in question.tags:
            continue
        entry = next(entry for entry in ENTRIES if entry["question"] == question.name)
        text = substitute(question.text, question.bind(entry.get("parameters")))
        answer = stated.query(text, prefixes=PREFIXES)
        assert isinstance(answer, ox.QuerySolutions)
        if len(list(answer)) < len(_answer(kg, entry)) - 1:
            losing.append(question.name)
    assert len(losing) >= 5
    tagged = {question.name for question in load_questions(kg.project).values() if "inference" in question.tags}
    assert set(losing) == tagged
