"""What updates have changed of the authored statements, apart from the files that assert them.

In: quads that came and went. Out: :class:`Overlay`, which a build applies once more.
The decision hidden here: what is kept of an update is its effect, not its text, so that it does the same whatever the
files say by then; a document that is put anew ends what updates did to its graph.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pyoxigraph as ox

from valueweave.live.surroundings import as_stored

__all__ = ["ADDED", "REMOVED", "Overlay"]

ADDED, REMOVED = "added.nq", "removed.nq"


class Overlay:
    """Quads that updates have added to the authored ones, and quads that they took away.

    Attributes:
        added: quads that no document asserts.
        removed: quads that a document asserts, and that are not to be there.

    >>> a, p, g = (ox.NamedNode(f"urn:{name}") for name in "apg")
    >>> overlay = Overlay()
    >>> overlay.take([ox.Quad(a, p, a, g)], [])
    >>> overlay.take([], [ox.Quad(a, p, a, g)])
    >>> len(overlay.added), len(overlay.removed)
    (0, 0)
    """

    def __init__(self, added: Iterable[ox.Quad] = (), removed: Iterable[ox.Quad] = ()) -> None:
        self.added, self.removed = dict.fromkeys(added), dict.fromkeys(removed)

    @classmethod
    def read(cls, manifest: Mapping[str, Any], document: Callable[[str], bytes]) -> Overlay:
        """Read the overlay of a version.

        Args:
            manifest: the manifest of the version.
            document: gives a file of its live documents.
        """
        files = manifest.get("updates", ())
        return cls(*(_parse(document(name)) if name in files else () for name in (ADDED, REMOVED)))

    def take(self, added: Iterable[ox.Quad], removed: Iterable[ox.Quad]) -> None:
        """Take in what an update did: quads that were not there and are, quads that were there and are not."""
        for mine, other, quads in ((self.added, self.removed, added), (self.removed, self.added, removed)):
            for quad in quads:
                if quad in other:
                    del other[quad]
                else:
                    mine[quad] = None

    def forget(self, graphs: Iterable[str]) -> None:
        """Forget what was done to graphs whose document was put anew or deleted."""
        gone = set(graphs)
        for quads in (self.added, self.removed):
            for quad in [quad for quad in quads if getattr(quad.graph_name, "value", None) in gone]:
                del quads[quad]

    def touches(self, graph: str) -> bool:
        """Return whether updates have changed a graph."""
        return any(getattr(q.graph_name, "value", None) == graph for q in (*self.added, *self.removed))

    def files(self) -> dict[str, bytes]:
        """Return the files that hold it, by name; of an empty part there is none."""
        return {name: _write(quads) for name, quads in ((ADDED, self.added), (REMOVED, self.removed)) if quads}

    def apply(self, asserted: Iterable[ox.Quad]) -> list[ox.Quad]:
        """Return what is asserted when documents assert ``asserted``."""
        if not self:
            return list(asserted)
        return [quad for quad in as_stored((*asserted, *self.added)) if quad not in self.removed]

    def settle(self, asserted: Iterable[ox.Quad]) -> None:
        """Forget what documents say themselves now: additions they make, removed quads that they no longer assert."""
        said = set(as_stored(asserted)) if self else set()
        self.added = {quad: None for quad in self.added if quad not in said}
        self.removed = {quad: None for quad in self.removed if quad in said}

    def __bool__(self) -> bool:
        return bool(self.added or self.removed)


def _parse(content: bytes) -> Iterator[ox.Quad]:
    return ox.parse(content, format=ox.RdfFormat.N_QUADS)


def _write(quads: Iterable[ox.Quad]) -> bytes:
    written = io.BytesIO()
    ox.serialize(sorted(quads, key=str), written, format=ox.RdfFormat.N_QUADS)
    return written.getvalue()
