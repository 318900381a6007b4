"""Small ontologies for tests, and their closure in a store laid out as a build lays it out."""

from __future__ import annotations

import pyoxigraph as ox

from valueweave.layout import ONTOLOGY_GRAPH
from valueweave.reasoning.closure.materialize import Closure, materialize
from valueweave.reasoning.rules.book import RuleBook, RuleText

PREFIXES = """
@prefix : <urn:x/> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""


def triples(turtle: str) -> list[ox.Triple]:
    """The statements of a Turtle text."""
    return [quad.triple for quad in ox.parse(PREFIXES + turtle, format=ox.RdfFormat.TURTLE)]


def triple(turtle: str) -> ox.Triple:
    """The one statement of a Turtle text."""
    [only] = triples(turtle)
    return only


def rule(text: str, name: str = "rule", header: str = "") -> RuleText:
    """A rule file of a CONSTRUCT query."""
    head = f"#+ label: {name}\n#+ definition: {name}.\n#+ layer: test\n{header}PREFIX : <urn:x/>\n"
    return RuleText(name, f"{name}.rq", head + text)


def book(ontology: str = "", *rules: RuleText) -> RuleBook:
    """The rules of an ontology in Turtle and of rule files."""
    return RuleBook.compile(triples(ontology), rules)


def closure(ontology: str, data: str, *rules: RuleText) -> Closure:
    """What follows from data in Turtle."""
    return materialize(triples(data), triples(ontology), book(ontology, *rules))


def follows(ontology: str, data: str, *rules: RuleText) -> set[str]:
    """What follows, written shortly."""
    short = (str(found).replace("<urn:x/", ":").replace(">", "") for found in closure(ontology, data, *rules).triples())
    return {text.replace("<http://www.w3.org/1999/02/22-rdf-syntax-ns#type", "a") for text in short}


def store(ontology: str, data: str, *rules: RuleText) -> ox.Store:
    """A store of the closure, in the layout of a build."""
    engine = ox.Store()
    asserted, stated = triples(data), triples(ontology)
    conclusions = list(materialize(asserted, stated, book(ontology, *rules)).quads())
    for graph, statements in ((ONTOLOGY_GRAPH, stated), ("urn:x/file", asserted)):
        engine.extend(ox.Quad(t.subject, t.predicate, t.object, ox.NamedNode(graph)) for t in statements)
    engine.extend(conclusions)
    everything = dict.fromkeys([*stated, *asserted, *(quad.triple for quad in conclusions)])
    engine.extend(ox.Quad(t.subject, t.predicate, t.object) for t in everything)
    return engine
