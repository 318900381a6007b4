"""A store as it was, or as it will be, without a change of the store.

In: a store, what is to be left out and added. Out: :class:`View`, which finds statements.
The decision hidden here: a change is computed beside the store, so that it can be made in one go, or not at all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import TypeAlias

import pyoxigraph as ox

from valueweave.reasoning.rules.model import Key

__all__ = ["Index", "View"]

_EVERYWHERE = ox.DefaultGraph()
Subject: TypeAlias = ox.NamedNode | ox.BlankNode | ox.Triple
Value: TypeAlias = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple


class Index:
    """Statements in memory, found by predicate and by one of their sides.

    >>> a, p, b = (ox.NamedNode(f"urn:{name}") for name in "apb")
    >>> index = Index([ox.Triple(a, p, b)])
    >>> len(list(index.find(None, p, b))), len(list(index.find(b, p, None)))
    (1, 0)
    """

    def __init__(self, triples: Iterable[ox.Triple] = ()) -> None:
        self._all: dict[ox.Triple, None] = {}
        self._by_thing: dict[Subject, dict[ox.Triple, None]] = defaultdict(dict)
        self._by_predicate: dict[ox.NamedNode, dict[ox.Triple, None]] = defaultdict(dict)
        self._by_subject: dict[tuple[ox.NamedNode, Subject], dict[ox.Triple, None]] = defaultdict(dict)
        self._by_object: dict[tuple[ox.NamedNode, Value], dict[ox.Triple, None]] = defaultdict(dict)
        for triple in triples:
            self.add(triple)

    def __contains__(self, triple: object) -> bool:
        return triple in self._all

    def __iter__(self) -> Iterator[ox.Triple]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def add(self, triple: ox.Triple) -> None:
        """Take in a statement."""
        self._all[triple] = None
        self._by_thing[triple.subject][triple] = None
        self._by_predicate[triple.predicate][triple] = None
        self._by_subject[triple.predicate, triple.subject][triple] = None
        self._by_object[triple.predicate, triple.object][triple] = None

    def discard(self, triple: ox.Triple) -> None:
        """Forget a statement, if it is there."""
        if self._all.pop(triple, ...) is None:
            del self._by_thing[triple.subject][triple]
            del self._by_predicate[triple.predicate][triple]
            del self._by_subject[triple.predicate, triple.subject][triple]
            del self._by_object[triple.predicate, triple.object][triple]

    def find(self, subject: Subject | None, predicate: ox.NamedNode | None, value: Value | None) -> list[ox.Triple]:
        """Return the statements with these parts; a part left out may be anything."""
        if predicate is None:
            every = self._all if subject is None else self._by_thing.get(subject, ())
            return [triple for triple in every if value is None or triple.object == value]
        if subject is not None:
            found = self._by_subject.get((predicate, subject), ())
            return [triple for triple in found if value is None or triple.object == value]
        if value is not None:
            return list(self._by_object.get((predicate, value), ()))
        return list(self._by_predicate.get(predicate, ()))


class View:
    """The default graph of a store, without some statements and with others.

    Args:
        store: the store; it must not change while the view is used.
        without: collections of what is left out; they may grow.
        added: what there is besides; it may grow.
    """

    def __init__(
        self, store: ox.Store, without: Iterable[Collection[ox.Triple]] = (), added: Index | None = None
    ) -> None:
        self._store, self._without, self._added = store, tuple(without), Index() if added is None else added

    def __contains__(self, triple: ox.Triple) -> bool:
        if triple in self._added:
            return True
        if any(triple in left_out for left_out in self._without):
            return False
        return ox.Quad(triple.subject, triple.predicate, triple.object) in self._store

    def find(self, subject: Subject | None, predicate: ox.NamedNode | None, value: Value | None) -> Iterator[ox.Triple]:
        """Yield the statements with these parts; a part left out may be anything."""
        if subject is not None and predicate is not None and value is not None:
            triple = ox.Triple(subject, predicate, value)
            if triple in self:
                yield triple
            return
        added = self._added.find(subject, predicate, value)
        yield from added
        for quad in self._store.quads_for_pattern(subject, predicate, value, _EVERYWHERE):
            triple = quad.triple
            if not (triple in self._added or any(triple in left_out for left_out in self._without)):
                yield triple

    def everything(self, keys: Iterable[Key] | None = None) -> Iterator[ox.Triple]:
        """Yield all statements, or those of some keys."""
        if keys is None:
            yield from self.find(None, None, None)
            return
        for predicate, value in keys:
            yield from self.find(None, ox.NamedNode(predicate), None if value is None else ox.NamedNode(value))
