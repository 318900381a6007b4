"""Pages for people: what they hold, and that they are whole, safe and on their own."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from urllib.parse import urljoin

import httpx
import pytest

from valueweave.graph import KnowledgeGraph
from valueweave.server import create_app

from .conftest import serving

PAGES = [
    "/",
    "/sparql",
    "/sparql?query=SELECT+*+%7B%3Fs+a+sce%3AStage%7D",
    "/docs",
    "/ontology",
    "/browse/actors",
    "/browse/claims?q=finding&limit=1",
    "/id/actor/jd",
    "/id/actor/haier",
    "/id/actor/jd/evidence/000-10-20",
    "/api/v1/queries/stages-by-case",
    "/api/v1/queries/stages-in-year",
    "/nothing",
]
_VOID = {"meta", "link", "input", "br", "img", "hr"}


class Outline(HTMLParser):
    """What a page consists of, with everything that is wrong with it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.ids: list[str] = []
        self.labelled: set[str] = set()
        self.fields: list[str] = []
        self.links: list[str] = []
        self.wrong: list[str] = []
        self.feed(text)
        self.wrong += [f"<{tag}> is not closed" for tag in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.seen.append(tag)
        if tag not in _VOID:
            self.open.append(tag)
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "label":
            self.labelled.add(given.get("for", ""))
        if tag in {"input", "select", "textarea"} and given.get("type") != "hidden":
            self.fields.append(given.get("id", ""))
        if tag in {"a", "link"}:
            self.links.append(given["href"])
        if tag in {"script", "iframe", "object"} or any(name.startswith("on") for name in given) or "style" in given:
            self.wrong.append(f"<{tag}> with {given}")

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> closes nothing")


def page(client: httpx.Client, path: str) -> httpx.Response:
    return client.get(path, headers={"Accept": "text/html"})


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_well_formed_accessible_and_safe(client: httpx.Client, path: str) -> None:
    answer = page(client, path)
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    outline = Outline(answer.text)
    assert not outline.wrong
    assert outline.seen.count("h1") == outline.seen.count("main") == 1
    assert {"header", "nav", "footer"} <= set(outline.seen)
    assert '<html lang="en">' in answer.text
    assert len(outline.ids) == len(set(outline.ids))
    assert set(outline.fields) <= outline.labelled
    assert re.search(r"<title>[^<]+</title>", answer.text)


def test_every_link_of_the_start_page_leads_somewhere(client: httpx.Client) -> None:
    for link in Outline(page(client, "/").text).links:
        target = urljoin("/", link)
        if link.startswith("data:"):
            continue
        assert link.startswith(("/", "#")), f"{link} leads away"
        assert client.get(target).status_code in {200, 400}, link


def test_the_start_page_tells_what_is_in_the_graph(client: httpx.Client) -> None:
    text = page(client, "/").text
    assert re.search(r'<a href="/browse/actors"><b>4</b>actors</a>', text)
    assert "JD 2007 to 2021" in text
    assert '<span class="years">2007–2016</span><a href="/id/stage/jd-1">JD first stage</a>' in text
    assert "Which stages does a case tell of?" in text
    assert "京东第一阶段" in client.get("/?lang=zh", headers={"Accept": "text/html"}).text


def test_texts_of_the_graph_are_never_markup(client: httpx.Client) -> None:
    for path in ("/id/actor/haier", "/browse/actors"):
        assert "Haier &amp; Co. &lt;b&gt;" in page(client, path).text


def test_browsing_pages_and_finds(client: httpx.Client) -> None:
    first = page(client, "/browse/actors?limit=3").text
    assert "4 found, 1 to 3 shown" in first
    following = re.search(r'<a href="([^"]+)" rel="next">', first)
    assert following
    last = page(client, "/browse/actors" + unescape(following.group(1))).text
    assert "4 found, 4 to 4 shown" in last
    assert 'rel="prev"' in last
    assert "0 found" in page(client, "/browse/actors?q=nobody").text
    assert page(client, "/browse/nothing").status_code == 404


def test_docs_list_every_operation_without_the_network(client: httpx.Client) -> None:
    text = page(client, "/docs").text
    for path, methods in client.get("/openapi.json").json()["paths"].items():
        for method in methods:
            assert f"<code>{method.upper()} {path}</code>" in text


def test_errors_are_problems_for_programs_and_pages_for_people(client: httpx.Client) -> None:
    assert client.get("/nothing").headers["content-type"] == "application/problem+json"
    answer = page(client, "/nothing")
    assert answer.status_code == 404
    assert 'role="alert"' in answer.text


def test_no_inside_ever_leaves(kg: KnowledgeGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    app = create_app(kg)

    def broken(_: object) -> None:
        raise RuntimeError("secret path /inside")

    monkeypatch.setattr(type(kg), "questions", broken)
    with serving(app) as client:
        answer = client.get("/api/v1/queries")
        assert answer.status_code == 500
        assert answer.headers["content-type"] == "application/problem+json"
        assert "secret" not in answer.text
        assert "Traceback" not in answer.text
        assert page(client, "/").status_code == 500
        assert client.get("/healthz").json() == {"status": "ok"}


def test_ready_means_that_the_store_answers(kg: KnowledgeGraph) -> None:
    from valueweave.store import EmbeddedStore

    with serving(create_app(KnowledgeGraph(EmbeddedStore.in_memory([]), kg.project))) as client:
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").status_code == 503
