"""The one who searches: an index made when it is first needed, and what is shown of what it finds.

In: a store, the words of a person. Out: :class:`~valueweave.search.hits.HitPage`.
The decision hidden here: when the index is made (once for a version of the store, by whoever asks first), and how many
texts of a hit are shown.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import pyoxigraph as ox

from valueweave.layout import ONTOLOGY_GRAPH
from valueweave.namespaces import SCE, shorten_iri
from valueweave.ontology import OntologyIndex
from valueweave.problems import InputError, Problem, did_you_mean
from valueweave.resources import RESOURCES, TERMS
from valueweave.search.hits import Hit, HitPage, Match
from valueweave.search.index import TextIndex
from valueweave.search.marking import spans
from valueweave.search.matching import Found, Query, Sorting, find
from valueweave.search.texts import ID_PROPERTY, Corpus, Text
from valueweave.store.interface import Store

__all__ = ["Search"]

_ONTOLOGY = ox.NamedNode(ONTOLOGY_GRAPH)
_SHOWN_TEXTS = 4
_KEPT = 64
"""So many answers are kept: pages of one answer, and filters, ask for it again."""


class Search:
    """Finds things and terms of a store by words; from any thread.

    Args:
        store: the store.
        lookups: folder of the queries that say what can be searched.
    """

    def __init__(self, store: Store, lookups: Path) -> None:
        self._store, self._lookups = store, lookups
        self._lock = threading.Lock()
        self._made: _Made | None = None
        self._answers: OrderedDict[str, tuple[Query, list[Found]]] = OrderedDict()

    def find(self, text: str) -> list[Found]:
        """Return every thing that fits, the best first."""
        return self._answer(text)[1]

    def statements(self, thing: str) -> int:
        """Return in how many statements a thing stands; 0 for what cannot be found by words."""
        return self._index().corpus.statements.get(thing, 0)

    def page(
        self,
        text: str,
        *,
        kind: str | None = None,
        language: str | Sequence[str] | None = None,
        limit: int = 20,
        after: Sorting | None = None,
        before: Sorting | None = None,
    ) -> HitPage:
        """Return some of the things that fit.

        Args:
            text: what a person typed.
            kind: a list (``actors``), ``terms``, or a class (``Event``, ``sce:Event``).
            language: of labels; several in the order wanted.
            limit: how many things at most.
            after: only things that come after this place.
            before: only things that come before this place, the nearest to it.

        Raises:
            InputError: when there is no such kind.
        """
        made = self._index()
        query, everything = self._answer(text)
        kinds = Counter(name for found in everything for name in made.kinds(found.thing))
        found = everything if kind is None else made.of_kind(everything, kind)
        first = 0
        if after is not None:
            first = sum(one.sorting <= after for one in found)
        elif before is not None:
            first = max(sum(one.sorting < before for one in found) - limit, 0)
        end = first + limit
        if before is not None:
            end = min(end, sum(one.sorting < before for one in found))
        languages = (language,) if isinstance(language, str) else tuple(language or ())
        return HitPage(
            text,
            len(found),
            first,
            {name: kinds[name] for name in (*RESOURCES, TERMS, "other") if kinds[name]},
            tuple(made.hit(one, query, languages) for one in found[first:end]),
        )

    def _answer(self, text: str) -> tuple[Query, list[Found]]:
        made = self._index()
        with self._lock:
            if text in self._answers:
                self._answers.move_to_end(text)
                return self._answers[text]
        answer = find(made.corpus, made.index, text)
        with self._lock:
            self._answers[text] = answer
            while len(self._answers) > _KEPT:
                self._answers.popitem(last=False)
        return answer

    @property
    def ready(self) -> bool:
        """Whether the index is made."""
        return self._made is not None

    def prepare(self) -> None:
        """Make the index, so that the first who searches need not wait for it.

        Raises:
            InputError: when a query of what is searched is wrong, or the store is closed.
        """
        self._index()

    def _index(self) -> _Made:
        """Return the index, making it first when nobody has asked before; others wait for it meanwhile."""
        if self._made is None:
            with self._lock:
                if self._made is None:
                    self._made = _Made(Corpus.read(self._store, self._lookups), self._store)
        return self._made


class _Made:
    """An index with what is needed to show what it finds."""

    def __init__(self, corpus: Corpus, store: Store) -> None:
        self.corpus, self.index = corpus, TextIndex(corpus.texts)
        self._texts: dict[str, list[Text]] = defaultdict(list)
        for text in corpus.texts:
            self._texts[text.thing].append(text)
        self.ontology = OntologyIndex(quad.triple for quad in store.statements(graph=_ONTOLOGY))

    def kinds(self, thing: str) -> Sequence[str]:
        """Return the lists that a thing is in, or what else it is."""
        if self.corpus.is_term(thing):
            return (TERMS,)
        known = self._kinds
        classes = self.corpus.classes[thing]
        if classes not in known:
            known[classes] = tuple(name for name, each in RESOURCES.items() if each.class_iri in classes) or ("other",)
        return known[classes]

    @cached_property
    def _kinds(self) -> dict[frozenset[str], tuple[str, ...]]:
        return {}

    def of_kind(self, found: Sequence[Found], kind: str) -> list[Found]:
        """Return those of a kind.

        Raises:
            InputError: when there is no such kind.
        """
        kind = next((name for name, each in RESOURCES.items() if each.kind == kind), kind)
        if kind in RESOURCES or kind in (TERMS, "other"):
            return [one for one in found if kind in self.kinds(one.thing)]
        wanted = SCE + kind.removeprefix(SCE).removeprefix("sce:")
        if wanted not in self.ontology.classes:
            known = [*RESOURCES, TERMS, *(term.local for term in self.ontology.classes.values())]
            remedy = did_you_mean(kind, known, f"Use a list ({', '.join(RESOURCES)}), '{TERMS}', or a class.")
            raise InputError(Problem("unknown-kind", f"There is no kind '{kind}'.", remedy, term=kind))
        return [one for one in found if wanted in self.corpus.classes[one.thing]]

    def hit(self, found: Found, query: Query, languages: Sequence[str]) -> Hit:
        """Return what is shown of a thing."""
        texts = self._texts[found.thing]
        classes = [name for name in self.corpus.classes[found.thing] if name.startswith(SCE)]
        above = {upper for one in classes for upper in self.ontology.ancestors(one) if upper != one}
        return Hit(
            found.thing,
            _label(texts, languages) or shorten_iri(found.thing),
            found.rank,
            tuple(sorted(set(classes) - above)),
            self.corpus.statements[found.thing],
            _matches(texts, query, languages),
            found.sorting,
        )


def _label(texts: Sequence[Text], languages: Sequence[str]) -> str | None:
    labels = {text.language.split("-")[0]: text.text for text in texts if text.property.endswith("#label")}
    return next((labels[one] for one in (*languages, "en", *sorted(labels)) if one in labels), None)


def _matches(texts: Sequence[Text], query: Query, languages: Sequence[str]) -> tuple[Match, ...]:
    """Return the texts that hold what was asked: names that hold most of it, and one description."""
    ranked = []
    for text in texts:
        parts, held = spans(text.text, query)
        if parts:
            whole = text.folded.replace(" ", "") == query.name
            wanted = languages.index(text.language) if text.language in languages else len(languages)
            place = (-len(held), not text.naming, not whole, text.property == ID_PROPERTY, wanted)
            ranked.append((place, Match(text.property, text.language, text.text, tuple(parts))))
    ranked.sort(key=lambda each: each[0])
    return tuple(match for _, match in ranked[:_SHOWN_TEXTS])
