"""Case files as linked data: ids, places, statements; the same graph from two JSON-LD readers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
import rdflib

from valueweave.authoring import generate_context, load_documents
from valueweave.authoring.tree import Number, Scalar
from valueweave.namespaces import GRAPH, ID, SCE
from valueweave.ontology import OntologyIndex
from valueweave.problems import InputError
from valueweave.project import Project

RDF_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
XSD = "http://www.w3.org/2001/XMLSchema#"


def values(document: Any, subject: str, local: str) -> list[Any]:
    node, predicate = ox.NamedNode(ID + subject), ox.NamedNode(SCE + local)
    return [q.object for q in document.quads() if q.subject == node and q.predicate == predicate]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("000", "000"),
        ("007.5", "007.5"),
        ("2007", 2007),
        ("-3", -3),
        ("3.10", Number("3.10")),
        ("1e3", Number("1e3")),
        (".inf", Number(".inf")),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("0x1F", "0x1F"),
        ("0o17", "0o17"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2020-01-01", "2020-01-01"),
        ("2.1.1", "2.1.1"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_plain_values_are_read_by_the_core_schema(text: str, value: object) -> None:
    found = Scalar(0, len(text), text, True).value
    assert (found, type(found)) == (value, type(value))
    assert Scalar(0, len(text), text, False).value == text


def test_a_decimal_keeps_its_form_and_a_year_is_an_integer(place: Any) -> None:
    document = place.document()
    assert values(document, "outcome/jd-share", "valueAfter") == [
        ox.Literal("99.50", datatype=ox.NamedNode(XSD + "decimal"))
    ]
    assert values(document, "outcome/jd-share", "valueBefore") == [
        ox.Literal("95", datatype=ox.NamedNode(XSD + "decimal"))
    ]
    assert values(document, "stage/jd-1", "startYear") == [ox.Literal("2007", datatype=ox.NamedNode(XSD + "integer"))]


def test_a_section_that_looks_like_a_number_stays_the_text_it_was(place: Any) -> None:
    place.change('section: "2.1", start', "section: 3.10, start")
    assert place.problems() == []
    (item,) = values(place.document(), "stage/jd-1", "hasEvidence")
    found = [q.object for q in place.document().quads() if q.subject == item and q.predicate.value == SCE + "section"]
    assert found == [ox.Literal("3.10")]


def test_values_of_closed_lists_and_names_of_keys_become_terms_of_the_ontology(place: Any) -> None:
    document = place.document()
    (item,) = values(document, "outcome/jd-share", "hasEvidence")
    found = {(q.predicate.value, q.object.value) for q in document.quads() if q.subject == item}
    assert (SCE + "hasEvidenceKind", SCE + "interpreted") in found
    assert (SCE + "supports", SCE + "valueAfter") in found
    assert (SCE + "supports", "http://www.w3.org/2000/01/rdf-schema#label") in found


def test_evidence_gets_the_source_of_the_file_and_an_id_from_source_and_span(place: Any) -> None:
    document = place.document()
    (item,) = values(document, "stage/jd-1", "hasEvidence")
    assert item.value.startswith(ID + "stage/jd-1/evidence/000-")
    found = {q.predicate.value: q.object for q in document.quads() if q.subject == item}
    assert found[SCE + "inSource"] == ox.NamedNode(ID + "source/000")
    assert found[RDF_TYPE] == ox.NamedNode(SCE + "EvidenceItem")


def test_what_a_file_adds_to_an_id_of_another_has_ids_of_its_own(place: Any) -> None:
    (item,) = values(place.document(), "actor/jd", "hasEvidence")
    assert item.value.startswith(ID + "actor/jd/case-jd/evidence/000-")


def test_equal_spans_of_one_record_get_different_ids(place: Any) -> None:
    line = next(line for line in place.case.read_text("utf-8").splitlines() if line.startswith("      - {section"))
    place.change(line, line + "\n" + line)
    one, two = (item.value for item in values(place.document(), "stage/jd-1", "hasEvidence"))
    assert two == one + "-2"


def test_nested_records_need_neither_id_nor_type(place: Any) -> None:
    place.change(
        "    order: 1\n",
        "    order: 1\n    names:\n      - {name: the first stage, nameLanguage: en, attribution: curatorGiven}\n"
        "      - {id: name/second, name: stage one, nameLanguage: en, attribution: curatorGiven}\n",
    )
    assert place.problems() == []
    document = place.document()
    assert values(document, "stage/jd-1", "hasNameUse") == [
        ox.NamedNode(ID + "stage/jd-1/names/1"),
        ox.NamedNode(ID + "name/second"),
    ]
    types = {q.subject.value: q.object.value for q in document.quads() if q.predicate.value == RDF_TYPE}
    assert types[ID + "stage/jd-1/names/1"] == types[ID + "name/second"] == SCE + "NameUse"


def test_each_file_fills_one_graph(place: Any) -> None:
    documents = load_documents(place.project.data_files(), place.project, place.ontology)
    assert [d.graph_iri for d in documents] == [GRAPH + "sources", GRAPH + "things", GRAPH + "case/jd"]
    for document in documents:
        assert {str(q.graph_name) for q in document.quads()} == {f"<{document.graph_iri}>"}


def test_records_are_told_with_pointer_and_types(place: Any) -> None:
    found = [(r.iri.removeprefix(ID), r.pointer, r.types) for r in place.document().records()]
    assert found == [
        ("stage/jd-1", "/includes/0", (SCE + "Stage",)),
        ("outcome/jd-share", "/includes/1", (SCE + "Outcome",)),
        ("actor/jd", "/includes/2", ()),
    ]


def test_every_key_and_value_has_its_place(place: Any) -> None:
    document = place.document()
    assert document.position("/includes/0/startYear") == (place.line_of("startYear: 2007"), 16)
    assert document.position("/includes/1/evidence/0/supports/1") == (place.line_of("valueAfter, label"), 32)
    assert document.position("/includes/0/nothing/at/all") == document.position("/includes/0")
    found = document.locate(ID + "stage/jd-1", SCE + "startYear")
    assert found == (place.line_of("startYear: 2007"), 5, "stage/jd-1", "startYear")
    assert document.locate(ID + "stage/jd-1", SCE + "endsIn") == (
        place.line_of("stage/jd-1"),
        5,
        "stage/jd-1",
        None,
    ) or (
        document.locate(ID + "stage/jd-1", SCE + "endsIn") == (place.line_of("stage/jd-1"), 5, "stage/jd-1", "endsIn")
    )
    assert document.locate(ID + "nothing/here") is None


def test_a_value_in_a_list_is_located_itself(place: Any) -> None:
    place.change("inScheme: scheme/value", "inScheme:\n      - scheme/value\n      - scheme/other")
    line = place.line_of("scheme/other")
    found = place.document().locate(ID + "stage/jd-1", SCE + "inScheme", ID + "scheme/other")
    assert found == (line, 9, "stage/jd-1", "inScheme")


def test_loading_raises_all_problems_of_all_files(place: Any) -> None:
    place.write("a: [")
    (place.project.data / "things.yaml").write_text("", "utf-8")
    with pytest.raises(InputError) as error:
        load_documents(place.project.data_files(), place.project)
    assert {(Path(p.file or "").name, p.code) for p in error.value.problems} == {
        ("jd.yaml", "yaml-syntax"),
        ("things.yaml", "empty-file"),
    }


def _read_by_rdflib(document: Any, context: dict[str, Any]) -> set[Any]:
    text = json.dumps({"@context": context["@context"], **document.data})
    return set(rdflib.Graph().parse(data=text, format="json-ld", base=ID))


def _read_by_oxigraph(document: Any) -> set[Any]:
    lines = ox.serialize([q.triple for q in document.quads()], format=ox.RdfFormat.N_TRIPLES)
    return set(rdflib.Graph().parse(data=lines, format="nt"))


def _project_files() -> list[Path]:
    home = Path(__file__).parents[2]
    return Project(home, home / "build").data_files()


@pytest.mark.parametrize("path", _project_files(), ids=lambda path: path.name)
def test_two_json_ld_readers_give_the_same_graph_without_blank_nodes(
    path: Path, ontology: OntologyIndex, context: dict[str, Any]
) -> None:
    home = Path(__file__).parents[2]
    (document,) = load_documents([path], Project(home, home / "build"), ontology)
    assert not any(isinstance(node, ox.BlankNode) for q in document.quads() for node in (q.subject, q.object))
    found = _read_by_oxigraph(document)
    assert len(found) > 10
    assert found == _read_by_rdflib(document, context)


def test_the_context_in_the_project_is_the_one_made_from_the_ontology(ontology: OntologyIndex) -> None:
    home = Path(__file__).parents[2]
    written = json.loads((home / "ontology" / "context.jsonld").read_text("utf-8"))
    assert written == generate_context(ontology), "run 'valueweave generate context'"


def test_two_properties_cannot_have_one_key() -> None:
    def make(*lines: str) -> OntologyIndex:
        head = f"@prefix sce: <{SCE}> . @prefix owl: <http://www.w3.org/2002/07/owl#> ."
        return OntologyIndex(q.triple for q in ox.parse("\n".join((head, *lines)), format=ox.RdfFormat.TURTLE))

    one = 'sce:hasName a owl:ObjectProperty ; sce:authoringKey "name" .'
    assert "name" in generate_context(make(one))["@context"]
    for other in ("sce:name a owl:DatatypeProperty .", 'sce:x a owl:DatatypeProperty ; sce:authoringKey "type" .'):
        with pytest.raises(InputError, match="key-clash"):
            generate_context(make(one, other))


def test_a_value_cannot_have_the_name_of_a_key() -> None:
    turtle = f"""@prefix sce: <{SCE}> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
        @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
        sce:Kind a owl:Class . sce:ofKind a owl:ObjectProperty ; rdfs:range sce:Kind .
        sce:stated a owl:NamedIndividual, sce:Kind .
        sce:isStated a owl:DatatypeProperty ; sce:authoringKey "stated" ."""
    with pytest.raises(InputError, match="value-clash"):
        generate_context(OntologyIndex(q.triple for q in ox.parse(turtle, format=ox.RdfFormat.TURTLE)))
