"""The commands that ask for reasons.

In: terms as people write them. Out: proofs.
The decision hidden here: their options and formats.
"""

# ruff: noqa: PLC0415 - commands load what they need when they run, and their parameters are options

from __future__ import annotations

from typing import Annotated, Literal

import typer

from valueweave.cli.app import JSON, app, project_of
from valueweave.cli.opening import bring_up_to_date, note, open_graph
from valueweave.cli.output import print_data

__all__: list[str] = []


@app.command()
def reason(
    context: typer.Context,
    dl: Annotated[bool, typer.Option("--dl", help="Ask the description logic reasoner as well.")] = False,
    case: Annotated[
        list[str] | None, typer.Option("--case", help="With --dl, look at one case by itself; can be repeated.")
    ] = None,
    timeout: Annotated[float, typer.Option(min=1, help="With --dl, seconds for each answer of the reasoner.")] = 300,
    as_json: Annotated[bool, JSON] = False,
    language: Annotated[
        Literal["en", "zh"], typer.Option("--language", "-l", help="Language of labels and words.")
    ] = "en",
) -> None:
    """Write what follows into the store; report by which rules, what rules do not carry, and what contradicts."""
    from valueweave.problems import InputError, Problem
    from valueweave.progress import progress_bar
    from valueweave.reasoning.proofs.text import ProofWriter
    from valueweave.reasoning.report import ReportWriter
    from valueweave.reasoning.report import reason as run

    if case and not dl:
        raise InputError(Problem("case-without-dl", "Rules look at all cases.", "Write 'reason --dl --case NAME'."))
    project = project_of(context)
    bring_up_to_date(project)
    with open_graph(project) as kg:
        writer = ReportWriter(ProofWriter(kg.label, language))
        if dl:
            from valueweave.reasoning.logic.check import check_with_reasoner

            with progress_bar("Reasoning") as watch:
                answers = check_with_reasoner(kg, case or (), timeout=timeout, tell=watch)
            print_data(writer.json(None, answers) if as_json else "\n\n".join(map(writer.dl_text, answers)))
            sound = all(answer.sound for answer in answers)
        else:
            report = run(kg)
            if report.differing:
                note(f"The store lacks or has too many of {report.differing} inferred statements: building it afresh.")
                bring_up_to_date(project, afresh=True)
            print_data(writer.json(report) if as_json else writer.text(report))
            sound = report.sound
    if not sound:
        raise typer.Exit(1)


@app.command()
def explain(
    context: typer.Context,
    subject: Annotated[str, typer.Argument(help="A thing: an IRI, sce:X, or a path such as state/cosmo-step-3.")],
    predicate: Annotated[str, typer.Argument(help="A property; 'a' asks why the thing is in a class.")],
    value: Annotated[str, typer.Argument(help="A thing, a class, or a literal such as '\"2016\"^^xsd:integer'.")],
    proofs: Annotated[int, typer.Option(min=1, max=50, help="How many proofs to show at most.")] = 1,
    form: Annotated[
        Literal["text", "json", "mermaid"], typer.Option("--format", "-f", help="How to show them.")
    ] = "text",
    as_json: Annotated[bool, typer.Option("--json", help="As --format json.")] = False,
    language: Annotated[
        Literal["en", "zh"], typer.Option("--language", "-l", help="Language of labels and words.")
    ] = "en",
) -> None:
    """Say why a statement holds, down to the passages of the sources; or what comes nearest to it."""
    from valueweave.reasoning.proofs.text import ProofWriter

    with open_graph(project_of(context)) as kg:
        explanation = kg.explain(subject, predicate, value, proofs=proofs)
        writer = ProofWriter(kg.label, language)
        if as_json or form == "json":
            print_data(writer.json(explanation))
        else:
            print_data(writer.mermaid(explanation) if form == "mermaid" else writer.text(explanation))


@app.command()
def assess(
    context: typer.Context,
    individual: Annotated[str, typer.Argument(help="A thing: an IRI or a path such as state/cosmo-step-2.")],
    class_name: Annotated[
        str | None, typer.Argument(metavar="[CLASS]", help="A class, such as sce:SupplyChainAsAService.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Rank all defined classes by how near the thing is.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="With --all, how many classes to show.")] = 15,
    as_json: Annotated[bool, JSON] = False,
    proofs: Annotated[
        bool, typer.Option("--proofs", help="With --json, give the whole proof of each condition.")
    ] = False,
    language: Annotated[
        Literal["en", "zh"], typer.Option("--language", "-l", help="Language of labels and words.")
    ] = "en",
) -> None:
    """Say which conditions of a class a thing meets, what would meet the others, and who meets them."""
    from valueweave.problems import InputError, Problem
    from valueweave.reasoning.assessment.json import AssessmentJson
    from valueweave.reasoning.assessment.text import AssessmentWriter

    if every is (class_name is not None):
        remedy = "Write 'assess INDIVIDUAL CLASS' or 'assess INDIVIDUAL --all'."
        raise InputError(Problem("class-or-all", "Either a class is named, or all are asked for.", remedy))
    with open_graph(project_of(context)) as kg:
        labels = kg.reasoning.rules.labels
        as_text = AssessmentWriter(kg.label, labels, language)
        as_data = AssessmentJson(kg.label, labels, language, proofs=proofs)
        if class_name is None:
            everything = kg.reasoning.rank(individual)
            ranking = everything[:limit]
            if len(everything) > limit:
                note(f"The {limit} nearest of {len(everything)} defined classes; --limit shows more.")
            print_data(as_data.ranking(ranking) if as_json else as_text.ranking(ranking))
        else:
            found = kg.assess(individual, class_name)
            print_data(as_data.assessment(found) if as_json else as_text.text(found))
