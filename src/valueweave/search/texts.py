"""What can be searched: the texts of a store, with the thing each belongs to.

In: a store and the queries of ``ontology/lookups``. Out: :class:`Corpus`.
The decision hidden here: none about the theory. Which properties name and which describe a thing, and what has texts
for another thing, stands in ``texts.rq``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pyoxigraph as ox

from valueweave.headers import read_text
from valueweave.namespaces import ID, PREFIXES, SCE
from valueweave.search.folding import fold
from valueweave.store.interface import Store

__all__ = ["Corpus", "Text"]

_TYPE = ox.NamedNode(PREFIXES["rdf"] + "type")
_TERM_KINDS = {PREFIXES["owl"] + name for name in ("Class", "NamedIndividual")} | {
    PREFIXES["owl"] + name for name in ("ObjectProperty", "DatatypeProperty", "AnnotationProperty")
}
ID_PROPERTY = PREFIXES["dcterms"] + "identifier"


@dataclass(frozen=True, slots=True)
class Text:
    """A text of a thing.

    Attributes:
        thing: IRI of the thing.
        property: the property it stands under.
        text: as it stands there.
        language: its language, ``""`` when it has none.
        naming: whether it names the thing rather than telling of it.
        folded: what is compared.
    """

    thing: str
    property: str
    text: str
    language: str
    naming: bool
    folded: str


@dataclass(slots=True)
class Corpus:
    """All texts of a store.

    Attributes:
        texts: the texts, each once a thing.
        classes: the classes of each thing that has texts.
        statements: how many statements each thing stands in.
    """

    texts: list[Text] = field(default_factory=list)
    classes: dict[str, frozenset[str]] = field(default_factory=dict)
    statements: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, store: Store, lookups: Path) -> Corpus:
        """Read what can be searched in a store.

        Args:
            store: the store.
            lookups: folder of ``texts.rq`` and ``weights.rq``.

        Raises:
            InputError: when one of these files cannot be read or is no query.
        """
        found: dict[tuple[str, str, bool], Text] = {}
        for row in _solutions(store, lookups / "texts.rq"):
            thing, about, text, naming = row["thing"], row["property"], row["text"], row["naming"]
            if not (isinstance(thing, ox.NamedNode) and thing.value.startswith((ID, SCE))):
                continue
            if isinstance(text, ox.Literal) and isinstance(about, ox.NamedNode) and isinstance(naming, ox.Literal):
                names, folded = naming.value in {"true", "1"}, fold(text.value)
                entry = Text(thing.value, about.value, text.value, text.language or "", names, folded)
                if folded:
                    found.setdefault((thing.value, folded, names), entry)
        things = {text.thing for text in found.values()}
        for thing in sorted(things):
            # The kind in a path says nothing of the one thing: "stage" is no name of every stage.
            name = thing.removeprefix(SCE) if thing.startswith(SCE) else thing.removeprefix(ID).partition("/")[2]
            if folded := fold(name):
                found.setdefault((thing, folded, True), Text(thing, ID_PROPERTY, name, "", True, folded))
        classes: dict[str, set[str]] = {thing: set() for thing in things}
        for quad in store.statements(predicate=_TYPE, graph=ox.DefaultGraph()):
            subject, kind = quad.subject, quad.object
            if not (isinstance(subject, ox.NamedNode) and isinstance(kind, ox.NamedNode)):
                continue
            if subject.value in classes and kind.value.startswith((SCE, PREFIXES["owl"])):
                classes[subject.value].add(kind.value)
        weights = {
            row["thing"].value: int(row["statements"].value)
            for row in _solutions(store, lookups / "weights.rq")
            if isinstance(row["thing"], ox.NamedNode) and isinstance(row["statements"], ox.Literal)
        }
        return cls(
            list(found.values()),
            {thing: frozenset(names) for thing, names in classes.items()},
            {thing: weights.get(thing, 0) for thing in things},
        )

    def is_term(self, thing: str) -> bool:
        """Return whether a thing is a term of the ontology."""
        return thing.startswith(SCE) and not _TERM_KINDS.isdisjoint(self.classes[thing])


def _solutions(store: Store, file: Path) -> list[ox.QuerySolution]:
    answer = store.query(read_text(file), file=str(file))
    assert isinstance(answer, ox.QuerySolutions)
    return list(store.reading(answer, str(file)))
