"""The project itself, built and served: the answers that a first visitor looks for."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pyoxigraph as ox
import pytest

import valueweave
from valueweave.project import Project
from valueweave.resources import RESOURCES
from valueweave.server import create_app

from .conftest import serving


@pytest.fixture(scope="module")
def real(built_project: Project) -> Iterator[httpx.Client]:
    with valueweave.open(store=built_project.store) as kg, serving(create_app(kg)) as client:
        yield client


def test_jd_is_described_with_the_passages_behind_it(real: httpx.Client) -> None:
    answer = real.get("/id/actor/jd", headers={"Accept": "text/turtle"})
    store = ox.Store()
    store.load(answer.content, format=ox.RdfFormat.TURTLE)
    prefixes = "PREFIX sce: <https://w3id.org/valueweave/ontology#> "
    assert store.query(prefixes + "ASK { ?jd sce:hasEvidence ?item . ?item sce:inSource ?source ; sce:startOffset ?n }")
    jd = real.get("/api/v1/actors/jd?lang=zh").json()
    assert jd["label"] == "京东"
    assert all(item["source"]["id"].startswith("source/") and item["end"] > item["start"] for item in jd["evidence"])


def test_the_stages_of_jd_have_their_years(real: httpx.Client) -> None:
    found = real.get("/api/v1/stages?case=jd-2007-2021").json()
    assert [item["id"] for item in found["items"]] == ["stage/jd-1", "stage/jd-2", "stage/jd-3"]
    first = real.get("/api/v1/stages/jd-1").json()["properties"]
    assert [first[key]["values"][0]["value"] for key in ("startYear", "endYear")] == [2007, 2016]
    assert "2007–2016" in real.get("/", headers={"Accept": "text/html"}).text


def test_the_first_of_every_list_can_be_looked_up_at_each_of_its_addresses(real: httpx.Client) -> None:
    looked_up = 0
    for name in RESOURCES:
        for item in real.get(f"/api/v1/{name}?limit=3").json()["items"]:
            found = real.get(f"/api/v1/{name}/{item['id']}")
            assert found.status_code == 200
            assert found.json()["label"] == item["label"]
            page = real.get(item["href"], headers={"Accept": "text/html"})
            assert page.status_code == 200
            looked_up += 1
    assert looked_up > 20


def test_every_question_is_answered(real: httpx.Client) -> None:
    questions = real.get("/api/v1/queries").json()["items"]
    assert len(questions) >= 15
    for question in questions:
        missing = [p for p in question["parameters"] if p["required"] and p["default"] is None]
        answer = real.get(question["href"])
        assert answer.status_code == (400 if missing else 200), question["name"]
        page = real.get(question["href"], headers={"Accept": "text/html"})
        assert page.status_code == answer.status_code
