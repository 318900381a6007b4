"""The SPARQL endpoint: what it answers, in which format, and what it refuses."""

from __future__ import annotations

import csv
import io
import json
import threading
import time
import xml.etree.ElementTree as ET

import httpx
import pyoxigraph as ox
import pytest
from SPARQLWrapper import (
    CSV,
    GET,
    JSON,
    JSONLD,
    N3,
    POST,
    POSTDIRECTLY,
    RDF,
    RDFXML,
    TSV,
    TURTLE,
    URLENCODED,
    XML,
    SPARQLWrapper,
)

from valueweave.graph import KnowledgeGraph
from valueweave.server import Settings, create_app

from .conftest import serving

STAGES = "SELECT ?stage ?from { ?stage a sce:Stage ; sce:startYear ?from } ORDER BY ?from"
GRAPH = "CONSTRUCT { ?s a sce:Actor } WHERE { ?s a sce:Actor }"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def ask(client: httpx.Client, query: str, accept: str = "*/*", **more: str) -> httpx.Response:
    return client.get("/sparql", params={"query": query, **more}, headers={"Accept": accept})


def test_select_gives_sparql_json_unless_asked_otherwise(client: httpx.Client) -> None:
    answer = ask(client, STAGES)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/sparql-results+json"
    rows = answer.json()["results"]["bindings"]
    assert [row["from"]["value"] for row in rows] == ["2007", "2016"]
    assert rows[0]["stage"] == {"type": "uri", "value": "https://w3id.org/valueweave/id/stage/jd-1"}


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("application/sparql-results+xml", "application/sparql-results+xml"),
        ("text/csv", "text/csv"),
        ("text/tab-separated-values", "text/tab-separated-values"),
        ("text/csv;q=0.5, application/json;q=0.9", "application/sparql-results+json"),
        ("application/pdf, text/csv;q=0.1", "text/csv"),
        ("", "application/sparql-results+json"),
    ],
)
def test_the_most_wanted_format_is_sent(client: httpx.Client, accept: str, media_type: str) -> None:
    assert ask(client, STAGES, accept).headers["content-type"].split(";")[0] == media_type


@pytest.mark.parametrize(
    ("accept", "media_type", "reader"),
    [
        ("*/*", "text/turtle", ox.RdfFormat.TURTLE),
        ("application/n-triples", "application/n-triples", ox.RdfFormat.N_TRIPLES),
        ("application/rdf+xml", "application/rdf+xml", ox.RdfFormat.RDF_XML),
        ("application/ld+json", "application/ld+json", ox.RdfFormat.JSON_LD),
    ],
)
def test_a_graph_is_the_same_in_every_format(
    client: httpx.Client, accept: str, media_type: str, reader: ox.RdfFormat
) -> None:
    answer = ask(client, GRAPH, accept)
    assert answer.headers["content-type"].split(";")[0] == media_type
    assert len({quad.triple for quad in ox.parse(answer.content, format=reader)}) == 4


def test_the_format_in_the_address_goes_before_the_header(client: httpx.Client) -> None:
    answer = ask(client, STAGES, "application/sparql-results+xml", format="csv")
    assert [row[1] for row in csv.reader(io.StringIO(answer.text))] == ["from", "2007", "2016"]


def test_xml_results_parse(client: httpx.Client) -> None:
    root = ET.fromstring(ask(client, STAGES, format="xml").content)
    assert len(root.findall(".//{http://www.w3.org/2005/sparql-results#}result")) == 2


def test_a_query_may_be_sent_as_a_form_or_as_the_body(client: httpx.Client) -> None:
    form = client.post("/sparql", data={"query": STAGES})
    body = client.post("/sparql", content=STAGES, headers={"Content-Type": "application/sparql-query"})
    assert form.json() == body.json() == ask(client, STAGES).json()


def test_inferred_statements_are_seen_and_can_be_left_out(client: httpx.Client) -> None:
    query = "ASK { <https://w3id.org/valueweave/id/actor/jd> a sce:Actor }"
    assert ask(client, query).json()["boolean"] is True
    asserted = {"default-graph-uri": "https://w3id.org/valueweave/graph/actors"}
    assert ask(client, query, **asserted).json()["boolean"] is False


def test_a_dataset_in_the_request_is_the_whole_dataset(client: httpx.Client) -> None:
    query = "SELECT DISTINCT ?g { { GRAPH ?g { ?s ?p ?o } } UNION { ?s ?p ?o BIND('default' AS ?g) } }"
    named = {"named-graph-uri": "https://w3id.org/valueweave/graph/sources"}
    rows = ask(client, query, **named).json()["results"]["bindings"]
    assert [row["g"]["value"] for row in rows] == ["https://w3id.org/valueweave/graph/sources"]


