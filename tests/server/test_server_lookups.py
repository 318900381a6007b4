"""Lookups: lists, single things, numbers."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from valueweave.resources import RESOURCES

ACTORS = "/api/v1/actors"


def get(client: httpx.Client, path: str, status: int = 200, **headers: str) -> Any:
    answer = client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    assert answer.status_code == status, answer.text
    return answer.json()


def ids(found: Any) -> list[str]:
    return [item["id"] for item in found["items"]]


def test_every_list_is_there(client: httpx.Client) -> None:
    for name in RESOURCES:
        assert get(client, f"/api/v1/{name}")["resource"] == name


def test_a_list_holds_what_is_inferred_to_belong_to_it(client: httpx.Client) -> None:
    assert ids(get(client, ACTORS)) == ["actor/alibaba", "actor/haier", "actor/jd", "actor/jd-logistics"]
    assert get(client, ACTORS)["items"][2]["types"][0]["id"] == "sce:Organization"


def test_pages_follow_each_other_and_hold_everything_once(client: httpx.Client) -> None:
    seen, path = [], f"{ACTORS}?limit=3&q=a"
    while path:
        found = get(client, path)
        assert found["total"] == 4
        seen += ids(found)
        path = found["next"]
    assert sorted(seen) == ["actor/alibaba", "actor/haier", "actor/jd", "actor/jd-logistics"]
    last = client.get(f"{ACTORS}?limit=3&offset=3")
    assert last.json()["previous"].endswith("offset=0")
    assert 'rel="prev"' in last.headers["link"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("q=LOGIST", ["actor/jd-logistics"]),
        ("q=京东", ["actor/jd"]),
        ("q=jingdong", ["actor/jd"]),
        ("q=%3Cb%3E", ["actor/haier"]),
        ("q=%22)%20%7D", []),
        ("q=nobody", []),
        ("case=jd-2007-2021", ["actor/jd"]),
        ("case=case/jd-2007-2021&type=Organization", ["actor/jd"]),
        ("case=account/000", ["actor/jd"]),
        ("type=sce:ActorGroup", []),
    ],
)
def test_filters(client: httpx.Client, query: str, expected: list[str]) -> None:
    found = get(client, f"{ACTORS}?{query}")
    assert ids(found) == expected
    assert found["total"] == len(expected)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0", "invalid-parameter"),
        ("limit=many", "invalid-parameter"),
        ("limt=5", "invalid-parameter"),
        ("offset=-1", "invalid-parameter"),
        ("case=jd-2007-2012", "unknown-case"),
        ("type=Stage", "unknown-class"),
        ("type=Organisation", "unknown-class"),
    ],
)
def test_wrong_parameters_are_named(client: httpx.Client, query: str, code: str) -> None:
    problem = get(client, f"{ACTORS}?{query}", 400)
    assert problem["code"] == code
    assert problem["remedy"]


def test_a_near_miss_is_suggested(client: httpx.Client) -> None:
    assert "'Organization'" in get(client, f"{ACTORS}?type=Organisation", 400)["remedy"]
    assert "'jd-logistics'" in get(client, f"{ACTORS}/jd-logistcs", 404)["remedy"]


def test_labels_come_in_the_language_asked_for_else_in_english(client: httpx.Client) -> None:
    assert get(client, f"{ACTORS}/jd")["label"] == "JD"
    assert get(client, f"{ACTORS}/jd?lang=zh")["label"] == "京东"
    assert get(client, f"{ACTORS}/jd", Accept_Language="zh-CN, en;q=0.5")["label"] == "京东"
    assert get(client, f"{ACTORS}/jd?lang=en", Accept_Language="zh")["label"] == "JD"
    assert get(client, f"{ACTORS}/jd-logistics?lang=zh")["label"] == "JD Logistics"
    assert get(client, f"{ACTORS}/jd?lang=zh")["types"][0]["label"] == "组织"


def test_an_item_says_everything_with_its_evidence(client: httpx.Client) -> None:
    jd = get(client, f"{ACTORS}/jd")
    assert jd["labels"] == {"en": "JD", "zh": "京东"}
    assert [value["value"] for value in jd["alternatives"]] == ["Jingdong"]
    assert jd["description"] == "A retailer with its own logistics."
    types = {kind["id"]: kind["inferred"] for kind in jd["types"]}
    assert (types["sce:Organization"], types["sce:Actor"]) == (False, True)
    operates = jd["properties"]["operates"]["values"][0]
    assert (operates["id"], operates["label"]) == ("platform/jd-mall", "JD Mall")
    assert operates["graphs"] == ["graph:case/jd-2007-2021"]
    evidence = jd["evidence"][0]
    assert (evidence["section"], evidence["start"], evidence["end"]) == ("2.1", 10, 20)
    assert (evidence["kind"], evidence["reason"]) == ("interpreted", "It is only implied.")
    assert evidence["supports"] == ["operates", "startYear"]
    assert evidence["source"]["label"] == "A double case"
    assert jd["incoming"]["about"]["things"][0]["id"] == "finding/one"


def test_what_is_inferred_says_so(client: httpx.Client) -> None:
    part = get(client, f"{ACTORS}/jd")["properties"]["partActor"]["values"][0]
    assert (part["id"], part["inferred"], part["graphs"]) == ("actor/jd-logistics", True, [])
    # What the inverse says already is not said again.
    assert "partOfActor" not in get(client, f"{ACTORS}/jd")["incoming"]


def test_numbers_are_numbers_and_keep_their_digits(client: httpx.Client) -> None:
    stage = get(client, "/api/v1/stages/jd-1")["properties"]["startYear"]["values"][0]
    assert (stage["value"], stage["datatype"]) == (2007, "xsd:integer")
    change = get(client, "/api/v1/outcomes/jd-1")["properties"]["printedChange"]["values"][0]
    assert (change["value"], change["lexical"]) == (9.95, "9.95")


@pytest.mark.parametrize("path", ["two", "finding/two", "claim/two"])
def test_an_id_may_leave_out_what_is_clear(client: httpx.Client, path: str) -> None:
    if path.startswith("claim/"):
        get(client, f"/api/v1/claims/{path}", 404)
    else:
        assert get(client, f"/api/v1/claims/{path}")["id"] == "finding/two"


def test_an_ambiguous_id_names_the_candidates(client: httpx.Client) -> None:
    problem = get(client, "/api/v1/claims/one", 404)
    assert problem["code"] == "ambiguous-id"
    assert "finding/one" in problem["remedy"]
    assert "proposition/one" in problem["remedy"]


@pytest.mark.parametrize("path", ["actors/stage/jd-1", "actors/nobody", "actors/%3Cx%3E", "actors/a%20b", "nothing"])
def test_what_is_not_there_is_not_found(client: httpx.Client, path: str) -> None:
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_item_is_not_sent_again_to_those_who_hold_it(client: httpx.Client) -> None:
    first = client.get(f"{ACTORS}/jd")
    held = {"If-None-Match": f'"other", W/{first.headers["etag"]}'}
    assert client.get(f"{ACTORS}/jd", headers=held).status_code == 304
    assert client.get(f"{ACTORS}/jd", headers={**held, "Accept-Language": "zh"}).status_code == 200


def test_statistics_count_members_of_lists(client: httpx.Client) -> None:
    numbers = get(client, "/api/v1/statistics")
    assert numbers["resources"]["actors"] == 4
    assert numbers["resources"]["stages"] == 2
    assert numbers["types"]["sce:Organization"] == 4
    assert numbers["graphs"]["graph:sources"] == 3


def test_the_interface_describes_itself(client: httpx.Client) -> None:
    document = get(client, "/openapi.json")
    assert set(document["paths"]) >= {"/sparql", "/id/{path}", "/ontology", "/api/v1/actors", "/api/v1/actors/{id}"}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            where = f"{method} {path}"
            assert operation["summary"], where
            assert operation["description"], where
            assert "422" not in operation["responses"], where
            for parameter in operation.get("parameters", []):
                assert parameter.get("description") or parameter["in"] == "path", where
    item = document["components"]["schemas"]["Item"]
    assert item["examples"]
    assert all(prop.get("description") for prop in item["properties"].values())


def test_the_page_before_one_beyond_the_end_is_the_last_one(client: httpx.Client) -> None:
    beyond = get(client, f"{ACTORS}?limit=1&offset=900")
    assert beyond["items"] == []
    assert len(get(client, beyond["previous"])["items"]) == 1


def test_a_thing_that_is_not_there_names_the_nearest(client: httpx.Client) -> None:
    problem = get(client, "/id/actor/jd-logistcs", 404)
    assert "'actor/jd-logistics'" in problem["remedy"]
    known = get(client, "/api/v1/stages/zzzzzz", 404)["remedy"].removeprefix("Known: ").rstrip(".").split(", ")
    assert known == sorted(known)
