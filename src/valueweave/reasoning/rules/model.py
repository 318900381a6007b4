"""Rules: what follows when certain statements hold.

In and out: plain values. A rule has one conclusion (a statement with variables) and a body; the rules compiled from
axioms and those written as SPARQL are the same from here on.
The decision hidden here: what a body can say, so that it can run on tables, on a store, and backwards for a proof.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import pyoxigraph as ox

from valueweave.namespaces import PREFIXES

__all__ = [
    "NOTHING",
    "TYPE",
    "Atom",
    "Body",
    "Call",
    "Count",
    "Formula",
    "Key",
    "Rule",
    "Slot",
    "Source",
    "Term",
    "Var",
    "atom_key",
    "triple_keys",
]

TYPE = ox.NamedNode(PREFIXES["rdf"] + "type")
NOTHING = ox.NamedNode(PREFIXES["owl"] + "Nothing")
Term: TypeAlias = ox.NamedNode | ox.Literal


@dataclass(frozen=True, slots=True, order=True)
class Var:
    """A variable of a rule, by name."""

    name: str

    def __str__(self) -> str:
        return f"?{self.name}"


Slot: TypeAlias = Var | Term


@dataclass(frozen=True, slots=True)
class Atom:
    """A statement pattern. Its predicate is a property; of a type statement the object is a class."""

    subject: Slot
    predicate: ox.NamedNode
    object: Slot

    def __str__(self) -> str:
        return f"{self.subject} {self.predicate} {self.object}"

    def variables(self) -> Iterator[Var]:
        """Yield its variables."""
        for slot in (self.subject, self.object):
            if isinstance(slot, Var):
                yield slot

    def bind(self, values: Mapping[Var, Term]) -> Atom:
        """Return the atom with the variables replaced that have a value."""
        subject = values.get(self.subject, self.subject) if isinstance(self.subject, Var) else self.subject
        value = values.get(self.object, self.object) if isinstance(self.object, Var) else self.object
        return Atom(subject, self.predicate, value)

    def triple(self) -> ox.Triple:
        """Return it as a statement.

        Raises:
            ValueError: when a variable is left, or a literal would be a subject.
        """
        if not isinstance(self.subject, ox.NamedNode) or isinstance(self.object, Var):
            raise ValueError(f"This is a pattern and no statement: {self}")  # noqa: TRY004 - the types are right
        return ox.Triple(self.subject, self.predicate, self.object)


@dataclass(frozen=True, slots=True)
class Call:
    """An operator or function of SPARQL over values; ``operator`` is as SPARQL writes it (``!=``, ``+``, ``STR``)."""

    operator: str
    arguments: tuple[Formula, ...]

    def variables(self) -> Iterator[Var]:
        """Yield the variables in it."""
        for argument in self.arguments:
            if isinstance(argument, Var):
                yield argument
            elif isinstance(argument, Call):
                yield from argument.variables()

    def __str__(self) -> str:
        if len(self.arguments) == 2 and not self.operator.isalnum():
            return f"({self.arguments[0]} {self.operator} {self.arguments[1]})"
        return f"{self.operator}({', '.join(map(str, self.arguments))})"


Formula: TypeAlias = Var | Term | Call


@dataclass(frozen=True, slots=True)
class Count:
    """There are at least ``minimum`` values of ``counted`` for which one of the bodies holds.

    Attributes:
        group: the variables shared with the conditions outside; others of the same name are other variables.
        counted: whose different values are counted.
        minimum: how many there must be.
        alternatives: where the values come from.
    """

    group: tuple[Var, ...]
    counted: Var
    minimum: int
    alternatives: tuple[Body, ...]


@dataclass(frozen=True, slots=True)
class Body:
    """What must hold: statements, tests of their values, what must be absent, what there must be enough of.

    Attributes:
        atoms: statement patterns.
        tests: conditions on values.
        absent: bodies of which none may hold; variables shared with the atoms are the same thing.
        counts: groups that must be large enough.
        bindings: variables that get a value computed from others, in order.
    """

    atoms: tuple[Atom, ...] = ()
    tests: tuple[Call, ...] = ()
    absent: tuple[Body, ...] = ()
    counts: tuple[Count, ...] = ()
    bindings: tuple[tuple[Var, Formula], ...] = ()

    def __add__(self, other: Body) -> Body:
        return Body(
            tuple(dict.fromkeys(self.atoms + other.atoms)),
            self.tests + other.tests,
            self.absent + other.absent,
            self.counts + other.counts,
            self.bindings + other.bindings,
        )

    def variables(self) -> set[Var]:
        """Return the variables that the atoms and bindings give values to."""
        found = {variable for atom in self.atoms for variable in atom.variables()}
        found.update(variable for count in self.counts for variable in count.group)
        return found | {variable for variable, _ in self.bindings}

    @property
    def plain(self) -> bool:
        """Whether it consists of atoms alone."""
        return not (self.tests or self.absent or self.counts or self.bindings)


@dataclass(frozen=True, slots=True)
class Source:
    """What a rule says, and where it stands.

    Attributes:
        name: short and unique, fit for an IRI.
        kind: ``axiom`` of the ontology, or ``rule`` of a file.
        label: a few words, by language.
        text: what it says, by language.
        terms: IRIs of the classes and properties it is about, the defined one first.
        file: the rule file, if it is one.
        assumption: what is taken for granted beyond the ontology, ``""`` when nothing is.
    """

    name: str
    kind: str
    label: Mapping[str, str] = field(hash=False)
    text: Mapping[str, str] = field(hash=False)
    terms: tuple[str, ...] = ()
    file: str | None = None
    assumption: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """``head`` follows wherever ``body`` holds.

    A head that puts something into ``owl:Nothing`` makes the rule a check: what it finds is a contradiction.

    Attributes:
        name: unique; rules of one source have its name, with a number when there are several.
        head: the conclusion.
        body: the conditions.
        source: what the rule stands for.
    """

    name: str
    head: Atom
    body: Body
    source: Source

    @property
    def is_check(self) -> bool:
        """Whether it finds contradictions."""
        return self.head.predicate == TYPE and self.head.object == NOTHING

    def __str__(self) -> str:
        return f"{self.head} <- {', '.join(map(str, self.body.atoms))}"


Key: TypeAlias = tuple[str, str | None]
"""What a statement is about: its predicate, and for types the class."""


def atom_key(atom: Atom) -> Key:
    """Return the predicate of ``atom``, and its class when it is a type statement.

    >>> atom_key(Atom(Var("x"), TYPE, NOTHING))[1]
    'http://www.w3.org/2002/07/owl#Nothing'
    """
    if atom.predicate == TYPE and isinstance(atom.object, ox.NamedNode):
        return atom.predicate.value, atom.object.value
    return atom.predicate.value, None


def triple_keys(triple: ox.Triple) -> tuple[Key, ...]:
    """Return the keys under which rules may ask for ``triple``."""
    if triple.predicate == TYPE and isinstance(triple.object, ox.NamedNode):
        return (triple.predicate.value, triple.object.value), (triple.predicate.value, None)
    return ((triple.predicate.value, None),)
