"""The command that searches.

In: words, a kind. Out: the things and terms that they may mean.
The decision hidden here: how a hit is written on a line.
"""

# ruff: noqa: PLC0415 - commands load what they need when they run, and their parameters are options

from __future__ import annotations

from typing import Annotated, Literal

import typer

from valueweave.cli.app import JSON, app, project_of
from valueweave.cli.opening import note, open_graph
from valueweave.cli.output import counted, print_data

__all__: list[str] = []


@app.command()
def search(
    context: typer.Context,
    text: Annotated[list[str], typer.Argument(help="Words to look for, in English or Chinese.", metavar="TEXT...")],
    kind: Annotated[
        str | None, typer.Option("--kind", "-k", help="A list (actors), 'terms', or a class (sce:Event).")
    ] = None,
    language: Annotated[Literal["en", "zh"], typer.Option(help="Language of the labels.")] = "en",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="How many to print.")] = 20,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Find things and terms by words; case, accents, hyphens and small misspellings do not matter."""
    from valueweave.namespaces import shorten_iri

    with open_graph(project_of(context)) as kg:
        found = kg.search(" ".join(text), kind, language, limit)
    if as_json:
        print_data(found.to_json())
        return
    names = [shorten_iri(hit.iri) for hit in found.items]
    width = max((len(name) for name in names), default=0)
    for name, hit in zip(names, found.items, strict=True):
        typer.echo(f"{name.ljust(width)}  {hit.label}  ({hit.rank})")
    note(f"{counted(found.total, 'thing')} found, {len(names)} shown.")
