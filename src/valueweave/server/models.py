"""The published shapes of JSON answers.

In: what was read from the graph. Out: models that document themselves in the OpenAPI description.
The decision hidden here: the names and nesting of JSON; a change here is a change of the interface.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from valueweave.search import Rank

__all__ = [
    "Disagreement",
    "Evidence",
    "Item",
    "ListPage",
    "MatchDocument",
    "ProblemDocument",
    "QuestionInfo",
    "QuestionList",
    "QuestionParameter",
    "Reference",
    "RelatedThing",
    "RelatedThings",
    "SearchHit",
    "SearchPage",
    "SpanDocument",
    "Statistics",
    "Summary",
    "TypeReference",
    "Value",
    "ValuesOf",
]


class Reference(BaseModel):
    """A thing, named so that people can read it and programs can follow it."""

    id: str = Field(description="Short form: a path in the id namespace, or a prefixed name", examples=["actor/jd"])
    iri: str = Field(description="Full IRI", examples=["https://w3id.org/valueweave/id/actor/jd"])
    label: str = Field(
        description="Label in the language asked for, else English, else any, else the id", examples=["JD"]
    )
    href: str | None = Field(default=None, description="Where this server describes it", examples=["/id/actor/jd"])


_EXPLANATION = Field(
    default=None,
    description="Where this server says why an inferred statement holds; none for one that somebody wrote down",
    examples=["/api/v1/explain?subject=actor%2Fjd&predicate=a&object=sce%3AActor"],
)


class TypeReference(Reference):
    """A class that a thing belongs to."""

    inferred: bool = Field(
        default=False, description="Whether this follows from other statements and nobody wrote it down"
    )
    explanation: str | None = _EXPLANATION


class Value(BaseModel):
    """One value of a property: a thing (with `id`) or a literal (with `value`)."""

    id: str | None = Field(default=None, description="Short form of the thing", examples=["stage/jd-1"])
    iri: str | None = Field(default=None, description="Full IRI of the thing")
    label: str | None = Field(default=None, description="Label of the thing")
    href: str | None = Field(default=None, description="Where this server describes the thing")
    value: bool | int | float | str | None = Field(
        default=None, description="The literal as a JSON value", examples=[2007]
    )
    lexical: str | None = Field(
        default=None, description="The literal as written, for numbers exactly", examples=["2007"]
    )
    datatype: str | None = Field(default=None, description="Datatype of the literal", examples=["xsd:integer"])
    language: str | None = Field(default=None, description="Language of the literal", examples=["en"])
    inferred: bool = Field(
        default=False, description="Whether the statement follows from others and nobody wrote it down"
    )
    graphs: list[str] = Field(
        default_factory=list, description="Files (named graphs) that state it", examples=[["graph:case/jd-2007-2021"]]
    )
    explanation: str | None = _EXPLANATION


class ValuesOf(BaseModel):
    """The values of one property."""

    iri: str = Field(description="IRI of the property", examples=["https://w3id.org/valueweave/ontology#startYear"])
    label: str = Field(description="Label of the property", examples=["start year"])
    values: list[Value]


class RelatedThing(Reference):
    """A thing that points to another one."""

    inferred: bool = Field(default=False, description="Whether the statement follows from others")
    explanation: str | None = _EXPLANATION


class RelatedThings(BaseModel):
    """Things that point to this one by one property."""

    iri: str = Field(description="IRI of the property")
    label: str = Field(description="Label of the property")
    total: int = Field(description="How many there are")
    things: list[RelatedThing] = Field(description="The first of them, by IRI")


class Evidence(BaseModel):
    """A passage that backs a record."""

    id: str = Field(description="Short form of the evidence item's IRI")
    iri: str
    source: Reference | None = Field(default=None, description="The text it is in")
    section: str | None = Field(default=None, description="Section of the text", examples=["2.1.1"])
    start: int | None = Field(default=None, description="First character (Unicode code points from 0) in the text file")
    end: int | None = Field(default=None, description="The character after the last one")
    sha256: str | None = Field(default=None, description="SHA-256 of the passage in UTF-8")
    kind: str | None = Field(default=None, description="`stated`, `table` or `interpreted`", examples=["stated"])
    reason: str | None = Field(default=None, description="Why it was read so, where it is interpreted")
    supports: list[str] = Field(default_factory=list, description="Keys that it backs; the whole record when empty")


class Disagreement(Reference):
    """A discrepancy that bears on a thing, on one of its spellings or on one of its values as stated."""

    kinds: list[Reference] = Field(default_factory=list, description="What does not agree")
    derived: bool = Field(description="Whether a rule found it, and no curator wrote it down")
    rules: list[Reference] = Field(default_factory=list, description="Rules that found or confirmed it")
    properties: list[str] = Field(default_factory=list, description="Keys of the properties at issue")
    description: str | None = Field(default=None, description="What disagrees, in the language asked for")
    resolution: str | None = Field(default=None, description="How it may be resolved, where someone says so")


class Summary(Reference):
    """A thing in a list."""

    types: list[Reference] = Field(description="Its most specific classes")
    description: str | None = Field(default=None, description="Description in the language asked for")


class ListPage(BaseModel):
    """A page of a list."""

    resource: str = Field(description="Name of the list", examples=["actors"])
    total: int = Field(description="How many things fit the filters")
    limit: int = Field(description="How many things a page holds")
    before: int = Field(description="How many of these come before this page, as the graph is now")
    first: str = Field(description="Address of the first page")
    next: str | None = Field(default=None, description="Address of the next page")
    previous: str | None = Field(default=None, description="Address of the page before")
    items: list[Summary]


class Item(Reference):
    """Everything the graph says of a thing."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "stage/jd-1",
                    "iri": "https://w3id.org/valueweave/id/stage/jd-1",
                    "label": "JD first stage",
                    "href": "/id/stage/jd-1",
                    "labels": {"en": "JD first stage", "zh": "京东第一阶段"},
                    "types": [
                        {
                            "id": "sce:Stage",
                            "iri": "https://w3id.org/valueweave/ontology#Stage",
                            "label": "stage",
                            "href": "/ontology#Stage",
                            "inferred": False,
                        }
                    ],
                    "properties": {
                        "startYear": {
                            "iri": "https://w3id.org/valueweave/ontology#startYear",
                            "label": "start year",
                            "values": [
                                {"value": 2007, "lexical": "2007", "datatype": "xsd:integer", "inferred": False}
                            ],
                        }
                    },
                    "evidence": [{"id": "stage/jd-1/evidence/000-5120-5137", "section": "2.1.1", "kind": "stated"}],
                    "discrepancies": [],
                    "incoming": {},
                }
            ]
        }
    )

    labels: dict[str, str] = Field(description="Labels by language (`und` for none)")
    alternatives: list[Value] = Field(description="Alternative labels")
    description: str | None = Field(default=None, description="Description in the language asked for")
    types: list[TypeReference] = Field(description="All its classes, the most specific first")
    properties: dict[str, ValuesOf] = Field(description="Values by key; keys are those of the case files")
    evidence: list[Evidence] = Field(description="Passages that back the record")
    discrepancies: list[Disagreement] = Field(description="Where something said of it disagrees; also what rules found")
    incoming: dict[str, RelatedThings] = Field(
        description="Things that point here, by key; where the ontology names an inverse they stand in `properties`"
    )


