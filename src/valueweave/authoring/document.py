"""A case file as linked data: records with their ids, places and statements.

In: the tree of a YAML file and the ontology. Out: :class:`Document`: JSON-LD with every id minted, and RDF quads.
The decision hidden here: which graph a file fills, and that its JSON-LD is read by Oxigraph's own parser.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyoxigraph as ox

from valueweave.authoring.entries import Entry, build_entries, expand_reference
from valueweave.authoring.reader import YamlFile
from valueweave.authoring.tree import Listing, Mapping, Node, Scalar
from valueweave.namespaces import GRAPH, ID, SCE
from valueweave.ontology import OntologyIndex

__all__ = ["Document", "Place", "Record", "to_quads"]

Place = tuple[int, int, str, str | None]
"""Line, column, record as written, key."""

_ACCOUNT = SCE + "Account"


@dataclass(frozen=True, slots=True)
class Record:
    """A record of a file.

    Attributes:
        iri: full IRI of what it is about.
        pointer: JSON pointer of it in the file.
        types: full IRIs of its classes, empty for a record that only adds statements.
    """

    iri: str
    pointer: str
    types: tuple[str, ...]


def to_quads(data: dict[str, Any], context: dict[str, Any], graph_iri: str) -> list[ox.Quad]:
    """Return the statements of JSON-LD ``data`` read with ``context``, all in the graph ``graph_iri``."""
    body = {"@context": context["@context"], **data}
    graph = ox.NamedNode(graph_iri)
    text = json.dumps(body, ensure_ascii=False)
    found = ox.parse(text, format=ox.RdfFormat.JSON_LD, base_iri=ID)
    return [ox.Quad(quad.subject, quad.predicate, quad.object, graph) for quad in found]


class Document:
    """One authored file.

    Attributes:
        path: the file, as the user named it.
        graph_iri: IRI of the named graph that holds its statements.
        data: the file as JSON-LD without its context; every record has an id.
        entries: every record and nested record, the top first.
    """

    def __init__(self, file: YamlFile, ontology: OntologyIndex, context: dict[str, Any]) -> None:
        if file.root is None:
            raise ValueError("the file holds no mapping")
        self.file = file
        self.path: Path = file.path
        self.ontology = ontology
        self.context = context
        self.root: Mapping = file.root
        self.entries: list[Entry] = build_entries(file.root, ontology)
        self.data: dict[str, Any] = self.entries[0].data
        top = self.entries[0]
        accounts = ontology.descendants(_ACCOUNT)
        name = top.iri.removeprefix(ID) if accounts.intersection(top.types) and top.named else self.path.stem
        self.graph_iri: str = GRAPH + quote(name, safe="/-._~")

    @cached_property
    def by_iri(self) -> dict[str, list[Entry]]:
        """Entries by IRI; several where records of the file speak of one thing."""
        found: dict[str, list[Entry]] = {}
        for entry in self.entries:
            found.setdefault(entry.iri, []).append(entry)
        return found

    def records(self) -> Iterator[Record]:
        """Yield the records under ``includes`` or ``lists`` in the order of the file."""
        for entry in self.entries:
            if entry.is_record:
                yield Record(entry.iri, entry.pointer, entry.types)

    def quads(self) -> list[ox.Quad]:
        """Return the statements of the file, all in the graph :attr:`graph_iri`, without blank nodes."""
        return to_quads(self.data, self.context, self.graph_iri)

    def node(self, pointer: str) -> Node | None:
        """Return what stands at a JSON pointer, or nothing."""
        node: Node | None = self.root
        for part in pointer.split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            if isinstance(node, Mapping):
                node = node.get(name)
            elif isinstance(node, Listing) and name.isdigit() and int(name) < len(node.items):
                node = node.items[int(name)]
            else:
                return None
        return node

    def position(self, pointer: str) -> tuple[int, int]:
        """Return line and column (from 1) of the value at a JSON pointer, or of the nearest thing above it."""
        while pointer and self.node(pointer) is None:
            pointer = pointer.rpartition("/")[0]
        node = self.node(pointer)
        return self.file.place(node.start if node else 0)

    def locate(self, subject: str, predicate: str | None = None, value: object | None = None) -> Place | None:
        """Return where the file says something.

        Args:
            subject: IRI of a record or nested record.
            predicate: IRI of a property of it.
            value: one value of that property: an IRI or the text of a literal.

        Returns:
            Line, column, the record as written and the key. The place of the record when it lacks the property, nothing
            when the file says nothing of ``subject``.
        """
        entries = self.by_iri.get(subject)
        if not entries:
            return None
        key = self.ontology.key_of.get(predicate or "") or (
            "type" if predicate and predicate.endswith("#type") else None
        )
        for entry in entries:
            if key in entry.mapping.entries:
                name, node = entry.mapping.entries[key]
                line, column = self.file.place(self._item(node, value) or name.start)
                return line, column, entry.owner.written, key
        entry = entries[0]
        start = entry.mapping.entries["id"][0].start if entry.named else entry.mapping.start
        return *self.file.place(start), entry.owner.written, key

    def _item(self, node: Node, value: object | None) -> int | None:
        """Return the offset of the item of a list that has the value asked for."""
        if value is None or not isinstance(node, Listing):
            return None
        by_mapping = {id(entry.mapping): entry.iri for entry in self.entries}
        for item in node.items:
            if isinstance(item, Scalar):
                if str(value) in (item.text, expand_reference(item.text), SCE + item.text):
                    return item.start
            elif by_mapping.get(id(item)) == str(value):
                return item.start
        return None
