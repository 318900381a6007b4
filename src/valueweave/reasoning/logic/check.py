"""What the description logic reasoner says of a knowledge graph, held against what the rules say.

In: an open graph. Out: :class:`DescriptionReport`.
The decision hidden here: what is compared. The reasoner gets the OWL file without evidence; rules and reasoner must
agree on types in the layer of OWL, domain rules left out. Rules take different names to denote different things; where
they count, the reasoner is told that the counted things differ.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyoxigraph as ox

from valueweave.export import owl_triples
from valueweave.graph import KnowledgeGraph
from valueweave.layout import INFERRED_GRAPH, ONTOLOGY_GRAPH
from valueweave.namespaces import GRAPH, ID, PREFIXES, SCE
from valueweave.problems import InputError, Problem, did_you_mean, name_list
from valueweave.reasoning.closure.materialize import materialize
from valueweave.reasoning.logic.reasoner import DLResult, classify_triples, is_consistent
from valueweave.reasoning.proofs.contradictions import Contradiction, find_contradictions
from valueweave.reasoning.proofs.minimal import BoundReachedError, smallest
from valueweave.reasoning.proofs.model import Explanation, Proof
from valueweave.reasoning.rules.book import RuleBook
from valueweave.reasoning.rules.conditions import group_members, solutions
from valueweave.reasoning.rules.model import TYPE, Body, Count

__all__ = ["LARGE", "DescriptionReport", "case_names", "check_with_reasoner", "projection"]

LARGE = 12_000
"""With more records than this the reasoner gets one case after the other."""

_QUESTIONS = 120
"""So many times the reasoner is asked at most for the smallest set behind a contradiction."""

_REASONS = 5
"""Of so many classes without members it is told by which axioms; their number is mostly due to one of them."""

_OWL, _RDF = PREFIXES["owl"], PREFIXES["rdf"]

Pair = tuple[str, str]
"""An individual and a class, or a class and one above it."""


@dataclass(frozen=True, slots=True)
class DescriptionReport:
    """What the reasoner found.

    Attributes:
        case: name of the case looked at, ``None`` for the whole graph.
        result: the reasoner's answer.
        statements: how many statements it was given.
        only_rules: types that rules conclude and the reasoner does not.
        only_reasoner: types that the reasoner concludes and rules do not.
        beyond_hierarchy: subclass relations that follow from definitions and not from the stated hierarchy.
        contradictions: when there is no model, the contradictions that checks find.
        behind: when checks find none, a smallest set of asserted statements that has no model, each with its evidence;
            ``None`` when the search was ended before it was found.
        reasons: of classes that can have no members, by which axioms.
        seconds: of everything.
    """

    case: str | None
    result: DLResult
    statements: int
    only_rules: tuple[Pair, ...] = ()
    only_reasoner: tuple[Pair, ...] = ()
    beyond_hierarchy: tuple[Pair, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()
    behind: tuple[Proof, ...] | None = None
    reasons: tuple[Explanation, ...] = ()
    seconds: float = field(default=0.0)

    @property
    def sound(self) -> bool:
        """Whether there is a model, every class can have members, and the rules agree."""
        return self.result.consistent and not (self.result.unsatisfiable or self.only_rules or self.only_reasoner)


def case_names(kg: KnowledgeGraph) -> list[str]:
    """Return the names of the accounts: those that ``--case`` takes."""
    graphs = (str(name).removeprefix(GRAPH) for name in kg.store.manifest["statistics"]["graphs"])
    return sorted(name for name in graphs if name.startswith(("case/", "account/")))


def _find_case(kg: KnowledgeGraph, name: str) -> str:
    known = case_names(kg)
    for candidate in (name, f"case/{name}", f"account/{name}"):
        if candidate in known:
            return candidate
    remedy = did_you_mean(name, [*known, *(one.partition("/")[2] for one in known)], f"There are {name_list(known)}.")
    raise InputError(Problem("unknown-case", f"There is no case '{name}'.", remedy, term=name))


def projection(kg: KnowledgeGraph, case: str | None = None) -> list[ox.Triple]:
    """Return what the reasoner is given: ontology and individuals without evidence, of one case or all.

    With a case, what other accounts say is left out; what registers say of actors, systems and concepts stays.

    Raises:
        InputError: when there is no such case.
    """
    everything = owl_triples(kg)
    if case is None:
        return everything
    chosen = _find_case(kg, case)
    others = {GRAPH + name for name in case_names(kg) if name != chosen}
    kept: set[ox.Triple] = set()
    told_by_others: set[ox.Triple] = set()
    for graph in kg.store.graphs():
        if graph.startswith(GRAPH) and not graph.startswith(INFERRED_GRAPH):
            told = told_by_others if graph in others else kept
            told.update(quad.triple for quad in kg.store.statements(graph=ox.NamedNode(graph)))
    said = [triple for triple in everything if triple in kept or triple not in told_by_others]
    individual = ox.NamedNode(_OWL + "NamedIndividual")
    used = {end for triple in said if triple.object != individual for end in (triple.subject, triple.object)}
    return [triple for triple in said if triple.object != individual or triple.subject in used]


def check_with_reasoner(
    kg: KnowledgeGraph,
    cases: Sequence[str] = (),
    *,
    timeout: float = 300.0,
    tell: Callable[[str, int, int], None] | None = None,
) -> list[DescriptionReport]:
    """Ask the reasoner for consistency, unsatisfiable classes, classification and types, and compare with the rules.

    Args:
        kg: the graph.
        cases: names of cases, each looked at by itself; the whole graph when none is given, case by case when it is
            large.
        timeout: seconds for each answer of the reasoner.
        tell: told before each case: its name, its number, how many there are.

    Raises:
        InputError: when there is no such case.
        ReasonerError: when the reasoner is not installed, takes too long or refuses the ontology.
    """
    wanted: list[str | None] = [_find_case(kg, name) for name in cases]
    if not wanted:
        records = kg.statistics()["counts"].get("records", 0)
        wanted = [*case_names(kg)] if records > LARGE else [None]
    reports = []
    for number, case in enumerate(wanted):
        if tell:
            tell(case or "all cases", number, len(wanted))
        reports.append(_check(kg, case, timeout))
    if tell:
        tell("done", len(wanted), len(wanted))
    return reports


def _check(kg: KnowledgeGraph, case: str | None, timeout: float) -> DescriptionReport:
    started = time.perf_counter()
    given = projection(kg, case)
    ontology = [quad.triple for quad in kg.store.statements(graph=ox.NamedNode(ONTOLOGY_GRAPH))]
    book = kg.reasoning.rules
    layer = RuleBook(book.compiled, (), book.labels)
    stated = [triple for triple in given if _is_individual(triple.subject)]
    inferred = materialize(stated, ontology, layer).triples()
    result = classify_triples([*given, *_differences([*given, *inferred], layer)], timeout=timeout)
    if not result.consistent:
        found = find_contradictions(kg.store.engine, book)
        smallest_set = () if found else _behind(given, timeout)
        explainer = kg.reasoning.explainer
        return DescriptionReport(
            case,
            result,
            len(given),
            contradictions=tuple(found),
            behind=None
            if smallest_set is None
            else tuple(explainer.explain(triple).proofs[0] for triple in smallest_set),
            seconds=time.perf_counter() - started,
        )
    below, nothing = ox.NamedNode(PREFIXES["rdfs"] + "subClassOf"), ox.NamedNode(_OWL + "Nothing")
    reasons = [
        kg.reasoning.schema.explain(ox.Triple(ox.NamedNode(name), below, nothing))
        for name in sorted(result.unsatisfiable)[:_REASONS]
    ]
    by_rules = set(_types([*stated, *inferred]))
    by_reasoner = {
        (thing, name)
        for thing, names in result.types.items()
        if thing.startswith(ID)
        for name in names
        if name.startswith(SCE)
    }
    return DescriptionReport(
        case,
        result,
        len(given),
        tuple(sorted(by_rules - by_reasoner)),
        tuple(sorted(by_reasoner - by_rules)),
        tuple(sorted(_beyond(result.superclasses, ontology))),
        reasons=tuple(reasons),
        seconds=time.perf_counter() - started,
    )


def _is_individual(node: object) -> bool:
    return isinstance(node, ox.NamedNode) and node.value.startswith(ID)


def _types(triples: Iterable[ox.Triple]) -> Iterator[Pair]:
    for triple in triples:
        if triple.predicate == TYPE and _is_individual(triple.subject) and isinstance(triple.object, ox.NamedNode):
            assert isinstance(triple.subject, ox.NamedNode)
            if triple.object.value.startswith(SCE):
                yield triple.subject.value, triple.object.value


def _differences(triples: Iterable[ox.Triple], rules: RuleBook) -> Iterator[ox.Triple]:
    """Yield that things differ which a rule counts: what follows for these alone from different names."""
    store = ox.Store()
    store.bulk_extend(ox.Quad(triple.subject, triple.predicate, triple.object) for triple in triples)
    groups: dict[frozenset[ox.NamedNode], None] = {}
    for rule in rules.rules:
        for count in rule.body.counts:
            for values in solutions(store, Body(counts=(count,)), {}):
                members = group_members(store, count, values)
                groups[frozenset(_counted(count, members))] = None
    for number, group in enumerate(groups):
        node, names = ox.BlankNode(f"different{number}"), sorted(group, key=str)
        yield ox.Triple(node, TYPE, ox.NamedNode(_OWL + "AllDifferent"))
        for place, name in enumerate(names):
            link = "distinctMembers" if place == 0 else "rest"
            cell = ox.BlankNode(f"different{number}x{place}")
            prefix = _OWL if place == 0 else _RDF
            before = node if place == 0 else ox.BlankNode(f"different{number}x{place - 1}")
            yield ox.Triple(before, ox.NamedNode(prefix + link), cell)
            yield ox.Triple(cell, ox.NamedNode(_RDF + "first"), name)
        last = ox.BlankNode(f"different{number}x{len(names) - 1}")
        yield ox.Triple(last, ox.NamedNode(_RDF + "rest"), ox.NamedNode(_RDF + "nil"))


def _counted(count: Count, members: Iterable[Sequence[ox.Triple]]) -> Iterator[ox.NamedNode]:
    """Yield the things that are counted: the values in the place of the counted variable."""
    for statements in members:
        for alternative in count.alternatives:
            for atom, statement in zip(alternative.atoms, statements, strict=False):
                for slot, term in ((atom.subject, statement.subject), (atom.object, statement.object)):
                    found = slot == count.counted and atom.predicate == statement.predicate
                    if found and isinstance(term, ox.NamedNode):
                        yield term


def _beyond(superclasses: Mapping[str, frozenset[str]], ontology: Iterable[ox.Triple]) -> Iterator[Pair]:
    """Yield the subclass relations that the stated hierarchy of named classes does not give."""
    above: dict[str, set[str]] = {}
    link = ox.NamedNode(PREFIXES["rdfs"] + "subClassOf")
    for triple in ontology:
        named = isinstance(triple.subject, ox.NamedNode) and isinstance(triple.object, ox.NamedNode)
        if triple.predicate == link and named:
            above.setdefault(triple.subject.value, set()).add(triple.object.value)  # type: ignore[union-attr]
    for name, found in superclasses.items():
        reached: set[str] = set()
        todo = [name]
        while todo:
            for other in above.get(todo.pop(), ()):
                if other not in reached:
                    reached.add(other)
                    todo.append(other)
        yield from ((name, other) for other in found - reached if other.startswith(SCE))


def _behind(given: Sequence[ox.Triple], timeout: float) -> tuple[ox.Triple, ...] | None:
    """Return a smallest set of statements about individuals that has no model together with the ontology."""
    ontology = [triple for triple in given if not _is_individual(triple.subject)]
    individual = ox.NamedNode(_OWL + "NamedIndividual")
    stated = [triple for triple in given if _is_individual(triple.subject) and triple.object != individual]

    def broken(chosen: Sequence[ox.Triple]) -> bool:
        return not is_consistent([*ontology, *chosen], timeout=timeout)

    try:
        found = smallest(stated, broken, most=_QUESTIONS)
    except BoundReachedError:
        return None
    return tuple(found or ())
