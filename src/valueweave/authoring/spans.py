"""Passages of a source text: find them, cut them out, say where they stand.

In: a text and the words to look for. Out: spans in code points (half-open) with their SHA-256, section and line.
The decision hidden here: what counts as the same words (line breaks, typographic quotes and dashes do not matter) and
what counts as a heading.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from valueweave.problems import InputError, Problem

__all__ = [
    "Span",
    "evidence_item",
    "evidence_yaml",
    "find_spans",
    "line_at",
    "read_source",
    "section_at",
    "sections",
    "span_hash",
]

_ALIKE = ("-\u2010\u2011\u2012\u2013\u2014\u2212", "'\u2018\u2019\u201a\u201b", '"\u201c\u201d\u201e\u201f')
_DASHES = _ALIKE[0]
_NUMBERED = re.compile(r"(?:Step |Stage )?(\d+(?:\.\d+)*)\.?\s+(?=[\"“'*]*[A-Z])")
_NAMED = re.compile(
    r"(Abstract|Conclusions?|References|Acknowledge?ments?|Appendix)(?=$|[:.])|(Table \d+)(?=$|[.:]?\s+[A-Z])"
)


@dataclass(frozen=True, slots=True)
class Span:
    """A passage of a text.

    Attributes:
        start: offset of its first code point.
        end: offset after its last code point.
        sha256: SHA-256 of the passage in UTF-8, in lower-case hexadecimal digits.
        section: number or name of the section it stands in, ``""`` when the text has no headings before it.
        line: line of its start, counted from 1.
    """

    start: int
    end: int
    sha256: str
    section: str = ""
    line: int = 1


def span_hash(text: str, start: int, end: int) -> str:
    """Return the SHA-256 (hexadecimal) of ``text[start:end]`` in UTF-8.

    >>> span_hash("abc", 0, 3)[:8]
    'ba7816bf'
    """
    return hashlib.sha256(text[start:end].encode("utf-8", "surrogatepass")).hexdigest()


def read_source(path: Path) -> str:
    """Return the text of a source file exactly as it is: UTF-8, line ends untouched.

    Raises:
        InputError: when the file cannot be read or is not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise InputError(
            Problem(
                "unreadable-source",
                f"The source text cannot be read ({error.strerror}).",
                "Name the folder that holds the source texts.",
                file=str(path),
            )
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(
            Problem(
                "wrong-encoding",
                f"The source text is not UTF-8: byte 0x{error.object[error.start]:02x} at offset {error.start}.",
                "Use the text file that the bibliography names; its offsets count code points of UTF-8.",
                file=str(path),
            )
        ) from error


def _pattern(needle: str) -> re.Pattern[str]:
    """Compile words into an expression that lets whitespace, quotes and dashes vary."""
    words = needle.split()
    if not words:
        raise ValueError("there are no words to look for")
    parts: list[str] = []
    for word in words:
        piece = ""
        for index, char in enumerate(word):
            alike = next((group for group in _ALIKE if char in group), None)
            piece += f"[{re.escape(alike)}]" if alike else re.escape(char)
            # A word may be broken at its hyphen at the end of a line.
            if char in _DASHES and index + 1 < len(word):
                piece += r"\s*"
        parts.append(piece)
    return re.compile(r"\s+".join(parts))


@lru_cache(maxsize=16)
def _headings(text: str) -> tuple[tuple[int, str], ...]:
    found: list[tuple[int, str]] = []
    for match in re.finditer(r"[^\n]+", text):
        line = match.group()
        marked = re.match(r"\s*(?:#{1,6}\s|\*\*.*\*\*\s*$)", line) is not None
        bare = line.strip().strip("#*_ \r")
        if not bare or (not marked and len(bare) > 260):
            continue
        if number := _NUMBERED.match(bare):
            # A numbered row of a table or list is no heading.
            if "\t" not in line and "<" not in line:
                found.append((match.start(), number.group(1)))
        elif named := _NAMED.match(bare):
            found.append((match.start(), named.group(1) or named.group(2)))
        elif marked and len(bare) < 200:
            found.append((match.start(), re.split(r":\s|:$", bare)[0].strip("* ")))
    return tuple(found)


def sections(text: str) -> list[tuple[str, int, int]]:
    """Return the sections of ``text``: number (or name; ``""`` before the first heading), start and end, in order.

    >>> sections("Title\\n1. Introduction\\ny\\n1.1. Aims\\nz")
    [('', 0, 6), ('1', 6, 24), ('1.1', 24, 35)]
    """
    starts = [(0, ""), *_headings(text)]
    ends = [start for start, _ in starts[1:]] + [len(text)]
    return [(name, start, end) for (start, name), end in zip(starts, ends, strict=True) if end > start]


def section_at(text: str, offset: int) -> str:
    """Return the number (or name) of the section in which ``offset`` stands, ``""`` when no heading is before it.

    >>> section_at("Abstract: x\\n1. Introduction\\ny\\n1.1. Aims\\nz", 40)
    '1.1'
    """
    section = ""
    for start, name in _headings(text):
        if start > offset:
            break
        section = name
    return section


def line_at(text: str, offset: int) -> int:
    """Return the line (from 1) in which ``offset`` stands.

    >>> line_at("a\\nb", 2)
    2
    """
    return text.count("\n", 0, offset) + 1


def find_spans(text: str, needle: str | re.Pattern[str]) -> list[Span]:
    """Find every place of ``text`` where the words of ``needle`` stand.

    Words match across line breaks and any other whitespace, and whatever form of quotation mark or dash is used.

    Args:
        text: the source text, as :func:`read_source` returns it.
        needle: words to look for, or a compiled expression that is used as it is.

    Returns:
        The spans in their order, each with section and line.

    Raises:
        ValueError: when ``needle`` holds no word.

    >>> [(span.start, span.end) for span in find_spans("value co-\\n\\ncreation", "co-creation")]
    [(6, 19)]
    """
    pattern = needle if isinstance(needle, re.Pattern) else _pattern(needle)
    return list(_spans(text, pattern))


def _spans(text: str, pattern: re.Pattern[str]) -> Iterator[Span]:
    for match in pattern.finditer(text):
        start, end = match.span()
        if start < end:
            yield Span(start, end, span_hash(text, start, end), section_at(text, start), line_at(text, start))


def evidence_item(source_path: str | Path, needle: str, occurrence: int = 1, **more: Any) -> dict[str, Any]:
    """Return an evidence item of a case file for the words of ``needle``.

    Args:
        source_path: the source text.
        needle: words of the passage (line breaks do not matter).
        occurrence: which hit to take, counted from 1.
        **more: further keys of the item, such as ``evidenceKind="stated"`` or ``section="2.1"``.

    Raises:
        InputError: when the text cannot be read, or has no such passage or not so many of them.
    """
    path = Path(source_path)
    text = read_source(path)
    spans = find_spans(text, needle)
    if not 1 <= occurrence <= len(spans):
        raise InputError(
            Problem(
                "passage-not-found",
                f"The text holds {len(spans)} passage(s) {needle[:60]!r}, so there is no number {occurrence}.",
                "Write the words as the text has them; line breaks do not matter.",
                file=str(path),
            )
        )
    span = spans[occurrence - 1]
    return {"section": span.section, "start": span.start, "end": span.end, "sha256": span.sha256, **more}


def evidence_yaml(item: dict[str, Any]) -> str:
    """Return ``item`` as one line of a case file.

    >>> evidence_yaml({"section": "2.1", "start": 5, "end": 9, "sha256": "ab12", "evidenceKind": "stated"})
    '- {section: "2.1", start: 5, end: 9, sha256: ab12, evidenceKind: stated}'
    """
    plain = re.compile(r"(?!\d+(?:e\d+)?$)[A-Za-z0-9_/][\w/.-]*\Z", re.IGNORECASE | re.ASCII)

    def write(key: str, value: Any) -> str:
        if isinstance(value, list):
            return "[" + ", ".join(write("", item) for item in value) + "]"
        text = str(value)
        if key == "section" or (isinstance(value, str) and not plain.match(text)):
            escaped = text.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"'
        return text

    return "- {" + ", ".join(f"{key}: {write(key, value)}" for key, value in item.items()) + "}"
