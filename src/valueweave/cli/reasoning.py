"""The commands that ask for reasons.

In: terms as people write them. Out: proofs.
The decision hidden here: their options and formats.
"""

# ruff: noqa: PLC0415 - commands load what they need when they run, and their parameters are options

from __future__ import annotations

from typing import Annotated, Literal

import typer

from valueweave.cli.app import app, project_of
from valueweave.cli.opening import open_graph
from valueweave.cli.output import print_data

__all__: list[str] = []


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
    from valueweave.reasoning.proof_text import ProofWriter

    with open_graph(project_of(context)) as kg:
        explanation = kg.explain(subject, predicate, value, proofs=proofs)
        writer = ProofWriter(kg.label, language)
        if as_json or form == "json":
            print_data(writer.json(explanation))
        else:
            print_data(writer.mermaid(explanation) if form == "mermaid" else writer.text(explanation))
