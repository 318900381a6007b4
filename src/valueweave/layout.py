"""How the statements lie in a store, and when a store is out of date.

In: a project. Out: the names of the graphs, the digest of everything that decides what a store holds.
The decision hidden here: the graphs that are not authored files, and what makes a rebuild necessary.
"""

from __future__ import annotations

import pyoxigraph as ox

from valueweave.namespaces import GRAPH
from valueweave.project import Project
from valueweave.store.places import place_of
from valueweave.version import __version__

__all__ = ["DERIVATIONS", "INFERRED_GRAPH", "ONTOLOGY_GRAPH", "UPDATES_GRAPH", "build_digest", "is_current"]

ONTOLOGY_GRAPH = GRAPH + "ontology"
"""Named graph of the ontology."""

INFERRED_GRAPH = GRAPH + "inferred"
"""Named graph of the inferred statements."""

DERIVATIONS = INFERRED_GRAPH + "/"
"""How the IRIs of the graphs begin that say how a statement was inferred: the round and the name of the rule follow."""

UPDATES_GRAPH = GRAPH + "updates"
"""Named graph of what is asserted by updates that name no graph."""

_LAYOUT = "3"
"""Part of the digest: a change of how the graphs are laid out makes every store out of date."""


def build_digest(project: Project) -> str:
    """Return the digest of everything that decides what is in the store: inputs and software."""
    return project.digest(__version__, ox.__version__, _LAYOUT)


def is_current(project: Project) -> bool:
    """Return whether the store was built from the files as they are now."""
    manifest = place_of(project).current_or_none()
    return manifest is not None and manifest["digest"] == build_digest(project)
