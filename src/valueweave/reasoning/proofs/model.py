"""What the answer to "why does this hold?" consists of.

In and out: plain values.
The decision hidden here: the shape of an explanation: proofs that hold the proofs of their premises, down to passages
of the sources; or, of what does not hold, what comes nearest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pyoxigraph as ox

from valueweave.namespaces import shorten_iri
from valueweave.reasoning.rules.files import QueryRule
from valueweave.reasoning.rules.model import Body, Call, Rule, Source

__all__ = ["Explanation", "Nearest", "Passage", "Proof"]


@dataclass(frozen=True, slots=True)
class Passage:
    """Where a source says what a statement says.

    Attributes:
        item: IRI of the evidence item.
        source: IRI of the source.
        section: the section, as printed.
        start: first code point of the span.
        end: the code point after its last.
        sha256: hash of the span.
        kind: IRI of the kind of evidence.
        scope: 0 when the item says that it backs this property, 1 when it backs the whole record, 2 when it backs other
            properties of the record.
    """

    item: str
    source: str
    section: str
    start: int
    end: int
    sha256: str
    kind: str
    scope: int


@dataclass(frozen=True, slots=True)
class Proof:
    """A statement with what it follows from.

    Attributes:
        statement: the statement.
        round: 0 when it is asserted, else the round in which it was inferred.
        rule: the rule of the last step, ``None`` when it is asserted.
        premises: proofs of the premises.
        conditions: what else had to be so, in SPARQL: tests of values, absence of statements, sizes of groups.
        graphs: IRIs of the graphs that assert it.
        passages: its evidence, when it is asserted.
    """

    statement: ox.Triple
    round: int
    rule: Rule | QueryRule | None = None
    premises: tuple[Proof, ...] = ()
    conditions: tuple[tuple[str, Body | Call | int], ...] = ()
    graphs: tuple[str, ...] = ()
    passages: tuple[Passage, ...] = ()

    @property
    def asserted(self) -> bool:
        """Whether it is asserted, by a file or by the ontology."""
        return self.rule is None

    def leaves(self) -> Iterator[Proof]:
        """Yield the asserted statements it rests on, each once."""
        seen: set[ox.Triple] = set()
        todo = [self]
        while todo:
            proof = todo.pop()
            if proof.statement in seen:
                continue
            seen.add(proof.statement)
            if proof.asserted:
                yield proof
            todo.extend(reversed(proof.premises))

    def steps(self) -> int:
        """Return how many different statements it holds that were inferred."""
        seen: set[ox.Triple] = set()
        todo = [self]
        while todo:
            proof = todo.pop()
            if proof.statement not in seen and not proof.asserted:
                seen.add(proof.statement)
                todo.extend(proof.premises)
        return len(seen)


@dataclass(frozen=True, slots=True)
class Nearest:
    """What comes nearest to a statement that does not follow.

    Attributes:
        rule: a rule that would conclude it.
        met: its conditions that are met, as statement patterns in SPARQL.
        unmet: its conditions that are not.
    """

    rule: Rule
    met: tuple[str, ...]
    unmet: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer to: why does this hold?

    Attributes:
        statement: what was asked.
        entailed: whether it holds.
        proofs: proofs, the one of the lowest round first.
        nearest: when it does not hold, rules that would conclude it, the one with the fewest unmet conditions first.
        similar: when it does not hold, statements that differ from it in one place.
        axioms: of a statement about classes or properties, the smallest set of axioms behind it.
        label: gives the label of a term by IRI and language, for the text; without it terms are called by their names.
    """

    statement: ox.Triple
    entailed: bool
    proofs: tuple[Proof, ...] = ()
    nearest: tuple[Nearest, ...] = ()
    similar: tuple[ox.Triple, ...] = ()
    axioms: tuple[Source, ...] = ()
    label: Callable[[str, str], str] | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        """Return it as a tree of text in English, as the command line prints it."""
        from valueweave.reasoning.proofs.text import ProofWriter  # noqa: PLC0415 - that module needs this one

        return ProofWriter(self.label or (lambda iri, _: shorten_iri(iri))).text(self)
