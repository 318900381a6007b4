"""Every section, table and figure that the records cite is asked about, and the answer rests on a passage of it.

`sections.yaml` holds the pointed questions. What each expects was read from the text, so a row is found by its words
and not by its labels; and it must rest on a passage of the section that the question is about:

- a row whose query binds an evidence item (`?item`) rests on this passage alone;
- a row with a `?section` rests on it, when something the row names has a passage there;
- any other row rests on the passages of those records that an account of the source defines. What sources share, and a
  registry therefore defines (actors, platforms, concepts), has passages everywhere and would prove nothing.

An aggregate rests on whatever it adds up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
import yaml

from valueweave.graph import KnowledgeGraph
from valueweave.namespaces import ID, PREFIXES, SCE
from valueweave.sparql_text import substitute

Passage = tuple[str, str]
"""A source such as ``003`` and a section of it."""

HERE = Path(__file__).parent
ENTRIES: list[dict[str, Any]] = yaml.safe_load((HERE / "sections.yaml").read_text("utf-8"))
PAGE = HERE.parents[1] / "docs" / "questions.md"
_SELECT = re.compile(r"^SELECT\b(?P<what>.*?)^WHERE\b", re.DOTALL | re.MULTILINE)
_ENDING = re.compile(r"^(GROUP|ORDER) BY .*\Z", re.DOTALL | re.MULTILINE)
_NUMBER = re.compile(r"[\d.,]+")


class Passages:
    """Where the graph's records rest in the sources."""

    def __init__(self, kg: KnowledgeGraph) -> None:
        """Read the passages of all records and which records are shared."""
        self._engine = kg.store.engine
        self.of_item: dict[str, Passage] = {}
        self.of_record: dict[str, set[Passage]] = {}
        for record, item, source, section in self._rows(
            "SELECT ?r ?i ?s ?n { ?r sce:hasEvidence ?i . ?i sce:inSource ?s ; sce:section ?n }"
        ):
            self.of_item[item] = (source.removeprefix(f"{ID}source/"), section)
            self.of_record.setdefault(record, set()).add(self.of_item[item])
        self.shared = {row[0] for row in self._rows("SELECT ?r { GRAPH ?g { ?x a sce:Registry . ?r a ?class } }")}

    def _rows(self, text: str) -> Iterator[list[str]]:
        answer = self._engine.query(text, prefixes={"sce": SCE})
        assert isinstance(answer, ox.QuerySolutions)
        yield from ([term.value for term in row if isinstance(term, ox.NamedNode | ox.Literal)] for row in answer)

    @property
    def sections(self) -> set[Passage]:
        """Every section that some record cites."""
        return set(self.of_item.values())

    def rests_on(self, bound: dict[str, str], passage: Passage) -> bool:
        """Return whether a solution rests on a section; ``bound`` gives the value of each variable of the query."""
        if "item" in bound:
            return self.of_item.get(bound["item"]) == passage
        records = [value for value in bound.values() if passage in self.of_record.get(value, ())]
        if "section" in bound:
            return bound["section"] == passage[1] and bool(records)
        return any(record not in self.shared for record in records)


@pytest.fixture(scope="module")
def passages(kg: KnowledgeGraph) -> Passages:
    return Passages(kg)


def holds(cells: list[str], word: object) -> bool:
    """Return whether a row has a word, or a number as a whole."""
    text = str(word).casefold()
    if _NUMBER.fullmatch(text):
        return any(re.search(rf"(?<![\d.,]){re.escape(text)}(?![\d]|[.,]\d)", cell) for cell in cells)
    return any(text in cell.casefold() for cell in cells)


def solutions(kg: KnowledgeGraph, entry: dict[str, Any]) -> list[tuple[list[str], dict[str, str]]]:
    """Return the rows of an answer, each with all that its solution binds."""
    return _solutions(kg, entry["question"], tuple(sorted(entry.get("parameters", {}).items())))


@cache
def _solutions(
    kg: KnowledgeGraph, name: str, parameters: tuple[tuple[str, str], ...]
) -> list[tuple[list[str], dict[str, str]]]:
    question = kg.question(name)
    select = _SELECT.search(question.text)
    assert select is not None, f"{name}.rq has no SELECT with WHERE on lines of their own"
    shown = re.findall(r"\?(\w+)", select["what"])
    traced = _ENDING.sub("", _SELECT.sub("SELECT * WHERE", question.text, count=1))
    answer = kg.store.engine.query(substitute(traced, kg.bind(question, dict(parameters))), prefixes=PREFIXES)
    assert isinstance(answer, ox.QuerySolutions)
    names = [variable.value for variable in answer.variables]
    found = []
    for solution in answer:
        bound = {name: term.value for name, term in zip(names, solution, strict=True) if term is not None}
        found.append(([bound[name].removeprefix(ID) for name in shown if name in bound], bound))
    if "GROUP BY" not in question.text:
        return found
    rows = kg.select(name, dict(parameters)).serialize("csv").decode().splitlines()[1:]
    return [(row.split(","), bound) for row in rows for _, bound in found]


