"""Whether a change may matter to a rule that is a query.

In: the text of a rule, statements that came or went. Out: queries that find nothing when the rule still concludes the
same.
The decision hidden here: what every solution of a query needs. A statement matters only where it meets a pattern of the
query, and where the patterns and tests around it are met as well; a part of SPARQL that is not read here is taken to be
met, so that a change may be thought to matter that does not, never the other way round.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyoxigraph as ox
import rdflib
from rdflib.paths import AlternativePath, InvPath, MulPath, SequencePath
from rdflib.paths import Path as PropertyPath
from rdflib.plugins.sparql.algebra import translatePath, translatePName, translatePrologue, traverse
from rdflib.plugins.sparql.parser import parseQuery
from rdflib.plugins.sparql.parserutils import CompValue

from valueweave.namespaces import PREFIXES
from valueweave.reasoning.rules import TYPE, Key, Term

__all__ = ["QueryConditions"]

_OPERATORS = frozenset({"=", "!=", "<", "<=", ">", ">="})
_FUNCTIONS = frozenset({"STR", "LANG", "DATATYPE", "isIRI", "isLITERAL", "ISNUMERIC"})
_Slots = tuple[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A statement pattern of a query, as terms of rdflib, and what must hold around it, in SPARQL."""

    slots: _Slots
    around: str
    bound: frozenset[rdflib.Variable]


