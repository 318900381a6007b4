"""The steps of the W3C tests of the Graph Store HTTP Protocol (`http-rdf-update` of the SPARQL 1.1 suite)."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pyoxigraph as ox
import pytest

from valueweave.store import EmbeddedStore

from .w3c_results import same_graph
from .w3c_serving import served

_TOKEN = "w3c-graph-store-tests"
_TURTLE = {"Content-Type": "text/turtle"}
_PREFIXES = "@prefix foaf: <http://xmlns.com/foaf/0.1/> . @prefix v: <http://www.w3.org/2006/vcard/ns#> . "
PERSON = "http://example.org/person/1"


def card(name: str, more: str = "") -> str:
    return f'{_PREFIXES} <{PERSON}> a foaf:Person {more}; foaf:businessCard [ a v:VCard; v:fn "{name}" ] .'


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A server of an empty store of plain RDF, and a client of it that may write."""
    store = tmp_path_factory.mktemp("w3c") / "store"
    EmbeddedStore.write(store, [], {"digest": "0" * 64})
    with served(store, write_token=_TOKEN) as client:
        client.headers["Authorization"] = f"Bearer {_TOKEN}"
        yield client


@pytest.fixture
def graph(request: pytest.FixtureRequest, endpoint: httpx.Client) -> str:
    """The address of a graph of this test, with one card in it."""
    address = f"/graph-store?graph=http%3A%2F%2Fexample.org%2F{request.node.name}"
    assert endpoint.put(address, content=card("John Doe"), headers=_TURTLE).status_code == 201
    return address


def holds(endpoint: httpx.Client, address: str, expected: str) -> bool:
    """Return whether there is a graph at an address, and it is the expected one."""
    answer = endpoint.get(address, headers={"Accept": "text/turtle; charset=utf-8"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].split(";")[0] == "text/turtle"
    return same_graph(triples(expected), triples(answer.text))


def triples(text: str) -> list[ox.Triple]:
    return [quad.triple for quad in ox.parse(text, format=ox.RdfFormat.TURTLE)]


def test_put_makes_a_graph(endpoint: httpx.Client, graph: str) -> None:
    assert holds(endpoint, graph, card("John Doe"))


def test_put_replaces_a_graph(endpoint: httpx.Client, graph: str) -> None:
    assert endpoint.put(graph, content=card("Jane Doe"), headers=_TURTLE).status_code in {200, 204}
    assert holds(endpoint, graph, card("Jane Doe"))


def test_put_replaces_the_default_graph(endpoint: httpx.Client) -> None:
    for name in ("Alice", "Bob"):
        sent = card(name)
        assert endpoint.put("/graph-store?default", content=sent, headers=_TURTLE).status_code in {200, 201, 204}
        assert holds(endpoint, "/graph-store?default", sent)


def test_put_of_what_is_not_in_its_format_is_bad(endpoint: httpx.Client, graph: str) -> None:
    answer = endpoint.put(graph, content=card("Jane Doe"), headers={"Content-Type": "application/rdf+xml"})
    assert answer.status_code == 400
    assert holds(endpoint, graph, card("John Doe"))


def test_put_of_nothing_empties_a_graph(endpoint: httpx.Client, graph: str) -> None:
    assert endpoint.put(graph, content="", headers=_TURTLE).status_code in {200, 204}
    assert holds(endpoint, graph, "")


def test_delete_takes_a_graph_away(endpoint: httpx.Client, graph: str) -> None:
    assert endpoint.delete(graph).status_code in {200, 204}
    assert endpoint.get(graph).status_code == 404
    assert endpoint.delete(graph).status_code == 404


def test_post_adds_to_a_graph(endpoint: httpx.Client, graph: str) -> None:
    more = f'{_PREFIXES} <{PERSON}> foaf:name "Jane Doe" .'
    assert endpoint.post(graph, content=more, headers=_TURTLE).status_code in {200, 204}
    assert holds(endpoint, graph, card("John Doe", '; foaf:name "Jane Doe"'))


def test_post_of_several_files_adds_them_all(endpoint: httpx.Client, graph: str) -> None:
    files = [
        ("graphs", (f"{key}.ttl", f'{_PREFIXES} <{PERSON}> foaf:{key} "{value}" .'.encode(), "text/turtle"))
        for key, value in (("familyName", "Doe"), ("givenName", "Jane"))
    ]
    assert endpoint.post(graph, files=files).status_code in {200, 204}
    assert holds(endpoint, graph, card("John Doe", '; foaf:familyName "Doe"; foaf:givenName "Jane"'))


def test_a_file_that_is_wrong_adds_nothing_of_the_others(endpoint: httpx.Client, graph: str) -> None:
    right = ("graphs", ("a.ttl", b"<urn:a> <urn:p> <urn:b> .", "text/turtle"))
    for wrong, code in (
        (("b.ttl", b"<urn:a> <urn:p", "text/turtle"), "rdf-syntax"),
        (("b.pdf", b"%PDF", "application/pdf"), "unsupported-part"),
    ):
        answer = endpoint.post(graph, files=[right, ("graphs", wrong)])
        assert (answer.status_code, answer.json()["code"]) == (400, code)
    headers = {"Content-Type": "multipart/form-data; boundary=none"}
    assert endpoint.post(graph, content=b"no parts", headers=headers).json()["code"] == "broken-multipart"
    assert holds(endpoint, graph, card("John Doe"))


def test_post_to_the_store_makes_a_graph_with_an_address(endpoint: httpx.Client) -> None:
    made = endpoint.post("/graph-store", content=card("Alice"), headers=_TURTLE)
    assert made.status_code == 201
    address = made.headers["location"]
    assert holds(endpoint, address, card("Alice"))
    assert endpoint.post(address, content="", headers=_TURTLE).status_code in {200, 204}
    assert holds(endpoint, address, card("Alice"))


def test_head_tells_what_is_there_without_a_body(endpoint: httpx.Client, graph: str) -> None:
    there = endpoint.head(graph, headers={"Accept": "text/turtle"})
    assert (there.status_code, there.content) == (200, b"")
    assert there.headers["content-type"].split(";")[0] == "text/turtle"
    missing = endpoint.head(graph + "-not")
    assert (missing.status_code, missing.content) == (404, b"")
