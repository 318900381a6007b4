"""Questions: headers that grlc reads, parameters that cannot be anything but values."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pytest

from valueweave.problems import InputError
from valueweave.project import Project
from valueweave.queries import find_question, load_question, load_questions, parse_question


def test_a_header_is_read(built_project: Project) -> None:
    question = load_questions(built_project)["stages"]
    assert (question.summary, question.tags) == ("Which stages are there?", ("stages",))
    assert question.to_json()["parameters"] == [
        {
            "name": "from",
            "type": "integer",
            "required": False,
            "default": "2000",
            "description": "the first year to show",
            "choices": [],
        }
    ]


@pytest.mark.parametrize(
    ("variable", "kind", "value", "term"),
    [
        ("_a_iri", "iri", "actor/jd", ox.NamedNode("https://w3id.org/valueweave/id/actor/jd")),
        ("_a_iri", "iri", "sce:Stage", ox.NamedNode("https://w3id.org/valueweave/ontology#Stage")),
        ("_a_integer", "integer", 7, ox.Literal(7)),
        (
            "_a_decimal",
            "decimal",
            "4.50",
            ox.Literal("4.50", datatype=ox.NamedNode("http://www.w3.org/2001/XMLSchema#decimal")),
        ),
        (
            "_a_number",
            "decimal",
            "7",
            ox.Literal("7", datatype=ox.NamedNode("http://www.w3.org/2001/XMLSchema#decimal")),
        ),
        ("_a_boolean", "boolean", True, ox.Literal(True)),
        ("_a", "string", 'x" } DROP', ox.Literal('x" } DROP')),
        ("_a_string", "string", "x", ox.Literal("x")),
        ("_a_zh", "zh", "京东", ox.Literal("京东", language="zh")),
    ],
)
def test_a_variable_says_its_name_and_type(
    variable: str, kind: str, value: object, term: ox.NamedNode | ox.Literal
) -> None:
    question = parse_question(f"SELECT ?s {{ ?s ?p ?{variable} }}")
    assert [(parameter.name, parameter.type) for parameter in question.parameters] == [("a", kind)]
    assert question.bind({"a": value}) == {variable: term}


def test_defaults_stand_in_and_optional_parameters_may_be_left_out() -> None:
    question = parse_question("#+ defaults:\n#+   - from: 2007\nSELECT * { ?s ?_from_integer ?__to_integer }")
    assert question.bind() == {"_from_integer": ox.Literal(2007)}
    assert set(question.bind({"to": 3})) == {"_from_integer", "__to_integer"}


def test_all_wrong_parameters_are_told_at_once() -> None:
    question = parse_question("SELECT * { ?s ?_year_integer ?_actor_iri, ?_name }")
    with pytest.raises(InputError) as caught:
        question.bind({"year": "soon", "actor": "no term", "name": "x", "nmae": "y"})
    told = {problem.code: str(problem) for problem in caught.value.problems}
    assert set(told) == {"parameter-value", "unknown-parameter"}
    assert len(caught.value.problems) == 3
    assert "Did you mean 'name'?" in told["unknown-parameter"]


def test_a_missing_value_is_told_with_what_to_write() -> None:
    with pytest.raises(InputError, match="--param year=VALUE"):
        parse_question("SELECT * { ?s ?p ?_year_integer }").bind()


def test_choices_bind_the_value() -> None:
    question = parse_question("#+ enumerate:\n#+   - kind:\n#+     - a\n#+     - b\nSELECT * { ?s ?p ?_kind }")
    assert question.bind({"kind": "b"}) == {"_kind": ox.Literal("b")}
    with pytest.raises(InputError, match="Choose one of a, b"):
        question.bind({"kind": "c"})


def test_an_unknown_name_gets_the_nearest(built_project: Project) -> None:
    with pytest.raises(InputError, match="Did you mean 'stages'"):
        find_question(load_questions(built_project), "stage")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("#+ summary: a: b: c\nSELECT * {}", "no YAML"),
        ("#+ just words\nSELECT * {}", "no keys"),
        ("#+ defaults:\n#+   - yaer: 1\nSELECT * { ?s ?p ?_year }", "which is no parameter"),
        ("SELECT * { ?s ?p ?_year_date }", "unknown type 'date'"),
        ("SELECT * { ?s ?_year ?_year_integer }", "two variables"),
    ],
)
def test_a_wrong_header_is_told(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        parse_question(text, file="q.rq")


def test_all_wrong_files_are_told_at_once(project: Project) -> None:
    (project.queries / "a.rq").write_text("SELECT * {}", "utf-8")
    (project.queries / "b.rq").write_bytes(b"#+ summary: \xff\n")
    with pytest.raises(InputError) as caught:
        load_questions(project)
    assert [problem.code for problem in caught.value.problems] == ["question-header", "not-utf-8"]


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load_question(tmp_path / "none.rq")
