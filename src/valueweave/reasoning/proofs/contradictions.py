"""Contradictions: what the checks of a rule book find in a closure, each with its proof and the statements behind it.

In: a closed store, its rules, the files it was built from. Out: :class:`Contradiction`, and problems for a build.
The decision hidden here: one contradiction is one set of asserted statements that cannot all be so. A set that holds
another one says nothing new, and of several ways from one set to a contradiction the shortest is told.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from itertools import islice

import pyoxigraph as ox

from valueweave.authoring import Document
from valueweave.layout import ONTOLOGY_GRAPH
from valueweave.namespaces import ID, PREFIXES, shorten_iri
from valueweave.problems import Level, Problem
from valueweave.reasoning.proofs.explain import Explainer
from valueweave.reasoning.proofs.model import Passage, Proof
from valueweave.reasoning.proofs.text import ProofWriter
from valueweave.reasoning.rules.book import RuleBook
from valueweave.reasoning.rules.model import Rule

__all__ = ["Contradiction", "find_contradictions", "labels_in", "to_problems"]

_MOST = 50
"""So many findings of one check are looked at: one wrong statement may break a check in a thousand places."""

_LABEL = ox.NamedNode(PREFIXES["rdfs"] + "label")
_REMEDY = (
    "Mend or take out one of these statements; where sources differ, keep what they say as stated values with a "
    "discrepancy beside them."
)


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Statements that cannot all be so.

    Attributes:
        check: the axiom or rule that they break.
        proof: how; its statement puts a thing into ``owl:Nothing``.
        leaves: the asserted statements behind it, those of the ontology left out.
    """

    check: Rule
    proof: Proof
    leaves: tuple[Proof, ...]

    @property
    def thing(self) -> ox.NamedNode:
        """What cannot be."""
        assert isinstance(self.proof.statement.subject, ox.NamedNode)
        return self.proof.statement.subject


def find_contradictions(engine: ox.Store, rules: RuleBook, names: Collection[str] | None = None) -> list[Contradiction]:
    """Return the contradictions of a closed store, by thing and check.

    Args:
        engine: a store in the layout of a build: closure in the default graph, who says what in named graphs.
        rules: the rules of the closure.
        names: the checks to look at; all when not given.
    """
    explainer = Explainer(engine, rules)
    found: dict[frozenset[ox.Triple], Contradiction] = {}
    for check in rules.checks:
        if names is not None and check.name not in names:
            continue
        for proof in islice(explainer.prove_all(check), _MOST):
            leaves = tuple(leaf for leaf in proof.leaves() if leaf.graphs != (ONTOLOGY_GRAPH,))
            behind = frozenset(leaf.statement for leaf in leaves)
            one = Contradiction(check, proof, leaves)
            if behind not in found or _shortness(one) < _shortness(found[behind]):
                found[behind] = one
    smallest = [one for behind, one in found.items() if not any(other < behind for other in found)]
    return sorted(smallest, key=lambda one: (str(one.thing), one.check.name))


def _shortness(one: Contradiction) -> tuple[int, str, str]:
    """Return what orders the ways to one contradiction; of a circle of things the first by name is told."""
    return one.proof.steps(), one.thing.value, one.check.name


def labels_in(engine: ox.Store, rules: RuleBook) -> Callable[[str, str], str]:
    """Return what gives the label of a term in a language: that of the ontology, else of ``engine``, else its name."""

    def label(iri: str, language: str) -> str:
        known = dict(rules.labels.get(iri, {}))
        if not known and iri.startswith(ID):
            for quad in engine.quads_for_pattern(ox.NamedNode(iri), _LABEL, None, ox.DefaultGraph()):
                if isinstance(quad.object, ox.Literal):
                    known.setdefault(quad.object.language or "en", quad.object.value)
        return known.get(language) or known.get("en") or shorten_iri(iri)

    return label


def to_problems(
    contradictions: Iterable[Contradiction],
    documents: Iterable[Document],
    writer: ProofWriter,
    level: Level = "error",
) -> list[Problem]:
    """Return contradictions as problems, each at the first of its statements that stands in a file.

    Args:
        contradictions: what was found.
        documents: the files of the build.
        writer: says statements in words.
        level: ``warning`` where they are let pass.
    """
    places = _Places(documents)
    return [places.problem(contradiction, writer, level) for contradiction in contradictions]


class _Places:
    """Where statements stand in files."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self._documents = {document.graph_iri: document for document in documents}

    def problem(self, contradiction: Contradiction, writer: ProofWriter, level: Level) -> Problem:
        check, thing = contradiction.check, contradiction.thing
        placed = [(leaf, self._place(leaf)) for leaf in contradiction.leaves]
        # The statement about the thing itself is the one a reader looks for first.
        placed.sort(key=lambda entry: (entry[1] is None, entry[0].statement.subject != thing))
        said = " ".join(str(check.source.text.get(writer.language) or check.source.text["en"]).split()).rstrip(".")
        told = "; ".join(self._told(leaf, place, writer) for leaf, place in placed)
        message = f"{writer.name(thing)} cannot be as it is told: {said}. But: {told}."
        file, line, column, record, term = next((place for _, place in placed if place), (None,) * 5)
        return Problem(
            "contradiction",
            message,
            _REMEDY,
            file=file,
            line=line,
            column=column,
            record=record or shorten_iri(thing.value),
            term=term,
            level=level,
        )

    def _place(self, leaf: Proof) -> tuple[str, int, int, str, str | None] | None:
        statement = leaf.statement
        assert isinstance(statement.subject, ox.NamedNode)
        value = statement.object.value if isinstance(statement.object, ox.NamedNode | ox.Literal) else None
        for graph in leaf.graphs:
            document = self._documents.get(graph)
            if document is None:
                continue
            place = document.locate(statement.subject.value, statement.predicate.value, value)
            if place is not None:
                line, column, record, key = place
                return str(document.path), line, column, record, key
        return None

    @staticmethod
    def _told(leaf: Proof, place: tuple[str, int, int, str, str | None] | None, writer: ProofWriter) -> str:
        where = [f"{place[0]}:{place[1]}"] if place else [shorten_iri(graph) for graph in leaf.graphs]
        where += [_cited(passage) for passage in leaf.passages[:2]]
        return f"{writer.statement(leaf.statement)} ({', '.join(where)})"


def _cited(passage: Passage) -> str:
    return f"source {passage.source.rsplit('/', 1)[-1]} §{passage.section}, {passage.start}–{passage.end}"
