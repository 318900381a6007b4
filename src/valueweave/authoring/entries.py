"""Records and nested records of a file, each with its id, its classes and its JSON-LD.

In: the tree of a YAML file and the ontology. Out: entries, the top of the file first.
The decision hidden here: how ids are minted, so that no blank node is ever needed, and what a record may leave out (the
source of an evidence item, the type of a nested record).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from valueweave.authoring.context import CASE_PREFIXES
from valueweave.authoring.tree import Listing, Mapping, Node, Number, Scalar
from valueweave.namespaces import ID, SCE, TermError, expand_iri, shorten_iri
from valueweave.ontology import ANNOTATION_KEYS, OntologyIndex

__all__ = ["DECIMAL", "Entry", "build_entries", "expand_name", "expand_reference"]

_EVIDENCE = SCE + "hasEvidence"
_CONTAINERS = ("includes", "lists")
_DATA_KINDS = ("#integer", "#decimal", "#boolean")

DECIMAL = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
"""Form of a decimal number: digits with a point, no exponent."""


def expand_reference(text: str) -> str | None:
    """Return the IRI that ``text`` refers to, or nothing when it is no id.

    >>> expand_reference("actor/jd")
    'https://w3id.org/valueweave/id/actor/jd'
    >>> expand_reference("JD Group") is None
    True
    """
    prefix, colon, rest = text.partition(":")
    if text != text.strip() or "/../" in text + "/" or "/./" in text + "/":
        return None
    if colon and not rest.startswith("//") and prefix not in CASE_PREFIXES and prefix != "urn":
        return None
    try:
        return expand_iri(text)
    except TermError:
        return None


def expand_name(text: str, ontology: OntologyIndex) -> str | None:
    """Return the IRI of a term of the ontology written by key, local name, prefixed name or IRI, or nothing."""
    if text in ontology.keys:
        return ontology.keys[text]
    return SCE + text if text.isidentifier() else expand_reference(text)


@dataclass(slots=True, eq=False)
class Entry:
    """A record or nested record with its place in the tree.

    Attributes:
        iri: full IRI, minted when none is written.
        pointer: JSON pointer.
        mapping: the keys and values as read.
        types: full IRIs of its classes; implied ones too.
        typed: whether a type is written.
        named: whether an id is written.
        implied: whether the class follows from the key under which it stands.
        owner: the record of the file that it belongs to; the record itself when it is one.
        key: key under which it stands in its parent, ``None`` for the top.
        parent: the entry it stands in.
    """

    iri: str
    pointer: str
    mapping: Mapping
    types: tuple[str, ...]
    typed: bool
    named: bool
    implied: bool = False
    key: str | None = None
    parent: Entry | None = None
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def owner(self) -> Entry:
        """The record under ``includes`` or ``lists`` (or the top) to which a nested record belongs."""
        entry = self
        while entry.parent is not None and entry.key not in _CONTAINERS:
            entry = entry.parent
        return entry

    @property
    def is_record(self) -> bool:
        """Whether it stands directly under ``includes`` or ``lists``."""
        return self.key in _CONTAINERS

    @property
    def is_addition(self) -> bool:
        """Whether it only adds statements to an id defined elsewhere."""
        return self.parent is not None and not self.defines

    @property
    def defines(self) -> bool:
        """Whether it defines its id: it states a type, has no id of its own, or its key says what it is."""
        return self.typed or not self.named or self.implied

    @property
    def written(self) -> str:
        """The id as an author would write it; one that is none as it was written."""
        node = self.mapping.get("id")
        if self.named and isinstance(node, Scalar) and expand_reference(node.text) is None:
            return node.text
        return shorten_iri(self.iri)


def build_entries(root: Mapping, ontology: OntologyIndex) -> list[Entry]:
    """Return the entries of a file; the data of the first is the JSON-LD of the whole."""
    return _Builder(root, ontology).entries


class _Builder:
    """Turns the tree into JSON-LD data, once, and keeps an entry for each record."""

    def __init__(self, root: Mapping, ontology: OntologyIndex) -> None:
        self.ontology = ontology
        self.entries: list[Entry] = []
        self.default_source: str | None = None
        source = root.get("reportedIn")
        if isinstance(source, Scalar) and isinstance(source.value, str):
            self.default_source = source.text
        self.root_name = "file"
        self.taken: set[str] = set(_written_ids(root))
        self.entry(root, "", None, None, 1)

    def entry(self, mapping: Mapping, pointer: str, parent: Entry | None, key: str | None, number: int) -> Entry:
        written = mapping.get("id")
        iri = None
        if isinstance(written, Scalar) and isinstance(written.value, str):
            # An id that is none is reported elsewhere; encoded, it still lets everything else be checked.
            iri = expand_reference(written.text) or ID + quote(written.text, safe="/-._~")
        named = iri is not None
        typed = "type" in mapping.entries
        types = self.types(mapping)
        implied = False
        if not typed and key is not None and key not in _CONTAINERS and set(mapping.entries) != {"id"}:
            types = self.implied(key)
            implied = bool(types)
        entry = Entry(iri or "", pointer, mapping, types, typed, named, implied, key, parent)
        if iri is None:
            entry.iri = self.mint(entry, number)
        if parent is None:
            self.root_name = entry.iri.removeprefix(ID).replace("/", "-")
        self.entries.append(entry)
        entry.data["id"] = entry.iri.removeprefix(ID)
        if types:
            names = [name.removeprefix(SCE) for name in types]
            entry.data["type"] = names[0] if len(names) == 1 else names
        for name, (_, node) in mapping.entries.items():
            if name in ("id", "type", "@context"):
                continue
            value = self.value(name, node, entry)
            if value is not None:
                entry.data[name] = value
        if key is not None and self.ontology.keys.get(key) == _EVIDENCE and self.default_source:
            entry.data.setdefault("inSource", _safe(self.default_source))
        return entry

    def types(self, mapping: Mapping) -> tuple[str, ...]:
        node = mapping.get("type")
        items = node.items if isinstance(node, Listing) else [node]
        names = [item.text for item in items if isinstance(item, Scalar)]
        found = (SCE + name if name.isidentifier() else expand_reference(name) for name in names)
        return tuple(dict.fromkeys(iri for iri in found if iri in self.ontology.classes))

    def implied(self, key: str) -> tuple[str, ...]:
        """Return the class that a nested record under ``key`` has when it states none: the range of the property."""
        term = self.ontology.property_for_key(key)
        classes = [iri for iri in term.ranges if iri in self.ontology.classes] if term else []
        return (classes[0],) if len(classes) == 1 else ()

    def mint(self, entry: Entry, number: int) -> str:
        parent = entry.parent
        if parent is None:
            return ID + "file"
        base = parent.iri
        if parent.is_addition:
            # Several files may add to one id; what they add must not get the same name.
            base += "/" + self.root_name
        name = f"{entry.key}/{number}"
        if entry.key == "evidence":
            source = entry.mapping.get("inSource")
            written = source.text if isinstance(source, Scalar) else self.default_source or ""
            start, end = (getattr(entry.mapping.get(key), "value", None) for key in ("start", "end"))
            if written and isinstance(start, int) and isinstance(end, int):
                short = quote(written.rstrip("/").rsplit("/", 1)[-1].rsplit("#", 1)[-1], safe="-._~")
                name = f"evidence/{short}-{start}-{end}"
        iri = f"{base}/{name}"
        count = 1
        while iri in self.taken:
            count += 1
            iri = f"{base}/{name}-{count}"
        self.taken.add(iri)
        return iri

    def value(self, key: str, node: Node, entry: Entry) -> Any:
        """Return the JSON of a value; what cannot be one is left out, since the checks report it."""
        pointer = f"{entry.pointer}/{key.replace('~', '~0').replace('/', '~1')}"
        if key in ANNOTATION_KEYS:
            if isinstance(node, Mapping):
                texts = {lang: _each(item, _text) for lang, (_, item) in node.entries.items()}
                return {lang: text for lang, text in texts.items() if text is not None}
            return _each(node, _text)
        term = self.ontology.property_for_key(key)
        if term is None:
            return None
        if term.kind == "object":
            return self.objects(key, node, entry, pointer)
        if term.kind == "annotation":
            return _each(node, lambda item: _safe_name(item.text, self.ontology))
        kind = next((name.rpartition("#")[2] for name in term.ranges if name.endswith(_DATA_KINDS)), "")
        return _each(node, lambda item: _datum(item, kind) if kind else _text(item))

    def objects(self, key: str, node: Node, entry: Entry, pointer: str) -> Any:
        closed = self.ontology.vocabulary(self.ontology.keys[key]) is not None

        def one(item: Node, place: str, number: int) -> Any:
            if isinstance(item, Mapping):
                return self.entry(item, place, entry, key, number).data
            if isinstance(item, Scalar) and isinstance(item.value, str) and not isinstance(item.value, Number):
                return _safe_name(item.text, self.ontology) if closed else _safe(item.text)
            return None

        if isinstance(node, Listing):
            found = [one(item, f"{pointer}/{index}", index + 1) for index, item in enumerate(node.items)]
            return [item for item in found if item is not None]
        return one(node, pointer, 1)


def _written_ids(node: Node) -> Iterator[str]:
    if isinstance(node, Mapping):
        for key, (_, value) in node.entries.items():
            if key == "id" and isinstance(value, Scalar):
                yield expand_reference(value.text) or value.text
            else:
                yield from _written_ids(value)
    elif isinstance(node, Listing):
        for item in node.items:
            yield from _written_ids(item)


def _safe(text: str) -> str:
    return text if expand_reference(text) else ID + quote(text, safe="/-._~")


def _safe_name(text: str, ontology: OntologyIndex) -> str | None:
    return text if expand_name(text, ontology) else None


def _text(scalar: Scalar) -> str | None:
    return None if scalar.value is None else scalar.text


def _datum(scalar: Scalar, kind: str) -> str | int | bool | None:
    """Return a number or truth value as JSON; one of the wrong kind is left out, since no engine can compare it."""
    value = scalar.value
    if isinstance(value, bool) or kind == "boolean":
        return value if isinstance(value, bool) and kind == "boolean" else None
    if isinstance(value, Number):
        # As text, so that a decimal keeps its form: a JSON number would come out as a float.
        return str(value) if kind == "decimal" and DECIMAL.fullmatch(value) else None
    return value if isinstance(value, int) else None


def _each(node: Node, convert: Callable[[Scalar], Any]) -> Any:
    if isinstance(node, Listing):
        found = [convert(item) for item in node.items if isinstance(item, Scalar)]
        return [item for item in found if item is not None]
    return convert(node) if isinstance(node, Scalar) else None
