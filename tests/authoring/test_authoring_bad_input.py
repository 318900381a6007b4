"""Bad input: each a clear problem with place and remedy, all of them in one run."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from valueweave.authoring import CONTEXT_IRI, load_documents, read_document
from valueweave.authoring.model import RecordModel
from valueweave.authoring.reader import MAX_DEPTH, read_yaml
from valueweave.problems import InputError
from valueweave.project import Project
from valueweave.validation import validate
from valueweave.validation.references import Catalogue, check_references
from valueweave.validation.structure import check_structure


def test_a_correct_project_has_no_problems(place: Any) -> None:
    assert place.problems() == []


REASON = "        interpretationReason: The text says it in other words.\n"

SLIPS = [
    ("startYear: 2007", "strtYear: 2007", "unknown-key", "strtYear", "strtYear", "'startYear'"),
    ("startYear: 2007", "hasEvidence: x/y", "unknown-key", "hasEvidence", "hasEvidence", "'evidence'"),
    ("startYear: 2007", "metric: metric/x", "key-not-allowed", "metric:", "metric", "Outcome"),
    ("type: Stage", "type: Stag", "unknown-type", "Stag\n", "type", "'Stage'"),
    ("type: Stage", "type: inScheme", "unknown-type", "inScheme\n", "type", "Types are the classes"),
    ("startYear: 2007", "startYear: twenty", "wrong-datatype", "twenty", "startYear", "such as 2007"),
    ("startYear: 2007", "startYear: 20077", "wrong-datatype", "20077", "startYear", "from 1000 to 2100"),
    ("startYear: 2007", 'startYear: "2007"', "wrong-datatype", '"2007"', "startYear", "without quotes"),
    ("startYear: 2007", "startYear: 2007.5", "wrong-datatype", "2007.5", "startYear", "in digits"),
    ("startYear: 2007", "startYear: true", "wrong-datatype", "true", "startYear", "in digits"),
    ("startYear: 2007", "startYear: [2007, 2008]", "too-many-values", "[2007", "startYear", ""),
    ("startYear: 2007", "startYear:", "empty-value", "startYear:", "startYear", "remove the key"),
    ("startYear: 2007", "startYear: {a: 1}", "wrong-value", "{a: 1}", "startYear", "the value itself"),
    ("endYear: 2016", "endYear: 2006", "end-before-start", "2006", "endYear", "startYear"),
    ("endYear: 2016", "ongoing: no", "wrong-datatype", "no\n", "ongoing", "true or false"),
    ("valueAfter: 99.50", "valueAfter: 99,5", "wrong-datatype", "99,5", "valueAfter", "point"),
    ("valueAfter: 99.50", "valueAfter: 1e3", "wrong-datatype", "1e3", "valueAfter", "exponent"),
    ("valueAfter: 99.50", "valueAfter: 99 %", "wrong-datatype", "99 %", "valueAfter", "unit"),
    ("unit: unitPercent", "unit: unitPercnt", "unknown-value", "unitPercnt", "unit", "'unitPercent'"),
    ("evidenceKind: stated", "evidenceKind: said", "unknown-value", "said", "evidenceKind", "stated"),
    ("inScheme: scheme/value", "inScheme: scheme/valu", "unknown-reference", "scheme/valu", "inScheme", "scheme/value"),
    ("inScheme: scheme/value", "inScheme: sce:NoSuchTerm", "unknown-reference", "sce:NoSuch", "inScheme", ""),
    ("unit: unitPercent", "unit: unit/percent", "unknown-value", "unit/percent", "unit", "full IRI"),
    ("inScheme: scheme/value", "inScheme: a scheme", "malformed-reference", "a scheme", "inScheme", "evolution-sch"),
    ("inScheme: scheme/value", "inScheme: ../value", "malformed-reference", "../value", "inScheme", "id of a record"),
    ("    inScheme: scheme/value\n", "", "missing-key", "stage/jd-1", "inScheme", "inScheme"),
    ("inScheme: scheme/value", "inScheme: actor/jd", "shape-class", "actor/jd", "inScheme", "inScheme"),
    ("id: stage/jd-1", "id: stage jd 1", "malformed-id", "stage jd 1", "id", "stage/jd-1"),
    ("  - id: stage/jd-1\n    type: Stage", "  - type: Stage", "missing-id", "type: Stage", "id", "stage/jd-1"),
    ("label: {en: first stage, zh: 第一阶段}", "label: first stage", "no-language", "first stage", "label", "{en:"),
    ("label: {en: first stage", "label: {english: first stage", "bad-language", "english", "label", "such as en"),
    ("sha256: ", "sha256: zz", "bad-hash", "zz", "sha256", "64"),
    ("        end: ", "        end: 1 #", "bad-span", "1 #", "end", "half-open"),
    ("        end: ", "        end: 9999 #", "span-outside-text", "9999", "end", "evidence find"),
    ("        start: ", "        start: -", "bad-span", "-", "start", "from 0"),
    (REASON, "", "missing-reason", "interpreted", "interpretationReason", "one sentence"),
    ("supports: foundedYear}", "inSource: source/000}", "missing-supports", "{section", "supports", "supports:"),
    ("supports: foundedYear", "supports: fundedYear", "unknown-term", "fundedYear", "supports", "'foundedYear'"),
    ("supports: foundedYear", "supports: type", "unknown-term", "type}", "supports", "rdf:type"),
    ("- id: actor/jd", "- id: actor/jdd", "undefined-record", "actor/jdd", "id", "actor/jd"),
    ("supports: founded", "inSource: actor/jd, supports: founded", "wrong-source", "inSource", "inSource", "Source"),
    ("type: Case", "type: Stage", "wrong-root", "type: Stage", "type", "includes:"),
    ("id: case/jd\ntype: Case", "id: case/jd", "missing-type", "id: case", "type", "Registry"),
]  # fmt: skip


@pytest.mark.parametrize("slip", SLIPS, ids=[f"{s[2]}: {s[1][:30]}" for s in SLIPS])
def test_a_slip_is_named_with_place_key_and_remedy(place: Any, slip: tuple[str, ...]) -> None:
    # The tuple holds: what is written, what instead, code, words at the place, key, part of the remedy.
    old, new, code, words, key, remedy = slip
    place.change(old, new)
    found = [p for p in place.problems() if p.code == code and p.term == key]
    assert len(found) == 1, place.problems()
    problem = found[0]
    text = place.case.read_text("utf-8").splitlines()[problem.line - 1]
    assert problem.file == str(place.case)
    assert words.strip() in text
    assert remedy in problem.remedy
    assert problem.level == "error"


def test_a_missing_key_and_a_wrong_datatype_are_not_told_again_by_the_shapes(place: Any) -> None:
    place.change("    inScheme: scheme/value\n", "")
    place.change("startYear: 2007", "startYear: twenty")
    found = [(p.term, p.code) for p in place.problems() if p.record == "stage/jd-1"]
    assert sorted(found) == [("inScheme", "missing-key"), ("startYear", "wrong-datatype")]


def test_a_reference_to_nothing_is_not_told_again_as_a_wrong_class(place: Any) -> None:
    place.change("inScheme: scheme/value", "inScheme: scheme/none")
    assert [p.code for p in place.problems()] == ["unknown-reference"]


def test_an_unknown_type_is_not_held_against_those_who_refer_to_it(place: Any) -> None:
    things = place.project.data / "things.yaml"
    things.write_text(things.read_text("utf-8").replace("type: EvolutionScheme", "type: EvolutionSchema"), "utf-8")
    assert [p.code for p in place.problems()] == ["unknown-type"]


def test_what_only_a_shape_knows_has_file_line_message_and_remedy(place: Any) -> None:
    place.change("    unit: unitPercent\n", "")
    (problem,) = place.problems()
    assert problem.code == "shape-sparql"
    assert (problem.record, problem.line) == ("outcome/jd-share", place.line_of("outcome/jd-share"))
    assert "unit" in problem.message
    assert "`unit:`" in problem.remedy


def test_a_duplicate_id_names_both_places(place: Any) -> None:
    place.change("- id: outcome/jd-share\n    type: Outcome", "- id: ecosystem/jd\n    type: SupplyChainEcosystem")
    found = [p for p in place.problems() if p.code == "duplicate-id"]
    assert [Path(p.file or "").name for p in found] == ["jd.yaml", "things.yaml"]
    assert "things.yaml:8" in found[0].message
    assert f"jd.yaml:{place.line_of('- id: ecosystem/jd')}" in found[1].message


def test_every_problem_of_every_file_comes_in_one_run_by_file_and_line(place: Any) -> None:
    place.change("startYear: 2007", "startYear: twenty\n    strtYear: 2007")
    place.change("unit: unitPercent", "unit: nonsense")
    things = place.project.data / "things.yaml"
    things.write_text(things.read_text("utf-8").replace("label: {en: JD, zh: 京东}", "lable: {en: JD}"), "utf-8")
    (place.project.data / "broken.yaml").write_text("a: [1\n", "utf-8")
    found = place.problems()
    assert {p.code for p in found} >= {"wrong-datatype", "unknown-key", "unknown-value", "yaml-syntax"}
    assert [(p.file, p.line) for p in found] == sorted((p.file, p.line) for p in found)
    assert len(set(found)) == len(found)


def test_a_file_that_does_not_parse_does_not_make_references_to_it_wrong(place: Any) -> None:
    things = place.project.data / "things.yaml"
    things.write_text(things.read_text("utf-8") + "  bad: [\n", "utf-8")
    assert [(p.code, Path(p.file or "").name) for p in place.problems()] == [("yaml-syntax", "things.yaml")]


def test_a_file_outside_the_project_is_checked_in_its_context(place: Any, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    text = place.case.read_text("utf-8").replace("case/jd", "case/other").replace("/jd-", "/other-")
    other.write_text(text.replace("order: 1", "order: one"), "utf-8")
    found = place.problems(other)
    assert [(p.file, p.code, p.term) for p in found] == [(str(other), "wrong-datatype", "order")]


def test_only_the_files_asked_about_are_reported(place: Any) -> None:
    place.change("startYear: 2007", "startYear: twenty")
    assert place.problems(place.project.data / "things.yaml") == []
    assert [p.code for p in place.problems(place.case)] == ["wrong-datatype"]


FILES: list[tuple[bytes, str, int | None, str]] = [
    (b"", "empty-file", None, "Write a case"),
    (b" \n\n", "empty-file", None, "Write a case"),
    (b"# only a comment\n", "empty-file", None, "Write a case"),
    (b"- a\n- b\n", "no-mapping", 1, "@context"),
    (b"id: case/x\n\tlabel: x\n", "yaml-syntax", 2, "spaces, not with tabs"),
    (b"id: case/x\nlabel: {en: x\n", "yaml-syntax", 3, "Close the braces"),
    (b"id: case/x\nlabel: a: b\n", "yaml-syntax", 2, "in quotes"),
    (b"id: case/x\n  label: x\n", "yaml-syntax", 2, "indentation"),
    (b"@context: x\n", "yaml-syntax", 1, "in quotes"),
    (b"id: 'case/x\n", "yaml-syntax", 2, "quotation mark"),
    (b"id: case/x\nnote: \x01\n", "yaml-syntax", 2, "PDF"),
    (b"id: case/x\nid: case/y\n", "duplicate-key", 2, "Keep one"),
    (b"id: case/x\n---\nid: case/y\n", "several-documents", 2, "one document"),
    (b"id: &a case/x\n", "anchor-alias-tag", 1, "Remove it"),
    (b"id: case/x\nlabel: *a\n", "anchor-alias-tag", 2, "Write the value out"),
    (b"id: !!str case/x\n", "anchor-alias-tag", 1, "Remove it"),
    (b"? [a]\n: b\n", "complex-key", 1, "one word"),
    (b"a: " + b"[" * 200, "too-deep", 1, "an id"),
    (b"id: case/x\nlabel: {en: caf\xe9}\n", "wrong-encoding", 2, "UTF-8"),
    ("id: case/x\n".encode("utf-16"), "wrong-encoding", 1, "UTF-8"),
    (b"id: case/x\n", "missing-context", 1, "@context"),
    (b'"@context": https://example.org/c\nid: case/x\n', "foreign-context", 1, "w3id.org"),
    (b'"@context": {x: y}\nid: case/x\n', "foreign-context", 1, "w3id.org"),
]


@pytest.mark.parametrize(("raw", "code", "line", "remedy"), FILES, ids=[f"{f[1]} {f[0][:16]!r}" for f in FILES])
def test_a_file_that_cannot_be_used_says_why_and_where(
    place: Any, raw: bytes, code: str, line: int | None, remedy: str
) -> None:
    path = place.write(raw)
    found = [p for p in place.problems(path) if p.code == code]
    assert [p.line for p in found] == [line], place.problems(path)
    assert remedy in found[0].remedy
    assert found[0].file == str(path)
    with pytest.raises(InputError) as error:
        load_documents([path], place.project)
    assert code in {p.code for p in error.value.problems}


def test_a_wrong_encoding_names_byte_offset_and_line(place: Any) -> None:
    (problem, *_) = place.problems(place.write("a: b\nc: ä".encode("latin-1")))
    assert "0xe4 at byte offset 8 (line 2)" in problem.message
    assert (problem.line, problem.column) == (2, 4)


def test_a_byte_order_mark_does_no_harm(place: Any) -> None:
    place.write(b"\xef\xbb\xbf" + place.case.read_bytes())
    assert place.problems() == []


def test_windows_line_ends_do_no_harm(place: Any) -> None:
    place.write(place.case.read_bytes().replace(b"\n", b"\r\n"))
    assert place.problems() == []
    place.change("startYear: 2007", "startYear: x")
    assert [p.line for p in place.problems()] == [place.line_of("startYear")]


def test_a_50_mb_file_is_refused_at_once(place: Any) -> None:
    with place.case.open("wb") as stream:
        stream.truncate(50 * 1024 * 1024)
    started = time.perf_counter()
    file = read_yaml(place.case)
    assert time.perf_counter() - started < 0.5
    assert [p.code for p in file.problems] == ["file-too-large"]
    assert "50.0 MiB" in file.problems[0].message
    assert "file-too-large" in {p.code for p in place.problems()}


def test_an_alias_bomb_is_refused_quickly(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    path = tmp_path / "bomb.yaml"
    path.write_text("\n".join(lines), "utf-8")
    started = time.perf_counter()
    assert {p.code for p in read_yaml(path).problems} == {"anchor-alias-tag"}
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize("what", ["missing", "folder"])
def test_a_path_that_is_no_file_is_named(place: Any, tmp_path: Path, what: str) -> None:
    path = tmp_path / "nothing.yaml" if what == "missing" else tmp_path
    (problem,) = place.problems(path)
    assert (problem.code, problem.file) == ("no-file" if what == "missing" else "unreadable-file", str(path))


def test_nesting_up_to_the_limit_is_read(tmp_path: Path) -> None:
    path = tmp_path / "deep.yaml"
    path.write_text("a: " + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1), "utf-8")
    assert read_yaml(path).problems == []


def test_an_ontology_that_does_not_parse_is_reported_not_raised(tmp_path: Path) -> None:
    (tmp_path / "ontology" / "modules").mkdir(parents=True)
    (tmp_path / "ontology" / "valueweave.ttl").write_text("<a> <b> .", "utf-8")
    (problem,) = validate(Project(tmp_path, tmp_path / "store"))
    assert (problem.code, problem.line) == ("turtle-syntax", 1)


_BYTES = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.text(alphabet="ab:-[]{}'\"&*!?|>%@\n\t# ,0", max_size=80).map(str.encode),
)


@settings(max_examples=300, deadline=None)
@given(raw=_BYTES)
def test_the_reader_never_raises(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(raw)
    file = read_yaml(path)
    assert file.root is not None or file.problems
    for problem in file.problems:
        assert problem.file == str(path)
        assert problem.line is None or 1 <= problem.line <= raw.count(b"\n") + 1


_WORDS = st.text(st.characters(categories=("L", "N", "P", "Zs")), max_size=12)
_VALUE = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), _WORDS, st.just("stage/jd-1")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["id", "type", "label", "evidence", "start", "en", "x"]), inner, max_size=3),
    ),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_value_whatever_breaks_the_checks(
    tmp_path_factory: pytest.TempPathFactory, ontology: Any, shapes: Any, context: Any, data: st.DataObject
) -> None:
    key = data.draw(st.sampled_from(["id", "type", "label", "inScheme", "evidence", "startYear", "includes", "unit"]))
    record = {"id": "stage/jd-1", "type": "Stage", "label": {"en": "x"}, key: data.draw(_VALUE)}
    case = {"@context": CONTEXT_IRI, "id": "case/jd", "type": "Case", "includes": [record]}
    path = tmp_path_factory.getbasetemp() / "value.yaml"
    path.write_text(json.dumps(case, ensure_ascii=False), "utf-8")
    document, _ = read_document(path, ontology, context)
    assert document is not None
    findings = list(check_structure(document, RecordModel(ontology, shapes)))
    findings += check_references(document, Catalogue([document], ontology))
    assert findings
    assert all(isinstance(finding.problem.line, int) for finding in findings)
    assert not any("_:" in str(quad) for quad in document.quads())


def test_a_record_needs_a_label_in_english_and_an_addition_does_not(place: Any) -> None:
    place.change("    label: {en: first stage, zh: 第一阶段}\n", "")
    found = [(p.code, p.record, p.term) for p in place.problems()]
    assert found == [("missing-key", "stage/jd-1", "label")]
    place.change("label: {en: share of own deliveries}", "label: {zh: 份额}")
    assert [p.line for p in place.problems() if p.record == "outcome/jd-share"] == [place.line_of("label: {zh: 份额}")]


def test_an_id_defined_twice_is_told_as_that_only(place: Any) -> None:
    place.change("  - id: outcome/jd-share\n    type: Outcome", "  - id: stage/jd-1\n    type: Outcome")
    assert {p.code for p in place.problems()} == {"duplicate-id"}


def test_a_malformed_id_is_not_suggested(place: Any) -> None:
    place.change("id: stage/jd-1", 'id: "stage/Mine 1"')
    place.change("focalEcosystem: ecosystem/jd", "focalEcosystem: stage/Mine-1")
    told = [str(p) for p in place.problems()]
    assert not [text for text in told if "Mine%20" in text]


def test_a_defined_class_is_neither_suggested_nor_needed(place: Any) -> None:
    register = place.project.data / "things.yaml"
    text = register.read_text("utf-8")
    register.write_text(text.replace("type: Organization", "type: PlatformOperator"), "utf-8")
    (found,) = place.problems()
    assert (found.code, found.level, found.line) == ("defined-class", "warning", 6)
    register.write_text(text.replace("type: Organization", "type: PlatformOperatr"), "utf-8")
    assert "PlatformOperator'" not in next(p for p in place.problems() if p.code == "unknown-type").remedy


def test_ids_of_spellings_and_evidence_are_not_suggested(place: Any) -> None:
    place.change("foundedYear: 1998", "foundedYear: 1998\n    partActor: actor/jd/jd/evidence/000-1-2")
    (found,) = [p for p in place.problems() if p.code == "unknown-reference"]
    assert "evidence" not in found.remedy
