"""The W3C tests of SPARQL 1.0 and 1.1, read from a folder of theirs.

In: a folder with manifests somewhere below it: the unpacked `sparql11-test-suite-20121023.tar.gz`, `data-r2.tar.gz`, a
checkout of w3c/rdf-tests. Out: :class:`Trial`, one for each test that is listed.
The decision hidden here: the vocabulary of the manifests, and which tests are not ours to pass.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
import rdflib
from rdflib import RDF, RDFS
from rdflib.collection import Collection
from rdflib.term import Identifier, Node

__all__ = ["BASE", "SUITE", "WHY_SKIPPED", "Trial", "iri_of", "parameters", "statements_of", "trials"]

SUITE = Path(os.environ["VALUEWEAVE_SPARQL_SUITE"]) if os.environ.get("VALUEWEAVE_SPARQL_SUITE") else None
WHY_SKIPPED = "no W3C SPARQL tests: name their folder with VALUEWEAVE_SPARQL_SUITE (docs/conformance.md says where)"
BASE = "http://suite.example/"
"""Where the files of the suite stand, for whatever is relative in them."""

MF = rdflib.Namespace("http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#")
QT = rdflib.Namespace("http://www.w3.org/2001/sw/DataAccess/tests/test-query#")
UT = rdflib.Namespace("http://www.w3.org/2009/sparql/tests/test-update#")
SD = rdflib.Namespace("http://www.w3.org/ns/sparql-service-description#")
DAWG = rdflib.Namespace("http://www.w3.org/2001/sw/DataAccess/tests/test-dawg#")

_KINDS = {
    "QueryEvaluationTest": "query",
    "CSVResultFormatTest": "query",
    "PositiveSyntaxTest": "query syntax",
    "PositiveSyntaxTest11": "query syntax",
    "NegativeSyntaxTest": "bad query syntax",
    "NegativeSyntaxTest11": "bad query syntax",
    "UpdateEvaluationTest": "update",
    "PositiveUpdateSyntaxTest11": "update syntax",
    "NegativeUpdateSyntaxTest11": "bad update syntax",
}
_FORMATS = {".ttl": ox.RdfFormat.TURTLE, ".rdf": ox.RdfFormat.RDF_XML, ".nt": ox.RdfFormat.N_TRIPLES}
_FROM = re.compile(r"\bFROM\s+(?:NAMED\s+)?<([^>:]+)>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Dataset:
    """Files of the default graph; file by IRI of the named graphs."""

    default: tuple[Path, ...] = ()
    named: tuple[tuple[str, Path], ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        """All files."""
        return (*self.default, *(file for _, file in self.named))


@dataclass(frozen=True, slots=True)
class Trial:
    """One test.

    Attributes:
        suite: `SPARQL 1.0` or `SPARQL 1.1`.
        group: the folder of its manifest.
        name: its name in the manifest.
        kind: `query`, `update`, `query syntax`, `bad query syntax`, ...
        text: the file with the query or the update.
        before: the data it works on.
        after: what an update leaves.
        result: the file of the expected answer of a query.
        lax: whether each solution may come once or several times.
        aside: why it is not run, empty when it is.
    """

    suite: str
    group: str
    name: str
    kind: str
    text: Path
    before: Dataset = field(default_factory=Dataset)
    after: Dataset = field(default_factory=Dataset)
    result: Path | None = None
    lax: bool = False
    aside: str = ""

    @property
    def id(self) -> str:
        """`group/name`, the same in each run."""
        return f"{self.group}/{self.name}" if self.suite.endswith("1") else f"1.0-{self.group}/{self.name}"

    @property
    def own_dataset(self) -> tuple[Path, ...]:
        """The files that the query itself names with FROM."""
        found = [self.text.parent / name for name in _FROM.findall(self.text.read_text("utf-8"))]
        return tuple(dict.fromkeys(file for file in found if file.is_file()))


def iri_of(file: Path) -> str:
    """Return the IRI under which a file of the suite stands."""
    assert SUITE is not None
    return BASE + file.relative_to(SUITE).as_posix()


@cache
def statements_of(file: Path) -> tuple[ox.Quad, ...]:
    """Return what a file says; its blank nodes are of no other file."""
    written = _FORMATS[file.suffix]
    return tuple(ox.parse(path=file, format=written, base_iri=iri_of(file), rename_blank_nodes=True))


def trials() -> list[Trial]:
    """Return the tests of the suite that its manifests list, none twice; none when no folder is named."""
    if SUITE is None:
        return []
    found: dict[str, Trial] = {}
    for manifest in sorted(SUITE.glob("**/manifest.ttl")):
        for trial in _read(manifest):
            found.setdefault(trial.id, trial)
    return list(found.values())


def parameters(found: Sequence[Trial], kind: str | None = None, failing: Mapping[str, str] | None = None) -> list[Any]:
    """Return tests as parameters of a pytest function.

    Args:
        found: the tests.
        kind: which of them; all without it.
        failing: reason by id of those that must fail.
    """
    chosen = [trial for trial in found if kind is None or trial.kind == kind]
    reasons = {trial.id: (failing or {}).get(trial.id) for trial in chosen}
    return [
        pytest.param(
            trial,
            id=trial.id,
            marks=[pytest.mark.xfail(reason=why, strict=True)] if (why := reasons[trial.id]) else [],
        )
        for trial in chosen
    ] or [pytest.param(None, marks=pytest.mark.skip(reason=WHY_SKIPPED), id="none")]


def _read(manifest: Path) -> Iterator[Trial]:
    graph = rdflib.Graph().parse(manifest, publicID=iri_of(manifest), format="turtle")
    entries = graph.value(None, RDF.type, MF.Manifest)
    listed = graph.value(entries, MF.entries) if entries is not None else None
    for entry in Collection(graph, listed) if listed is not None else ():
        names = {str(kind).rsplit("#", 1)[-1] for kind in graph.objects(entry, RDF.type)}
        kind = next((_KINDS[name] for name in sorted(names) if name in _KINDS), None)
        if kind is not None and graph.value(entry, DAWG.approval) != DAWG.Withdrawn:
            yield _trial(graph, entry, kind, manifest.parent)


def _trial(graph: rdflib.Graph, entry: Node, kind: str, folder: Path) -> Trial:
    action, result = graph.value(entry, MF.action), graph.value(entry, MF.result)
    assert action is not None
    update = kind == "update"
    text = graph.value(action, UT.request if update else QT.query) or action
    if str(text).endswith(".ru"):  # some wrong updates are listed among the wrong queries
        kind = kind.replace("query", "update")
    vocabulary = UT if update else QT
    return Trial(
        # The tests of SPARQL 1.0 came in a folder "data-r2", which w3c/rdf-tests calls "sparql10".
        suite="SPARQL 1.0" if {"data-r2", "sparql10"} & set(folder.parts) else "SPARQL 1.1",
        group=folder.name,
        name=str(entry).rsplit("#", 1)[-1],
        kind=kind,
        text=_file(text),
        before=_dataset(graph, action, vocabulary),
        after=_dataset(graph, result, UT) if update and result is not None else Dataset(),
        result=_file(result) if kind == "query" and result is not None else None,
        lax=graph.value(entry, MF.resultCardinality) == MF.LaxCardinality,
        aside=_aside(graph, action, folder),
    )


def _aside(graph: rdflib.Graph, action: Node, folder: Path) -> str:
    if folder.name == "entailment" or (action, SD.entailmentRegime, None) in graph:
        return "entailment regime"
    if folder.name in {"service", "syntax-fed"} or (action, QT.serviceData, None) in graph:
        return "federated query"
    return ""


def _dataset(graph: rdflib.Graph, node: Node, vocabulary: rdflib.Namespace) -> Dataset:
    named = []
    for part in graph.objects(node, vocabulary.graphData):
        inner = graph.value(part, vocabulary.graph)
        file = _file(inner if inner is not None else part)
        label = graph.value(part, RDFS.label)
        named.append((str(label) if label is not None else iri_of(file), file))
    return Dataset(tuple(sorted(_file(data) for data in graph.objects(node, vocabulary.data))), tuple(sorted(named)))


def _file(node: Identifier | Node) -> Path:
    assert SUITE is not None
    return SUITE / str(node).removeprefix(BASE)
