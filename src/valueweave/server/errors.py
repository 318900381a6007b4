"""What goes wrong, as an answer: problem documents (RFC 9457), or a page for people.

In: problems and exceptions. Out: ``application/problem+json`` with status, place and remedy.
The decision hidden here: which status belongs to which problem, and that nothing of the inside (paths, stack traces)
leaves the house.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.routing import Match

from valueweave.problems import InputError, Problem
from valueweave.server.negotiation import wants_page
from valueweave.server.templating import page
from valueweave.store import NotAcceptableError

__all__ = ["PROBLEM_JSON", "ProblemError", "install", "noting", "problem_document", "refusal"]

PROBLEM_JSON = "application/problem+json"
_TYPE = "https://w3id.org/valueweave/problem/"
_STATUS = {
    "service-refused": 403,
    "load-refused": 403,
    "query-failed": 500,
    "store-closed": 503,
    "broken-store": 503,
    "answer-too-long": 503,
    "build-running": 503,
    "store-busy": 503,
    "store-not-writable": 503,
    "query-timeout": 504,
    "answer-cut-short": 503,
    "no-store": 503,
    "remote-unreachable": 503,
    "remote-failed": 502,
    "remote-refused": 502,
    "remote-address": 502,
    "computed-graph": 403,
    "unknown-case": 404,
    "unknown-graph": 404,
    "contradiction": 409,
    "case-of-a-file": 409,
    "case-graph": 409,
    "plain-store": 409,
    "case-referred-to": 409,
    "precondition-failed": 412,
}


class ProblemError(Exception):
    """A request that is refused with a status.

    Attributes:
        status: the HTTP status.
        problems: what is wrong.
        headers: headers that go with the answer.
    """

    def __init__(self, status: int, *problems: Problem, headers: Mapping[str, str] | None = None) -> None:
        self.status, self.problems, self.headers = status, problems, dict(headers or {})
        super().__init__("\n".join(str(problem) for problem in problems))


@contextmanager
def noting(problems: list[Problem]) -> Iterator[None]:
    """Add the problems of a refusal to others instead of refusing, to go on and find more.

    >>> found = []
    >>> with noting(found):
    ...     raise ProblemError(400, Problem("invalid-parameter", "It is wrong.", "Give another."))
    >>> len(found)
    1
    """
    try:
        yield
    except ProblemError as error:
        problems += error.problems


def problem_document(status: int, problems: Sequence[Problem]) -> dict[str, Any]:
    """Return the members of a problem document; the first problem speaks for all, ``problems`` lists every one.

    >>> problem_document(404, [Problem("unknown-id", "There is no actor 'x'.", "Check the spelling.")])["title"]
    'Not Found'
    """
    first = problems[0]
    document: dict[str, Any] = {
        "type": _TYPE + first.code,
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": first.message,
    }
    document |= _members(first)
    if len(problems) > 1:
        document["problems"] = [{"detail": problem.message, **_members(problem)} for problem in problems]
    return document


def _members(problem: Problem) -> dict[str, Any]:
    # The file is left out: where it lies is the operator's affair.
    members = {"code": problem.code, "remedy": problem.remedy}
    optional = {"line": problem.line, "column": problem.column, "record": problem.record, "term": problem.term}
    return members | {name: value for name, value in optional.items() if value is not None}


def _answer(request: Request, status: int, problems: Sequence[Problem], headers: Mapping[str, str]) -> Response:
    document = problem_document(status, problems)
    sent = {"Cache-Control": "no-store", "Vary": "Accept", **headers}
    if wants_page(request.headers.get("accept"), request.query_params.get("format")):
        return page("error.html", status=status, headers=sent, problem=document)
    return JSONResponse(document, status, sent, media_type=PROBLEM_JSON)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return _answer(request, error.status, error.problems, error.headers)


def _bad_input(request: Request, error: Exception) -> Response:
    assert isinstance(error, InputError)
    status = 406 if isinstance(error, NotAcceptableError) else _STATUS.get(error.problems[0].code, 400)
    # Who holds the store for longer than changes wait for is most likely a build.
    wait = "30" if error.problems[0].code in {"build-running", "store-busy"} else "5"
    return _answer(request, status, error.problems, {"Retry-After": wait} if status == 503 else {})


def _bad_parameters(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    problems = []
    for item in error.errors():
        name = str(item["loc"][-1])
        if item["type"] == "extra_forbidden":
            message, remedy = f"There is no parameter '{name}' here.", "See /docs for those that there are."
        elif item["type"] == "missing":
            message, remedy = f"The parameter '{name}' is missing.", f"Add {name}=VALUE, see /docs."
        else:
            message, remedy = f"The parameter '{name}' is wrong: {item['msg']}.", "Give another value, see /docs."
        problems.append(Problem("invalid-parameter", message, remedy, term=name))
    return _answer(request, 400, problems, {})


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(_allowed(request))
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=headers)
        problem = Problem(
            "method-not-allowed", f"{request.method} is not possible here.", f"Use one of {headers['Allow']}."
        )
    elif error.status_code == 404:
        problem = Problem("not-found", f"There is nothing at {request.url.path}.", "See / for what there is.")
    else:
        problem = Problem("http-error", f"{error.detail}.", "Change the request.")
    return _answer(request, error.status_code, [problem], headers)


def _allowed(request: Request) -> list[str]:
    """Return the methods that some route takes at this address (the framework names those of the first one only)."""
    found = {"OPTIONS"}
    for method in ("DELETE", "GET", "PATCH", "POST", "PUT"):
        scope = {**request.scope, "method": method}
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.routes):
            found |= {method, "HEAD"} if method == "GET" else {method}
    return sorted(found)


def _broken(request: Request, _: Exception) -> Response:
    problem = Problem(
        "internal-error", "The server failed at this request.", "Try again; the operator's log says more."
    )
    # The server drops the connection after such an error; this tells the client.
    return _answer(request, 500, [problem], {"Connection": "close"})


def refusal(request: Request, error: ProblemError | InputError) -> Response:
    """Return what answers a refusal."""
    return _refused(request, error) if isinstance(error, ProblemError) else _bad_input(request, error)


def install(app: Any) -> None:
    """Make ``app`` answer every error as this module says."""
    app.add_exception_handler(ProblemError, _refused)
    app.add_exception_handler(InputError, _bad_input)
    app.add_exception_handler(RequestValidationError, _bad_parameters)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _broken)
