"""A change of the asserted statements, made in a draft with everything that follows from it.

In: a draft, the theory, quads that come and go. Out: the draft changed, its counts, or what contradicts what.
The decision hidden here: contradictions are looked for where the change may have made one, after it is written into the
draft; a draft that is refused is thrown away.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pyoxigraph as ox

from valueweave.authoring.document import Document
from valueweave.live.counting import Tally
from valueweave.live.overlay import ADDED, REMOVED, Overlay
from valueweave.live.theory import Theory
from valueweave.problems import ContradictionError
from valueweave.reasoning.closure.broken import broken_by
from valueweave.reasoning.closure.increments import Change, Plan, plan, write
from valueweave.reasoning.proofs.contradictions import Contradiction, find_contradictions, labels_in, to_problems
from valueweave.reasoning.proofs.text import ProofWriter
from valueweave.store.changing import Draft

__all__ = ["Outcome", "apply", "switch"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a change did to a draft.

    Attributes:
        change: how many statements came and went.
        told: what the manifest says otherwise.
    """

    change: Change
    told: dict[str, Any]


def apply(
    draft: Draft,
    theory: Theory,
    added: Iterable[ox.Quad],
    removed: Iterable[ox.Quad],
    documents: Sequence[Document] = (),
    files: int = 0,
    records: int = 0,
) -> Outcome:
    """Assert and take back statements in a draft.

    Args:
        draft: the draft.
        theory: the ontology and the rules.
        added: quads to assert.
        removed: quads to take back.
        documents: where statements that come stand, for the places of contradictions.
        files: how many documents came, less those that went.
        records: how many records came, less those that went.

    Raises:
        ContradictionError: with every contradiction that the change makes.
        InputError: as :func:`valueweave.reasoning.closure.increments.plan`.
    """
    engine, rules = draft.engine, theory.rules
    marked = bool(draft.before["counts"].get("contradictions"))
    before = _behind(find_contradictions(engine, rules)) if marked else set()
    found = plan(engine, rules, added, removed)
    tally = Tally(engine, found)
    draft.tell(write(engine, found))
    contradictions = _contradictions(engine, theory, found, marked)
    writer = ProofWriter(labels_in(engine, rules))
    new = [one for one in contradictions if not _behind([one]) <= before]
    if new:
        raise ContradictionError(*to_problems(new, documents, writer))
    told = tally.after(engine, draft.before, files, records)
    if marked:
        problems = to_problems(contradictions, documents, writer, "warning")
        told["contradictions"] = [problem.to_json() for problem in problems]
        told["counts"]["contradictions"] = len(problems)
    return Outcome(found.change, told)


def _contradictions(engine: ox.Store, theory: Theory, found: Plan, marked: bool) -> list[Contradiction]:
    """Return the contradictions that a change may have made; all there are in a store that was marked with some."""
    if marked:
        return find_contradictions(engine, theory.rules)
    names = broken_by(engine, theory.rules, found.came(), found.gone())
    return find_contradictions(engine, theory.rules, names) if names else []


def _behind(contradictions: Collection[Contradiction]) -> set[tuple[str, frozenset[ox.Triple]]]:
    return {(one.check.name, frozenset(leaf.statement for leaf in one.leaves)) for one in contradictions}


def switch(
    draft: Draft, told: dict[str, Any], live: dict[str, dict[str, Any]], overlay: Overlay, written: str | None = None
) -> str:
    """Lay the live documents into a draft and make it current.

    Args:
        draft: the draft.
        told: what its manifest says otherwise.
        live: what it says of the live cases.
        overlay: what updates have changed.
        written: the file of a case that lies there already.

    Returns:
        The name of the version.
    """
    for entry in live.values():
        if entry["file"] != written:
            draft.keep(entry["file"])
    files = overlay.files()
    for name, content in files.items():
        draft.write(name, content)
    manifest = draft.switch({**told, "live": live, "updates": [name for name in (ADDED, REMOVED) if name in files]})
    return str(manifest["version"])
