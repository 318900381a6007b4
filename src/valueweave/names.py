"""Which names a graph knows, and the nearest to one it does not.

In: a store. Out: whether an IRI is in it, the ids of its things, notes with "Did you mean …?".
The decision hidden here: what counts as known, and what may have been meant (not evidence, spellings, stated values).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

import pyoxigraph as ox

from valueweave.layout import ONTOLOGY_GRAPH
from valueweave.namespaces import ID, PREFIXES, SCE, shorten_iri
from valueweave.problems import InputError, Problem, did_you_mean
from valueweave.store.interface import Store

__all__ = ["Names"]

_TYPE = ox.NamedNode(PREFIXES["rdf"] + "type")
_BACKING = {f"<{SCE}{name}>" for name in ("EvidenceItem", "NameUse", "StatedValue")}


class Names:
    """The names that the statements of a store use."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def knows(self, iri: str) -> bool:
        """Return whether the graph says anything of an IRI, or has a named graph of this name."""
        try:
            node = ox.NamedNode(iri)
        except ValueError:
            return False
        default = ox.DefaultGraph()
        places = ((node, None, None, default), (None, None, node, default), (None, node, None, default))
        return any(self._store.holds(*parts) for parts in (*places, (None, None, None, node)))

    @cached_property
    def ids(self) -> list[str]:
        """The ids of all things in the short form, sorted."""
        types: dict[str, set[str]] = {}
        for quad in self._store.statements(predicate=_TYPE, graph=ox.DefaultGraph()):
            if isinstance(quad.subject, ox.NamedNode) and quad.subject.value.startswith(ID):
                types.setdefault(quad.subject.value, set()).add(str(quad.object))
        return sorted(iri.removeprefix(ID) for iri, classes in types.items() if classes.isdisjoint(_BACKING))

    def nearest(self, path: str, otherwise: str) -> str:
        """Return "Did you mean …?" with ids that end as ``path`` does, else of its kind, else ``otherwise``."""
        kind, _, name = path.partition("/")
        if same := [known for known in self.ids if known.endswith("/" + name)]:
            return "Did you mean " + " or ".join(f"'{known}'" for known in same[:3]) + "?"
        return did_you_mean(path, [known for known in self.ids if known.startswith(kind + "/")] or self.ids, otherwise)

    def unknown(self, iri: str, term: str) -> Problem:
        """Return a note that the graph does not have ``iri``, which was written for ``term``."""
        short = shorten_iri(iri)
        if iri.startswith(SCE):
            message, remedy = f"The ontology has no term {short}.", did_you_mean(short, self._terms, _SPELLING)
        else:
            message, remedy = f"{short} is not in the graph.", self.nearest(short, _SPELLING)
        return Problem("unknown-name", message, remedy, term=term, level="info")

    def require(self, iri: str, term: str) -> None:
        """Refuse an IRI that the graph does not have.

        Raises:
            InputError: with the nearest that there is.
        """
        if not self.knows(iri):
            raise InputError(replace(self.unknown(iri, term), level="error"))

    def with_remedy(self, problem: Problem, given: Mapping[str, object]) -> Problem:
        """Return the problem of a bare name that nothing has with the nearest that there is; others as they are.

        Args:
            problem: of a parameter.
            given: value by parameter name.
        """
        if problem.code != "unknown-name" or problem.term is None:
            return problem
        return replace(problem, remedy=self.nearest(f"{problem.term}/{given.get(problem.term)}", problem.remedy))

    @cached_property
    def _terms(self) -> Sequence[str]:
        return [
            shorten_iri(quad.subject.value)
            for quad in self._store.statements(predicate=_TYPE, graph=ox.NamedNode(ONTOLOGY_GRAPH))
            if isinstance(quad.subject, ox.NamedNode) and quad.subject.value.startswith(SCE)
        ]


_SPELLING = "Check the spelling."
