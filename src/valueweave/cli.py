"""The command line.

In: arguments, standard input. Out: data on standard output, progress and problems on standard error, an exit code:
0 answered, 1 a check failed, 2 bad input.
The decision hidden here: the commands and their options. What they do stands in the modules they call; these are loaded
when a command runs, so that each command starts quickly.
"""

# ruff: noqa: PLC0415 - commands load what they need when they run, and their parameters are options

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer

from valueweave.problems import InputError, Problem, ValueWeaveError, has_errors
from valueweave.project import Project

if TYPE_CHECKING:
    from valueweave.graph import KnowledgeGraph
    from valueweave.queries import Question

__all__ = ["app", "main"]

app = typer.Typer(
    name="valueweave",
    help="The knowledge graph of supply-chain ecosystems.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_JSON = typer.Option("--json", help="Print JSON.")


def _version(wanted: bool) -> None:
    if wanted:
        from valueweave.version import __version__

        typer.echo(f"valueweave {__version__}")
        raise typer.Exit


@app.callback()
def _globals(
    context: typer.Context,
    home: Annotated[
        Path | None, typer.Option(help="Folder of the project (ontology/, data/, queries/).", envvar="VALUEWEAVE_HOME")
    ] = None,
    store: Annotated[Path | None, typer.Option(help="Folder of the store.", envvar="VALUEWEAVE_STORE")] = None,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    context.obj = (home, store)


def _project(context: typer.Context) -> Project:
    home, store = context.obj
    return Project.find(home, store)


@app.command()
def build(
    context: typer.Context,
    force: Annotated[bool, typer.Option("--force", help="Build also when nothing has changed.")] = False,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Build the store from the ontology and the case files."""
    from valueweave.build import build as run
    from valueweave.progress import progress_bar

    with progress_bar("Building") as watch:
        report = run(_project(context), force=force, progress=watch)
    for problem in report.warnings:
        typer.echo(str(problem), err=True)
    _print(report.to_json() if as_json else report.to_text())


@app.command()
def validate(
    context: typer.Context,
    files: Annotated[
        list[Path] | None, typer.Argument(help="Case files; all of the project when none is given.")
    ] = None,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Report every problem of case files: file, line, record, term, and what to do."""
    from valueweave.validation import validate as run

    project = _project(context)
    problems = run(project, files or None)
    if as_json:
        _print({"problems": [problem.to_json() for problem in problems]})
    else:
        for problem in problems:
            typer.echo(str(problem))
        checked = len(files) if files else len(project.data_files())
        errors = sum(problem.level == "error" for problem in problems)
        typer.echo(f"{checked} files, {errors} errors, {len(problems) - errors} warnings and notes", err=True)
    if has_errors(problems):
        raise typer.Exit(2)


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
        typer.Option("--format", "-f", help="text, json, csv, tsv, xml; for graphs turtle, ntriples, rdfxml, jsonld."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As --format json.")] = False,
    scope: Annotated[Literal["all", "asserted", "inferred"], typer.Option(help="Which statements to see.")] = "all",
    list_questions: Annotated[
        bool, typer.Option("--list", "-l", help="List the questions and their parameters.")
    ] = False,
) -> None:
    """Answer a competency question or a SPARQL query."""
    project = _project(context)
    if list_questions:
        _list_questions(project, as_json)
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
    with _open(project) as kg:
        answer = kg.query(asked, parameters, scope=scope)
        wanted = "json" if as_json else form or "text"
        if wanted == "text":
            from valueweave.progress import print_answer

            print_answer(answer)
        else:
            _write(answer.serialize(wanted))


def _list_questions(project: Project, as_json: bool) -> None:
    from valueweave.queries import load_questions

    questions = load_questions(project)
    if as_json:
        _print({"questions": [question.to_json() for question in questions.values()]})
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
    path = Path(name)
    if path.is_file():
        return load_question(path)
    if path.suffix == ".rq" or "/" in name:
        raise InputError(Problem("unreadable-file", "There is no such file.", "Check the path.", file=name))
    return find_question(load_questions(project), name)


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


def _open(project: Project) -> KnowledgeGraph:
    """Open the store, building a missing one first; say so when the files have changed since it was built."""
    from valueweave.graph import KnowledgeGraph
    from valueweave.store import EmbeddedStore, StoreMissingError

    try:
        kg = KnowledgeGraph(EmbeddedStore.open(project.store), project)
    except StoreMissingError:
        from valueweave.build import build as run
        from valueweave.progress import progress_bar

        typer.echo("There is no store yet: building it.", err=True)
        with progress_bar("Building") as watch:
            report = run(project, progress=watch)
        typer.echo(report.to_text(), err=True)
        return KnowledgeGraph(EmbeddedStore.open(project.store), project)
    if kg.stale:
        typer.echo("Note: files have changed since the store was built; 'valueweave build' takes them in.", err=True)
    return kg


@app.command()
def export(
    context: typer.Context,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")],
    form: Annotated[str, typer.Option("--format", "-f", help="owl, turtle, ntriples, nquads, trig or jsonld.")] = "owl",
    include: Annotated[
        str, typer.Option(help="What to add: evidence (to owl; the others hold it), inferred, or both with a comma.")
    ] = "",
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Write the knowledge graph to one file (owl: RDF/XML for Protégé, OWL API and owlready2)."""
    from valueweave.export import export as run

    added = [name.strip() for name in include.split(",") if name.strip()]
    with _open(_project(context)) as kg:
        count = run(kg, form, output, added)
    if as_json:
        _print({"output": str(output), "format": form, "include": added, "statements": count})
    else:
        typer.echo(f"Wrote {count} statements to {output}.", err=True)


@app.command()
def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)] = 8000,
) -> None:
    """Build what is missing, then serve /sparql, /api/v1, /id and a start page."""
    from valueweave.server import run

    run(_project(context), host, port)


_evidence = typer.Typer(help="The passages that back the records.", no_args_is_help=True)
app.add_typer(_evidence, name="evidence")

_SOURCES = typer.Option("--sources", help="Folder of the source texts.", envvar="VALUEWEAVE_SOURCES")


@_evidence.command("verify")
def evidence_verify(
    context: typer.Context,
    sources: Annotated[Path, _SOURCES],
    fix: Annotated[bool, typer.Option("--fix", help="Write new offsets where a passage is found again.")] = False,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Recompute every span against the source texts and name each that does not fit."""
    from valueweave.authoring.evidence import verify

    report = verify(_project(context), sources, fix=fix)
    _print(report.to_json() if as_json else report.to_text())
    if not report.ok:
        raise typer.Exit(1)


@_evidence.command("show")
def evidence_show(
    context: typer.Context,
    record: Annotated[str, typer.Argument(help="Id of a record or an evidence item, such as stage/jd-1.")],
    sources: Annotated[Path, _SOURCES],
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Print the passages that back a record."""
    from valueweave.authoring.evidence import show

    passages = show(_project(context), record, sources)
    if as_json:
        _print({"record": record, "passages": [passage.to_json() for passage in passages]})
        return
    for passage in passages:
        typer.echo(passage.to_text())


@_evidence.command("find")
def evidence_find(
    context: typer.Context,
    source: Annotated[str, typer.Option(help="The source: its number, such as 000, or its id.")],
    sources: Annotated[Path, _SOURCES],
    text: Annotated[str | None, typer.Option(help="Words to find; line breaks between them do not matter.")] = None,
    regex: Annotated[str | None, typer.Option(help="A regular expression instead of words.")] = None,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Print ready evidence items for the passages that hold some words."""
    from valueweave.authoring.evidence import find

    items = find(_project(context), source, sources, text=text, regex=regex)
    if as_json:
        _print({"source": source, "items": items})
    else:
        from valueweave.authoring.spans import evidence_yaml

        for item in items:
            typer.echo(evidence_yaml(item))
    if not items:
        typer.echo("Nothing found.", err=True)
        raise typer.Exit(1)


_generate = typer.Typer(help="Files made from the ontology.", no_args_is_help=True)
app.add_typer(_generate, name="generate")


@_generate.command("context")
def generate_context(
    context: typer.Context,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write it; the project's own place.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 when the file is not up to date.")
    ] = False,
) -> None:
    """Write the JSON-LD context of the case files."""
    from valueweave.authoring.context import generate_context as run
    from valueweave.ontology import OntologyIndex

    project = _project(context)
    _generated(run(OntologyIndex.load(project)), output or project.context, check)


@_generate.command("schema")
def generate_schema(
    context: typer.Context,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write it; the project's own place.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 when the file is not up to date.")
    ] = False,
) -> None:
    """Write the JSON Schema of the case files, for editors."""
    from valueweave.authoring.model import read_shapes
    from valueweave.authoring.schema import generate_schema as run
    from valueweave.ontology import OntologyIndex

    project = _project(context)
    made = run(OntologyIndex.load(project), read_shapes(project.shape_files()))
    _generated(made, output or project.ontology / "schema" / "case.schema.json", check)


def _generated(made: dict[str, Any], output: Path, check: bool) -> None:
    text = json.dumps(made, ensure_ascii=False, indent=2) + "\n"
    if check:
        if not output.is_file() or output.read_text("utf-8") != text:
            typer.echo(f"{output} is not up to date: run 'valueweave generate'.", err=True)
            raise typer.Exit(1)
        return
    from valueweave.files import write_atomically

    write_atomically(output, text.encode())
    typer.echo(f"Wrote {output}.", err=True)


def _print(data: object) -> None:
    typer.echo(data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, indent=2))


def _write(body: bytes) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(body if body.endswith(b"\n") else body + b"\n")
    sys.stdout.buffer.flush()


def main() -> NoReturn:
    """Run the command line; what a user can mend is told without a traceback."""
    try:
        app()
    except InputError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        code = 2
    except ValueWeaveError as error:
        print(f"error: {error}", file=sys.stderr)
        code = 2
    except BrokenPipeError:
        # The reader of our output (such as head) has gone; nothing is left to say, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except KeyboardInterrupt:
        code = 130
    else:
        code = 0
    sys.exit(code)


if __name__ == "__main__":
    main()
