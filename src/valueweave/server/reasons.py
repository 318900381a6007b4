"""``/api/v1/explain`` and ``/api/v1/assess``: reasons as data.

In: terms as people write them. Out: proofs and assessments as JSON, proofs also as text and as a Mermaid diagram.
The decision hidden here: how formats are asked for, and what is kept by the asker.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field

from valueweave.namespaces import PREFIXES, SCE
from valueweave.problems import InputError, Problem
from valueweave.reasoning.assessment.json import AssessmentJson
from valueweave.reasoning.assessment.text import AssessmentWriter
from valueweave.reasoning.proofs.text import ProofWriter
from valueweave.server.api import BASE, problem_responses
from valueweave.server.caching import freshness
from valueweave.server.editions import Editions
from valueweave.server.errors import ProblemError
from valueweave.server.negotiation import languages, wants_page
from valueweave.server.reason_models import AssessmentDocument, ExplanationDocument, RankingDocument
from valueweave.server.templating import page
from valueweave.store import NotAcceptableError

__all__ = ["reason_routes"]

_TYPES = {"json": "application/json", "text": "text/plain", "mermaid": "text/vnd.mermaid", "html": "text/html"}
_TERM = "a full IRI, a prefixed name, or a path below the id namespace"


class _ReasonQuery(BaseModel):
    """The parameters that both routes take."""

    model_config = ConfigDict(extra="forbid")

    language: Literal["en", "zh"] | None = Field(
        None, description="Language of labels and words, before `lang` and `Accept-Language`", examples=["zh"]
    )
    lang: Literal["en", "zh"] | None = Field(None, description="As `language`")


class ExplainQuery(_ReasonQuery):
    """The parameters of an explanation."""

    subject: str = Field(max_length=1000, description=f"A thing: {_TERM}", examples=["state/cosmo-step-3"])
    predicate: str = Field(max_length=1000, description="A property; `a` asks why the thing is in a class")
    object: str = Field(max_length=4000, description="A thing, a class or a literal as in N-Triples")
    proofs: int = Field(1, ge=1, le=50, description="How many proofs to give at most")
    format: Literal["json", "mermaid", "text", "html"] | None = Field(None, description="Goes before `Accept`")


class AssessQuery(_ReasonQuery):
    """The parameters of an assessment."""

    individual: str = Field(max_length=1000, description=f"A thing: {_TERM}", examples=["state/cosmo-step-2"])
    class_name: str | None = Field(
        None,
        alias="class",
        max_length=1000,
        description="A class; without one, all defined classes are ranked by how near the thing is",
        examples=["sce:SupplyChainAsAService"],
    )
    limit: int = Field(15, ge=1, le=1000, description="Of a ranking, how many classes to give")
    proofs: bool = Field(default=False, description="Whether to give the whole proof of each condition")
    format: Literal["json", "text", "html"] | None = Field(None, description="Goes before `Accept`")


def reason_routes(editions: Editions) -> APIRouter:
    """Return the routes that answer why, and why not yet."""
    router = APIRouter(prefix=BASE, tags=["Reasons"])

    @router.get(
        "/explain",
        summary="Why does this hold?",
        response_class=Response,
        responses={
            **problem_responses(400, 404, 406),
            200: {
                "description": "The proof, or what comes nearest",
                "model": ExplanationDocument,
                "content": {_TYPES["text"]: {}, _TYPES["mermaid"]: {}, _TYPES["html"]: {}},
            },
        },
    )
    def explain(request: Request, query: Annotated[ExplainQuery, Query()]) -> Response:
        """Return the proof of a statement down to the passages of the sources, or what comes nearest to it."""
        kg = editions.current().kg
        form = _form(request, query.format, ("json", "mermaid", "text", "html"))
        language = _language(request, query)
        headers = freshness(request, kg.version, form, language)
        with _Unknown():
            explanation = kg.explain(query.subject, query.predicate, query.object, proofs=query.proofs)
        writer = ProofWriter(kg.label, language)
        if form == "json":
            return JSONResponse(writer.json(explanation), headers=headers)
        if form == "html":
            return _explanation_page(request, writer.json(explanation), language, headers)
        text = writer.mermaid(explanation) if form == "mermaid" else writer.text(explanation)
        return PlainTextResponse(text + "\n", headers=headers, media_type=_TYPES[form])

    @router.get(
        "/assess",
        summary="Which conditions of a class does this meet?",
        response_class=Response,
        responses={
            **problem_responses(400, 404, 406),
            200: {
                "description": "The conditions with both readings; a ranking where no class is named",
                "model": AssessmentDocument | RankingDocument,
                "content": {_TYPES["text"]: {}, _TYPES["html"]: {}},
            },
        },
    )
    def assess(request: Request, query: Annotated[AssessQuery, Query()]) -> Response:
        """Return the conditions of a class, each met, not met or unknown, and what would meet those that are not."""
        kg = editions.current().kg
        form = _form(request, query.format, ("json", "text", "html"))
        language = _language(request, query)
        headers = freshness(request, kg.version, form, language)
        labels = kg.reasoning.rules.labels
        with _Unknown():
            if query.class_name is None:
                ranking = kg.reasoning.rank(query.individual)[: query.limit]
                if form == "text":
                    text = AssessmentWriter(kg.label, labels, language).ranking(ranking)
                    return PlainTextResponse(text + "\n", headers=headers)
                written: dict[str, Any] = AssessmentJson(kg.label, labels, language).ranking(ranking)
                if form == "html":
                    address = _address(request, "class", "limit")
                    return page("ranking.html", headers=headers, found=written, language=language, address=address)
                return JSONResponse(written, headers=headers)
            found = kg.assess(query.individual, query.class_name)
        if form == "text":
            return PlainTextResponse(AssessmentWriter(kg.label, labels, language).text(found) + "\n", headers=headers)
        document = AssessmentJson(kg.label, labels, language, proofs=query.proofs).assessment(found)
        if form == "html":
            return page(
                "assessment.html",
                headers=headers,
                found=document,
                language=language,
                address=_address(request),
                ranking=_address(request, "class"),
            )
        return JSONResponse(document, headers=headers)

    return router


def _address(request: Request, *without: str) -> str:
    """Return the address of a request without its format and some other parameters."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name not in ("format", *without)]
    return f"{request.url.path}?{urlencode(kept)}"


