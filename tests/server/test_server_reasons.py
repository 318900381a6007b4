"""Why, and why not yet, over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

EXPLAIN, ASSESS = "/api/v1/explain", "/api/v1/assess"
OPERATOR = {"subject": "actor/jd", "predicate": "a", "object": "sce:PlatformOperator"}


def described(client: httpx.Client, path: str) -> Draft202012Validator:
    """The published shape of the answer of a route."""
    document = client.get("/openapi.json").json()
    shape = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    return Draft202012Validator({**shape, "components": document["components"]})


def test_a_proof_comes_as_json_text_and_diagram(client: httpx.Client) -> None:
    answer = client.get(EXPLAIN, params=OPERATOR)
    assert answer.headers["content-type"] == "application/json"
    described(client, EXPLAIN).validate(answer.json())
    assert answer.json()["entailed"]
    assert answer.json()["proofs"][0]["kind"] == "inferred"
    text = client.get(EXPLAIN, params=OPERATOR, headers={"Accept": "text/plain"})
    assert text.text.splitlines()[0] == "JD is a platform operator"
    for asked in ({"params": {**OPERATOR, "format": "mermaid"}}, {"headers": {"Accept": "text/vnd.mermaid"}}):
        diagram = client.get(EXPLAIN, **{"params": OPERATOR, **asked})  # type: ignore[arg-type]
        assert diagram.headers["content-type"].startswith("text/vnd.mermaid")
        assert diagram.text.startswith("flowchart BT")


def test_what_does_not_follow_is_an_answer(client: httpx.Client) -> None:
    answer = client.get(EXPLAIN, params={**OPERATOR, "subject": "actor/haier"})
    assert answer.status_code == 200
    assert not answer.json()["entailed"]
    assert answer.json()["nearest"]


def test_an_assessment_shows_both_readings_and_what_is_missing(client: httpx.Client) -> None:
    answer = client.get(ASSESS, params={"individual": "actor/haier", "class": "sce:PlatformOperator"})
    found: dict[str, Any] = answer.json()
    described(client, ASSESS).validate(found)
    assert (found["open_world"], found["closed_world"], found["met"], found["simple"]) == ("open", "unknown", 1, 2)
    [definition] = found["conditions"]["conditions"]
    actor, operates = definition["conditions"]
    assert (actor["open_world"], actor["because"][0]["statement"]["object"].rsplit("#")[-1]) == ("entailed", "Actor")
    assert operates["would_meet"][0]["text"] == "Haier & Co. <b> operates ?value1, ?value1 is a platform"
    assert operates["have_it"][0] == {
        "id": "actor/jd",
        "iri": "https://w3id.org/valueweave/id/actor/jd",
        "label": "JD",
        "graphs": [
            "https://w3id.org/valueweave/graph/actors",
            "https://w3id.org/valueweave/graph/case/jd-2007-2021",
        ],
    }


def test_language_and_text(client: httpx.Client) -> None:
    asked = {"individual": "actor/jd", "class": "sce:PlatformOperator", "format": "text"}
    assert client.get(ASSESS, params={**asked, "language": "zh"}).text.startswith("✓ 京东 (actor/jd): 平台运营者")
    assert client.get(ASSESS, params=asked, headers={"Accept-Language": "zh-CN"}).text.startswith("✓ 京东")
    assert client.get(ASSESS, params=asked).text.startswith("✓ JD (actor/jd): platform operator")


def test_without_a_class_all_are_ranked(client: httpx.Client) -> None:
    answer = client.get(ASSESS, params={"individual": "actor/jd", "limit": 3})
    described(client, ASSESS).validate(answer.json())
    classes = answer.json()["classes"]
    assert (classes[0]["class"]["id"], classes[0]["open_world"]) == ("sce:PlatformOperator", "entailed")
    assert len(classes) == 3
    text = client.get(ASSESS, params={"individual": "actor/jd"}, headers={"Accept": "text/plain"}).text
    assert text.splitlines()[1].startswith("✓ platform operator")


@pytest.mark.parametrize(
    ("path", "params", "status", "code"),
    [
        (ASSESS, {"individual": "actor/nobody", "class": "sce:Case"}, 404, "unknown-name"),
        (ASSESS, {"individual": "actor/jd", "class": "sce:Nothing"}, 404, "unknown-name"),
        (ASSESS, {"individual": '"jd"', "class": "sce:Case"}, 400, "term-place"),
        (ASSESS, {"individual": "_:jd", "class": "sce:Case"}, 400, "blank-term"),
        (ASSESS, {"individual": "actor/jd", "class": "sce:Actor"}, 400, "no-conditions"),
        (ASSESS, {"individual": "actor/jd", "class": "sce:operates"}, 400, "not-a-class"),
        (ASSESS, {"individual": "sce:Case", "class": "sce:Case"}, 400, "not-an-individual"),
        (ASSESS, {"class": "sce:Case"}, 400, "invalid-parameter"),
        (ASSESS, {"individual": "actor/jd", "klass": "sce:Case"}, 400, "invalid-parameter"),
        (EXPLAIN, {**OPERATOR, "subject": "actor/nobody"}, 404, "unknown-name"),
        (EXPLAIN, {**OPERATOR, "predicate": '"a"'}, 400, "term-place"),
        (EXPLAIN, {**OPERATOR, "proofs": "0"}, 400, "invalid-parameter"),
        (EXPLAIN, {**OPERATOR, "format": "svg"}, 400, "invalid-parameter"),
    ],
)
def test_bad_input_is_a_problem_with_a_remedy(
    client: httpx.Client, path: str, params: dict[str, str], status: int, code: str
) -> None:
    answer = client.get(path, params=params)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["remedy"]


def test_a_format_that_nothing_has_is_refused(client: httpx.Client) -> None:
    assert client.get(EXPLAIN, params=OPERATOR, headers={"Accept": "image/png"}).status_code == 406


def test_an_answer_held_already_is_not_sent_again(client: httpx.Client) -> None:
    asked = {"individual": "actor/jd", "class": "sce:PlatformOperator"}
    tag = client.get(ASSESS, params=asked).headers["etag"]
    assert client.get(ASSESS, params=asked, headers={"If-None-Match": tag}).status_code == 304
    assert client.get(ASSESS, params={**asked, "format": "text"}, headers={"If-None-Match": tag}).status_code == 200


BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def test_people_read_a_proof_as_a_page_that_leads_on(client: httpx.Client) -> None:
    answer = client.get(EXPLAIN, params=OPERATOR, headers=BROWSER)
    assert answer.headers["content-type"].startswith("text/html")
    assert "<h1>JD is a platform operator</h1>" in answer.text
    assert f'href="{ASSESS}?individual=' in answer.text
    nothing = client.get(EXPLAIN, params={**OPERATOR, "subject": "actor/haier", "format": "html"})
    assert "does not follow" in nothing.text
    assert "Haier &amp; Co. &lt;b&gt;" in nothing.text
    assert "<b>" not in nothing.text


def test_people_read_an_assessment_and_a_ranking_as_pages(client: httpx.Client) -> None:
    asked = {"individual": "actor/haier", "class": "sce:PlatformOperator"}
    answer = client.get(ASSESS, params=asked, headers=BROWSER)
    assert "1 of 2 simple conditions are met" in answer.text
    assert '<a href="/id/actor/jd">JD</a>' in answer.text
    ranking = client.get(ASSESS, params={"individual": "actor/haier"}, headers=BROWSER)
    assert "class=https" in ranking.text
    assert ranking.text.count("<tr>") > 3


def test_the_page_of_a_thing_leads_to_why_it_is_what_it_is(client: httpx.Client) -> None:
    shown = client.get("/id/actor/jd", params={"format": "html"}).text
    assert 'title="why it is one" href="/api/v1/explain?subject=' in shown
    assert 'href="/api/v1/assess?individual=' in shown