def missing_rows(kg: KnowledgeGraph, passages: Passages, entry: dict[str, Any]) -> list[str]:
    """Return the expected rows that the answer does not have, or has from elsewhere."""
    answer = solutions(kg, entry)
    passage = (entry["source"], entry["section"])
    missing = []
    for words in entry["rows"]:
        alike = [bound for cells, bound in answer if all(holds(cells, word) for word in words)]
        if not any(passages.rests_on(bound, passage) for bound in alike):
            missing.append(f"{words}: {'rests on other sections' if alike else 'no such row'}")
    return missing


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry['source']} {entry['section']}: {entry['ask']}")
def test_a_section_answers_what_is_asked_about_it(
    kg: KnowledgeGraph, passages: Passages, entry: dict[str, Any]
) -> None:
    assert missing_rows(kg, passages, entry) == []


def test_every_section_is_asked_about(passages: Passages) -> None:
    assert passages.sections - {(entry["source"], entry["section"]) for entry in ENTRIES} == set()


def test_only_sections_that_exist_are_asked_about(passages: Passages) -> None:
    assert {(entry["source"], entry["section"]) for entry in ENTRIES} - passages.sections == set()


def test_what_stands_elsewhere_does_not_answer_for_a_section(kg: KnowledgeGraph, passages: Passages) -> None:
    entry = next(entry for entry in ENTRIES if entry["section"] == "Table 3")
    assert missing_rows(kg, passages, entry) == []
    assert len(missing_rows(kg, passages, {**entry, "section": "Table 4"})) == len(entry["rows"])
    wrong = missing_rows(kg, passages, {**entry, "rows": [["ICOSCM 2014", 301]]})
    assert wrong == ["['ICOSCM 2014', 301]: no such row"]


def test_what_sources_share_does_not_answer_for_a_section(passages: Passages) -> None:
    haier = f"{ID}actor/haier"
    assert len(passages.of_record[haier]) > 5
    assert not any(passages.rests_on({"actor": haier}, passage) for passage in passages.of_record[haier])


@pytest.mark.parametrize(
    ("cell", "word", "expected"),
    [("Order volume", "order", True), ("12", 2, False), ("11.1", "11", False), ("62%", 62, True), ("x", "62", False)],
)
def test_words_are_found_in_part_and_numbers_as_a_whole(cell: str, word: object, expected: bool) -> None:
    assert holds([cell], word) is expected


def page(kg: KnowledgeGraph) -> str:
    """Return the page that lists the questions, and for every section what is asked about it."""
    lines = [
        "# Questions",
        "",
        "Generated by `pytest tests/questions --regenerate`; not to be edited. `valueweave query NAME` answers a",
        "question, `--param NAME=VALUE` asks it of something else; parameters in brackets may be left out.",
        "",
        "| name | question | parameters |",
        "|---|---|---|",
    ]
    for name, question in sorted(kg.questions().items()):
        names = [p.name if p.required and p.default is None else f"[{p.name}]" for p in question.parameters]
        lines.append(f"| `{name}` | {question.summary} | {', '.join(names)} |")
    lines += [
        "",
        "# Asked about every section",
        "",
        "What each of these expects was read from the text (`tests/questions/sections.yaml`). A test looks for it in",
        "the answer, and makes sure that the row found rests on a passage of the section.",
        "",
    ]
    for source in sorted({entry["source"] for entry in ENTRIES}):
        lines += [f"## source/{source}", "", "| section | asked | answered by |", "|---|---|---|"]
        for entry in ENTRIES:
            if entry["source"] == source:
                asked = "".join(f" --param {name}='{value}'" for name, value in entry.get("parameters", {}).items())
                lines.append(f"| {entry['section']} | {entry['ask']} | `{entry['question']}{asked}` |")
        lines.append("")
    return "\n".join(lines)


def test_the_page_of_questions_is_up_to_date(kg: KnowledgeGraph, regenerate: bool) -> None:
    if regenerate:
        PAGE.write_text(page(kg), "utf-8")
    assert PAGE.read_text("utf-8") == page(kg), "run: pytest tests/questions --regenerate"