class QueryConditions:
    """The statement patterns of a rule, each with what must hold around it.

    >>> rule = "CONSTRUCT { ?a <urn:r> ?b } WHERE { ?a <urn:p> ?b . FILTER NOT EXISTS { ?b <urn:q> ?c } }"
    >>> b, q = ox.NamedNode("urn:b"), ox.NamedNode("urn:q")
    >>> list(QueryConditions(rule).questions([ox.Triple(b, q, b)]))
    ['ASK { VALUES (?b ?c) { (<urn:b> <urn:b>) } ?a <urn:p> ?b . ?b <urn:q> ?c . }']
    """

    def __init__(self, text: str) -> None:
        parsed = parseQuery(text)
        names = functools.partial(translatePName, prologue=translatePrologue(parsed[0], None, dict(PREFIXES)))
        tree = traverse(traverse(parsed[1], visitPost=names), visitPost=translatePath)
        self._fresh = 0
        self._unread = False
        asked = list(self._group(tree.where, "", frozenset()))
        # Statements are looked up by predicate; None stands for a pattern that takes any.
        self._asked: dict[str | None, list[_Asked]] = defaultdict(list)
        for one in asked:
            predicate = one.slots[1]
            self._asked[None if isinstance(predicate, rdflib.Variable) else str(predicate)].append(one)

    def questions(self, triples: Iterable[ox.Triple]) -> Iterator[str]:
        """Yield ASK queries: where all say no, in a state that holds ``triples``, these are in no solution."""
        if self._unread:
            yield "ASK { }"
            return
        rows: dict[_Asked, dict[str, None]] = defaultdict(dict)
        for triple in triples:
            for asked in (*self._asked.get(triple.predicate.value, ()), *self._asked.get(None, ())):
                values = _unify(asked.slots, triple)
                if values is not None:
                    shown = (term for variable, term in values.items() if variable in asked.bound)
                    rows[asked][f"({' '.join(map(str, shown))})"] = None
        for asked, found in rows.items():
            variables = [slot for slot in dict.fromkeys(asked.slots) if slot in asked.bound]
            given = ""
            if variables:
                given = f"VALUES ({' '.join(slot.n3() for slot in variables)}) {{ {' '.join(found)} }} "
            yield f"ASK {{ {given}{asked.around}}}"

    def keys(self, things: Callable[[ox.NamedNode, Term], Iterable[str]]) -> set[Key] | None:
        """Return what the query asks for, or ``None`` when it may be anything.

        Args:
            things: returns the IRIs of what has a value of a property.
        """
        if self._unread:
            return None
        found: set[Key] = set()
        everything = [one.slots for group in self._asked.values() for one in group]
        for _, predicate, value in everything:
            if isinstance(predicate, rdflib.Variable):
                # A property is known by what else is said of it.
                chosen = [
                    things(ox.NamedNode(str(other[1])), _term(other[2]))
                    for other in everything
                    if other[0] == predicate and not any(isinstance(slot, rdflib.Variable) for slot in other[1:])
                ]
                if not chosen:
                    return None
                found.update((iri, None) for iri in chosen[0])
            elif str(predicate) == TYPE.value and isinstance(value, rdflib.URIRef):
                found.add((TYPE.value, str(value)))
            else:
                found.add((str(predicate), None))
        return found

    # -- reading

    def _group(self, group: Any, around: str, bound: frozenset[rdflib.Variable]) -> Iterator[_Asked]:
        """Yield the patterns in a group of patterns, inside groups of which ``around`` must hold."""
        text, variables = self._required(group)
        around, bound = around + text, bound | variables
        if group.name == "SubSelect":  # its variables are its own
            for inner in self._group(group.where, "", frozenset()):
                yield _Asked(inner.slots, around, frozenset())
            return
        for part in group.part or []:
            yield from self._part(part, around, bound)

    def _part(self, part: CompValue, around: str, bound: frozenset[rdflib.Variable]) -> Iterator[_Asked]:
        match part.name:
            case "TriplesBlock":
                for slots in self._slots(part.triples):
                    yield _Asked(slots, around, bound)
            case "Filter":
                for group in _groups_in(part.expr):
                    yield from self._group(group, around, bound)
            case "GroupOrUnionGraphPattern":
                # Which alternative is taken is open; each is asked for with what it needs itself.
                for group in part.graph:
                    yield from self._group(group, around, bound)
            case "OptionalGraphPattern" | "MinusGraphPattern":
                yield from self._group(part.graph, around, bound)
            case "GroupGraphPatternSub":
                yield from self._group(part, around, bound)
            case "Bind":
                for group in _groups_in(part.expr):
                    yield from self._group(group, around, bound)
            case "InlineData":
                return
            case _:
                self._unread = True

    def _required(self, group: Any) -> tuple[str, frozenset[rdflib.Variable]]:
        """Return what a solution of a group needs, in SPARQL, and the variables in it."""
        if group.name == "SubSelect":
            return "", frozenset()
        texts: list[str] = []
        certain: set[rdflib.Variable] = set()
        possible: set[rdflib.Variable] = set()
        for part in group.part or []:
            if part.name == "TriplesBlock":
                for slots in _plain(part.triples):
                    texts.append(" ".join(slot.n3() for slot in slots) + " .")
                    certain.update(slot for slot in slots if isinstance(slot, rdflib.Variable))
            elif part.name == "GroupOrUnionGraphPattern":
                alternatives = [self._required(inner) for inner in part.graph]
                if all(text for text, _ in alternatives):
                    texts.append(" UNION ".join(f"{{ {text}}}" for text, _ in alternatives))
                    possible.update(*(variables for _, variables in alternatives))
        for part in group.part or []:
            if part.name == "Filter":
                test = _test(part.expr)
                if test is not None and test[1] <= certain:
                    texts.append(f"FILTER({test[0]})")
        return "".join(f"{text} " for text in texts), frozenset(certain | possible)

    def _slots(self, blocks: Iterable[Any]) -> Iterator[_Slots]:
        for block in blocks:
            terms = list(block)
            for subject, predicate, value in zip(terms[::3], terms[1::3], terms[2::3], strict=True):
                yield from self._steps(_variable(subject), predicate, _variable(value))

    def _steps(self, subject: Any, path: Any, value: Any) -> Iterator[_Slots]:
        """Yield the statements that a path may go along; a node in between is a variable of its own."""
        if isinstance(path, InvPath):
            yield from self._steps(value, path.arg, subject)
        elif isinstance(path, AlternativePath):
            for one in path.args:
                yield from self._steps(subject, one, value)
        elif isinstance(path, SequencePath):
            nodes = [subject, *(self._node() for _ in path.args[1:]), value]
            ends = len(path.args) - 1
            for number, one in enumerate(path.args):
                # A step that may be left out lets its neighbours end elsewhere.
                yield from self._steps(
                    nodes[number] if number == 0 else self._node(), one, nodes[-1] if number == ends else self._node()
                )
        elif isinstance(path, MulPath):
            once = path.mod == "?"
            yield from self._steps(subject if once else self._node(), path.path, value if once else self._node())
        elif isinstance(path, PropertyPath):
            yield self._node(), self._node(), self._node()
        else:
            yield subject, path, value

    def _node(self) -> rdflib.Variable:
        self._fresh += 1
        return rdflib.Variable(f"between{self._fresh}")


