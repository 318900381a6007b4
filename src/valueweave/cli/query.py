"""The command that asks.

In: a question by name, a file or standard input, values. Out: the answer in a format.
The decision hidden here: how a question on the command line is told from a file.
"""

# ruff: noqa: PLC0415 - commands load what they need when they run, and their parameters are options

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from valueweave.cli.app import app, project_of
from valueweave.cli.opening import note, open_graph
from valueweave.cli.output import check_choice, print_data, write_bytes
from valueweave.problems import InputError, Problem
from valueweave.project import Project

if TYPE_CHECKING:
    from valueweave.queries import Question

__all__: list[str] = []


@app.command()
def query(
    context: typer.Context,
    question: Annotated[
        str | None, typer.Argument(help="Name of a question, a file with a query, or - for standard input.")
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option("--param", "-p", help="Value of a parameter, as name=value.", metavar="NAME=VALUE"),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            help="text, json, csv, tsv, xml; for graphs turtle, ntriples, rdfxml, jsonld, nquads, trig.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As --format json.")] = False,
    scope: Annotated[Literal["all", "asserted", "inferred"], typer.Option(help="Which statements to see.")] = "all",
    list_questions: Annotated[
        bool, typer.Option("--list", "-l", help="List the questions and their parameters.")
    ] = False,
) -> None:
    """Answer a competency question or a SPARQL query."""
    project = project_of(context)
    wanted = _format(form, as_json)
    if list_questions:
        _list_questions(project, wanted == "json")
        return
    if question is None:
        raise InputError(
            Problem(
                "no-question",
                "There is nothing to ask.",
                "Name a question (see --list), a file, or - for standard input.",
            )
        )
    asked = _question(project, question)
    parameters = _parameters(param or [])
    asked.bind(parameters)  # a wrong parameter is told before anything is built
    with open_graph(project) as kg:
        for problem in kg.unknown_names(asked, parameters):
            note(f"Note: {problem.message} {problem.remedy}")
        answer = kg.query(asked, parameters, scope=scope)
        if wanted == "text":
            from valueweave.progress import print_answer

            print_answer(answer)
        else:
            write_bytes(answer.serialize(wanted))


def _format(form: str | None, as_json: bool) -> str:
    """Return the format asked for; refuse a wrong one before anything is built or asked."""
    from valueweave.store import FORMATS

    if form is not None and "/" not in form:
        check_choice("format", form, ["text", *dict.fromkeys(known.name for known in FORMATS)])
    if as_json and form not in (None, "json"):
        raise InputError(
            Problem("two-formats", f"--json and --format {form} do not go together.", "Give one of them.", term=form)
        )
    return "json" if as_json else form or "text"


def _list_questions(project: Project, as_json: bool) -> None:
    from valueweave.queries import load_questions

    questions = load_questions(project)
    if as_json:
        print_data({"questions": [question.to_json() for question in questions.values()]})
        return
    width = max((len(name) for name in questions), default=0)
    for name, asked in questions.items():
        typer.echo(f"{name.ljust(width)}  {asked.summary}")
        for parameter in asked.parameters:
            default = f" = {parameter.default}" if parameter.default is not None else ""
            about = f"  {parameter.description}" if parameter.description else ""
            typer.echo(f"{' ' * width}    --param {parameter.name}=<{parameter.type}>{default}{about}")


def _question(project: Project, name: str) -> Question:
    from valueweave.queries import find_question, load_question, load_questions, parse_question

    if name == "-":
        try:
            return parse_question(sys.stdin.buffer.read().decode("utf-8-sig"), name="-", file="-")
        except UnicodeDecodeError as error:
            raise InputError(
                Problem("not-utf-8", f"The query is not UTF-8 (byte {error.start}).", "Send UTF-8.")
            ) from error
    if re.search(r"[\s{}]", name) and not Path(name[:200]).exists():
        raise InputError(
            Problem(
                "unknown-question",
                f"'{name.strip()[:40]}' is no name of a question.",
                "SPARQL is read from a file (valueweave query FILE) or from standard input (valueweave query -).",
            )
        )
    path = Path(name)
    if path.is_file():
        return load_question(path)
    questions = load_questions(project)
    if name not in questions and (path.is_dir() or path.suffix == ".rq" or "/" in name):
        what = "This is a folder, not a file with a query." if path.is_dir() else "There is no such file."
        raise InputError(Problem("unreadable-file", what, "Check the path.", file=name))
    return find_question(questions, name)


def _parameters(pairs: list[str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise InputError(
                Problem("parameter-form", f"'{pair}' gives no value.", "Write --param NAME=VALUE.", term=pair)
            )
        if name in found:
            raise InputError(Problem("parameter-form", f"'{name}' is given twice.", "Give each once.", term=name))
        found[name] = value
    return found
