"""Domain rules: what OWL cannot say, written as SPARQL CONSTRUCT in ``ontology/rules/``.

In: rule files. Out: :class:`~valueweave.reasoning.rules.model.Rule` values, like those compiled from axioms, and
:class:`QueryRule` values.
The decision hidden here: what a rule file is: a header that says what the rule says, and a query that runs to a
fixpoint or, written in all of SPARQL, once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyoxigraph as ox

from valueweave.headers import read_header
from valueweave.problems import InputError, Problem
from valueweave.reasoning.rules.construct import Construct, Pattern
from valueweave.reasoning.rules.model import TYPE, Rule, Slot, Source
from valueweave.sparql_errors import syntax_error
from valueweave.sparql_text import check_query, query_form

__all__ = ["QueryRule", "read_rule"]

_NOTHING = re.compile(r"\bowl:Nothing\b|owl#Nothing>")
_KEYS = ("label", "definition", "layer")


@dataclass(frozen=True)
class QueryRule:
    """A rule in all of SPARQL. It runs once, after all others, and sees no conclusion of its kind.

    Attributes:
        name: name of its file, without the ending.
        text: the CONSTRUCT query.
        source: what it says.
        conditions: its conditions, as they stand between the braces.
        prologue: its prefixes, as they stand.
    """

    name: str
    text: str
    source: Source
    conditions: str
    prologue: str

    @cached_property
    def patterns(self) -> tuple[Pattern, ...]:
        """The statement patterns of its conditions, wherever they stand but under NOT EXISTS; for explanations."""
        return self._patterns[0]

    @cached_property
    def head(self) -> tuple[Pattern, ...]:
        """The statement patterns that it concludes."""
        return self._patterns[1]

    @cached_property
    def _patterns(self) -> tuple[tuple[Pattern, ...], tuple[Pattern, ...]]:
        # Reading the tree takes a tenth of a second for a long rule, and only its explanation asks for it.
        return Construct(self.text, self.source.file).patterns()


def read_rule(text: str, name: str, file: str | None = None) -> list[Rule | QueryRule]:
    """Read one rule.

    Args:
        text: header and query.
        name: its name.
        file: where it stands, for messages and explanations.

    Returns:
        For each statement that it concludes, and each alternative of its conditions, a :class:`Rule`; a
        :class:`QueryRule` when its header says ``evaluation: once``.

    Raises:
        InputError: when the header is not complete, the query does not parse, a variable of the conclusion is not bound
            by the conditions, or the query uses what rules cannot.

    >>> rule = '''#+ label: partner
    ... #+ definition: Who works with one is worked with by one.
    ... #+ layer: shortcuts
    ... CONSTRUCT { ?b <urn:q> ?a } WHERE { ?a <urn:p> ?b }'''
    >>> print(*read_rule(rule, "partner"))
    ?b <urn:q> ?a <- ?a <urn:p> ?b
    """
    header = read_header(text, file=file)
    missing = [key for key in _KEYS if not isinstance(header.get(key), str)]
    if missing:
        raise InputError(
            Problem(
                "rule-header",
                f"The rule does not say its {' and '.join(missing)}.",
                "Add '#+ label: ...', '#+ definition: ...' and '#+ layer: ...' at its top.",
                file=file,
            )
        )
    check_query(text, file=file)
    try:
        ox.Store().query(text)
    except SyntaxError as error:
        raise syntax_error(error, text, file=file) from error
    if query_form(text) != "CONSTRUCT":
        raise InputError(Problem("rule-form", "A rule draws conclusions.", "Write it as a CONSTRUCT query.", file=file))
    evaluation = header.get("evaluation", "fixpoint")
    if evaluation not in {"fixpoint", "once"}:
        remedy = "Write 'fixpoint' or 'once', or leave it out."
        raise InputError(Problem("rule-header", f"There is no evaluation '{evaluation}'.", remedy, file=file))
    if evaluation == "once":
        if _NOTHING.search(text):
            remedy = "Leave out 'evaluation: once', so that what it finds stops a build."
            raise InputError(Problem("rule-check", "A rule that runs once cannot be a check.", remedy, file=file))
        return [_whole(text, name, header, file)]
    query = Construct(text, file)
    heads, bodies = query.read()
    source = _source(name, header, file, [(head.predicate, head.object) for head in heads])
    pairs = [(head, body) for body in bodies for head in heads]
    for head, body in pairs:
        query.check(head, body)
    return [
        Rule(name if len(pairs) == 1 else f"{name}-{number}", head, body, source)
        for number, (head, body) in enumerate(pairs, 1)
    ]


def _whole(text: str, name: str, header: dict[str, Any], file: str | None) -> QueryRule:
    """Return a rule as a query to be run as it is."""
    where = re.search(r"\bWHERE\s*\{", text, re.IGNORECASE)
    if where is None:
        raise InputError(Problem("rule-where", "The conditions have no WHERE.", "Write WHERE before them.", file=file))
    conditions = text[where.end() : text.rindex("}")]
    construct = re.search(r"\bCONSTRUCT\b", text, re.IGNORECASE)
    assert construct is not None
    prologue = "\n".join(line for line in text[: construct.start()].splitlines() if not line.startswith("#"))
    return QueryRule(name, text, _source(name, header, file, []), conditions, prologue)


def _source(name: str, header: dict[str, Any], file: str | None, concluded: Iterable[tuple[Slot, Slot]]) -> Source:
    terms: dict[str, None] = {}
    for predicate, value in concluded:
        term = value if predicate == TYPE else predicate
        if isinstance(term, ox.NamedNode):
            terms[term.value] = None
    label, definition = _by_language(header, "label"), _by_language(header, "definition")
    return Source(name, "rule", label, definition, tuple(terms), file, str(header.get("assumption", "")))


def _by_language(header: dict[str, Any], key: str) -> dict[str, str]:
    found = {"en": str(header[key])}
    if isinstance(header.get(f"{key}-zh"), str):
        found["zh"] = header[f"{key}-zh"]
    return found
