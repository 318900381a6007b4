"""The next version of a store, made from the current one.

In: a store folder. Out: :class:`Draft`, a copy that may be changed and then takes the place of the current version.
The decision hidden here: the engine's files are never changed once they are written, so the copy shares them with the
version before (hard links) and costs what the change costs. The draft is closed, synced and named by the pointer in
that order: a process killed at any moment leaves the version before, or the new one, and nothing between.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pyoxigraph as ox

from valueweave.problems import InputError, Problem
from valueweave.store.versions import CHANGES, DRAFT, Versions

__all__ = ["Draft", "changing"]

_NUMBERS = count()
_POLL = 0.005
_SWEEPS = 200
_TOLD = 1_000_000
"""So many bytes a version tells of the changes that made it, but for the last one, which it tells in any case."""
_ALONE = 2
"""References to the engine when nobody else holds it: the draft's own, and that of the question."""


class Draft:
    """A version in the making.

    Attributes:
        before: the manifest of the version that it was copied from.
        engine: the copy, to be read and changed; nothing may hold it any more when :meth:`switch` is called.
    """

    def __init__(self, versions: Versions) -> None:
        self._versions = versions
        self._started = time.perf_counter()
        self.before = versions.current()
        # Whoever still looks at a draft that failed has its files open, so no other may lie in the same place.
        self._place = f"versions/{DRAFT}{os.getpid()}-{next(_NUMBERS)}"
        self._switched = False
        self._engine: ox.Store | None = self._copy()

    @property
    def engine(self) -> ox.Store:
        """The copy."""
        assert self._engine is not None
        return self._engine

    def _copy(self) -> ox.Store:
        database = self._versions.database(self._place)
        database.parent.mkdir(parents=True)
        self._versions.check_sizes(self.before)
        ox.Store.read_only(str(self._versions.database(self.before["folder"]))).backup(str(database))
        return ox.Store(str(database))

    def scratch(self) -> ox.Store:
        """Return another copy of the version before, which nobody will see; it goes when the draft is done."""
        place = self._versions.folder / self._place / "scratch"
        ox.Store.read_only(str(self._versions.database(self.before["folder"]))).backup(str(place))
        return ox.Store(str(place))

    def document(self, name: str) -> bytes:
        """Return a live document of the version before."""
        return (self._versions.documents(self.before["folder"]) / name).read_bytes()

    def keep(self, name: str) -> None:
        """Take a live document over from the version before."""
        path = self._versions.documents(self._place) / name
        path.parent.mkdir(exist_ok=True)
        try:
            os.link(self._versions.documents(self.before["folder"]) / name, path)
        except OSError:  # a file system without links
            path.write_bytes(self.document(name))

    def write(self, name: str, content: bytes) -> None:
        """Lay a live document into the version."""
        self._versions.write_document(self._place, name, content)

    def tell(self, update: str) -> None:
        """Say how the version is made from the one before, for whoever has a copy of that, or of one before it.

        Args:
            update: a SPARQL update that has the same effect on a copy.
        """
        changes = [json.dumps({"from": self.before["version"], "update": update}).encode() + b"\n"]
        with suppress(FileNotFoundError):  # the version before was not made by a change
            told = (self._versions.folder / self.before["folder"] / CHANGES).read_bytes()
            if told.endswith(b"}\n"):  # not what a power failure has left
                changes[:0] = told.splitlines(keepends=True)
        while len(changes) > 1 and sum(map(len, changes)) > _TOLD:
            del changes[0]
        (self._versions.folder / self._place / CHANGES).write_bytes(b"".join(changes))

    def switch(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """Make the draft the current version.

        Args:
            told: what its manifest says otherwise than that of the version before.

        Returns:
            The manifest.
        """
        self.engine.flush()
        for _ in range(_SWEEPS):
            if sys.getrefcount(self._engine) <= _ALONE:
                break
            # While another thread collects, this returns at once and has collected nothing.
            if not gc.collect():
                time.sleep(_POLL)
        else:
            raise RuntimeError("somebody holds the engine of a draft that is to be switched to")
        self._engine = None  # closes the files before their hashes are taken and the pointer names them
        shutil.rmtree(self._versions.folder / self._place / "scratch", ignore_errors=True)
        name, place = self._versions.fresh(self.before["digest"])
        (self._versions.folder / self._place).rename(self._versions.folder / place)
        self._place = place
        complete = {
            **self.before,
            **told,
            "built_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "version": name,
            "folder": place,
            "previous": self.before["version"],
            "files": self._versions.files(place, self.before),
            "write_seconds": round(time.perf_counter() - self._started, 3),
        }
        self._versions.switch(complete)
        self._switched = True
        return complete

    def discard(self) -> None:
        """Remove what is left of a draft that was not switched to."""
        self._engine = None
        if not self._switched:
            shutil.rmtree(self._versions.folder / self._place, ignore_errors=True)


@contextmanager
def changing(versions: Versions, wait: float = 10.0) -> Iterator[Draft]:
    """Hold a store and make its next version; what is not switched to is removed.

    Args:
        versions: the store folder.
        wait: how many seconds to wait for a build or another change that holds the store.

    Raises:
        InputError: when there is no store, it is broken, it is held by another for too long, or it cannot be written.
    """
    versions.current()  # says that there is none before anything is made there
    with _held(versions, wait):
        versions.remove_leftovers()
        try:
            draft = Draft(versions)
        except (OSError, RuntimeError) as error:
            raise versions.not_writable(error) from error
        try:
            yield draft
        except OSError as error:
            raise versions.not_writable(error) from error
        finally:
            draft.discard()


@contextmanager
def _held(versions: Versions, wait: float) -> Iterator[None]:
    building = versions.building(wait, poll=_POLL)
    try:
        building.__enter__()
    except InputError as error:
        if error.problems[0].code != "build-running":
            raise
        raise InputError(
            Problem(
                "store-busy",
                f"The store is being changed by another for more than {wait:g} s.",
                "Try again in a while; a build of the whole project takes some time.",
                file=str(versions.folder),
            )
        ) from error
    try:
        yield
    finally:
        building.__exit__(None, None, None)
