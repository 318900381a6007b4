"""Who may write over HTTP, and SPARQL updates."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pyoxigraph as ox
import pytest
from pydantic import SecretStr

from valueweave.graph import KnowledgeGraph
from valueweave.problems import InputError
from valueweave.project import Project
from valueweave.server import create_app
from valueweave.server.settings import Settings, load_settings
from valueweave.store import EmbeddedStore
from valueweave.store.versions import Versions

from .conftest import serving
from .w3c_serving import served
from .writable import TOKEN, YAML, case, copy_of, csv, writable

UPDATE = {"Content-Type": "application/sparql-update"}
INSERT = "INSERT DATA { <urn:test:a> <urn:test:p> <urn:test:b> }"
WRITES = [
    ("POST", "/sparql", UPDATE),
    ("PUT", "/graph-store?graph=urn:g", {"Content-Type": "text/turtle"}),
    ("POST", "/graph-store", {"Content-Type": "text/turtle"}),
    ("DELETE", "/graph-store?graph=urn:g", {}),
    ("PUT", "/graph/x", {"Content-Type": "text/turtle"}),
    ("POST", "/graph/x", {"Content-Type": "text/turtle"}),
    ("DELETE", "/graph/x", {}),
    ("PUT", "/api/v1/cases/mill", YAML),
    ("DELETE", "/api/v1/cases/mill", {}),
]


@pytest.fixture(scope="module")
def own(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return copy_of(project, tmp_path_factory.mktemp("writing") / "store")


@pytest.fixture(scope="module")
def writer(own: Project) -> Iterator[httpx.Client]:
    with writable(own) as client:
        yield client


@pytest.mark.parametrize(("method", "address", "headers"), WRITES)
def test_where_no_token_is_set_nobody_may_write(
    client: httpx.Client, method: str, address: str, headers: dict[str, str]
) -> None:
    for sent in ({}, {"Authorization": f"Bearer {TOKEN}"}):
        answer = client.request(method, address, content=b"", headers={**headers, **sent})
        assert (answer.status_code, answer.json()["code"]) == (403, "writing-disabled")


@pytest.mark.parametrize(("method", "address", "headers"), WRITES)
def test_who_has_no_token_or_a_wrong_one_may_not_write(
    writer: httpx.Client, own: Project, method: str, address: str, headers: dict[str, str]
) -> None:
    before = Versions(own.store).current()["version"]
    wrong = [
        "Bearer wrong",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Basic {TOKEN}",
        TOKEN,
        "Bearer",
        "Bearer \xff",
    ]
    with httpx.Client(base_url=writer.base_url) as stranger:
        for text in (None, *wrong):
            # Headers are bytes, and so may be what is no ASCII.
            sent = [] if text is None else [(b"Authorization", text.encode("latin-1"))]
            given = [(name.encode(), value.encode()) for name, value in headers.items()]
            answer = stranger.request(method, address, content=b"<<<", headers=[*given, *sent])
            assert answer.status_code == 401, sent
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert answer.json()["code"] == ("wrong-token" if sent else "missing-token")
            assert TOKEN not in answer.text
        in_address = stranger.request(method, address, params={"access_token": TOKEN}, content=b"", headers=headers)
        assert in_address.status_code == 401
    assert Versions(own.store).current()["version"] == before


def test_a_form_with_an_update_needs_the_token_too(writer: httpx.Client) -> None:
    with httpx.Client(base_url=writer.base_url) as stranger:
        assert stranger.post("/sparql", data={"update": INSERT}).status_code == 401
        assert stranger.post("/sparql", data={"query": "ASK {}"}).status_code == 200


def test_a_body_is_not_read_before_the_token(writer: httpx.Client) -> None:
    """The refusal comes while the body is still to be sent."""
    address = writer.base_url
    with socket.create_connection((address.host, address.port or 80), timeout=20) as connection:
        head = "PUT /api/v1/cases/mill HTTP/1.1", "Host: x", "Content-Type: application/yaml", "Content-Length: 9999"
        connection.sendall("\r\n".join((*head, "", "")).encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 401")


def test_the_token_is_shown_nowhere() -> None:
    settings = load_settings({"VALUEWEAVE_SERVER_WRITE_TOKEN": TOKEN})
    assert TOKEN not in repr(settings) + str(settings) + settings.model_dump_json()
    assert settings.write_token is not None
    assert settings.write_token.get_secret_value() == TOKEN
    with pytest.raises(InputError) as raised:
        load_settings({"VALUEWEAVE_SERVER_WRITE_TOKEN": "too-short"})
    assert "at least 16 characters" in str(raised.value)
    assert "too-short" not in str(raised.value) + str(raised.value.__cause__)


def test_an_update_is_seen_by_the_next_request(writer: httpx.Client) -> None:
    answer = writer.post("/sparql", content=INSERT, headers=UPDATE)
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert (said["added"], said["removed"]) == (1, 0)
    assert writer.get("/readyz").json()["version"] == said["version"]
    assert csv(writer, "SELECT ?g { GRAPH ?g { <urn:test:a> ?p ?o } }") == ["https://w3id.org/valueweave/graph/updates"]
    assert csv(writer, "SELECT ?o { <urn:test:a> ?p ?o }") == ["urn:test:b"]
    gone = writer.post("/sparql", data={"update": "DELETE WHERE { <urn:test:a> ?p ?o }"})
    assert (gone.json()["added"], gone.json()["removed"]) == (0, 1)
    assert csv(writer, "SELECT ?o { <urn:test:a> ?p ?o }") == []


def test_what_follows_from_an_update_comes_and_goes_with_it(writer: httpx.Client) -> None:
    part = "<https://w3id.org/valueweave/id/actor/test> a sce:Organization"
    ask = "ASK { <https://w3id.org/valueweave/id/actor/test> a sce:Actor }"

    def asked() -> bool:
        return bool(writer.get("/sparql", params={"query": ask}).json()["boolean"])

    assert not asked()
    came = writer.post("/sparql", content=f"INSERT DATA {{ {part} }}", headers=UPDATE).json()
    assert asked()
    assert came["inferred"] >= 1
    assert came["added"] == came["inferred"] + 1
    gone = writer.post("/sparql", content=f"DELETE DATA {{ {part} }}", headers=UPDATE).json()
    assert not asked()
    assert gone["removed"] == came["added"]


@pytest.mark.parametrize(
    ("text", "term", "words"),
    [
        ("INSERT DATA {\n <urn:a> foo:b 1 }", "foo:b", "prefix that it does not declare"),
        ("INSRT DATA { <urn:a> <urn:b> 1 }", "INSRT", "'INSERT'"),
        ("INSERT DATA { id:actor/jd <urn:b> 1 }", "id:actor/jd", "<actor/jd>"),
    ],
)
def test_an_update_that_does_not_parse_is_told_as_queries_are(
    writer: httpx.Client, text: str, term: str, words: str
) -> None:
    problem = writer.post("/sparql", content=text, headers=UPDATE).json()
    assert (problem["code"], problem["term"]) == ("sparql-syntax", term)
    assert words in problem["detail"] + problem["remedy"]


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ("INSERT DATA { <urn:a> <urn:b> }", 400, "sparql-syntax"),
        ("SELECT * { ?s ?p ?o }", 400, "sparql-syntax"),
        ("LOAD <http://127.0.0.1:1/x>", 403, "load-refused"),
        ("LOAD SILENT <http://127.0.0.1:1/x> INTO GRAPH <urn:g>", 403, "load-refused"),
        ("INSERT { ?s ?p ?o } WHERE { SERVICE <http://127.0.0.1:1/x> { ?s ?p ?o } }", 403, "service-refused"),
        ("INSERT DATA { GRAPH graph:inferred { <urn:a> <urn:b> <urn:c> } }", 403, "computed-graph"),
        ("CLEAR GRAPH graph:ontology", 403, "computed-graph"),
    ],
)
def test_an_update_that_is_wrong_changes_nothing(
    writer: httpx.Client, own: Project, text: str, status: int, code: str
) -> None:
    before = Versions(own.store).current()["version"]
    answer = writer.post("/sparql", content=text, headers=UPDATE)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.json()["remedy"]
    if code == "sparql-syntax":
        assert (answer.json()["line"], answer.json()["column"] > 0) == (1, True)
    assert Versions(own.store).current()["version"] == before


def test_a_contradiction_is_refused_with_its_reasons(writer: httpx.Client) -> None:
    # Nothing is an actor and a platform at once.
    text = "INSERT DATA { <https://w3id.org/valueweave/id/actor/haier> a sce:Platform }"
    answer = writer.post("/sparql", content=text, headers=UPDATE)
    assert (answer.status_code, answer.json()["code"]) == (409, "contradiction"), answer.text
    assert "cannot be" in answer.json()["detail"]
    assert "is a platform (graph:updates)" in answer.json()["detail"]


@pytest.mark.parametrize(
    "request_",
    [
        {"data": {"update": INSERT, "query": "ASK {}"}},
        {"content": INSERT, "headers": UPDATE, "params": {"update": INSERT}},
        {"content": INSERT, "headers": UPDATE, "params": {"using-graph-uri": "no iri"}},
        {"content": b"INSERT DATA { <urn:\xff> <urn:b> <urn:c> }", "headers": UPDATE},
        {"content": f"WITH <urn:g> {INSERT}", "headers": UPDATE},
        {
            "content": "DELETE { ?s ?p ?o } USING <urn:g> WHERE { ?s ?p ?o }",
            "headers": UPDATE,
            "params": {"using-graph-uri": "urn:h"},
        },
    ],
)
def test_a_request_that_is_not_as_the_protocol_says(writer: httpx.Client, request_: dict[str, object]) -> None:
    assert writer.post("/sparql", **request_).status_code == 400  # type: ignore[arg-type]


def test_a_form_may_say_its_graphs_in_the_form_or_in_the_address(writer: httpx.Client) -> None:
    update = "INSERT { GRAPH <urn:test:copy> { ?s <urn:test:label> ?o } } WHERE { ?s rdfs:label ?o }"
    graph = "https://w3id.org/valueweave/graph/sources"
    for request in (
        {"data": {"update": update, "using-graph-uri": graph}},
        {"data": {"update": update}, "params": {"using-graph-uri": graph}},
    ):
        answer = writer.post("/sparql", **request)  # type: ignore[arg-type]
        assert answer.status_code == 200, answer.text
        assert csv(writer, "SELECT ?s { GRAPH <urn:test:copy> { ?s ?p ?o } }") == [
            "https://w3id.org/valueweave/id/source/000"
        ]
        assert writer.post("/sparql", data={"update": "DROP GRAPH <urn:test:copy>"}).status_code == 200


def test_an_update_that_goes_on_and_on_is_ended(project: Project, tmp_path: Path) -> None:
    plain = Project(project.home, tmp_path / "store")
    node = ox.NamedNode
    quads = [ox.Quad(node(f"urn:{number}"), node("urn:p"), ox.Literal(number)) for number in range(1000)]
    EmbeddedStore.write(plain.store, quads, {"digest": "0" * 64})
    endless = "INSERT { ?a <urn:q> ?h } WHERE { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . FILTER(?c + ?f + ?i < 0) }"
    with writable(plain, write_seconds=5) as client:
        assert client.post("/sparql", content=INSERT, headers=UPDATE).status_code == 200
        before = Versions(plain.store).current()["version"]
        answer = client.post("/sparql", content=endless, headers=UPDATE)
        assert (answer.status_code, answer.json()["code"]) == (504, "write-timeout")
        assert Versions(plain.store).current()["version"] == before
        # The next change finds a process that makes it, and no lock left behind.
        answer = client.post("/sparql", data={"update": "DELETE WHERE { <urn:test:a> ?p ?o }"})
        assert answer.status_code == 200, answer.text


def test_while_a_build_runs_the_store_is_busy(own: Project) -> None:
    with writable(own, write_waiting=0.2) as client:
        while client.post("/sparql", content=INSERT, headers=UPDATE).status_code == 503:
            pass  # the process that makes changes starts, which takes longer than changes wait here
        with Versions(own.store).building():
            for answer in (
                client.post("/sparql", content=INSERT, headers=UPDATE),
                client.put("/api/v1/cases/mill", content=case("mill"), headers=YAML),
                client.put("/graph/test/busy", content="", headers={"Content-Type": "text/turtle"}),
            ):
                assert (answer.status_code, answer.json()["code"]) == (503, "store-busy"), answer.text
                # What holds the store for longer than changes wait is a build, and that takes its time.
                assert answer.headers["retry-after"] == "30"
            # Reading goes on.
            assert client.get("/api/v1/cases/jd-2007-2021").status_code == 200


def test_others_are_answered_while_changes_are_made(writer: httpx.Client) -> None:
    done = threading.Event()
    failed: list[str] = []

    def change() -> None:
        for number in range(5):
            answer = writer.post("/sparql", data={"update": f"INSERT DATA {{ <urn:test:{number}> <urn:test:q> 1 }}"})
            if answer.status_code != 200:
                failed.append(answer.text)
        done.set()

    thread = threading.Thread(target=change)
    thread.start()
    counts = []
    while not done.is_set():
        counts.append(len(csv(writer, "SELECT ?s { ?s <urn:test:q> ?o }")))
    thread.join()
    assert not failed
    # Every answer is of one version, and none goes back.
    assert counts == sorted(counts)
    assert len(csv(writer, "SELECT ?s { ?s <urn:test:q> ?o }")) == 5


def test_the_service_says_that_it_takes_updates_to_those_who_may(writer: httpx.Client) -> None:
    language = "http://www.w3.org/ns/sparql-service-description#SPARQL11Update"
    accept = {"Accept": "application/n-triples"}
    mine = writer.get("/sparql", headers=accept)
    assert language in mine.text
    with httpx.Client(base_url=writer.base_url) as stranger:
        others = stranger.get("/sparql", headers=accept)
        assert language not in others.text
        assert others.headers["etag"] != mine.headers["etag"]
        assert "Authorization" in others.headers["vary"]


def test_the_page_for_queries_says_what_is_done_with_updates(writer: httpx.Client, client: httpx.Client) -> None:
    for query in ({}, {"query": "ASK { ?s ?p ?o }"}, {"query": "ASK {"}):
        shown = [one.get("/sparql", params=query, headers={"Accept": "text/html"}).text for one in (writer, client)]
        assert ["Updates are refused." in text for text in shown] == [False, True]
        assert ["Updates go by POST" in text for text in shown] == [True, False]
        assert all("Queries that call other services are refused." in text for text in shown)


def test_pages_of_others_may_write_with_the_token(writer: httpx.Client) -> None:
    asked = {"Origin": "https://example.org", "Access-Control-Request-Method": "PUT"}
    asked["Access-Control-Request-Headers"] = "authorization, content-type, if-match"
    answer = writer.options("/api/v1/cases/mill", headers=asked)
    assert answer.status_code == 200
    assert "PUT" in answer.headers["access-control-allow-methods"]
    assert "authorization" in answer.headers["access-control-allow-headers"].lower()


def test_the_interface_says_where_a_token_is_needed(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            writes = method in {"put", "delete"} or (method == "post" and path != "/sparql")
            assert ("security" in operation) is (writes or (method, path) == ("post", "/sparql")), (method, path)
            if writes:
                assert {"401", "403", "503", "504"} <= set(operation["responses"])


def test_a_store_in_memory_is_not_written_to(kg: KnowledgeGraph) -> None:
    memory = KnowledgeGraph(EmbeddedStore.in_memory(list(kg.store.engine), kg.store.manifest), kg.project)
    with serving(create_app(memory, Settings(write_token=SecretStr(TOKEN)))) as client:
        answer = client.post("/sparql", content=INSERT, headers={**UPDATE, "Authorization": f"Bearer {TOKEN}"})
        assert (answer.status_code, answer.json()["code"]) == (403, "writing-disabled")


def test_every_worker_sees_a_change_with_its_next_request(own: Project) -> None:
    """A server of two processes; each request is a connection of its own, so that either may get it."""
    headers = {**UPDATE, "Authorization": f"Bearer {TOKEN}"}
    ask = "SELECT ?n { <urn:test:counter> <urn:test:n> ?n }"
    with served(own.store, workers="2", evaluators="2", write_token=TOKEN) as client:
        address = f"{client.base_url}sparql"
        for number in range(4):
            new = f"<urn:test:counter> <urn:test:n> {number}"
            update = f"DELETE WHERE {{ <urn:test:counter> ?p ?o }} ; INSERT DATA {{ {new} }}"
            changed = httpx.post(address, content=update, headers=headers, timeout=60)
            assert changed.status_code == 200, changed.text
            for _ in range(10):
                answer = httpx.get(address, params={"query": ask}, headers={"Accept": "text/csv"}, timeout=60)
                assert answer.text.split() == ["n", str(number)]
