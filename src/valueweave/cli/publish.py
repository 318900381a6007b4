"""Commands that hand the graph to other programs: export, serve.

In: the project. Out: one file; a server.
The decision hidden here: none beyond the options.
"""

# ruff: noqa: PLC0415 - commands load what they need when they run, and their parameters are options

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from valueweave.cli.app import JSON, app, project_of
from valueweave.cli.opening import build_missing, note, open_graph
from valueweave.cli.output import check_choice, counted, print_data
from valueweave.problems import InputError, Problem

__all__: list[str] = []


@app.command()
def export(
    context: typer.Context,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write; - is standard output.")],
    form: Annotated[str, typer.Option("--format", "-f", help="owl, turtle, ntriples, nquads, trig or jsonld.")] = "owl",
    include: Annotated[
        str, typer.Option(help="What to add: evidence (to owl; the others hold it), inferred, or both with a comma.")
    ] = "",
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Write the knowledge graph to one file (owl: RDF/XML for Protégé, OWL API and owlready2)."""
    from valueweave.export import EXPORT_FORMATS, INCLUDES
    from valueweave.export import export as run

    check_choice("format", form, EXPORT_FORMATS)
    added = [name.strip() for name in include.split(",") if name.strip()]
    for name in added:
        check_choice("include", name, INCLUDES)
    if as_json and str(output) == "-":
        raise InputError(Problem("two-outputs", "--json and --output - do not go together.", "Name a file."))
    with open_graph(project_of(context)) as kg:
        count = run(kg, form, output, added)
    if as_json:
        print_data({"output": str(output), "format": form, "include": added, "statements": count})
    else:
        note(f"Wrote {counted(count, 'statement')} to {'standard output' if str(output) == '-' else output}.")


@app.command()
def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)] = 8000,
    workers: Annotated[
        int | None, typer.Option(help="Processes that take requests; otherwise the setting, which is 1.", min=1, max=64)
    ] = None,
    settings: Annotated[
        Path | None, typer.Option(help="A TOML file of limits and habits; VALUEWEAVE_SERVER_... goes before it.")
    ] = None,
) -> None:
    """Build what is missing, then serve /sparql, /api/v1, /id and a start page."""
    from valueweave.server import run
    from valueweave.server.settings import load_settings

    chosen = load_settings(dict(os.environ), settings)
    if workers is not None:
        chosen = chosen.model_copy(update={"workers": workers})
    run(project_of(context), host, port, settings=chosen, prepare=build_missing)
