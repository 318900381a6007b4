"""The street: from the files of a project to a store that answers.

In: a project. Out: a new version of its store, and a :class:`BuildReport`.
The decision hidden here: the order of the steps, and that nothing is written before everything is right.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import duckdb
import pyoxigraph as ox

from valueweave.authoring import Document, load_documents
from valueweave.authoring.model import read_shapes
from valueweave.layout import INFERRED_GRAPH, ONTOLOGY_GRAPH, build_digest
from valueweave.live.carrying import carry
from valueweave.live.theory import Theory, theory_digest
from valueweave.namespaces import PREFIXES, SCE
from valueweave.ontology import OntologyIndex
from valueweave.problems import ContradictionError, InputError, Problem, has_errors
from valueweave.project import Project
from valueweave.reasoning.closure.materialize import Closure, materialize
from valueweave.reasoning.proofs.contradictions import find_contradictions, labels_in, to_problems
from valueweave.reasoning.proofs.text import ProofWriter
from valueweave.reasoning.rules.book import RuleBook, rule_texts
from valueweave.store.places import Place, place_of
from valueweave.validation import check_documents, check_places, validate
from valueweave.version import __version__

__all__ = ["BuildReport", "Progress", "build"]

_PATIENCE = 120.0
"""How many seconds a build waits for another one."""

_TYPE = ox.NamedNode(PREFIXES["rdf"] + "type")
_EVIDENCE = ox.NamedNode(SCE + "hasEvidence")

Progress = Callable[[str, int, int], None]
"""Told before each step: what begins, its number (from 0), how many there are; at the end ``("done", n, n)``."""


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did.

    Attributes:
        built: false when nothing had changed, so that nothing was done.
        version: the version of the store that is now current.
        counts: ``files``, ``records``, ``evidence``, ``asserted``, ``inferred``, ``ontology``, ``statements``,
            ``quads``, ``contradictions``.
        seconds: how long it took.
        store: folder of the store, or the address of its engine.
        warnings: what should be mended, but did not stop the build.
    """

    built: bool
    version: str
    counts: dict[str, int]
    seconds: float
    store: str
    warnings: tuple[Problem, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """Return the report as a JSON object."""
        return {**asdict(self), "warnings": [problem.to_json() for problem in self.warnings]}

    def to_text(self) -> str:
        """Return the report in a few lines."""
        if not self.built:
            return f"Nothing has changed since version {self.version} was built; nothing to do."
        c = self.counts
        told = (
            f"Built version {self.version} in {self.seconds:.1f} s: {c['files']} files, {c['records']} records, "
            f"{c['evidence']} evidence items;\n{c['asserted']} statements asserted, {c['inferred']} inferred, "
            f"{c['ontology']} of the ontology."
        )
        if c.get("contradictions"):
            told += f"\nMARKED: contradictions let pass: {c['contradictions']}. What rests on them proves nothing."
        return told


def build(
    project: Project,
    *,
    force: bool = False,
    allow_contradictions: bool = False,
    drop_live: Collection[str] = (),
    drop_updates: bool = False,
    progress: Progress | None = None,
    tell: Callable[[str], None] | None = None,
    wait: float = _PATIENCE,
) -> BuildReport:
    """Build the store of a project; when its inputs have not changed and the store is sound, do nothing.

    Args:
        project: whose files to build.
        force: build also when nothing has changed.
        allow_contradictions: write a store whose statements contradict each other; it is marked as such.
        drop_live: names of live cases to take out; all others are taken over, as is what updates have done.
        drop_updates: take out what updates have done.
        progress: told before each step.
        tell: told, in words, that this waits for another build.
        wait: how many seconds to wait for another build of the store; its result is taken when it is what is wanted.

    Returns:
        What was done.

    Raises:
        InputError: with every problem found; the store is then as it was.
        ContradictionError: with every contradiction, when the input has no other fault.
    """
    started = time.perf_counter()
    digest = build_digest(project)
    place = place_of(project)
    wanted = _Wanted(allow_contradictions, tuple(drop_live), drop_updates)
    force = force or bool(drop_live) or drop_updates
    if not force and (found := _unchanged(place, digest, allow_contradictions)):
        return BuildReport(False, found["version"], found["counts"], time.perf_counter() - started, project.place)
    with place.building(wait, tell) as waited:
        if waited and not drop_live and not drop_updates and (found := _unchanged(place, digest, allow_contradictions)):
            seconds = time.perf_counter() - started
            return BuildReport(False, found["version"], found["counts"], seconds, project.place)
        complete, problems = _build(project, place, digest, progress, wanted)
    return BuildReport(
        True,
        complete["version"],
        complete["counts"],
        time.perf_counter() - started,
        project.place,
        tuple(problems),
    )


def _unchanged(place: Place, digest: str, allow_contradictions: bool) -> dict[str, Any] | None:
    """Return the manifest of the current version when it is of these inputs and its files are sound."""
    manifest = place.current_or_none()
    if manifest is None or manifest["digest"] != digest or not place.is_intact():
        return None
    if manifest["counts"].get("contradictions") and not allow_contradictions:
        return None
    return manifest


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a build is to let pass and to leave out."""

    contradictions: bool
    without_live: tuple[str, ...]
    without_updates: bool


def _build(
    project: Project, place: Place, digest: str, progress: Progress | None, wanted: _Wanted
) -> tuple[dict[str, Any], list[Problem]]:
    """Take every step; return the manifest of the new version and the warnings."""
    step = _Steps(progress, ("ontology", "records", "checks", "reasoning", "store"))
    step.next()
    ontology = OntologyIndex.load(project)
    texts = rule_texts(project)
    rules = RuleBook.compile(ontology.triples, texts)
    step.next()
    try:
        documents = load_documents(project.data_files(), project, ontology)
    except InputError as error:
        # A file that cannot be read must not hide what is wrong with the others.
        raise InputError(*(validate(project) or error.problems)) from error
    theory = Theory(ontology, read_shapes(project.shape_files()), rules)
    carried = carry(place, theory, documents, wanted.without_live, wanted.without_updates)
    authored = {document.graph_iri: document.path.relative_to(project.home).as_posix() for document in documents}
    step.next()
    asserted = carried.asserted(documents)
    documents = [*documents, *carried.documents]
    found = check_documents(documents, ontology, theory.shapes, besides=carried.besides())
    problems = carried.hinted([*check_places(project), *found])
    if has_errors(problems):
        raise InputError(*problems)
    step.next()
    closure = materialize((quad.triple for quad in asserted), ontology.triples, rules)
    inferred = closure.triples()
    allowed = wanted.contradictions
    contradictions = carried.hinted(_contradictions(documents, asserted, ontology.triples, closure, rules, allowed))
    if has_errors(contradictions):
        raise ContradictionError(*problems, *contradictions)
    step.next()
    counts = _counts(documents, asserted, inferred, ontology.triples) | {"contradictions": len(contradictions)}
    complete = place.write_version(
        _layout(ontology.triples, asserted, closure),
        {
            "digest": digest,
            "counts": counts,
            "statistics": _statistics(asserted, inferred),
            "contradictions": [problem.to_json() for problem in contradictions],
            "rules": [asdict(text) for text in texts],
            "theory": theory_digest(project),
            "documents": authored,
            **carried.told(),
            "built_with": {"valueweave": __version__, "pyoxigraph": ox.__version__, "duckdb": duckdb.__version__},
        },
        carried.files(),
    )
    step.done()
    return complete, [*problems, *contradictions]


def _contradictions(
    documents: Sequence[Document],
    asserted: Sequence[ox.Quad],
    ontology: Sequence[ox.Triple],
    closure: Closure,
    rules: RuleBook,
    allowed: bool,
) -> list[Problem]:
    """Return the contradictions of a closure; a store is made for their proofs only when there are any."""
    if not closure.broken:
        return []
    store = ox.Store()
    store.bulk_extend(_layout(ontology, asserted, closure))
    found = find_contradictions(store, rules, closure.broken)
    return to_problems(found, documents, ProofWriter(labels_in(store, rules)), "warning" if allowed else "error")


class _Steps:
    """Counts the steps for the one who watches."""

    def __init__(self, progress: Progress | None, names: Sequence[str]) -> None:
        self._progress, self._names, self._number = progress, names, 0

    def next(self) -> None:
        if self._progress:
            self._progress(self._names[self._number], self._number, len(self._names))
        self._number += 1

    def done(self) -> None:
        if self._progress:
            self._progress("done", len(self._names), len(self._names))


def _layout(ontology: Iterable[ox.Triple], asserted: Sequence[ox.Quad], closure: Closure) -> Iterator[ox.Quad]:
    """Yield every quad of the store: the named graphs, and all statements once more in the default graph."""
    graph = ox.NamedNode(ONTOLOGY_GRAPH)
    everything: dict[ox.Triple, None] = {}
    for triple in ontology:
        everything[triple] = None
        yield ox.Quad(triple.subject, triple.predicate, triple.object, graph)
    for quad in (*asserted, *closure.quads()):
        everything[quad.triple] = None
        yield quad
    for triple in everything:
        yield ox.Quad(triple.subject, triple.predicate, triple.object)


def _counts(
    documents: Sequence[Document],
    asserted: Sequence[ox.Quad],
    inferred: Sequence[ox.Triple],
    ontology: Sequence[ox.Triple],
) -> dict[str, int]:
    statements = {*(quad.triple for quad in asserted), *inferred}
    return {
        "files": len(documents),
        "records": sum(1 for document in documents for _ in document.records()),
        "evidence": len({quad.object for quad in asserted if quad.predicate == _EVIDENCE}),
        "asserted": len({quad.triple for quad in asserted}),
        "inferred": len(inferred),
        "ontology": len(ontology),
        "statements": len(statements.union(ontology)),
    }


def _statistics(asserted: Sequence[ox.Quad], inferred: Sequence[ox.Triple]) -> dict[str, dict[str, int]]:
    """Count what people ask for on every start page, so that no query has to."""
    graphs = Counter(quad.graph_name.value for quad in asserted if isinstance(quad.graph_name, ox.NamedNode))
    graphs[INFERRED_GRAPH] = len(inferred)
    triples = {*(quad.triple for quad in asserted), *inferred}
    typed = {(triple.subject, triple.object) for triple in triples if triple.predicate == _TYPE}
    types = Counter(term.value for _, term in typed if isinstance(term, ox.NamedNode) and term.value.startswith(SCE))
    return {"graphs": dict(sorted(graphs.items())), "types": dict(sorted(types.items()))}
