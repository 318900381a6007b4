"""Where a project's store is: in a folder, or on an engine elsewhere.

In: a project. Out: its manifest, its store, a new version of it.
The decision hidden here: that there are two kinds; nobody else asks which one it is.
"""

# ruff: noqa: PLC0415 - what speaks HTTP is loaded only by those who have a store elsewhere

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pyoxigraph as ox

from valueweave.store.embedded import EmbeddedStore
from valueweave.store.interface import Store
from valueweave.store.versions import Versions

if TYPE_CHECKING:
    from valueweave.project import Project

__all__ = ["EmbeddedPlace", "Place", "open_store", "place_of", "versions_of"]


class Place(Protocol):
    """Where versions of a store are written and found."""

    def current(self) -> dict[str, Any]:
        """Return the manifest of the current version; raise ``StoreMissingError`` when there is none."""

    def current_or_none(self) -> dict[str, Any] | None:
        """Return the manifest of the current version, or ``None`` when there is none or it is broken."""

    def last_known(self) -> dict[str, Any] | None:
        """Return the manifest of the current version, or what can be found of it when it is broken."""

    def is_intact(self) -> bool:
        """Return whether the current version holds what was written."""

    def building(self, wait: float = 0, tell: Callable[[str], None] | None = None) -> AbstractContextManager[bool]:
        """Hold the store for one build; gives whether another build ran until now."""

    def write_version(
        self, quads: Iterable[ox.Quad], manifest: dict[str, Any], documents: Mapping[str, bytes] | None = None
    ) -> dict[str, Any]:
        """Write a version and make it the current one; return its complete manifest."""

    def document(self, manifest: Mapping[str, Any], name: str) -> bytes:
        """Return a document that lies beside the statements of a version."""


class EmbeddedPlace(Versions):
    """A store folder."""

    def is_intact(self) -> bool:
        """Return whether the current version opens and holds what was written."""
        return EmbeddedStore.is_intact(self.folder)

    def write_version(
        self, quads: Iterable[ox.Quad], manifest: dict[str, Any], documents: Mapping[str, bytes] | None = None
    ) -> dict[str, Any]:
        """Write a version, as :meth:`EmbeddedStore.write_version`.

        Raises:
            InputError: when the folder cannot be written.
        """
        return EmbeddedStore.write_version(self, quads, manifest, documents)

    def document(self, manifest: Mapping[str, Any], name: str) -> bytes:
        """Return a document that lies beside the statements of a version.

        Raises:
            OSError: when there is none.
        """
        return (self.documents(manifest["folder"]) / name).read_bytes()


def place_of(project: Project) -> Place:
    """Return where the store of a project is."""
    if project.remote is None:
        return EmbeddedPlace(project.store)
    from valueweave.store.remote_place import RemotePlace

    return RemotePlace(project.remote)


def versions_of(project: Project) -> Versions:
    """Return the store folder in which changes of a project's store are made: its own, or the copy of one elsewhere."""
    if project.remote is None:
        return EmbeddedPlace(project.store)
    from valueweave.store.remote_changes import Mirror

    return Mirror(project.remote)


def open_store(project: Project) -> Store:
    """Open the current version of the store of a project.

    Raises:
        StoreMissingError: when nothing was built there yet.
        InputError: when the store is broken, or the engine does not answer.
    """
    if project.remote is None:
        return EmbeddedStore.open(Path(project.store))
    from valueweave.store.remote import RemoteStore

    return RemoteStore.open(project.remote)
