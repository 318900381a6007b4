"""Looking things up: pages of lists, and everything about one thing.

In: a list, filters, a path. Out: the models of :mod:`valueweave.server.models`.
The decision hidden here: the queries behind the lookups. Values are put into them as terms, never as text; every answer of
the store is read in the call that asked for it.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyoxigraph as ox

from valueweave.namespaces import GRAPH, ID, PREFIXES, SCE, TermError, expand_iri, shorten_iri
from valueweave.problems import Problem
from valueweave.reasoning.hierarchy import INFERRED
from valueweave.server.catalogue import Catalogue, Node, best, rows
from valueweave.server.errors import ProblemError
from valueweave.server.models import (
    Evidence,
    Item,
    ListPage,
    Reference,
    RelatedThings,
    Summary,
    TypeReference,
    Value,
    ValuesOf,
)
from valueweave.server.resources import RESOURCES, Resource
from valueweave.server.settings import Settings
from valueweave.values import to_python

__all__ = ["Filters", "Lookups"]

_RDF_TYPE = PREFIXES["rdf"] + "type"
_LABEL, _ALTERNATIVE = PREFIXES["rdfs"] + "label", PREFIXES["skos"] + "altLabel"
_DESCRIPTION = PREFIXES["dcterms"] + "description"
_EVIDENCE, _SUPPORTS = SCE + "hasEvidence", SCE + "supports"
_SHOWN_APART = {_RDF_TYPE, _LABEL, _ALTERNATIVE, _EVIDENCE}

_MEMBERS = "?thing a ?class ."
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
_ABOUT = "SELECT ?p ?o ?g WHERE { ?this ?p ?o OPTIONAL { GRAPH ?g { ?this ?p ?o } } } ORDER BY ?p ?o ?g"
_EVIDENCE_OF = "SELECT ?item ?p ?o WHERE { ?this sce:hasEvidence ?item . ?item ?p ?o } ORDER BY ?item ?p ?o"
_POINTING = "SELECT ?p (COUNT(DISTINCT ?s) AS ?n) WHERE { ?s ?p ?this } GROUP BY ?p ORDER BY ?p"
_POINTING_BY = "SELECT DISTINCT ?s WHERE {{ ?s ?property ?this }} ORDER BY ?s LIMIT {limit}"
_ENDING = 'SELECT ?thing WHERE { ?thing a ?class FILTER(STRENDS(STR(?thing), ?ending)) } ORDER BY ?thing LIMIT 20'


@dataclass(frozen=True, slots=True)
class Filters:
    """Which members of a list, and which page of them."""

    limit: int
    offset: int = 0
    text: str | None = None
    case: str | None = None
    type: str | None = None


class Lookups:
    """Lookups in one knowledge graph."""

    def __init__(self, catalogue: Catalogue, settings: Settings) -> None:
        self.catalogue, self.settings = catalogue, settings
        self.store = catalogue.store

    # -- lists

    def page(self, resource: Resource, filters: Filters, languages: Sequence[str]) -> ListPage:
        """Return a page of a list (without the addresses of its neighbours).

        Raises:
            ProblemError: when the case or the class filtered by does not exist.
        """
        values: dict[str, ox.NamedNode | ox.Literal] = {"class": ox.NamedNode(self._class(resource, filters.type))}
        body = _MEMBERS
        if filters.case:
            body += _IN_CASE
            values["graph"] = ox.NamedNode(self._case_graph(filters.case))
        if filters.text:
            body += _SAYS
            values["text"] = ox.Literal(filters.text.lower())
        total = rows(self.store.query(f"SELECT (COUNT(DISTINCT ?thing) AS ?n) WHERE {{ {body} }}", substitutions=values))
        values["language"] = ox.Literal(languages[0] if languages else "en")
        found = rows(
            self.store.query(
                f"SELECT ?thing (MIN(?order) AS ?first_order) WHERE {{ {body} {_NAMED} }} GROUP BY ?thing"
                f" ORDER BY ?first_order ?thing LIMIT {filters.limit} OFFSET {filters.offset}",
                substitutions=values,
            )
        )
        iris = [thing.value for thing, _ in found if isinstance(thing, ox.NamedNode)]
        return ListPage(
            resource=resource.name,
            total=_integer(total[0][0]),
            limit=filters.limit,
            offset=filters.offset,
            items=self._summaries(iris, languages),
        )

    def _class(self, resource: Resource, wanted: str | None) -> str:
        if wanted is None:
            return resource.class_iri
        below = self.catalogue.ontology.descendants(resource.class_iri)
        iri = wanted if ":" in wanted else SCE + wanted
        try:
            iri = expand_iri(iri)
        except TermError:
            iri = ""
        if iri in below:
            return iri
        known = sorted(name.removeprefix(SCE) for name in below)
        raise ProblemError(400, _unknown("class", wanted, known, f"No list member is of the class '{wanted}'.", "type"))

    def _case_graph(self, case: str) -> str:
        graphs = [name.removeprefix("graph:") for name in self.catalogue.statistics.graphs]
        path = case.removeprefix(ID)
        for candidate in (path, f"case/{path}"):
            if candidate in graphs:
                return GRAPH + candidate
        known = [name.removeprefix("case/") for name in graphs if "/" in name]
        raise ProblemError(400, _unknown("case", case, known, f"There is no case '{case}'.", "case"))

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
                types=[
                    TypeReference(**self.catalogue.reference(name, labels, languages).model_dump())
                    for name in specific[iri]
                ],
                description=best(descriptions[iri], languages),
            )
            for iri in iris
        ]

    # -- one thing

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
        values = {"class": ox.NamedNode(resource.class_iri), "ending": ox.Literal("/" + path)}
        found = [term.value for (term,) in rows(self.store.query(_ENDING, substitutions=values)) if _is_iri(term)]
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(shorten_iri(iri) for iri in found)
            problem = Problem("ambiguous-id", f"'{path}' names several {resource.name}.", f"Use one of {names}.", term=path)
            raise ProblemError(404, problem)
        members = rows(self.store.query("SELECT ?thing { ?thing a ?class } LIMIT 5000", substitutions={"class": values["class"]}))
        known = [term.value.removeprefix(ID).removeprefix(resource.kind + "/") for (term,) in members if _is_iri(term)]
        problem = _unknown("id", path, known, f"There is no '{path}' among the {resource.name}.", None)
        raise ProblemError(404, problem)

    def _is_member(self, iri: str, resource: Resource) -> bool:
        try:
            this = ox.NamedNode(iri)
        except ValueError:
            return False
        values = {"this": this, "class": ox.NamedNode(resource.class_iri)}
        return bool(self.store.query("ASK { ?this a ?class }", substitutions=values))

    def exists(self, iri: str) -> bool:
        """Return whether the graph says anything of ``iri``."""
        try:
            this = ox.NamedNode(iri)
        except ValueError:
            return False
        return bool(self.store.query("ASK { { ?this ?p ?o } UNION { ?s ?q ?this } }", substitutions={"this": this}))

    def item(self, iri: str, languages: Sequence[str]) -> Item:
        """Return everything the graph says of ``iri``."""
        this = ox.NamedNode(iri)
        about: dict[str, dict[Node, list[str]]] = defaultdict(lambda: defaultdict(list))
        for predicate, value, graph in rows(self.store.query(_ABOUT, substitutions={"this": this})):
            if isinstance(predicate, ox.NamedNode) and value is not None:
                about[predicate.value][value] += [graph.value] if isinstance(graph, ox.NamedNode) else []
        pointing, totals = self._pointing(this)
        evidence = self._evidence_statements(this)
        mentioned = {value.value for values in about.values() for value in values if isinstance(value, ox.NamedNode)}
        mentioned |= {iri for iris in pointing.values() for iri in iris}
        mentioned |= {
            value.value for values in evidence.values() for value in values.get(SCE + "inSource", ()) if _is_iri(value)
        }
        labels = self.catalogue.labels([iri, *mentioned, *about, *pointing])
        texts = {value: graphs for value, graphs in about[_LABEL].items() if isinstance(value, ox.Literal)}
        descriptions = {
            value.language or "": value.value for value in about[_DESCRIPTION] if isinstance(value, ox.Literal)
        }
        reference = self.catalogue.reference

        def values_of(property_iri: str) -> list[Value]:
            return [self._value(value, graphs, labels, languages) for value, graphs in about[property_iri].items()]

        return Item(
            **reference(iri, labels, languages).model_dump(),
            labels={value.language or "und": value.value for value in texts},
            alternatives=values_of(_ALTERNATIVE),
            description=best(descriptions, languages),
            types=self._types(about[_RDF_TYPE], labels, languages),
            properties={
                self.catalogue.key(name): ValuesOf(
                    iri=name, label=reference(name, labels, languages).label, values=values_of(name)
                )
                for name in sorted(about, key=self.catalogue.key)
                if name not in _SHOWN_APART
            },
            evidence=[self._evidence(item, values, labels, languages) for item, values in evidence.items()],
            incoming={
                self.catalogue.key(name): RelatedThings(
                    iri=name,
                    label=reference(name, labels, languages).label,
                    total=totals[name],
                    things=[reference(thing, labels, languages) for thing in things],
                )
                for name, things in pointing.items()
            },
        )

    def _pointing(self, this: ox.NamedNode) -> tuple[dict[str, list[str]], dict[str, int]]:
        counted = rows(self.store.query(_POINTING, substitutions={"this": this}))
        totals = {term.value: _integer(number) for term, number in counted if isinstance(term, ox.NamedNode)}
        query = _POINTING_BY.format(limit=self.settings.related)
        found = {}
        for name in totals:
            if not self.catalogue.named_elsewhere(name):
                answer = self.store.query(query, substitutions={"this": this, "property": ox.NamedNode(name)})
                found[name] = [term.value for (term,) in rows(answer) if isinstance(term, ox.NamedNode)]
        return found, totals

    def _types(
        self, types: Mapping[Node, list[str]], labels: Mapping[str, Mapping[str, str]], languages: Sequence[str]
    ) -> list[TypeReference]:
        named = {t.value: graphs for t, graphs in types.items() if isinstance(t, ox.NamedNode) and t.value.startswith(SCE)}
        specific = self.catalogue.most_specific(named)
        return [
            TypeReference(
                **self.catalogue.reference(name, labels, languages).model_dump(), inferred=_inferred(named[name])
            )
            for name in [*specific, *sorted(set(named) - set(specific))]
        ]

    def _value(
        self, value: Node, graphs: list[str], labels: Mapping[str, Mapping[str, str]], languages: Sequence[str]
    ) -> Value:
        stated = [shorten_iri(graph) for graph in graphs if graph != INFERRED]
        if isinstance(value, ox.NamedNode):
            named = self.catalogue.reference(value.value, labels, languages)
            return Value(**named.model_dump(), inferred=_inferred(graphs), graphs=stated)
        if not isinstance(value, ox.Literal):
            return Value(id=str(value), label="(an expression)", inferred=_inferred(graphs), graphs=stated)
        plain = to_python(value)
        return Value(
            value=plain if isinstance(plain, bool | int) else float(plain) if not isinstance(plain, str) else str(plain),
            lexical=value.value,
            datatype=None if value.language else shorten_iri(value.datatype.value),
            language=value.language,
            inferred=_inferred(graphs),
            graphs=stated,
        )

    # -- evidence

    def _evidence_statements(self, this: ox.NamedNode) -> dict[str, dict[str, list[Node]]]:
        found: dict[str, dict[str, list[Node]]] = defaultdict(lambda: defaultdict(list))
        for item, predicate, value in rows(self.store.query(_EVIDENCE_OF, substitutions={"this": this})):
            if isinstance(item, ox.NamedNode) and isinstance(predicate, ox.NamedNode) and value is not None:
                found[item.value][predicate.value].append(value)
        return found

    def _evidence(
        self,
        item: str,
        values: Mapping[str, list[Node]],
        labels: Mapping[str, Mapping[str, str]],
        languages: Sequence[str],
    ) -> Evidence:
        def text(name: str) -> str | None:
            return next((str(value.value) for value in values.get(SCE + name, ()) if isinstance(value, ox.Literal)), None)

        def number(name: str) -> int | None:
            return next((_integer(value) for value in values.get(SCE + name, ())), None)

        def terms(name: str) -> list[str]:
            return [value.value for value in values.get(SCE + name, ()) if isinstance(value, ox.NamedNode)]

        sources: list[Reference] = [self.catalogue.reference(iri, labels, languages) for iri in terms("inSource")]
        kinds = terms("hasEvidenceKind")
        return Evidence(
            id=shorten_iri(item),
            iri=item,
            source=sources[0] if sources else None,
            section=text("section"),
            start=number("startOffset"),
            end=number("endOffset"),
            sha256=text("spanSha256"),
            kind=kinds[0].removeprefix(SCE) if kinds else None,
            reason=text("interpretationReason"),
            supports=[self.catalogue.key(iri) for iri in terms("supports")],
        )

    def resource_of(self, types: Sequence[TypeReference]) -> Resource | None:
        """Return the list that a thing of these types is in."""
        names = {reference.iri for reference in types}
        return next((resource for resource in RESOURCES.values() if resource.class_iri in names), None)


def _inferred(graphs: Sequence[str]) -> bool:
    return bool(graphs) and all(graph == INFERRED for graph in graphs)


def _is_iri(term: Node | None) -> bool:
    return isinstance(term, ox.NamedNode)


def _integer(term: Node | None) -> int:
    return int(term.value) if isinstance(term, ox.Literal) and term.value.lstrip("+-").isdigit() else 0


def _unknown(what: str, given: str, known: Sequence[str], message: str, term: str | None) -> Problem:
    close = difflib.get_close_matches(given, known, n=1, cutoff=0.5)
    remedy = f"Did you mean '{close[0]}'?" if close else f"Known: {', '.join(known[:20])}." if known else "There is none."
    return Problem(f"unknown-{what}", message, remedy, term=term or given)
