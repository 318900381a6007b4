"""What the papers print, computed again: the verdicts on real numbers, and each check on small ones."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from pathlib import Path

import jsonschema
import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from valueweave.analysis.numbers import check_numbers, load_number_checks
from valueweave.analysis.numbers_report import SCHEMA, CheckedNumber, NumbersReport
from valueweave.analysis.verdicts import VERDICTS, Bounds, judge
from valueweave.graph import KnowledgeGraph
from valueweave.namespaces import PREFIXES, SCE
from valueweave.problems import InputError
from valueweave.project import Project
from valueweave.store import EmbeddedStore
from valueweave.validation.engine import run_shapes

HOME = Project.find()
OUTCOMES = HOME.ontology / "modules" / "outcomes.ttl"
HEAD = "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in PREFIXES.items()) + "@prefix x: <urn:x:> .\n"


@pytest.fixture(scope="module")
def report(kg: KnowledgeGraph) -> NumbersReport:
    return kg.check_numbers()


def number(report: NumbersReport, record: str) -> CheckedNumber:
    return next(number for number in report if number.record.short == record)


def small(turtle: str, home: Project = HOME) -> KnowledgeGraph:
    """A graph of the module of outcomes and a few records, with one passage for all of them."""
    text = HEAD + turtle + '\nx:e sce:inSource x:paper ; sce:section "1" ; sce:startOffset 1 ; sce:endOffset 2 .'
    quads = [*ox.parse(path=OUTCOMES, format=ox.RdfFormat.TURTLE), *ox.parse(text, format=ox.RdfFormat.TURTLE)]
    return KnowledgeGraph(EmbeddedStore.in_memory(quads), home)


def verdicts(turtle: str) -> dict[str, tuple[str, Decimal | None]]:
    found = [(n.record.removeprefix("urn:x:"), (n.verdict, n.computed)) for n in check_numbers(small(turtle))]
    assert len(dict(found)) == len(found), "a number is checked twice"
    return dict(found)


def quantity(name: str, printed: str, formula: str, more: str, qualifier: str = "exactly") -> str:
    return (
        f"x:{name} a sce:QuantityStatement ; sce:numericValue {printed} ; sce:hasUnit sce:unitCount ;"
        f" sce:hasQualifier sce:{qualifier} ; sce:hasFormula sce:{formula} ; sce:hasEvidence x:e ; {more} .\n"
    )


def outcome(printed: str, before: str, after: str, more: str) -> str:
    return (
        f"x:o a sce:Outcome ; sce:printedChange {printed} ; sce:valueBefore {before} ; sce:valueAfter {after} ;"
        f" sce:hasEvidence x:e ; {more} .\n"
    )


# -- the five sources


@pytest.mark.parametrize(
    ("record", "verdict", "computed"),
    [
        ("outcome/unified-ceramic-production-cost", "right", "-7.5"),
        ("outcome/unified-ceramic-product-quality", "off-kind", "4.7368"),
        ("outcome/unified-ceramic-unit-price", "rounded", "17.2932"),
        ("quantity/003-interviews", "right", "45"),
        ("quantity/003-interview-hours", "right", "97"),
        ("quantity/003-interviewees", "right", "30"),
        ("quantity/haier-003-years", "right", "36"),
        ("quantity/003-study-years", "consistent", "5"),
        ("quantity/003-cosmo-revenue-share", "consistent", "4.4044"),
        ("quantity/004-nearly-16-years", "off", "19"),
        ("quantity/002-references", "right", "16"),
        ("quantity/1688-chain-links", "right", "5"),
    ],
)
def test_verdicts_on_the_papers(report: NumbersReport, record: str, verdict: str, computed: str) -> None:
    found = number(report, record)
    assert found.computed is not None
    assert (found.verdict, round(found.computed, 4)) == (verdict, Decimal(computed))


def test_points_printed_as_percent_are_told_with_both_kinds(report: NumbersReport) -> None:
    found = number(report, "outcome/unified-ceramic-product-quality")
    assert (found.printed, found.otherwise) == (Decimal("4.5"), Decimal("4.5"))
    assert found.otherwise_label == "percentage point change"
    assert [passage.section for passage in found.passages] == ["Table 4"]


def test_every_number_that_is_off_has_a_discrepancy(report: NumbersReport) -> None:
    off = [found for found in report if found.verdict in ("off", "off-kind")]
    assert len(off) >= 2
    assert [found.record.short for found in off if not found.discrepancies] == []


def test_every_number_has_its_passage_and_nothing_is_unknown(report: NumbersReport) -> None:
    assert len(report) >= 40
    assert [found.record.short for found in report if not found.passages] == []
    assert report.counts()["unknown"] == 0
    assert len({found.record for found in report}) == len(report)
    assert len({found.source for found in report}) == 5


def test_the_page_says_what_the_graph_says(report: NumbersReport) -> None:
    page = (HOME.home / "docs" / "check-numbers.md").read_text("utf-8")
    said: dict[str, list[int]] = {}
    for line in page.splitlines():
        if match := re.fullmatch(r"\| (\d{3}|all) \|((?: \d+ \|)+)", line):
            said[match[1]] = [int(cell) for cell in match[2].split("|") if cell.strip()]
    shown = [verdict for verdict in VERDICTS if verdict != "unknown"]
    for source, counts in said.items():
        of = NumbersReport(
            tuple(n for n in report if source == "all" or n.source.short == f"source/{source}"), 0
        ).counts()
        assert counts == [of[verdict] for verdict in shown], source
    assert set(said) == {"000", "001", "002", "003", "004", "all"}


# -- the checks


def test_every_formula_has_one_check_and_a_number_that_uses_it(kg: KnowledgeGraph) -> None:
    formulas = {str(row["f"]) for row in kg.select("SELECT ?f { ?f a sce:Formula }")}
    assert len(formulas) >= 8
    text = {check.name: check.question.text for check in load_number_checks(HOME.ontology / "numbers")}
    for formula in formulas:
        name = formula.removeprefix(SCE)
        assert [check for check in text if re.search(rf"sce:hasFormula sce:{name}\b", text[check])] != [], name
    used = {str(row["f"]) for row in kg.select("SELECT DISTINCT ?f { ?q sce:hasFormula ?f }")}
    assert formulas - used <= {SCE + "sumOfValues"}


def test_changes_by_the_unit_they_are_printed_in() -> None:
    percent = "sce:hasUnit sce:unitPercent"
    assert verdicts(outcome("25", "80", "100", "sce:hasUnit sce:unitDay ; sce:hasChangeUnit sce:unitPercent")) == {
        "o": ("right", Decimal(25))
    }
    assert verdicts(outcome("20", "80", "100", percent))["o"][0] == "off-kind"
    assert verdicts(outcome("25", "80", "100", percent))["o"][0] == "right"
    points = f"{percent} ; sce:hasChangeUnit sce:unitPercentagePoint"
    assert verdicts(outcome("20", "80", "100", points))["o"][0] == "right"
    assert verdicts(outcome("25", "80", "100", points))["o"][0] == "off-kind"
    assert verdicts(outcome("-15", "35", "20", "sce:hasUnit sce:unitDay"))["o"] == ("right", Decimal(-15))
    assert verdicts(outcome("-16", "35", "20", "sce:hasUnit sce:unitDay"))["o"][0] == "off"
    assert verdicts(outcome("7", "0", "20", percent))["o"] == ("unknown", None)


def test_counts_go_by_what_is_recorded() -> None:
    parts = "x:w sce:consistsOf x:a , x:b ; sce:hasComponent x:b , x:c .\n"
    assert verdicts(parts + quantity("n", "3", "countOfParts", "sce:computedFrom x:w")) == {"n": ("right", Decimal(3))}
    assert verdicts(parts + quantity("n", "4", "countOfParts", "sce:computedFrom x:w"))["n"] == ("off", Decimal(3))
    assert verdicts(quantity("n", "4", "countOfParts", "sce:computedFrom x:w"))["n"] == ("off", Decimal(0))
    shared = parts + "x:v sce:hasProcessStep x:c , x:d .\n"
    assert verdicts(shared + quantity("n", "4", "countOfParts", "sce:computedFrom x:w , x:v"))["n"][0] == "right"
    assert verdicts(quantity("n", "2", "countOfThings", "sce:computedFrom x:a , x:b"))["n"][0] == "right"
    works = 'x:1 a sce:CitedWork ; sce:inSource x:p ; sce:citationKey "1" . x:2 a sce:CitedWork ; sce:inSource x:p ;'
    works += ' sce:citationKey "1" . x:3 a sce:CitedWork ; sce:inSource x:p ; sce:citationKey "Yin 2009" .\n'
    assert verdicts(works + quantity("n", "1", "countOfWorks", "sce:computedFrom x:p"))["n"][0] == "right"


def test_those_named_of_a_number_are_not_more() -> None:
    named = "sce:computedFrom x:a , x:b , x:c"
    assert verdicts(quantity("n", "15", "countOfNamed", named)) == {"n": ("consistent", Decimal(3))}
    assert verdicts(quantity("n", "3", "countOfNamed", named))["n"][0] == "right"
    assert verdicts(quantity("n", "2", "countOfNamed", named))["n"][0] == "off"


def test_a_gap_in_a_numbering_is_seen() -> None:
    told = ""
    for name, code in (("a", "SCI-step1-1"), ("b", "SCI-step1-2"), ("c", "BMI-step1-1"), ("d", "BMI-step1-3")):
        told += f'x:{name} sce:code "{code}" ; sce:hasEvidence x:e .\n'
    assert verdicts(told) == {"b": ("right", Decimal(2)), "d": ("off", Decimal(2))}
    works = ""
    for place in (1, 2, 11):
        works += f'x:w{place} a sce:CitedWork ; sce:inSource x:p ; sce:citationKey "{place}" ; sce:hasEvidence x:e .\n'
    assert verdicts(works) == {"w11": ("off", Decimal(3))}


def test_interviews_are_counted_and_their_hours_added_once() -> None:
    told = "x:all sce:consistsOf x:part , x:i1 . x:part sce:consistsOf x:i1 , x:i2 .\n"
    told += "x:i1 a sce:Interview ; sce:durationHours 1.5 ; sce:withRespondent x:p .\n"
    told += "x:i2 a sce:Interview ; sce:durationHours 1.5 ; sce:withRespondent x:p .\n"
    told += quantity("n", "2", "countOfInterviews", "sce:computedFrom x:all")
    told += quantity("h", "3", "sumOfInterviewHours", "sce:computedFrom x:all , x:part")
    told += quantity("p", "1", "countOfRespondents", "sce:computedFrom x:all")
    assert verdicts(told) == {name: ("right", Decimal(value)) for name, value in (("n", 2), ("h", 3), ("p", 1))}


def test_sums_and_shares_stay_open_when_a_value_is_missing() -> None:
    values = "x:a sce:numericValue 30 . x:b sce:numericValue 12.5 .\n"
    assert verdicts(values + quantity("n", "42.5", "sumOfValues", "sce:computedFrom x:a , x:b"))["n"][0] == "right"
    assert verdicts(values + quantity("n", "42.5", "sumOfValues", "sce:computedFrom x:a , x:c"))["n"][0] == "unknown"
    share = "sce:computedFrom x:b ; sce:relativeTo x:a"
    assert verdicts(values + quantity("n", "41.7", "shareInPercent", share))["n"][0] == "rounded"
    assert verdicts(quantity("n", "41.7", "shareInPercent", share))["n"] == ("unknown", None)


def test_spans_of_years_take_the_end_of_the_one_and_the_beginning_of_the_other() -> None:
    told = "x:a sce:foundedYear 1984 . x:b sce:startYear 2000 ; sce:endYear 2020 .\n"
    span = "sce:computedFrom x:b ; sce:relativeTo x:a"
    assert verdicts(told + quantity("n", "36", "spanOfYears", span))["n"][0] == "right"
    assert verdicts(told + quantity("n", "35", "spanOfYears", span))["n"][0] == "off"
    assert verdicts(quantity("n", "36", "spanOfYears", span))["n"] == ("unknown", None)


# -- qualifiers and rounding


@pytest.mark.parametrize(
    ("qualifier", "below", "equal", "above", "far"),
    [
        ("exactly", "off", "right", "off", "off"),
        ("atLeast", "off", "right", "consistent", "consistent"),
        ("moreThan", "off", "off", "consistent", "consistent"),
        ("atMost", "consistent", "right", "off", "off"),
        ("lessThan", "consistent", "off", "off", "off"),
        ("approximately", "consistent", "right", "consistent", "off"),
        ("nearly", "consistent", "right", "off", "off"),
    ],
)
def test_qualifiers_say_where_the_actual_number_may_lie(
    qualifier: str, below: str, equal: str, above: str, far: str
) -> None:
    def verdict(actual: int) -> str:
        things = ", ".join(f"x:t{index}" for index in range(actual))
        return verdicts(quantity("n", "10", "countOfThings", f"sce:computedFrom {things}", qualifier))["n"][0]

    assert [verdict(actual) for actual in (9, 10, 11, 30)] == [below, equal, above, far]


@pytest.mark.parametrize(("qualifier", "near"), [("approximately", (8, 12)), ("nearly", (8, 10))])
def test_about_and_nearly_admit_a_fifth(qualifier: str, near: tuple[int, int]) -> None:
    def verdict(actual: int) -> str:
        things = ", ".join(f"x:t{index}" for index in range(actual))
        return verdicts(quantity("n", "10", "countOfThings", f"sce:computedFrom {things}", qualifier))["n"][0]

    first, last = near
    assert [verdict(actual) == "off" for actual in (first - 1, first, last, last + 1)] == [True, False, False, True]


def test_every_qualifier_says_what_it_admits() -> None:
    asked = f"SELECT ?q {{ ?q a <{SCE}ValueQualifier> FILTER NOT EXISTS {{ ?q <{SCE}admitsEqual> ?any }} }}"
    assert list(small("").select(asked)) == []


NUMBERS = st.decimals(-(10**6), 10**6, allow_nan=False, allow_infinity=False, places=7)


@given(NUMBERS, st.integers(0, 4))
def test_whatever_is_rounded_or_truncated_is_no_worse_than_rounded(computed: Decimal, decimals: int) -> None:
    place = Decimal(1).scaleb(-decimals)
    for rounding in (ROUND_HALF_UP, ROUND_DOWN):
        printed = computed.quantize(place, rounding)
        assert judge(printed, computed, decimals)[0] == ("right" if printed == computed else "rounded")


@given(NUMBERS, st.integers(0, 4), st.integers(1, 50), st.sampled_from((-1, 1)))
def test_one_unit_of_the_last_place_is_too_much(computed: Decimal, decimals: int, units: int, sign: int) -> None:
    place = Decimal(1).scaleb(-decimals)
    printed = computed.quantize(place, ROUND_HALF_UP if sign * computed > 0 else ROUND_DOWN) + sign * units * place
    if abs(printed - computed) >= place:
        assert judge(printed, computed, decimals) == ("off", "different")


@given(NUMBERS, NUMBERS)
def test_an_exact_number_is_right_only_when_equal(printed: Decimal, computed: Decimal) -> None:
    assert (judge(printed, computed, 7)[0] == "right") == (printed == computed)
    assert Bounds(below=True, above=True).admit(printed, computed)


# -- the command and its form


def test_json_is_of_the_published_form(report: NumbersReport) -> None:
    schema = json.loads((HOME.ontology / "schema" / "check-numbers-1.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    told = json.loads(json.dumps(report.to_json()))
    jsonschema.validate(told, schema)
    assert (schema["$id"], told["schema"]) == (SCHEMA, SCHEMA)
    assert schema["$defs"]["verdict"]["enum"] == list(VERDICTS)
    assert sum(told["counts"].values()) == len(told["numbers"])
    assert "quantity/003-pages" in told["notComputed"]
    told["numbers"][0]["verdict"] = "fine"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(told, schema)


def test_a_source_and_a_verdict_can_be_asked_for(kg: KnowledgeGraph) -> None:
    off = kg.check_numbers(only="off")
    assert {found.verdict for found in off} == {"off", "off-kind"}
    assert {found.source.short for found in kg.check_numbers(source="source/004")} == {"source/004"}
    assert [found.record for found in kg.check_numbers("003", "rounded")] == [
        PREFIXES["id"] + "outcome/unified-ceramic-unit-price"
    ]
    for wrong in ({"source": "009"}, {"only": "fine"}):
        with pytest.raises(InputError, match=next(iter(wrong.values()))):
            kg.check_numbers(**wrong)


def test_the_command_answers_also_when_a_paper_is_off(built_project: Project) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "valueweave", "--store", str(built_project.store), "check-numbers", *arguments]
        return subprocess.run(line, capture_output=True, text=True, check=False)

    done = run("--only", "off", "--source", "003")
    assert done.returncode == 0, done.stderr
    assert "4.5 as percentage point change" in done.stdout
    assert "source/004" not in done.stdout
    assert json.loads(run("--json", "--only", "rounded").stdout)["counts"]["rounded"] >= 1
    assert run("--source", "009").returncode == 2


def test_a_check_without_its_parts_is_refused(tmp_path: Path) -> None:
    (tmp_path / "half.rq").write_text('#+ label: "half"\nSELECT ?record ?printed WHERE { ?record ?p ?printed }\n')
    with pytest.raises(InputError) as caught:
        load_number_checks(tmp_path)
    assert "definition" in caught.value.problems[0].message
    assert "?computed" in caught.value.problems[0].message


def test_the_arithmetic_stands_in_the_checks(tmp_path: Path) -> None:
    shutil.copytree(HOME.ontology / "numbers", tmp_path / "ontology" / "numbers")
    told = quantity("n", "2", "countOfThings", "sce:computedFrom x:a , x:b")
    home = Project(tmp_path, tmp_path / "store")
    assert check_numbers(small(told, home)).counts()["right"] == 1
    file = tmp_path / "ontology" / "numbers" / "count-of-things.rq"
    file.write_text(file.read_text("utf-8").replace("COUNT(DISTINCT ?thing)", "1 + COUNT(DISTINCT ?thing)"), "utf-8")
    assert check_numbers(small(told, home)).counts()["off"] == 1


# -- shapes


@pytest.mark.parametrize(
    ("wrong", "right", "message"),
    [
        (
            "sce:hasFormula sce:countOfParts",
            "sce:hasFormula sce:countOfParts ; sce:computedFrom x:a",
            "only one of them",
        ),
        ("sce:relativeTo x:a", "sce:numericValue 3.0", "only one of them"),
        (
            "sce:hasFormula sce:spanOfYears ; sce:computedFrom x:a",
            "sce:hasFormula sce:spanOfYears ; sce:computedFrom x:a ; sce:relativeTo x:b",
            "nothing is named",
        ),
        ("sce:hasFormula sce:unitDay", "sce:hasFormula sce:countOfParts", "what stands here is none"),
    ],
)
def test_half_filled_formulas_are_refused(wrong: str, right: str, message: str) -> None:
    assert message in messages(f"x:q a sce:QuantityStatement ; {wrong} .")
    assert message not in messages(f"x:q a sce:QuantityStatement ; {right} .")


@pytest.mark.parametrize(("kind", "change"), [("relativePercent", "-7.5"), ("absoluteChange", "-0.9")])
def test_a_computed_change_must_follow(kind: str, change: str) -> None:
    told = "x:o a sce:Outcome ; sce:valueBefore 12.0 ; sce:valueAfter 11.1 ;"
    assert "does not follow" not in messages(f"{told} sce:hasChangeKind sce:{kind} ; sce:computedChange {change} .")
    assert "does not follow" in messages(f"{told} sce:hasChangeKind sce:{kind} ; sce:computedChange {change}2 .")


def messages(turtle: str) -> str:
    """What the shapes of the module of outcomes say of a few records."""
    shapes = ox.parse(path=HOME.ontology / "shapes" / "outcomes.ttl", format=ox.RdfFormat.TURTLE)
    quads = [*ox.parse(path=OUTCOMES, format=ox.RdfFormat.TURTLE), *ox.parse(HEAD + turtle, format=ox.RdfFormat.TURTLE)]
    return " ".join(found.message for found in run_shapes([q.triple for q in quads], [q.triple for q in shapes]))
