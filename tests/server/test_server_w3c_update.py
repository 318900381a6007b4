"""The W3C tests of SPARQL Update, sent to a running server over HTTP.

The data of a test goes in by the Graph Store Protocol, and what the update left is asked for by a query. Run with
VALUEWEAVE_SPARQL_SUITE; `docs/conformance.md` says where the tests come from and what came out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import httpx
import pyoxigraph as ox
import pytest

from valueweave.store import EmbeddedStore

from .w3c_known import KNOWN
from .w3c_page import OUTCOMES, check_page, tried
from .w3c_results import same_dataset
from .w3c_serving import served
from .w3c_suite import WHY_SKIPPED, Dataset, Trial, iri_of, parameters, statements_of, trials

ALL = [trial for trial in trials() if "update" in trial.kind]
TRIALS = [trial for trial in ALL if not trial.aside]

_TOKEN = "w3c-update-tests"
_UPDATE, _TRIPLES = {"Content-Type": "application/sparql-update"}, {"Content-Type": "application/n-triples"}
_ALL = "SELECT * { { ?s ?p ?o } UNION { GRAPH ?g { ?s ?p ?o } } }"


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A server of an empty store of plain RDF that takes updates."""
    store = tmp_path_factory.mktemp("w3c") / "store"
    EmbeddedStore.write(store, [], {"digest": "0" * 64})
    with served(store, write_token=_TOKEN) as client:
        client.headers["Authorization"] = f"Bearer {_TOKEN}"
        yield client


def fill(endpoint: httpx.Client, dataset: Dataset) -> None:
    """Make a dataset the content of the store."""
    changed(endpoint.post("/sparql", content="DROP ALL", headers=_UPDATE))
    if dataset.default:
        body = written(quad.triple for file in dataset.default for quad in statements_of(file))
        changed(endpoint.put("/graph-store?default", content=body, headers=_TRIPLES))
    for name, file in dataset.named:
        body = written(quad.triple for quad in statements_of(file))
        changed(endpoint.put("/graph-store", params={"graph": name}, content=body, headers=_TRIPLES))


def written(triples: Iterable[ox.Triple]) -> bytes:
    return ox.serialize(triples, format=ox.RdfFormat.N_TRIPLES) or b""


def changed(answer: httpx.Response) -> None:
    assert answer.status_code in {200, 201, 204}, answer.text


def content(endpoint: httpx.Client) -> list[ox.Quad]:
    """Return what the store holds."""
    answer = endpoint.get("/sparql", params={"query": _ALL}, headers={"Accept": "application/sparql-results+json"})
    solutions = ox.parse_query_results(answer.content, format=ox.QueryResultsFormat.JSON)
    assert isinstance(solutions, ox.QuerySolutions)
    return [ox.Quad(row["s"], row["p"], row["o"], row["g"] or ox.DefaultGraph()) for row in solutions]


def expected(dataset: Dataset) -> list[ox.Quad]:
    """Return what the store is to hold."""
    named: list[tuple[ox.NamedNode | ox.DefaultGraph, Path]] = [(ox.DefaultGraph(), file) for file in dataset.default]
    named += [(ox.NamedNode(name), file) for name, file in dataset.named]
    return [
        ox.Quad(quad.subject, quad.predicate, quad.object, graph)
        for graph, file in named
        for quad in statements_of(file)
    ]


@pytest.mark.parametrize("trial", parameters(TRIALS, "update", KNOWN))
def test_an_update_leaves_what_is_expected(endpoint: httpx.Client, trial: Trial) -> None:
    with tried(trial):
        fill(endpoint, trial.before)
        assert same_dataset(expected(trial.before), content(endpoint))
        update = f"BASE <{iri_of(trial.text)}>\n{trial.text.read_text('utf-8')}"
        changed(endpoint.post("/sparql", data={"update": update}))
        assert same_dataset(expected(trial.after), found := content(endpoint)), found


@pytest.mark.parametrize("trial", parameters(TRIALS, "update syntax", KNOWN))
def test_an_update_that_is_right_is_taken(endpoint: httpx.Client, trial: Trial) -> None:
    with tried(trial):
        answer = endpoint.post("/sparql", content=trial.text.read_bytes(), headers=_UPDATE)
        # LOAD reaches out to the network, and a graph that there is not cannot be dropped; both parse.
        assert answer.is_success or answer.json()["code"] in {"load-refused", "update-failed"}, answer.text


@pytest.mark.parametrize("trial", parameters(TRIALS, "bad update syntax", KNOWN))
def test_an_update_that_is_wrong_is_refused(endpoint: httpx.Client, trial: Trial) -> None:
    with tried(trial):
        answer = endpoint.post("/sparql", content=trial.text.read_bytes(), headers=_UPDATE)
        # What would fetch a document is refused for that, before anything else is looked at.
        assert answer.json()["code"] in {"sparql-syntax", "load-refused"}
        assert answer.status_code == (403 if answer.json()["code"] == "load-refused" else 400)


def test_the_page_says_what_came_out(regenerate: bool) -> None:
    if not TRIALS or {trial.id for trial in TRIALS} - set(OUTCOMES):
        pytest.skip(f"not all tests of the suite were run; {WHY_SKIPPED}")
    check_page("updates", TRIALS, [trial for trial in ALL if trial.aside], write=regenerate)
