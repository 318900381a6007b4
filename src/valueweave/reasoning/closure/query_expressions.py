"""The expressions and terms of a query, as far as they are read.

In: parts of the syntax tree of a query, or its text. Out: tests and formulas of rules.
The decision hidden here: which expressions are read: comparisons of variables, terms and a few functions of them. What
is not read is left out, and left out of the text before a parser takes its time for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyoxigraph as ox
import rdflib
from rdflib.plugins.sparql.parserutils import CompValue

from valueweave.reasoning.rules.model import Call, Formula, Slot, Var
from valueweave.reasoning.rules.syntax_tree import unwrapped
from valueweave.sparql_tokens import code_tokens

__all__ = ["formula_of", "slot_of", "tests_of", "without_computed_values"]

_OPERATORS = frozenset({"=", "!=", "<", "<=", ">", ">="})
_FUNCTIONS = frozenset({"STR", "LANG", "DATATYPE", "isIRI", "isLITERAL", "ISNUMERIC"})
_RENAMING = len(("?one", "AS", "?other"))


def without_computed_values(text: str) -> str:
    """Return a query with another value for each variable that is computed; reading an expression takes long.

    What a variable is that it is another one by a second name, and what has patterns in it, stays as it is.

    >>> without_computed_values("ASK { ?a ?b ?c BIND(CONCAT(?c, ')') AS ?d) BIND(?c AS ?e) }")
    'ASK { ?a ?b ?c BIND(0 AS ?d) BIND(?c AS ?e) }'
    """
    code = code_tokens(text)
    pieces, done = [], 0
    for at, token in enumerate(code):
        if token.text.upper() != "BIND" or token.start < done:
            continue
        depth, end = 0, at + 1
        for end in range(at + 1, len(code)):
            depth += {"(": 1, ")": -1}.get(code[end].text, 0)
            if depth == 0:
                break
        inside = code[at + 2 : end]
        if len(inside) > _RENAMING and not any(one.text.upper() == "EXISTS" for one in inside):
            pieces += [text[done : code[at + 2].start], "0 "]
            done = inside[-2].start
    return "".join((*pieces, text[done:]))


def tests_of(expression: Any) -> Iterator[Call]:
    """Yield what can be read of a test; of a conjunction every part."""
    expression = unwrapped(expression)
    if isinstance(expression, CompValue) and expression.name == "ConditionalAndExpression":
        for part in (expression.expr, *expression.other):
            yield from tests_of(part)
        return
    formula = formula_of(expression)
    if isinstance(formula, Call):
        yield formula


def formula_of(expression: Any) -> Formula | None:
    """Return an expression as a formula, ``None`` when it is not read."""
    expression = unwrapped(expression)
    if isinstance(expression, rdflib.Variable | rdflib.URIRef | rdflib.Literal):
        return slot_of(expression)
    if not isinstance(expression, CompValue):
        return None
    if expression.name == "RelationalExpression" and expression.op in _OPERATORS:
        left, right = formula_of(expression.expr), formula_of(expression.other)
        return Call(expression.op, (left, right)) if left is not None and right is not None else None
    function = expression.name.removeprefix("Builtin_")
    if function in _FUNCTIONS:
        inner = formula_of(expression.arg)
        return Call(function, (inner,)) if inner is not None else None
    return None


def slot_of(term: Any) -> Slot:
    """Return a term or a variable of the syntax tree as one of rules; a blank node is a variable."""
    if isinstance(term, Var):
        return term
    if isinstance(term, rdflib.Variable):
        return Var(str(term))
    if isinstance(term, rdflib.BNode):
        return Var(f"node {term}")
    if isinstance(term, rdflib.URIRef):
        return ox.NamedNode(str(term))
    if term.language:
        return ox.Literal(str(term), language=term.language)
    return ox.Literal(str(term), datatype=ox.NamedNode(str(term.datatype))) if term.datatype else ox.Literal(str(term))
