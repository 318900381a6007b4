"""Lookups: lists, single things, numbers."""

from __future__ import annotations

from typing import Any

import httpx
import pyoxigraph as ox
import pytest

from valueweave.graph import KnowledgeGraph
from valueweave.namespaces import PREFIXES
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


def followed(client: httpx.Client, path: str, key: str = "next") -> list[list[str]]:
    pages = []
    while path:
        found = get(client, path)
        pages.append(ids(found))
        assert len(pages) < 50, "the pages never end"
        path = found[key]
    return pages


@pytest.mark.parametrize("sort", ["", "&sort=id", "&sort=-label", "&sort=-statements,label", "&q=jd&sort=-id"])
def test_pages_follow_each_other_and_hold_everything_once(client: httpx.Client, sort: str) -> None:
    everything = ids(get(client, f"/api/v1/claims?{sort.lstrip('&')}")) if "q=" not in sort else None
    name = "claims" if everything else "actors"
    whole = ids(get(client, f"/api/v1/{name}?limit=1000{sort}"))
    assert everything is None or len(whole) == 3
    pages = followed(client, f"/api/v1/{name}?limit=1{sort}")
    assert [one for page in pages for one in page] == whole
    address = f"/api/v1/{name}?limit=1{sort}"
    for _ in whole[1:]:
        address = get(client, address)["next"]
    back = followed(client, address, "previous")
    assert [one for page in back for one in page] == whole[::-1]


def test_the_link_header_names_the_pages_beside_this_one(client: httpx.Client) -> None:
    first = client.get(f"{ACTORS}?limit=2&lang=zh")
    assert set(first.links) == {"first", "next"}
    second = client.get(first.links["next"]["url"])
    assert set(second.links) == {"first", "prev"}
    assert second.json()["before"] == 2
    assert client.get(second.links["prev"]["url"]).json()["items"] == first.json()["items"]
    assert client.get(second.links["first"]["url"]).json()["items"] == first.json()["items"]


def test_a_cursor_stays_right_when_things_come_and_go(client: httpx.Client) -> None:
    # What a page before the change hands out is used on the list after it: another list of the same order stands in.
    after_haier = get(client, f"{ACTORS}?limit=2")["next"].partition("?")[2]
    assert ids(get(client, f"{ACTORS}?{after_haier}")) == ["actor/jd", "actor/jd-logistics"]
    assert ids(get(client, f"{ACTORS}?{after_haier}&q=logistics&sort=label")) == ["actor/jd", "actor/jd-logistics"]
    # The thing at the cursor is not among the platforms at all, and the page still begins after its place.
    assert ids(get(client, f"/api/v1/platforms?{after_haier}")) == ["platform/jd-mall"]
    # Nothing comes after the place any more: the page before it is the last there is.
    beyond = get(client, f"/api/v1/sources?{after_haier}")
    assert (beyond["items"], beyond["next"]) == ([], None)
    assert ids(get(client, beyond["previous"])) == ["source/000"]


def test_lists_are_sorted_as_asked(client: httpx.Client) -> None:
    stages = "/api/v1/stages?sort="
    assert ids(get(client, stages + "year")) == ["stage/jd-1", "stage/jd-2"]
    assert ids(get(client, stages + "-year")) == ["stage/jd-2", "stage/jd-1"]
    assert ids(get(client, f"{ACTORS}?sort=-statements"))[0] == "actor/jd"
    by_label = ids(get(client, f"{ACTORS}?sort=-label"))
    assert by_label == ids(get(client, ACTORS))[::-1]
    # What has no year comes last, whichever way round.
    for sort in ("year", "-year"):
        assert len(ids(get(client, f"{ACTORS}?sort={sort},-id"))) == 4


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        # JD's description speaks of logistics, and a name goes before it.
        ("q=LOGIST", ["actor/jd-logistics", "actor/jd"]),
        ("q=logistcs", ["actor/jd-logistics", "actor/jd"]),
        ("q=groop", ["actor/jd"]),
        ("q=京东", ["actor/jd"]),
        ("q=jingdong", ["actor/jd"]),
        ("q=%3Cb%3E", ["actor/haier"]),
        ("q=%22)%20%7D", []),
        ("q=nobody", []),
        ("case=jd-2007-2021", ["actor/jd"]),
        ("case=case/jd-2007-2021&type=Organization", ["actor/jd"]),
        ("case=account/000", ["actor/jd"]),
        ("type=sce:ActorGroup", []),
        ("kind=Organization&q=alibaba", ["actor/alibaba"]),
        ("stage=jd-1", ["actor/jd"]),
        ("stage=stage/jd-2", []),
        ("actor=jd", ["actor/jd", "actor/jd-logistics"]),
        ("year=2007", ["actor/jd"]),
        ("year=2018", []),
        ("year=2007&actor=jd-logistics", ["actor/jd"]),
        ("q=&stage=&sort=&kind=&cursor=&case=jd-2007-2021", ["actor/jd"]),
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
        ("offset=1", "invalid-parameter"),
        ("cursor=x", "invalid-cursor"),
        ("cursor=%C3%A9", "invalid-cursor"),
        ("cursor=WyJsYWJlbCIsMCxbMV0sIngiXQ", "invalid-cursor"),
        ("cursor=WyJpZCIsMCxbIngiXSwieCJd", "invalid-cursor"),
        ("sort=lable", "unknown-sort"),
        ("sort=relevance", "unknown-sort"),
        ("year=2016.5", "invalid-parameter"),
        ("stage=jd-9", "unknown-stage"),
        ("actor=jdd", "unknown-actor"),
        ("format=xml", "invalid-parameter"),
        ("case=jd-2007-2012", "unknown-case"),
        ("type=Stage", "unknown-class"),
        ("type=Organisation", "unknown-class"),
    ],
)
def test_wrong_parameters_are_named(client: httpx.Client, query: str, code: str) -> None:
    problem = get(client, f"{ACTORS}?{query}", 400)
    assert problem["code"] == code
    assert problem["remedy"]


