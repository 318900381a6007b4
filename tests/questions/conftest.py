"""The option that writes expected rows and the page of questions anew; it never runs by itself."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--regenerate``, known when this folder is named on the command line: ``pytest tests/questions``."""
    parser.addoption("--regenerate", action="store_true", help="write expected/*.csv and docs/questions.md anew")


@pytest.fixture(scope="session")
def regenerate(request: pytest.FixtureRequest) -> bool:
    """Whether expected rows are to be written from the graph as it is now."""
    return bool(request.config.getoption("--regenerate", default=False))
