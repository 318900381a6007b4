"""The server as a process of its own."""

from __future__ import annotations

import socket

import httpx
import pytest

from valueweave.problems import InputError
from valueweave.server.runner import listen


def test_a_served_graph_answers_what_people_try_first(address: str) -> None:
    with httpx.Client(base_url=address) as client:
        assert client.get("/healthz").json() == {"status": "ok"}
        assert client.get("/readyz").json()["status"] == "ready"
        turtle = client.get("/id/actor/jd", headers={"Accept": "text/turtle"})
        assert turtle.status_code == 200
        assert "<https://w3id.org/valueweave/id/actor/jd> a sce:" in turtle.text
        assert client.get("/sparql", params={"query": "ASK { ?s a sce:Stage }"}).json()["boolean"] is True
        assert client.get("/api/v1/actors/jd").json()["label"] == "JD"
        assert "ValueWeave" in client.get("/", headers={"Accept": "text/html"}).text


def test_a_port_in_use_is_said_in_words() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(InputError, match="cannot listen") as error:
            listen("127.0.0.1", taken.getsockname()[1])
    assert "--port" in error.value.problems[0].remedy
