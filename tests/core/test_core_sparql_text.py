"""Queries are read as the engine reads them: nothing reaches out, and a value stays one value."""

from __future__ import annotations

import subprocess
import sys

import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from valueweave.namespaces import ID, PREFIXES
from valueweave.sparql_errors import syntax_error
from valueweave.sparql_text import QueryError, check_query, query_form, substitute, variables
from valueweave.sparql_tokens import tokens

CALL = "SERVICE <http://127.0.0.1:1/> { ?s ?p ?o }"


@pytest.mark.parametrize(
    "query",
    [
        f"SELECT * {{ {CALL} }}",
        f"SELECT * {{ {CALL.lower()} }}",
        "SELECT * { SERVICE SILENT ?where { ?s ?p ?o } }",
        "SELECT * { SERVICE#comment\n<http://127.0.0.1:1/>#comment\n{ ?s ?p ?o } }",
        "PREFIX : <http://127.0.0.1:1/> SELECT * { SERVICE:x{ ?s ?p ?o } }",
        "SELECT * { ?s ?p 1SERVICE<http://127.0.0.1:1/>{ ?s ?p ?o } }",
        "SELECT * { ?s ?p trueSERVICE<http://127.0.0.1:1/>{ ?s ?p ?o } }",
        'SELECT * { ?s ?p ?o FILTER(?o<?p#y>"""\n) ' + CALL + ' } #"""',
        'SELECT * { VALUES ?x { """a" } ' + CALL + ' } #\\q"""',
        "SELECT * { \\u0053ERVICE <http://127.0.0.1:1/> { ?s ?p ?o } }",
        f"SELECT * {{ ?s ?p 'a # b' . {CALL} }}",
        f"SELECT * {{ # comment\r{CALL} }}",
        f"ASK {{ FILTER EXISTS {{ {CALL} }} }}",
        f"SELECT * {{ #:\n{CALL} }}",
        f"SELECT * {{ ?s ?p sce:\n{CALL} }}",
        "PREFIX a\u1680b: <http://127.0.0.1:1/> SELECT * { SERVICE a\u1680b: { ?s ?p ?o } }",
        "SELECT * { SERVICE SILENT ?a\u00b7b { ?s ?p ?o } }",
        "PREFIX : <http://127.0.0.1:1/> SELECT * { ?s ?p ?o service:x{ ?s ?p ?o } }",
    ],
)
def test_a_call_to_another_service_is_refused_however_it_is_written(query: str) -> None:
    with pytest.raises(QueryError, match="service-refused"):
        check_query(query)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * { ?s a sce:ServiceModule ; sce:service ?o { ?o a sce:Service } }",
        "SELECT ?service { ?service ?p ?o }",
        f'SELECT * {{ ?s ?p "{CALL}" }}',
        f"SELECT * {{ ?s ?p ?o }} # {CALL}",
        "SELECT * { ?s ?p <https://example.org/SERVICE> }",
        "SELECT * { ?s ?p ?o FILTER(CONTAINS(STR(?o), 'self-service is <b> { more')) }",
        "#+ description: which service architecture: front and back {\nSELECT * { ?s ?p ?o }",
    ],
)
def test_the_word_service_in_names_strings_and_comments_is_let_through(query: str) -> None:
    check_query(query)


# Pieces with which one may try to make a checker lose its place.
WORDS = (
    r"< > { } ( ) . : ; , # \ \q \u0027 'a' <2 <?p#y> FILTER( FILTER(?o<?p#y> x: :a x:a true 1 1e5 @en VALUES?x{ ?s?p?o"
)
QUOTES = [
    "#:\n",
    "sce:\n",
    "\u1680",
    "\u00b7",
    "b.",
    "'",
    '"',
    "'''",
    '"""',
    '"a"',
    " ",
    "\n",
    "\r",
    "# comment\n",
    "OPTIONAL{",
    "?s ?p ?o",
]
PIECES = st.lists(st.sampled_from([*WORDS.split(), *QUOTES]), max_size=5).map("".join)
CALLS = st.sampled_from(["SERVICE<http://127.0.0.1:1/>{}", "SERVICE :a {}", "service silent?x{}", "SERVICE#\n:{}"])


def test_what_would_reach_out_is_always_refused() -> None:
    """The engine itself is the judge: whenever it tries to call a service, the check must have refused the text."""
    engine = ox.Store()
    engine.add(ox.Quad(ox.NamedNode("urn:s"), ox.NamedNode("urn:p"), ox.Literal(1)))
    called = 0

    @settings(max_examples=3000, deadline=None, database=None, derandomize=True)
    @given(PIECES, CALLS, PIECES)
    def attempt(before: str, call: str, after: str) -> None:
        nonlocal called
        for closing in ("}", "}}", "\n}", '"""\n}'):
            query = f"PREFIX : <http://127.0.0.1:1/> PREFIX x: <urn:x> SELECT * {{ {before}{call}{after}{closing}"
            try:
                list(engine.query(query))  # type: ignore[arg-type]
            except SyntaxError:
                continue
            except OSError:
                called += 1
                with pytest.raises(QueryError):
                    check_query(query)

    attempt()
    assert called > 100, "the attempts must reach the engine's caller, or this test shows nothing"


