"""Small changes of a store on an engine elsewhere.

In: a target. Out: :class:`Mirror`, which those who change a store use as the folder of one.
The decision hidden here: what follows from a change is found on a copy of the store on this machine, because no engine
can be asked what would hold if its data were otherwise. The copy is brought along by each change and fetched anew when
somebody else has changed the store. What comes and goes is staged and switched in on the engine first, if the version
is still the one that was copied; only then does the copy become current.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyoxigraph as ox

from valueweave.problems import InputError
from valueweave.store.embedded import EmbeddedStore
from valueweave.store.remote import RemoteStore
from valueweave.store.remote_client import Client
from valueweave.store.remote_manifest import RemoteManifest
from valueweave.store.remote_target import Target
from valueweave.store.remote_write import switch_in, version_name
from valueweave.store.versions import Versions

__all__ = ["Mirror", "mirror_folder"]

_PATIENCE = 600.0
"""So many seconds one waits for another process that fetches the store."""

_LOCAL = ("files", "folder", "write_seconds")
"""What a manifest tells of files on this machine only."""


def mirror_folder(target: Target) -> Path:
    """Return where the copy of a store elsewhere lies, in the cache of the user."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "valueweave" / "remote" / hashlib.sha256(target.query.encode()).hexdigest()[:16]


class Mirror(Versions):
    """The versions of a store elsewhere, as a folder on this machine.

    Args:
        target: the engine.
        folder: where the copy lies; otherwise in the cache of the user.
    """

    def __init__(self, target: Target, folder: Path | None = None) -> None:
        super().__init__(folder or mirror_folder(target))
        self._client = Client(target)
        self._remote = RemoteManifest(self._client)
        self._holding = threading.local()

    def current(self) -> dict[str, Any]:
        """Return the manifest of the current version, which is fetched when it is not here.

        Raises:
            StoreMissingError: when nothing was built there yet.
            InputError: when the engine does not answer.
        """
        version = self._remote.version()
        here = self._here()
        if here is not None and here["version"] == version:
            return here
        if getattr(self._holding, "count", 0):
            return self._fetched()
        with self.building(wait=_PATIENCE):
            return self._fetched()

    @contextmanager
    def building(self, wait: float = 0, tell: Callable[[str], None] | None = None, poll: float = 0.1) -> Iterator[bool]:
        """Hold the copy, as :meth:`Versions.building`; who holds it may fetch as well.

        Raises:
            InputError: as :meth:`Versions.building`.
        """
        with super().building(wait, tell, poll) as waited:
            self._holding.count = getattr(self._holding, "count", 0) + 1
            try:
                yield waited
            finally:
                self._holding.count -= 1

    def _fetched(self) -> dict[str, Any]:
        manifest = self._remote.current()
        here = self._here()
        if here is None or here["version"] != manifest["version"]:
            self._fetch(manifest)
        return super().current()

    def _here(self) -> dict[str, Any] | None:
        try:
            return super().current()
        except InputError:
            return None

    def _fetch(self, manifest: dict[str, Any]) -> None:
        store = RemoteStore(self._client, manifest)
        places: list[ox.NamedNode | ox.DefaultGraph] = [ox.DefaultGraph(), *map(ox.NamedNode, store.graphs())]
        quads = (quad for place in places for quad in store.statements(graph=place))
        documents = {name: str(text).encode() for name, text in manifest.get("documents", {}).items()}
        told = {name: value for name, value in manifest.items() if name not in {"documents", "graphs"}}
        copy = _Copy(self.folder, manifest["version"])
        EmbeddedStore.write_version(copy, quads, told, documents)

    def fresh(self, digest: str) -> tuple[str, str]:
        """Return name and folder of a version that exists nowhere yet."""
        name = version_name(digest)
        return name, f"versions/{name}"

    def switch(self, manifest: dict[str, Any]) -> None:
        """Make a version the current one: on the engine, then here.

        Raises:
            InputError: when somebody else has changed the store meanwhile, or the engine cannot be written to.
        """
        before = self.named(manifest["previous"])
        assert before is not None
        out, into = self._difference(before["folder"], manifest["folder"])
        told = {name: value for name, value in manifest.items() if name not in _LOCAL}
        engine = ox.Store.read_only(str(self.database(manifest["folder"])))
        told["graphs"] = sorted(graph.value for graph in engine.named_graphs() if isinstance(graph, ox.NamedNode))
        told["documents"] = self._documents(manifest["folder"])
        switch_in(self._client, told, before=before["version"], out=out, into=into)
        super().switch(manifest)

    def _documents(self, folder: str) -> dict[str, str]:
        place = self.documents(folder)
        files = sorted(place.iterdir()) if place.is_dir() else []
        return {path.name: path.read_text("utf-8") for path in files}

    def _difference(self, before: str, after: str) -> tuple[list[ox.Quad], list[ox.Quad]]:
        """Return the quads that only the one version holds, and those that only the other holds."""
        old, new = (
            set((ox.Store.read_only(str(self.database(place))).dump(format=ox.RdfFormat.N_QUADS) or b"").splitlines())
            for place in (before, after)
        )
        return list(_quads(old - new)), list(_quads(new - old))


class _Copy(Versions):
    """A folder in which a version gets the name that it has elsewhere."""

    def __init__(self, folder: Path, name: str) -> None:
        super().__init__(folder)
        self._name = name

    def fresh(self, digest: str) -> tuple[str, str]:
        return self._name, f"versions/{self._name}"


def _quads(lines: Iterable[bytes]) -> Iterator[ox.Quad]:
    return ox.parse(b"\n".join(lines), format=ox.RdfFormat.N_QUADS)
