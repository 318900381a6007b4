"""Whole graphs over HTTP, for reading (SPARQL 1.1 Graph Store HTTP Protocol)."""

from __future__ import annotations

import httpx
import pyoxigraph as ox
import pytest

from valueweave.graph import KnowledgeGraph
from valueweave.namespaces import GRAPH


def graph_of(kg: KnowledgeGraph) -> str:
    return next(str(name) for name in kg.store.manifest["statistics"]["graphs"] if "/inferred" not in name)


def test_a_graph_named_in_the_request_is_returned_whole(client: httpx.Client, kg: KnowledgeGraph) -> None:
    name = graph_of(kg)
    answer = client.get("/graph-store", params={"graph": name}, headers={"Accept": "application/n-triples"})
    assert answer.status_code == 200
    found = {quad.triple for quad in ox.parse(answer.content, format=ox.RdfFormat.N_TRIPLES)}
    assert found == {quad.triple for quad in kg.store.statements(graph=ox.NamedNode(name))} != set()
    direct = client.get("/graph/" + name.removeprefix(GRAPH), headers={"Accept": "application/n-triples"})
    assert {*direct.text.splitlines()} == {*answer.text.splitlines()}


def test_the_default_graph_holds_everything(client: httpx.Client, kg: KnowledgeGraph) -> None:
    answer = client.get("/graph-store?default", headers={"Accept": "text/turtle"})
    assert answer.headers["content-type"].startswith("text/turtle")
    triples = {quad.triple for quad in ox.parse(answer.content, format=ox.RdfFormat.TURTLE)}
    named = {triple for triple in triples if "_:" not in str(triple)}
    assert named == {
        quad.triple for quad in kg.store.statements(graph=ox.DefaultGraph()) if "_:" not in str(quad.triple)
    }


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/graph-store", 400),
        ("/graph-store?default&graph=urn:x", 400),
        ("/graph-store?graph=urn:none", 404),
        ("/graph-store?graph=no%20iri", 400),
        ("/graph/case/none", 404),
    ],
)
def test_a_graph_that_is_not_there_is_told(client: httpx.Client, address: str, status: int) -> None:
    answer = client.get(address)
    assert answer.status_code == status
    assert answer.json()["remedy"]


def test_writing_is_refused_where_nobody_may(client: httpx.Client, kg: KnowledgeGraph) -> None:
    for method, status in (("PUT", 403), ("POST", 403), ("DELETE", 403), ("PATCH", 405)):
        answer = client.request(method, "/graph-store", params={"graph": graph_of(kg)}, content=b"")
        assert answer.status_code == status


def test_head_tells_whether_it_is_there(client: httpx.Client, kg: KnowledgeGraph) -> None:
    answer = client.head("/graph-store", params={"graph": graph_of(kg)})
    assert (answer.status_code, answer.content) == (200, b"")
    assert client.head("/graph-store", params={"graph": "urn:none"}).status_code == 404


def test_an_answer_that_is_held_is_not_sent_again(client: httpx.Client, kg: KnowledgeGraph) -> None:
    first = client.get("/graph-store", params={"graph": graph_of(kg)})
    again = client.get("/graph-store", params={"graph": graph_of(kg)}, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
