"""Live cases: ``PUT`` and ``DELETE`` of ``/api/v1/cases/{id}``, and ``/api/v1/live-cases``, where the documents lie.

In: case files over HTTP. Out: what they changed; the documents as they were put.
The decision hidden here: what a case says of the world is read at ``/cases``, the document that was put at
``/live-cases``, byte by byte, so that each address has one meaning and one ETag. Nobody puts a case in the place of
another, or deletes one, without saying which one is meant (``If-Match``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import JSONResponse, Response

from valueweave.problems import InputError, Problem
from valueweave.server.addresses import BASE
from valueweave.server.errors import ProblemError
from valueweave.server.models import ProblemDocument
from valueweave.server.protocol import media_type_of
from valueweave.server.writing import SECURITY, WRITING_REFUSALS, Writing
from valueweave.server.writing_models import ChangeReport, LiveCaseInfo, LiveCaseList, change_answer

if TYPE_CHECKING:
    from valueweave.live import Applied, Curator, LiveCase

__all__ = ["live_routes"]

_MEDIA: dict[str, Literal["yaml", "json"]] = {
    "application/yaml": "yaml",
    "text/yaml": "yaml",
    "application/x-yaml": "yaml",
    "text/x-yaml": "yaml",
    "application/ld+json": "json",
    "application/json": "json",
}
_WRITTEN = {"yaml": "application/yaml", "json": "application/ld+json"}
_EXAMPLE = """\
"@context": https://w3id.org/valueweave/context.jsonld
id: case/example-2020
type: Case
label: {en: Example}
reportedIn: source/000
focalEcosystem: ecosystem/jd
"""


def _refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    texts = {
        400: "The name is no name of a case",
        404: "There is no such live case",
        412: "The case is not the one that `If-Match` names, or there is one against `If-None-Match: *`",
        428: "There is such a case: say with `If-Match` which one is meant",
    }
    return {status: {"description": texts[status], "model": ProblemDocument} for status in statuses}


def _condition(name: str, text: str, example: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": text, "schema": {"type": "string"}, "example": example}


_IF_MATCH = _condition("If-Match", "ETag of the case that is meant; `*` is whichever there is", "*")
_IF_NONE_MATCH = _condition(
    "If-None-Match", "`*`: only if there is no such case, which is what holds without conditions", "*"
)
_PUT = {
    "security": SECURITY,
    "parameters": [_IF_MATCH, _IF_NONE_MATCH],
    "requestBody": {
        "required": True,
        "description": "The case as a case file is written: YAML, or JSON-LD with the context of the project",
        "content": {
            name: {"schema": {"type": "string"}, "example": _EXAMPLE} for name in ("application/yaml", "text/yaml")
        }
        | {name: {"schema": {"type": "object"}} for name in ("application/ld+json", "application/json")},
    },
}
_WITH_TAG = {"headers": {"ETag": {"description": "Of the document", "schema": {"type": "string"}}}}


def live_routes(curator: Curator | None, writing: Writing) -> APIRouter:
    """Return the routes of live cases.

    Args:
        curator: knows the live cases; none where there can be none.
        writing: who may change them.
    """
    router = APIRouter(prefix=BASE, tags=["Live cases"])

    # "def", not "async def": a change is made in a worker thread, so that others need not wait for it. The address of
    # the document is that of the case with another word, "id" the name of the path parameter as published.
    @router.put(
        "/cases/{id:rest}",
        summary="Put a case",
        response_model=ChangeReport,
        responses={
            200: {"description": "The case stands in the place of the one before", **_WITH_TAG},
            201: {"description": "The case is new", "model": ChangeReport, **_WITH_TAG},
            **WRITING_REFUSALS,
            **_refusals(412, 428),
        },
        openapi_extra=_PUT,
    )
    def put_case(
        request: Request,
        id: str = Path(description="Id of the case, with or without `case/`", examples=["example-2020"]),
        content: bytes = Depends(writing.body),
    ) -> Response:
        """Check a case file, reason over it and make it visible at once; or say everything that is wrong with it."""
        writer = writing.authorized(request)
        name = id.removeprefix("case/")
        match, none = _header(request, "if-match"), _header(request, "if-none-match")
        # Without "If-Match" a case is only ever created: nobody overwrites what they have not seen.
        asked = {"if_match": match, "if_none_match": none if match else "*"}
        try:
            applied = writer.make("put_case", name=name, text=content, media=_media(request), **asked)
        except InputError as error:
            # Another "If-None-Match" than "*" names what must not be there; what is there may still not be replaced.
            says = match or none == "*" or (none and _is_among(curator, name, none))
            if error.problems[0].code == "precondition-failed" and not says:
                raise _which(name) from error
            raise
        return _answer(applied, name)

    @router.delete(
        "/cases/{id:rest}",
        summary="Take a case out",
        response_model=ChangeReport,
        responses={
            200: {"description": "The case is gone, and what was inferred from it"},
            **{status: told for status, told in WRITING_REFUSALS.items() if status not in (413, 415)},
            **_refusals(400, 404, 412, 428),
        },
        openapi_extra={"security": SECURITY, "parameters": [_IF_MATCH]},
    )
    def delete_case(
        request: Request,
        id: str = Path(description="Id of the case, with or without `case/`", examples=["example-2020"]),
    ) -> Response:
        """Take a live case out again, with all that was inferred from it and nothing else."""
        writer = writing.authorized(request)
        name = id.removeprefix("case/")
        condition = request.headers.get("if-match")
        if condition is None and curator is not None and curator.case(name) is not None:
            raise _which(name)
        return change_answer(writer.make("delete_case", name=name, if_match=condition))

    @router.get("/live-cases", summary="List the live cases", response_model=LiveCaseList)
    def list_live_cases() -> Response:
        """Return the cases that were put over HTTP."""
        found = [] if curator is None else [_info(case) for _, case in sorted(curator.cases().items())]
        listed = LiveCaseList(total=len(found), items=found)
        return JSONResponse(listed.model_dump(mode="json"), headers={"Cache-Control": "no-cache"})

    @router.get(
        "/live-cases/{name}",
        summary="A live case as it was put",
        response_class=Response,
        responses={
            200: {
                "description": "The document, byte by byte",
                "content": {media: {"schema": {"type": "string"}} for media in _WRITTEN.values()},
                **_WITH_TAG,
            },
            304: {"description": "The asker holds this document already"},
            **_refusals(404),
        },
    )
    def show_live_case(
        request: Request, name: str = Path(description="Name of the case", examples=["example-2020"])
    ) -> Response:
        """Return the document that was put."""
        case = None if curator is None else curator.case(name)
        if case is None:
            raise ProblemError(
                404, Problem("unknown-case", f"There is no live case '{name[:100]}'.", f"See {BASE}/live-cases.")
            )
        headers = {"ETag": case.etag, "Cache-Control": "no-cache"}
        held = (tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(","))
        if any(tag in (case.etag, "*") for tag in held):
            return Response(status_code=304, headers=headers)
        return Response(case.text, media_type=_WRITTEN[case.media], headers=headers)

    return router


def _header(request: Request, name: str) -> str | None:
    return ", ".join(request.headers.getlist(name)).strip() or None


def _is_among(curator: Curator | None, name: str, tags: str) -> bool:
    """Return whether the case has one of these ETags now; weak ones count (RFC 9110, 13.1.2)."""
    case = None if curator is None else curator.case(name)
    return case is not None and case.etag in {tag.strip().removeprefix("W/") for tag in tags.split(",")}


def _media(request: Request) -> Literal["yaml", "json"]:
    media_type, readable = media_type_of(request)
    if media_type not in _MEDIA or not readable:
        taken = "application/yaml, application/ld+json"
        message = f"A case cannot be sent as '{request.headers.get('content-type', '')}'."
        problem = Problem("unsupported-media-type", message, f"Send {taken}, in UTF-8.", term="Content-Type")
        raise ProblemError(415, problem, headers={"Accept": taken})
    return _MEDIA[media_type]


def _which(name: str) -> ProblemError:
    remedy = f"Send 'If-Match' with the ETag of {BASE}/live-cases/{name}, or 'If-Match: *' for whichever there is."
    problem = Problem("precondition-required", f"There is a case '{name}' already.", remedy, term="If-Match")
    return ProblemError(428, problem)


def _answer(applied: Applied, name: str) -> Response:
    headers = {"Location": f"{BASE}/cases/{name}", "Link": f'<{BASE}/live-cases/{name}>; rel="via"'}
    if applied.etag:
        headers["ETag"] = applied.etag
    return change_answer(applied, headers)


def _info(case: LiveCase) -> LiveCaseInfo:
    return LiveCaseInfo(
        name=case.name,
        media_type=_WRITTEN[case.media],
        etag=case.etag,
        size=len(case.text),
        href=f"{BASE}/live-cases/{case.name}",
        item=f"{BASE}/cases/{case.name}",
    )
