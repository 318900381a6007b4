"""A store whose build let contradictions pass says so where people look first."""

from __future__ import annotations

import pytest

from valueweave.graph import KnowledgeGraph
from valueweave.server import create_app

from .conftest import serving


def test_a_sound_store_says_nothing(kg: KnowledgeGraph) -> None:
    with serving(create_app(kg)) as client:
        assert client.get("/healthz").json() == {"status": "ok"}
        assert "proves nothing" not in client.get("/", headers={"Accept": "text/html"}).text


def test_a_marked_store_says_so(kg: KnowledgeGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    statistics = kg.statistics()
    marked = statistics | {"counts": statistics["counts"] | {"contradictions": 3}}
    monkeypatch.setattr(KnowledgeGraph, "statistics", lambda _: marked)
    with serving(create_app(kg)) as client:
        assert client.get("/healthz").json() == {"status": "ok", "contradictions": "3"}
        start = client.get("/", headers={"Accept": "text/html"}).text
        assert "3 contradictions pass" in " ".join(start.split())
        assert client.get("/api/v1/statistics").json()["counts"]["contradictions"] == 3
