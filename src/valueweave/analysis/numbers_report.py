"""The report on printed numbers.

In: judged numbers. Out: the same for Python, as text for people, as JSON of a published schema.
The decision hidden here: how the report reads; a change of its JSON is a new version of the schema.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from valueweave.analysis.verdicts import VERDICTS, Verdict
from valueweave.namespaces import shorten_iri
from valueweave.values import IRI

__all__ = ["SCHEMA", "CheckedNumber", "NumbersReport", "Passage"]

SCHEMA = "https://w3id.org/valueweave/schema/check-numbers-1"
"""Name of the form of the JSON; ``ontology/schema/check-numbers-1.schema.json`` describes it."""

_PLACES = Decimal("0.000001")

_SIGNS = {"percent": "%", "percentage point": "pp", "count": "", "hour": "h", "year": "years", "day": "days"}


@dataclass(frozen=True, slots=True)
class Passage:
    """Where a number is printed: source, section, and offsets of its span in the text."""

    source: IRI
    section: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class CheckedNumber:
    """One printed number, computed again.

    Attributes:
        record: the record that states it.
        label: label of the record.
        check: name of the kind of check.
        check_label: label of the kind of check.
        source: the source that prints it.
        printed: the number as printed.
        computed: the number as it follows by arithmetic; ``None`` when nothing follows.
        unit: the unit of both.
        unit_label: label of the unit.
        qualifier: how the source qualifies it.
        verdict: how they compare.
        how: what the verdict rests on.
        otherwise: what would follow under another kind of change.
        otherwise_label: label of that kind.
        passages: where it is printed.
        discrepancies: conflicts of arithmetic that the curator has recorded about it.
    """

    record: IRI
    label: str
    check: str
    check_label: str
    source: IRI
    printed: Decimal
    computed: Decimal | None
    unit: IRI
    unit_label: str
    qualifier: IRI | None
    verdict: Verdict
    how: str
    otherwise: Decimal | None
    otherwise_label: str | None
    passages: tuple[Passage, ...]
    discrepancies: tuple[IRI, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the number as a JSON object; numbers are rounded to six decimals."""
        other = None
        if self.otherwise is not None:
            other = {"value": _json_number(self.otherwise), "kind": self.otherwise_label}
        return {
            "record": self.record.short,
            "label": self.label,
            "check": self.check,
            "source": shorten_iri(self.source),
            "printed": _json_number(self.printed),
            "computed": None if self.computed is None else _json_number(self.computed),
            "unit": self.unit_label,
            "qualifier": self.qualifier.short.removeprefix("sce:") if self.qualifier else None,
            "verdict": self.verdict,
            "how": self.how,
            "otherwise": other,
            "passages": [
                {"source": passage.source.short, "section": passage.section, "start": passage.start, "end": passage.end}
                for passage in self.passages
            ],
            "discrepancies": [discrepancy.short for discrepancy in self.discrepancies],
        }


@dataclass(frozen=True, slots=True)
class NumbersReport:
    """The numbers looked at, by source and place.

    Attributes:
        numbers: those that were asked for.
        not_computable: how many printed numbers there are that no record says how to compute.
        not_computed: ids of their records.
    """

    numbers: tuple[CheckedNumber, ...]
    not_computable: int
    not_computed: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[CheckedNumber]:
        return iter(self.numbers)

    def __len__(self) -> int:
        return len(self.numbers)

    def counts(self) -> dict[str, int]:
        """Return how many numbers there are of each verdict, from best to worst.

        >>> NumbersReport((), 0).counts()["off"]
        0
        """
        found = Counter(number.verdict for number in self.numbers)
        return {verdict: found[verdict] for verdict in VERDICTS}

    def to_json(self) -> dict[str, Any]:
        """Return the report in the form that :data:`SCHEMA` names."""
        return {
            "schema": SCHEMA,
            "counts": self.counts(),
            "notComputed": list(self.not_computed),
            "numbers": [number.to_json() for number in self.numbers],
        }

    def to_text(self) -> str:
        """Return a table for each source, and the counts."""
        parts = []
        for source in dict.fromkeys(number.source for number in self.numbers):
            rows = [_cells(number) for number in self.numbers if number.source == source]
            parts.append(f"{shorten_iri(source)}\n{_table(('printed', 'computed', 'verdict', 'where', 'what'), rows)}")
        counts = ", ".join(f"{count} {verdict}" for verdict, count in self.counts().items() if count)
        parts.append(
            f"{len(self.numbers)} numbers: {counts or 'none'}; "
            f"for {self.not_computable} other printed numbers nothing is told that they could be computed from."
        )
        return "\n\n".join(parts)

    def __repr__(self) -> str:
        return f"<NumbersReport: {', '.join(f'{count} {verdict}' for verdict, count in self.counts().items())}>"


def _cells(number: CheckedNumber) -> tuple[str, ...]:
    unit = _SIGNS.get(number.unit_label, number.unit_label)
    qualifier = number.qualifier.short.removeprefix("sce:") if number.qualifier else "exactly"
    printed = " ".join(filter(None, ("" if qualifier == "exactly" else qualifier, _plain(number.printed), unit)))
    what = f"{number.check_label}: {number.label}"
    if number.verdict == "off-kind" and number.otherwise is not None:
        what += f" ({_plain(number.otherwise)} as {number.otherwise_label})"
    computed = "?" if number.computed is None else _plain(number.computed)
    sections = dict.fromkeys(passage.section for passage in number.passages)
    return printed, computed, number.verdict, ", ".join(sections), what


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    widths = [max(len(row[place]) for row in [head, *rows]) for place in range(len(head))]
    lines = [head, tuple("-" * width for width in widths), *rows]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _plain(number: Decimal) -> str:
    """Return a number with at most four decimals, without trailing zeros and exponent."""
    shown = format(number.quantize(Decimal("0.0001")), "f")
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def _json_number(number: Decimal) -> int | float:
    return int(number) if number == number.to_integral_value() else float(number.quantize(_PLACES))
