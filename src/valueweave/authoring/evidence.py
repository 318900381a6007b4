"""Evidence: every span recomputed against the source texts, mended where it can be, and shown.

In: a project and the folder of the source texts. Out: :class:`EvidenceReport`, passages, ready evidence items.
The decision hidden here: how a passage is found again when only its length and hash are known: windows of that length are
hashed, from the old place outwards.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from valueweave.authoring.document import Document, Entry, expand_name
from valueweave.authoring.loader import load_documents
from valueweave.authoring.reader import Scalar
from valueweave.authoring.rewrite import replace_scalars
from valueweave.authoring.spans import (
    Span,
    evidence_item,
    evidence_yaml,
    find_spans,
    line_at,
    read_source,
    section_at,
    span_hash,
)
from valueweave.namespaces import ID, SCE, TermError, expand_iri, shorten_iri
from valueweave.problems import InputError, Problem
from valueweave.project import Project

__all__ = [
    "EvidenceReport",
    "Passage",
    "Span",
    "evidence_item",
    "evidence_yaml",
    "find",
    "find_again",
    "find_spans",
    "section_at",
    "show",
    "span_hash",
    "verify",
]


@dataclass(frozen=True, slots=True)
class EvidenceReport:
    """What came of a verification.

    Attributes:
        checked: number of evidence items looked at.
        intact: number of those whose passage is where they say.
        fixed: number of those whose offsets were rewritten.
        texts: source texts that were read, by id of the source.
        problems: each broken item and each source text that is not the one cited.
    """

    checked: int
    intact: int
    fixed: int
    texts: dict[str, str]
    problems: tuple[Problem, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is broken (what was mended is not)."""
        return not any(problem.level == "error" for problem in self.problems)

    def to_json(self) -> dict[str, Any]:
        """Return the report as a JSON object."""
        return {
            "ok": self.ok,
            "checked": self.checked,
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
        lines.append(
            f"{self.checked} evidence items checked against {len(self.texts)} source texts: "
            f"{self.intact} intact{fixed}, {broken} broken."
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
        what = ", ".join(part for part in (self.kind, "backs " + ", ".join(self.supports) if self.supports else "") if part)
        head = f"{self.source}, section {self.section or '?'} ({self.file}:{self.line}, {self.start}-{self.end}; {what})"
        warning = "" if self.intact else "\n  The text at this place is not the passage cited: run 'valueweave evidence verify'."
        reason = f"\n  Interpreted: {self.reason}" if self.reason else ""
        body = "\n".join("  | " + line.strip() for line in self.text.splitlines() if line.strip())
        return f"{head}{warning}{reason}\n{body}\n"


@dataclass(slots=True)
class _Text:
    """A source text, read once; ``text`` is nothing when it cannot be used."""

    iri: str
    path: Path
    text: str | None
    problem: Problem | None = None


@dataclass(slots=True)
class _Item:
    """An evidence item with the values that matter here."""

    document: Document
    entry: Entry
    source: str
    start: int | None
    end: int | None
    sha256: str
    section: str
    line: int = 0
    column: int = 0
    fields: dict[str, Scalar] = field(default_factory=dict)

    def problem(self, code: str, message: str, remedy: str, term: str = "evidence", level: Any = "error") -> Problem:
        where = f"Section {self.section}: " if self.section else ""
        path, record = str(self.document.path), self.entry.owner.written
        return Problem(code, where + message, remedy, path, self.line, self.column, record, term, level)


def verify(project: Project, sources_dir: Path, fix: bool = False) -> EvidenceReport:
    """Recompute every span of a project against the source texts.

    Args:
        project: the project.
        sources_dir: folder that holds the files named by ``textFile`` of the sources.
        fix: rewrite the offsets of passages that stand elsewhere in the text; nothing else of the file changes.

    Returns:
        The report; each broken item is named by file, line, record and section.

    Raises:
        InputError: when the folder or an authored file cannot be read.
    """
    _check_folder(sources_dir)
    documents = load_documents(project.data_files(), project)
    texts = _texts(documents, sources_dir)
    problems = [text.problem for text in texts.values() if text.problem]
    checked = intact = fixed = 0
    edits: dict[Path, list[tuple[Scalar, str]]] = {}
    for item in _items(documents):
        checked += 1
        text = texts.get(item.source)
        problem, changes = _check(item, text)
        if problem is None:
            intact += 1
        elif changes and fix:
            edits.setdefault(item.document.path, []).extend(changes)
            fixed += 1
            problems.append(item.problem("span-mended", problem.message, "The offsets were rewritten.", level="info"))
        else:
            problems.append(problem)
    for path, changes in edits.items():
        replace_scalars(path, changes)
    order = sorted(problems, key=lambda p: (p.file or "", p.line or 0, p.column or 0))
    used = {shorten_iri(iri): str(text.path) for iri, text in texts.items() if text.text is not None}
    return EvidenceReport(checked, intact, fixed, used, tuple(order))


def find_again(text: str, length: int, sha256: str, near: int) -> int | None:
    """Return the offset at which a passage of ``length`` with this hash stands, the nearest to ``near``, or nothing.

    Every window of the text is hashed, from ``near`` outwards; a text whose lines were wrapped anew has no such window.

    >>> find_again("abcabc", 2, hashlib.sha256(b"bc").hexdigest(), 5)
    4
    """
    last = len(text) - length
    if length <= 0 or last < 0:
        return None
    wanted = bytes.fromhex(sha256) if re.fullmatch(r"[0-9a-f]{64}", sha256) else b""
    near = min(max(near, 0), last)
    for distance in range(max(near, last - near) + 1):
        for start in {near - distance, near + distance}:
            if 0 <= start <= last:
                window = text[start : start + length].encode("utf-8", "surrogatepass")
                if hashlib.sha256(window).digest() == wanted:
                    return start
    return None


def show(project: Project, identifier: str, sources_dir: Path) -> list[Passage]:
    """Return the passages that back a record, or the one of an evidence item.

    Args:
        project: the project.
        identifier: a record, nested record or evidence item (``stage/jd-1`` or its full IRI).
        sources_dir: folder of the source texts.

    Raises:
        InputError: when nothing has that id, it has no evidence, or the texts cannot be read.
    """
    _check_folder(sources_dir)
    try:
        iri = expand_iri(identifier)
    except TermError as error:
        raise InputError(Problem("malformed-id", f"{error}.", "Write an id such as stage/jd-1.")) from error
    documents = load_documents(project.data_files(), project)
    texts = _texts(documents, sources_dir)
    found = [
        item
        for item in _items(documents)
        if iri in (item.entry.iri, item.entry.parent.iri if item.entry.parent else "", item.entry.owner.iri)
    ]
    if not found:
        known = any(iri in document.by_iri for document in documents)
        message = f"'{identifier}' has no evidence." if known else f"Nothing has the id '{identifier}'."
        raise InputError(Problem("no-evidence", message, "Name a record of a case, such as stage/jd-1."))
    return [_passage(item, texts) for item in found]


def find(
    project: Project,
    source: str,
    sources_dir: Path,
    *,
    text: str | None = None,
    regex: str | None = None,
    kind: str = "stated",
) -> list[dict[str, Any]]:
    """Return ready evidence items for every place of a source text that holds some words.

    Args:
        project: the project, whose register of sources names the text file.
        source: id of the source (``source/000``) or its last part (``000``).
        sources_dir: folder of the source texts.
        text: words to find; whitespace, quotation marks and dashes may differ.
        regex: a regular expression instead.
        kind: the kind of evidence to write into the items.

    Raises:
        InputError: when the source or its text is unknown, or there is nothing to look for.
    """
    if not (text or "").strip() and not regex:
        raise InputError(Problem("nothing-to-find", "There are no words to look for.", "Give --text or --regex."))
    _check_folder(sources_dir)
    try:
        needle: str | re.Pattern[str] = re.compile(regex) if regex else text or ""
    except re.error as error:
        message = f"'{regex}' is no regular expression: {error}."
        raise InputError(Problem("bad-regex", message, "Correct it, or use --text.")) from error
    body = read_source(_source_path(project, source, sources_dir))
    return [
        {"section": s.section, "start": s.start, "end": s.end, "sha256": s.sha256, "evidenceKind": kind}
        for s in find_spans(body, needle)
    ]


def _source_path(project: Project, source: str, sources_dir: Path) -> Path:
    """Return the text file of a source: as registered, else the one whose name begins so (before it is registered)."""
    iri = source if "://" in source else ID + (source if "/" in source else f"source/{source}")
    register = [path for path in project.data_files() if path.name == "sources.yaml"]
    for document in load_documents(register, project):
        for entry in document.by_iri.get(iri, ()):
            name = entry.mapping.get("textFile")
            if isinstance(name, Scalar):
                return sources_dir / Path(name.text).name
    short = iri.rsplit("/", 1)[-1]
    near = sorted(path for path in sources_dir.glob(f"{short}*") if path.is_file()) if re.fullmatch(r"[\w.-]+", short) else []
    if len(near) == 1:
        return near[0]
    raise InputError(
        Problem(
            "unknown-source",
            f"No source '{source}' is registered with a text file.",
            "Add it to data/sources.yaml with textFile:, or correct the id.",
        )
    )


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise InputError(
            Problem("no-folder", "There is no such folder of source texts.", "Name it with --sources.", file=str(folder))
        )


def _texts(documents: Iterable[Document], folder: Path) -> dict[str, _Text]:
    """Read the text of every source that is registered with one."""
    found: dict[str, _Text] = {}
    for document in documents:
        for entry in document.entries:
            name, digest = entry.mapping.get("textFile"), entry.mapping.get("textSha256")
            if SCE + "Source" not in entry.types or not isinstance(name, Scalar):
                continue
            # Only the name counts: a text lies in the folder itself, never elsewhere.
            path = folder / Path(name.text).name
            line, column = document.file.place(name.start)

            def wrong(code: str, message: str, remedy: str, place: Any = (document, entry, line, column)) -> Problem:
                where, owner, row, start = place
                return Problem(code, message, remedy, str(where.path), row, start, owner.written, "textFile")

            try:
                body = path.read_bytes()
                text = read_source(path)
            except (OSError, InputError):
                message = f"The text file '{path.name}' is not in {folder}, or is not UTF-8."
                problem = wrong("no-source-text", message, "Put the file there, or name the folder that holds it.")
                found[entry.iri] = _Text(entry.iri, path, None, problem)
                continue
            problem = None
            if isinstance(digest, Scalar) and hashlib.sha256(body).hexdigest() != digest.text:
                problem = wrong(
                    "source-text-differs",
                    f"The file '{path.name}' is not the one cited: its SHA-256 begins with "
                    f"{hashlib.sha256(body).hexdigest()[:12]}, the register says {digest.text[:12]}.",
                    "Use the file that was cited; or, if the text was replaced, mend the spans with --fix and enter its new "
                    "hash and length.",
                )
            length = getattr(entry.mapping.get("textLength"), "value", None)
            if problem is None and isinstance(length, int) and length != len(text):
                problem = wrong(
                    "source-length-differs",
                    f"The text '{path.name}' has {len(text)} characters, the register says {length}.",
                    f"Write textLength: {len(text)}.",
                )
            found[entry.iri] = _Text(entry.iri, path, text, problem)
    return found


def _items(documents: Iterable[Document]) -> Iterator[_Item]:
    for document in documents:
        for entry in document.entries:
            if entry.key != "evidence" and SCE + "EvidenceItem" not in entry.types:
                continue
            fields = {key: node for key, (_, node) in entry.mapping.entries.items() if isinstance(node, Scalar)}
            written = entry.data.get("inSource")
            source = expand_name(written, document.ontology) if isinstance(written, str) else None
            start, end = (fields[key].value if key in fields else None for key in ("start", "end"))
            yield _Item(
                document,
                entry,
                source or "",
                start if isinstance(start, int) else None,
                end if isinstance(end, int) else None,
                fields["sha256"].text if "sha256" in fields else "",
                fields["section"].text if "section" in fields else "",
                *document.file.place(entry.mapping.start),
                fields,
            )


def _check(item: _Item, source: _Text | None) -> tuple[Problem | None, list[tuple[Scalar, str]]]:
    """Return what is wrong with an item, and the values to write where the passage stands elsewhere."""
    if source is None:
        known = shorten_iri(item.source) or "nothing"
        remedy = "Register the source with textFile:, textSha256: and textLength:."
        return item.problem("no-source-text", f"The source {known} has no text to check against.", remedy), []
    if source.text is None:
        message = f"The text of {shorten_iri(item.source)} cannot be read."
        return item.problem("no-source-text", message, "See the problem of that source."), []
    if item.start is None or item.end is None or not 0 <= item.start < item.end:
        message, remedy = "The span is not complete.", "Write start:, end: and sha256:; 'valueweave evidence find' prints them."
        return item.problem("bad-span", message, remedy), []
    text, length = source.text, item.end - item.start
    if item.end <= len(text) and span_hash(text, item.start, item.end) == item.sha256:
        return None, []
    name = source.path.name
    where = f"the text of {name} at {item.start}-{item.end}"
    what = f"The span {item.start}-{item.end} lies beyond the end of {name} ({len(text)} characters)"
    if item.end <= len(text):
        what = f"The hash of {where} is {span_hash(text, item.start, item.end)[:12]}…, the item says {item.sha256[:12]}…"
    again = find_again(text, length, item.sha256, item.start)
    if again is None:
        remedy = (
            "No passage of this length has that hash anywhere in the text (its words or its line breaks have changed): "
            "find it with 'valueweave evidence find' and write the item anew."
        )
        return item.problem("span-broken", what + ".", remedy), []
    message = f"{what}; the passage stands at {again}-{again + length}, line {line_at(text, again)}."
    changes = [(item.fields["start"], str(again)), (item.fields["end"], str(again + length))]
    return item.problem("span-moved", message, "Run 'valueweave evidence verify --fix' to write the new offsets."), changes


def _passage(item: _Item, texts: dict[str, _Text]) -> Passage:
    source = texts.get(item.source)
    if source is None or source.text is None or item.start is None or item.end is None:
        problem = (source.problem if source else None) or _check(item, source)[0]
        raise InputError(problem or item.problem("bad-span", "The span is not complete.", "Write start: and end:."))
    parent = item.entry.parent or item.entry
    supports = item.entry.data.get("supports", [])
    return Passage(
        parent.written,
        item.entry.written,
        shorten_iri(item.source),
        source.path.name,
        line_at(source.text, item.start),
        item.section,
        item.start,
        item.end,
        str(item.entry.data.get("evidenceKind", "")),
        tuple([supports] if isinstance(supports, str) else supports),
        item.end <= len(source.text) and span_hash(source.text, item.start, item.end) == item.sha256,
        source.text[item.start : item.end],
        item.fields["interpretationReason"].text if "interpretationReason" in item.fields else "",
    )
