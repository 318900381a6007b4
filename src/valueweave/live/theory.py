"""What the ontology says, kept from one change to the next.

In: a project, a version of its store. Out: :class:`Theory`.
The decision hidden here: what a change needs of the ontology is read and compiled once for each state of its files, and
a change of a store whose ontology is not that of the files is refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import pyoxigraph as ox

from valueweave.authoring.context import generate_context
from valueweave.authoring.model import RecordModel, read_shapes
from valueweave.layout import ONTOLOGY_GRAPH
from valueweave.namespaces import PREFIXES
from valueweave.ontology import OntologyIndex
from valueweave.problems import InputError, Problem
from valueweave.project import Project
from valueweave.reasoning.rules.book import RuleBook, RuleText
from valueweave.sparql_tokens import Token, tokens

__all__ = ["Theories", "Theory", "theory_digest"]

_SELECT = ox.NamedNode(PREFIXES["sh"] + "select")


@dataclass
class Theory:
    """The ontology of a store, ready for use.

    Attributes:
        ontology: its terms.
        shapes: the statements of the shapes.
        rules: the rules that the closure of the store was made with.
    """

    ontology: OntologyIndex
    shapes: list[ox.Triple]
    rules: RuleBook

    @cached_property
    def context(self) -> dict[str, Any]:
        """The JSON-LD context of the case files."""
        return generate_context(self.ontology)

    @cached_property
    def model(self) -> RecordModel:
        """What a record of each class may say."""
        return RecordModel(self.ontology, self.shapes)

    @cached_property
    def followed(self) -> frozenset[str]:
        """Properties that shapes follow any number of steps."""
        texts = (triple.object.value for triple in self.shapes if triple.predicate == _SELECT)  # type: ignore[union-attr]
        return frozenset(iri for text in texts for iri in _repeated(text))


def theory_digest(project: Project) -> str:
    """Return the digest of everything that decides what a case may say and what follows from it."""
    total = hashlib.sha256()
    for path in (*project.module_files(), *project.shape_files(), *project.rule_files()):
        total.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


class Theories:
    """Gives the theory of a version; the last one is kept.

    Args:
        project: whose ontology it is.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._key: object = None
        self._theory: Theory | None = None
        self._seen: tuple[object, str] | None = None

    def of(self, manifest: Mapping[str, Any], engine: ox.Store) -> Theory:
        """Return the theory of a version.

        Args:
            manifest: the manifest of the version.
            engine: its statements.

        Raises:
            InputError: when the files of the ontology are not those that the version was built from.
        """
        here = self._digest()
        if manifest.get("theory", here) != here:
            raise InputError(
                Problem(
                    "store-outdated",
                    "The ontology, its shapes or its rules have changed since the store was built.",
                    "Run 'valueweave build', then make the change again.",
                )
            )
        key = here, tuple(sorted(text["name"] for text in manifest.get("rules", ())))
        if self._theory is None or self._key != key:
            graph = ox.NamedNode(ONTOLOGY_GRAPH)
            stated = [quad.triple for quad in engine.quads_for_pattern(None, None, None, graph)]
            self._theory = Theory(
                OntologyIndex.load(self._project),
                read_shapes(self._project.shape_files()),
                RuleBook.compile(stated, [RuleText(**text) for text in manifest.get("rules", ())]),
            )
            self._key = key
        return self._theory

    def _digest(self) -> str:
        paths = (*self._project.module_files(), *self._project.shape_files(), *self._project.rule_files())
        stats = tuple(
            (path.name, told.st_mtime_ns, told.st_size, told.st_ino) for path in paths for told in [path.stat()]
        )
        if self._seen is None or self._seen[0] != stats:
            self._seen = stats, theory_digest(self._project)
        return self._seen[1]


def _repeated(text: str) -> Iterator[str]:
    """Yield the properties of a query that stand before ``+`` or ``*``."""
    code = [token for token in tokens(text) if token.kind not in {"space", "comment"}]
    prefixes = dict(PREFIXES)
    for before, token in pairwise(code):
        if before.kind == "name" and before.text.endswith(":") and token.kind == "iri":
            prefixes[before.text[:-1]] = token.text[1:-1]
    for number, token in enumerate(code):
        if token.text in {"+", "*"} and number:
            yield from _expanded(_path_before(code, number), prefixes)


def _path_before(code: list[Token], number: int) -> list[Token]:
    if code[number - 1].text != ")":
        return [code[number - 1]]
    depth, start = 0, number
    while start and (depth or start == number):
        start -= 1
        depth += (code[start].text == ")") - (code[start].text == "(")
    return code[start:number]


def _expanded(path: Iterable[Token], prefixes: Mapping[str, str]) -> Iterator[str]:
    for token in path:
        if token.kind == "iri":
            yield token.text[1:-1]
        elif token.kind == "name":
            prefix, _, local = token.text.partition(":")
            yield prefixes.get(prefix, "") + local
