"""The interface as its OpenAPI document describes it, asked at random: it never fails and answers as described."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from pydantic import SecretStr
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from valueweave.graph import KnowledgeGraph
from valueweave.project import Project
from valueweave.server import Settings, create_app
from valueweave.store import EmbeddedStore

from .writable import TOKEN, copy_of

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]
EXAMPLES = 20
"""A run takes seconds; whoever has more time raises this."""


def ask_everything(app: FastAPI, methods: set[str], headers: dict[str, str]) -> Counter[tuple[str, int]]:
    """Send requests as the interface describes them, and others; return how many had which status, by method."""
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    asked: Counter[tuple[str, int]] = Counter()
    for found in schema.get_all_operations():
        operation = found.ok()  # type: ignore[union-attr]
        assert operation is not None
        if operation.method.upper() not in methods:
            continue
        cases = operation.as_strategy() | operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE)

        @given(case=cases)
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def ask(case: Any) -> None:
            answer = case.call(headers=headers)
            asked[case.method, answer.status_code] += 1
            case.validate_response(answer, checks=CHECKS)

        ask()
    return asked


def test_nothing_asked_at_random_breaks_the_server_or_its_description(kg: KnowledgeGraph) -> None:
    # Queries run in this process: the limits of the others have tests of their own.
    asked = ask_everything(create_app(kg, Settings(evaluators=0)), {"GET", "POST", "PUT", "DELETE"}, {})
    # Both what is right and what is wrong was asked, and nobody may write.
    assert asked["GET", 200] > 50
    assert asked["GET", 400] > 20
    assert {status for method, status in asked if method in {"PUT", "DELETE"}} == {403}


def test_nothing_sent_at_random_by_those_who_may_write_does_either(project: Project, tmp_path: Path) -> None:
    own = copy_of(project, tmp_path / "store")
    with KnowledgeGraph(EmbeddedStore.open(own.store), own) as kg:
        app = create_app(kg, Settings(evaluators=0, write_token=SecretStr(TOKEN)))
        asked = ask_everything(app, {"POST", "PUT", "DELETE"}, {"Authorization": f"Bearer {TOKEN}"})
    assert sum(number for (_, status), number in asked.items() if status < 300) > 3
    assert asked["PUT", 400] > 5
    assert EmbeddedStore.is_intact(own.store)
