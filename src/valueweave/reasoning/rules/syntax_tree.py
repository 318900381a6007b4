"""A SPARQL query as the tree that rdflib reads.

In: the text of a query. Out: its tree, with full IRIs and with paths put together.
The decision hidden here: which of rdflib's steps are taken.
"""

from __future__ import annotations

import functools
from typing import Any

from rdflib.plugins.sparql.algebra import translatePath, translatePName, translatePrologue, traverse
from rdflib.plugins.sparql.parser import parseQuery
from rdflib.plugins.sparql.parserutils import CompValue

from valueweave.namespaces import PREFIXES

__all__ = ["syntax_tree", "unwrapped"]


def syntax_tree(text: str) -> CompValue:
    """Return the tree of a query; the prefixes of the project need no PREFIX line.

    Raises:
        pyparsing.ParseException: when it cannot be read.

    >>> syntax_tree("ASK { ?s a sce:Actor }").name
    'AskQuery'
    """
    parsed = parseQuery(text)
    names = functools.partial(translatePName, prologue=translatePrologue(parsed[0], None, dict(PREFIXES)))
    tree = traverse(traverse(parsed[1], visitPost=names), visitPost=translatePath)
    assert isinstance(tree, CompValue)
    return tree


def unwrapped(expression: Any) -> Any:
    """Return an expression without the levels of the grammar that hold one part only."""
    while (
        isinstance(expression, CompValue)
        and expression.name.endswith("Expression")
        and expression.other is None
        and expression.op is None
    ):
        expression = expression.expr
    return expression
