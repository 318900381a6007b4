"""A CONSTRUCT query read as what a rule concludes, and from what.

In: the text of a query. Out: conclusions and alternatives of conditions, as rules have them; or its patterns alone.
The decision hidden here: which part of SPARQL a rule may use, and how its syntax tree is read. Statement patterns (with
sequences and inverses of properties), ``FILTER`` with comparisons, ``FILTER NOT EXISTS``, ``UNION``, ``BIND``, and a
subquery that counts (``GROUP BY ... HAVING (COUNT(DISTINCT ?x) >= n)``). That much can run forwards on tables, on a
store, and backwards for a proof.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import pyoxigraph as ox
import rdflib
from pyparsing import ParseException
from rdflib.paths import InvPath, SequencePath
from rdflib.paths import Path as PropertyPath
from rdflib.plugins.sparql.parserutils import CompValue

from valueweave.problems import InputError, Problem
from valueweave.reasoning.rules.model import Atom, Body, Call, Count, Formula, Slot, Term, Var
from valueweave.reasoning.rules.syntax_tree import syntax_tree, unwrapped

__all__ = ["Construct", "Pattern"]

Pattern: TypeAlias = tuple[Slot, Slot, Slot]
"""A statement pattern whose property may be a variable."""

_FUNCTIONS = frozenset({"STR", "IRI", "CONCAT", "SHA1", "DATATYPE", "LANG", "isIRI", "isLITERAL", "ABS"})
"""Functions of SPARQL that a rule may call."""


class Construct:
    """A CONSTRUCT query that is read.

    Args:
        text: the query.
        file: where it stands, for messages.

    >>> heads, bodies = Construct("CONSTRUCT { ?a <urn:q> ?b } WHERE { ?b <urn:p>/^<urn:p> ?a }", None).read()
    >>> print(*heads, *bodies[0].atoms, sep=" | ")
    ?a <urn:q> ?b | ?b <urn:p> ?step1 | ?a <urn:p> ?step1
    """

    def __init__(self, text: str, file: str | None) -> None:
        self._text, self._file = text, file
        self._fresh = 0
        self._nodes: dict[str, Var] = {}

    def read(self) -> tuple[list[Atom], list[Body]]:
        """Return the conclusions, and the alternatives of conditions.

        Raises:
            InputError: when the query uses what rules cannot.
        """
        tree = self._tree()
        return self._atoms(tree.template), self._group(tree.where)

    def patterns(self) -> tuple[tuple[Pattern, ...], tuple[Pattern, ...]]:
        """Return the patterns of the conditions and of the conclusions, of a query that may use all of SPARQL.

        Patterns stand in the conditions wherever they are but under NOT EXISTS and MINUS. What a path joins is left
        out: its steps have no names.

        Raises:
            InputError: when the query cannot be read.
        """
        tree = self._tree()
        return tuple(dict.fromkeys(self._patterns_in(tree.where))), tuple(self._patterns(tree.template))

    def check(self, head: Atom, body: Body) -> None:
        """Refuse a conclusion with a variable that the conditions leave open, and tests of such variables.

        Raises:
            InputError: naming the variable.
        """
        bound = body.variables()
        for variable in head.variables():
            if variable not in bound:
                raise self._problem(
                    "rule-unbound",
                    f"The conclusion names {variable}, which the conditions do not bind.",
                    "Bind it in a statement pattern, outside NOT EXISTS and in every alternative.",
                    str(variable),
                )
        for test in body.tests:
            for variable in test.variables():
                if variable not in bound:
                    raise self._problem(
                        "rule-unbound",
                        f"A condition tests {variable}, which no statement pattern beside it binds.",
                        "Bind it in a statement pattern of the same group.",
                        str(variable),
                    )

    def _tree(self) -> CompValue:
        try:
            return syntax_tree(self._text)
        except ParseException as error:  # what one parser of SPARQL takes, another may not
            raise InputError(
                Problem("rule-syntax", "The rule cannot be read.", "Write it in plain SPARQL 1.1.", file=self._file,
                        line=error.lineno, column=error.column)
            ) from error  # fmt: skip

    def _problem(self, kind: str, message: str, remedy: str, term: str | None = None) -> InputError:
        line = None
        if term is not None:
            lines = self._text.splitlines()
            line = next((number for number, text in enumerate(lines, 1) if term in text), None)
        return InputError(Problem(kind, message, remedy, file=self._file, line=line, term=term))

    def _refuse(self, what: str, remedy: str) -> InputError:
        return self._problem(
            "rule-feature",
            f"A rule that runs to a fixpoint cannot use {what}.",
            f"{remedy} Or have it run once after all other rules: '#+ evaluation: once'.",
        )

    # -- patterns

    def _patterns_in(self, part: Any) -> Iterator[Pattern]:
        """Yield the statement patterns in a part of the query, but for those that must be absent."""
        if isinstance(part, CompValue):
            if part.name in {"Builtin_NOTEXISTS", "MinusGraphPattern"}:
                return
            if part.name == "TriplesBlock":
                yield from self._patterns(part.triples)
                return
            part = list(part.values())
        if isinstance(part, list) or type(part).__name__ in {"plist", "ParseResults"}:
            for inner in part:
                yield from self._patterns_in(inner)

    def _patterns(self, blocks: Iterable[Any]) -> Iterator[Pattern]:
        for subject, predicate, value in _triples(blocks):
            if not isinstance(predicate, PropertyPath):
                yield self._slot(subject), self._slot(predicate), self._slot(value)

    # -- rules

    def _group(self, group: CompValue) -> list[Body]:
        """Return the alternatives of a group of patterns."""
        if group.name == "SubSelect":
            return [Body(counts=(self._count(group),))]
        bodies = [Body()]
        for part in group.part or []:
            bodies = [body + other for body in bodies for other in self._part(part)]
        return bodies

    def _part(self, part: CompValue) -> list[Body]:
        match part.name:
            case "TriplesBlock":
                return [Body(tuple(self._atoms(part.triples)))]
            case "Filter":
                return [self._filter(part.expr)]
            case "GroupOrUnionGraphPattern":
                return [body for alternative in part.graph for body in self._group(alternative)]
            case "GroupGraphPatternSub":
                return self._group(part)
            case "Bind":
                return [Body(bindings=((Var(str(part.var)), self._formula(part.expr)),))]
            case "OptionalGraphPattern":
                raise self._refuse("OPTIONAL", "Write two rules, or UNION with FILTER NOT EXISTS.")
            case "MinusGraphPattern":
                raise self._refuse("MINUS", "Write FILTER NOT EXISTS.")
            case name:
                raise self._refuse(name, "Use statement patterns, FILTER, UNION, BIND and counting subqueries.")

    def _atoms(self, blocks: Iterable[Any]) -> list[Atom]:
        atoms: list[Atom] = []
        for subject, predicate, value in _triples(blocks):
            atoms += self._joined(self._slot(subject), predicate, self._slot(value))
        return atoms

    def _joined(self, subject: Slot, predicate: Any, value: Slot) -> list[Atom]:
        if isinstance(predicate, SequencePath):
            steps = [subject, *(self._variable() for _ in predicate.args[1:]), value]
            found: list[Atom] = []
            for number, step in enumerate(predicate.args):
                found += self._joined(steps[number], step, steps[number + 1])
            return found
        if isinstance(predicate, InvPath):
            return self._joined(value, predicate.arg, subject)
        if isinstance(predicate, PropertyPath):
            raise self._refuse("this property path", "Use sequences, inverses and UNION.")
        if not isinstance(predicate, rdflib.URIRef):
            raise self._refuse("a variable as a property", "Name the property.")
        if isinstance(subject, ox.Literal):
            raise self._refuse("a literal as a subject", "Name a thing.")
        return [Atom(subject, ox.NamedNode(str(predicate)), value)]

    def _count(self, select: CompValue) -> Count:
        having = [unwrapped(condition) for condition in (select.having.condition if select.having else [])]
        if len(having) == 1 and having[0].name == "RelationalExpression" and having[0].op in {">=", ">"}:
            counted, limit = unwrapped(having[0].expr), unwrapped(having[0].other)
            if (
                isinstance(counted, CompValue)
                and counted.name == "Aggregate_Count"
                and counted.distinct
                and isinstance(limit, rdflib.Literal)
            ):
                variable = unwrapped(counted.vars)
                minimum = int(limit) + (having[0].op == ">")
                grouped = [self._slot(unwrapped(term)) for term in select.groupby.condition] if select.groupby else []
                group = tuple(slot for slot in grouped if isinstance(slot, Var))
                return Count(group, Var(str(variable)), minimum, tuple(self._group(select.where)))
        raise self._refuse(
            "this subquery", "Count so: { SELECT ?x WHERE { ... } GROUP BY ?x HAVING (COUNT(DISTINCT ?y) >= 2) }."
        )

    def _variable(self) -> Var:
        self._fresh += 1
        return Var(f"step{self._fresh}")

    def _slot(self, term: Any) -> Slot:
        if isinstance(term, rdflib.Variable):
            return Var(str(term))
        if isinstance(term, rdflib.BNode):
            return self._nodes.setdefault(str(term), Var(f"node{len(self._nodes) + 1}"))
        return _term(term)

    # -- tests

    def _filter(self, expression: Any) -> Body:
        expression = unwrapped(expression)
        if isinstance(expression, CompValue):
            if expression.name == "Builtin_NOTEXISTS":
                return Body(absent=tuple(self._group(expression.graph)))
            if expression.name == "Builtin_EXISTS":
                raise self._refuse("FILTER EXISTS", "Write the patterns without it.")
            if expression.name == "ConditionalAndExpression":
                return sum((self._filter(part) for part in (expression.expr, *expression.other)), Body())
        formula = self._formula(expression)
        if not isinstance(formula, Call):
            raise self._refuse("this filter", "Compare values.")
        return Body(tests=(formula,))

    def _formula(self, expression: Any) -> Formula:
        expression = unwrapped(expression)
        if isinstance(expression, rdflib.Variable):
            return Var(str(expression))
        if not isinstance(expression, CompValue):
            return _term(expression)
        name = expression.name
        if name == "RelationalExpression":
            left = self._formula(expression.expr)
            if expression.op in {"IN", "NOT IN"}:
                operator, joined = ("=", "||") if expression.op == "IN" else ("!=", "&&")
                return _chained(joined, [Call(operator, (left, self._formula(one))) for one in expression.other])
            return Call(expression.op, (left, self._formula(expression.other)))
        if name in {"ConditionalOrExpression", "ConditionalAndExpression"}:
            parts = [self._formula(part) for part in (expression.expr, *expression.other)]
            return _chained("||" if name == "ConditionalOrExpression" else "&&", parts)
        if name in {"AdditiveExpression", "MultiplicativeExpression"}:
            result = self._formula(expression.expr)
            for operator, other in zip(expression.op, expression.other, strict=True):
                result = Call(str(operator), (result, self._formula(other)))
            return result
        if name == "UnaryNot":
            return Call("!", (self._formula(expression.expr),))
        function = name.removeprefix("Builtin_")
        if function not in _FUNCTIONS:
            raise self._refuse(function, f"Use operators and {', '.join(sorted(_FUNCTIONS))}.")
        given = expression.arg
        arguments = given if isinstance(given, list) or type(given).__name__ == "plist" else [given]
        return Call(function, tuple(self._formula(argument) for argument in arguments))


def _triples(blocks: Iterable[Any]) -> Iterator[tuple[Any, Any, Any]]:
    """Yield subject, predicate and object of the patterns in blocks of the syntax tree, which has them in one row."""
    for block in blocks:
        terms = list(block)
        yield from zip(terms[::3], terms[1::3], terms[2::3], strict=True)


def _term(term: Any) -> Term:
    if isinstance(term, rdflib.URIRef):
        return ox.NamedNode(str(term))
    assert isinstance(term, rdflib.Literal)
    if term.language:
        return ox.Literal(str(term), language=term.language)
    return ox.Literal(str(term), datatype=ox.NamedNode(str(term.datatype))) if term.datatype else ox.Literal(str(term))


def _chained(operator: str, parts: list[Formula]) -> Formula:
    """Return parts joined by an operator that takes two."""
    result = parts[0]
    for part in parts[1:]:
        result = Call(operator, (result, part))
    return result
