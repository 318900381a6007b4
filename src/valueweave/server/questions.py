"""``/api/v1/queries``: the competency questions, listed and answered.

In: the name of a question and values for its parameters. Out: its answer, in the formats of ``/sparql``.
The decision hidden here: how parameters stand in an address.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Path, Request, Response

from valueweave.graph import Scope
from valueweave.namespaces import shorten_iri
from valueweave.problems import InputError, Problem
from valueweave.queries import Question, find_question
from valueweave.server.answers import AnswerView, Asked, data_answer, kept_headers, view
from valueweave.server.api import BASE, problem_responses
from valueweave.server.caching import freshness
from valueweave.server.catalogue import Catalogue
from valueweave.server.editions import Editions
from valueweave.server.errors import ProblemError, problem_document
from valueweave.server.models import QuestionInfo, QuestionList
from valueweave.server.negotiation import wants_page
from valueweave.server.settings import Settings
from valueweave.server.templating import page

__all__ = ["question_routes"]

_SCOPES: tuple[Scope, ...] = ("all", "asserted", "inferred")
_RESERVED = ("format", "scope")
_EXTRA: dict[str, Any] = {
    "parameters": [
        {
            "name": "parameters",
            "in": "query",
            "description": "Values of the question's own parameters, by name (see `/api/v1/queries`)",
            "style": "form",
            "explode": True,
            "schema": {"type": "object", "additionalProperties": {"type": "string"}},
            "example": {"case": "case/jd-2007-2021"},
        },
        {
            "name": "format",
            "in": "query",
            "description": "Short name of a format (json, xml, csv, tsv, turtle, ntriples, rdfxml, jsonld, html)",
            "schema": {"type": "string"},
        },
        {
            "name": "scope",
            "in": "query",
            "description": "Which statements to look at",
            "schema": {"type": "string", "enum": list(_SCOPES), "default": "all"},
        },
    ]
}


def question_routes(editions: Editions, settings: Settings) -> APIRouter:
    """Return the routes of the questions."""
    router = APIRouter(prefix=f"{BASE}/queries", tags=["Questions"])

    @router.get("", summary="List the competency questions", response_model=QuestionList)
    def list_questions(request: Request, response: Response) -> QuestionList:
        """Return every question with its parameters and its SPARQL text."""
        catalogue = editions.current().catalogue
        found = [_info(question) for question in catalogue.kg.questions().values()]
        texts = "\0".join(info.query for info in found)
        response.headers.update(freshness(request, catalogue.version, texts))
        return QuestionList(total=len(found), items=found)

    @router.get(
        "/{name}",
        summary="Answer a competency question",
        response_class=Response,
        responses=problem_responses(400, 404, 406, 503, 504),
        openapi_extra=_EXTRA,
    )
    def answer_question(
        request: Request,
        name: str = Path(description="Name of the question", examples=["stages-by-case"]),
    ) -> Response:
        """Answer a question: SPARQL Results JSON unless asked otherwise, Turtle for a graph, a page for people."""
        catalogue = editions.current().catalogue
        try:
            question = find_question(catalogue.kg.questions(), name)
        except InputError as error:
            raise ProblemError(404, *error.problems) from error
        asked_format = request.query_params.get("format")
        accept = request.headers.get("accept")
        if wants_page(accept, asked_format):
            return _page(request, question, catalogue, settings)
        return data_answer(request, catalogue, _asked(request, question, catalogue), asked_format or accept)

    return router


def _info(question: Question) -> QuestionInfo:
    return QuestionInfo(**question.to_json(), href=f"{BASE}/queries/{question.name}", query=question.text)


def _asked(request: Request, question: Question, catalogue: Catalogue) -> Asked:
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in given:
            problem = Problem("repeated-parameter", f"'{name}' is given more than once.", "Give it once.", term=name)
            raise ProblemError(400, problem)
        given[name] = value
    scope = given.get("scope") or "all"
    if scope not in _SCOPES:
        problem = Problem(
            "unknown-scope", f"There is no scope '{scope}'.", f"Use one of {', '.join(_SCOPES)}.", term="scope"
        )
        raise ProblemError(400, problem)
    # A field that a form leaves empty has no value.
    values = {name: value for name, value in given.items() if name not in _RESERVED and value}
    try:
        bound = catalogue.kg.bind(question, values)
    except InputError as error:
        raise InputError(*(_for_address(problem) for problem in error.problems)) from error
    unknown = catalogue.kg.unknown_names(question, values, text=False)
    if wrong := [problem for problem in unknown if problem.term in values]:
        raise InputError(*wrong)
    return Asked(question.text, bound, default_graph=catalogue.kg.graphs(scope))


def _for_address(problem: Problem) -> Problem:
    if problem.code == "missing-parameter":
        return replace(problem, remedy=f"Add ?{problem.term}=VALUE to the address.")
    return problem


def _page(request: Request, question: Question, catalogue: Catalogue, settings: Settings) -> Response:
    headers = kept_headers(request, catalogue, question.text, "html")
    answer: AnswerView | None = None
    problem: dict[str, Any] | None = None
    try:
        answer = view(catalogue, _asked(request, question, catalogue), settings.shown_rows)
    except InputError as error:
        problem = problem_document(400, error.problems)
        headers = {"Cache-Control": "no-store", "Vary": "Accept"}
    shown = {
        parameter.name: request.query_params.get(parameter.name) or shorten_iri(parameter.default or "")
        for parameter in question.parameters
    }
    return page(
        "question.html",
        status=400 if problem else 200,
        headers=headers,
        question=question,
        shown=shown,
        scope=request.query_params.get("scope") or "all",
        scopes=_SCOPES,
        answer=answer,
        problem=problem,
        address=str(request.url.include_query_params(format="FORMAT")),
    )
