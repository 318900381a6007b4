"""What the server says of changes and of live cases, as JSON.

In: values. Out: pydantic models; the schema that ``/openapi.json`` publishes is made from them.
The decision hidden here: names and meaning of the fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from valueweave.problems import Problem

if TYPE_CHECKING:
    from valueweave.live import Applied

__all__ = ["ChangeReport", "LiveCaseInfo", "LiveCaseList", "Remark", "change_answer"]


class Remark(BaseModel):
    """A warning or a note."""

    code: str = Field(description="Stable name of the kind of remark")
    detail: str
    remedy: str = Field(description="What to do about it")
    line: int | None = Field(default=None, description="Line in the document, from 1")
    column: int | None = Field(default=None, description="Column in the line, from 1")
    record: str | None = Field(default=None, description="Record that it is about")
    term: str | None = Field(default=None, description="Key or word that it is about")
    level: str = Field(description="`warning` or `note`")


class ChangeReport(BaseModel):
    """What a change has changed. The next request sees all of it."""

    version: str = Field(description="Version of the graph from now on")
    added: int = Field(description="Statements that queries see and did not see before, asserted or inferred")
    removed: int = Field(description="Statements that they see no more")
    inferred: int = Field(description="How many of those added were inferred")
    seconds: float = Field(description="How long it took")
    warnings: list[Remark] = Field(default_factory=list)


class LiveCaseInfo(BaseModel):
    """A case that was put over HTTP."""

    name: str = Field(description="Its id is `case/` and this", examples=["example-2020"])
    media_type: str = Field(description="What it is written in", examples=["application/yaml"])
    etag: str = Field(description="Send it with `If-Match` to put another in its place, or to delete it")
    size: int = Field(description="Bytes")
    href: str = Field(description="The document", examples=["/api/v1/live-cases/example-2020"])
    item: str = Field(description="What the graph says of it", examples=["/api/v1/cases/example-2020"])


class LiveCaseList(BaseModel):
    """The live cases."""

    total: int
    items: list[LiveCaseInfo]


def change_answer(applied: Applied, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return the answer to a change: 201 when something was created, else 200, with a :class:`ChangeReport`.

    Args:
        applied: what was changed.
        headers: further headers.
    """
    report = ChangeReport(
        version=applied.version,
        added=applied.added,
        removed=applied.removed,
        inferred=applied.inferred,
        seconds=round(applied.seconds, 4),
        warnings=[_remark(problem) for problem in applied.warnings],
    )
    sent = {"Cache-Control": "no-store", **(headers or {})}
    return JSONResponse(report.model_dump(mode="json", exclude_none=True), 201 if applied.created else 200, sent)


def _remark(problem: Problem) -> Remark:
    return Remark(
        code=problem.code,
        detail=problem.message,
        remedy=problem.remedy,
        line=problem.line,
        column=problem.column,
        record=problem.record,
        term=problem.term,
        level=problem.level,
    )
