"""Lists: which things belong to one, and which of them an address names.

In: a list, filters, a path. Out: a page of summaries; the IRI of a member.
The decision hidden here: the queries behind lists. Values are put into them as terms, never as text.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import pyoxigraph as ox

from valueweave.namespaces import GRAPH, ID, SCE, TermError, expand_iri, shorten_iri
from valueweave.problems import Problem, name_list
from valueweave.server.catalogue import Catalogue, best, integer, iris_of, rows
from valueweave.server.errors import ProblemError
from valueweave.server.models import ListPage, Summary
from valueweave.server.resources import Resource

__all__ = ["Filters", "Listing"]

_SAYS = """
  FILTER(CONTAINS(LCASE(STR(?thing)), ?text)
    || EXISTS { ?thing rdfs:label|skos:altLabel ?name FILTER(CONTAINS(LCASE(STR(?name)), ?text)) })"""
_IN_CASE = """
  FILTER(EXISTS { GRAPH ?graph { ?thing ?p1 ?o1 } } || EXISTS { GRAPH ?graph { ?s2 ?p2 ?thing } })"""
_NAMED = """
  OPTIONAL { ?thing rdfs:label ?first FILTER(LANGMATCHES(LANG(?first), ?language)) }
  OPTIONAL { ?thing rdfs:label ?second FILTER(LANG(?second) = "en") }
  BIND(LCASE(STR(COALESCE(?first, ?second, ?thing))) AS ?order)"""
_SUMMED_UP = "SELECT ?thing ?o {{ VALUES ?thing {{ {things} }} ?thing rdf:type|dcterms:description ?o }}"
_ENDING = "SELECT ?thing { ?thing a ?class FILTER(STRENDS(STR(?thing), ?ending)) } ORDER BY ?thing LIMIT 20"
_MEMBERS = "SELECT ?thing { ?thing a ?class } LIMIT 5000"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which members of a list, and which page of them.

    Attributes:
        limit: how many on a page.
        offset: how many before it.
        text: what a label, an alternative label or the IRI holds.
        case: a case that speaks of them.
        type: a class below that of the list.
    """

    limit: int
    offset: int = 0
    text: str | None = None
    case: str | None = None
    type: str | None = None


class Listing:
    """The lists of one knowledge graph."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue, self.store = catalogue, catalogue.store

    def page(self, resource: Resource, filters: Filters, languages: Sequence[str]) -> ListPage:
        """Return a page of a list, ordered by label (without the addresses of its neighbours).

        Raises:
            ProblemError: when the case or the class filtered by does not exist.
        """
        values: dict[str, ox.NamedNode | ox.Literal] = {"class": ox.NamedNode(self._class(resource, filters.type))}
        body = "?thing a ?class ."
        if filters.case:
            body += _IN_CASE
            values["graph"] = ox.NamedNode(self._case_graph(filters.case))
        if filters.text:
            body += _SAYS
            values["text"] = ox.Literal(filters.text.lower())
        counting = f"SELECT (COUNT(DISTINCT ?thing) AS ?n) WHERE {{ {body} }}"
        total = integer(rows(self.store.query(counting, substitutions=values))[0][0])
        values["language"] = ox.Literal(languages[0] if languages else "en")
        naming = (
            f"SELECT ?thing WHERE {{ {body} {_NAMED} }} GROUP BY ?thing"
            f" ORDER BY MIN(?order) ?thing LIMIT {filters.limit} OFFSET {filters.offset}"
        )
        found = iris_of(rows(self.store.query(naming, substitutions=values)))
        return ListPage(
            resource=resource.name,
            total=total,
            limit=filters.limit,
            offset=filters.offset,
            items=self._summaries(found, languages),
        )

    def find(self, resource: Resource, path: str) -> str:
        """Return the IRI of the member of a list that ``path`` names.

        Args:
            resource: the list.
            path: the id (``actor/jd``), the id without the kind of the list (``jd``), or its unambiguous last part.

        Raises:
            ProblemError: when there is none, or several.
        """
        for iri in (ID + path, f"{ID}{resource.kind}/{path}"):
            if self._is_member(iri, resource):
                return iri
        members = ox.NamedNode(resource.class_iri)
        ending: dict[str, ox.NamedNode | ox.Literal] = {"class": members, "ending": ox.Literal("/" + path)}
        found = iris_of(rows(self.store.query(_ENDING, substitutions=ending)))
        if len(found) == 1:
            return found[0]
        if found:
            remedy = f"Use one of {', '.join(shorten_iri(iri) for iri in found)}."
            raise ProblemError(
                404, Problem("ambiguous-id", f"'{path}' names several {resource.name}.", remedy, term=path)
            )
        everyone = iris_of(rows(self.store.query(_MEMBERS, substitutions={"class": members})))
        known = [iri.removeprefix(ID).removeprefix(resource.kind + "/") for iri in everyone]
        raise ProblemError(404, _unknown("id", path, known, f"There is no '{path}' among the {resource.name}."))

    def _is_member(self, iri: str, resource: Resource) -> bool:
        try:
            this = ox.NamedNode(iri)
        except ValueError:
            return False
        values = {"this": this, "class": ox.NamedNode(resource.class_iri)}
        return bool(self.store.query("ASK { ?this a ?class }", substitutions=values))

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

    def _case_graph(self, case: str) -> str:
        graphs = [name.removeprefix("graph:") for name in self.catalogue.statistics.graphs]
        path = case.removeprefix(ID)
        for candidate in (path, f"case/{path}"):
            if candidate in graphs:
                return GRAPH + candidate
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
                **self.catalogue.reference(iri, labels, languages).model_dump(),
                types=[self.catalogue.reference(name, labels, languages) for name in specific[iri]],
                description=best(descriptions[iri], languages),
            )
            for iri in iris
        ]


def _unknown(what: str, given: str, known: Sequence[str], message: str) -> Problem:
    close = difflib.get_close_matches(given, known, n=1, cutoff=0.5)
    remedy = f"Did you mean '{close[0]}'?" if close else f"Known: {name_list(known, 8)}." if known else "There is none."
    return Problem(f"unknown-{what}", message, remedy, term=given)
