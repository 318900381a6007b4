"""Evidence: spans found, verified, mended in place and shown."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from valueweave.authoring.coverage import coverage
from valueweave.authoring.evidence import evidence_item, evidence_yaml, find, find_again, find_spans, show, verify
from valueweave.authoring.loader import load_documents
from valueweave.authoring.reader import read_yaml
from valueweave.authoring.spans import read_source, section_at
from valueweave.namespaces import PREFIXES, SCE
from valueweave.problems import InputError
from valueweave.project import Project

HOME = Path(__file__).parents[2]


def change_text(place: Any, old: str, new: str, *, register: bool = True) -> None:
    path = place.sources / "text.txt"
    body = path.read_bytes().decode()
    assert old in body
    after = body.replace(old, new)
    path.write_bytes(after.encode())
    if register:
        sources = place.project.data / "sources.yaml"
        text = sources.read_text("utf-8")
        text = text.replace(hashlib.sha256(body.encode()).hexdigest(), hashlib.sha256(after.encode()).hexdigest())
        sources.write_text(text.replace(f"textLength: {len(body)}", f"textLength: {len(after)}"), "utf-8")


def test_intact_evidence_is_counted(place: Any) -> None:
    report = verify(place.project, place.sources)
    assert (report.ok, report.checked, report.intact, report.problems) == (True, 3, 3, ())
    assert "3 evidence items" in report.to_text()
    assert report.to_json()["texts"] == {"source/000": str(place.sources / "text.txt")}


def test_a_moved_passage_is_named_with_its_new_place_and_mended_in_place(place: Any) -> None:
    before = place.case.read_text("utf-8")
    change_text(place, "Abstract:", "Abstract 摘要:")
    report = verify(place.project, place.sources)
    assert not report.ok
    assert [(p.code, p.record) for p in report.problems] == [
        ("span-moved", "stage/jd-1"),
        ("span-moved", "outcome/jd-share"),
        ("span-moved", "actor/jd"),
    ]
    assert report.problems[0].line == place.line_of("      - {section")
    assert report.problems[0].file == str(place.case)
    assert "Section 2.1:" in report.problems[0].message
    assert place.case.read_text("utf-8") == before

    mended = verify(place.project, place.sources, fix=True)
    assert (mended.ok, mended.intact, mended.fixed) == (True, 0, 3)
    after = place.case.read_text("utf-8")
    assert re.sub(r"\d+", "N", after) == re.sub(r"\d+", "N", before)
    assert "# from the text" in after
    assert verify(place.project, place.sources).intact == 3
    assert [p.name for p in place.case.parent.iterdir()] == ["jd.yaml"]


def test_a_changed_passage_is_broken_and_nothing_is_written(place: Any) -> None:
    change_text(place, "its own logistics", "its own  logistics")
    before = place.case.read_bytes()
    report = verify(place.project, place.sources, fix=True)
    broken = [p for p in report.problems if p.level == "error"]
    assert [p.record for p in broken] == ["stage/jd-1", "outcome/jd-share"]
    assert "wrapping of lines" in broken[0].message
    assert "evidence find" in broken[0].remedy
    assert report.fixed == 1
    assert place.case.read_bytes() != before
    assert before.count(b"\n") == place.case.read_bytes().count(b"\n")


def test_another_text_than_the_one_cited_is_named(place: Any) -> None:
    change_text(place, "Abstract:", "abstract:", register=False)
    report = verify(place.project, place.sources)
    assert [(p.code, p.record) for p in report.problems] == [("source-text-differs", "source/000")]
    assert report.intact == 3
    assert not report.ok


def test_a_wrong_length_in_the_register_is_named(place: Any) -> None:
    sources = place.project.data / "sources.yaml"
    sources.write_text(re.sub(r"textLength: \d+", "textLength: 5000", sources.read_text("utf-8")), "utf-8")
    assert [p.code for p in verify(place.project, place.sources).problems] == ["source-length-differs"]


def test_a_missing_text_is_named_once_with_the_number_of_items_that_cite_it(place: Any) -> None:
    (place.sources / "text.txt").unlink()
    report = verify(place.project, place.sources)
    assert [p.code for p in report.problems] == ["no-source-text"]
    assert "3 evidence items cite it" in report.problems[0].message
    assert (report.intact, report.ok, report.texts) == (0, False, {})
    assert (report.checked, report.unchecked, report.to_json()["broken"]) == (0, 3, 0)


def other_source(place: Any) -> None:
    """Register a second source, cited once."""
    sources = place.project.data / "sources.yaml"
    record = "  - {id: source/mill, type: Source, label: {en: m}, title: m, textFile: mill.txt}\n"
    sources.write_text(sources.read_text("utf-8") + record, "utf-8")
    (place.sources / "mill.txt").write_text("In 2019 a mill.", "utf-8")
    digest = hashlib.sha256(b"In 2019").hexdigest()
    text = place.case.read_text("utf-8")
    item = (
        f"      - {{inSource: source/mill, section: '1', start: 0, end: 7, sha256: {digest}, evidenceKind: stated}}\n"
    )
    place.write(text.replace("    endYear: 2016\n    evidence:\n", "    endYear: 2016\n    evidence:\n" + item))


def test_with_one_text_alone_the_others_are_not_checked_and_not_broken(place: Any) -> None:
    other_source(place)
    assert verify(place.project, place.sources).intact == 4
    (place.sources / "text.txt").unlink()
    report = verify(place.project, place.sources)
    assert (report.ok, report.checked, report.intact, report.unchecked) == (True, 1, 1, 3)
    assert (report.to_json()["broken"], report.to_json()["not_checked"]) == (0, 3)
    assert [(p.code, p.level, p.record) for p in report.problems] == [("no-source-text", "info", "source/000")]
    assert "3 not checked" in report.to_text()
    (place.sources / "mill.txt").write_text("An 2019 a mill.", "utf-8")
    broken = verify(place.project, place.sources)
    assert (broken.ok, broken.to_json()["broken"], broken.unchecked) == (False, 1, 3)


def test_one_source_alone_can_be_verified(place: Any) -> None:
    other_source(place)
    change_text(place, "its own logistics", "its own  logistics")
    assert not verify(place.project, place.sources).ok
    for name in ("mill", "source/mill", "https://w3id.org/valueweave/id/source/mill"):
        report = verify(place.project, place.sources, only=[name])
        assert (report.ok, report.checked, report.intact, report.unchecked) == (True, 1, 1, 0)
    assert verify(place.project, place.sources, only=["mill", "000"]).checked == 4
    (place.sources / "mill.txt").unlink()
    gone = verify(place.project, place.sources, only=["mill"])
    assert (gone.ok, gone.checked, gone.unchecked) == (False, 0, 1)
    with pytest.raises(InputError, match="Did you mean 'source/mill'"):
        verify(place.project, place.sources, only=["milk"])


def test_a_source_that_is_not_clear_is_told_with_what_it_may_mean(place: Any) -> None:
    other_source(place)
    sources = place.project.data / "sources.yaml"
    more = "".join(
        f"  - {{id: source/00{n}, type: Source, label: {{en: m}}, title: m, textFile: 00{n}_a.txt}}\n" for n in (1, 2)
    )
    sources.write_text(sources.read_text("utf-8") + more, "utf-8")
    for name in ("00", "source/00"):
        with pytest.raises(InputError, match=r"'.*00' may be source/000, source/001, source/002\. Write one of them"):
            find(place.project, name, place.sources, text="x")
    with pytest.raises(InputError, match="Did you mean 'source/mill'"):
        find(place.project, "milk", place.sources, text="x")
    for name in ("new_a.txt", "new_b.txt"):
        (place.sources / name).write_text("x", "utf-8")
    with pytest.raises(InputError, match=r"'new' may be new_a\.txt, new_b\.txt"):
        find(place.project, "new", place.sources, text="x")


def test_a_section_is_named_once(place: Any) -> None:
    change_text(place, "its own logistics", "its own  logistics")
    for problem in verify(place.project, place.sources).problems:
        assert problem.message.count("Section 2.1:") <= 1
    moved = verify(place.project, place.sources, fix=True)
    assert {p.message.count("Section 2.1:") for p in moved.problems if p.code == "span-mended"} == {1}


def test_a_wrong_length_is_not_called_a_passage_that_is_gone(place: Any) -> None:
    found = re.search(r"start: (\d+), end: (\d+)", place.case.read_text("utf-8"))
    assert found
    start, end = map(int, found.groups())
    place.change(f"end: {end}", f"end: {end - 1}")
    message = verify(place.project, place.sources).problems[0].message
    assert f"No {end - 1 - start} characters in a row" in message


def test_a_text_name_cannot_lead_out_of_the_folder(place: Any) -> None:
    (place.sources.parent / "secret.txt").write_text("x", "utf-8")
    sources = place.project.data / "sources.yaml"
    sources.write_text(sources.read_text("utf-8").replace("text.txt", "../secret.txt"), "utf-8")
    assert "no-source-text" in {p.code for p in verify(place.project, place.sources).problems}


def test_a_span_beyond_the_end_is_named(place: Any) -> None:
    change_text(place, "In 2016 the stage ends.\n", "In 2016\n")
    change_text(place, "In 2007 the firm builds its own logistics. A café opens: 3 people.\n", "")
    report = verify(place.project, place.sources)
    assert {p.code for p in report.problems} == {"span-broken"}
    assert any("beyond the end" in p.message for p in report.problems)


def test_no_such_folder_of_texts_is_an_input_error(place: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no-folder"):
        verify(place.project, tmp_path / "nowhere")


def test_show_prints_the_passages_of_a_record_or_an_item(place: Any) -> None:
    (passage,) = show(place.project, "actor/jd", place.sources)
    assert passage.text == "A café opens: 3 people.\nIn 2016"
    assert (passage.line, passage.section, passage.supports) == (8, "2.1", ("foundedYear",))
    assert passage.intact
    assert "text.txt:8" in passage.to_text()
    assert show(place.project, passage.item, place.sources) == [passage]
    (other,) = show(place.project, "outcome/jd-share", place.sources)
    assert "The text says it in other words." in other.to_text()


@pytest.mark.parametrize("name", ["stage/none", "ecosystem/jd", "no term"])
def test_show_says_when_there_is_nothing_to_show(place: Any, name: str) -> None:
    with pytest.raises(InputError):
        show(place.project, name, place.sources)


def test_words_are_found_across_line_breaks_hyphens_and_quotes(place: Any) -> None:
    text = read_source(place.sources / "text.txt")
    (span,) = find_spans(text, 'customers want. It calls this "value co-creation"')
    assert text[span.start : span.end] == "customers\nwant. It calls this “value co-\ncreation”"
    assert (span.section, span.line) == ("1", 4)
    assert span.sha256 == hashlib.sha256(text[span.start : span.end].encode()).hexdigest()
    assert find_spans(text, "no such words") == []
    with pytest.raises(ValueError, match="no words"):
        find_spans(text, "  ")


def test_find_gives_items_that_verify(place: Any) -> None:
    (item,) = find(place.project, "000", place.sources, text="the stage ends")
    line = evidence_yaml(item)
    old = next(line for line in place.case.read_text("utf-8").splitlines() if line.startswith("      - {section"))
    place.change(old, "      " + line)
    assert place.problems() == []
    assert verify(place.project, place.sources).ok
    assert [i["start"] for i in find(place.project, "source/000", place.sources, regex=r"In \d{4}")] == [
        m.start() for m in re.finditer(r"In \d{4}", read_source(place.sources / "text.txt"))
    ]


def test_find_says_what_is_wrong_with_the_request(place: Any) -> None:
    for arguments in ({"text": " "}, {"regex": "("}):
        with pytest.raises(InputError):
            find(place.project, "000", place.sources, **arguments)
    with pytest.raises(InputError, match="unknown-source"):
        find(place.project, "999", place.sources, text="x")


def test_an_evidence_item_of_the_second_occurrence(place: Any) -> None:
    path = place.sources / "text.txt"
    one, two = (evidence_item(path, "the", number) for number in (1, 2))
    assert one["start"] < two["start"]
    with pytest.raises(InputError, match="passage-not-found"):
        evidence_item(path, "the firm", 99)


@pytest.mark.parametrize(
    ("value", "written"),
    [("000", '"000"'), ("12e4", '"12e4"'), ("0" * 64, '"' + "0" * 64 + '"'), ("ab12", "ab12"), ("a: b", '"a: b"')],
)
def test_an_evidence_item_is_written_so_that_texts_stay_texts(tmp_path: Path, value: str, written: str) -> None:
    line = evidence_yaml({"section": "3.10", "sha256": value, "supports": ["startYear", "label"], "start": 5})
    assert f"sha256: {written}" in line
    path = tmp_path / "item.yaml"
    path.write_text("a:\n" + line, "utf-8")
    root: Any = read_yaml(path).root
    item = root.get("a").items[0]
    assert item.get("sha256").value == value
    assert item.get("section").value == "3.10"


def test_sections_follow_numbered_and_marked_headings() -> None:
    text = "Abstract: x\n\n1. Introduction\ntext\n2.1. Aims\ntext\n\n## **3.2 Method**\n1. Row\ttable\nTable 2. Years\n"
    assert [section_at(text, text.index(word)) for word in ("x", "text", "Aims", "Row", "Years")] == [
        "Abstract",
        "1",
        "2.1",
        "3.2",
        "Table 2",
    ]
    assert section_at("no heading", 3) == ""


_TEXT = st.text(st.characters(categories=("L", "N", "P", "Zs", "So")), min_size=1, max_size=120)


@settings(max_examples=200, deadline=None)
@given(text=_TEXT, start=st.integers(0, 119), length=st.integers(1, 40), before=_TEXT)
def test_a_passage_is_found_again_wherever_it_moved(text: str, start: int, length: int, before: str) -> None:
    assume(start < len(text))
    passage = text[start : start + length]
    digest = hashlib.sha256(passage.encode("utf-8", "surrogatepass")).hexdigest()
    moved = before + text
    found = find_again(moved, len(passage), digest, start)
    assert found is not None
    assert moved[found : found + len(passage)] == passage
    nearest = min((m.start() for m in re.finditer(f"(?={re.escape(passage)})", moved)), key=lambda o: abs(o - start))
    assert abs(found - start) == abs(nearest - start)


@settings(max_examples=200, deadline=None)
@given(words=st.lists(st.text("abcé京", min_size=1, max_size=5), min_size=1, max_size=12), first=st.integers(0, 11))
def test_words_are_found_whatever_the_whitespace(words: list[str], first: int) -> None:
    assume(first < len(words))
    text = "\n \n".join(words)
    needle = " ".join(words[first:])
    spans = find_spans(text, needle)
    assert any("".join(text[s.start : s.end].split()) == "".join(words[first:]) for s in spans)


def test_a_passage_far_away_in_a_long_text_is_found_again() -> None:
    text = "".join(chr(97 + (n * n) % 23) for n in range(30_000)) + "the passage" + "x" * 30_000
    digest = hashlib.sha256(b"the passage").hexdigest()
    assert find_again(text, 11, digest, 5) == 30_000
    assert find_again(text, 11, digest, 60_000) == 30_000
    assert find_again(text, 12, digest, 5) is None
    assert find_again(text, 11, "zz", 5) is None
    assert find_again("ab", 11, digest, 0) is None


@pytest.fixture
def texts() -> Path:
    """The folder of the source texts, where it is there."""
    named = os.environ.get("VALUEWEAVE_SOURCES")
    folder = Path(named) if named else HOME.parent / "shared" / "sources"
    if not folder.is_dir():
        pytest.skip(f"the source texts are not in {folder}; set VALUEWEAVE_SOURCES to the folder that holds them")
    return folder


@pytest.mark.sources
def test_every_span_of_the_project_is_in_the_source_texts(texts: Path) -> None:
    report = verify(Project(HOME, HOME / "build"), texts)
    assert report.checked > 100
    assert report.unchecked == 0
    assert report.ok, report.to_text()


@pytest.mark.sources
def test_the_page_on_coverage_is_up_to_date_and_leaves_nothing_open(texts: Path) -> None:
    page = coverage(Project(HOME, HOME / "build"), texts).to_markdown()
    assert page == (HOME / "docs" / "coverage.md").read_text("utf-8"), "run 'valueweave generate coverage'"
    assert "(open)" not in page


@pytest.mark.sources
def test_no_record_repeats_a_sentence_of_a_source(texts: Path) -> None:
    """Descriptions and the curator's texts share no nine words in a row with a source."""

    def runs(text: str) -> set[tuple[str, ...]]:
        words = re.findall(r"[a-z0-9']+", text.lower())
        return {tuple(words[place : place + 9]) for place in range(len(words) - 8)}

    printed = set().union(*(runs(path.read_text("utf-8")) for path in texts.glob("*.txt")))
    own = {PREFIXES["dcterms"] + "description", PREFIXES["skos"] + "editorialNote"}
    own |= {SCE + name for name in ("interpretationReason", "resolutionText")}
    project = Project(HOME, HOME / "build")
    written = [
        (quad.subject.value, quad.object.value)
        for document in load_documents(project.data_files(), project)
        for quad in document.quads()
        if quad.predicate.value in own
        and isinstance(quad.object, ox.Literal)
        and isinstance(quad.subject, ox.NamedNode)
    ]
    assert len(written) > 1000
    assert [record for record, text in written if runs(text) & printed] == []
