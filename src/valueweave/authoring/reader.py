"""YAML files, read strictly and with the place of every key and value.

In: a file. Out: a tree of mappings, lists and scalars with offsets, and everything that is wrong with it as YAML.
The decision hidden here: which YAML is accepted. Anchors, aliases, tags, duplicate keys, several documents and deep
nesting are refused, so no small file can become a large one.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from valueweave.authoring.tree import Listing, Mapping, Node, Scalar
from valueweave.problems import Problem

__all__ = ["MAX_BYTES", "MAX_DEPTH", "YamlFile", "read_yaml"]

MAX_BYTES = 20 * 1024 * 1024
"""Largest file that is read, in bytes."""

MAX_DEPTH = 32
"""Deepest nesting of lists and mappings that is read."""


@dataclass(slots=True)
class YamlFile:
    """A file as read.

    Attributes:
        path: the file, as the user named it.
        text: its text without byte order mark.
        root: the top mapping, or nothing when the file could not be read so far.
        problems: everything wrong with it as YAML.
    """

    path: Path
    text: str = ""
    root: Mapping | None = None
    problems: list[Problem] = field(default_factory=list)
    _lines: list[int] = field(default_factory=list)

    def place(self, offset: int) -> tuple[int, int]:
        """Return line and column (from 1) of an offset in :attr:`text`."""
        if not self._lines:
            self._lines = [0, *(match.end() for match in re.finditer("\n", self.text))]
        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    def problem(self, code: str, message: str, remedy: str, offset: int | None = None, term: str | None = None) -> None:
        """Note a problem at ``offset``."""
        line, column = self.place(offset) if offset is not None else (None, None)
        self.problems.append(Problem(code, message, remedy, str(self.path), line, column, term=term))


def read_yaml(path: Path, max_bytes: int = MAX_BYTES, content: bytes | None = None) -> YamlFile:
    """Read a YAML file whose top is a mapping.

    Args:
        path: the file.
        max_bytes: a larger file is refused without being read.
        content: what the file holds, when it is no file (yet).

    Returns:
        The file; problems are noted in it, nothing is raised. Where a key stands twice the first one counts.
    """
    file = YamlFile(path)
    raw = _bytes(file, max_bytes) if content is None else content
    if len(raw or b"") > max_bytes:
        _refuse_size(file, len(raw or b""), max_bytes)
        return file
    if raw is None or not _decode(file, raw):
        return file
    try:
        root = _Composer(file).read()
    except yaml.MarkedYAMLError as error:
        _explain(file, error)
        return file
    except yaml.reader.ReaderError as error:
        offset = error.position if isinstance(error.position, int) else 0
        file.problem(
            "yaml-syntax",
            f"The character U+{_code_point(error.character):04X} is not allowed in YAML.",
            "Remove it; it is often left over from copying out of a PDF.",
            min(offset, len(file.text)),
        )
        return file
    except _TooDeepError:
        return file
    if isinstance(root, Mapping):
        file.root = root
    elif root is None or (isinstance(root, Scalar) and root.value is None):
        file.problem("empty-file", "The file is empty.", "Write a case: at least '@context', id and type.")
    elif not file.problems:
        file.problem(
            "no-mapping",
            "The file does not hold keys with values at its top.",
            'Begin with "@context", id and type, each on a line of its own, as the cases in data/cases do.',
            root.start,
        )
    return file


def _code_point(character: object) -> int:
    return character if isinstance(character, int) else ord(str(character)[0])


def _bytes(file: YamlFile, max_bytes: int) -> bytes | None:
    path = file.path
    try:
        if path.is_dir():
            file.problem("unreadable-file", "This is a folder, not a file.", "Name a YAML file in it.")
            return None
        if not path.exists():
            file.problem("no-file", "There is no such file.", "Check the path.")
            return None
        if not path.is_file():
            file.problem("unreadable-file", "This is not a regular file.", "Name a YAML file.")
            return None
        with path.open("rb") as stream:
            # The size is asked first, so that a large file costs nothing; read() is bounded too, should it grow.
            raw = stream.read(max_bytes + 1) if path.stat().st_size <= max_bytes else None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        file.problem("unreadable-file", f"The file cannot be read ({reason}).", "Check the path and its permissions.")
        return None
    if raw is None or len(raw) > max_bytes:
        _refuse_size(file, path.stat().st_size, max_bytes)
        return None
    return raw


def _refuse_size(file: YamlFile, size: int, max_bytes: int) -> None:
    file.problem(
        "file-too-large",
        f"The file has {size / 1024 / 1024:.1f} MiB; files up to {max_bytes / 1024 / 1024:g} MiB are read.",
        "Divide it into several files, one a case.",
    )


def _decode(file: YamlFile, raw: bytes) -> bool:
    if not raw.strip():
        file.problem("empty-file", "The file is empty.", "Write a case: at least '@context', id and type.")
        return False
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        file.problems.append(_encoding_problem(file, "The file is UTF-16, not UTF-8 (byte offset 0, line 1).", 1, 1))
        return False
    body = raw.removeprefix(b"\xef\xbb\xbf")
    try:
        file.text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        offset = error.start + len(raw) - len(body)
        line = body.count(b"\n", 0, error.start) + 1
        column = len(body[: error.start].rpartition(b"\n")[2].decode("utf-8")) + 1
        message = (
            f"The file is not UTF-8: byte 0x{raw[offset]:02x} at byte offset {offset} (line {line}) fits no character."
        )
        file.problems.append(_encoding_problem(file, message, line, column))
        return False
    if not file.text.strip():
        file.problem("empty-file", "The file is empty.", "Write a case: at least '@context', id and type.")
        return False
    return True


def _encoding_problem(file: YamlFile, message: str, line: int, column: int) -> Problem:
    remedy = "Save the file with the encoding UTF-8."
    return Problem("wrong-encoding", message, remedy, str(file.path), line, column)


def _offset(mark: Any) -> int:
    return int(mark.index)


class _TooDeepError(Exception):
    """Nesting beyond the limit; the problem is noted already."""


class _Composer:
    """Builds the tree from the event stream of the C parser, which is many times faster than composing in Python."""

    def __init__(self, file: YamlFile) -> None:
        self.file = file
        self.events: Iterator[yaml.Event] = yaml.parse(file.text, Loader=yaml.CSafeLoader)

    def read(self) -> Node | None:
        root: Node | None = None
        documents = 0
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents == 2:
                    self.file.problem(
                        "several-documents",
                        "A second YAML document begins here (a line with ---).",
                        "Write one document a file.",
                        _offset(event.start_mark),
                    )
                    return root
            elif isinstance(event, yaml.NodeEvent):
                root = self.node(event, 0)
        return root

    def node(self, event: yaml.NodeEvent, depth: int) -> Node:
        start = _offset(event.start_mark)
        self.refuse(event, start)
        if isinstance(event, yaml.AliasEvent):
            return Scalar(start, _offset(event.end_mark), "", True)
        if isinstance(event, yaml.ScalarEvent):
            return Scalar(start, _offset(event.end_mark), event.value, event.style in (None, ""))
        if depth >= MAX_DEPTH:
            self.file.problem(
                "too-deep",
                f"Lists and keys are nested more than {MAX_DEPTH} deep.",
                "Give nested records an id and write them as records of their own.",
                start,
            )
            raise _TooDeepError
        if isinstance(event, yaml.SequenceStartEvent):
            listing = Listing(start, start)
            for child in self.events:
                if isinstance(child, yaml.SequenceEndEvent):
                    listing.end = _offset(child.end_mark)
                    break
                assert isinstance(child, yaml.NodeEvent)
                listing.items.append(self.node(child, depth + 1))
            return listing
        return self.mapping(start, depth)

    def mapping(self, start: int, depth: int) -> Mapping:
        mapping = Mapping(start, start)
        for event in self.events:
            if isinstance(event, yaml.MappingEndEvent):
                mapping.end = _offset(event.end_mark)
                break
            assert isinstance(event, yaml.NodeEvent)
            key = self.node(event, depth + 1)
            value = self.node(next(self.events), depth + 1)  # type: ignore[arg-type]
            if not isinstance(key, Scalar):
                self.file.problem(
                    "complex-key",
                    "A list or mapping stands where a key belongs.",
                    "Write a key as one word; put text with braces or brackets in quotes.",
                    key.start,
                )
            elif key.text in mapping.entries:
                line, _ = self.file.place(mapping.entries[key.text][0].start)
                self.file.problem(
                    "duplicate-key",
                    f"The key '{key.text}' stands twice in the same record; the first is in line {line}.",
                    "Keep one of them; several values go into one list.",
                    key.start,
                    key.text,
                )
            else:
                mapping.entries[key.text] = (key, value)
        return mapping

    def refuse(self, event: yaml.NodeEvent, offset: int) -> None:
        tag = getattr(event, "tag", None)
        if isinstance(event, yaml.AliasEvent):
            what, remedy = (
                f"The alias *{event.anchor}",
                "Write the value out, or give the thing an id and name that id.",
            )
        elif event.anchor is not None:
            what, remedy = f"The anchor &{event.anchor}", "Remove it and write the value out where it is needed."
        elif tag is not None and tag != "!":
            what, remedy = f"The tag {tag}", "Remove it; the key decides what kind of value it takes."
        else:
            return
        self.file.problem("anchor-alias-tag", f"{what} is not allowed in case files.", remedy, offset)


_REMEDIES: tuple[tuple[str, str], ...] = (
    ("tab character", "Indent with spaces, not with tabs."),
    ("unexpected document indicator", "Close the quotation mark before this line."),
    ("mapping values are not allowed", "Put a text that holds ': ' in quotes, or check the indentation of this line."),
    ("did not find expected ',' or ']'", "Close the list with ], and put a comma between its values."),
    ("did not find expected ',' or '}'", "Close the braces with }, and put a comma between the keys."),
    ("did not find expected '-' indicator", "Begin each value of the list with '- ', at the same indentation."),
    ("did not find expected key", "Check the indentation: keys of one record begin in the same column."),
    ("unexpected end of stream", "Close the quotation mark that was opened."),
    ("could not find expected ':'", "Write each key as 'key: value'; a text over several lines needs quotes or '>'."),
)


def _explain(file: YamlFile, error: yaml.MarkedYAMLError) -> None:
    problem = error.problem or "not YAML"
    mark = error.problem_mark or error.context_mark
    offset = min(mark.index, len(file.text)) if mark else 0
    remedy = next((text for start, text in _REMEDIES if start in problem), "Check this line and the one before it.")
    if "cannot start any token" in problem:
        char = file.text[offset : offset + 1]
        problem = f"the character {char!r} cannot begin a value here"
        remedy = (
            "Indent with spaces, not with tabs." if char == "\t" else f"Put a text that begins with {char} in quotes."
        )
    message = f"The file is not valid YAML: {problem}"
    if error.context:
        message += f", {error.context}"
        if error.context_mark and error.context_mark.index != offset:
            message += f" that begins in line {file.place(error.context_mark.index)[0]}"
    file.problem("yaml-syntax", message + ".", remedy, offset)
