"""The command that lists what a record may say.

In: a class. Out: its keys with property, kind of value and definition.
The decision hidden here: the columns.
"""

# ruff: noqa: PLC0415 - commands load what they need when they run, and their parameters are options

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from valueweave.cli.app import JSON, app, project_of
from valueweave.cli.output import print_data

__all__: list[str] = []


@app.command()
def keys(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="CLASS", help="A class, such as Stage.")] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """List the keys that a record of a class may have; without CLASS, the classes that a record may have."""
    from valueweave.authoring.model import RecordModel, read_shapes
    from valueweave.authoring.vocabulary import class_named, keys_of
    from valueweave.ontology import OntologyIndex

    project = project_of(context)
    model = RecordModel(OntologyIndex.load(project), read_shapes(project.shape_files()))
    if name is None:
        classes = {local: model.ontology.terms[iri].definition for local, iri in sorted(model.writable.items())}
        if as_json:
            print_data({"classes": [{"name": local, "definition": text} for local, text in classes.items()]})
            return
        width = max(map(len, classes), default=0)
        for local, text in classes.items():
            typer.echo(f"{local.ljust(width)}  {text}".rstrip())
        return
    found = keys_of(model, class_named(model, name))
    if as_json:
        print_data({"class": name, "keys": [asdict(key) for key in found]})
        return
    rows = [(key.key, "required" if key.required else "", key.property, key.value, key.definition) for key in found]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        typer.echo("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]).rstrip())
