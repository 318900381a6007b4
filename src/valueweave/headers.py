"""The ``#+`` header lines of a SPARQL file: YAML in comments, the form that grlc reads.

In: the text of a ``.rq`` file. Out: the header as a dictionary.
The decision hidden here: which lines are the header and what is wrong with one that does not parse.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from valueweave.problems import InputError, Problem

__all__ = ["read_header", "read_text"]


def read_text(path: Path) -> str:
    """Return the text of a query or rule file.

    Raises:
        InputError: when there is no such file or it is not UTF-8.
    """
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            Problem("not-utf-8", f"The file is not UTF-8 (byte {error.start}).", "Save it as UTF-8.", file=str(path))
        ) from error
    except OSError as error:
        raise InputError(
            Problem(
                "unreadable-file", f"The file cannot be read ({error.strerror}).", "Check the path.", file=str(path)
            )
        ) from error


def read_header(text: str, *, file: str | None = None) -> dict[str, Any]:
    """Return what the ``#+`` lines of ``text`` say.

    Raises:
        InputError: when these lines are not YAML, or no list of keys.

    >>> read_header("#+ summary: Stages\\n#+ tags:\\n#+   - stages\\nSELECT * { ?s ?p ?o }")
    {'summary': 'Stages', 'tags': ['stages']}
    """
    numbered = [(number, line[2:]) for number, line in enumerate(text.splitlines(), 1) if line.startswith("#+")]
    if not numbered:
        return {}
    try:
        header = yaml.safe_load("\n".join(line for _, line in numbered))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        number = numbered[min(mark.line, len(numbered) - 1)][0] if mark else numbered[0][0]
        raise InputError(
            Problem(
                "header-syntax",
                f"The header is no YAML: {getattr(error, 'problem', None) or error}.",
                "Put text that holds ': ' or '#' in quotes, and indent lists.",
                file=file,
                line=number,
                column=mark.column + 3 if mark else None,
            )
        ) from error
    if not isinstance(header, dict):
        raise InputError(
            Problem(
                "header-syntax", "The header has no keys.", "Write '#+ summary: ...'.", file=file, line=numbered[0][0]
            )
        )
    return header
