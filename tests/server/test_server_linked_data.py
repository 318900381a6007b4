"""Linked data: descriptions of things and of the ontology."""

from __future__ import annotations

import httpx
import pyoxigraph as ox
import pytest

from valueweave.namespaces import ID, PREFIXES, SCE

JD = ox.NamedNode(ID + "actor/jd")
FORMATS = [
    ("text/turtle", ox.RdfFormat.TURTLE),
    ("application/ld+json", ox.RdfFormat.JSON_LD),
    ("application/rdf+xml", ox.RdfFormat.RDF_XML),
    ("application/n-triples", ox.RdfFormat.N_TRIPLES),
]


def triples(answer: httpx.Response, reader: ox.RdfFormat) -> set[ox.Triple]:
    return {quad.triple for quad in ox.parse(answer.content, format=reader)}


@pytest.mark.parametrize(("media_type", "reader"), FORMATS)
def test_a_thing_leads_to_the_document_about_it_in_the_format_wanted(
    client: httpx.Client, media_type: str, reader: ox.RdfFormat
) -> None:
    sent_on = client.get("/id/actor/jd", headers={"Accept": media_type}, follow_redirects=False)
    assert sent_on.status_code == 303
    assert sent_on.content == b""
    assert "Accept" in sent_on.headers["vary"]
    answer = client.get(sent_on.headers["location"], follow_redirects=False)
    assert answer.status_code == 200
    assert answer.headers["content-type"].split(";")[0] == media_type
    assert answer.headers["content-location"] == sent_on.headers["location"]
    found = triples(answer, reader)
    plain = triples(client.get("/id/actor/jd", headers={"Accept": "application/n-triples"}), ox.RdfFormat.N_TRIPLES)
    assert found == plain


def test_a_browser_is_led_to_a_page_in_the_language_asked_for(client: httpx.Client) -> None:
    sent_on = client.get("/id/actor/jd?lang=zh", headers={"Accept": "text/html"}, follow_redirects=False)
    assert (sent_on.status_code, sent_on.headers["location"]) == (303, "/id/actor/jd?format=html&lang=zh")
    assert "<h1>京东</h1>" in client.get(sent_on.headers["location"]).text


def test_a_thing_names_the_documents_about_it_and_a_document_its_thing(client: httpx.Client) -> None:
    thing = client.get("/id/actor/jd", follow_redirects=False).headers["link"]
    assert '</id/actor/jd?format=jsonld>; rel="describedby"; type="application/ld+json"' in thing
    for path in ("/id/actor/jd?format=turtle", "/id/actor/jd?format=html", "/api/v1/actors/jd"):
        link = client.get(path).headers["link"]
        assert f'<{JD.value}>; rel="canonical"' in link, path
        assert '</id/actor/jd?format=turtle>; rel="describedby"; type="text/turtle"' in link, path


def test_the_ontology_is_a_document_and_is_sent_at_once(client: httpx.Client) -> None:
    answer = client.get("/ontology", follow_redirects=False)
    assert answer.status_code == 200
    assert f'<{SCE.rstrip("#")}>; rel="canonical"' in answer.headers["link"]


def test_a_description_holds_evidence_neighbours_and_labels(client: httpx.Client) -> None:
    found = triples(client.get("/id/actor/jd", headers={"Accept": "text/turtle"}), ox.RdfFormat.TURTLE)
    label = ox.NamedNode(PREFIXES["rdfs"] + "label")
    platform, finding = ox.NamedNode(ID + "platform/jd-mall"), ox.NamedNode(ID + "finding/one")
    item = ox.NamedNode(ID + "actor/jd/evidence/000-10-20")
    assert ox.Triple(JD, ox.NamedNode(SCE + "operates"), platform) in found
    assert ox.Triple(platform, label, ox.Literal("JD Mall", language="en")) in found
    assert ox.Triple(item, ox.NamedNode(SCE + "section"), ox.Literal("2.1")) in found
    assert ox.Triple(finding, ox.NamedNode(SCE + "about"), JD) in found
    assert ox.Triple(finding, label, ox.Literal("A finding", language="en")) in found


def test_turtle_is_for_readers(client: httpx.Client) -> None:
    text = client.get("/id/actor/jd", headers={"Accept": "text/turtle"}).text
    body = [line for line in text.splitlines() if not line.startswith("@prefix")]
    assert body[0].startswith("<https://w3id.org/valueweave/id/actor/jd> a sce:")
    assert "\\/" not in text
    assert text == client.get("/id/actor/jd", headers={"Accept": "text/turtle"}).text


def test_without_a_wish_it_is_turtle_and_a_browser_gets_a_page(client: httpx.Client) -> None:
    assert client.get("/id/actor/jd").headers["content-type"].startswith("text/turtle")
    page = client.get("/id/actor/jd", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert page.headers["content-type"].startswith("text/html")
    assert "JD Mall" in page.text
    assert client.get("/id/actor/jd?format=jsonld", headers={"Accept": "text/html"}).json()[0]["@id"].startswith(ID)


def test_a_page_follows_the_language(client: httpx.Client) -> None:
    page = client.get("/id/actor/jd?format=html", headers={"Accept-Language": "zh"})
    assert "<h1>京东</h1>" in page.text
    assert "组织" in page.text


@pytest.mark.parametrize("path", ["actor/nobody", "actor/%3Cscript%3E", "", "actor/a%20b"])
def test_an_unknown_thing_is_not_found(client: httpx.Client, path: str) -> None:
    answer = client.get(f"/id/{path}", headers={"Accept": "text/turtle"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    page = client.get(f"/id/{path}", headers={"Accept": "text/html"})
    assert page.status_code == 404
    assert "<script" not in page.text


def test_a_format_nobody_writes_is_not_acceptable(client: httpx.Client) -> None:
    assert client.get("/id/actor/jd", headers={"Accept": "application/pdf"}).status_code == 406
    assert client.get("/id/actor/jd?format=docx").status_code == 406


def test_a_description_is_not_sent_again_to_those_who_hold_it(client: httpx.Client) -> None:
    address = "/id/actor/jd?format=turtle"
    first = client.get(address)
    assert client.get(address, headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    assert client.head(address).headers["etag"] == first.headers["etag"]


def test_a_description_says_what_else_there_is(client: httpx.Client) -> None:
    link = client.get("/id/actor/jd").headers["link"]
    assert f'<{JD.value}>; rel="describes"' in link
    assert '</id/actor/jd?format=jsonld>; rel="alternate"; type="application/ld+json"' in link


@pytest.mark.parametrize(("media_type", "reader"), FORMATS)
def test_the_ontology_is_the_whole_ontology(client: httpx.Client, media_type: str, reader: ox.RdfFormat) -> None:
    answer = client.get("/ontology", headers={"Accept": media_type})
    assert answer.headers["content-type"].split(";")[0] == media_type
    counted = client.get(
        "/sparql",
        params={"query": "SELECT (COUNT(*) AS ?n) { GRAPH graph:ontology { ?s ?p ?o } }", "format": "csv"},
    )
    assert len(triples(answer, reader)) == int(counted.text.split()[1]) > 1000


def test_the_ontology_page_has_an_anchor_for_each_term(client: httpx.Client) -> None:
    page = client.get("/ontology", headers={"Accept": "text/html"}).text
    assert 'id="Stage"' in page
    assert 'id="hasEvidence"' in page
    assert "证据" in page
