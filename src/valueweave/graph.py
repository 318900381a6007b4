"""The knowledge graph: the one door that the command line, the server and notebooks use.

In: the store of a project. Out: :class:`KnowledgeGraph` with queries, questions, descriptions, labels and graphs.
The decision hidden here: which graphs of the store a question sees, and how a name is told from a query.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

import pyoxigraph as ox

from valueweave.description import Description, describe, label_of
from valueweave.layout import INFERRED_GRAPH, ONTOLOGY_GRAPH, is_current
from valueweave.names import Names
from valueweave.namespaces import SCE, TermError, expand_iri, shorten_iri
from valueweave.problems import InputError, Problem
from valueweave.project import Project
from valueweave.queries import Question, find_question, load_questions, parse_question
from valueweave.results import GraphResult, SolutionTable, Verdict, read_answer
from valueweave.sparql_text import named_terms
from valueweave.store import StoreMissingError
from valueweave.store.interface import Store
from valueweave.store.places import open_store, place_of
from valueweave.values import IRI

if TYPE_CHECKING:
    import networkx
    import rdflib

    from valueweave.analysis.numbers_report import NumbersReport
    from valueweave.reasoning.assessment.result import Assessment
    from valueweave.reasoning.desk import ReasoningDesk
    from valueweave.reasoning.proofs.model import Explanation
    from valueweave.search import HitPage, Search

__all__ = ["KnowledgeGraph", "Scope", "open"]

Scope = Literal["all", "asserted", "inferred"]


class KnowledgeGraph:
    """A knowledge graph that answers questions; it never changes.

    Make one with :func:`open`. It may be used as a context manager, and from several threads.

    Attributes:
        project: the folders it was built from.
        store: the store it reads.
        names: what it knows by which name.
    """

    def __init__(self, store: Store, project: Project) -> None:
        self.store = store
        self.project = project
        self.names = Names(store)
        self._questions: dict[str, Question] | None = None
        self._search: Search | None = None
        self._making = threading.Lock()

    # -- what it is

    @property
    def version(self) -> str:
        """The version of the store, which changes with every build."""
        return str(self.store.manifest["version"])

    @property
    def stale(self) -> bool:
        """Whether the files of the project have changed since the store was built."""
        return not is_current(self.project)

    def statistics(self) -> dict[str, Any]:
        """Return counts: of files, records, evidence items, statements, and by graph and by class."""
        manifest = self.store.manifest
        return {
            "version": self.version,
            "built_at": manifest.get("built_at"),
            "counts": dict(manifest.get("counts", {})),
            **manifest.get("statistics", {}),
        }

    def successor(self, store: Store) -> KnowledgeGraph:
        """Return the knowledge graph of another version of the store.

        What depends on files of the project alone is handed on, when both versions were built from the same files.
        """
        after = KnowledgeGraph(store, self.project)
        if store.manifest["digest"] == self.store.manifest["digest"]:
            after._questions = self._questions
            if desk := self.__dict__.get("reasoning"):
                after.reasoning.inherit(desk)
        return after

    def close(self) -> None:
        """Let go of the store's files."""
        self.store.close()

    def __enter__(self) -> KnowledgeGraph:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        count = self.store.manifest.get("counts", {}).get("statements", "?")
        return f"<KnowledgeGraph {self.version}: {count} statements>"

    # -- asking

    def questions(self) -> dict[str, Question]:
        """Return the competency questions of the project by name.

        Raises:
            InputError: when a question file is wrong.
        """
        if self._questions is None:
            self._questions = load_questions(self.project)
        return self._questions

    def question(self, text_or_name: str) -> Question:
        """Return the question called so, or the question that a SPARQL text is.

        Raises:
            InputError: when there is no question of that name.
        """
        name = text_or_name.strip()
        if not name or any(char.isspace() or char in "{}<>" for char in name):
            return parse_question(text_or_name)
        return find_question(self.questions(), name)

    def query(
        self,
        text_or_name: str | Question,
        parameters: Mapping[str, object] | None = None,
        scope: Scope = "all",
        **unexpected: object,
    ) -> SolutionTable | Verdict | GraphResult:
        """Answer a SPARQL query or a named question.

        Args:
            text_or_name: a SPARQL query (anything with a space or brace), the name of a question, or a
                :class:`Question`.
            parameters: value by parameter name, as text or as Python values.
            scope: ``all`` sees the ontology and all statements; ``asserted`` leaves out what was inferred; ``inferred``
                sees only that. In ``asserted`` a statement made in two files counts twice in aggregates.
            unexpected: refused, with the form that is right; parameters stand in one mapping.

        Returns:
            A :class:`SolutionTable` for SELECT, a :class:`Verdict` for ASK, a :class:`GraphResult` for CONSTRUCT and
            DESCRIBE.

        Raises:
            InputError: when there is no such question or parameter, or the query does not parse.
        """
        if unexpected:
            name, value = next(iter(unexpected.items()))
            remedy = f"Write query(..., {{{name!r}: {value!r}}})."
            raise InputError(Problem("parameter-form", "Parameters stand in one mapping.", remedy, term=name))
        question = text_or_name if isinstance(text_or_name, Question) else self.question(text_or_name)
        bound = self.bind(question, parameters)
        graphs = self.graphs(scope)
        answer = self.store.query(question.text, substitutions=bound, default_graph=graphs, file=question.file)
        return read_answer(answer, lambda parts: self.store.reading(parts, question.file))

    def bind(
        self, question: Question, parameters: Mapping[str, object] | None = None
    ) -> dict[str, ox.NamedNode | ox.Literal]:
        """Return a term for each variable of a question that has a value, as :meth:`Question.bind`.

        Raises:
            InputError: with every wrong parameter; a bare name must be that of something in the graph.
        """
        try:
            return question.bind(parameters, self.names.knows)
        except InputError as error:
            given = dict(parameters or {})
            raise InputError(*(self.names.with_remedy(problem, given) for problem in error.problems)) from error

    def unknown_names(
        self, question: Question, parameters: Mapping[str, object] | None = None, *, text: bool = True
    ) -> list[Problem]:
        """Return what a question names that is not in the graph: an answer without rows is then no surprise.

        Args:
            question: the question.
            parameters: value by parameter name.
            text: look at the text of the query too, for terms that the ontology does not have.

        Returns:
            A note for each such value and term, with the nearest that there is.

        Raises:
            InputError: as :meth:`bind`.
        """
        bound = self.bind(question, parameters)
        problems = []
        for parameter in question.parameters:
            node = bound.get(parameter.variable)
            if isinstance(node, ox.NamedNode) and not self.names.knows(node.value):
                problems.append(self.names.unknown(node.value, parameter.name))
        if text:
            for iri in named_terms(question.text, SCE):
                if not self.names.knows(iri):
                    problems.append(self.names.unknown(iri, shorten_iri(iri)))
        return problems

    def select(
        self, text_or_name: str | Question, parameters: Mapping[str, object] | None = None, scope: Scope = "all"
    ) -> SolutionTable:
        """Answer a SELECT query; as :meth:`query`, for those who want its type known.

        Raises:
            InputError: as :meth:`query`, and when the query is no SELECT query.
        """
        answer = self.query(text_or_name, parameters, scope)
        if not isinstance(answer, SolutionTable):
            raise InputError(Problem("query-form", "This is no SELECT query.", "Use query() for other forms."))
        return answer

    def graphs(self, scope: Scope) -> list[str] | None:
        """Return the IRIs of the graphs that a scope sees, ``None`` for the store's own default graph."""
        if scope == "all":
            return None
        if scope == "inferred":
            return [INFERRED_GRAPH]
        return [
            ONTOLOGY_GRAPH,
            *(graph for graph in self.store.manifest["statistics"]["graphs"] if graph != INFERRED_GRAPH),
        ]

    # -- terms

    def iri(self, term: str) -> IRI:
        """Return the full IRI of a term as a person writes it.

        Raises:
            InputError: when it is no term.
        """
        try:
            return IRI(expand_iri(term))
        except TermError as error:
            raise InputError(Problem("unknown-term", f"{error}.", "Write it so.", term=term)) from error

    def label(self, term: str, language: str = "en") -> str:
        """Return the label of a term in a language, else in English, else any, else its short form."""
        return label_of(self.store, self.iri(term), language)

    def describe(self, term: str, *, incoming: int = 100) -> Description:
        """Return what the graph says of a term.

        Args:
            term: a full IRI, a prefixed name or a path such as ``actor/jd``.
            incoming: how many statements about it as an object at most.

        Raises:
            InputError: when it is no term, or the graph says nothing of it.
        """
        found = describe(self.store, self.iri(term), incoming)
        if found is None:
            remedy = self.names.unknown(self.iri(term), term).remedy
            raise InputError(Problem("unknown-term", f"The graph says nothing of '{term}'.", remedy, term=term))
        return found

    # -- search

    @property
    def finder(self) -> Search:
        """What finds things by words; its index is made when it is first asked."""
        with self._making:
            if self._search is None:
                from valueweave.search import Search  # noqa: PLC0415 - most who ask a graph search nothing

                self._search = Search(self.store, self.project.lookups)
            return self._search

    def search(self, text: str, kind: str | None = None, language: str | None = None, limit: int = 20) -> HitPage:
        """Return the things and terms that a few words may mean, the best first.

        Labels, alternative names, spellings of the sources and descriptions are searched, in all languages; case,
        accents, width, hyphens and small misspellings do not matter.

        Args:
            text: what to look for.
            kind: a list (``actors``), ``terms``, or a class (``sce:Event``); otherwise anything.
            language: language of the labels shown; otherwise English.
            limit: how many at most.

        Raises:
            InputError: when there is no such kind.

        Example:
            >>> open().search("hailfang").items[0].iri  # doctest: +SKIP
            'https://w3id.org/valueweave/id/platform/hailifang'
        """
        return self.finder.page(text, kind=kind, language=language, limit=limit)

    # -- reasoning

    @cached_property
    def reasoning(self) -> ReasoningDesk:
        """What answers questions about the inferred statements, by the rules that the store was built with."""
        from valueweave.reasoning.desk import ReasoningDesk  # noqa: PLC0415 - a reader of facts needs no rules

        return ReasoningDesk(self.store, self.names.require, lambda: self._updated)

    @cached_property
    def _updated(self) -> frozenset[ox.Quad]:
        """What updates have added to the graphs of files."""
        from valueweave.live.overlay import Overlay  # noqa: PLC0415 - most graphs are as their files say

        manifest = self.store.manifest
        if not manifest.get("updates"):
            return frozenset()
        place = place_of(self.project)
        added = Overlay.read(manifest, lambda name: place.document(manifest, name)).added
        # A graph that updates have made is nobody else's.
        of_files = {
            graph
            for graph in {quad.graph_name for quad in added}
            if isinstance(graph, ox.NamedNode) and any(quad not in added for quad in self.store.statements(graph=graph))
        }
        return frozenset(quad for quad in added if quad.graph_name in of_files)

    def explain(self, subject: str, predicate: str, value: str, *, proofs: int = 1) -> Explanation:
        """Return why a statement holds, down to the passages of the sources, or what comes nearest to it.

        As a string it is the text that ``valueweave explain`` prints.

        Args:
            subject: a term as a person writes it.
            predicate: a property; ``a`` for the class of a thing.
            value: a term or a literal.
            proofs: how many proofs to give at most.

        Raises:
            InputError: when a term cannot be read or the graph does not know it.
        """
        return self.reasoning.explain(subject, predicate, value, proofs=proofs)

    def assess(self, individual: str, class_name: str) -> Assessment:
        """Return which conditions of a class a thing meets, which it does not meet, and what would meet them.

        As a string it is the text that ``valueweave assess`` prints.

        Args:
            individual: a thing, as a person writes it.
            class_name: a class that is defined, or whose members are described; ``sce:`` may be left out.

        Raises:
            InputError: when a term cannot be read or is unknown, or the class has no conditions.
        """
        return self.reasoning.assess(individual, class_name)

    # -- analyses

    def check_numbers(self, source: str | None = None, only: str | None = None) -> NumbersReport:
        """Compute again what the sources print, as :func:`valueweave.analysis.numbers.check_numbers`.

        Raises:
            InputError: when there is no such source or verdict.
        """
        from valueweave.analysis.numbers import check_numbers  # noqa: PLC0415 - analyses load when they are asked for

        return check_numbers(self, source, only)

    # -- as other libraries see it

    def to_rdflib(self, scope: Scope = "all") -> rdflib.Graph:
        """Return the statements of a scope as an ``rdflib.Graph`` with the project's prefixes bound."""
        from valueweave.convert import to_rdflib  # noqa: PLC0415 - rdflib takes long to import

        return to_rdflib(self._scope(scope))

    def to_networkx(self, *, evidence: bool = False, scope: Scope = "all") -> networkx.MultiDiGraph:
        """Return the records and what relates them as a ``networkx.MultiDiGraph``.

        Nodes are IRIs with ``label`` and ``types``; edges are object properties between records, with the property's
        short form as key and ``property``, ``label`` and ``inferred`` as attributes.

        Nodes are the things that have a class and are no backing. A build counts records as they stand in files: it
        counts sources, and a thing as often as records speak of it (one defines it, others may add to it); the case or
        account that a file is about is a node here and no record there.

        Args:
            evidence: also take in evidence items, sources, spellings and stated values.
            scope: whose edges; node attributes always come from all statements.
        """
        from valueweave.convert import to_networkx  # noqa: PLC0415 - networkx takes long to import

        return to_networkx(self, evidence=evidence, scope=scope)

    def _scope(self, scope: Scope) -> Iterator[ox.Triple]:
        names = self.graphs(scope)
        graphs = [ox.DefaultGraph()] if names is None else [ox.NamedNode(name) for name in names]
        seen: set[ox.Triple] = set()
        for graph in graphs:
            for quad in self.store.statements(graph=graph):
                if names is None or len(graphs) == 1:
                    yield quad.triple
                elif quad.triple not in seen:
                    seen.add(quad.triple)
                    yield quad.triple


def open(home: str | Path | None = None, store: str | Path | None = None, *, build: bool = True) -> KnowledgeGraph:
    """Open the knowledge graph of a project.

    Args:
        home: folder of the project; otherwise it is found (``VALUEWEAVE_HOME``, the checkout, the installed package).
        store: folder of the store, or the query address of a SPARQL engine; otherwise that of the project.
        build: build the store when there is none yet.

    Raises:
        InputError: when there is no project, the store is broken, or a missing store cannot be built.

    Example:
        >>> kg = open()  # doctest: +SKIP
    """
    project = Project.find(home, store)
    try:
        return KnowledgeGraph(open_store(project), project)
    except StoreMissingError:
        if not build:
            raise
    from valueweave.build import build as build_store  # noqa: PLC0415 - a reader needs none of what builds need

    build_store(project)
    return KnowledgeGraph(open_store(project), project)
