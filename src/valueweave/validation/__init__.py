"""Everything that is wrong with authored files, in one run.

In: a project, and files of it or outside it. Out: problems with file, line, record, key and remedy.
The decision hidden here: the order of the checks, and which of two checks speaks when both see the same fact.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pyoxigraph as ox

from valueweave.authoring.context import generate_context
from valueweave.authoring.document import Document
from valueweave.authoring.loader import read_document
from valueweave.authoring.model import RecordModel, read_shapes
from valueweave.namespaces import PREFIXES
from valueweave.ontology import OntologyIndex
from valueweave.problems import InputError, Problem
from valueweave.project import Project
from valueweave.validation.findings import Finding
from valueweave.validation.references import Catalogue, check_references
from valueweave.validation.shapes import check_shapes
from valueweave.validation.structure import check_structure

__all__ = ["check_beside", "check_documents", "check_places", "validate"]

_TYPE = ox.NamedNode(PREFIXES["rdf"] + "type")


def validate(project: Project, files: Sequence[Path] | None = None) -> list[Problem]:
    """Check authored files in the context of the whole project.

    Args:
        project: the project; its registers and cases resolve references.
        files: files to report on, inside or outside ``data/``; all files of the project by default.

    Returns:
        Every problem of every check that can run, by file and line; nothing is raised for bad input. A file that cannot
        be read is reported, and the others are checked all the same.

    Example:
        >>> validate(Project(Path("nowhere"), Path("store")))[0].code
        'unreadable-module'
    """
    try:
        ontology = OntologyIndex.load(project)
        shapes = read_shapes(project.shape_files())
        context = generate_context(ontology)
    except InputError as error:
        return sorted_problems(error.problems)
    asked = {path.resolve(): path for path in files} if files is not None else {}
    paths = {path.resolve(): path for path in project.data_files()} | asked
    documents: list[Document] = []
    broken: list[Path] = []
    problems: list[Problem] = []
    only: list[Document] = []
    for key, path in paths.items():
        document, found = read_document(path, ontology, context)
        wanted = files is None or key in asked
        if wanted:
            problems += found
        if document is None:
            broken.append(path)
            continue
        documents.append(document)
        if wanted:
            only.append(document)
    if files is None:
        problems += check_places(project)
    problems += check_documents(documents, ontology, shapes, only=None if files is None else only, broken=broken)
    return sorted_problems(problems)


def check_places(project: Project) -> list[Problem]:
    """Return a warning for everything that lies among the authored files and is not read."""
    return [
        Problem(
            "unread-file",
            "This is a folder, and folders here are not looked into." if path.is_dir() else "This file is not read.",
            "Authored files lie in data/ and data/cases/, and their names end in .yaml: move or rename it.",
            file=str(path),
            level="warning",
        )
        for path in project.unread_files()
    ]


def check_documents(
    documents: Sequence[Document],
    ontology: OntologyIndex,
    shapes: Sequence[ox.Triple],
    *,
    only: Sequence[Document] | None = None,
    broken: Sequence[Path] = (),
    besides: Iterable[ox.Triple] = (),
) -> list[Problem]:
    """Check documents that are read already.

    Args:
        documents: all documents of a project.
        ontology: the ontology.
        shapes: the shapes, as :func:`~valueweave.authoring.model.read_shapes` returns them.
        only: documents to report on; all by default.
        broken: files that could not be read; references to ids in them are not held against the others.
        besides: what is said in no document; what has a class there may be referred to.

    Returns:
        The problems by file and line. What the form of a record shows already is not told again by a shape.
    """
    stated = list(besides)
    catalogue = Catalogue(documents, ontology, broken)
    catalogue.also.update(
        triple.subject.value
        for triple in stated
        if triple.predicate == _TYPE and isinstance(triple.subject, ox.NamedNode)
    )
    return check_beside(documents, RecordModel(ontology, shapes), shapes, catalogue, only, stated)


def check_beside(
    documents: Sequence[Document],
    model: RecordModel,
    shapes: Sequence[ox.Triple],
    catalogue: Catalogue,
    only: Sequence[Document] | None = None,
    around: Iterable[ox.Triple] = (),
) -> list[Problem]:
    """Check documents beside what a catalogue knows.

    Args:
        documents: documents that are read already.
        model: what a record may say.
        shapes: the shapes.
        catalogue: what is defined, in these documents and elsewhere.
        only: documents to report on; all by default.
        around: what is said elsewhere, as far as shapes may look.

    Returns:
        As :func:`check_documents`.
    """
    findings: list[Finding] = []
    for document in documents if only is None else only:
        findings += check_structure(document, model)
        findings += check_references(document, catalogue)
    told = {(finding.subject, finding.key) for finding in findings}
    # Two records of one id look like one with twice the values; the shapes have nothing to say of that.
    double = {finding.subject for finding in findings if finding.problem.code == "duplicate-id"}
    seen = {(*_place(finding.problem), finding.key) for finding in findings}
    for finding in check_shapes(documents, shapes, catalogue.ontology, catalogue, only, around):
        same = (*_place(finding.problem), finding.problem.message)
        if finding.subject not in double and (finding.subject, finding.key) not in told and same not in seen:
            seen.add(same)
            findings.append(finding)
    return sorted_problems(finding.problem for finding in findings)


def _place(problem: Problem) -> tuple[str | None, int | None, str | None]:
    return problem.file, problem.line, problem.term


def sorted_problems(problems: Iterable[Problem]) -> list[Problem]:
    """Return problems by file, line and column, each once."""
    return sorted(dict.fromkeys(problems), key=lambda p: (p.file or "", p.line or 0, p.column or 0, p.code, p.message))
