"""The published shapes of reasons.

In: what the reasoning rooms write as JSON. Out: models that document it in the OpenAPI description.
The decision hidden here: which members are promised; others may be added.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

__all__ = ["AssessmentDocument", "ConditionDocument", "ExplanationDocument", "RankingDocument"]

_OPEN = Field(description="By what is stated: it follows, its opposite follows, or neither")
_CLOSED = Field(description="By what the accounts declare complete")
_MET = Field(description="How many of the simple conditions are met")
_SIMPLE = Field(description="Of how many simple conditions it consists, definitions unfolded")
Open = Literal["entailed", "contradicted", "open"]
Closed = Literal["met", "not met", "unknown"]


class Named(BaseModel):
    """A thing or term by its name."""

    id: str | None = Field(default=None, description="Short form", examples=["state/cosmo-step-2"])
    iri: str | None = Field(default=None, description="Full IRI; none for a literal")
    label: str | None = Field(default=None, description="Label in the language asked for")
    value: str | None = Field(default=None, description="The literal, where it is one")


class Way(BaseModel):
    """Statements that would meet a condition."""

    sparql: str = Field(description="The missing statements as a graph pattern; variables are new things")
    text: str = Field(description="The same in words")
    statements: int = Field(description="How many there are")


class ConditionDocument(BaseModel):
    """A condition on a thing, in both readings."""

    kind: str = Field(
        description="all of, any of, not, some, only, value, self, at least, at most, exactly, class, ..."
    )
    text: dict[str, str] = Field(description="The condition in words, by language")
    of: Named = Field(description="What it is a condition on")
    open_world: Open = _OPEN
    closed_world: Closed = _CLOSED
    met: int = _MET
    simple: int = _SIMPLE
    because: list[dict[str, Any]] = Field(
        default_factory=list, description="Statements that entail or contradict it, with their last step and evidence"
    )
    against: list[dict[str, Any]] = Field(default_factory=list, description="Rules by which it is contradicted")
    complete: list[dict[str, str]] = Field(default_factory=list, description="Declarations that all values are given")
    would_meet: list[Way] = Field(default_factory=list, description="The smallest sets of missing statements")
    have_it: list[dict[str, Any]] = Field(default_factory=list, description="Things that meet it, with their files")
    enough: bool | None = Field(default=None, description="Whether the conditions inside are enough, or only necessary")
    conditions: list[ConditionDocument] = Field(default_factory=list, description="Conditions it consists of")
    values: list[ConditionDocument] = Field(
        default_factory=list, description="The condition on each value, nearest first"
    )


class Summary(BaseModel):
    """How near a thing is to a class."""

    individual: Named
    class_: Named = Field(alias="class")
    definition: list[dict[str, str]] = Field(description="Its definitions in words, by language")
    open_world: Open = _OPEN
    closed_world: Closed = _CLOSED
    met: int = _MET
    simple: int = _SIMPLE
    other_kind: bool = Field(description="Whether the thing is of a kind that no member is")


class AssessmentDocument(Summary):
    """Which conditions of a class a thing meets, and what would meet the others."""

    schema_: Literal["https://w3id.org/valueweave/schema/assessment-1"] = Field(alias="schema")
    conditions: ConditionDocument
    by_rule: list[dict[str, Any]] = Field(description="Rules that would also make it a member, with what they want")


class RankingDocument(BaseModel):
    """All defined classes by how near a thing is."""

    schema_: Literal["https://w3id.org/valueweave/schema/assessment-ranking-1"] = Field(alias="schema")
    classes: list[Summary]


class ExplanationDocument(BaseModel):
    """Why a statement holds, or what comes nearest to it."""

    schema_: Literal["https://w3id.org/valueweave/schema/explanation-1"] = Field(alias="schema")
    statement: dict[str, str] = Field(description="The statement asked about")
    entailed: bool
    proofs: list[dict[str, Any]] = Field(description="Proofs, the one of the lowest round first")
    nearest: list[dict[str, Any]] = Field(description="Where it does not follow: rules with what they still want")
    similar: list[dict[str, Any]] = Field(description="Where it does not follow: statements that differ in one place")
