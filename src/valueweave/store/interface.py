"""What every store can do: the small interface between a graph and the engine that holds it.

In: nothing. Out: :class:`Store`, which :class:`~valueweave.store.embedded.EmbeddedStore` and
:class:`~valueweave.store.remote.RemoteStore` are, and :class:`Engine`, what the reasoners ask.
The decision hidden here: answers are values of the embedded engine's classes, whoever computed them, so that whoever
reads them need not know where they come from.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import pyoxigraph as ox

__all__ = ["Answer", "Engine", "Place", "Stated", "Store", "Subject", "Term", "Value"]

Term = ox.NamedNode | ox.Literal
Subject = ox.NamedNode | ox.BlankNode | ox.Triple
Value = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple
Place = ox.NamedNode | ox.BlankNode | ox.DefaultGraph
Answer = ox.QuerySolutions | ox.QueryBoolean | ox.QueryTriples
Stated = Iterable[Any]
"""Property, value, graph."""
Read = TypeVar("Read")


class Engine(Protocol):
    """What reasoners ask of a store; ``pyoxigraph.Store`` is one."""

    def quads_for_pattern(
        self,
        subject: Subject | None,
        predicate: ox.NamedNode | None,
        object: Value | None,
        graph_name: Place | None = None,
    ) -> Iterator[ox.Quad]:
        """Yield the quads with these parts; a part that is ``None`` may be anything."""

    def __contains__(self, quad: ox.Quad, /) -> bool:
        """Return whether a quad is held."""

    def query(self, query: str) -> Answer:
        """Answer a query without prefixes of the project; read the answer in this thread."""

    def named_graphs(self) -> Iterator[ox.NamedNode | ox.BlankNode]:
        """Yield the named graphs."""


class Store(Protocol):
    """A store that answers SPARQL queries.

    Attributes:
        manifest: what was built: ``version``, ``digest``, ``counts``, ``statistics``, ``rules``.
        folder: where an embedded store lies, ``None`` for one in memory or elsewhere.
        near: whether asking for one statement after the other costs hardly more than asking for all at once.
    """

    manifest: dict[str, Any]
    folder: str | None
    near: bool

    @property
    def engine(self) -> Any:
        """What reasoners ask: an :class:`Engine`."""

    def query(
        self,
        text: str,
        *,
        substitutions: Mapping[str, Term] | None = None,
        default_graph: Sequence[str] | None = None,
        named_graphs: Sequence[str] | None = None,
        file: str | None = None,
    ) -> Answer:
        """Answer a SPARQL query, as :meth:`valueweave.store.EmbeddedStore.query`."""

    def serialize_query(
        self,
        text: str,
        accept: str | None = None,
        *,
        substitutions: Mapping[str, Term] | None = None,
        default_graph: Sequence[str] | None = None,
        named_graphs: Sequence[str] | None = None,
        largest: int | None = None,
    ) -> tuple[bytes, str]:
        """Answer a query and write the answer, as :meth:`valueweave.store.EmbeddedStore.serialize_query`."""

    def statements(
        self,
        subject: ox.NamedNode | None = None,
        predicate: ox.NamedNode | None = None,
        value: ox.NamedNode | None = None,
        graph: ox.NamedNode | ox.DefaultGraph | None = None,
    ) -> Generator[ox.Quad, None, None]:
        """Yield the quads with these parts; a part left out may be anything."""

    def statements_about(
        self, subjects: Iterable[ox.NamedNode], predicate: ox.NamedNode | None = None
    ) -> Iterator[ox.Triple]:
        """Yield the statements of the default graph about several things, if wanted of one property only."""

    def stated(self, subject: ox.NamedNode) -> Generator[Stated, None, None]:
        """Yield what the named graphs say of a thing: property, value, graph."""

    def holds(
        self,
        subject: ox.NamedNode | None = None,
        predicate: ox.NamedNode | None = None,
        value: ox.NamedNode | None = None,
        graph: ox.NamedNode | ox.DefaultGraph | None = None,
    ) -> bool:
        """Return whether there is a quad with these parts."""

    def graphs(self) -> list[str]:
        """Return the IRIs of the named graphs, sorted."""

    def reading(self, answer: Iterable[Read], file: str | None = None) -> Iterator[Read]:
        """Yield the parts of an answer; what goes wrong on the way is told as a problem."""

    def limited(self, seconds: float, largest: int) -> Store:
        """Return the same store with limits on each query, as far as its engine can be held to them."""

    def current_version(self) -> str | None:
        """Return the name of the version that is current now, whoever made it."""

    def renewed(self) -> Store:
        """Return the store of the current version: this one, where nothing has changed."""

    def close(self) -> None:
        """Let go of files and connections."""
