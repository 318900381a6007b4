"""Versions of the store on disk, and the pointer to the current one.

In: a store folder. Out: a fresh version folder to write into, and the manifest of the current version.
The decision hidden here: a version is never changed once the pointer names it, so that a build killed at any moment
leaves the version before it as it was, and readers of the version before the current one keep their files.

::

    store/
      current.json            the pointer: which version is current, its digest and counts
      versions/NAME/db/       the files of the engine
      versions/NAME/manifest.json
      build.lock              held while a build runs
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from valueweave.problems import InputError, Problem

__all__ = ["POINTER", "StoreMissingError", "Versions"]

POINTER = "current.json"
_NEEDED = {"version": str, "folder": str, "digest": str, "counts": dict}


class StoreMissingError(InputError):
    """There is no store to read (yet)."""


class Versions:
    """The versions in one store folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pointer = folder / POINTER

    def current(self) -> dict[str, Any]:
        """Return the manifest of the current version.

        Raises:
            StoreMissingError: when nothing was built here yet.
            InputError: when the pointer cannot be read or names a version that is gone.
        """
        try:
            text = self.pointer.read_text("utf-8")
        except (FileNotFoundError, NotADirectoryError):
            raise StoreMissingError(
                Problem(
                    "no-store",
                    "There is no store here yet.",
                    "Run 'valueweave build'.",
                    file=str(self.folder),
                )
            ) from None
        except (OSError, UnicodeDecodeError) as error:
            raise self._broken(f"cannot be read ({error})") from error
        try:
            manifest = json.loads(text)
        except json.JSONDecodeError as error:
            raise self._broken(f"is no JSON (line {error.lineno}, column {error.colno})") from error
        if not isinstance(manifest, dict):
            raise self._broken("holds no JSON object")
        for key, kind in _NEEDED.items():
            if not isinstance(manifest.get(key), kind):
                raise self._broken(f"does not say its {key}")
        if not self.database(manifest["folder"]).is_dir():
            raise self._broken(f"names the version '{manifest['version']}', which is not there")
        return manifest

    def current_or_none(self) -> dict[str, Any] | None:
        """Return the manifest of the current version, or ``None`` when there is none or it is broken."""
        try:
            return self.current()
        except InputError:
            return None

    def database(self, folder: str) -> Path:
        """Return where the engine's files of a version lie (``folder`` as the manifest names it)."""
        return self.folder / folder / "db"

    def _broken(self, what: str) -> InputError:
        return InputError(
            Problem(
                "broken-store",
                f"The pointer to the current version of the store {what}.",
                "Run 'valueweave build --force' to build it afresh.",
                file=str(self.pointer),
            )
        )

    @contextmanager
    def building(self) -> Iterator[None]:
        """Hold the store for one build.

        Raises:
            InputError: when another build holds it, or the folder cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / "build.lock", timeout=0):
                yield
        except Timeout:
            raise InputError(
                Problem(
                    "build-running",
                    "Another build of this store is running.",
                    "Wait until it is done, then build again.",
                    file=str(self.folder),
                )
            ) from None
        except (PermissionError, NotADirectoryError, FileExistsError) as error:
            raise InputError(
                Problem(
                    "store-not-writable",
                    f"The store cannot be written ({error.strerror}).",
                    "Choose a folder that you may write to, with --store.",
                    file=str(error.filename or self.folder),
                )
            ) from error

    def fresh(self, digest: str) -> tuple[str, str]:
        """Return name and folder of a version that does not exist yet; call it while holding the store."""
        number = 1
        while (self.folder / "versions" / f"{digest[:12]}-{number}").exists():
            number += 1
        name = f"{digest[:12]}-{number}"
        return name, f"versions/{name}"

    def remove_leftovers(self) -> None:
        """Remove what no reader needs: versions before the previous one, and what killed builds left behind."""
        manifest = self.current_or_none()
        keep = set() if manifest is None else {manifest["version"], manifest.get("previous")}
        versions = self.folder / "versions"
        for path in sorted(versions.iterdir()) if versions.is_dir() else []:
            if path.name not in keep:
                shutil.rmtree(path, ignore_errors=True)
        for path in self.folder.glob(f"{POINTER}.*"):
            path.unlink(missing_ok=True)

    def switch(self, manifest: dict[str, Any]) -> None:
        """Make the version that ``manifest`` describes the current one, in one step."""
        text = json.dumps(manifest, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
        _write_through(self.folder / manifest["folder"] / "manifest.json", text)
        beside = self.folder / f"{POINTER}.{os.getpid()}"
        _write_through(beside, text)
        beside.replace(self.pointer)
        _sync_folder(self.folder)


def _write_through(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make a rename durable where the system can do that."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
