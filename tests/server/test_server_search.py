"""Search over HTTP: as data and as a page."""

from __future__ import annotations

import threading
from html.parser import HTMLParser
from typing import Any

import httpx
import pyoxigraph as ox
import pytest

from valueweave.graph import KnowledgeGraph
from valueweave.namespaces import PREFIXES, SCE
from valueweave.search import Search
from valueweave.store import EmbeddedStore

SEARCH = "/api/v1/search"


def found(client: httpx.Client, status: int = 200, **query: object) -> Any:
    answer = client.get(SEARCH, params={name: str(value) for name, value in query.items()})
    assert answer.status_code == status, answer.text
    return answer.json()


def ids(page: Any) -> list[str]:
    return [item["id"] for item in page["items"]]


def test_what_was_found_says_how_and_where(client: httpx.Client) -> None:
    page = found(client, q="jd logistics")
    first = page["items"][0]
    assert (first["id"], first["rank"], first["label"]) == ("actor/jd-logistics", "exact", "JD Logistics")
    match = first["matches"][0]
    assert (match["property"], match["language"], match["html"]) == (
        "rdfs:label",
        "en",
        "<mark>JD</mark> <mark>Logistics</mark>",
    )
    assert [match["text"][span["start"] : span["end"]] for span in match["spans"]] == ["JD", "Logistics"]
    assert page["kinds"]["actors"] >= 1


def test_a_spelling_of_a_source_finds_the_thing_and_not_itself(client: httpx.Client) -> None:
    page = found(client, q="JDcom Groop")
    assert ids(page) == ["actor/jd"]
    assert page["items"][0]["matches"][0]["property"] == "sce:usedName"
    assert ids(found(client, q="jd-com Grop", kind="actors")) == ["actor/jd"]


def test_kinds_narrow_what_is_found_and_are_counted_all_the_same(client: httpx.Client) -> None:
    everything = found(client, q="stage", limit=200)
    stages = found(client, q="stage", kind="stages")
    assert ids(stages) == ["stage/jd-1", "stage/jd-2"]
    assert stages["kinds"] == everything["kinds"]
    assert stages["total"] == everything["kinds"]["stages"] == 2
    terms = found(client, q="stage", kind="terms")
    assert ids(terms)[0] == "sce:Stage"
    assert all(each.startswith("sce:") for each in ids(terms))
    assert ids(found(client, q="sharing", kind="sce:Interaction")) == ["interaction/jd-1"]
    assert ids(found(client, q="sharing", kind="Interaction")) == ["interaction/jd-1"]
    assert "'actors'" in found(client, 400, q="x", kind="actrs")["remedy"]


def test_labels_follow_the_language(client: httpx.Client) -> None:
    assert found(client, q="京东", lang="zh", kind="actors")["items"][0]["label"] == "京东"
    in_chinese = client.get(SEARCH, params={"q": "jd"}, headers={"Accept-Language": "zh-CN"}).json()
    assert in_chinese["items"][0]["label"] == "京东"


def test_pages_of_hits_hold_everything_once_in_both_directions(client: httpx.Client) -> None:
    whole = ids(found(client, q="jd", limit=200))
    assert len(whole) > 5
    seen: list[str] = []
    path = f"{SEARCH}?q=jd&limit=2"
    while True:
        answer = client.get(path)
        page = answer.json()
        assert page["before"] == len(seen) < len(whole)
        seen += ids(page)
        if not page["next"]:
            break
        assert answer.links["next"]["url"] == page["next"]
        path = page["next"]
    assert seen == whole
    back = ids(client.get(page["previous"]).json())
    assert back == whole[-len(ids(page)) - 2 : -len(ids(page))]


@pytest.mark.parametrize("query", ["", "q=x&limit=0", "q=x&cursor=abc", "q=x&offset=1", "q=" + "x" * 201])
def test_wrong_parameters_are_named(client: httpx.Client, query: str) -> None:
    answer = client.get(f"{SEARCH}?{query}")
    assert answer.status_code == 400
    assert answer.json()["code"] in {"invalid-parameter", "invalid-cursor"}


