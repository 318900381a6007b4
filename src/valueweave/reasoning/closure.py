"""What follows from the ontology: from the hierarchy of classes and properties, and from the definitions of classes.

In: asserted quads, the ontology and the rule files. Out: inferred quads.
The decision hidden here: rules are SPARQL CONSTRUCT queries run to a fixpoint in memory. The theory (which statement
follows from which) stands in ``ontology/rules/``; this module only runs it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyoxigraph as ox

from valueweave.headers import read_header, read_text
from valueweave.layout import INFERRED_GRAPH
from valueweave.problems import InputError, Problem
from valueweave.sparql_errors import syntax_error
from valueweave.sparql_text import check_query, query_form

__all__ = ["LAYERS", "Rule", "close", "close_ontology", "load_rules"]

LAYERS = frozenset({"hierarchy", "definitions", "shortcuts", "order"})
"""Layers of the rules that are run, all to one fixpoint: a definition may need a superclass and the other way round."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: what it says, and the CONSTRUCT query that draws its conclusions.

    Attributes:
        name: name of its file, without the ending.
        label: short name for people.
        definition: what it says, in one sentence.
        layer: the layer it belongs to; layers run one after the other.
        text: the query.
        file: where it stands.
    """

    name: str
    label: str
    definition: str
    layer: str
    text: str
    file: str


def load_rules(paths: Iterable[Path]) -> list[Rule]:
    """Read rule files.

    Args:
        paths: files with a CONSTRUCT query under a header of ``label``, ``definition`` and ``layer``.

    Raises:
        InputError: with every problem of every file.
    """
    rules: list[Rule] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            rules.append(_load_rule(path))
        except InputError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError(*problems)
    return rules


def _load_rule(path: Path) -> Rule:
    text = read_text(path)
    header = read_header(text, file=str(path))
    missing = [key for key in ("label", "definition", "layer") if not isinstance(header.get(key), str)]
    if missing:
        raise InputError(
            Problem(
                "rule-header",
                f"The rule does not say its {' and '.join(missing)}.",
                "Add '#+ label: ...', '#+ definition: ...' and '#+ layer: ...' at its top.",
                file=str(path),
            )
        )
    check_query(text, file=str(path))
    try:
        ox.Store().query(text)
    except SyntaxError as error:
        raise syntax_error(error, text, file=str(path)) from error
    if query_form(text) != "CONSTRUCT":
        raise InputError(
            Problem("rule-form", "A rule draws conclusions.", "Write it as a CONSTRUCT query.", file=str(path))
        )
    return Rule(path.stem, header["label"], header["definition"], header["layer"], text, str(path))


def close(store: ox.Store, rules: Sequence[Rule]) -> list[ox.Triple]:
    """Run ``rules`` over the default graph of ``store`` until nothing new follows, adding what follows to it.

    Returns:
        The new statements, each once, in the order in which they were found.
    """
    found: dict[ox.Triple, None] = {}
    while True:
        fresh: dict[ox.Triple, None] = {}
        for rule in rules:
            # The answer is read completely before the store changes: each rule sees what the rule before it found.
            conclusions = [triple for triple in _construct(store, rule) if triple not in found]
            store.extend(_plain(triple) for triple in conclusions)
            fresh.update(dict.fromkeys(conclusions))
            found.update(fresh)
        if not fresh:
            return list(found)


def _plain(triple: ox.Triple) -> ox.Quad:
    return ox.Quad(triple.subject, triple.predicate, triple.object)


def _construct(store: ox.Store, rule: Rule) -> list[ox.Triple]:
    answer = store.query(rule.text)
    assert isinstance(answer, ox.QueryTriples)
    return [triple for triple in dict.fromkeys(answer) if not isinstance(triple.subject, ox.Literal)]


def close_ontology(quads: Iterable[ox.Quad], ontology: Iterable[ox.Triple], rules: Sequence[Rule]) -> list[ox.Quad]:
    """Return what follows from ``quads`` by the axioms of ``ontology`` that the rules cover.

    Args:
        quads: asserted statements, in any graphs.
        ontology: statements of the ontology.
        rules: as :func:`load_rules` gives them; those of :data:`LAYERS` are run.

    Returns:
        Inferred statements about individuals, in the graph ``graph/inferred``, none of them asserted, each once,
        sorted. Not inferred: ``owl:Thing``, top properties, annotations, what follows for classes and properties, and
        membership in classes without a name, such as restrictions.
    """
    store = ox.Store()
    terms: dict[ox.Triple, None] = dict.fromkeys(ontology)
    store.extend(_plain(triple) for triple in terms)
    store.extend(ox.Quad(quad.subject, quad.predicate, quad.object) for quad in quads)
    inferred = close(store, [rule for rule in rules if rule.layer in LAYERS])
    graph = ox.NamedNode(INFERRED_GRAPH)
    named = (triple for triple in inferred if not isinstance(triple.object, ox.BlankNode))
    return sorted((ox.Quad(t.subject, t.predicate, t.object, graph) for t in named), key=str)
