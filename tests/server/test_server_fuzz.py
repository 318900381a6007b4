"""The interface as its OpenAPI document describes it, asked at random: it never fails and answers as described."""

from __future__ import annotations

from collections import Counter
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from valueweave.graph import KnowledgeGraph
from valueweave.server import Settings, create_app

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]
EXAMPLES = 20
"""A run takes seconds; whoever has more time raises this."""


def test_nothing_asked_at_random_breaks_the_server_or_its_description(kg: KnowledgeGraph) -> None:
    # Queries run in this process: the limits of the others have tests of their own.
    schema = schemathesis.openapi.from_asgi("/openapi.json", create_app(kg, Settings(evaluators=0)))
    asked: Counter[int] = Counter()
    for found in schema.get_all_operations():
        operation = found.ok()  # type: ignore[union-attr]
        assert operation is not None
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
            answer = case.call()
            asked[answer.status_code] += 1
            case.validate_response(answer, checks=CHECKS)

        ask()
    # Both what is right and what is wrong was asked.
    assert asked[200] > 50
    assert asked[400] > 20
