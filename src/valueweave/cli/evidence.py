"""Commands about the passages that back the records.

In: the project and the folder of the source texts. Out: a report, passages, ready evidence items.
The decision hidden here: none beyond the options.
"""

# ruff: noqa: PLC0415 - commands load what they need when they run, and their parameters are options

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from valueweave.cli.app import JSON, SOURCES, app, project_of
from valueweave.cli.opening import note
from valueweave.cli.output import print_data

__all__: list[str] = []

_evidence = typer.Typer(help="The passages that back the records.", no_args_is_help=True)
app.add_typer(_evidence, name="evidence")


@_evidence.command("verify")
def evidence_verify(
    context: typer.Context,
    sources: Annotated[Path, SOURCES],
    fix: Annotated[bool, typer.Option("--fix", help="Write new offsets where a passage is found again.")] = False,
    source: Annotated[
        list[str] | None, typer.Option(help="Look at one source alone: its number or id; can be repeated.")
    ] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Recompute every span against the source texts that are there and name each that does not fit."""
    from valueweave.authoring.evidence import verify

    report = verify(project_of(context), sources, fix=fix, only=source or ())
    print_data(report.to_json() if as_json else report.to_text())
    if report.nothing_to_check:
        raise typer.Exit(2)
    if not report.ok:
        raise typer.Exit(1)


@_evidence.command("show")
def evidence_show(
    context: typer.Context,
    record: Annotated[str, typer.Argument(help="Id of a record or an evidence item, such as stage/jd-1.")],
    sources: Annotated[Path, SOURCES],
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Print the passages that back a record."""
    from valueweave.authoring.evidence import show

    passages = show(project_of(context), record, sources)
    if as_json:
        print_data({"record": record, "passages": [passage.to_json() for passage in passages]})
        return
    for passage in passages:
        typer.echo(passage.to_text())


@_evidence.command("find")
def evidence_find(
    context: typer.Context,
    source: Annotated[str, typer.Option(help="The source: its number, such as 000, or its id.")],
    sources: Annotated[Path, SOURCES],
    text: Annotated[str | None, typer.Option(help="Words to find; line breaks between them do not matter.")] = None,
    regex: Annotated[str | None, typer.Option(help="A regular expression instead of words.")] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Print ready evidence items for the passages that hold some words."""
    from valueweave.authoring.evidence import find

    items = find(project_of(context), source, sources, text=text, regex=regex)
    if as_json:
        print_data({"source": source, "items": items})
    else:
        from valueweave.authoring.spans import evidence_yaml

        for item in items:
            typer.echo(evidence_yaml(item))
    if not items:
        note("Nothing found.")
        raise typer.Exit(1)
