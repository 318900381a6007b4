"""What the records cite of a text, and what they leave."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valueweave.authoring.coverage import coverage, uncited_runs
from valueweave.problems import InputError

SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)).map(lambda pair: (pair[0], pair[0] + pair[1])))


@given(st.text(alphabet="ab \n", max_size=80), SPANS)
def test_runs_are_what_no_span_touches(text: str, spans: list[tuple[int, int]]) -> None:
    spans = [(start, min(end, len(text))) for start, end in spans if start < min(end, len(text))]
    covered = {offset for start, end in spans for offset in range(start, end)}
    runs = uncited_runs(text, spans, shortest=1)
    reported = [offset for start, end in runs for offset in range(start, end)]
    assert not covered & set(reported)
    assert set(reported) >= {i for i, char in enumerate(text) if not char.isspace()} - covered
    assert len(reported) == len(set(reported))


def test_short_runs_do_not_count() -> None:
    assert uncited_runs("a few words", [], shortest=60) == []


def test_each_section_tells_records_and_share(place: Any) -> None:
    [source] = coverage(place.project, place.sources).sources
    assert [section.section for section in source.sections] == ["Abstract", "1", "2.1"]
    assert [len(section.records) for section in source.sections] == [0, 0, 3]
    assert 0 < source.share < 1


def test_the_reasons_of_uncited_passages_are_told(place: Any) -> None:
    project, sources = place.project, place.sources
    [source] = coverage(project, sources).sources
    run = next(run for section in source.sections for run in section.uncited)
    assert run.reason is None
    folder = project.data / "coverage"
    folder.mkdir()
    (folder / "uncited.yaml").write_text(
        f"{source.source}:\n  - {{start: {run.start}, end: {run.end}, reason: a heading}}\n", "utf-8"
    )
    assert "a heading" in coverage(project, sources).to_markdown()


def test_reasons_that_are_no_list_are_refused(place: Any) -> None:
    project, sources = place.project, place.sources
    (project.data / "coverage").mkdir()
    (project.data / "coverage" / "uncited.yaml").write_text("source/000: 12", "utf-8")
    with pytest.raises(InputError, match=r"uncited\.yaml"):
        coverage(project, sources)
