"""What HTTP asks of a server, whatever it serves: negotiation, compression, methods, other origins."""

from __future__ import annotations

import gzip

import httpx
import pyoxigraph as ox
import pytest
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from valueweave.server.compression import Compression

from .conftest import serving

GRAPH = "CONSTRUCT { ?s a sce:Actor } WHERE { ?s a sce:Actor }"
MANY = "SELECT ?s ?p ?o { ?s ?p ?o } ORDER BY ?s ?p ?o LIMIT 200"


def varies(answer: httpx.Response) -> set[str]:
    """Return what the answer depends on."""
    return {name.strip() for name in answer.headers["vary"].split(",")}


def ask(client: httpx.Client, query: str, method: str = "GET", **headers: str) -> tuple[httpx.Response, bytes]:
    """Return the answer, and its body as it came."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    request = client.build_request(method, "/sparql", params={"query": query}, headers=sent)
    answer = client.send(request, stream=True)
    try:
        return answer, b"".join(answer.iter_raw())
    finally:
        answer.close()


def test_an_answer_is_compressed_for_those_who_take_it(client: httpx.Client) -> None:
    plain, text = ask(client, MANY, Accept_Encoding="identity")
    packed, body = ask(client, MANY, Accept_Encoding="br, gzip;q=0.5")
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(body) == text
    assert int(packed.headers["content-length"]) == len(body) < len(text) / 4
    assert varies(plain) == varies(packed) >= {"Accept", "Accept-Language", "Accept-Encoding"}


@pytest.mark.parametrize("encoding", ["gzip;q=0", "gzip;q=0.0, *", "br", "identity, *;q=0", "*;q=nonsense"])
def test_an_answer_is_not_compressed_for_those_who_do_not(client: httpx.Client, encoding: str) -> None:
    assert "content-encoding" not in ask(client, MANY, Accept_Encoding=encoding)[0].headers


def test_a_short_answer_is_not_worth_it(client: httpx.Client) -> None:
    assert "content-encoding" not in ask(client, "ASK {}", Accept_Encoding="gzip")[0].headers


def test_a_compressed_answer_has_an_etag_of_its_own_and_is_not_sent_again(client: httpx.Client) -> None:
    plain, _ = ask(client, MANY, Accept_Encoding="identity")
    packed, _ = ask(client, MANY, Accept_Encoding="gzip")
    assert packed.headers["etag"] != plain.headers["etag"]
    for answer in (plain, packed):
        again, body = ask(client, MANY, Accept_Encoding="gzip", If_None_Match=f'"other", {answer.headers["etag"]}')
        assert (again.status_code, body) == (304, b"")
        assert again.headers["etag"] == answer.headers["etag"]
        assert varies(again) == varies(answer)


@pytest.mark.parametrize("parts", [[b"a" * 300_000], [b"a" * 10, b"b" * 200_000, b"", b"c" * 10], [b"a" * 999]])
@pytest.mark.parametrize("media_type", ["text/csv", "image/png"])
def test_long_and_streamed_answers_come_whole(parts: list[bytes], media_type: str) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        whole: Response = Response(parts[0], media_type=media_type)
        await (whole if len(parts) == 1 else StreamingResponse(iter(parts), media_type=media_type))(
            scope, receive, send
        )

    with serving(Compression(app)) as client:  # type: ignore[arg-type]
        answer = client.get("/", headers={"Accept-Encoding": "gzip"})
    assert answer.content == b"".join(parts)
    packed = media_type == "text/csv" and len(answer.content) >= 1000
    assert answer.headers.get("content-encoding") == ("gzip" if packed else None)


def test_head_says_what_get_would(client: httpx.Client) -> None:
    for encoding in ("identity", "gzip"):
        head, body = ask(client, MANY, "HEAD", Accept_Encoding=encoding)
        whole, _ = ask(client, MANY, Accept_Encoding=encoding)
        assert body == b""
        for name in ("content-type", "content-length", "etag", "vary"):
            assert head.headers[name] == whole.headers[name]
        assert head.headers.get("content-encoding") == whole.headers.get("content-encoding")


@pytest.mark.parametrize(
    ("accept", "media_type", "reader"),
    [
        ("application/n-quads", "application/n-quads", ox.RdfFormat.N_QUADS),
        ("application/trig", "application/trig", ox.RdfFormat.TRIG),
    ],
)
def test_a_graph_comes_as_a_dataset_to_those_who_ask_for_one(
    client: httpx.Client, accept: str, media_type: str, reader: ox.RdfFormat
) -> None:
    answer, _ = ask(client, GRAPH, Accept=f"{accept}, application/pdf")
    assert answer.headers["content-type"].split(";")[0] == media_type
    found = client.get("/sparql", params={"query": GRAPH, "format": accept})
    quads = list(ox.parse(found.content, format=reader))
    assert len(quads) == 4
    assert all(quad.graph_name == ox.DefaultGraph() for quad in quads)


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("text/csv;q=0, text/*", "text/tab-separated-values"),
        ("*/*;q=0.1, text/csv;q=0.2", "text/csv"),
        ("application/sparql-results+json;q=0, */*", "application/sparql-results+xml"),
        ("TEXT/CSV; charset=utf-8", "text/csv"),
        ("text/csv;q=0.5, text/csv;q=0.9, application/sparql-results+xml;q=0.8", "text/csv"),
        ("application/n-quads, text/csv;q=0.001", "text/csv"),
    ],
)
def test_weights_decide(client: httpx.Client, accept: str, chosen: str) -> None:
    answer, _ = ask(client, "SELECT * {}", Accept=accept)
    assert answer.headers["content-type"].split(";")[0] == chosen


@pytest.mark.parametrize("accept", ["*/*;q=0", "text/csv;q=0", "application/n-quads", "image/*"])
def test_what_is_wanted_by_none_is_not_acceptable(client: httpx.Client, accept: str) -> None:
    answer, _ = ask(client, "SELECT * {}", Accept=accept)
    assert answer.status_code == 406
    assert answer.headers["content-type"] == "application/problem+json"


def test_options_names_the_methods(client: httpx.Client) -> None:
    answer = client.options("/sparql")
    assert answer.status_code == 204
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    assert answer.content == b""


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
def test_a_page_of_another_origin_may_write_with_a_token(client: httpx.Client, method: str) -> None:
    asked = {
        "Origin": "https://example.org",
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization, content-type, if-match",
    }
    answer = client.options("/graph-store", headers=asked)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert method in answer.headers["access-control-allow-methods"]
    allowed = answer.headers["access-control-allow-headers"].lower()
    assert all(name in allowed for name in ("authorization", "content-type", "if-match"))


def test_a_page_of_another_origin_sees_the_headers_that_matter(client: httpx.Client) -> None:
    answer, _ = ask(client, "ASK {}", Origin="https://example.org")
    assert answer.headers["access-control-allow-origin"] == "*"
    exposed = answer.headers["access-control-expose-headers"]
    assert all(name in exposed for name in ("ETag", "Link", "Location"))


def test_an_unknown_function_is_the_query_s_fault(client: httpx.Client) -> None:
    answer, _ = ask(client, "SELECT (<urn:function>(1) AS ?x) {}")
    problem = client.get("/sparql", params={"query": "SELECT (<urn:function>(1) AS ?x) {}"}).json()
    assert answer.status_code == 400
    assert (problem["code"], problem["term"]) == ("unknown-function", "urn:function")
