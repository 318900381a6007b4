"""Files that are on disk, whatever becomes of the machine.

In: files and folders. Out: nothing; they are on disk.
The decision hidden here: what has to be asked of the system for that. A renamed file is there after a power cut only
when its folder was synced, too.
"""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["sync_file", "sync_folder", "write_through"]


def sync_file(path: Path) -> None:
    """Put the content of a file on disk."""
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on disk, where the system can do that."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_through(path: Path, text: str) -> None:
    """Write a file and put it on disk."""
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
