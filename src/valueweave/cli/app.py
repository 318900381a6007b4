"""The program: options of every command, and how it ends.

In: arguments. Out: an exit code; what a user can mend is told without a traceback.
The decision hidden here: exit codes.
"""

# ruff: noqa: PLC0415 - what only some calls need is loaded when they need it

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from valueweave.problems import ContradictionError, InputError, ValueWeaveError
from valueweave.project import Project

__all__ = ["JSON", "SOURCES", "app", "main", "project_of"]

app = typer.Typer(
    name="valueweave",
    help="The knowledge graph of supply-chain ecosystems.",
    epilog="The project is the folder that --home names, else VALUEWEAVE_HOME, else the checkout that this program "
    "runs from, else the copy installed with it. 'valueweave --version' says which one it is.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

JSON = typer.Option("--json", help="Print JSON.")
SOURCES = typer.Option("--sources", help="Folder of the source texts.", envvar="VALUEWEAVE_SOURCES")


@app.callback(invoke_without_command=True)
def _globals(
    context: typer.Context,
    home: Annotated[
        Path | None, typer.Option(help="Folder of the project (ontology/, data/, queries/).", envvar="VALUEWEAVE_HOME")
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            help="Folder of the store, or the query address of a SPARQL engine (http://...).", envvar="VALUEWEAVE_STORE"
        ),
    ] = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version, the home and the store used.")] = False,
) -> None:
    context.obj = (home, store)
    if version:
        from valueweave.version import __version__

        project = project_of(context)
        typer.echo(f"valueweave {__version__}\nhome  {project.home}\nstore {project.place}")
        raise typer.Exit


def project_of(context: typer.Context) -> Project:
    """Return the project that the options of the program name.

    Raises:
        InputError: when there is none.
    """
    home, store = context.obj
    return Project.find(home, store)


def main() -> NoReturn:
    """Run the command line; what a user can mend is told without a traceback."""
    code: int | str | None = 0
    try:
        try:
            app()
        except SystemExit as end:
            code = end.code
        sys.stdout.flush()
    except InputError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        code = 1 if isinstance(error, ContradictionError) else 2
    except ValueWeaveError as error:
        print(f"error: {error}", file=sys.stderr)
        code = 2
    except BrokenPipeError:
        # The reader of our output (such as head) has gone; nothing is left to say, not even at exit.
        _close_output()
        code = 0
    except KeyboardInterrupt:
        code = 130
    except OSError as error:
        what = f"{error.filename} cannot be used" if error.filename else "The output cannot be written"
        print(f"error: {what} ({error.strerror or error}).", file=sys.stderr)
        _close_output()
        code = 1
    sys.exit(code)


def _close_output() -> None:
    """Send what is left in the buffer of standard output nowhere, so that the interpreter's end is silent."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