LONG = ("a.", "a-.", "a1.", "a:b.", "?a.", "1a", "@a.", "_", ":", "<a", "<", "''a", "'a", '"', "%41", "SERVICE", "#:")


def test_a_long_text_is_cut_in_a_time_that_grows_as_it_does() -> None:
    """Texts of a million characters: with time growing as the square this would take days, and be ended here."""
    program = (
        "import sys; from valueweave.sparql_text import *; from valueweave.sparql_tokens import tokens\n"
        "for piece in sys.argv[1:]:\n"
        "    text = piece * (1_000_000 // len(piece))\n"
        "    assert sum(len(token.text) for token in tokens(text)) == len(text)\n"
        "    query_form(text)\n"
        "    try: check_query(text)\n"
        "    except QueryError: pass\n"
    )
    subprocess.run([sys.executable, "-c", program, *LONG], check=True, timeout=300)


@given(st.text(max_size=60))
def test_tokens_joined_are_the_text(text: str) -> None:
    assert "".join(token.text for token in tokens(text)) == text


TERMS = st.one_of(
    st.text(alphabet=st.characters(exclude_categories=["Cs"])).map(ox.Literal),
    st.integers().map(ox.Literal),
    st.text(alphabet=st.characters(exclude_categories=["Cs"])).map(lambda text: ox.Literal(text, language="en")),
)


@given(TERMS)
def test_a_value_comes_out_as_it_went_in_whatever_it_holds(term: ox.Literal) -> None:
    engine = ox.Store()
    engine.add(ox.Quad(ox.NamedNode("urn:s"), ox.NamedNode("urn:p"), term))
    engine.add(ox.Quad(ox.NamedNode("urn:s"), ox.NamedNode("urn:p"), ox.NamedNode("urn:other")))
    bound = substitute("SELECT ?s ?_x { ?s <urn:p> ?_x }", {"_x": term})
    rows = list(engine.query(bound))  # type: ignore[arg-type]
    assert [(row[0], row[1]) for row in rows] == [(ox.NamedNode("urn:s"), term)]


def test_only_variables_get_values_not_comments_strings_or_longer_names() -> None:
    text = substitute("SELECT ?s { ?s ?p ?x, ?xy, $x, '?x' } # ?x", {"x": ox.Literal(1)})
    one = '"1"^^<http://www.w3.org/2001/XMLSchema#integer>'
    assert text == f"SELECT ?s {{ ?s ?p {one}, ?xy, {one}, '?x' }} # ?x"


def test_a_projected_value_stays_a_column_and_bound_is_true() -> None:
    engine = ox.Store()
    engine.update("INSERT DATA { <urn:a> <urn:p> 1 . <urn:b> <urn:p> 2 }")
    text = "SELECT ?s (?o + 0 AS ?n) { ?s <urn:p> ?o FILTER(BOUND(?s)) { SELECT ?s { ?s <urn:p> ?any } } }"
    rows = list(engine.query(substitute(text, {"s": ox.NamedNode("urn:b")})))  # type: ignore[arg-type]
    assert [(row["s"].value, row["n"].value) for row in rows] == [("urn:b", "2")]


@pytest.mark.parametrize("query", ["SELECT (1 AS ?x) {}", "SELECT * { VALUES ?x { 1 } }", "SELECT ?x {} GROUP BY ?x"])
def test_a_variable_that_the_query_assigns_takes_no_value(query: str) -> None:
    with pytest.raises(QueryError, match="assigned-variable"):
        substitute(query, {"x": ox.Literal(1)})


def test_no_value_is_put_into_a_text_that_reads_in_two_ways() -> None:
    with pytest.raises(QueryError, match="unreadable-query"):
        substitute("SELECT ?x { FILTER(?x<?y#>) ?x }", {"x": ox.Literal(1)})


