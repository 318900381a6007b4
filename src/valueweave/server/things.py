"""Everything the graph says of one thing.

In: an IRI and the languages wanted. Out: an :class:`~valueweave.server.models.Item`.
The decision hidden here: what is shown apart (types, labels, evidence), what counts as inferred, and how much of what
points to a thing is named.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import lru_cache
from itertools import islice

import pyoxigraph as ox

from valueweave.layout import DERIVATIONS, INFERRED_GRAPH
from valueweave.namespaces import PREFIXES, SCE, shorten_iri
from valueweave.resources import RESOURCES, Resource
from valueweave.server.addresses import explanation
from valueweave.server.catalogue import Catalogue, Node, Texts, best, holds, rows
from valueweave.server.lookups import Lookups
from valueweave.server.models import (
    Disagreement,
    Evidence,
    Item,
    RelatedThing,
    RelatedThings,
    TypeReference,
    Value,
    ValuesOf,
)
from valueweave.server.turns import Turns, at_once, batched, in_pieces
from valueweave.values import to_python, whole_number

__all__ = ["CrowdedError", "Things"]

_RDF_TYPE = PREFIXES["rdf"] + "type"
_LABEL, _ALTERNATIVE = PREFIXES["rdfs"] + "label", PREFIXES["skos"] + "altLabel"
_DESCRIPTION = PREFIXES["dcterms"] + "description"
_INFERRED, _DEFAULT = ox.NamedNode(INFERRED_GRAPH), ox.DefaultGraph()
_SHOWN_APART = {_RDF_TYPE, _LABEL, _ALTERNATIVE, SCE + "hasEvidence"}

# Terms are written into these queries as the engine writes them. The default graph holds each statement once, so that
# nothing need be made distinct.
_POINTING = "SELECT ?p (COUNT(*) AS ?n) {{ ?s ?p {this} FILTER(ISIRI(?s)) }} GROUP BY ?p ORDER BY ?p"
_POINTING_BY = """
SELECT ?s (EXISTS {{ GRAPH graph:inferred {{ ?s {property} {this} }} }} AS ?inferred)
{{ {{ SELECT ?s {{ ?s {property} {this} FILTER(ISIRI(?s)) }} ORDER BY ?s LIMIT {limit} }} }} ORDER BY ?s"""
_FEW = 1000
"""So many statements that point to a thing are read one by one; of more the engine is asked for counts."""

_Graphs = list[str]
_Statements = dict[str, dict[Node, _Graphs]]
_Labels = Mapping[str, Texts]
_NOWHERE: _Graphs = []


class CrowdedError(Exception):
    """More is said of a thing than was to be read."""


class Things:
    """What one knowledge graph says of things.

    Args:
        catalogue: whose graph.
        related: how many things to name for each property that points to a thing.
    """

    def __init__(self, catalogue: Catalogue, related: int) -> None:
        self.catalogue, self.store, self.related = catalogue, catalogue.store, related
        self.lookups = Lookups(catalogue)

    def exists(self, iri: str) -> bool:
        """Return whether the graph says anything of ``iri``."""
        try:
            this = ox.NamedNode(iri)
        except ValueError:
            return False
        return bool(self.store.query("ASK { { ?this ?p ?o } UNION { ?s ?q ?this } }", substitutions={"this": this}))

    def list_of(self, types: Sequence[TypeReference]) -> Resource | None:
        """Return the list that a thing of these types is in."""
        names = {reference.iri for reference in types}
        return next((resource for resource in RESOURCES.values() if resource.class_iri in names), None)

    def item(self, iri: str, languages: Sequence[str]) -> Item:
        """Return everything the graph says of ``iri``.

        Args:
            iri: the thing.
            languages: in which to name things, the most wanted first.
        """
        return at_once(self.item_in_turns(iri, languages))

    def item_in_turns(self, iri: str, languages: Sequence[str], most: int | None = None) -> Turns[Item]:
        """Return everything the graph says of ``iri``, in pieces.

        Args:
            iri: the thing.
            languages: in which to name things, the most wanted first.
            most: so many statements about it, and as many that point to it, may be read.

        Raises:
            CrowdedError: when there are more.
        """
        this = ox.NamedNode(iri)
        about = yield from self._about(this, most)
        pointing, totals = yield from self._pointing(this, most)
        evidence = yield from self._evidence_statements(about)
        disagreements = self.lookups.disagreements(iri)
        mentioned = {value.value for values in about.values() for value in values if isinstance(value, ox.NamedNode)}
        mentioned.update(thing for things in pointing.values() for thing in things)
        for values in evidence.values():
            mentioned.update(_terms(values, "inSource"))
        for found in disagreements.values():
            mentioned.update(value.value for values in found for value in values if isinstance(value, ox.NamedNode))
        labels: dict[str, Texts] = {}
        for names in batched([iri, *mentioned, *about, *pointing]):
            labels |= self.catalogue.labels(names)
            yield
        texts = _by_language(about[_LABEL])

        def label(name: str) -> str:
            return self.catalogue.reference(name, labels, languages).label

        def values_of(name: str) -> Turns[list[Value]]:
            return in_pieces(self._value((iri, name), *stated, labels, languages) for stated in about[name].items())

        properties: dict[str, ValuesOf] = {}
        for name in sorted(about, key=self.catalogue.key):
            if name not in _SHOWN_APART:
                shown = yield from values_of(name)
                properties[self.catalogue.key(name)] = ValuesOf(iri=name, label=label(name), values=shown)
        return Item(
            **self.catalogue.naming(iri, labels, languages),
            labels={language or "und": text for language, text in texts.items()},
            alternatives=(yield from values_of(_ALTERNATIVE)),
            description=best(_by_language(about[_DESCRIPTION]), languages),
            types=self._types(iri, about[_RDF_TYPE], labels, languages),
            properties=properties,
            evidence=[self._evidence(item, values, labels, languages) for item, values in evidence.items()],
            discrepancies=[self._disagreement(each, found, labels, languages) for each, found in disagreements.items()],
            incoming={
                self.catalogue.key(name): RelatedThings(
                    iri=name,
                    label=label(name),
                    total=totals[name],
                    things=[
                        RelatedThing(
                            **self.catalogue.naming(thing, labels, languages),
                            inferred=inferred,
                            explanation=explanation(thing, name, this) if inferred else None,
                        )
                        for thing, inferred in things.items()
                    ],
                )
                for name, things in pointing.items()
            },
        )

    def _about(self, this: ox.NamedNode, most: int | None) -> Turns[_Statements]:
        # An answer of the engine must be let go of in the thread that asked, so it is closed here and not by chance.
        with closing(self.store.stated(this)) as answer:
            stated = yield from in_pieces(islice(answer, None if most is None else most + 1))
        if most is not None and len(stated) > most:
            raise CrowdedError
        found: _Statements = defaultdict(dict)
        for predicate, value, graph in stated:
            found[predicate.value].setdefault(value, []).append(graph.value)
        for name, values in found.items():
            found[name] = {value: sorted(values[value]) for value in sorted(values, key=_by_value)}
            yield
        return found

    def _pointing(
        self, this: ox.NamedNode, most: int | None
    ) -> Turns[tuple[dict[str, dict[str, bool]], dict[str, int]]]:
        """Return some of what points to a thing by property, each with whether that was inferred, and how much does."""
        few = _FEW if most is None else most
        if self.store.near:
            with closing(self.store.statements(value=this, graph=_DEFAULT)) as answer:
                quads = yield from in_pieces(islice(answer, few + 1))
            if len(quads) <= few:
                return (yield from self._pointing_among(this, quads))
        if most is not None:
            raise CrowdedError
        counted = rows(self.store.query(_POINTING.format(this=this)))
        totals = {term.value: whole_number(number) or 0 for term, number in counted if isinstance(term, ox.NamedNode)}
        found = {}
        for name in totals:
            if not self.catalogue.named_elsewhere(name):
                query = _POINTING_BY.format(this=this, property=ox.NamedNode(name), limit=self.related)
                answers = rows(self.store.query(query))
                found[name] = {
                    thing.value: holds(inferred) for thing, inferred in answers if isinstance(thing, ox.NamedNode)
                }
        return found, totals

    def _pointing_among(
        self, this: ox.NamedNode, quads: Sequence[ox.Quad]
    ) -> Turns[tuple[dict[str, dict[str, bool]], dict[str, int]]]:
        stated: dict[str, list[str]] = defaultdict(list)
        for quad in quads:
            if isinstance(quad.subject, ox.NamedNode):
                stated[quad.predicate.value].append(quad.subject.value)
        found: dict[str, dict[str, bool]] = {}
        for name in sorted(stated):
            if not self.catalogue.named_elsewhere(name):
                things, link = sorted(stated[name])[: self.related], ox.NamedNode(name)
                inferred = (self.store.holds(ox.NamedNode(thing), link, this, _INFERRED) for thing in things)
                found[name] = dict(zip(things, (yield from in_pieces(inferred)), strict=True))
        return found, {name: len(things) for name, things in stated.items()}

    def _types(
        self, iri: str, types: Mapping[Node, _Graphs], labels: _Labels, languages: Sequence[str]
    ) -> list[TypeReference]:
        named = {
            each.value: graphs
            for each, graphs in types.items()
            if isinstance(each, ox.NamedNode) and each.value.startswith(SCE)
        }
        specific = self.catalogue.most_specific(named)
        return [
            TypeReference(
                **self.catalogue.naming(name, labels, languages),
                inferred=_inferred(named[name]),
                explanation=explanation(iri, _RDF_TYPE, ox.NamedNode(name)) if _inferred(named[name]) else None,
            )
            for name in [*specific, *sorted(set(named) - set(specific))]
        ]

    def _value(
        self, of: tuple[str, str], value: Node, graphs: _Graphs, labels: _Labels, languages: Sequence[str]
    ) -> Value:
        stated = [shorten_iri(graph) for graph in graphs if not _infers(graph)]
        inferred = bool(graphs) and not stated
        why = explanation(*of, value) if inferred and isinstance(value, ox.NamedNode | ox.Literal) else None
        if isinstance(value, ox.NamedNode):
            named = self.catalogue.naming(value.value, labels, languages)
            return Value(**named, inferred=inferred, graphs=stated, explanation=why)
        if not isinstance(value, ox.Literal):
            return Value(label="(an expression)", inferred=inferred, graphs=stated)
        plain = to_python(value)
        return Value(
            value=plain if isinstance(plain, bool | int) else str(plain) if isinstance(plain, str) else float(plain),
            lexical=value.value,
            datatype=None if value.language else shorten_iri(value.datatype.value),
            language=value.language,
            inferred=inferred,
            graphs=stated,
            explanation=why,
        )

    def _disagreement(
        self, iri: str, found: Sequence[Sequence[Node | None]], labels: _Labels, languages: Sequence[str]
    ) -> Disagreement:
        kinds, rules, properties, resolutions, descriptions, derived = (
            dict.fromkeys(value for value in column if value is not None) for column in zip(*found, strict=True)
        )

        def named(terms: Mapping[Node, object]) -> list[str]:
            return [term.value for term in terms if isinstance(term, ox.NamedNode)]

        return Disagreement(
            **self.catalogue.naming(iri, labels, languages),
            kinds=[self.catalogue.reference(name, labels, languages) for name in named(kinds)],
            derived=any(map(holds, derived)),
            rules=[self.catalogue.reference(name, labels, languages) for name in named(rules)],
            properties=[self.catalogue.key(name) for name in named(properties)],
            description=best(_by_language(dict.fromkeys(descriptions, _NOWHERE)), languages),
            resolution=best(_by_language(dict.fromkeys(resolutions, _NOWHERE)), languages),
        )

    def _evidence_statements(self, about: _Statements) -> Turns[dict[str, dict[str, list[Node]]]]:
        items = sorted((item for item in about[SCE + "hasEvidence"] if isinstance(item, ox.NamedNode)), key=str)
        found: dict[str, dict[str, list[Node]]] = {item.value: defaultdict(list) for item in items}
        triples = yield from in_pieces(self.store.statements_about(items))
        for triple in sorted(triples, key=str):
            if isinstance(triple.subject, ox.NamedNode):
                found[triple.subject.value][triple.predicate.value].append(triple.object)
        return {item: values for item, values in found.items() if values}

    def _evidence(
        self, item: str, values: Mapping[str, list[Node]], labels: _Labels, languages: Sequence[str]
    ) -> Evidence:
        def text(name: str) -> str | None:
            return next((value.value for value in values.get(SCE + name, ()) if isinstance(value, ox.Literal)), None)

        def number(name: str) -> int | None:
            return next((whole_number(value) for value in values.get(SCE + name, ())), None)

        sources = _terms(values, "inSource")
        kinds = _terms(values, "hasEvidenceKind")
        return Evidence(
            id=shorten_iri(item),
            iri=item,
            source=self.catalogue.reference(sources[0], labels, languages) if sources else None,
            section=text("section"),
            start=number("startOffset"),
            end=number("endOffset"),
            sha256=text("spanSha256"),
            kind=kinds[0].removeprefix(SCE) if kinds else None,
            reason=text("interpretationReason"),
            supports=[self.catalogue.key(iri) for iri in _terms(values, "supports")],
        )


def _by_value(value: Node) -> tuple[bool, str, str]:
    """Order the values of a property: IRIs before literals, numbers by their length first, then by their text."""
    if isinstance(value, ox.Literal):
        text = value.value
        return True, text.zfill(20) if text.isdigit() else text, value.language or ""
    return False, value.value if isinstance(value, ox.NamedNode | ox.BlankNode) else str(value), ""


def _terms(values: Mapping[str, list[Node]], name: str) -> list[str]:
    return [value.value for value in values.get(SCE + name, ()) if isinstance(value, ox.NamedNode)]


def _by_language(values: Mapping[Node, _Graphs]) -> dict[str, str]:
    return {value.language or "": value.value for value in values if isinstance(value, ox.Literal)}


def _inferred(graphs: Sequence[str]) -> bool:
    return bool(graphs) and all(_infers(graph) for graph in graphs)


@lru_cache(1 << 12)
def _infers(graph: str) -> bool:
    """Return whether a graph holds what was inferred: all of it, or what one rule gave in one round."""
    return graph == INFERRED_GRAPH or graph.startswith(DERIVATIONS)