@pytest.mark.parametrize(
    "text", ["", "   ", "-", "\u0000", "😀", "(((", "%00", "<script>", "\ufdfa", "x" * 200, "a " * 90]
)
def test_anything_may_be_asked(client: httpx.Client, text: str) -> None:
    assert client.get(SEARCH, params={"q": text}).status_code == 200
    assert client.get("/search", params={"q": text}).status_code == 200


def test_an_answer_is_not_sent_again(client: httpx.Client) -> None:
    held = {"If-None-Match": client.get(f"{SEARCH}?q=jd").headers["etag"]}
    assert client.get(f"{SEARCH}?q=jd", headers=held).status_code == 304
    assert client.get(f"{SEARCH}?q=haier", headers=held).status_code == 200


class _Forms(HTMLParser):
    """The fields of the search form, and the text of marks."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: list[str] = []
        self.marks: list[str] = []
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form" and given.get("role") == "search":
            self.action = given["action"]
            assert given["method"] == "get"
        if tag in {"input", "select"} and self.action and given.get("name"):
            self.fields.append(str(given["name"]))
        self._inside = tag == "mark"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.marks.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._inside = False
        if tag == "form":
            self.action = self.action if "q" in self.fields else None


def test_the_form_of_the_start_page_leads_to_a_page_of_hits(client: httpx.Client) -> None:
    browser = {"Accept": "text/html"}
    form = _Forms(client.get("/", headers=browser).text)
    assert form.action == "/search"
    assert {"q", "kind"} <= set(form.fields)
    # A browser sends every field of the form, also those left empty.
    page = client.get("/search", params={"q": "haier & co. <b>", "kind": ""}, headers=browser)
    assert page.headers["content-type"].startswith("text/html")
    assert "1 found" in page.text
    assert '<a href="/id/actor/haier">Haier &amp; Co. &lt;b&gt;</a>' in page.text
    assert "<script" not in page.text
    assert "<b>" not in page.text
    assert "Haier" in _Forms(page.text).marks


def test_a_page_says_what_is_wrong(client: httpx.Client) -> None:
    page = client.get("/search?q=jd&kind=nothing", headers={"Accept": "text/html"})
    assert page.status_code == 400
    assert "There is no kind" in page.text
    assert "Nothing fits" in client.get("/search?q=zzzzzzzz", headers={"Accept": "text/html"}).text


def test_the_index_is_made_once_however_many_ask_first(kg: KnowledgeGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    real = EmbeddedStore.query

    def counting(self: EmbeddedStore, text: str, **given: Any) -> Any:
        asked.append(text)
        return real(self, text, **given)

    monkeypatch.setattr(EmbeddedStore, "query", counting)
    search = Search(kg.store, kg.project.lookups)
    start = threading.Barrier(6)
    totals = []

    def ask() -> None:
        start.wait()
        totals.append(search.page("jd").total)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(totals)) == 1
    assert len(totals) == 6
    assert sum("?naming" in text for text in asked) == 1


def things(*labels: tuple[str, str, int]) -> EmbeddedStore:
    """A store of things with a label each, and as many statements more."""
    named = ox.NamedNode
    quads = []
    for name, label, more in labels:
        thing = named(PREFIXES["id"] + name)
        quads.append(ox.Quad(thing, named(PREFIXES["rdfs"] + "label"), ox.Literal(label, language="en")))
        quads += [ox.Quad(thing, named(SCE + "about"), named(f"{PREFIXES['id']}x/{n}")) for n in range(more)]
    return EmbeddedStore.in_memory(quads)


def test_of_equals_the_one_of_which_more_is_said_comes_first(kg: KnowledgeGraph) -> None:
    store = things(("a/1", "one hub", 1), ("a/2", "two hub", 9), ("a/3", "hub", 0), ("a/4", "hub of all", 0))
    search = Search(store, kg.project.lookups)
    ranked = [(one.thing.rpartition("/")[2], one.rank) for one in search.find("hub")]
    assert ranked == [("3", "exact"), ("4", "prefix"), ("2", "word"), ("1", "word")]