def _term(term: Any) -> Term:
    if isinstance(term, rdflib.URIRef):
        return ox.NamedNode(str(term))
    if term.language:
        return ox.Literal(str(term), language=term.language)
    return ox.Literal(str(term), datatype=ox.NamedNode(str(term.datatype))) if term.datatype else ox.Literal(str(term))


def _variable(term: Any) -> Any:
    return rdflib.Variable(f"node_{term}") if isinstance(term, rdflib.BNode) else term


def _plain(blocks: Iterable[Any]) -> Iterator[_Slots]:
    """Yield the patterns of a block."""
    for block in blocks:
        terms = list(block)
        for subject, predicate, value in zip(terms[::3], terms[1::3], terms[2::3], strict=True):
            yield _variable(subject), predicate, _variable(value)


def _groups_in(expression: Any) -> Iterator[CompValue]:
    """Yield the groups of EXISTS and NOT EXISTS in an expression."""
    if isinstance(expression, CompValue):
        if expression.name in {"Builtin_NOTEXISTS", "Builtin_EXISTS"}:
            yield expression.graph
            return
        expression = list(expression.values())
    if isinstance(expression, list) or type(expression).__name__ in {"plist", "ParseResults"}:
        for inner in expression:
            yield from _groups_in(inner)


def _test(expression: Any) -> tuple[str, frozenset[rdflib.Variable]] | None:
    """Return a test in SPARQL with its variables; of a conjunction what can be read; ``None`` when nothing can."""
    if isinstance(expression, rdflib.Variable):
        return expression.n3(), frozenset({expression})
    if isinstance(expression, rdflib.URIRef | rdflib.Literal):
        return expression.n3(), frozenset()
    if not isinstance(expression, CompValue):
        return None
    if expression.name == "ConditionalAndExpression" and expression.other:
        parts = [part for one in (expression.expr, *expression.other) if (part := _test(one)) is not None]
        return (
            " && ".join(f"({text})" for text, _ in parts),
            frozenset().union(*(variables for _, variables in parts)),
        ) if parts else None  # fmt: skip
    if expression.name == "RelationalExpression" and expression.op in _OPERATORS:
        left, right = _test(expression.expr), _test(expression.other)
        return (f"{left[0]} {expression.op} {right[0]}", left[1] | right[1]) if left and right else None
    function = expression.name.removeprefix("Builtin_")
    if function in _FUNCTIONS:
        inner = _test(expression.arg)
        return (f"{function}({inner[0]})", inner[1]) if inner else None
    if expression.name.endswith("Expression") and expression.other is None and expression.op is None:
        return _test(expression.expr)
    return None


def _unify(slots: _Slots, triple: ox.Triple) -> dict[rdflib.Variable, ox.NamedNode | ox.Literal] | None:
    values: dict[rdflib.Variable, ox.NamedNode | ox.Literal] = {}
    for slot, term in zip(slots, (triple.subject, triple.predicate, triple.object), strict=True):
        if not isinstance(term, ox.NamedNode | ox.Literal):
            return None
        if isinstance(slot, rdflib.Variable):
            if values.setdefault(slot, term) != term:
                return None
        elif _term(slot) != term:
            return None
    return values
