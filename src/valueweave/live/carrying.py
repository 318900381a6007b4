"""What a build takes over from the version before: live cases, and what updates have changed.

In: the store as it is, the documents of the files. Out: :class:`Carried`.
The decision hidden here: live documents are checked again with everything else, and one that no longer fits stops the
build with a word on how to take it out, so that nothing that was acknowledged is lost in silence.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import pyoxigraph as ox

from valueweave.authoring.document import Document
from valueweave.live.cases import Entry, LiveCases
from valueweave.live.checking import read_case
from valueweave.live.overlay import ADDED, REMOVED, Overlay
from valueweave.live.theory import Theory
from valueweave.namespaces import shorten_iri
from valueweave.problems import InputError, Problem, has_errors
from valueweave.store.places import Place

__all__ = ["Carried", "carry"]

FOLDER = "live"
"""Where messages say that live cases are."""


@dataclass
class Carried:
    """What a build takes over.

    Attributes:
        documents: the live cases.
        overlay: what updates have added and taken away.
        entries: what the manifest says of the live cases.
        texts: the files of the live cases, by name.
    """

    documents: list[Document] = field(default_factory=list)
    overlay: Overlay = field(default_factory=Overlay)
    entries: dict[str, Entry] = field(default_factory=dict)
    texts: dict[str, bytes] = field(default_factory=dict)

    def asserted(self, documents: Iterable[Document]) -> list[ox.Quad]:
        """Return what is asserted when the files hold ``documents``."""
        said = list(dict.fromkeys(quad for document in (*documents, *self.documents) for quad in document.quads()))
        self.overlay.settle(said)
        return self.overlay.apply(said)

    def besides(self) -> list[ox.Triple]:
        """Return what is asserted by no document."""
        return [quad.triple for quad in self.overlay.added]

    def told(self) -> dict[str, Any]:
        """Return what the manifest says of all this."""
        files = self.overlay.files()
        return {
            "live": {name: asdict(entry) for name, entry in sorted(self.entries.items())},
            "updates": [name for name in (ADDED, REMOVED) if name in files],
        }

    def files(self) -> dict[str, bytes]:
        """Return the files to lay beside the statements, by name."""
        return {**self.texts, **self.overlay.files()}

    def hinted(self, problems: Iterable[Problem]) -> list[Problem]:
        """Return problems with a word on how to build without what came while the store was in use."""
        names = {f"{FOLDER}/{entry.file}": name for name, entry in self.entries.items()}
        found = []
        for problem in problems:
            hint = ""
            if problem.file in names:
                hint = f" Or take the live case out with 'valueweave build --drop-live {names[problem.file]}'."
            elif problem.code == "contradiction" and self.overlay:
                hint = " Updates take part in this, perhaps: 'valueweave build --drop-updates' takes all of them out."
            found.append(replace(problem, remedy=problem.remedy + hint) if problem.level == "error" else problem)
        return found


def carry(
    place: Place, theory: Theory, files: Sequence[Document], drop: Collection[str] = (), drop_updates: bool = False
) -> Carried:
    """Read what is to be taken over.

    Args:
        place: the store.
        theory: the ontology of the build.
        files: the documents of the files.
        drop: names of live cases to leave out.
        drop_updates: whether to leave out what updates have done.

    Raises:
        InputError: when a live case cannot be read (any more), a file defines it, too, or there is none of a name.
    """
    manifest = place.last_known() or {}
    live = LiveCases(manifest)
    for name in drop:
        if name not in live:
            raise live.unknown(name)
    overlay = Overlay.read({} if drop_updates else manifest, lambda name: place.document(manifest, name))
    carried = Carried(overlay=overlay)
    by_graph = {document.graph_iri: document for document in files}
    problems: list[Problem] = []
    for name, entry in live.items():
        if name in drop:
            overlay.forget([entry.graph])
            continue
        if entry.graph in by_graph:
            problems.append(_twice(name, entry, by_graph[entry.graph]))
            continue
        text = place.document(manifest, entry.file)
        carried.entries[name], carried.texts[entry.file] = entry, text
        try:
            document, found = read_case(name, text, entry.media, theory, FOLDER)
        except InputError as error:
            problems += error.problems
            continue
        carried.documents.append(document)
        problems += found
    if has_errors(problems):
        raise InputError(*carried.hinted(problems))
    return carried


def _twice(name: str, entry: Entry, document: Document) -> Problem:
    case = shorten_iri(entry.graph).removeprefix("graph:")
    return Problem(
        "case-of-a-file",
        f"The file defines {case}, and there is a live case of that name, too.",
        f"Take the live case out with 'valueweave build --drop-live {name}', or take the file away.",
        file=str(document.path),
        record=case,
    )
