"""Values of an authored file replaced in place.

In: a file and the scalars to replace. Out: the file with only those characters changed.
The decision hidden here: that a file is edited as text at the offsets the reader gave, and written atomically.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from valueweave.authoring.tree import Scalar
from valueweave.files import write_atomically
from valueweave.problems import InputError, Problem

__all__ = ["replace_scalars"]

_BOM = b"\xef\xbb\xbf"


def replace_scalars(path: Path, changes: Sequence[tuple[Scalar, str]]) -> None:
    """Write new values for scalars of a file.

    Args:
        path: the file, unchanged since it was read.
        changes: scalars as read, each with its new text as YAML.

    Raises:
        InputError: when the file has changed in the meantime.
    """
    raw = path.read_bytes()
    mark = _BOM if raw.startswith(_BOM) else b""
    text = raw[len(mark) :].decode("utf-8")
    for scalar, new in sorted(changes, key=lambda change: change[0].start, reverse=True):
        if text[scalar.start : scalar.end].strip("'\"") != scalar.text:
            raise InputError(
                Problem(
                    "file-changed", "The file has changed while it was checked.", "Run the check again.", file=str(path)
                )
            )
        text = text[: scalar.start] + new + text[scalar.end :]
    write_atomically(path, mark + text.encode("utf-8"))
