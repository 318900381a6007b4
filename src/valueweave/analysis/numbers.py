"""What the sources print, computed again: changes, totals, shares and spans of years.

In: a graph, and the checks in ``ontology/numbers/``. Out: each printed number that can be computed, with a verdict.
The decision hidden here: none of the arithmetic, which stands in the checks (one SPARQL SELECT a kind of check, decimal
arithmetic by the engine); this module runs them, judges their rows and adds what the graph knows of each record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from valueweave.analysis.numbers_report import CheckedNumber, NumbersReport, Passage
from valueweave.analysis.verdicts import EXACT, VERDICTS, Bounds, Verdict, judge
from valueweave.headers import read_header, read_text
from valueweave.namespaces import SCE, shorten_iri
from valueweave.problems import InputError, Problem, did_you_mean
from valueweave.queries import Question, parse_question
from valueweave.values import IRI

if TYPE_CHECKING:
    from valueweave.graph import KnowledgeGraph
    from valueweave.results import Row, SolutionTable

__all__ = ["NumberCheck", "check_numbers", "load_number_checks"]

_Found = TypeVar("_Found")

_NEEDED = ("record", "printed", "computed", "decimals", "unit", "qualifier")

_STATED = ("printedChange", "numericValue", "code", "citationKey")

_BOUNDS = f"""
SELECT ?qualifier ?below ?equal ?above ?nearness WHERE {{
  ?qualifier <{SCE}admitsBelow> ?below ; <{SCE}admitsEqual> ?equal ; <{SCE}admitsAbove> ?above .
  OPTIONAL {{ ?qualifier <{SCE}nearness> ?nearness }}
}}"""

_PRINTED = f"""
SELECT DISTINCT ?record ?source WHERE {{
  ?record <{SCE}printedChange>|<{SCE}numericValue>|<{SCE}lowerValue>|<{SCE}upperValue> ?number ;
    <{SCE}hasEvidence>/<{SCE}inSource> ?source .
}}"""

_PASSAGES = f"""
SELECT ?record ?source ?section ?start ?end (COUNT(?link) AS ?links) WHERE {{
  ?record {"|".join(f"<{SCE}{name}>" for name in _STATED)} ?number ; <{SCE}hasEvidence> ?item .
  ?item <{SCE}inSource> ?source ; <{SCE}section> ?section ; <{SCE}startOffset> ?start ; <{SCE}endOffset> ?end .
  OPTIONAL {{ ?item <{SCE}supports> ?link }}
  OPTIONAL {{ ?item <{SCE}supports> ?own . FILTER(?own IN ({", ".join(f"<{SCE}{name}>" for name in _STATED)})) }}
  FILTER(DATATYPE(?start) = xsd:integer && DATATYPE(?end) = xsd:integer && (!BOUND(?link) || BOUND(?own)))
}} GROUP BY ?record ?source ?section ?start ?end ORDER BY ?source ?start"""

_CONFLICTS = f"""
SELECT DISTINCT ?record ?discrepancy WHERE {{
  ?discrepancy <{SCE}hasDiscrepancyKind> <{SCE}arithmeticConflict> .
  {{ ?discrepancy <{SCE}concerns>|<{SCE}confronts> ?record }} UNION
  {{ ?discrepancy <{SCE}confronts> ?value . ?record <{SCE}hasStatedValue> ?value }}
}} ORDER BY ?discrepancy"""


@dataclass(frozen=True, slots=True)
class NumberCheck:
    """One kind of check.

    Attributes:
        name: name of its file, without the ending.
        label: short name for people.
        definition: the arithmetic, in one sentence.
        question: the query, with a row for each printed number it computes.
    """

    name: str
    label: str
    definition: str
    question: Question


def load_number_checks(folder: Path) -> list[NumberCheck]:
    """Read the checks in a folder, by name.

    Raises:
        InputError: with every file that cannot be read, has no label or definition, or misses a variable.

    Example:
        >>> load_number_checks(Path("no-such-folder"))
        []
    """
    checks: list[NumberCheck] = []
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.rq")):
        try:
            checks.append(_load(path))
        except InputError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError(*problems)
    return checks


def _load(path: Path) -> NumberCheck:
    text = read_text(path)
    header = read_header(text, file=str(path))
    missing = [f"'#+ {key}: ...'" for key in ("label", "definition") if not isinstance(header.get(key), str)]
    missing += [f"?{name} among what it selects" for name in _NEEDED if f"?{name}" not in text]
    if missing:
        message = f"This check of numbers lacks {', '.join(missing)}."
        raise InputError(Problem("number-check-form", message, "Write it as the others beside it.", file=str(path)))
    question = parse_question(text, name=path.stem, file=str(path))
    return NumberCheck(path.stem, str(header["label"]), str(header["definition"]), question)


def check_numbers(graph: KnowledgeGraph, source: str | None = None, only: str | None = None) -> NumbersReport:
    """Compute again what the sources print.

    Args:
        graph: the graph whose records are looked at.
        source: only numbers of this source: its id or number, such as ``003``.
        only: only numbers of this verdict; ``off`` takes in ``off-kind``.

    Returns:
        The numbers by source and place, and how many printed numbers nothing is told to compute from.

    Raises:
        InputError: when a check is wrong, or there is no such source or verdict.

    Example:
        >>> check_numbers(kg, source="003", only="off")  # doctest: +SKIP
    """
    if only is not None and only not in VERDICTS:
        remedy = did_you_mean(only, VERDICTS) or f"Known: {', '.join(VERDICTS)}."
        raise InputError(Problem("unknown-verdict", f"There is no verdict '{only}'.", remedy, term=only))
    printed = graph.select(_PRINTED)
    wanted = _source(source, {str(row["source"]) for row in printed}) if source is not None else None
    bounds = {str(row["qualifier"]): _bounds(row) for row in graph.select(_BOUNDS)}
    passages = _by_record(graph.select(_PASSAGES), _passage)
    conflicts = _by_record(graph.select(_CONFLICTS), lambda row: IRI(str(row["discrepancy"])))
    numbers = [
        _checked(graph, check, row, bounds, passages, conflicts)
        for check in load_number_checks(graph.project.ontology / "numbers")
        for row in graph.select(check.question)
    ]
    numbers = [number for number in numbers if wanted is None or number.source == wanted]
    numbers.sort(key=lambda number: (number.source, number.passages[0].start if number.passages else 0, number.record))
    done = {number.record for number in numbers}
    told = {str(row["record"]) for row in printed if wanted is None or row["source"] == wanted}
    shown = {only, "off-kind"} if only == "off" else {only}
    kept = tuple(number for number in numbers if only is None or number.verdict in shown)
    return NumbersReport(kept, len(told - done), tuple(sorted(shorten_iri(record) for record in told - done)))


def _source(name: str, known: Iterable[str]) -> str:
    """Return the source of a name: its IRI, its id, or its number."""
    by_name = {form: iri for iri in known for form in (iri, shorten_iri(iri), shorten_iri(iri).removeprefix("source/"))}
    if name not in by_name:
        remedy = did_you_mean(name, by_name) or f"Known: {', '.join(sorted({shorten_iri(iri) for iri in known}))}."
        raise InputError(Problem("unknown-source", f"No source '{name}' prints numbers.", remedy, term=name))
    return by_name[name]


def _bounds(row: Row) -> Bounds:
    nearness = row["nearness"]
    return Bounds(
        bool(row["below"]), bool(row["equal"]), bool(row["above"]), None if nearness is None else Decimal(str(nearness))
    )


def _passage(row: Row) -> Passage:
    return Passage(IRI(str(row["source"])), str(row["section"]), int(str(row["start"])), int(str(row["end"])))


def _by_record(table: SolutionTable, read: Callable[[Row], _Found]) -> dict[str, list[_Found]]:
    found: dict[str, list[_Found]] = {}
    for row in table:
        found.setdefault(str(row["record"]), []).append(read(row))
    return found


def _checked(
    graph: KnowledgeGraph,
    check: NumberCheck,
    row: Row,
    bounds: Mapping[str, Bounds],
    passages: Mapping[str, Sequence[Passage]],
    conflicts: Mapping[str, Sequence[IRI]],
) -> CheckedNumber:
    values = row.to_dict()
    record = IRI(str(values["record"]))
    printed = Decimal(str(values["printed"]))
    computed, otherwise = (_number(values.get(name)) for name in ("computed", "otherwise"))
    qualifier, kind = (_iri(values.get(name)) for name in ("qualifier", "otherwiseKind"))
    limits = _iri(values.get("bounds")) or qualifier
    admitted = bounds.get(limits, EXACT) if limits else EXACT
    verdict: Verdict
    verdict, how = judge(printed, computed, int(str(values["decimals"])), admitted, otherwise)
    found = tuple(passages.get(record, ()))
    return CheckedNumber(
        record=record,
        label=graph.label(record),
        check=check.name,
        check_label=check.label,
        source=found[0].source if found else IRI(""),
        printed=printed,
        computed=computed,
        unit=IRI(str(values["unit"])),
        unit_label=graph.label(str(values["unit"])),
        qualifier=qualifier,
        verdict=verdict,
        how=how,
        otherwise=otherwise,
        otherwise_label=graph.label(kind) if kind and otherwise is not None else None,
        passages=found,
        discrepancies=tuple(conflicts.get(record, ())),
    )


def _number(value: object) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _iri(value: object) -> IRI | None:
    return None if value is None else IRI(str(value))
