"""How a command comes to an open graph.

In: a project. Out: its graph; a store that is missing is built first.
The decision hidden here: what is told on the way.
"""

# ruff: noqa: PLC0415 - commands load what they need when they run

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from valueweave.project import Project

if TYPE_CHECKING:
    from valueweave.graph import KnowledgeGraph

__all__ = ["bring_up_to_date", "build_missing", "note", "open_graph"]


def note(text: str) -> None:
    """Tell something on standard error."""
    typer.echo(text, err=True)


def build_missing(project: Project) -> None:
    """Build the store where there is none yet, and say so.

    Raises:
        InputError: when it cannot be built, or is there and cannot be read.
    """
    from valueweave.store import StoreMissingError
    from valueweave.store.places import place_of

    try:
        place_of(project).current()
    except StoreMissingError:
        from valueweave.build import build
        from valueweave.progress import progress_bar

        note(f"There is no store at {project.place} yet: building it.")
        with progress_bar("Building") as watch:
            report = build(project, progress=watch, tell=note)
        note(report.to_text())


def bring_up_to_date(project: Project, *, afresh: bool = False) -> None:
    """Build the store when files have changed since it was built, and say so.

    Args:
        project: whose store.
        afresh: build it in any case.

    Raises:
        InputError: when it cannot be built.
    """
    from valueweave.build import build
    from valueweave.progress import progress_bar

    with progress_bar("Building") as watch:
        report = build(project, force=afresh, progress=watch, tell=note)
    if report.built:
        note(report.to_text())


def open_graph(project: Project) -> KnowledgeGraph:
    """Open the store, building a missing one first; say so when the files have changed since it was built.

    Raises:
        InputError: as :func:`build_missing`.
    """
    from valueweave.graph import KnowledgeGraph
    from valueweave.store.places import open_store

    build_missing(project)
    kg = KnowledgeGraph(open_store(project), project)
    if kg.stale:
        note("Note: files have changed since the store was built; 'valueweave build' takes them in.")
    return kg
