"""The passages behind an asserted statement.

In: a store, a statement. Out: :class:`~valueweave.reasoning.proofs.model.Passage` values.
The decision hidden here: which evidence of a record backs which of its statements. Items that name the property go
before those that back the whole record, and these before items that name other properties.
"""

from __future__ import annotations

import pyoxigraph as ox

from valueweave.namespaces import SCE
from valueweave.reasoning.proofs.model import Passage

__all__ = ["passages"]

_HAS_EVIDENCE = ox.NamedNode(SCE + "hasEvidence")


def passages(engine: ox.Store, triple: ox.Triple) -> list[Passage]:
    """Return where the sources say what an asserted statement says, in the order of the sources.

    Args:
        engine: a store with its evidence in the default graph.
        triple: the statement.
    """
    if not isinstance(triple.subject, ox.NamedNode):
        return []
    items = [quad.object for quad in engine.quads_for_pattern(triple.subject, _HAS_EVIDENCE, None, ox.DefaultGraph())]
    found = [_passage(engine, item, triple.predicate) for item in items if isinstance(item, ox.NamedNode)]
    best = min((passage.scope for passage in found), default=0)
    chosen = [passage for passage in found if passage.scope == best]
    return sorted(chosen, key=lambda passage: (passage.source, passage.start, passage.item))


def _passage(engine: ox.Store, item: ox.NamedNode, predicate: ox.NamedNode) -> Passage:
    values: dict[str, list[str]] = {}
    for quad in engine.quads_for_pattern(item, None, None, ox.DefaultGraph()):
        if isinstance(quad.object, ox.NamedNode | ox.Literal):
            values.setdefault(quad.predicate.value.removeprefix(SCE), []).append(quad.object.value)
    supported = values.get("supports", ())

    def one(name: str) -> str:
        return values[name][0] if name in values else ""

    return Passage(
        item.value,
        one("inSource"),
        one("section"),
        int(one("startOffset") or 0),
        int(one("endOffset") or 0),
        one("spanSha256"),
        one("hasEvidenceKind"),
        (0 if predicate.value in supported else 2) if supported else 1,
    )
