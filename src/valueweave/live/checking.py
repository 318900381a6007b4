"""A document put by somebody: read, and checked beside everything that the store says.

In: bytes, the theory, the store. Out: a :class:`~valueweave.authoring.document.Document`, or everything wrong with it.
The decision hidden here: JSON is read by the reader of YAML, which keeps the place of every value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyoxigraph as ox

from valueweave.authoring.document import Document
from valueweave.authoring.loader import read_document
from valueweave.live.cases import LiveCases, Media
from valueweave.live.surroundings import StoreCatalogue, Surroundings
from valueweave.live.theory import Theory
from valueweave.namespaces import GRAPH, ID, SCE, shorten_iri
from valueweave.problems import InputError, Problem, has_errors
from valueweave.validation import check_beside, sorted_problems

__all__ = ["check_case", "file_name", "graphs_of", "read_case", "refuse", "refuse_authored"]

_ACCOUNT = SCE + "Account"
_KINDS = ("case", "account")
_SURROGATES = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")


def file_name(name: str, media: Media) -> str:
    """Return the name of the file of a live case."""
    return f"{name}.{media}"


def graphs_of(name: str) -> list[str]:
    """Return the graphs that the document of a case may fill.

    >>> graphs_of("mill")[0]
    'https://w3id.org/valueweave/graph/case/mill'
    """
    return [f"{GRAPH}{kind}/{name}" for kind in _KINDS]


def read_case(name: str, text: bytes, media: Media, theory: Theory, folder: str = "") -> tuple[Document, list[Problem]]:
    """Read a document.

    Args:
        name: the case that it is to be.
        text: the document.
        media: what it is written in.
        theory: whose keys it uses.
        folder: where messages say that it is.

    Returns:
        The document, and what should be mended in it as a file.

    Raises:
        InputError: with everything that keeps it from being read, or when it is another case or none.
    """
    path = Path(folder, file_name(name, media))
    content = _as_yaml(text, path) if media == "json" else text
    document, problems = read_document(path, theory.ontology, theory.context, content=content)
    if document is None:
        raise InputError(*problems)
    top = document.entries[0]
    written = document.root.get("id")
    if top.iri not in [f"{ID}{kind}/{name}" for kind in _KINDS]:
        line, column = document.file.place(written.start if written else 0)
        told = f"Its id is '{shorten_iri(top.iri)}'." if top.named else "It has no id."
        problems.append(
            Problem(
                "case-id-mismatch",
                f"The document is not that of the case '{name}'. {told}",
                f"Write id: case/{name}, or put the document under the name in its id.",
                str(path),
                line,
                column,
                term="id",
            )
        )
    elif theory.ontology.descendants(_ACCOUNT).isdisjoint(top.types):
        line, column = document.file.place(top.mapping.start)
        problems.append(
            Problem(
                "case-id-mismatch",
                "The document is no case: its type is no kind of account.",
                "Write type: Case at its top; registers of actors, systems and sources are files of the project.",
                str(path),
                line,
                column,
                term="type",
            )
        )
    return document, problems


def refuse_authored(manifest: Mapping[str, Any], name: str) -> None:
    """Refuse to change a case that a file of the project defines.

    Args:
        manifest: of the version that is to be changed.
        name: the case.

    Raises:
        InputError: with the code ``case-of-a-file``, naming the file.
    """
    live = LiveCases(manifest)
    documents = manifest.get("documents", manifest.get("statistics", {}).get("graphs", {}))
    for graph in graphs_of(name):
        if name not in live and graph in documents:
            file = documents[graph]
            raise InputError(
                Problem(
                    "case-of-a-file",
                    f"A file of the project defines {shorten_iri(graph).removeprefix('graph:')}.",
                    "Change the file, and build.",
                    file=file if isinstance(file, str) else None,
                    term=name,
                )
            )


def check_case(document: Document, theory: Theory, beside: Surroundings) -> list[Problem]:
    """Return everything that is wrong with a document, seen beside what others say."""
    catalogue = StoreCatalogue(document, theory.ontology, beside)
    things = {entry.iri for entry in document.entries}
    ahead = {quad.object.value for quad in document.quads() if isinstance(quad.object, ox.NamedNode)}
    around = beside.around(things, ahead, theory.followed)
    return check_beside([document], theory.model, theory.shapes, catalogue, [document], around)


def refuse(problems: list[Problem]) -> list[Problem]:
    """Return the warnings among problems, sorted.

    Raises:
        InputError: with all of them, when there are errors.
    """
    found = sorted_problems(problems)
    if has_errors(found):
        raise InputError(*found)
    return found


def _as_yaml(text: bytes, path: Path) -> bytes:
    """Return JSON as the reader of YAML takes it, every value in its line and all but always in its column.

    Raises:
        InputError: with the place where it stops being JSON.
    """
    try:
        told = text.decode("utf-8")
        json.loads(told)
    except json.JSONDecodeError as error:
        problem = Problem(
            "json-syntax",
            f"The document is not valid JSON: {error.msg}.",
            "Check this line and the one before it.",
            str(path),
            error.lineno,
            error.colno,
        )
        raise InputError(problem) from error
    except (UnicodeDecodeError, RecursionError, ValueError):
        return text  # the reader says what is wrong
    # A tab stands between values only, and YAML does not allow it there; two escapes may be one character.
    joined = _SURROGATES.sub(lambda found: f"{found[1]}\\U{_joined(found[2], found[3]):08x}", told.replace("\t", " "))
    return joined.encode("utf-8")


def _joined(high: str, low: str) -> int:
    return 0x10000 + ((int(high, 16) - 0xD800) << 10) + (int(low, 16) - 0xDC00)
