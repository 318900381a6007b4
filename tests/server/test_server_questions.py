"""The competency questions over HTTP."""

from __future__ import annotations

import httpx
import pyoxigraph as ox
import pytest

QUERIES = "/api/v1/queries"


def test_questions_are_listed_with_their_parameters(client: httpx.Client) -> None:
    found = {item["name"]: item for item in client.get(QUERIES).json()["items"]}
    assert set(found) == {"stages-by-case", "stages-in-year", "subsidiaries"}
    assert found["stages-in-year"]["parameters"][0] == {
        "name": "year",
        "type": "integer",
        "required": True,
        "default": None,
        "description": "a calendar year",
        "choices": [],
    }
    assert client.get(found["stages-by-case"]["href"]).status_code == 200


def test_a_question_is_answered_with_defaults_and_with_values(client: httpx.Client) -> None:
    rows = client.get(f"{QUERIES}/stages-by-case").json()["results"]["bindings"]
    assert [row["from"]["value"] for row in rows] == ["2007", "2016"]
    named = client.get(f"{QUERIES}/stages-by-case?case=jd-2007-2021").json()["results"]["bindings"]
    assert named == rows
    in_2016 = client.get(f"{QUERIES}/stages-in-year", params={"year": "2016"}, headers={"Accept": "text/csv"})
    assert in_2016.text.split() == ["stage", *(f"https://w3id.org/valueweave/id/stage/jd-{n}" for n in (1, 2))]


def test_a_scope_narrows_what_is_seen(client: httpx.Client) -> None:
    def count(scope: str) -> int:
        answer = client.get(f"{QUERIES}/subsidiaries", params={"scope": scope, "format": "ntriples"})
        return len(list(ox.parse(answer.content, format=ox.RdfFormat.N_TRIPLES)))

    assert [count("all"), count("asserted"), count("inferred")] == [1, 0, 1]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("stages-in-year", 400, "missing-parameter"),
        ("stages-in-year?year=soon", 400, "parameter-value"),
        ("stages-in-year?yaer=2016", 400, "unknown-parameter"),
        ("stages-in-year?year=2016&year=2017", 400, "repeated-parameter"),
        ("stages-by-case?case=%22%7D", 400, "parameter-value"),
        ("stages-by-case?case=case/jd-2007-2012", 400, "unknown-name"),
        ("stages-by-case?case=jd-2007-2012", 400, "unknown-name"),
        ("stages-by-case?scope=some", 400, "unknown-scope"),
        ("stages-by-cases", 404, "unknown-question"),
        ("stages-by-case?format=turtle", 406, "not-acceptable"),
    ],
)
def test_wrong_requests_say_what_to_do(client: httpx.Client, path: str, status: int, code: str) -> None:
    answer = client.get(f"{QUERIES}/{path}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == code
    assert "--param" not in problem["remedy"]


@pytest.mark.parametrize("value", ["case/jd-2007-2012", "jd-2007-2012"])
def test_the_nearest_to_an_unknown_value_is_named(client: httpx.Client, value: str) -> None:
    problem = client.get(f"{QUERIES}/stages-by-case", params={"case": value}).json()
    assert "'case/jd-2007-2021'" in problem["remedy"]


def test_a_browser_gets_a_form_and_the_answer(client: httpx.Client) -> None:
    page = client.get(f"{QUERIES}/stages-by-case", headers={"Accept": "text/html"})
    assert 'name="case" value="case/jd-2007-2021"' in page.text
    assert "stage/jd-1" in page.text
    missing = client.get(f"{QUERIES}/stages-in-year", headers={"Accept": "text/html"})
    assert missing.status_code == 400
    assert "has no value" in missing.text


def test_an_answer_is_not_sent_again_to_those_who_hold_it(client: httpx.Client) -> None:
    first = client.get(f"{QUERIES}/stages-by-case")
    held = {"If-None-Match": first.headers["etag"]}
    assert client.get(f"{QUERIES}/stages-by-case", headers=held).status_code == 304
    assert client.get(f"{QUERIES}/stages-by-case?case=actor/jd", headers=held).status_code == 200