@pytest.mark.parametrize(
    ("query", "place", "words"),
    [
        ("SELEC ?s", "1:1", "start with SELECT, ASK"),
        ("hello", "1:1", "start with SELECT, ASK"),
        ("SELECT ?s { ?s ?p ?o }\nORDR BY ?s", "2:1", "'ORDER'"),
        ("SELECT ?s { ?s ?p '京东' FILTR(?s) }", "1:24", "'FILTER'"),
        ("SELECT ?s { ?s ?p ?o } LIMIT x", "1:30", "x: "),
        ("SELECT ?s\nWHERE { ?s foo:p ?o }", "2:12", "prefix that it does not declare"),
        ("SELECT ?s WHERE {", "1:", "ends too early"),
        ("", "1:1", "empty"),
        ("INSERT DATA { <urn:a> <urn:b> 1 }", "1:", "not updates"),
        ("SELECT ?s WHERE { ?s ?p ?o } GROUP BY ?o", "1:", "neither grouped"),
        ("SELECT ?s WHERE {\n  ?s ?p }", "2:9", "does not parse here"),
        ("ASK { id:actor/jd a sce:Actor }", "1:7: error: id:actor/jd", "Write <actor/jd>: relative IRIs"),
        ("SELECT ?s {\n ?s sce:p id:a/b/c-1. }", "2:11: error: id:a/b/c-1", "Write <a/b/c-1>"),
        ("ASK { ?s id:a/jd ?o }", "1:10: error: id:a/jd", "Write <a/jd>"),
        ("BASE <http://b/> ASK { id:a/b ?p ?o }", "1:24", "Write <https://w3id.org/valueweave/id/a/b>."),
        ("ASK { GRAPH graph:case/x { ?s ?p ?o } }", "1:13", "Write <https://w3id.org/valueweave/graph/case/x>."),
        ("ASK { ?s sce:a/foo ?o }", "1:16: error: foo", "does not parse here"),
        ("ASK { _:x foo:p 2 }", "1:11: error: foo:p", "prefix that it does not declare"),
        ('ASK { ?s ?p "1"^^foo:integer }', "1:18: error: foo:integer", "prefix that it does not declare"),
    ],
)
def test_a_query_that_does_not_parse_is_told_with_its_place(query: str, place: str, words: str) -> None:
    with pytest.raises(SyntaxError) as caught:
        ox.Store().query(query)
    told = str(syntax_error(caught.value, query, file="q.rq"))
    assert told.startswith(f"q.rq:{place}")
    assert words in told


@pytest.mark.parametrize(
    ("update", "place", "words"),
    [
        ("INSERT DATA {\n <urn:a> foo:b 1 }", "2:10: error: foo:b", "update uses a prefix that it does not declare"),
        ("INSRT DATA { <urn:a> <urn:b> 1 }", "1:1: error: INSRT", "'INSERT'"),
        ("PREFIX a: <urn:a> INSRT DATA { }", "1:19: error: INSRT", "'INSERT'"),
        ("INSERT DTA { <urn:a> <urn:b> 1 }", "1:8: error: DTA", "'DATA'"),
        ("INSERT { ?s ?p 1 } WHER { ?s ?p 2 }", "1:20: error: WHER", "'WHERE'"),
        ("INSERT DATA { } ; DELET WHERE { ?s ?p ?o }", "1:19: error: DELET", "'DELETE'"),
        ("INSERT DATA { } DELETE DATA { }", "1:17: error: DELETE", "';' between two operations"),
        ("INSERT DATA { <urn:a> <urn:b> ?c }", "1:31: error: ?c", "no variables"),
        ("INSERT DATA { id:actor/jd <urn:b> 1 }", "1:15: error: id:actor/jd", "Write <actor/jd>"),
        ("INSERT DATA { <urn:a> <urn:b> ", "1:31", "The update ends too early"),
        ("SELECT * { ?s ?p ?o }", "1:1: error: SELECT", "not queries"),
        ("hello", "1:1: error: hello", "Updates start with INSERT"),
    ],
)
def test_an_update_that_does_not_parse_is_told_with_its_place(update: str, place: str, words: str) -> None:
    with pytest.raises(SyntaxError) as caught:
        ox.Store().update(update, base_iri=ID, prefixes=PREFIXES)
    told = str(syntax_error(caught.value, update, kind="update"))
    assert told.startswith(place)
    assert words in told


def test_the_fault_of_a_long_text_is_found_in_a_few_readings(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "\n".join(f"<urn:s{number}> <urn:p> 'text' ." for number in range(2000))
    update = f"INSERT DATA {{ {rows} <urn:a> foo:b 1 . {rows} }}"
    readings, engine = [], ox.Store()

    class Counting:
        def update(self, text: str, **more: object) -> None:
            readings.append(text)
            engine.update(text, base_iri=ID, prefixes=PREFIXES)

    with pytest.raises(SyntaxError) as caught:
        Counting().update(update)
    monkeypatch.setattr("valueweave.sparql_errors.ox.Store", Counting)
    assert "foo:b" in str(syntax_error(caught.value, update, kind="update"))
    assert len(readings) < 8


def test_form_and_variables() -> None:
    query = "# SELECT\nPREFIX select: <urn:x> ask { ?a $b 'text ?c' }"
    assert query_form(query) == "ASK"
    assert variables(query) == ["a", "b"]
    assert query_form("INSERT DATA {}") is None
