"""The W3C tests of the SPARQL query language, asked of a running server over HTTP.

Run with VALUEWEAVE_SPARQL_SUITE; `docs/conformance.md` says where the tests come from and what came out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pyoxigraph as ox
import pytest

from valueweave.store import EmbeddedStore

from .w3c_known import KNOWN
from .w3c_page import OUTCOMES, check_page, tried
from .w3c_results import Table, from_csv, from_graph, from_json, from_tsv, from_xml, same_graph, same_table
from .w3c_serving import served
from .w3c_suite import WHY_SKIPPED, Trial, iri_of, parameters, statements_of, trials

ALL = [trial for trial in trials() if trial.kind in {"query", "query syntax", "bad query syntax"}]
TRIALS = [trial for trial in ALL if not trial.aside]

_NOTHING = "http://suite.example/nothing"
_QUERY = {"Content-Type": "application/sparql-query"}
_READERS: dict[str, tuple[str, Callable[[bytes], Table | bool]]] = {
    ".srx": ("xml", from_xml),
    ".srj": ("json", from_json),
    ".csv": ("csv", from_csv),
    ".tsv": ("tsv", from_tsv),
}
_WRITERS: dict[str, Any] = {
    "xml": ox.QueryResultsFormat.XML,
    "json": ox.QueryResultsFormat.JSON,
    "csv": ox.QueryResultsFormat.CSV,
    "tsv": ox.QueryResultsFormat.TSV,
    "turtle": ox.RdfFormat.TURTLE,
}
Expected = Table | bool | None


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A server of all data of the suite, each file as a named graph."""
    files = {file for trial in TRIALS for file in (*trial.before.files, *trial.own_dataset)}
    store = tmp_path_factory.mktemp("w3c") / "store"
    quads = (
        ox.Quad(quad.subject, quad.predicate, quad.object, ox.NamedNode(iri_of(file)))
        for file in sorted(files)
        for quad in statements_of(file)
    )
    EmbeddedStore.write(store, quads, {"digest": "0" * 64})
    with served(store) as client:
        yield client


def ask(endpoint: httpx.Client, trial: Trial, form: str) -> httpx.Response:
    """Ask the query of a test, of its data and nothing else."""
    text = trial.text.read_text("utf-8")
    fields: dict[str, str | list[str]] = {"query": f"BASE <{iri_of(trial.text)}>\n{text}", "format": form}
    if not trial.own_dataset:
        # What a request names is the whole dataset; a graph that there is not is an empty one.
        fields["default-graph-uri"] = [iri_of(file) for file in trial.before.default] or [_NOTHING]
        fields["named-graph-uri"] = [name for name, _ in trial.before.named]
    return endpoint.post("/sparql", data=fields)


@pytest.mark.parametrize("trial", parameters(TRIALS, "query", KNOWN))
def test_a_query_is_answered_as_expected(endpoint: httpx.Client, trial: Trial) -> None:
    with tried(trial):
        form, expected = expectation(trial)
        answer = ask(endpoint, trial, form)
        assert answer.status_code == 200, answer.text
        check_answer(trial, form, expected, answer.content)


def expectation(trial: Trial) -> tuple[str, Expected]:
    """Return what a query is to answer, and the format to ask for."""
    assert trial.result is not None
    if trial.result.suffix in _READERS:
        form, read = _READERS[trial.result.suffix]
        return form, read(trial.result.read_bytes())
    expected = from_graph(statements_of(trial.result))
    return ("turtle", None) if expected is None else ("json", expected)


def check_answer(trial: Trial, form: str, expected: Expected, body: bytes) -> None:
    """Fail unless an answer is the expected one; ``None`` expects the graph of the result file."""
    assert trial.result is not None
    if expected is None:
        graph = [quad.triple for quad in ox.parse(body, format=ox.RdfFormat.TURTLE)]
        assert same_graph([quad.triple for quad in statements_of(trial.result)], graph), body
        return
    found = dict(_READERS.values())[form](body)
    if isinstance(expected, bool) or isinstance(found, bool):
        assert found is expected
    else:
        assert same_table(expected, found, lax=trial.lax), f"{expected}\n{found}"


@pytest.mark.parametrize("trial", parameters(TRIALS, "query syntax", KNOWN))
def test_a_query_that_is_right_is_taken(endpoint: httpx.Client, trial: Trial) -> None:
    with tried(trial):
        answer = endpoint.post("/sparql", content=trial.text.read_bytes(), headers=_QUERY)
        # Some call functions of their own, which parse and cannot be evaluated.
        assert answer.status_code == 200 or answer.json()["code"] == "unknown-function", answer.text


@pytest.mark.parametrize("trial", parameters(TRIALS, "bad query syntax", KNOWN))
def test_a_query_that_is_wrong_is_refused(endpoint: httpx.Client, trial: Trial) -> None:
    with tried(trial):
        answer = endpoint.post("/sparql", content=trial.text.read_bytes(), headers=_QUERY)
        assert answer.status_code == 400, answer.text[:500]
        assert answer.json()["code"] == "sparql-syntax"


@pytest.mark.parametrize("trial", parameters([trial for trial in TRIALS if trial.id in KNOWN]))
def test_what_is_not_passed_is_not_passed_by_the_engine_itself(trial: Trial) -> None:
    """Ask the engine without a server: what it answers rightly there, the server must answer rightly, too."""
    engine = ox.Store()
    for graph, file in [(ox.DefaultGraph(), one) for one in trial.before.default] + [
        (ox.NamedNode(name), one) for name, one in trial.before.named
    ]:
        engine.extend(ox.Quad(quad.subject, quad.predicate, quad.object, graph) for quad in statements_of(file))
    text = trial.text.read_text("utf-8")
    if trial.kind == "bad query syntax":
        engine.query(text, base_iri=iri_of(trial.text))
    elif trial.kind == "query syntax":
        with pytest.raises(SyntaxError):
            engine.query(text, base_iri=iri_of(trial.text))
    else:
        form, expected = expectation(trial)
        try:
            answer = engine.query(text, base_iri=iri_of(trial.text)).serialize(format=_WRITERS[form])
        except SyntaxError:
            return
        with pytest.raises(AssertionError):
            check_answer(trial, form, expected, answer or b"")


def test_the_page_says_what_came_out(regenerate: bool) -> None:
    if not TRIALS or {trial.id for trial in TRIALS} - set(OUTCOMES):
        pytest.skip(f"not all tests of the suite were run; {WHY_SKIPPED}")
    check_page("queries", TRIALS, [trial for trial in ALL if trial.aside], write=regenerate)
