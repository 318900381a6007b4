"""Live cases over HTTP: put, replaced, shown, deleted; and what is refused."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import httpx
import pytest
import yaml

from valueweave.project import Project
from valueweave.store import EmbeddedStore
from valueweave.store.versions import Versions

from .writable import YAML, case, copy_of, csv, writable

STAGES = "SELECT ?s {{ <https://w3id.org/valueweave/id/case/{0}> sce:includes ?s . ?s a sce:Stage }}"


@pytest.fixture(scope="module")
def own(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return copy_of(project, tmp_path_factory.mktemp("live") / "store")


@pytest.fixture(scope="module")
def writer(own: Project) -> Iterator[httpx.Client]:
    with writable(own) as client:
        yield client


def put(client: httpx.Client, name: str, text: str | bytes | None = None, **headers: str) -> httpx.Response:
    sent = {**YAML, **{key.replace("_", "-"): value for key, value in headers.items()}}
    return client.put(f"/api/v1/cases/{name}", content=text or case(name), headers=sent)


def statements(project: Project) -> set[str]:
    return {str(quad) for quad in EmbeddedStore.open(project.store).engine}


def test_a_case_is_put_seen_and_taken_out_again(writer: httpx.Client, own: Project) -> None:
    before = statements(own)
    answer = put(writer, "whole")
    assert answer.status_code == 201, answer.text
    said = answer.json()
    assert said["added"] > said["inferred"] > 0
    assert answer.headers["location"] == "/api/v1/cases/whole"
    assert writer.get("/readyz").json()["version"] == said["version"]
    # Every door shows it: queries, lookups, linked data, search, the graph itself.
    assert csv(writer, STAGES.format("whole")) == ["https://w3id.org/valueweave/id/stage/whole-1"]
    assert writer.get("/api/v1/cases/whole").json()["label"] == "A mill"
    assert writer.get("/id/case/whole?format=turtle").status_code == 200
    assert writer.get("/api/v1/search", params={"q": "mill"}).json()["items"][0]["id"] == "case/whole"
    assert writer.get("/graph/case/whole").status_code == 200
    listed = writer.get("/api/v1/live-cases").json()
    assert [one["name"] for one in listed["items"]] == ["whole"]
    assert listed["items"][0]["etag"] == answer.headers["etag"]
    gone = writer.delete("/api/v1/cases/whole", headers={"If-Match": answer.headers["etag"]})
    assert gone.status_code == 200, gone.text
    assert gone.json()["removed"] == said["added"]
    assert writer.get("/api/v1/cases/whole").status_code == 404
    assert writer.get("/api/v1/live-cases/whole").status_code == 404
    assert statements(own) == before


def test_the_document_comes_back_as_it_was_put(writer: httpx.Client) -> None:
    text = "# mine\r\n" + case("same") + "# end"
    tag = put(writer, "same", text).headers["etag"]
    answer = writer.get("/api/v1/live-cases/same")
    assert answer.text == text
    assert (answer.headers["etag"], answer.headers["content-type"]) == (tag, "application/yaml")
    held = writer.get("/api/v1/live-cases/same", headers={"If-None-Match": tag})
    assert (held.status_code, held.content) == (304, b"")
    # Another change leaves the document as it is, and so its tag.
    put(writer, "same-too")
    assert writer.head("/api/v1/live-cases/same").headers["etag"] == tag


@pytest.mark.parametrize("media", ["application/ld+json", "application/json; charset=UTF-8"])
def test_json_says_the_same_as_yaml(writer: httpx.Client, media: str) -> None:
    name = "json-" + str(len(media))
    document = json.dumps(yaml.safe_load(case(name)), indent=1)
    answer = put(writer, name, document, Content_Type=media)
    assert answer.status_code == 201, answer.text
    assert csv(writer, STAGES.format(name)) == [f"https://w3id.org/valueweave/id/stage/{name}-1"]
    assert writer.get(f"/api/v1/live-cases/{name}").headers["content-type"] == "application/ld+json"


def test_nobody_overwrites_what_they_have_not_seen(writer: httpx.Client) -> None:
    first = put(writer, "guarded")
    assert first.status_code == 201
    again = put(writer, "guarded", case("guarded", "Another"))
    assert (again.status_code, again.json()["code"]) == (428, "precondition-required")
    assert writer.delete("/api/v1/cases/guarded").status_code == 428
    wrong = put(writer, "guarded", case("guarded", "Another"), If_Match='"other"')
    assert (wrong.status_code, wrong.json()["code"]) == (412, "precondition-failed")
    assert writer.delete("/api/v1/cases/guarded", headers={"If-Match": '"other"'}).status_code == 412
    assert put(writer, "guarded", If_None_Match="*").status_code == 412
    right = put(writer, "guarded", case("guarded", "Another"), If_Match=first.headers["etag"])
    assert right.status_code == 200, right.text
    assert right.headers["etag"] != first.headers["etag"]
    assert writer.get("/api/v1/cases/guarded").json()["label"] == "Another"
    assert put(writer, "guarded", If_Match=first.headers["etag"]).status_code == 412
    assert put(writer, "guarded", case("guarded", "Third"), If_Match="*").status_code == 200
    assert writer.delete("/api/v1/cases/guarded", headers={"If-Match": "*"}).status_code == 200
    assert put(writer, "guarded", If_Match="*").status_code == 412


def test_an_etag_that_must_not_be_there_lets_nobody_replace_the_case(writer: httpx.Client) -> None:
    first = put(writer, "unseen", If_None_Match='"anything"')
    assert first.status_code == 201, first.text
    tag, other = first.headers["etag"], case("unseen", "Another")
    for condition, status in (('"anything"', 428), ('"a", "b"', 428), (tag, 412), (f'"a", W/{tag}', 412), ("*", 412)):
        answer = put(writer, "unseen", other, If_None_Match=condition)
        assert answer.status_code == status, condition
    assert writer.get("/api/v1/cases/unseen").json()["label"] == "A mill"
    assert put(writer, "unseen", other, If_None_Match=tag, If_Match=tag).status_code == 412
    assert put(writer, "unseen", other, If_None_Match='"anything"', If_Match=tag).status_code == 200


def test_the_tag_of_a_compressed_document_is_taken(writer: httpx.Client) -> None:
    put(writer, "packed", case("packed") + "#" * 2000)
    shown = writer.get("/api/v1/live-cases/packed", headers={"Accept-Encoding": "gzip"})
    assert shown.headers["content-encoding"] == "gzip"
    answer = put(writer, "packed", case("packed", "Another"), If_Match=shown.headers["etag"])
    assert answer.status_code == 200, answer.text


def test_of_two_who_change_the_same_one_is_told(writer: httpx.Client) -> None:
    tag = put(writer, "twice").headers["etag"]
    answers: list[httpx.Response] = []

    def change(label: str) -> None:
        answers.append(put(writer, "twice", case("twice", label), If_Match=tag))

    threads = [threading.Thread(target=change, args=(f"Label {number}",)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412]
    won = next(answer for answer in answers if answer.status_code == 200)
    assert writer.get("/api/v1/live-cases/twice").headers["etag"] == won.headers["etag"]


def test_of_two_who_put_the_same_new_case_one_is_told(writer: httpx.Client) -> None:
    answers: list[int] = []
    threads = [
        threading.Thread(
            target=lambda label: answers.append(put(writer, "race", case("race", label)).status_code), args=(f"L{n}",)
        )
        for n in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [201, 428, 428]


def test_another_server_sees_it_with_the_next_request(writer: httpx.Client, own: Project) -> None:
    with writable(own) as other:
        assert other.get("/api/v1/cases/elsewhere").status_code == 404
        assert put(writer, "elsewhere").status_code == 201
        assert other.get("/api/v1/cases/elsewhere").status_code == 200
        tag = other.get("/api/v1/live-cases/elsewhere").headers["etag"]
        assert other.delete("/api/v1/cases/elsewhere", headers={"If-Match": tag}).status_code == 200
        assert writer.get("/api/v1/cases/elsewhere").status_code == 404


def test_everything_wrong_is_said_at_once_with_its_line(writer: httpx.Client, own: Project) -> None:
    before = Versions(own.store).current()["version"]
    text = (
        case("wrong")
        .replace("startYear", "strtYear")
        .replace("ecosystem/jd", "ecosystem/jdd")
        .replace("order: 1", "order: one")
    )
    answer = put(writer, "wrong", text)
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problems = answer.json()["problems"]
    lines = text.splitlines()
    for word in ("strtYear", "ecosystem/jdd", "order: one"):
        expected = [number for number, line in enumerate(lines, 1) if word in line]
        found = [problem["line"] for problem in problems if problem.get("line") in expected]
        assert sorted(set(found)) == expected, (word, problems)
    assert all(problem["remedy"] for problem in problems)
    assert Versions(own.store).current()["version"] == before


DEEP = "a: " + "[" * 5000 + "]" * 5000
BOMB = "a: &a [x, x, x, x]\nb: &b [*a, *a, *a, *a]\nc: &c [*b, *b, *b, *b]\nd: [*c, *c, *c, *c]\n"


@pytest.mark.parametrize(
    ("text", "media", "code"),
    [
        (b"", "application/yaml", None),
        (b"\xff\xfe\x00", "application/yaml", None),
        (b"{", "application/json", None),
        (b"[]", "application/ld+json", None),
        (b"null", "application/json", None),
        (b'{"id": "\\ud800"}', "application/json", None),
        (DEEP.encode(), "application/yaml", None),
        (DEEP[3:].encode(), "application/json", None),
        (BOMB.encode(), "application/yaml", None),
        (b"--- a\n--- b\n", "application/yaml", None),
        (b"a: !!python/object/apply:os.system [id]", "application/yaml", None),
        (case("other").encode(), "application/yaml", "case-id-mismatch"),
        (case("bad").replace("w3id.org", "example.org").encode(), "application/yaml", None),
        (json.dumps({"@context": {"id": "@id"}, "id": "case/bad"}).encode(), "application/ld+json", None),
        (json.dumps({"@context": "http://127.0.0.1:1/c", "id": "case/bad"}).encode(), "application/ld+json", None),
    ],
)
def test_bad_documents_are_refused(
    writer: httpx.Client, own: Project, text: bytes, media: str, code: str | None
) -> None:
    before = Versions(own.store).current()["version"]
    answer = writer.put("/api/v1/cases/bad", content=text, headers={"Content-Type": media})
    assert answer.status_code == 400, answer.text[:500]
    problem = answer.json()
    assert problem["remedy"]
    assert "Traceback" not in answer.text
    assert str(own.home) not in answer.text
    if code:
        assert code in {problem["code"], *(one["code"] for one in problem.get("problems", ()))}
    assert Versions(own.store).current()["version"] == before


@pytest.mark.parametrize(
    ("media", "status"),
    [
        ("text/turtle", 415),
        ("application/yaml; charset=latin-1", 415),
        ("", 415),
        ("text/yaml", 201),
        ("application/x-yaml", 201),
    ],
)
def test_media_types(writer: httpx.Client, media: str, status: int) -> None:
    name = "media-" + str(len(media))
    answer = writer.put(f"/api/v1/cases/{name}", content=case(name), headers={"Content-Type": media})
    assert answer.status_code == status, answer.text
    if status == 415:
        assert "application/yaml" in answer.headers["accept"]


def test_a_long_body_is_refused(writer: httpx.Client) -> None:
    answer = put(writer, "long", b"# " + b"x" * 10_000_000)
    assert (answer.status_code, answer.json()["code"]) == (413, "request-too-large")


@pytest.mark.parametrize("name", ["Mill", "a b", "actor/mill", "a%00b", "..%2f..%2fx", "%2e%2e", "a" * 300, "case/"])
def test_names_that_no_case_can_have(writer: httpx.Client, name: str) -> None:
    answer = writer.put(f"/api/v1/cases/{name}", content=case("x"), headers=YAML)
    assert answer.status_code in {400, 404, 405}, answer.text


def test_what_is_not_there_cannot_be_deleted(writer: httpx.Client) -> None:
    for headers in ({}, {"If-Match": "*"}):
        answer = writer.delete("/api/v1/cases/none", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown-case")


def test_a_case_of_a_file_is_left_alone(writer: httpx.Client) -> None:
    for answer in (
        put(writer, "jd-2007-2021", If_Match="*"),
        put(writer, "jd-2007-2021"),
        writer.delete("/api/v1/cases/jd-2007-2021", headers={"If-Match": "*"}),
        writer.delete("/api/v1/cases/jd-2007-2021"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "case-of-a-file"), answer.text


def test_a_case_that_others_refer_to_stays(writer: httpx.Client) -> None:
    tag = put(writer, "base").headers["etag"]
    refers = case("refers").replace("stageOf: ecosystem/jd", "stageOf: ecosystem/jd\n    precedes: stage/base-1")
    if (answer := put(writer, "refers", refers)).status_code != 201:
        pytest.fail(answer.text)
    answer = writer.delete("/api/v1/cases/base", headers={"If-Match": tag})
    assert (answer.status_code, answer.json()["code"]) == (409, "case-referred-to"), answer.text
    assert "refers-1" in answer.text
    # Neither may the record be dropped by another document.
    smaller = (
        case("base").split("  - id: stage/")[0] + "  - id: scheme/base" + case("base").split("  - id: scheme/base")[1]
    )
    answer = put(writer, "base", smaller, If_Match=tag)
    assert (answer.status_code, answer.json()["code"]) == (409, "case-referred-to"), answer.text
    assert writer.delete("/api/v1/cases/refers", headers={"If-Match": "*"}).status_code == 200
    assert writer.delete("/api/v1/cases/base", headers={"If-Match": tag}).status_code == 200


def test_a_case_that_contradicts_the_others_is_refused_with_the_proof(writer: httpx.Client) -> None:
    # Nothing is an actor and a platform at once.
    evidence = "{section: '2.1', start: 10, end: 20, sha256: " + "a" * 64 + ", evidenceKind: stated}"
    both = f"  - {{id: actor/against, type: [Organization, Platform], label: {{en: Both}}, evidence: [{evidence}]}}"
    text = case("against") + both
    answer = put(writer, "against", text)
    assert answer.status_code == 409, answer.text
    assert answer.json()["code"] == "contradiction"
    assert answer.json()["line"] == len(text.splitlines())
    assert "Both is an organization" in answer.json()["detail"]
