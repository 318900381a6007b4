"""What came of a look at the evidence: the report of a verification, and passages to read.

In: counts, problems, passages. Out: text for people and JSON for programs.
The decision hidden here: how they are worded.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from valueweave.problems import Problem, has_errors

__all__ = ["EvidenceReport", "Passage"]


@dataclass(frozen=True, slots=True)
class EvidenceReport:
    """What came of a verification.

    Attributes:
        checked: number of evidence items held against a source text.
        intact: number of those whose passage is where they say.
        fixed: number of those whose offsets were rewritten.
        texts: source texts that were read, by id of the source.
        problems: each broken item, each source text that is not the one cited, a note on each that is not there.
        unchecked: number of evidence items whose source text is not there.
    """

    checked: int
    intact: int
    fixed: int
    texts: dict[str, str]
    problems: tuple[Problem, ...] = ()
    unchecked: int = 0

    @property
    def nothing_to_check(self) -> bool:
        """Whether there are items, and not one text to hold them against."""
        return not self.texts and bool(self.checked or self.unchecked)

    @property
    def ok(self) -> bool:
        """Whether something could be checked and nothing is broken (what was mended is not)."""
        return not self.nothing_to_check and not has_errors(self.problems)

    def to_json(self) -> dict[str, Any]:
        """Return the report as a JSON object."""
        return {
            "ok": self.ok,
            "checked": self.checked,
            "not_checked": self.unchecked,
            "intact": self.intact,
            "fixed": self.fixed,
            "broken": self.checked - self.intact - self.fixed,
            "texts": self.texts,
            "problems": [problem.to_json() for problem in self.problems],
        }

    def to_text(self) -> str:
        """Return the report as lines to read."""
        lines = [str(problem) for problem in self.problems]
        broken = self.checked - self.intact - self.fixed
        fixed = f", {self.fixed} mended" if self.fixed else ""
        unchecked = f"; {self.unchecked} not checked, their texts are not there" if self.unchecked else ""
        lines.append(
            f"{self.checked} evidence items checked against {len(self.texts)} source texts: "
            f"{self.intact} intact{fixed}, {broken} broken{unchecked}."
        )
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage that backs a record.

    Attributes:
        record: id of the record.
        item: id of the evidence item.
        source: id of the source.
        file: file of the source text.
        line: line of the text in which it starts.
        section: section as the item has it.
        start: offset of its first character.
        end: offset after its last character.
        kind: stated, table or interpreted.
        supports: keys of the record that it backs; all when empty.
        intact: whether the hash fits.
        text: the passage.
        reason: why it backs the record, where it is interpreted.
    """

    record: str
    item: str
    source: str
    file: str
    line: int
    section: str
    start: int
    end: int
    kind: str
    supports: tuple[str, ...]
    intact: bool
    text: str
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the passage as a JSON object (keys as the attributes)."""
        return asdict(self)

    def to_text(self) -> str:
        """Return the passage with its place, to read."""
        what = ", ".join(
            part for part in (self.kind, "backs " + ", ".join(self.supports) if self.supports else "") if part
        )
        head = (
            f"{self.source}, section {self.section or '?'} ({self.file}:{self.line}, {self.start}-{self.end}; {what})"
        )
        warning = (
            ""
            if self.intact
            else "\n  The text at this place is not the passage cited: run 'valueweave evidence verify'."
        )
        reason = f"\n  Interpreted: {self.reason}" if self.reason else ""
        body = "\n".join("  | " + line.strip() for line in self.text.splitlines() if line.strip())
        return f"{head}{warning}{reason}\n{body}\n"