def test_a_syntax_error_says_line_and_column(client: httpx.Client) -> None:
    answer = ask(client, "SELECT *\nWHERE { ?s ?p }")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["line"] == 2
    assert problem["column"] >= 15
    assert problem["code"] == "sparql-syntax"
    assert problem["status"] == 400
    assert problem["remedy"]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * { SERVICE <http://127.0.0.1:9/sparql> { ?s ?p ?o } }",
        "SELECT * { SERVICE SILENT <http://127.0.0.1:9/> { ?s ?p ?o } }",
        "SELECT * { # quiet\n service # loud\n <http://127.0.0.1:9/> { ?s ?p ?o } }",
    ],
)
def test_a_query_that_calls_another_service_is_refused(client: httpx.Client, query: str) -> None:
    answer = ask(client, query)
    assert answer.status_code == 403
    assert answer.json()["code"] == "service-refused"


@pytest.mark.parametrize("update", ["LOAD <http://127.0.0.1:9/x>", "DROP ALL", "INSERT DATA { <urn:a> <urn:b> 1 }"])
def test_updates_are_refused_in_every_way_of_sending_them(
    client: httpx.Client, kg: KnowledgeGraph, update: str
) -> None:
    before = len(kg.store.engine)
    as_update = {"Content-Type": "application/sparql-update"}
    assert client.post("/sparql", content=update, headers=as_update).status_code == 403
    assert client.post("/sparql", data={"update": update}).status_code == 403
    assert client.get("/sparql", params={"update": update}).status_code == 400
    as_query = ask(client, update)
    assert as_query.status_code == 400
    assert "updates" in as_query.json()["detail"]
    assert len(kg.store.engine) == before


def test_a_format_that_cannot_hold_the_answer_is_not_acceptable(client: httpx.Client) -> None:
    assert ask(client, STAGES, "application/pdf").status_code == 406
    assert ask(client, STAGES, "text/turtle").status_code == 406
    assert ask(client, GRAPH, "text/csv").status_code == 406
    assert ask(client, STAGES, format="pdf").status_code == 406


@pytest.mark.parametrize("query", ["SELECT * { ?s a sce:Stag", "SELECT *\n{ ?s a }", "CONSTRUCT { ?s ?p ?o } WHER { }"])
@pytest.mark.parametrize("way", ["header", "address", "form"])
def test_what_is_wrong_with_a_query_goes_before_the_format(client: httpx.Client, query: str, way: str) -> None:
    other = "csv" if query.startswith("CONSTRUCT") else "turtle"
    if way == "header":
        answer = ask(client, query, f"text/{other}")
    elif way == "address":
        answer = ask(client, query, format=other)
    else:
        answer = client.post("/sparql", data={"query": query, "format": other})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (400, "sparql-syntax")
    assert problem["line"] >= 1
    assert problem["column"] >= 1


def test_a_query_that_is_right_and_long_is_not_answered_to_say_that_the_format_is_not(client: httpx.Client) -> None:
    many = " ".join(f"?a{number} ?b{number} ?c{number} ." for number in range(4))
    query = f"SELECT (COUNT(*) AS ?n) {{ {many} }}"
    begun = time.monotonic()
    assert ask(client, query, "text/turtle").status_code == 406
    assert time.monotonic() - begun < 5
    called = "SELECT * { SERVICE <http://127.0.0.1:9/sparql> { ?s ?p ?o } }"
    assert ask(client, called, "text/turtle").status_code == 403


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_not_allowed(client: httpx.Client, method: str) -> None:
    answer = client.request(method, "/sparql")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    assert answer.headers["content-type"] == "application/problem+json"


def test_other_media_types_are_unsupported(client: httpx.Client) -> None:
    answer = client.post("/sparql", content=STAGES, headers={"Content-Type": "text/plain"})
    assert answer.status_code == 415
    assert "application/sparql-query" in answer.headers["accept-post"]
    utf16 = {"Content-Type": "application/sparql-query; charset=utf-16"}
    assert client.post("/sparql", content=STAGES.encode("utf-16"), headers=utf16).status_code == 415


