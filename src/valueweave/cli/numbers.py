"""The command that computes again what the sources print.

In: the store. Out: a table by source, or JSON. That a paper is off is an answer: the exit code stays 0.
The decision hidden here: none beyond the options.
"""

from __future__ import annotations

from typing import Annotated

import typer

from valueweave.cli.app import JSON, app, project_of
from valueweave.cli.opening import open_graph
from valueweave.cli.output import print_data

__all__: list[str] = []


@app.command("check-numbers")
def check_numbers(
    context: typer.Context,
    source: Annotated[
        str | None, typer.Option(help="Only numbers of this source: its number, such as 003, or its id.")
    ] = None,
    only: Annotated[
        str | None, typer.Option(help="Only this verdict: right, rounded, consistent, off-kind, off, unknown.")
    ] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Compute again what the sources print, and say what is right, rounded or off."""
    with open_graph(project_of(context)) as kg:
        report = kg.check_numbers(source=source, only=only)
        print_data(report.to_json() if as_json else report.to_text())
