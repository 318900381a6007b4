"""The graph as it is now: one version of the store after the other, each with what the server knows of it.

In: a knowledge graph, the pointer to the current version. Out: :class:`Edition`.
The decision hidden here: a request works on one edition from its beginning to its end, and the pointer is looked at
when it begins. So a change is seen by the next request whoever made it (this process, another one, a build), and nobody
sees half of it. What depends on the ontology alone is handed on from one edition to the next. An edition that is past
stays open as long as a request that asked for it is under way; a few more for a while, for whoever is no request.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyoxigraph as ox

from valueweave.graph import KnowledgeGraph
from valueweave.problems import InputError
from valueweave.server.catalogue import Catalogue
from valueweave.server.evaluators import Evaluators
from valueweave.server.listing import Listing
from valueweave.server.settings import Settings
from valueweave.server.things import Things
from valueweave.store import EmbeddedStore
from valueweave.store.versions import POINTER

__all__ = ["Edition", "Editions"]

_PATIENCE = 10.0
"""So many seconds a past edition is kept that no request is known to use."""
_PAST = 4
"""So many of those are kept at most."""
_KEPT: ContextVar[set[Edition] | None] = ContextVar("kept", default=None)
"""The editions that the request under way has asked for."""


@dataclass(frozen=True, slots=True)
class _Answering:
    """Evaluator processes, asked for one version."""

    evaluators: Evaluators
    version: str

    def serialize_query(
        self,
        text: str,
        accept: str | None = None,
        *,
        substitutions: Mapping[str, ox.NamedNode | ox.Literal] | None = None,
        default_graph: Sequence[str] | None = None,
        named_graphs: Sequence[str] | None = None,
    ) -> tuple[bytes, str]:
        """Answer a query as :meth:`Evaluators.serialize_query`, from this version."""
        return self.evaluators.serialize_query(
            text,
            accept,
            substitutions=substitutions,
            default_graph=default_graph,
            named_graphs=named_graphs,
            version=self.version,
        )


class Edition:
    """One version of the graph.

    Attributes:
        kg: the knowledge graph.
        catalogue: labels, keys and counts.
        listing: its lists.
        things: what it says of things.
        warm: the lists whose things can be looked up without reading more than the thing itself.
    """

    def __init__(self, kg: KnowledgeGraph, evaluators: Evaluators | None, settings: Settings) -> None:
        self.kg = kg
        # An engine elsewhere ends queries itself; the one in memory cannot be ended.
        if isinstance(kg.store, EmbeddedStore):
            kg.store.services = frozenset(settings.services)
        store = kg.store.limited(settings.query_seconds, settings.answer_bytes)
        self.catalogue = Catalogue(kg, _Answering(evaluators, kg.version) if evaluators else store)
        self._related = settings.related
        self.warm: set[str] = set()

    @property
    def version(self) -> str:
        """Version of the store."""
        return self.kg.version

    @cached_property
    def listing(self) -> Listing:
        """Its lists."""
        return Listing(self.catalogue)

    @cached_property
    def things(self) -> Things:
        """What it says of things."""
        return Things(self.catalogue, self._related)


class Editions:
    """Gives the current edition; from any thread.

    Args:
        kg: the knowledge graph to begin with; whoever opened it closes it.
        evaluators: what answers the queries of others.
        settings: limits and habits.

    Attributes:
        evaluators: what answers the queries of others.
        folder: where the versions lie, if that is on this machine.
    """

    def __init__(self, kg: KnowledgeGraph, evaluators: Evaluators | None, settings: Settings) -> None:
        self.evaluators = evaluators
        self._settings = settings
        self.folder = None if kg.store.folder is None else Path(kg.store.folder)
        self._pointer = None if self.folder is None else str(self.folder / POINTER)
        self._opening, self._preparing = threading.Lock(), threading.Lock()
        self._using = threading.Lock()
        self._used: Counter[Edition] = Counter()
        self._past: list[Edition] = []
        self._timer: threading.Timer | None = None
        self._first = kg
        # The mark is taken before the pointer is read: a version switched in between is opened at the next request.
        self._mark: object = None
        self._edition = Edition(kg, evaluators, settings)

    def current(self) -> Edition:
        """Return the edition of the version that the pointer names now.

        While the pointer cannot be read, or names what cannot be opened, it is the edition before.
        """
        self._look_up()
        kept = _KEPT.get()
        if kept is None:
            return self._edition
        with self._using:
            edition = self._edition
            if edition not in kept:
                kept.add(edition)
                self._used[edition] += 1
        return edition

    def prepare(self) -> None:
        """Read what every lookup needs, so that the first one need not wait for it."""
        with suppress(InputError):
            self._edition.catalogue.labels([])
            self._edition.things.lookups.disagreements("")

    def hold(self) -> Edition:
        """Return the current edition as :meth:`current`, and keep it open until it is let go."""
        self._look_up()  # not in the name of the request that this context may be of: it may have ended
        with self._using:
            self._used[self._edition] += 1
            return self._edition

    def let_go(self, *held: Edition) -> None:
        """Keep editions open no longer than others need them."""
        with self._using:
            for edition in held:
                self._used[edition] -= 1
                if not self._used[edition]:
                    del self._used[edition]
        if self._past:
            self._close_past(_PAST if self._timer is not None and self._timer.is_alive() else 0)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep open, to the end of the block, every edition that is asked for in it, by whatever thread."""
        kept = set[Edition]()
        token = _KEPT.set(kept)
        try:
            yield
        finally:
            _KEPT.reset(token)
            self.let_go(*kept)

    def close(self) -> None:
        """Let go of every version that was opened here."""
        with self._opening:
            if self._timer is not None:
                self._timer.cancel()
            with self._using:
                self._used.clear()
            self._close_past(0)
            if self._edition.kg is not self._first:
                self._edition.kg.close()

    def _look_up(self) -> None:
        """Open the current version, if it is another one."""
        mark = self._look()
        if mark != self._mark and mark is not None:
            with self._opening:
                if mark != self._mark:
                    self._renew()
                    self._mark = mark

    def _look(self) -> object:
        """Return what changes whenever the pointer is switched."""
        if self._pointer is None:
            return self._look_elsewhere()
        try:
            told = os.stat(self._pointer)  # noqa: PTH116 - at each request: a path takes five times as long
        except OSError:
            return None
        # A switched pointer is another file, so its number changes even within one tick of the clock.
        return told.st_ino, told.st_mtime_ns, told.st_size

    def _look_elsewhere(self) -> object:
        """Return the version that an engine elsewhere holds; while it does not answer, nothing has changed."""
        try:
            return self._edition.kg.store.current_version()
        except InputError:
            return None

    def _prepare(self, edition: Edition) -> None:
        """Make the index of the search, where people search; of versions that come in quick succession the last one."""
        with self._preparing:
            if edition is self._edition:
                with suppress(InputError):
                    edition.kg.finder.prepare()

    def _renew(self) -> None:
        try:
            store = self._edition.kg.store.renewed() if self.folder is None else EmbeddedStore.open(self.folder)
        except InputError:
            return
        if store.manifest["version"] == self._edition.version:
            if store is not self._edition.kg.store:
                store.close()
            return
        before = self._edition
        edition = Edition(before.kg.successor(store), self.evaluators, self._settings)
        edition.catalogue.inherit(before.catalogue)
        with self._using:
            self._edition = edition
            if before.kg is not self._first:
                self._past.append(before)
        if before.kg.finder.ready:
            threading.Thread(target=self._prepare, args=(edition,), daemon=True).start()
        self._close_past(_PAST)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(_PATIENCE, self._close_past, (0,))
        self._timer.daemon = True
        self._timer.start()

    def _close_past(self, most: int) -> None:
        """Close the past editions that no request uses, but for so many of the last."""
        with self._using:
            idle = [edition for edition in self._past if edition not in self._used]
            idle = idle[: len(idle) - most] if len(idle) > most else []
            self._past = [edition for edition in self._past if edition not in idle]
        for edition in idle:
            edition.kg.close()