def test_what_is_not_utf8_or_asked_twice_is_bad(client: httpx.Client) -> None:
    raw = {"Content-Type": "application/sparql-query"}
    assert client.post("/sparql", content=b"ASK { ?s ?p '\xff' }", headers=raw).json()["code"] == "not-utf-8"
    assert client.get("/sparql?query=ASK%20%7B%7D%FF").json()["code"] == "not-utf-8"
    assert client.get("/sparql?query=ASK{}&query=ASK{}").json()["code"] == "repeated-parameter"
    assert client.post("/sparql", data={"q": STAGES}).json()["code"] == "missing-query"
    assert client.get("/sparql?default-graph-uri=urn:x").json()["code"] == "missing-query"
    assert ask(client, STAGES, **{"default-graph-uri": "no iri"}).json()["code"] == "graph-iri"


def test_a_request_that_is_too_long_is_refused(kg: KnowledgeGraph) -> None:
    with serving(create_app(kg, Settings(max_query_bytes=200))) as small:
        long = "ASK { ?s ?p ?o } #" + "x" * 300
        raw = {"Content-Type": "application/sparql-query"}
        answer = small.post("/sparql", content=long, headers=raw)
        assert answer.status_code == 413
        assert answer.json()["code"] == "request-too-large"
        assert small.post("/sparql", content=(part.encode() for part in long), headers=raw).status_code == 413
        assert small.get("/sparql", params={"query": long}).status_code == 414
        assert small.post("/sparql", content="ASK { ?s ?p ?o }", headers=raw).status_code == 200