class SpanDocument(BaseModel):
    """A part of a text."""

    start: int = Field(description="First character (Unicode code points from 0)")
    end: int = Field(description="The character after the last one")


class MatchDocument(BaseModel):
    """A text in which something matched."""

    property: str = Field(description="The property it stands under", examples=["rdfs:label"])
    language: str | None = Field(default=None, description="Its language", examples=["en"])
    text: str = Field(description="The whole text")
    spans: list[SpanDocument] = Field(description="What matched")
    html: str = Field(
        description="The text as HTML, with what matched in `<mark>`", examples=["<mark>JD</mark> Logistics"]
    )


class SearchHit(Reference):
    """A thing or term that was found."""

    rank: Rank = Field(
        description="How it was found: a name is what was asked, begins with it, holds its words, or words like them; "
        "or names and descriptions hold the words between them"
    )
    types: list[Reference] = Field(description="Its most specific classes")
    statements: int = Field(description="In how many statements it stands")
    matches: list[MatchDocument] = Field(description="Where, the best first; four at most")


class SearchPage(BaseModel):
    """A page of what was found."""

    model_config = ConfigDict(populate_by_name=True)

    schema_: Literal["https://w3id.org/valueweave/schema/search-1"] = Field(
        default="https://w3id.org/valueweave/schema/search-1", alias="schema", description="Which JSON this is"
    )
    query: str = Field(description="What was asked", examples=["hailfang"])
    total: int = Field(description="How many things fit, of the kind asked for")
    limit: int = Field(description="How many things a page holds")
    before: int = Field(description="How many of these come before this page, as the graph is now")
    kinds: dict[str, int] = Field(
        description="How many fit by list, `terms` and `other`, whatever kind was asked for", examples=[{"actors": 2}]
    )
    first: str = Field(description="Address of the first page")
    next: str | None = Field(default=None, description="Address of the next page")
    previous: str | None = Field(default=None, description="Address of the page before")
    items: list[SearchHit]


class QuestionParameter(BaseModel):
    """What a question may be asked about."""

    name: str
    type: str = Field(description="`iri`, `string`, `integer`, `decimal`, `boolean`, or a language")
    required: bool = Field(description="Whether a value must be given")
    default: str | None = Field(default=None, description="Value when none is given")
    description: str = ""
    choices: list[str] = Field(default_factory=list, description="Values allowed; any when empty")


class QuestionInfo(BaseModel):
    """A competency question."""

    name: str = Field(examples=["stages-by-case"])
    summary: str
    description: str = ""
    tags: list[str] = Field(default_factory=list)
    parameters: list[QuestionParameter] = Field(default_factory=list)
    href: str = Field(description="Address that answers it", examples=["/api/v1/queries/stages-by-case"])
    query: str = Field(description="The SPARQL text")


class QuestionList(BaseModel):
    """All competency questions."""

    total: int
    items: list[QuestionInfo]


class Statistics(BaseModel):
    """What the graph holds."""

    version: str = Field(description="Version of the store")
    built_at: str | None = Field(default=None, description="When it was built (ISO 8601)")
    counts: dict[str, int] = Field(description="Files, records, evidence items, statements")
    resources: dict[str, int] = Field(description="Members of each list", examples=[{"actors": 40, "stages": 8}])
    types: dict[str, int] = Field(description="Members of each class", examples=[{"sce:Stage": 8}])
    graphs: dict[str, int] = Field(description="Statements of each named graph")


class ProblemDocument(BaseModel):
    """What is wrong with a request (RFC 9457)."""

    type: str = Field(description="IRI of the kind of problem")
    title: str
    status: int
    detail: str = Field(description="What is wrong")
    code: str = Field(description="Stable name of the kind of problem", examples=["sparql-syntax"])
    remedy: str = Field(description="What to do about it")
    line: int | None = Field(default=None, description="Line in the query, from 1")
    column: int | None = Field(default=None, description="Column in the line, from 1")
    term: str | None = Field(default=None, description="Word or parameter at fault")
    problems: list[dict[str, Any]] | None = Field(default=None, description="Every problem, when there are several")
