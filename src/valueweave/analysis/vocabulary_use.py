"""How often the records use each term of the ontology, and why a term is kept that none uses.

In: an open knowledge graph, the query ``ontology/vocabulary/use.rq``. Out: a report, and the page made from it.
The decision hidden here: how the counts are laid out; what counts as a use stands in the query.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from valueweave.headers import read_text
from valueweave.namespaces import shorten_iri
from valueweave.validation.hygiene import CheckResult, check_ontology, load_checks

if TYPE_CHECKING:
    from valueweave.graph import KnowledgeGraph

__all__ = ["TermUse", "VocabularyUse", "check_data", "vocabulary_use"]

_KINDS = (
    ("class", "Classes", "members"),
    ("property", "Properties", "statements"),
    ("individual", "Values", "mentions"),
)


@dataclass(frozen=True, slots=True)
class TermUse:
    """How often one term is used.

    Attributes:
        term: the term, with prefix.
        kind: ``class``, ``property`` or ``individual``.
        module: local name of the module that defines it.
        label: its label in English.
        uses: members of a class, statements of a property, mentions of an individual, asserted or inferred.
        inferred: how many of these are inferred.
        reason: why it is kept although nothing uses it.
    """

    term: str
    kind: str
    module: str
    label: str
    uses: int
    inferred: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class VocabularyUse:
    """How often each term of the ontology is used.

    Attributes:
        terms: one entry a term, by module, kind and name.
    """

    terms: tuple[TermUse, ...]

    @property
    def unused(self) -> tuple[TermUse, ...]:
        """The terms that nothing uses."""
        return tuple(term for term in self.terms if not term.uses)

    def to_markdown(self) -> str:
        """Return the page.

        Example:
            >>> page = VocabularyUse((TermUse("sce:A", "class", "actors", "a", 3, 1),)).to_markdown()
            >>> "| `sce:A` | a | 3 | 1 |" in page
            True
        """
        lines = [
            "# Use of the vocabulary",
            "",
            "Made by `valueweave generate vocabulary-use` from the built graph. "
            "Uses are members of a class, statements",
            "of a property and mentions of a value, asserted or inferred; the last column says how many are inferred.",
            "",
            "| kind | terms | used | used by inference only | unused |",
            "|---|---|---|---|---|",
        ]
        for kind, title, _ in _KINDS:
            of_kind = [term for term in self.terms if term.kind == kind]
            only = sum(1 for term in of_kind if 0 < term.uses == term.inferred)
            none = sum(1 for term in of_kind if not term.uses)
            lines.append(f"| {title.lower()} | {len(of_kind)} | {len(of_kind) - none} | {only} | {none} |")
        lines += ["", "## Unused terms", "", "| term | module | why it is kept |", "|---|---|---|"]
        lines += [f"| `{term.term}` | {term.module} | {term.reason or ''} |" for term in self.unused]
        for module in sorted({term.module for term in self.terms}):
            lines += ["", f"## Module {module}"]
            for kind, title, uses in _KINDS:
                lines += _table([t for t in self.terms if (t.module, t.kind) == (module, kind)], title, uses)
        return "\n".join(lines) + "\n"


def vocabulary_use(kg: KnowledgeGraph) -> VocabularyUse:
    """Count how often each term of the ontology is used.

    Args:
        kg: the graph, with its inferred statements.

    Raises:
        InputError: when the query is missing or the store cannot answer it.
    """
    text = read_text(kg.project.ontology / "vocabulary" / "use.rq")
    return VocabularyUse(
        tuple(
            TermUse(
                shorten_iri(str(row["term"])),
                str(row["kind"]),
                str(row["module"]).rpartition("/")[2],
                str(row["label"]),
                int(str(row["uses"])),
                int(str(row["inferred"])),
                str(row["reason"]) if row["reason"] is not None else None,
            )
            for row in kg.select(text)
        )
    )


def check_data(kg: KnowledgeGraph) -> list[CheckResult]:
    """Run the checks that need the built graph: unused terms, Chinese names, attributions.

    Raises:
        InputError: when a check cannot be read or is no SPARQL.
    """
    return check_ontology(kg.store.engine, load_checks(kg.project.ontology / "checks" / "data"))


def _table(terms: Sequence[TermUse], title: str, uses: str) -> list[str]:
    if not terms:
        return []
    lines = ["", f"| {title.lower()} | label | {uses} | inferred |", "|---|---|---|---|"]
    return lines + [f"| `{term.term}` | {term.label} | {term.uses} | {term.inferred} |" for term in terms]
