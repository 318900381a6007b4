"""Where versions are written on an engine elsewhere.

In: a target. Out: its manifest, a new version.
The decision hidden here: there is no lock; the version that a build began with is compared at its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pyoxigraph as ox

from valueweave.store.remote_client import Client
from valueweave.store.remote_graphs import count_quads
from valueweave.store.remote_manifest import RemoteManifest
from valueweave.store.remote_target import Target
from valueweave.store.remote_write import write_remote

__all__ = ["RemotePlace"]


class RemotePlace:
    """An engine that holds a store."""

    def __init__(self, target: Target) -> None:
        self._client = Client(target)
        self._manifest = RemoteManifest(self._client)
        self._before: str | None = None

    def current(self) -> dict[str, Any]:
        """Return the manifest of the current version.

        Raises:
            StoreMissingError: when nothing was built there yet.
            InputError: when the engine does not answer.
        """
        return self._manifest.current()

    def current_or_none(self) -> dict[str, Any] | None:
        """Return the manifest of the current version, or ``None`` when there is none or it is broken.

        Raises:
            InputError: when the engine does not answer.
        """
        return self._manifest.current_or_none()

    def last_known(self) -> dict[str, Any] | None:
        """Return the manifest of the current version; of a broken one nothing can be found."""
        return self.current_or_none()

    def is_intact(self) -> bool:
        """Return whether the engine holds as many statements as it counted when the version was written.

        Raises:
            InputError: when the engine does not answer.
        """
        manifest = self.current_or_none()
        return manifest is not None and count_quads(self._client, manifest["graphs"]) == manifest["counts"]["quads"]

    @contextmanager
    def building(self, wait: float = 0, tell: Callable[[str], None] | None = None) -> Iterator[bool]:
        """Remember the version that a build begins with; nobody is kept waiting, the switch compares.

        Raises:
            InputError: when the engine does not answer.
        """
        self._before = self._manifest.version()
        yield False

    def write_version(
        self, quads: Iterable[ox.Quad], manifest: dict[str, Any], documents: Mapping[str, bytes] | None = None
    ) -> dict[str, Any]:
        """Write a version, as :func:`write_remote`; documents become part of the manifest.

        Raises:
            InputError: when the engine cannot be written to, or another build was quicker.
        """
        kept = {name: content.decode("utf-8") for name, content in (documents or {}).items()}
        return write_remote(self._client, quads, {**manifest, "documents": kept}, before=self._before)

    def document(self, manifest: Mapping[str, Any], name: str) -> bytes:
        """Return a document that lies beside the statements of a version.

        Raises:
            KeyError: when there is none.
        """
        return str(manifest["documents"][name]).encode()
