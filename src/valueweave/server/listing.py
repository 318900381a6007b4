"""Lists: which things belong to one, and which of them an address names.

In: a list, filters, a path. Out: a page of summaries; the IRI of a member.
The decision hidden here: how filters, order and pages go together. What a filter leaves, the queries in
``ontology/lookups`` say.
"""

from __future__ import annotations

import difflib
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import pyoxigraph as ox

from valueweave.namespaces import GRAPH, ID, SCE, TermError, expand_iri, shorten_iri
from valueweave.problems import Problem, name_list
from valueweave.resources import RESOURCES, Resource
from valueweave.server.catalogue import Catalogue, best, rows
from valueweave.server.errors import ProblemError, noting
from valueweave.server.lookups import Lookups
from valueweave.server.models import Summary
from valueweave.server.ordering import Comparable, Cursor, Key, Order

__all__ = ["Filters", "Listing", "Part"]

_SUMMED_UP = "SELECT ?thing ?o {{ VALUES ?thing {{ {things} }} ?thing rdf:type|dcterms:description ?o }}"
_REMEMBERED = 128
_Ordered = list[tuple[tuple[Comparable, str], str]]


@dataclass(frozen=True, slots=True)
class Filters:
    """Which members of a list, in which order, and which page of them.

    Attributes:
        limit: how many on a page.
        text: what they are searched for by.
        case: a case that speaks of them.
        stage: a stage they belong to.
        actor: an actor they have to do with.
        year: a year they are dated to.
        kind: a class below that of the list.
        sort: keys to sort by.
        cursor: where the page begins.
    """

    limit: int = 50
    text: str | None = None
    case: str | None = None
    stage: str | None = None
    actor: str | None = None
    year: int | None = None
    kind: str | None = None
    sort: str | None = None
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A page of a list.

    Attributes:
        total: how many things fit the filters.
        before: how many of these come before the page.
        items: the things.
        next: the cursor of the page after it.
        previous: the cursor of the page before it.
    """

    total: int
    before: int
    items: list[Summary]
    next: str | None
    previous: str | None


class Listing:
    """The lists of one knowledge graph."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue, self.store = catalogue, catalogue.store
        self.lookups = Lookups(catalogue)
        self._sorted = lru_cache(_REMEMBERED)(self._sort)

    def page(self, resource: Resource, filters: Filters, languages: Sequence[str]) -> Part:
        """Return a page of a list.

        Raises:
            ProblemError: when what is filtered or sorted by does not exist, or the cursor is none; with all of that.
        """
        problems: list[Problem] = []
        class_iri, order, given = resource.class_iri, Order(()), dict[str, ox.NamedNode | ox.Literal]()
        cursor: Cursor | None = None
        with noting(problems):
            class_iri = self._class(resource, filters.kind)
        with noting(problems):
            order = Order.read(filters.sort, searching=filters.text is not None)
            cursor = Cursor.read(filters.cursor, order) if filters.cursor else None
        for name, read in self._readers(filters).items():
            with noting(problems):
                given[name] = read()
        if problems:
            raise ProblemError(400, *problems)
        left = self.lookups.members(class_iri)
        for name, value in given.items():
            left &= self.lookups.of(name, value)
        if filters.text is None:
            everything = self._sorted(self.catalogue.version, class_iri, order, tuple(languages[:1]))
            ordered = [each for each in everything if each[1] in left]
        else:
            left &= self._relevance(filters.text).keys()
            ordered = self._sort("", class_iri, order, tuple(languages[:1]), left, filters.text)
        keys = self._keys(class_iri, order, filters.text, tuple(languages[:1]))
        first, end = 0, filters.limit
        if cursor:
            place = order.comparable(cursor.keys, cursor.iri)
            if cursor.before:
                end = bisect_left(ordered, place, key=lambda each: each[0])
                # Fewer than a page come before: the page is then the first one, whole.
                first, end = max(end - filters.limit, 0), max(end, min(filters.limit, len(ordered)))
                end = min(end, first + filters.limit)
            else:
                first = bisect_right(ordered, place, key=lambda each: each[0])
                end = first + filters.limit
        shown = [iri for _, iri in ordered[first:end]]

        def place_of(index: int, *, before: bool) -> str:
            iri = ordered[index][1]
            return str(Cursor(order, before, keys(iri), iri))

        return Part(
            len(ordered),
            first,
            self._summaries(shown, languages),
            place_of(end - 1, before=False) if end < len(ordered) else None,
            # Beyond the end, the page before is the last one there is.
            (place_of(first, before=True) if shown else str(replace(cursor, before=True)))
            if first and cursor
            else None,
        )

    def _sort(
        self,
        _: str,
        class_iri: str,
        order: Order,
        languages: tuple[str, ...],
        only: AbstractSet[str] | None = None,
        text: str | None = None,
    ) -> _Ordered:
        """Return the members of a class, or some of them, with their places in an order."""
        keys = self._keys(class_iri, order, text, languages)
        members = self.lookups.members(class_iri) if only is None else only
        return sorted((order.comparable(keys(iri), iri), iri) for iri in members)

    def _readers(self, filters: Filters) -> dict[str, Callable[[], ox.NamedNode | ox.Literal]]:
        """Return what reads the value of each filter that is given, by the query that filters by it."""
        found: dict[str, Callable[[], ox.NamedNode | ox.Literal]] = {}
        if filters.case is not None:
            found["of-case"] = partial(self._case_graph, filters.case)
        for name, wanted in (("stage", filters.stage), ("actor", filters.actor)):
            if wanted is not None:
                found[f"of-{name}"] = partial(self._named, name, wanted)
        if filters.year is not None:
            found["of-year"] = partial(ox.Literal, filters.year)
        return found

    def _named(self, name: str, wanted: str) -> ox.NamedNode:
        """Return the stage or actor that a filter names; that there is none is the fault of the parameter."""
        try:
            return ox.NamedNode(self.find(RESOURCES[f"{name}s"], wanted.removeprefix(ID)))
        except ProblemError as error:
            (problem,) = error.problems
            raise ProblemError(
                400, Problem(problem.code.replace("-id", f"-{name}"), problem.message, problem.remedy, term=name)
            ) from None

    def _keys(
        self, class_iri: str, order: Order, text: str | None, languages: tuple[str, ...]
    ) -> Callable[[str], tuple[Key, ...]]:
        """Return what gives the keys of a thing in an order."""
        sources: list[Callable[[str], Key]] = []
        for name, _ in order.keys:
            if name == "label":
                sources.append(self.lookups.labels(class_iri, languages).__getitem__)
            elif name == "year":
                sources.append(self.lookups.years().get)
            elif name == "statements":
                sources.append(self.catalogue.kg.finder.statements)
            elif name == "relevance":
                sources.append(self._relevance(text or "").__getitem__)
            else:
                sources.append(str)
        return lambda iri: tuple(source(iri) for source in sources)

    def _relevance(self, text: str) -> Mapping[str, int]:
        return {found.thing: found.place for found in self.catalogue.kg.finder.find(text)}

    def member(self, resource: Resource, path: str) -> str | None:
        """Return the IRI of the member of a list with this id, which may lack the kind of the list."""
        everyone = self.lookups.members(resource.class_iri)
        return next((iri for iri in (ID + path, f"{ID}{resource.kind}/{path}") if iri in everyone), None)

    def find(self, resource: Resource, path: str) -> str:
        """Return the IRI of the member of a list that ``path`` names.

        Args:
            resource: the list.
            path: the id (``actor/jd``), the id without the kind of the list (``jd``), or its unambiguous last part.

        Raises:
            ProblemError: when there is none, or several.
        """
        if iri := self.member(resource, path):
            return iri
        everyone = self.lookups.members(resource.class_iri)
        found = sorted(iri for iri in everyone if iri.endswith("/" + path))
        if len(found) == 1:
            return found[0]
        if found:
            remedy = f"Use one of {name_list([shorten_iri(iri) for iri in found], 20)}."
            raise ProblemError(
                404, Problem("ambiguous-id", f"'{path}' names several {resource.name}.", remedy, term=path)
            )
        known = [iri.removeprefix(ID).removeprefix(resource.kind + "/") for iri in sorted(everyone)]
        raise ProblemError(404, _unknown("id", path, known, f"There is no '{path}' among the {resource.name}."))

    def _class(self, resource: Resource, wanted: str | None) -> str:
        if wanted is None:
            return resource.class_iri
        below = self.catalogue.ontology.descendants(resource.class_iri)
        try:
            iri = expand_iri(wanted if ":" in wanted else SCE + wanted)
        except TermError:
            iri = ""
        if iri in below:
            return iri
        known = sorted(name.removeprefix(SCE) for name in below)
        raise ProblemError(400, _unknown("class", wanted, known, f"No class of {resource.name} is called '{wanted}'."))

    def _case_graph(self, case: str) -> ox.NamedNode:
        graphs = [name.removeprefix("graph:") for name in self.catalogue.statistics.graphs]
        path = case.removeprefix(ID)
        for candidate in (path, f"case/{path}"):
            if candidate in graphs:
                return ox.NamedNode(GRAPH + candidate)
        known = [name.removeprefix("case/") for name in graphs if "/" in name]
        raise ProblemError(400, _unknown("case", case, known, f"There is no case '{case}'."))

    def _summaries(self, iris: Sequence[str], languages: Sequence[str]) -> list[Summary]:
        if not iris:
            return []
        things = " ".join(str(ox.NamedNode(iri)) for iri in iris)
        types: dict[str, list[str]] = defaultdict(list)
        descriptions: dict[str, dict[str, str]] = defaultdict(dict)
        for thing, value in rows(self.store.query(_SUMMED_UP.format(things=things))):
            if isinstance(thing, ox.NamedNode) and isinstance(value, ox.Literal):
                descriptions[thing.value][value.language or ""] = value.value
            elif isinstance(thing, ox.NamedNode) and isinstance(value, ox.NamedNode) and value.value.startswith(SCE):
                types[thing.value].append(value.value)
        specific = {iri: self.catalogue.most_specific(types[iri]) for iri in iris}
        labels = self.catalogue.labels([*iris, *(name for names in specific.values() for name in names)])
        return [
            Summary(
                **self.catalogue.naming(iri, labels, languages),
                types=[self.catalogue.reference(name, labels, languages) for name in specific[iri]],
                description=best(descriptions[iri], languages),
            )
            for iri in iris
        ]


def _unknown(what: str, given: str, known: Sequence[str], message: str) -> Problem:
    close = difflib.get_close_matches(given, known, n=1, cutoff=0.5)
    remedy = f"Did you mean '{close[0]}'?" if close else f"Known: {name_list(known, 8)}." if known else "There is none."
    return Problem(f"unknown-{what}", message, remedy, term=given)
