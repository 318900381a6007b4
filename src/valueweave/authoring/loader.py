"""From paths to documents.

In: paths of authored files. Out: :class:`~valueweave.authoring.document.Document` objects, or everything wrong with the
files as files.
The decision hidden here: which context a file may name (the bundled one only, never fetched).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from valueweave.authoring.context import CONTEXT_IRI, generate_context
from valueweave.authoring.document import Document
from valueweave.authoring.reader import MAX_BYTES, YamlFile, read_yaml
from valueweave.authoring.tree import Scalar
from valueweave.ontology import OntologyIndex
from valueweave.problems import InputError, Problem, has_errors
from valueweave.project import Project

__all__ = ["load_documents", "read_document"]


def read_document(
    path: Path,
    ontology: OntologyIndex,
    context: dict[str, Any],
    max_bytes: int = MAX_BYTES,
    content: bytes | None = None,
) -> tuple[Document | None, list[Problem]]:
    """Read one authored file.

    Args:
        path: the file.
        ontology: the ontology whose keys the file uses.
        context: the context, as :func:`~valueweave.authoring.context.generate_context` returns it.
        max_bytes: a larger file is refused without being read.
        content: what the file holds, when it is no file (yet).

    Returns:
        The document, or nothing when the file cannot be read so far, and everything wrong with it as a file. Keys and
        values are not checked here (see :mod:`valueweave.validation`).
    """
    file = read_yaml(path, max_bytes, content)
    if file.root is None:
        return None, file.problems
    _check_context(file)
    return Document(file, ontology, context), file.problems


def load_documents(paths: Sequence[Path], project: Project, ontology: OntologyIndex | None = None) -> list[Document]:
    """Read authored files.

    Args:
        paths: the files, in the order in which they are returned.
        project: whose ontology gives the keys.
        ontology: the ontology, when it is loaded already.

    Raises:
        InputError: with every problem of every file that keeps it from being read.
    """
    ontology = ontology or OntologyIndex.load(project)
    context = generate_context(ontology)
    documents: list[Document] = []
    problems: list[Problem] = []
    for path in paths:
        document, found = read_document(path, ontology, context)
        problems += found
        if document is not None:
            documents.append(document)
    if has_errors(problems):
        raise InputError(*problems)
    return documents


def _check_context(file: YamlFile) -> None:
    assert file.root is not None
    node = file.root.get("@context")
    if node is None:
        file.problem(
            "missing-context",
            "The file does not say what its keys mean.",
            f'Begin it with the line "@context": {CONTEXT_IRI}',
            0,
            "@context",
        )
    elif not isinstance(node, Scalar) or node.text != CONTEXT_IRI:
        file.problem(
            "foreign-context",
            "Only the context of ValueWeave may be named; no other is read or fetched.",
            f'Write "@context": {CONTEXT_IRI}',
            node.start,
            "@context",
        )
