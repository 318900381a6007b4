"""What the files of a version hold, so that a changed or shortened one is found.

In: the folders of a version. Out: size and SHA-256 of each of its files, by its path from the folder of the engine.
The decision hidden here: which files hold data. The engine's log, lock and options may change while a version is read,
and are not told. A file that two versions share (a hard link) is read once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

__all__ = ["Contents", "check_sizes", "contents"]

Contents: TypeAlias = Mapping[str, Mapping[str, Any]]
"""``size`` and ``sha256`` of files by their path from the folder of the engine."""


def contents(
    database: Path, documents: Path, known: Contents | None = None, known_in: Path | None = None
) -> dict[str, dict[str, Any]]:
    """Read the files of a version.

    Args:
        database: the folder of the engine.
        documents: the folder of the live documents, if there are any.
        known: what the files of another version hold; taken over for those that both versions share.
        known_in: where the engine's files of that version lie.

    Raises:
        OSError: when a file cannot be read.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("1.sst", "LOG"):
    ...         _ = (Path(folder) / name).write_text("abc")
    ...     found = contents(Path(folder), Path(folder) / "none")
    >>> {name: told["size"] for name, told in found.items()}
    {'1.sst': 3}
    """
    kept = [path for path in database.iterdir() if _holds_data(path.name)]
    if documents.is_dir():
        kept += documents.iterdir()
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(kept):
        name = path.name if path.parent == database else f"../{documents.name}/{path.name}"
        if known and name in known and known_in and _is_same(path, known_in / name):
            found[name] = dict(known[name])
        else:
            found[name] = {"size": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    return found


def check_sizes(database: Path, told: Contents) -> None:
    """Make sure that the files of a version are there, as long as they were.

    Raises:
        OSError: naming a file that is not.
    """
    for name, one in told.items():
        if (database / name).stat().st_size != one["size"]:
            raise OSError(f"{name} is not as long as it was written")


def _holds_data(name: str) -> bool:
    return name.endswith(".sst") or name.startswith("MANIFEST") or name == "CURRENT"


def _is_same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:
        return False
