"""Which things a filter leaves, and what they are sorted by: what the queries in ``ontology/lookups`` answer.

In: the name of such a query and a value. Out: IRIs, years, labels.
The decision hidden here: what is remembered, for one version of the store.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache

import pyoxigraph as ox

from valueweave.headers import read_text
from valueweave.search.folding import fold
from valueweave.server.catalogue import Catalogue, Node, best, iris_of, rows
from valueweave.values import whole_number

__all__ = ["Given", "Lookups"]

Given = ox.NamedNode | ox.Literal
_MEMBERS = "SELECT ?thing { ?thing a ?class }"
_REMEMBERED = 512


class Lookups:
    """What the lookups of one knowledge graph ask, and ask only once."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._folder = catalogue.kg.project.lookups
        # One entry holds as many IRIs as a list has members, whatever an asker sends: so much memory, and no more.
        self._of = lru_cache(_REMEMBERED)(self._ask_of)
        self._members = lru_cache(_REMEMBERED)(self._ask_members)
        self._years = lru_cache(1)(self._ask_years)
        self._disagreements = lru_cache(1)(self._ask_disagreements)
        self._labels = lru_cache(_REMEMBERED)(self._ask_labels)

    @cached_property
    def digest(self) -> str:
        """What the queries are, for those who keep answers: another query gives another answer of the same graph."""
        texts = (read_text(file) for file in sorted(self._folder.glob("*.rq")))
        return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]

    def solutions(self, name: str, **given: Given) -> list[list[Node | None]]:
        """Answer a query of ``ontology/lookups`` with values.

        Raises:
            InputError: when there is no such query.
        """
        file = self._folder / f"{name}.rq"
        return rows(self.catalogue.store.query(read_text(file), substitutions=given, file=file.name))

    def of(self, name: str, given: Given) -> frozenset[str]:
        """Return everything that a filter (``of-stage``) leaves: every IRI in its solutions."""
        return self._of(self.catalogue.version, name, given)

    def members(self, class_iri: str) -> frozenset[str]:
        """Return the members of a class."""
        return self._members(self.catalogue.version, class_iri)

    def years(self) -> Mapping[str, int]:
        """Return the year that each dated thing is sorted by."""
        return self._years(self.catalogue.version)

    def labels(self, class_iri: str, languages: tuple[str, ...]) -> Mapping[str, str]:
        """Return the labels that the members of a class are sorted by."""
        return self._labels(self.catalogue.version, class_iri, languages[:1])

    def disagreements(self, thing: str) -> Mapping[str, Sequence[Sequence[Node | None]]]:
        """Return what ``discrepancies-of`` says of a thing, by discrepancy."""
        return self._disagreements(self.catalogue.version).get(thing, {})

    def _ask_disagreements(self, _: str) -> dict[str, dict[str, list[list[Node | None]]]]:
        found: dict[str, dict[str, list[list[Node | None]]]] = {}
        for thing, discrepancy, *values in self.solutions("discrepancies-of"):
            if isinstance(thing, ox.NamedNode) and isinstance(discrepancy, ox.NamedNode):
                found.setdefault(thing.value, {}).setdefault(discrepancy.value, []).append(values)
        return found

    def _ask_of(self, _: str, name: str, given: Given) -> frozenset[str]:
        return frozenset(
            term.value for row in self.solutions(name, given=given) for term in row if isinstance(term, ox.NamedNode)
        )

    def _ask_members(self, _: str, class_iri: str) -> frozenset[str]:
        answer = self.catalogue.store.query(_MEMBERS, substitutions={"class": ox.NamedNode(class_iri)})
        return frozenset(iris_of(rows(answer)))

    def _ask_years(self, _: str) -> dict[str, int]:
        return {
            thing.value: whole_number(year) or 0
            for thing, year in self.solutions("years")
            if isinstance(thing, ox.NamedNode)
        }

    def _ask_labels(self, _: str, class_iri: str, languages: tuple[str, ...]) -> dict[str, str]:
        members = self._members(self.catalogue.version, class_iri)
        labels = self.catalogue.labels(members)
        return {iri: fold(best(labels.get(iri, {}), languages) or self.catalogue.name(iri)) for iri in members}
