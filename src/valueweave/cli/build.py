"""Commands that look at the authored files: build, validate.

In: the project. Out: the store, a report, problems.
The decision hidden here: how problems are counted.
"""

# ruff: noqa: PLC0415 - commands load what they need when they run, and their parameters are options

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from valueweave.cli.app import JSON, app, project_of
from valueweave.cli.opening import note
from valueweave.cli.output import counted, print_data
from valueweave.problems import ContradictionError, InputError, Problem, has_errors

__all__: list[str] = []


@app.command()
def build(
    context: typer.Context,
    force: Annotated[
        bool, typer.Option("--force", help="Build also when nothing has changed, and let contradictions pass.")
    ] = False,
    allow_contradictions: Annotated[
        bool, typer.Option("--allow-contradictions", help="Let contradictions pass; the store is marked.")
    ] = False,
    drop_live: Annotated[
        list[str] | None, typer.Option("--drop-live", help="Take this live case out; all others are taken over.")
    ] = None,
    drop_updates: Annotated[
        bool, typer.Option("--drop-updates", help="Take out what SPARQL updates have changed.")
    ] = False,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Build the store from the ontology and the case files."""
    from valueweave.build import build as run
    from valueweave.progress import progress_bar

    project = project_of(context)
    try:
        with progress_bar("Building") as watch:
            report = run(
                project,
                force=force,
                allow_contradictions=allow_contradictions or force,
                drop_live=drop_live or (),
                drop_updates=drop_updates,
                progress=watch,
                tell=note,
            )
    except InputError as error:
        for problem in error.problems:
            note(str(problem))
        if isinstance(error, ContradictionError):
            found = sum(problem.code == "contradiction" for problem in error.problems)
            note(
                f"{counted(found, 'contradiction')}. The store is as it was; "
                "'valueweave build --allow-contradictions' lets them pass and marks the store."
            )
            raise typer.Exit(1) from error
        note(f"{_errors(error.problems)}. The store is as it was.")
        raise typer.Exit(2) from error
    except KeyboardInterrupt as error:
        note("Stopped. The store is as it was.")
        raise typer.Exit(130) from error
    for problem in report.warnings:
        note(str(problem))
    print_data(report.to_json() if as_json else report.to_text())


@app.command()
def validate(
    context: typer.Context,
    files: Annotated[
        list[Path] | None, typer.Argument(help="Case files; all of the project when none is given.")
    ] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Report every problem of case files: file, line, record, term, and what to do."""
    from valueweave.validation import validate as run

    project = project_of(context)
    problems = run(project, files or None)
    if as_json:
        print_data({"problems": [problem.to_json() for problem in problems]})
    else:
        for problem in problems:
            typer.echo(str(problem))
        checked = len(files) if files else len(project.data_files())
        note(f"{counted(checked, 'file')}, {_errors(problems)}, {_others(problems)}")
    if has_errors(problems):
        raise typer.Exit(2)


def _errors(problems: Sequence[Problem]) -> str:
    return counted(sum(problem.level == "error" for problem in problems), "error")


def _others(problems: Sequence[Problem]) -> str:
    warnings = sum(problem.level == "warning" for problem in problems)
    notes = sum(problem.level == "info" for problem in problems)
    return counted(warnings, "warning") + (f", {counted(notes, 'note')}" if notes else "")
