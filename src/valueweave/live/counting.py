"""The counts of a version, from those of the version before and the change between them.

In: a store before and after a change, what was changed. Out: ``counts`` and ``statistics`` as a build writes them.
The decision hidden here: only statements that come or go in some graph are counted again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Any

import pyoxigraph as ox

from valueweave.layout import INFERRED_GRAPH
from valueweave.live.surroundings import is_asserted
from valueweave.namespaces import PREFIXES, SCE
from valueweave.reasoning.closure.increments import Plan
from valueweave.store.interface import Engine

__all__ = ["Tally"]

_TYPE = ox.NamedNode(PREFIXES["rdf"] + "type")
_EVIDENCE = ox.NamedNode(SCE + "hasEvidence")
_INFERRED = ox.NamedNode(INFERRED_GRAPH)


class Tally:
    """Counts what a change touches, before and after it.

    Args:
        store: the store before the change.
        plan: what comes and goes.
    """

    def __init__(self, store: Engine, plan: Plan) -> None:
        self._plan = plan
        touched = [*plan.out, *plan.into]
        authored = [quad for quad in touched if is_asserted(quad)]
        self._asserted = {quad.triple for quad in authored}
        self._typed = {
            quad.triple
            for quad in touched
            if quad.predicate == _TYPE and (is_asserted(quad) or quad.graph_name == _INFERRED) and _is_ours(quad.object)
        }
        self._evidence = {quad.object for quad in authored if quad.predicate == _EVIDENCE}
        self._before = self._look(store)

    def _look(self, store: Engine) -> dict[str, Any]:
        def asserted(triple: ox.Triple) -> bool:
            quads = store.quads_for_pattern(triple.subject, triple.predicate, triple.object, None)
            return any(map(is_asserted, quads))

        def seen(triple: ox.Triple) -> bool:
            inferred = ox.Quad(triple.subject, triple.predicate, triple.object, _INFERRED)
            return inferred in store or asserted(triple)

        return {
            "asserted": _count(self._asserted, asserted),
            "evidence": sum(
                any(map(is_asserted, store.quads_for_pattern(None, _EVIDENCE, item, None))) for item in self._evidence
            ),
            "types": Counter(triple.object.value for triple in self._typed if seen(triple)),  # type: ignore[union-attr]
        }

    def after(self, store: Engine, manifest: Mapping[str, Any], files: int, records: int) -> dict[str, Any]:
        """Return counts and statistics after the change.

        Args:
            store: the store after the change.
            manifest: of the version before.
            files: how many documents came, less those that went.
            records: how many records came, less those that went.

        Returns:
            ``counts`` and ``statistics`` for the manifest of the version after.
        """
        before, after, plan = self._before, self._look(store), self._plan
        graphs = Counter(manifest.get("statistics", {}).get("graphs", {}))
        types = Counter(manifest.get("statistics", {}).get("types", {}))
        types.update(after["types"])
        types.subtract(before["types"])
        seen = 0
        for quads, step in ((plan.into, 1), (plan.out, -1)):
            for quad in quads:
                if is_asserted(quad) or quad.graph_name == _INFERRED:
                    graphs[quad.graph_name.value] += step  # type: ignore[union-attr]
                elif isinstance(quad.graph_name, ox.DefaultGraph):
                    seen += step
        counts = Counter(manifest["counts"])
        counts.update(
            {
                "files": files,
                "records": records,
                "evidence": after["evidence"] - before["evidence"],
                "asserted": after["asserted"] - before["asserted"],
                "statements": seen,
                "quads": len(plan.into) - len(plan.out),
            }
        )
        counts["inferred"] = graphs.get(INFERRED_GRAPH, 0)
        inferred = {INFERRED_GRAPH: counts["inferred"]}
        return {
            "counts": dict(counts),
            "statistics": {"graphs": _sorted({**graphs, **inferred}, inferred), "types": _sorted(types)},
        }


def _is_ours(term: object) -> bool:
    return isinstance(term, ox.NamedNode) and term.value.startswith(SCE)


def _count(triples: Collection[ox.Triple], holds: Callable[[ox.Triple], bool]) -> int:
    return sum(map(holds, triples))


def _sorted(counts: Mapping[str, int], always: Collection[str] = ()) -> dict[str, int]:
    return {name: number for name, number in sorted(counts.items()) if number or name in always}
