"""Commands that make files from the ontology and the records.

In: the project. Out: the JSON-LD context, the JSON Schema, the pages on coverage and on the
use of the vocabulary, the table of settings.
The decision hidden here: where these files lie.
"""

# ruff: noqa: PLC0415 - commands load what they need when they run, and their parameters are options

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from valueweave.cli.app import SOURCES, app, project_of
from valueweave.cli.opening import note, open_graph

__all__: list[str] = []

_generate = typer.Typer(help="Files made from the ontology and the records.", no_args_is_help=True)
app.add_typer(_generate, name="generate")

_OUTPUT = typer.Option("--output", "-o", help="Where to write it; the project's own place.")
_CHECK = typer.Option("--check", help="Write nothing; exit 1 when the file is not up to date.")


@_generate.command("context")
def generate_context(
    context: typer.Context,
    output: Annotated[Path | None, _OUTPUT] = None,
    check: Annotated[bool, _CHECK] = False,
) -> None:
    """Write the JSON-LD context of the case files."""
    from valueweave.authoring.context import generate_context as run
    from valueweave.ontology import OntologyIndex

    project = project_of(context)
    _generated(run(OntologyIndex.load(project)), output, project.context, check)


@_generate.command("schema")
def generate_schema(
    context: typer.Context,
    output: Annotated[Path | None, _OUTPUT] = None,
    check: Annotated[bool, _CHECK] = False,
) -> None:
    """Write the JSON Schema of the case files, for editors."""
    from valueweave.authoring.model import read_shapes
    from valueweave.authoring.schema import generate_schema as run
    from valueweave.ontology import OntologyIndex

    project = project_of(context)
    made = run(OntologyIndex.load(project), read_shapes(project.shape_files()))
    _generated(made, output, project.ontology / "schema" / "case.schema.json", check)


@_generate.command("coverage")
def generate_coverage(
    context: typer.Context,
    sources: Annotated[Path, SOURCES],
    output: Annotated[Path | None, _OUTPUT] = None,
    check: Annotated[bool, _CHECK] = False,
) -> None:
    """Write the page on how much of each source text the records cite."""
    from valueweave.authoring.coverage import coverage as run

    project = project_of(context)
    _written(run(project, sources).to_markdown(), output, project.home / "docs" / "coverage.md", check)


@_generate.command("vocabulary-use")
def generate_vocabulary_use(
    context: typer.Context,
    output: Annotated[Path | None, _OUTPUT] = None,
    check: Annotated[bool, _CHECK] = False,
) -> None:
    """Write the page on how often the records use each term of the ontology."""
    from valueweave.analysis.vocabulary_use import vocabulary_use as run

    project = project_of(context)
    with open_graph(project) as kg:
        page = run(kg).to_markdown()
    _written(page, output, project.home / "docs" / "vocabulary-use.md", check)


@_generate.command("settings")
def generate_settings(
    context: typer.Context,
    output: Annotated[Path | None, _OUTPUT] = None,
    check: Annotated[bool, _CHECK] = False,
) -> None:
    """Write the table of the server's settings into the page on operations."""
    from valueweave.server.settings_table import with_table

    page = project_of(context).home / "docs" / "operations.md"
    _written(with_table(page.read_text("utf-8")), output, page, check)


def _generated(made: dict[str, Any], output: Path | None, own: Path, check: bool) -> None:
    _written(json.dumps(made, ensure_ascii=False, indent=2) + "\n", output, own, check)


def _written(text: str, output: Path | None, own: Path, check: bool) -> None:
    place = output or own
    if check:
        if not place.is_file() or place.read_text("utf-8") != text:
            note(f"{place} is not up to date: run 'valueweave generate'.")
            raise typer.Exit(1)
        return
    from valueweave.files import write_atomically

    if output is None:
        own.parent.mkdir(exist_ok=True)
    write_atomically(place, text.encode())
    note(f"Wrote {place}.")
