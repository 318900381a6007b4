"""Evidence items of authored files, and the source texts they cite.

In: documents and the folder of the source texts. Out: items with their spans, texts read once.
The decision hidden here: how a text is found (by the name that its source is registered with, in that folder only).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from valueweave.authoring.document import Document
from valueweave.authoring.entries import Entry, expand_name
from valueweave.authoring.spans import read_source
from valueweave.authoring.tree import Scalar
from valueweave.namespaces import SCE
from valueweave.problems import InputError, Level, Problem

__all__ = ["Item", "SourceText", "check_folder", "items_of", "texts_of"]


@dataclass(slots=True)
class SourceText:
    """A source text, read once.

    Attributes:
        iri: the source.
        path: the file.
        text: the text, nothing when it cannot be read.
        problem: what is wrong with the file.
        absent: whether the folder has no such file.
    """

    iri: str
    path: Path
    text: str | None
    problem: Problem | None = None
    absent: bool = False


@dataclass(slots=True)
class Item:
    """An evidence item.

    Attributes:
        document: the file it is in.
        entry: the nested record.
        source: IRI of the source, ``""`` when none is named.
        start: offset of the first character, nothing when it is no number.
        end: offset after the last character, nothing when it is no number.
        sha256: hash of the passage.
        section: section as written.
        line: line of the item.
        column: column of the item.
        fields: its single values as read.
    """

    document: Document
    entry: Entry
    source: str
    start: int | None
    end: int | None
    sha256: str
    section: str
    line: int
    column: int
    fields: dict[str, Scalar] = field(default_factory=dict)

    def problem(self, code: str, message: str, remedy: str, level: Level = "error") -> Problem:
        """Return a problem of this item, naming its section."""
        where = f"Section {self.section}: " if self.section else ""
        message = where + message.removeprefix(where)
        path, record = str(self.document.path), self.entry.owner.written
        return Problem(code, message, remedy, path, self.line, self.column, record, "evidence", level)


def check_folder(folder: Path) -> None:
    """Raise an error when there is no such folder.

    Raises:
        InputError: naming it.
    """
    if not folder.is_dir():
        message, remedy = "There is no such folder of source texts.", "Name it with --sources."
        raise InputError(Problem("no-folder", message, remedy, file=str(folder)))


def items_of(documents: Iterable[Document]) -> Iterator[Item]:
    """Yield the evidence items of documents in their order."""
    for document in documents:
        for entry in document.entries:
            if entry.key != "evidence" and SCE + "EvidenceItem" not in entry.types:
                continue
            fields = {key: node for key, (_, node) in entry.mapping.entries.items() if isinstance(node, Scalar)}
            written = entry.data.get("inSource")
            source = expand_name(written, document.ontology) if isinstance(written, str) else None
            start, end = (fields[key].value if key in fields else None for key in ("start", "end"))
            yield Item(
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


def texts_of(documents: Iterable[Document], folder: Path) -> dict[str, SourceText]:
    """Read the text of every source that is registered with one, by IRI of the source."""
    return {
        entry.iri: _read(document, entry, name, folder)
        for document in documents
        for entry in document.entries
        if SCE + "Source" in entry.types and isinstance(name := entry.mapping.get("textFile"), Scalar)
    }


def _read(document: Document, entry: Entry, name: Scalar, folder: Path) -> SourceText:
    # Only the name counts: a text lies in the folder itself, never elsewhere.
    path = folder / Path(name.text).name

    def problem(code: str, message: str, remedy: str) -> Problem:
        line, column = document.file.place(name.start)
        return Problem(code, message, remedy, str(document.path), line, column, entry.written, "textFile")

    if not path.is_file():
        message, remedy = f"The text file '{path.name}' is not in {folder}.", "Put it there, or name another folder."
        return SourceText(entry.iri, path, None, problem("no-source-text", message, remedy), absent=True)
    try:
        text = read_source(path)
    except InputError as error:
        wrong = error.problems[0]
        return SourceText(entry.iri, path, None, problem(wrong.code, f"{path.name}: {wrong.message}", wrong.remedy))
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    digest = entry.mapping.get("textSha256")
    if isinstance(digest, Scalar) and found != digest.text:
        told = f"its SHA-256 begins {found[:12]}, the register says {digest.text[:12]}"
        message = f"The file '{path.name}' is not the one cited: {told}."
        remedy = "Use the file cited; if it was replaced on purpose, mend the spans with --fix and enter its hash."
        return SourceText(entry.iri, path, text, problem("source-text-differs", message, remedy))
    length = getattr(entry.mapping.get("textLength"), "value", None)
    if isinstance(length, int) and length != len(text):
        message = f"The text '{path.name}' has {len(text)} characters, the register says {length}."
        return SourceText(
            entry.iri, path, text, problem("source-length-differs", message, f"Write textLength: {len(text)}.")
        )
    return SourceText(entry.iri, path, text)
