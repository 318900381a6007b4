"""The W3C test suite of the SPARQL 1.1 Protocol: its query tests, and that updates are refused."""

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

from valueweave.graph import KnowledgeGraph
from valueweave.project import Project
from valueweave.server import create_app
from valueweave.store import EmbeddedStore

from .conftest import serving

SUITE = Path(os.environ.get("VALUEWEAVE_RDF_TESTS") or Project.find().home.parent / "shared" / "rdf-tests") / "protocol"
HT, CNT = rdflib.Namespace("http://www.w3.org/2011/http#"), rdflib.Namespace("http://www.w3.org/2011/content#")
MF = rdflib.Namespace("http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#")
DATA = "http://kasei.us/2009/09/sparql/data/"
_RDF = ("application/rdf+xml", "text/turtle", "application/n-triples", "application/ld+json")
_FORMATS = {
    "boolean": ("application/sparql-results+xml", "application/sparql-results+json"),
    "tabular": ("application/sparql-results+xml", "application/sparql-results+json", "text/csv"),
    "RDF": _RDF,
}


@dataclass
class Case:
    """One test of the suite with one request (those of several test updates)."""

    name: str
    method: str
    path: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    statuses: set[str] = field(default_factory=set)
    boolean: bool | None = None
    format: str | None = None


def read_suite() -> list[Case]:
    graph = rdflib.Graph().parse(SUITE / "manifest.ttl")
    entries = Collection(graph, next(graph.objects(None, MF.entries)))
    return [case for entry in entries if (case := _read(graph, entry)) is not None]


def _read(graph: rdflib.Graph, entry: rdflib.term.Node) -> Case | None:
    name = str(entry).rsplit("#", 1)[-1]
    if name.startswith("update_"):
        return None
    requests = graph.value(graph.value(entry, MF.action), HT.requests)
    assert requests is not None
    request = Collection(graph, requests)[0]
    body = graph.value(request, HT.body)
    encoding = str(graph.value(body, CNT.characterEncoding) or "UTF-8")
    response = graph.value(request, HT.resp)
    boolean = graph.value(response, MF.expectedBoolean)
    wanted = graph.value(response, MF.expectedFormat)
    listed = graph.value(request, HT.headers)
    headers = list(Collection(graph, listed)) if listed else []
    return Case(
        name,
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
def endpoint() -> Iterator[httpx.Client]:
    quads = [
        ox.Quad(quad.subject, quad.predicate, quad.object, ox.NamedNode(f"{DATA}data{number}.rdf"))
        for number in (1, 2, 3)
        for quad in ox.parse(path=SUITE / f"data{number}.nt", format=ox.RdfFormat.N_TRIPLES)
    ]
    with serving(create_app(KnowledgeGraph(EmbeddedStore.in_memory(quads), Project.find()))) as client:
        yield client


def test_the_suite_was_read() -> None:
    if not SUITE.is_dir():
        pytest.skip(f"no W3C protocol tests at {SUITE}; name the folder of w3c/rdf-tests with VALUEWEAVE_RDF_TESTS")
    assert len(CASES) == 27


def _parameters() -> list[Any]:
    return [pytest.param(case, id=case.name) for case in CASES]


@pytest.mark.parametrize("case", _parameters())
def test_the_protocol_is_kept(endpoint: httpx.Client, case: Case) -> None:
    answer = endpoint.request(case.method, case.path, content=case.body, headers=case.headers)
    assert f"{answer.status_code // 100}xx" in case.statuses, answer.text
    if case.boolean is not None:
        assert answer.json()["boolean"] is case.boolean
    if case.format:
        assert answer.headers["content-type"].split(";")[0] in _FORMATS[case.format]