def test_the_answer_is_not_sent_again_to_those_who_hold_it(client: httpx.Client) -> None:
    first = ask(client, STAGES)
    held = {"If-None-Match": first.headers["etag"]}
    again = client.get("/sparql", params={"query": STAGES}, headers=held)
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["etag"] == first.headers["etag"]
    other = client.get("/sparql", params={"query": STAGES}, headers={**held, "Accept": "text/csv"})
    assert other.status_code == 200
    assert "Accept" in other.headers["vary"]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT (RAND() AS ?x) {}",
        "SELECT (BNODE() AS ?x) {}",
        "SELECT (STRUUID() AS ?x) {}",
        "SELECT ?s { ?s ?p ?o } ORDER BYRAND()",
        "SELECT ?p { ?s ?p ?o } GROUP BY ?p HAVINGRAND  # what the engine reads is HAVING RAND()\n()",
        "SELECT ?s { VALUES ?n { 0 } ?s ?p ?o FILTER(?n<RAND()&&?n>-1) }",
        "SELECT ?s { ?s ?p ?o FILTER(STR(?s)<'>'&&RAND()>'0') }",
    ],
)
def test_answers_that_differ_each_time_are_not_kept(client: httpx.Client, query: str) -> None:
    answer = ask(client, query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers


def test_what_only_looks_like_it_is_kept(client: httpx.Client) -> None:
    query = "SELECT ?know { ?know ?p 'rand()' } # now()"
    assert "etag" in ask(client, query).headers


def test_head_is_get_without_the_body(client: httpx.Client) -> None:
    head = client.head("/sparql", params={"query": STAGES})
    full = ask(client, STAGES)
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == full.headers["content-length"]
    assert head.headers["etag"] == full.headers["etag"]


def test_pages_of_other_origins_may_read_the_answers(client: httpx.Client) -> None:
    origin = {"Origin": "https://example.org"}
    assert client.get("/sparql", params={"query": STAGES}, headers=origin).headers["access-control-allow-origin"] == "*"
    preflight = client.options(
        "/sparql",
        headers={**origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "accept"},
    )
    assert preflight.status_code == 200
    assert "POST" in preflight.headers["access-control-allow-methods"]
    plain = client.options("/sparql")
    assert plain.status_code == 204
    assert "POST" in plain.headers["allow"]


def test_a_plain_get_describes_the_service(client: httpx.Client) -> None:
    answer = client.get("/sparql")
    assert answer.headers["content-type"].startswith("text/turtle")
    store = ox.Store()
    store.load(answer.content, format=ox.RdfFormat.TURTLE)
    prefix = "PREFIX sd: <http://www.w3.org/ns/sparql-service-description#> "
    endpoint = f"<{client.base_url.copy_with(path='/sparql')}>"
    assert store.query(prefix + f"ASK {{ {endpoint} a sd:Service ; sd:endpoint {endpoint} }}")
    names = store.query(prefix + "SELECT ?n { ?s sd:defaultDataset/sd:namedGraph/sd:name ?n }")
    assert isinstance(names, ox.QuerySolutions)
    assert "https://w3id.org/valueweave/graph/case/jd-2007-2021" in {row["n"].value for row in names}


def test_browsers_get_a_form_and_a_table(client: httpx.Client) -> None:
    form = client.get("/sparql", headers={"Accept": BROWSER})
    assert form.headers["content-type"].startswith("text/html")
    assert '<label for="query">' in form.text
    answer = ask(client, STAGES, BROWSER)
    assert '<a href="/id/stage/jd-1">stage/jd-1</a>' in answer.text
    wrong = ask(client, "SELECT <script>alert(1)</script>", BROWSER)
    assert wrong.status_code == 400
    assert wrong.headers["content-type"].startswith("text/html")
    assert "<script>" not in wrong.text


@pytest.mark.filterwarnings("ignore:Sending Accept header:RuntimeWarning")  # the library says so of its own "rdf"
@pytest.mark.parametrize(("method", "how"), [(GET, URLENCODED), (POST, URLENCODED), (POST, POSTDIRECTLY)])
@pytest.mark.parametrize(
    ("query", "formats"),
    [
        (STAGES, {JSON: "sparql-results+json", XML: "sparql-results+xml", CSV: "csv", TSV: "tab-separated-values"}),
        ("ASK { ?s a sce:Stage }", {JSON: "sparql-results+json", XML: "sparql-results+xml", CSV: "csv"}),
        (
            GRAPH,
            {
                **{TURTLE: "text/turtle", N3: "text/n3", JSONLD: "ld+json", JSON: "ld+json"},
                **dict.fromkeys((RDF, RDFXML, XML), "rdf+xml"),
            },
        ),
    ],
)
def test_a_public_client_library_gets_every_format_it_knows(
    client: httpx.Client, query: str, formats: dict[str, str], method: str, how: str
) -> None:
    for wanted, media_type in formats.items():
        endpoint = SPARQLWrapper(str(client.base_url.copy_with(path="/sparql")))
        endpoint.setQuery("PREFIX sce: <https://w3id.org/valueweave/ontology#> " + query)
        endpoint.setMethod(method)
        endpoint.setRequestMethod(how)
        endpoint.setReturnFormat(wanted)
        answer = endpoint.query()
        assert media_type in answer.info()["content-type"], wanted
        assert answer.convert()


@pytest.mark.parametrize(
    ("query", "formats", "accept", "media_type"),
    [
        (STAGES, ["tsv", "text/tab-separated-values"], "*/*", "text/tab-separated-values"),
        (STAGES, ["srx", "csv", "xml"], "*/*", "text/csv"),
        (STAGES, ["srx", "pdf"], "text/csv, */*;q=0.1", "text/csv"),
        (STAGES, [""], "text/csv", "text/csv"),
        (STAGES, ["pdf", "html"], "text/csv", "text/html"),
        (GRAPH, ["n3"], "*/*", "text/n3"),
        (GRAPH, [], "text/n3", "text/n3"),
        (GRAPH, [], "text/rdf+n3", "text/n3"),
        (GRAPH, [], "text/n3, text/turtle", "text/turtle"),
        # Nobody can write any of these, and what a browser accepts is no wish.
        (STAGES, ["pdf"], "*/*", None),
        (STAGES, ["pdf", "srx"], "application/zip", None),
        (STAGES, ["pdf"], BROWSER, None),
    ],
)
def test_of_several_formats_the_first_one_known_is_sent(
    client: httpx.Client, query: str, formats: list[str], accept: str, media_type: str | None
) -> None:
    sent = {"query": query, "format": formats}
    for answer in (
        client.get("/sparql", params=sent, headers={"Accept": accept}),
        client.post("/sparql", data=sent, headers={"Accept": accept}),
    ):
        if media_type is None:
            assert answer.status_code == 406
        else:
            assert answer.status_code == 200, answer.text
            assert answer.headers["content-type"].split(";")[0] == media_type


def test_many_may_ask_at_once(client: httpx.Client) -> None:
    """An answer touched by another thread than the one that asked would end the whole process."""
    expected, wrong = ask(client, STAGES).content, []

    def visitor() -> None:
        for _ in range(25):
            for query, accept in ((STAGES, "*/*"), (GRAPH, "text/turtle"), (STAGES, BROWSER)):
                answer = ask(client, query, accept)
                if answer.status_code != 200 or (accept == "*/*" and answer.content != expected):
                    wrong.append(answer)

    threads = [threading.Thread(target=visitor) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong
    assert json.loads(client.get("/readyz").text)["status"] == "ready"
