"""The W3C test suite of the SPARQL 1.1 Protocol, run against a server process that takes updates."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pyoxigraph as ox
import pytest
import rdflib
from rdflib.collection import Collection

from valueweave.project import Project
from valueweave.store import EmbeddedStore

from .w3c_serving import served

SUITE = Path(os.environ.get("VALUEWEAVE_RDF_TESTS") or Project.find().home.parent / "shared" / "rdf-tests") / "protocol"
HT, CNT = rdflib.Namespace("http://www.w3.org/2011/http#"), rdflib.Namespace("http://www.w3.org/2011/content#")
MF = rdflib.Namespace("http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#")
DATA = "http://kasei.us/2009/09/sparql/data/"
_TOKEN = "w3c-protocol-tests"
_RDF = ("application/rdf+xml", "text/turtle", "application/n-triples", "application/ld+json")
_FORMATS = {
    "boolean": ("application/sparql-results+xml", "application/sparql-results+json"),
    "tabular": ("application/sparql-results+xml", "application/sparql-results+json", "text/csv"),
    "RDF": _RDF,
}


@dataclass
class Exchange:
    """A request, and what is expected of the answer."""

    method: str
    path: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    statuses: set[str] = field(default_factory=set)
    boolean: bool | None = None
    format: str | None = None


@dataclass
class Case:
    """One test of the suite: requests one after the other."""

    name: str
    exchanges: list[Exchange]


def read_suite() -> list[Case]:
    graph = rdflib.Graph().parse(SUITE / "manifest.ttl")
    entries = Collection(graph, next(graph.objects(None, MF.entries)))
    cases = []
    for entry in entries:
        requests = graph.value(graph.value(entry, MF.action), HT.requests)
        assert requests is not None
        name = str(entry).rsplit("#", 1)[-1]
        cases.append(Case(name, [_exchange(graph, request) for request in Collection(graph, requests)]))
    return cases


def _exchange(graph: rdflib.Graph, request: rdflib.term.Node) -> Exchange:
    body = graph.value(request, HT.body)
    encoding = str(graph.value(body, CNT.characterEncoding) or "UTF-8")
    response = graph.value(request, HT.resp)
    boolean = graph.value(response, MF.expectedBoolean)
    wanted = graph.value(response, MF.expectedFormat)
    listed = graph.value(request, HT.headers)
    headers = list(Collection(graph, listed)) if listed else []
    return Exchange(
        str(graph.value(request, HT.methodName)),
        str(graph.value(request, HT.absolutePath)).replace("/sparql/", "/sparql"),
        str(graph.value(body, CNT.chars) or "").encode(encoding),
        {str(graph.value(header, HT.fieldName)): str(graph.value(header, HT.fieldValue)) for header in headers},
        {str(status).rsplit("StatusCode", 1)[-1] for status in graph.objects(response, MF.expectedStatus)},
        None if boolean is None else bool(boolean.toPython()),  # type: ignore[attr-defined]
        None if wanted is None else str(wanted),
    )


CASES = read_suite() if SUITE.is_dir() else []


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A server of the data of the suite, and a client of it that may write."""
    quads = [
        ox.Quad(quad.subject, quad.predicate, quad.object, ox.NamedNode(f"{DATA}data{number}.rdf"))
        for number in (1, 2, 3)
        for quad in ox.parse(path=SUITE / f"data{number}.nt", format=ox.RdfFormat.N_TRIPLES)
    ]
    store = tmp_path_factory.mktemp("w3c") / "store"
    EmbeddedStore.write(store, quads, {"digest": "0" * 64})
    with served(store, write_token=_TOKEN) as client:
        client.headers["Authorization"] = f"Bearer {_TOKEN}"
        yield client


def test_the_suite_was_read() -> None:
    if not SUITE.is_dir():
        pytest.skip(f"no W3C protocol tests at {SUITE}; name the folder of w3c/rdf-tests with VALUEWEAVE_RDF_TESTS")
    assert len(CASES) == 34


def _parameters() -> list[Any]:
    # Updates of the suite clear the store: after the queries, which need its data.
    ordered = sorted(CASES, key=lambda case: case.name.startswith("update_"))
    return [pytest.param(case, id=case.name) for case in ordered]


@pytest.mark.parametrize("case", _parameters())
def test_the_protocol_is_kept(endpoint: httpx.Client, case: Case) -> None:
    for wanted in case.exchanges:
        answer = endpoint.request(wanted.method, wanted.path, content=wanted.body, headers=wanted.headers)
        assert f"{answer.status_code // 100}xx" in wanted.statuses, answer.text
        if wanted.boolean is not None:
            assert answer.json()["boolean"] is wanted.boolean
        if wanted.format:
            assert answer.headers["content-type"].split(";")[0] in _FORMATS[wanted.format]


@pytest.mark.parametrize("case", [one for one in _parameters() if one.id.startswith("bad_")])
def test_what_is_wrong_is_refused_for_what_it_is(endpoint: httpx.Client, case: Case) -> None:
    """A refusal of the suite must not come from a missing token."""
    for wanted in case.exchanges:
        answer = endpoint.request(wanted.method, wanted.path, content=wanted.body, headers=wanted.headers)
        assert answer.status_code in {400, 405, 415}, answer.text
