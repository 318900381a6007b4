"""The SPARQL service described in RDF (SPARQL 1.1 Service Description).

In: the address of the endpoint, the named graphs. Out: statements.
The decision hidden here: what a client may rely on.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyoxigraph as ox

from valueweave.namespaces import PREFIXES, expand_iri

__all__ = ["DESCRIPTION_PREFIXES", "service_description"]

_SD, _VOID = "http://www.w3.org/ns/sparql-service-description#", "http://rdfs.org/ns/void#"
DESCRIPTION_PREFIXES = {
    "sd": _SD,
    "void": _VOID,
    "formats": "http://www.w3.org/ns/formats/",
    "rdfs": PREFIXES["rdfs"],
    "xsd": PREFIXES["xsd"],
}
_FORMATS = (
    "SPARQL_Results_JSON",
    "SPARQL_Results_XML",
    "SPARQL_Results_CSV",
    "SPARQL_Results_TSV",
    "Turtle",
    "N-Triples",
    "RDF_XML",
    "JSON-LD",
    "N-Quads",
    "TriG",
)


def service_description(
    endpoint: str, graphs: Mapping[str, int], statements: int | None, *, updates: bool = False
) -> list[ox.Triple]:
    """Return the description of the service at ``endpoint``.

    Args:
        endpoint: its full address.
        graphs: statements of each named graph, by short form.
        statements: statements of the default graph, where known.
        updates: whether the asker may update.
    """
    found: list[ox.Triple] = []
    service = ox.NamedNode(endpoint)
    # Without blank nodes each part has an address of its own, and the description is the same each time.
    dataset, default = ox.NamedNode(endpoint + "#dataset"), ox.NamedNode(endpoint + "#default-graph")
    kind = ox.NamedNode(PREFIXES["rdf"] + "type")

    def say(subject: ox.NamedNode, name: str, value: ox.NamedNode | ox.Literal) -> None:
        found.append(ox.Triple(subject, kind if name == "type" else ox.NamedNode(name), value))

    say(service, "type", ox.NamedNode(_SD + "Service"))
    say(service, PREFIXES["rdfs"] + "label", ox.Literal("ValueWeave SPARQL endpoint", language="en"))
    say(service, _SD + "endpoint", service)
    say(service, _SD + "supportedLanguage", ox.NamedNode(_SD + "SPARQL11Query"))
    if updates:
        say(service, _SD + "supportedLanguage", ox.NamedNode(_SD + "SPARQL11Update"))
    for name in _FORMATS:
        say(service, _SD + "resultFormat", ox.NamedNode(DESCRIPTION_PREFIXES["formats"] + name))
    say(service, _SD + "defaultDataset", dataset)
    say(dataset, "type", ox.NamedNode(_SD + "Dataset"))
    say(dataset, _SD + "defaultGraph", default)
    say(default, "type", ox.NamedNode(_SD + "Graph"))
    if statements is not None:
        say(default, _VOID + "triples", ox.Literal(statements))
    for name, number in graphs.items():
        iri = expand_iri(name)
        part = ox.NamedNode(f"{endpoint}#graph-{iri.rsplit('/graph/', 1)[-1].replace('/', '-')}")
        graph = ox.NamedNode(part.value + "-content")
        say(dataset, _SD + "namedGraph", part)
        say(part, "type", ox.NamedNode(_SD + "NamedGraph"))
        say(part, _SD + "name", ox.NamedNode(iri))
        say(part, _SD + "graph", graph)
        say(graph, "type", ox.NamedNode(_SD + "Graph"))
        say(graph, _VOID + "triples", ox.Literal(number))
    return sorted(found, key=lambda triple: str(triple.subject))
