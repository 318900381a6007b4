"""Where questions about reasoning are asked of a store.

In: a store, terms as people write them. Out: explanations.
The decision hidden here: the rules are those that the store was built with, compiled once for each open store.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import cached_property

import pyoxigraph as ox

from valueweave.description import label_of
from valueweave.layout import ONTOLOGY_GRAPH
from valueweave.namespaces import PREFIXES, SCE, TermError, expand_iri
from valueweave.problems import InputError, Problem
from valueweave.reasoning.assessment.assess import Ground
from valueweave.reasoning.assessment.result import Assessment, assess, rank
from valueweave.reasoning.logic.schema_questions import SchemaQuestions, is_schema_question
from valueweave.reasoning.proofs.explain import Explainer
from valueweave.reasoning.proofs.model import Explanation
from valueweave.reasoning.rules.book import RuleBook, RuleText
from valueweave.store.interface import Store
from valueweave.values import IRI

__all__ = ["ReasoningDesk", "read_statement", "read_term"]

_BARE = re.compile(r"[A-Za-z][\w-]*")


def read_term(text: str) -> ox.NamedNode | ox.Literal:
    """Return the term that ``text`` names: an IRI, a prefixed name, a path below the id namespace, ``a``, or a literal.

    Raises:
        InputError: when it is no term, or a blank node.

    >>> read_term("a").value
    'http://www.w3.org/1999/02/22-rdf-syntax-ns#type'
    >>> read_term('"2016"^^xsd:integer').value
    '2016'
    """
    text = text.strip()
    if text == "a":
        return ox.NamedNode(PREFIXES["rdf"] + "type")
    if text.startswith("_:"):
        raise InputError(
            Problem("blank-term", "A blank node has no name to ask for.", "Name a thing that has an IRI.", term=text)
        )
    if not text.startswith('"'):
        try:
            return ox.NamedNode(expand_iri(text.removeprefix("<").removesuffix(">")))
        except (TermError, ValueError) as error:
            literal = 'A literal is written as "text", "text"@en or "2016"^^xsd:integer, in quotes of the shell.'
            raise InputError(Problem("unknown-term", f"{error}.", literal, term=text)) from error
    prefixes = "".join(f"@prefix {name}: <{iri}> . " for name, iri in PREFIXES.items())
    try:
        quads = list(ox.parse(f"{prefixes}<urn:s> <urn:p> {text} .", format=ox.RdfFormat.TURTLE))
    except SyntaxError as error:
        remedy = 'Write it as in N-Triples: "text", "text"@en or "2016"^^xsd:integer.'
        raise InputError(Problem("literal-syntax", "This is no literal.", remedy, term=text)) from error
    if len(quads) != 1 or not isinstance(quads[0].object, ox.Literal):
        raise InputError(Problem("literal-syntax", "This is no literal.", "Write one literal.", term=text))
    return quads[0].object


def read_statement(subject: str, predicate: str, value: str) -> ox.Triple:
    """Return the statement of three terms as people write them.

    Raises:
        InputError: with every term that cannot be read or cannot stand there.
    """
    problems: list[Problem] = []
    terms: list[ox.NamedNode | ox.Literal] = []
    for text in (subject, predicate, value):
        try:
            terms.append(read_term(text))
        except InputError as error:
            problems += error.problems
    for place, text in zip(("subject", "predicate"), (subject, predicate), strict=True):
        if text.strip().startswith('"'):
            problems.append(Problem("term-place", f"A literal cannot be the {place}.", "Name a thing.", term=text))
    if problems:
        raise InputError(*problems)
    one, link, other = terms
    assert isinstance(one, ox.NamedNode)
    assert isinstance(link, ox.NamedNode)
    return ox.Triple(one, link, other)


class ReasoningDesk:
    """Answers why-questions of one store.

    Args:
        store: the store, with the closure in its default graph.
        require: called with the IRI of each term asked for and the text it was given as; refuses what the graph does
            not know.
        updated: gives what updates have added to the graphs of files.
    """

    def __init__(
        self,
        store: Store,
        require: Callable[[str, str], None],
        updated: Callable[[], AbstractSet[ox.Quad]] = frozenset,
    ) -> None:
        self._store, self._require, self._updated = store, require, updated

    def inherit(self, before: ReasoningDesk) -> None:
        """Take over the rules from the desk of another version with the same ontology and rules."""
        if "rules" in before.__dict__:
            self.__dict__["rules"] = before.rules

    @cached_property
    def rules(self) -> RuleBook:
        """The rules that the store was built with."""
        triples = [quad.triple for quad in self._store.statements(graph=ox.NamedNode(ONTOLOGY_GRAPH))]
        texts = [RuleText(**text) for text in self._store.manifest.get("rules", ())]
        return RuleBook.compile(triples, texts)

    @cached_property
    def explainer(self) -> Explainer:
        """What searches proofs in the store."""
        return Explainer(self._store.engine, self.rules, self._updated)

    def explain(self, subject: str, predicate: str, value: str, *, proofs: int = 1) -> Explanation:
        """Return why a statement holds, or what comes nearest to it.

        Args:
            subject: a term as people write it.
            predicate: a property; ``a`` for the class of a thing.
            value: a term or a literal.
            proofs: how many proofs to give at most.

        Raises:
            InputError: when a term cannot be read or the graph does not know it.
        """
        statement = read_statement(subject, self._full(predicate), self._full(value))
        for term, text in zip(
            (statement.subject, statement.predicate, statement.object), (subject, predicate, value), strict=True
        ):
            # The terms of OWL itself are known to everybody, whether the ontology names them or not.
            if isinstance(term, ox.NamedNode) and not term.value.startswith((PREFIXES["owl"], PREFIXES["rdfs"])):
                self._require(term.value, text)
        found = self.explainer.explain(statement, proofs=proofs)
        if not found.entailed and is_schema_question(statement) and isinstance(statement.object, ox.NamedNode):
            found = self.schema.explain(statement)
        return replace(found, label=self._label)

    @cached_property
    def schema(self) -> SchemaQuestions:
        """What answers questions about classes and properties."""
        ontology = [quad.triple for quad in self._store.statements(graph=ox.NamedNode(ONTOLOGY_GRAPH))]
        return SchemaQuestions(self.rules, ontology)

    # -- assessments

    @cached_property
    def ground(self) -> Ground:
        """What assessments rest on."""
        return Ground(self._store.engine, self.rules)

    def assess(self, individual: str, class_name: str) -> Assessment:
        """Return which conditions of a class a thing meets, and what is missing.

        Args:
            individual: a thing, as people write it.
            class_name: a class; a bare name is one of the ontology.

        Raises:
            InputError: when a term cannot be read, is unknown, is no thing or no class, or nothing says what makes a
                member of the class.
        """
        thing, wanted = self._named(individual, "individual"), self._named(class_name, "class")
        return replace(assess(self.ground, self.explainer, thing, wanted.value, class_name), label=self._label)

    def rank(self, individual: str) -> list[Assessment]:
        """Return the assessments of a thing against every defined class, the nearest first.

        Raises:
            InputError: when the term cannot be read, is unknown or is no thing.
        """
        found = rank(self.ground, self.explainer, self._named(individual, "individual"))
        return [replace(one, label=self._label) for one in found]

    def _label(self, iri: str, language: str) -> str:
        return label_of(self._store, IRI(iri), language)

    def _full(self, text: str) -> str:
        """Return the prefixed name for the bare name of a term of the ontology, anything else as it is."""
        name = text.strip()
        bare = name != "a" and _BARE.fullmatch(name) and _is_term(self._store, ox.NamedNode(SCE + name))
        return f"sce:{name}" if bare else text

    def _named(self, text: str, what: str) -> ox.NamedNode:
        # No thing has a bare name, and whoever leaves out the prefix of a class means the ontology.
        bare = what == "class" and _BARE.fullmatch(text.strip())
        term = read_term(f"sce:{text.strip()}" if bare else text)
        if isinstance(term, ox.Literal):
            remedy = (
                "Name a thing, such as state/cosmo-step-2."
                if what == "individual"
                else "Name a class, such as sce:Stage."
            )
            raise InputError(Problem("term-place", f"A literal cannot be the {what}.", remedy, term=text))
        self._require(term.value, text)
        if what == "individual" and _is_term(self._store, term):
            remedy = "Put the thing first and the class after it."
            raise InputError(
                Problem("not-an-individual", f"'{text}' is a class or property of the ontology.", remedy, term=text)
            )
        return term


def _is_term(store: Store, term: ox.NamedNode) -> bool:
    kinds = {"Class", "ObjectProperty", "DatatypeProperty", "AnnotationProperty"}
    found = store.statements(term, ox.NamedNode(PREFIXES["rdf"] + "type"), None, ox.NamedNode(ONTOLOGY_GRAPH))
    return any(str(quad.object).strip("<>").removeprefix(PREFIXES["owl"]) in kinds for quad in found)
