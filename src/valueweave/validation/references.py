"""Checks across files: ids defined once, references to something, spans inside their text.

In: all documents of a project. Out: findings for those that are asked about.
The decision hidden here: what counts as defined (a record with a type, a term of the ontology, anything of a foreign
namespace) and what is still known of a file that cannot be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from valueweave.authoring.document import Document
from valueweave.authoring.entries import Entry, expand_name, expand_reference
from valueweave.authoring.reader import MAX_BYTES
from valueweave.authoring.tree import Listing, Node, Scalar
from valueweave.namespaces import ID, SCE, shorten_iri
from valueweave.ontology import OntologyIndex
from valueweave.validation.findings import Finding, at, did_you_mean

__all__ = ["Catalogue", "check_references", "ids_of_broken_file"]

_SOURCE = SCE + "Source"
_BACKING = {SCE + name for name in ("EvidenceItem", "NameUse", "StatedValue")}


def ids_of_broken_file(path: Path) -> set[str] | None:
    """Return the ids that an unreadable file seems to define, or nothing when not even its bytes can be read.

    So a slip in one file does not make every reference to its records look wrong.
    """
    try:
        if not path.is_file() or path.stat().st_size > MAX_BYTES:
            return None
        text = path.read_bytes().decode("utf-8", "replace")
    except OSError:
        return None
    found = re.findall(r"(?:^|[\s{,-])id:[ \t]*[\"']?([^\s\"',}]+)", text)
    return {iri for iri in map(expand_reference, found) if iri}


class Catalogue:
    """What is defined in all files of a project.

    Attributes:
        defined: entries that define an IRI.
        also: IRIs that files define which cannot be read.
        complete: whether all files could be searched for ids.
    """

    def __init__(self, documents: Iterable[Document], ontology: OntologyIndex, broken: Sequence[Path] = ()) -> None:
        self.ontology = ontology
        self.defined: dict[str, list[tuple[Document, Entry]]] = {}
        for document in documents:
            for entry in document.entries:
                if entry.defines:
                    self.defined.setdefault(entry.iri, []).append((document, entry))
        self.also: set[str] = set()
        self.complete = True
        for path in broken:
            found = ids_of_broken_file(path)
            self.also |= found or set()
            self.complete = self.complete and found is not None
        self._by_kind: dict[str, list[str]] = {}
        for iri in (*self.defined, *self.also):
            if iri.startswith(ID) and self._can_be_meant(iri):
                path_ = iri.removeprefix(ID)
                self._by_kind.setdefault(path_.split("/")[0], []).append(path_)

    def _can_be_meant(self, iri: str) -> bool:
        """Whether an author may have meant this id: one that is written, rightly, of something that others name."""
        if "%" in iri:
            return False
        entries = [entry for _, entry in self.defined.get(iri, ())]
        return not entries or any(entry.named and _BACKING.isdisjoint(entry.types) for entry in entries)

    def knows(self, iri: str) -> bool:
        """Return whether ``iri`` is defined, is a term of the ontology, or is foreign."""
        if iri.startswith(SCE):
            return iri in self.ontology.terms
        return not iri.startswith(ID) or iri in self.defined or iri in self.also or not self.complete

    def typed(self, iri: str) -> bool:
        """Return whether the class of ``iri`` is known here, so that it can be judged."""
        return iri in self.ontology.terms or any(entry.types for _, entry in self.defined.get(iri, ()))

    def near(self, iri: str, otherwise: str) -> str:
        """Return "Did you mean …?" with defined ids of the same kind."""
        path = iri.removeprefix(ID)
        kind = path.split("/")[0]
        known = self._by_kind.get(kind)
        return did_you_mean(
            path, known if known is not None else [i for ids in self._by_kind.values() for i in ids], otherwise
        )

    def defines(self, iri: str) -> bool:
        """Return whether a record or the ontology defines ``iri``."""
        return iri in self.defined or iri in self.ontology.terms

    def is_source(self, iri: str) -> bool:
        """Return whether a record says that ``iri`` is a source."""
        return any(_SOURCE in entry.types for _, entry in self.defined.get(iri, ()))

    def text_length(self, iri: str) -> int | None:
        """Return how many characters the text of a source has, where its record says so."""
        for _, entry in self.defined.get(iri, ()):
            length = getattr(entry.mapping.get("textLength"), "value", None)
            if _SOURCE in entry.types and isinstance(length, int):
                return length
        return None

    def elsewhere(self, entry: Entry) -> list[str]:
        """Return where else the id of an entry is defined, as places to read."""
        return [
            f"{d.path}:{d.file.place(e.mapping.entries['id'][0].start)[0]}"
            for d, e in self.defined.get(entry.iri, ())
            if e is not entry and e.named
        ]


def check_references(document: Document, catalogue: Catalogue) -> Iterator[Finding]:
    """Yield what is wrong with a document seen beside all others."""
    for entry in document.entries:
        if entry.defines and entry.named:
            yield from _check_unique(document, entry, catalogue)
        elif entry.is_addition and not catalogue.knows(entry.iri):
            remedy = catalogue.near(entry.iri, "Write the type of the record, if it is defined here.")
            text = f"The record has no type, and no other record defines '{entry.written}'."
            yield at(document, entry, "undefined-record", text, remedy, key="id")
        for key, node, iri in _references(document, entry):
            if not catalogue.knows(iri):
                shown = shorten_iri(iri)
                remedy = catalogue.near(iri, "Write a record with this id, or correct the id.")
                yield at(
                    document, entry, "unknown-reference", f"Nothing has the id '{shown}'.", remedy, key=key, node=node
                )
        if entry.key == "evidence":
            yield from _check_span(document, entry, catalogue)


def _references(document: Document, entry: Entry) -> Iterator[tuple[str, Node, str]]:
    ontology = document.ontology
    for key, (_, node) in entry.mapping.entries.items():
        term = ontology.property_for_key(key)
        if term is None or term.kind != "object":
            continue
        closed = ontology.vocabulary(term.iri)
        for item in node.items if isinstance(node, Listing) else [node]:
            if isinstance(item, Scalar) and isinstance(item.value, str):
                iri = expand_reference(item.text)
                if closed is not None and (item.text in closed or iri is None or iri.startswith(SCE)):
                    continue
                if iri is not None:
                    yield key, item, iri


def _check_unique(document: Document, entry: Entry, catalogue: Catalogue) -> Iterator[Finding]:
    others = catalogue.elsewhere(entry)
    if not others:
        return
    places = ", ".join(others)
    yield at(
        document,
        entry,
        "duplicate-id",
        f"The id '{entry.written}' is defined here and in {places}.",
        "Give one of them another id; or leave the type away where statements are only added.",
        key="id",
    )


def _check_span(document: Document, entry: Entry, catalogue: Catalogue) -> Iterator[Finding]:
    written = entry.data.get("inSource")
    if not isinstance(written, str):
        if written is None:
            yield at(
                document,
                entry,
                "no-source",
                "The evidence names no source, and the file has no reportedIn:.",
                "Add inSource: with the id of a source, such as source/000.",
                key="inSource",
            )
        return
    iri = expand_name(written, document.ontology)
    if iri is None or not catalogue.knows(iri):
        return
    if not catalogue.is_source(iri):
        if catalogue.defines(iri):
            text = f"'{shorten_iri(iri)}' is no source."
            yield at(document, entry, "wrong-source", text, "Name a record of type Source.", key="inSource")
        return
    length = catalogue.text_length(iri)
    end = entry.mapping.get("end")
    if isinstance(end, Scalar) and isinstance(end.value, int) and length is not None and end.value > length:
        yield at(
            document,
            entry,
            "span-outside-text",
            f"The span ends at {end.value}; the text of {shorten_iri(iri)} has {length} characters.",
            "Find the passage again with 'valueweave evidence find'.",
            key="end",
            node=end,
        )