def _explanation_page(request: Request, document: dict[str, Any], language: str, headers: dict[str, str]) -> Response:
    """Return the page of an explanation; that of a class membership leads to the conditions of the class."""
    told = document["statement"]
    asked = {"individual": told["subject"], "class": told["object"], "language": language}
    typed = told["predicate"] == PREFIXES["rdf"] + "type" and told["object"].startswith(SCE)
    return page(
        "explanation.html",
        headers=headers,
        found=document,
        language=language,
        address=_address(request),
        assessment=f"{BASE}/assess?{urlencode(asked)}" if typed else None,
    )


class _Unknown:
    """Makes a thing that the graph does not have a 404."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, InputError) and error.problems[0].code == "unknown-name":
            raise ProblemError(404, *error.problems) from error


def _language(request: Request, query: _ReasonQuery) -> str:
    wanted = languages(request.headers.get("accept-language"), query.language or query.lang)
    return next((one for one in wanted if one in ("en", "zh")), "en")


def _form(request: Request, asked: str | None, offered: tuple[str, ...]) -> str:
    """Return the form that the address asks for, else the one that ``Accept`` wants most; JSON when it does not say."""
    if asked:
        return asked
    if wants_page(request.headers.get("accept")):
        return "html"
    weights: dict[str, float] = {}
    for part in (request.headers.get("accept") or "*/*").split(","):
        name, _, options = part.partition(";")
        quality = options.strip().removeprefix("q=")
        try:
            weights[name.strip().lower()] = float(quality) if quality else 1.0
        except ValueError:
            weights[name.strip().lower()] = 1.0

    def weight(form: str) -> float:
        full = _TYPES[form]
        return weights.get(full, weights.get(full.split("/")[0] + "/*", weights.get("*/*", 0.0)))

    best = max(offered, key=weight)
    if weight(best) == 0:
        remedy = f"Ask for one of {', '.join(_TYPES[form] for form in offered)}."
        raise NotAcceptableError(Problem("not-acceptable", "The answer cannot be written so.", remedy))
    return best
