"""Versions of the store on disk, and the pointer to the current one.

In: a store folder. Out: a fresh version folder to write into, and the manifest of the current version.
The decision hidden here: a version is never changed once the pointer names it, so that a build killed at any moment
leaves the version before it as it was, and readers of an older version keep their files.

::

    store/
      current.json            the pointer: which version is current, its digest and counts
      versions/NAME/db/       the files of the engine
      versions/NAME/live/     documents that were put while the store was in use
      versions/NAME/manifest.json
      versions/NAME/changes.jsonl   how changes made it from the versions before, as far as it was changes
      build.lock              held while a build runs
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from valueweave.problems import InputError, Problem
from valueweave.store.contents import check_sizes, contents
from valueweave.store.holding import is_held
from valueweave.store.syncing import sync_file, sync_folder, write_through

__all__ = ["CHANGES", "DRAFT", "MANIFEST", "POINTER", "StoreMissingError", "Versions"]

POINTER = "current.json"
MANIFEST = "manifest.json"
CHANGES = "changes.jsonl"
_LIVE = "live"
DRAFT = "draft-"
"""How the folder of a version begins that is not current yet and has no name."""

_NAME = re.compile(r"[\w-]+")
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

    def named(self, version: str | None) -> dict[str, Any] | None:
        """Return the manifest of a version, ``None`` when there is no such version (any more)."""
        if version is None or not _NAME.fullmatch(version):
            return None
        try:
            manifest = json.loads((self.folder / "versions" / version / MANIFEST).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return manifest if isinstance(manifest, dict) and manifest.get("version") == version else None

    def current_or_none(self) -> dict[str, Any] | None:
        """Return the manifest of the current version, or ``None`` when there is none or it is broken."""
        try:
            return self.current()
        except InputError:
            return None

    def last_known(self) -> dict[str, Any] | None:
        """Return the manifest of the current version, or of the last one that is there when the pointer is broken."""
        manifest = self.current_or_none()
        if manifest is not None:
            return manifest
        names = [path.parent.name for path in (self.folder / "versions").glob(f"*/{MANIFEST}")]
        return self.named(max(names, key=_number)) if names else None

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
    def building(self, wait: float = 0, tell: Callable[[str], None] | None = None, poll: float = 0.1) -> Iterator[bool]:
        """Hold the store for one build, or for one change.

        Args:
            wait: how many seconds to wait for another build that holds it.
            tell: told, in words, that this waits.
            poll: after how many seconds it is asked for again.

        Yields:
            Whether another build ran until now, so that its result may be all that is needed.

        Raises:
            InputError: when another build goes on holding it, the folder cannot be written, or holds something else.
        """
        waited = False
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._check_ours()
            lock = FileLock(self.folder / "build.lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                if wait <= 0:
                    raise
                if tell:
                    tell(f"Another build of this store is running: waiting for it, at most {wait:.0f} s.")
                waited = True
                lock.acquire(timeout=wait, poll_interval=poll)
        except Timeout:
            raise InputError(
                Problem(
                    "build-running",
                    "Another build of this store is running.",
                    "Wait until it is done, then build again.",
                    file=str(self.folder),
                )
            ) from None
        except OSError as error:
            raise self.not_writable(error) from error
        try:
            yield waited
        finally:
            lock.release()

    def not_writable(self, error: Exception) -> InputError:
        """Return what to tell when writing here failed."""
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        return InputError(
            Problem(
                "store-not-writable",
                f"The store cannot be written ({reason}).",
                "Choose a folder with room that you may write to, with --store.",
                file=str(self.folder),
            )
        )

    def _check_ours(self) -> None:
        """Refuse a folder that holds other things: a wrong name must not fill somebody's documents with versions."""
        names = {path.name for path in self.folder.iterdir()}
        if names and names.isdisjoint({POINTER, "versions", "build.lock"}):
            raise InputError(
                Problem(
                    "not-a-store",
                    "The folder is not empty, and what it holds is no store.",
                    "Name a new or empty folder with --store.",
                    file=str(self.folder),
                )
            )

    def files(self, folder: str, before: Mapping[str, Any] | None = None) -> dict[str, dict[str, Any]]:
        """Return size and SHA-256 of each file that holds data of a version, as its manifest tells them.

        Args:
            folder: the version, as its manifest names it.
            before: the manifest of another version; of a file that both share its hash is taken over.
        """
        place, documents = self.database(folder), self.documents(folder)
        if before is None:
            return contents(place, documents)
        return contents(place, documents, before.get("files"), self.database(before["folder"]))

    def documents(self, folder: str) -> Path:
        """Return where the live documents of a version lie (``folder`` as the manifest names it)."""
        return self.folder / folder / _LIVE

    def write_document(self, folder: str, name: str, content: bytes) -> None:
        """Lay a live document into a version that is being made."""
        path = self.documents(folder) / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)

    def check_sizes(self, manifest: dict[str, Any]) -> None:
        """Make sure that the files of a version are there, as long as they were (older manifests say nothing of them).

        Raises:
            OSError: naming a file that is not.
        """
        check_sizes(self.database(manifest["folder"]), manifest.get("files", {}))

    def is_as_written(self, manifest: dict[str, Any]) -> bool:
        """Return whether the files of a version hold what was written (where the manifest says so).

        Raises:
            OSError: when one cannot be read.
        """
        return manifest.get("files", {}) in ({}, self.files(manifest["folder"]))

    def fresh(self, digest: str) -> tuple[str, str]:
        """Return name and folder of a version that does not exist yet; call it while holding the store."""
        # A name is never given twice: what was cached of a version must not be taken for that of another.
        versions = self.folder / "versions"
        names = (
            [path.name for path in versions.iterdir() if not path.name.startswith(DRAFT)] if versions.is_dir() else []
        )
        if (manifest := self.current_or_none()) is not None:
            names.append(manifest["version"])
        name = f"{digest[:12]}-{1 + max(map(_number, names), default=0)}"
        return name, f"versions/{name}"

    def remove_leftovers(self) -> None:
        """Remove what no reader needs: old versions that nobody has open, and what killed builds left behind.

        The version before the current one stays for those who have read the pointer and not opened the version yet.
        """
        manifest = self.current_or_none()
        keep = set() if manifest is None else {manifest["version"], manifest.get("previous")}
        versions = self.folder / "versions"
        for path in sorted(versions.iterdir()) if versions.is_dir() else []:
            if path.name not in keep and not is_held(path / MANIFEST):
                shutil.rmtree(path, ignore_errors=True)
        for path in self.folder.glob(f"{POINTER}.*"):
            path.unlink(missing_ok=True)

    def switch(self, manifest: dict[str, Any]) -> None:
        """Make the version that ``manifest`` describes the current one, in one step."""
        text = json.dumps(manifest, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
        version = self.folder / manifest["folder"]
        write_through(version / MANIFEST, text)
        self._sync(manifest)
        beside = self.folder / f"{POINTER}.{os.getpid()}"
        try:
            write_through(beside, text)
            beside.replace(self.pointer)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        sync_folder(self.folder)

    def _sync(self, manifest: Mapping[str, Any]) -> None:
        """Make sure that a version is on disk before the pointer names it."""
        database, documents = self.database(manifest["folder"]), self.documents(manifest["folder"])
        for name in manifest.get("files", ()):
            # A file that other versions have, too, came from one of them, and is on disk.
            if (path := database / name).stat().st_nlink == 1:
                sync_file(path)
        for folder in (database, documents, database.parent, database.parent.parent):
            if folder.is_dir():
                sync_folder(folder)


def _number(name: str) -> int:
    """Return the number at the end of the name of a version, 0 where there is none."""
    number = name.rpartition("-")[2]
    return int(number) if number.isdecimal() else 0
