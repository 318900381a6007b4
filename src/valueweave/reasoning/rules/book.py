"""The rules of a store: those compiled from its ontology, and the domain rules it was built with.

In: statements of an ontology, texts of rule files. Out: :class:`RuleBook`.
The decision hidden here: a store is explained by the rules it was built with, not by the files as they are now.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pyoxigraph as ox

from valueweave.headers import read_text
from valueweave.namespaces import SCE, shorten_iri
from valueweave.problems import InputError, Problem, did_you_mean
from valueweave.project import Project
from valueweave.reasoning.rules.compiler import Compiled, compile_axioms, labels_of
from valueweave.reasoning.rules.files import QueryRule, read_rule
from valueweave.reasoning.rules.manchester import Labels
from valueweave.reasoning.rules.model import Key, Rule, atom_key, triple_keys
from valueweave.reasoning.rules.rdf_mapping import read_axioms
from valueweave.reasoning.rules.strata import keys_asked, stratify
from valueweave.sparql_text import named_terms

__all__ = ["RuleBook", "RuleText", "rule_texts"]


@dataclass(frozen=True, slots=True)
class RuleText:
    """A rule file: its name without the ending, where it stands, its text."""

    name: str
    file: str
    text: str


def rule_texts(project: Project) -> list[RuleText]:
    """Read the rule files of a project.

    Raises:
        InputError: when one cannot be read.
    """
    return [RuleText(path.stem, str(path), read_text(path)) for path in project.rule_files()]


def _undeclared(given: RuleText, declared: Collection[str]) -> Iterator[Problem]:
    """Yield a problem for each term of the ontology's namespace that a rule names and the ontology does not have.

    A rule with a misspelt term never fires, and nobody would hear of it.
    """
    if not any(iri.startswith(SCE) for iri in declared):
        return
    for iri in named_terms(given.text, SCE):
        if iri not in declared:
            short = shorten_iri(iri)
            known = [shorten_iri(one) for one in declared if one.startswith(SCE)]
            lines = given.text.splitlines()
            line = next((n for n, text in enumerate(lines, 1) if iri.removeprefix(SCE) in text), None)
            remedy = did_you_mean(short, known, "Declare it in a module, or mend the spelling.")
            yield Problem(
                "unknown-term", f"The ontology has no term {short}.", remedy, file=given.file, line=line, term=short
            )


class RuleBook:
    """Rules by name, by what they conclude and by what they ask for.

    Attributes:
        compiled: what became of the axioms.
        domain: rules of rule files.
        queries: rules of rule files that run once, when everything else has been concluded.
        labels: labels of the terms, by IRI and language.
    """

    def __init__(
        self, compiled: Compiled, domain: Sequence[Rule], labels: Labels, queries: Sequence[QueryRule] = ()
    ) -> None:
        self.compiled, self.domain, self.labels, self.queries = compiled, tuple(domain), labels, tuple(queries)

    @classmethod
    def compile(cls, ontology: Iterable[ox.Triple], texts: Iterable[RuleText] = ()) -> RuleBook:
        """Compile an ontology, its imports merged, and read the rules that go with it.

        Raises:
            InputError: with every problem of every rule, or when rules depend on the absence of their own conclusions.
        """
        triples = list(ontology)
        read: list[Rule | QueryRule] = []
        problems: list[Problem] = []
        declared = {triple.subject.value for triple in triples if isinstance(triple.subject, ox.NamedNode)}
        for given in texts:
            try:
                read += read_rule(given.text, given.name, given.file)
            except InputError as error:
                problems += error.problems
            problems += _undeclared(given, declared)
        if problems:
            raise InputError(*problems)
        labels = labels_of(triples)
        domain = [rule for rule in read if isinstance(rule, Rule)]
        queries = [rule for rule in read if isinstance(rule, QueryRule)]
        book = cls(compile_axioms(read_axioms(triples), labels), domain, labels, queries)
        _ = book.strata  # a cycle is told when the rules are read, not when they run
        return book

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """All rules that conclude facts."""
        return (*self.compiled.rules, *(rule for rule in self.domain if not rule.is_check))

    @cached_property
    def checks(self) -> tuple[Rule, ...]:
        """All rules that find contradictions."""
        return (*self.compiled.checks, *(rule for rule in self.domain if rule.is_check))

    @cached_property
    def strata(self) -> list[list[Rule]]:
        """The rules in the order in which they run."""
        return stratify(self.rules)

    @cached_property
    def by_name(self) -> Mapping[str, Rule]:
        """Rules and checks by name."""
        return {rule.name: rule for rule in (*self.rules, *self.checks)}

    @cached_property
    def queries_by_name(self) -> Mapping[str, QueryRule]:
        """Rules that run once, by name."""
        return {rule.name: rule for rule in self.queries}

    @cached_property
    def _by_head(self) -> Mapping[Key, list[Rule]]:
        found: dict[Key, list[Rule]] = defaultdict(list)
        for rule in self.rules:
            found[atom_key(rule.head)].append(rule)
        return found

    @cached_property
    def by_condition(self) -> Mapping[Key, list[tuple[Rule, int]]]:
        """For a key the rules with a condition of that key, and the number of that condition."""
        found: dict[Key, list[tuple[Rule, int]]] = defaultdict(list)
        for rule in self.rules:
            for number, atom in enumerate(rule.body.atoms):
                found[atom_key(atom)].append((rule, number))
        return found

    @cached_property
    def by_group_or_absence(self) -> Mapping[Key, list[Rule]]:
        """For a key the rules that count, or want the absence of, such statements."""
        found: dict[Key, list[Rule]] = defaultdict(list)
        for rule in self.rules:
            stated = {atom_key(atom) for atom in rule.body.atoms}
            for key, absent in keys_asked(rule.body):
                if absent or key not in stated:
                    found[key].append(rule)
        return found

    def concluding(self, triple: ox.Triple) -> Iterator[Rule]:
        """Yield the rules that might conclude ``triple``."""
        for key in triple_keys(triple):
            yield from self._by_head.get(key, ())
