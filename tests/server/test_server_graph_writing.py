"""Whole graphs over HTTP: written, added to, deleted (SPARQL 1.1 Graph Store HTTP Protocol)."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import httpx
import pyoxigraph as ox
import pytest

from valueweave.project import Project
from valueweave.store import EmbeddedStore
from valueweave.store.versions import Versions

from .writable import copy_of, csv, writable

TURTLE = {"Content-Type": "text/turtle"}
GRAPH = "urn:test:graph"
PATHS = {"params": {"graph": GRAPH}}


@pytest.fixture(scope="module")
def plain(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A store of plain RDF: whatever is sent is all there is."""
    own = Project(project.home, tmp_path_factory.mktemp("graphs") / "store")
    EmbeddedStore.write(own.store, [], {"digest": "0" * 64})
    return own


@pytest.fixture(scope="module")
def own(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return copy_of(project, tmp_path_factory.mktemp("graphs") / "store")


@pytest.fixture(scope="module")
def writer(plain: Project) -> Iterator[httpx.Client]:
    with writable(plain) as client:
        yield client


def triples(client: httpx.Client, address: str) -> set[str]:
    answer = client.get(address, headers={"Accept": "application/n-triples"})
    return set(answer.text.splitlines()) if answer.status_code == 200 else set()


@pytest.mark.parametrize("address", [f"/graph-store?graph={GRAPH}", "/graph/test/own"])
def test_a_graph_is_put_added_to_replaced_and_deleted(writer: httpx.Client, address: str) -> None:
    assert writer.get(address).status_code == 404
    assert writer.delete(address).status_code == 404
    assert writer.put(address, content="<urn:a> <urn:p> 1, 2 .", headers=TURTLE).status_code == 201
    assert len(triples(writer, address)) == 2
    added = writer.post(address, content="<urn:a> <urn:p> 2, 3 .", headers=TURTLE)
    assert added.status_code == 200, added.text
    assert (added.json()["added"], added.json()["removed"]) == (1, 0)
    assert len(triples(writer, address)) == 3
    replaced = writer.put(address, content="<urn:a> <urn:p> 3, 4 .", headers=TURTLE)
    assert replaced.status_code == 200
    assert len(triples(writer, address)) == 2
    assert writer.delete(address).status_code == 200
    assert writer.get(address).status_code == 404
    assert writer.head(address).status_code == 404


def test_the_default_graph_too(writer: httpx.Client) -> None:
    assert writer.put("/graph-store?default", content="<urn:d> <urn:p> 1 .", headers=TURTLE).status_code in {200, 201}
    assert writer.post("/graph-store?default", content="<urn:d> <urn:p> 2 .", headers=TURTLE).status_code == 200
    assert csv(writer, "SELECT ?o { <urn:d> ?p ?o } ORDER BY ?o") == ["1", "2"]
    assert writer.delete("/graph-store?default").status_code == 200
    assert csv(writer, "SELECT ?s { ?s ?p ?o }") == []


def test_an_empty_graph_is_a_graph(writer: httpx.Client) -> None:
    assert writer.put("/graph/test/empty", content="", headers=TURTLE).status_code == 201
    assert writer.get("/graph/test/empty").status_code == 200
    assert writer.put("/graph/test/empty", content="", headers=TURTLE).status_code == 200
    assert writer.delete("/graph/test/empty").status_code == 200


def test_a_graph_without_a_name_gets_one(writer: httpx.Client) -> None:
    answer = writer.post("/graph-store", content="<> <urn:p> <x> .", headers=TURTLE)
    assert answer.status_code == 201, answer.text
    address = answer.headers["location"]
    name = "https://w3id.org/valueweave" + address
    assert triples(writer, address) == {f"<{name}> <urn:p> <{name.rsplit('/', 1)[0]}/x> ."}
    again = writer.post("/graph-store", content="<> <urn:p> <x> .", headers=TURTLE)
    assert again.headers["location"] != address


def test_relative_iris_stand_below_that_of_the_graph(writer: httpx.Client) -> None:
    name = "http://example.org/graphs/one"
    writer.put("/graph-store", params={"graph": name}, content="<> <urn:p> <two> .", headers=TURTLE)
    found = triples(writer, f"/graph-store?graph={name}")
    assert found == {f"<{name}> <urn:p> <http://example.org/graphs/two> ."}


@pytest.mark.parametrize(
    ("media", "form"),
    [
        ("text/turtle; charset=utf-8", ox.RdfFormat.TURTLE),
        ("application/n-triples", ox.RdfFormat.N_TRIPLES),
        ("application/rdf+xml", ox.RdfFormat.RDF_XML),
        ("application/ld+json", ox.RdfFormat.JSON_LD),
    ],
)
def test_formats_of_one_graph_are_taken(writer: httpx.Client, media: str, form: ox.RdfFormat) -> None:
    triple = ox.Triple(ox.NamedNode("urn:a"), ox.NamedNode("urn:n#p"), ox.Literal("é", language="fr"))
    content = ox.serialize([triple], format=form)
    answer = writer.put("/graph-store", **PATHS, content=content, headers={"Content-Type": media})  # type: ignore[arg-type]
    assert answer.is_success, answer.text
    found = writer.get("/graph-store", **PATHS, headers={"Accept": "application/n-triples"})  # type: ignore[arg-type]
    assert [quad.triple for quad in ox.parse(found.content, format=ox.RdfFormat.N_TRIPLES)] == [triple]


BOMB = """<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "xxxxxxxxxx">ENTITIES]>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:n="urn:n#">
<rdf:Description rdf:about="urn:a"><n:p>&e8;</n:p></rdf:Description></rdf:RDF>""".replace(
    "ENTITIES", "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "&a;" * 10}">' for n in range(9))
)


@pytest.mark.parametrize(
    ("content", "media", "status", "code"),
    [
        ("<urn:a> <urn:p>", "text/turtle", 400, "rdf-syntax"),
        (b"\xff", "text/turtle", 400, "rdf-syntax"),
        ("{", "application/ld+json", 400, "rdf-syntax"),
        ('{"@context": "http://127.0.0.1:1/c", "@id": "urn:a", "p": 1}', "application/ld+json", 400, "rdf-syntax"),
        ('{"@id": "urn:g", "@graph": [{"@id": "urn:a", "urn:p": 1}]}', "application/ld+json", 400, "rdf-syntax"),
        ('<!DOCTYPE r SYSTEM "file:///etc/passwd"><r/>', "application/rdf+xml", 400, "rdf-syntax"),
        ("<urn:a> <urn:p> <urn:o> <urn:g> .", "application/n-quads", 415, "unsupported-media-type"),
        ("{ <urn:a> <urn:p> <urn:o> }", "application/trig", 415, "unsupported-media-type"),
        ("x", "text/plain", 415, "unsupported-media-type"),
        ("x", "", 415, "unsupported-media-type"),
        ("<urn:a> <urn:p> 1 .", "text/turtle; charset=latin-1", 415, "unsupported-media-type"),
        (b"#" * 6_000_000, "text/turtle", 413, "request-too-large"),
    ],
)
def test_what_cannot_be_read_changes_nothing(
    writer: httpx.Client, plain: Project, content: str | bytes, media: str, status: int, code: str
) -> None:
    before = Versions(plain.store).current()["version"]
    answer = writer.put("/graph-store", **PATHS, content=content, headers={"Content-Type": media})  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text[:300]
    if media in {"application/n-quads", "application/trig"}:
        assert "several graphs" in answer.json()["detail"]
    if content == "<urn:a> <urn:p>":
        assert answer.json()["line"] == 1
    assert Versions(plain.store).current()["version"] == before


def test_a_graph_that_unfolds_without_end_is_ended_and_the_next_change_is_made(plain: Project) -> None:
    with writable(plain, write_memory_mib=512) as client:
        answer = client.put("/graph/test/bomb", content=BOMB, headers={"Content-Type": "application/rdf+xml"})
        assert (answer.status_code, answer.json()["code"]) == (503, "write-ended"), answer.text
        assert client.put("/graph/test/small", content="<urn:a> <urn:p> 1 .", headers=TURTLE).is_success


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_request_names_one_graph(writer: httpx.Client, method: str) -> None:
    for address in ("/graph-store", "/graph-store?default&graph=urn:x", "/graph-store?graph=no%20iri"):
        assert writer.request(method, address, content="", headers=TURTLE).status_code == 400


def test_a_graph_is_guarded_by_its_etag(writer: httpx.Client) -> None:
    address = f"/graph-store?graph={GRAPH}:guarded"
    none = writer.put(address, content="<urn:a> <urn:p> 1 .", headers={**TURTLE, "If-Match": "*"})
    assert (none.status_code, none.json()["code"]) == (412, "precondition-failed")
    writer.put(address, content="<urn:a> <urn:p> 1 .", headers=TURTLE)
    tag = writer.head(address, headers={"Accept": "application/ld+json"}).headers["etag"]
    changed = writer.post(address, content="<urn:a> <urn:p> 2 .", headers={**TURTLE, "If-Match": tag})
    assert changed.status_code == 200, changed.text
    late = writer.put(address, content="<urn:a> <urn:p> 3 .", headers={**TURTLE, "If-Match": tag})
    assert late.status_code == 412
    assert writer.delete(address, headers={"If-Match": tag}).status_code == 412
    assert len(triples(writer, address)) == 2
    assert writer.delete(address, headers={"If-Match": "*"}).status_code == 200


def test_of_two_who_change_the_same_graph_one_is_told(writer: httpx.Client) -> None:
    address = f"/graph-store?graph={GRAPH}:both"
    writer.put(address, content="<urn:a> <urn:p> 0 .", headers=TURTLE)
    tag = writer.head(address).headers["etag"]
    statuses: list[int] = []

    def change(number: int) -> None:
        answer = writer.put(address, content=f"<urn:a> <urn:p> {number} .", headers={**TURTLE, "If-Match": tag})
        statuses.append(answer.status_code)

    threads = [threading.Thread(target=change, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 412, 412, 412]


def test_blank_nodes_of_two_documents_are_not_the_same(writer: httpx.Client) -> None:
    for _ in range(2):
        writer.post("/graph/test/blank", content="_:b <urn:p> 1 .", headers=TURTLE)
    assert len(triples(writer, "/graph/test/blank")) == 2


@pytest.fixture(scope="module")
def closed(own: Project) -> Iterator[httpx.Client]:
    """A store with a closure."""
    with writable(own) as client:
        yield client


def test_computed_graphs_are_left_alone(closed: httpx.Client) -> None:
    for address in ("/graph/inferred", "/graph/ontology", "/graph-store?default"):
        for method in ("PUT", "DELETE"):
            answer = closed.request(method, address, content="<urn:a> <urn:p> <urn:b> .", headers=TURTLE)
            assert (answer.status_code, answer.json()["code"]) == (403, "computed-graph"), (address, answer.text)


def test_what_follows_from_a_graph_comes_and_goes_with_it(closed: httpx.Client) -> None:
    body = "@prefix sce: <https://w3id.org/valueweave/ontology#> . <urn:test:1> a sce:Organization ."
    ask = "SELECT ?c { <urn:test:1> a ?c FILTER(?c = sce:Actor) }"
    answer = closed.put("/graph/test/one", content=body, headers=TURTLE)
    assert answer.status_code == 201, answer.text
    assert csv(closed, ask) == ["https://w3id.org/valueweave/ontology#Actor"]
    gone = closed.delete("/graph/test/one")
    assert gone.status_code == 200, gone.text
    assert csv(closed, ask) == []


def test_changes_are_counted(closed: httpx.Client) -> None:
    closed.put("/graph/test/counted", content="<urn:test:1> <urn:test:p> <urn:test:2> .", headers=TURTLE)
    closed.put("/graph/inferred", content="", headers=TURTLE)
    told = closed.get("/metrics").text
    assert 'valueweave_changes_total{kind="change_graph",result="applied"}' in told
    assert 'valueweave_changes_total{kind="change_graph",result="computed-graph"}' in told


def test_the_files_of_a_form_are_added_together(writer: httpx.Client) -> None:
    files = [
        ("any", ("a.ttl", "_:b <urn:p> 1 .", "text/turtle")),
        ("one", ("b.nt", "_:b <urn:p> <urn:o> .", "text/plain")),
    ]
    assert writer.post("/graph/test/form", files=files).status_code == 400
    files[1] = ("one", ("b.nt", "_:b <urn:p> <urn:o> .", "application/n-triples"))
    assert writer.post("/graph/test/form", files=files).status_code == 201
    assert len({line.split()[0] for line in triples(writer, "/graph/test/form")}) == 2
