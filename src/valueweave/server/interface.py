"""The description of the interface (OpenAPI), as the routes make it and as it is here.

In: the application. Out: its OpenAPI document.
The decision hidden here: every problem has one shape, in JSON or as a page; and a wrong parameter is a 400.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from valueweave.server.errors import PROBLEM_JSON
from valueweave.server.models import ProblemDocument
from valueweave.server.writing import SECURITY_SCHEMES

__all__ = ["describe_interface"]

_REFERENCE = {"$ref": "#/components/schemas/ProblemDocument"}


def describe_interface(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of ``app``, made once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            description=app.description,
            routes=app.routes,
            license_info=app.license_info,
        )
        for path, methods in document["paths"].items():
            for operation in methods.values():
                operation["responses"].pop("422", None)
                if path.endswith("}"):
                    operation["responses"]["307"] = {"description": "The same address without the slash at its end"}
                for status, answer in operation["responses"].items():
                    if status.isdigit() and int(status) >= 400:
                        answer["content"] = _problem(int(status), answer)
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        # Problems are described by reference only: no route answers with one alone.
        schemas["ProblemDocument"] = ProblemDocument.model_json_schema()
        document["components"]["securitySchemes"] = SECURITY_SCHEMES
        app.openapi_schema = document
    return app.openapi_schema


def _problem(status: int, answer: dict[str, Any]) -> dict[str, Any]:
    """Return what a problem is written in: JSON, or a page for those who want one."""
    given = answer.get("content", {}).get(PROBLEM_JSON, {})
    example = given.get("example") or {
        "type": "https://w3id.org/valueweave/problem/http-error",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": answer["description"],
        "code": "http-error",
        "remedy": "What to do about it.",
    }
    return {PROBLEM_JSON: {"schema": _REFERENCE, "example": example}, "text/html": {"schema": {"type": "string"}}}