def test_wrong_parameters_are_told_all_at_once(client: httpx.Client) -> None:
    asked = "type=Stage&sort=lable&case=none&stage=jd-9&actor=jdd"
    problem = get(client, f"{ACTORS}?{asked}", 400)
    expected = ["unknown-class", "unknown-sort", "unknown-case", "unknown-stage", "unknown-actor"]
    assert [one["code"] for one in problem["problems"]] == expected
    assert [one["code"] for one in get(client, f"{ACTORS}?cursor=x&case=none", 400)["problems"]] == [
        "invalid-cursor",
        "unknown-case",
    ]


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


def test_the_sources_and_cases_of_a_stage_or_an_actor_are_found(client: httpx.Client) -> None:
    assert ids(get(client, "/api/v1/cases?stage=jd-2")) == ["case/jd-2007-2021"]
    assert ids(get(client, "/api/v1/sources?actor=jd")) == ["source/000"]
    assert ids(get(client, "/api/v1/interactions?year=2010&stage=jd-1&actor=jd")) == ["interaction/jd-1"]
    assert ids(get(client, "/api/v1/stages?actor=jd")) == ["stage/jd-1"]


def test_an_item_names_its_disagreements_also_those_that_rules_found(client: httpx.Client) -> None:
    (spelling,) = get(client, f"{ACTORS}/jd")["discrepancies"]
    assert (spelling["id"], spelling["derived"]) == ("discrepancy/jd-name", False)
    assert spelling["kinds"][0]["id"] == "sce:spellingVariant"
    assert (spelling["description"], spelling["resolution"]) == ("A letter is doubled.", "Group is meant.")
    found = [each for each in get(client, "/api/v1/stages/jd-1")["discrepancies"] if each["derived"]]
    assert [each["rules"][0]["id"] for each in found if each["properties"] == ["startYear"]] == [
        "sce:differingStatedValuesRule"
    ]
    assert get(client, f"{ACTORS}/alibaba")["discrepancies"] == []


def test_every_inferred_value_leads_to_a_proof(client: httpx.Client) -> None:
    seen = 0
    for path in ("actors/jd", "platforms/jd-mall", "stages/jd-1", "ecosystems/jd"):
        item = get(client, f"/api/v1/{path}")
        values = [value for each in item["properties"].values() for value in each["values"]]
        values += [*item["types"], *(thing for each in item["incoming"].values() for thing in each["things"])]
        for value in values:
            assert value["inferred"] == ("explanation" in value)
            if value["inferred"]:
                explanation = get(client, value["explanation"])
                assert explanation["entailed"], value
                assert explanation["proofs"], value
                seen += 1
    assert seen > 10


def test_json_ld_says_nothing_that_the_graph_does_not(client: httpx.Client, kg: KnowledgeGraph) -> None:
    for path in ("actors/jd", "stages/jd-1", "outcomes/jd-1", "actors", "claims?limit=2"):
        answer = client.get(f"/api/v1/{path}", headers={"Accept": "application/ld+json"})
        assert answer.headers["content-type"] == "application/ld+json"
        said = {quad.triple for quad in ox.parse(answer.content, format=ox.RdfFormat.JSON_LD)}
        known = {quad.triple for quad in kg.store.statements(graph=ox.DefaultGraph())}
        assert said, path
        assert said <= known, [str(each) for each in said - known][:5]
    by_name = client.get(f"{ACTORS}/jd?format=jsonld")
    jd = ox.NamedNode("https://w3id.org/valueweave/id/actor/jd")
    own = {triple for triple in known if triple.subject == jd and isinstance(triple.object, ox.NamedNode)}
    spoken = {quad.triple for quad in ox.parse(by_name.content, format=ox.RdfFormat.JSON_LD)}
    classes = [each for each in own - spoken if each.predicate.value != PREFIXES["rdf"] + "type"]
    assert classes == []


def test_a_lookup_is_written_as_asked_or_not_at_all(client: httpx.Client) -> None:
    for path in (ACTORS, f"{ACTORS}/jd"):
        wishes = {"application/ld+json;q=0.5, application/json": "application/json", "*/*": "application/json"}
        for accept, sent in wishes.items():
            assert client.get(path, headers={"Accept": accept}).headers["content-type"] == sent
        assert get(client, path, 406, Accept="text/turtle")["code"] == "not-acceptable"
        one = client.get(path, headers={"Accept": "application/json"}).headers["etag"]
        assert client.get(path, headers={"Accept": "application/ld+json"}).headers["etag"] != one


def test_every_route_shows_examples_and_how_it_refuses(client: httpx.Client) -> None:
    document = get(client, "/openapi.json")
    assert document["components"]["schemas"]["ProblemDocument"]["properties"]["code"]
    for path in [path for path in document["paths"] if path.startswith("/api/v1/")]:
        operation = document["paths"][path]["get"]
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "path":
                assert parameter["description"], path
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                problem = answer["content"]["application/problem+json"]
                assert problem["schema"]["$ref"].endswith("/ProblemDocument"), path
                assert problem["example"]["code"], path


def test_a_thing_that_is_not_there_names_the_nearest(client: httpx.Client) -> None:
    problem = get(client, "/id/actor/jd-logistcs", 404)
    assert "'actor/jd-logistics'" in problem["remedy"]
    known = get(client, "/api/v1/stages/zzzzzz", 404)["remedy"].removeprefix("Known: ").rstrip(".").split(", ")
    assert known == sorted(known)
