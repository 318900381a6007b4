"""A problem with the statement that it is about.

In: what a check found. Out: :class:`Finding`, which lets a later check keep silent on what an earlier one has said.
The decision hidden here: when two checks speak of the same fact (same thing, same key).
"""

from __future__ import annotations

from dataclasses import dataclass

from valueweave.authoring.document import Document
from valueweave.authoring.entries import Entry
from valueweave.authoring.tree import Node
from valueweave.problems import Level, Problem, did_you_mean, name_list

__all__ = ["Finding", "at", "did_you_mean", "name_list"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem of one key of one thing.

    Attributes:
        problem: what to tell.
        subject: IRI of the thing.
        key: key at fault, ``None`` for the thing as a whole.
    """

    problem: Problem
    subject: str
    key: str | None = None


def at(
    document: Document,
    entry: Entry,
    code: str,
    message: str,
    remedy: str,
    *,
    key: str | None = None,
    node: Node | None = None,
    level: Level = "error",
) -> Finding:
    """Return a finding placed at ``node``, else at the key, else at the record."""
    if node is None and key is not None and key in entry.mapping.entries:
        node = entry.mapping.entries[key][0]
    if node is None:
        node = entry.mapping.entries["id"][0] if "id" in entry.mapping.entries else entry.mapping
    line, column = document.file.place(node.start)
    record = entry.owner.written if entry.owner.named else None
    problem = Problem(code, message, remedy, str(document.path), line, column, record, key, level)
    return Finding(problem, entry.iri, key)
