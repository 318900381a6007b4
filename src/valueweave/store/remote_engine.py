"""What reasoners ask of a remote engine, with as few requests as may be.

In: patterns and queries, one after the other. Out: quads and answers.
The decision hidden here: a version never changes, so what was told once is kept; and of a subject everything is asked
at once, because whoever looks at one statement of a thing soon looks at the next.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

import pyoxigraph as ox

from valueweave.store.interface import Answer, Place, Subject, Value

if TYPE_CHECKING:
    from valueweave.store.remote import RemoteStore

__all__ = ["RemoteEngine"]

_MOST = 20_000
"""So many answers are kept; when there are more, all are forgotten."""

_TEST = re.compile(r"ASK \{ FILTER\([^{}]*\) \}")
_NUMBERS = {"integer", "decimal", "double", "float"}


class RemoteEngine:
    """An :class:`~valueweave.store.interface.Engine` over HTTP; from any thread.

    Args:
        store: the store.
    """

    def __init__(self, store: RemoteStore) -> None:
        self._store = store
        self._forms = store.client.target.dialect.keeps_forms
        self._lock = threading.Lock()
        self._quads: dict[tuple[object, ...], list[ox.Quad]] = {}
        self._answers: dict[str, bytes] = {}
        self._calculator = ox.Store()

    def quads_for_pattern(
        self,
        subject: Subject | None,
        predicate: ox.NamedNode | None,
        object: Value | None,
        graph_name: Place | None = None,
    ) -> Iterator[ox.Quad]:
        """Yield the quads with these parts; a part that is ``None`` may be anything."""
        wanted: Iterable[ox.Quad]
        if subject is not None:
            wanted = self._kept((subject, None, None, None))
        elif predicate is None and object is None:
            # A whole graph is read once, if at all.
            wanted = self._store.statements(graph=graph_name)
        else:
            wanted = self._kept((None, predicate, object, graph_name))
        for quad in wanted:
            if (
                (predicate is None or quad.predicate == predicate)
                and (object is None or self._same(quad.object, object))
                and (graph_name is None or quad.graph_name == graph_name)
            ):
                yield quad

    def _kept(self, pattern: tuple[Subject | None, ox.NamedNode | None, Value | None, Place | None]) -> list[ox.Quad]:
        found = self._quads.get(pattern)
        if found is None:
            found = list(self._store.statements(*pattern))
            with self._lock:
                if len(self._quads) >= _MOST:
                    self._quads.clear()
                self._quads[pattern] = found
        return found

    def _same(self, term: Value, wanted: Value) -> bool:
        if term == wanted:
            return True
        if self._forms or not (isinstance(term, ox.Literal) and isinstance(wanted, ox.Literal)):
            return False
        return term.datatype == wanted.datatype and _number(term) is not None and _number(term) == _number(wanted)

    def __contains__(self, quad: ox.Quad, /) -> bool:
        """Return whether a quad is held."""
        found = self.quads_for_pattern(quad.subject, quad.predicate, quad.object, quad.graph_name)
        return next(found, None) is not None

    def query(self, query: str, **_: object) -> Answer:
        """Answer a query over the closure; the project's prefixes are known."""
        if _TEST.fullmatch(query):
            # A test of values alone asks nothing of the data.
            return self._calculator.query(query)
        body = self._answers.get(query)
        if body is None:
            answer = self._store.query(query)
            if isinstance(answer, ox.QueryTriples):
                return answer
            body = answer.serialize(format=ox.QueryResultsFormat.JSON) or b""
            with self._lock:
                if len(self._answers) >= _MOST:
                    self._answers.clear()
                self._answers[query] = body
        return ox.parse_query_results(body, format=ox.QueryResultsFormat.JSON)

    def named_graphs(self) -> Iterator[ox.NamedNode | ox.BlankNode]:
        """Yield the named graphs."""
        for name in self._store.graphs():
            yield ox.NamedNode(name)

    def __len__(self) -> int:
        return int(self._store.manifest["counts"]["quads"])


def _number(term: ox.Literal) -> Decimal | None:
    if term.datatype.value.rpartition("#")[2] not in _NUMBERS:
        return None
    try:
        return Decimal(term.value)
    except InvalidOperation:
        return None
