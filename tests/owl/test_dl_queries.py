"""The DL queries of docs/protege.md answer what the page says they answer."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "protege.md"
_QUERY = re.compile(
    r"```manchester\n(?P<query>.+?)\n```\n\n(?P<kind>Instances|Equivalent classes|Superclasses): (?P<names>.*)"
)


def _queries() -> list[dict[str, str]]:
    return [match.groupdict() for match in _QUERY.finditer(PAGE.read_text("utf-8"))]


@pytest.fixture(scope="module")
def answers(exported: Path) -> list[list[str]]:
    asked = [{"kind": each["kind"].lower(), "query": each["query"]} for each in _queries()]
    program = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("dl_query.py")), str(exported)],
        input=json.dumps(asked),
        capture_output=True,
        encoding="utf-8",
        timeout=600,
        check=False,
    )
    assert program.returncode == 0, program.stderr
    found: list[list[str]] = json.loads(program.stdout)
    return found


def test_the_page_has_five_queries() -> None:
    headings = re.findall(r"^### \d\.", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    assert len(headings) == 5
    assert len(_queries()) == PAGE.read_text("utf-8").count("```manchester")


@pytest.mark.parametrize("number", range(len(_queries())), ids=lambda number: _queries()[number]["query"][:50])
def test_a_query_answers_what_the_page_says(answers: list[list[str]], number: int) -> None:
    expected = sorted(re.findall(r"`([\w-]+)`", _queries()[number]["names"].split(" (", maxsplit=1)[0]))
    assert answers[number] == expected
