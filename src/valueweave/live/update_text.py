"""The text of a SPARQL update, before an engine sees it.

In: the text of a request. Out: its operations with their parts; a refusal of what would reach out to the network.
The decision hidden here: an update is cut into tokens, and only those at the top of an operation are looked at; what
cannot be cut without doubt is refused. That the text is an update at all has been seen by the engine before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pyoxigraph as ox

from valueweave.namespaces import ID, PREFIXES
from valueweave.problems import Problem
from valueweave.sparql_errors import syntax_error
from valueweave.sparql_text import QueryError, check_query, keyword_place
from valueweave.sparql_tokens import Token, is_ambiguous, place, tokens

__all__ = ["Block", "Operation", "check_update", "read_update", "with_using"]

_LOAD = re.compile("LOAD", re.IGNORECASE)
_UNSURE = QueryError(
    Problem(
        "unreadable-update",
        "The update can be read in more than one way.",
        "Write a space after every '<' that means 'less than', and close every string.",
    )
)


@dataclass(frozen=True, slots=True)
class Block:
    """Statements of a template that go into one graph: the graph as it is written, if any, and their text."""

    graph: str | None
    text: str


@dataclass(slots=True)
class Operation:
    """One operation of an update.

    Attributes:
        kind: ``insert`` and ``delete`` for data, ``modify`` for templates with conditions, ``other``.
        prologue: the prefixes and the base that hold for it.
        text: all of it, without the prologue.
        within: the graph of ``WITH`` as it is written.
        using: the ``USING`` clauses.
        where: the conditions with their braces.
        deletes: the template of what goes.
        inserts: the template of what comes.
    """

    kind: Literal["insert", "delete", "modify", "other"] = "other"
    prologue: str = ""
    text: str = ""
    within: str | None = None
    using: str = ""
    where: str = ""
    deletes: list[Block] = field(default_factory=list)
    inserts: list[Block] = field(default_factory=list)


def check_update(text: str) -> None:
    """Refuse an update that does not parse, or that would make the engine reach out.

    Raises:
        QueryError: with the place of the fault.

    >>> check_update("INSERT DATA { <urn:a> <urn:b> 'LOAD <urn:c>' }")
    >>> check_update("LOAD <http://example.org/>")
    Traceback (most recent call last):
    ...
    valueweave.sparql_text.QueryError: 1:1: error: LOAD: Updates may not fetch documents. ... [load-refused]
    """
    check_query(text)
    if (offset := keyword_place(text, _LOAD)) is not None:
        line, column = place(text, offset)
        raise QueryError(
            Problem(
                "load-refused",
                "Updates may not fetch documents.",
                "Fetch the document yourself, and send what it says with INSERT DATA or to the graph store; if it is a "
                "prefix that is called so, call it otherwise.",
                line=line,
                column=column,
                term="LOAD",
            )
        )
    try:
        # In an empty store the update does nothing that lasts, and nothing that takes long.
        ox.Store().update(text, base_iri=ID, prefixes=PREFIXES)
    except SyntaxError as error:
        raise syntax_error(error, text, kind="update") from error
    except (OSError, RuntimeError, ValueError):
        pass  # an empty store lacks what the update asks for


def read_update(text: str) -> list[Operation]:
    """Return the operations of an update that the engine has found well-formed.

    >>> [one] = read_update("WITH <urn:g> DELETE { ?s ?p 1 } INSERT { GRAPH <urn:h> { ?s ?p 2 } } WHERE { ?s ?p 1 }")
    >>> one.within, one.deletes[0].text, one.inserts[0].graph, one.where
    ('<urn:g>', '?s ?p 1', '<urn:h>', '{ ?s ?p 1 }')
    """
    return list(_Reader(text).operations())


def with_using(text: str, default: Sequence[str], named: Sequence[str]) -> str:
    """Return an update whose conditions are looked up in some graphs, as the protocol's ``using-graph-uri`` says.

    Args:
        text: the update.
        default: IRIs of the graphs that make up the default graph.
        named: IRIs of the named graphs.

    Raises:
        QueryError: when the update names graphs for that itself.

    Source: SPARQL 1.1 Protocol, section 2.2.3.

    >>> with_using("DELETE WHERE { ?s ?p 1 }", ["urn:g"], [])
    'DELETE {?s ?p 1} USING <urn:g> WHERE { ?s ?p 1 }'
    """
    clauses = " ".join([*(f"USING {_iri(g)}" for g in default), *(f"USING NAMED {_iri(g)}" for g in named)])
    written = []
    for operation in read_update(text):
        if operation.using or operation.within:
            raise QueryError(
                Problem(
                    "using-in-update",
                    "The request names the graphs of the conditions, and the update does, too.",
                    "Leave out USING, USING NAMED and WITH, or the using-graph-uri parameters.",
                )
            )
        body = operation.text
        if operation.kind == "modify":
            templates = (("DELETE", operation.deletes), ("INSERT", operation.inserts))
            parts = [f"{word} {{{_template(blocks)}}}" for word, blocks in templates if blocks or word in _words(body)]
            body = f"{' '.join(parts)} {clauses} WHERE {operation.where}"
        written.append((operation.prologue, body))
    # The prologue of an operation holds all those before it. The embedded engine takes one at the beginning only.
    prologues = {prologue for prologue, _ in written}
    if len(prologues) == 1:
        return f"{prologues.pop()} {' ; '.join(body for _, body in written)}".strip()
    return " ; ".join(f"{prologue} {body}".strip() for prologue, body in written)


def _iri(text: str) -> str:
    return str(ox.NamedNode(text))


def _words(text: str) -> set[str]:
    """Return the words at the top of an operation."""
    depth, found = 0, set()
    for token in _code(text):
        depth += (token.text == "{") - (token.text == "}")
        if depth == 0:
            found.add(token.text.upper())
    return found


def _template(blocks: Sequence[Block]) -> str:
    return " ".join(block.text if block.graph is None else f"GRAPH {block.graph} {{{block.text}}}" for block in blocks)


def _code(text: str) -> list[Token]:
    """Return the tokens that are no space and no comment.

    Raises:
        QueryError: when the text can be cut in more than one way.
    """
    if is_ambiguous(text):
        raise _UNSURE
    return [token for token in tokens(text) if token.kind not in {"space", "comment"}]


class _Reader:
    """Reads operations from the tokens of an update."""

    def __init__(self, text: str) -> None:
        self._text, self._code, self._at = text, _code(text), 0
        self._prologue = ""

    def operations(self) -> Iterator[Operation]:
        while (word := self._word()) is not None:
            if word == ";":
                self._at += 1
            elif word in {"PREFIX", "BASE", "VERSION"}:
                start = self._at
                self._at += 3 if word == "PREFIX" else 2
                self._prologue += self._between(start, self._at) + " "
            else:
                start = self._at
                operation = self._operation(word)
                operation.prologue, operation.text = self._prologue, self._between(start, self._at)
                yield operation

    def _operation(self, word: str) -> Operation:
        operation = Operation()
        if word == "WITH":
            operation.within = self._code[self._at + 1].text
            self._at += 2
            word = self._word() or ""
        if word not in {"INSERT", "DELETE"}:
            while self._word() not in {None, ";"}:
                self._at += 1
            return operation
        after = self._word(1)
        if after == "DATA":
            self._at += 2
            operation.kind = "insert" if word == "INSERT" else "delete"
            (operation.inserts if word == "INSERT" else operation.deletes).extend(self._blocks())
            return operation
        operation.kind = "modify"
        if after == "WHERE":
            self._at += 2
            start = self._at
            operation.deletes = self._blocks()
            operation.where = self._between(start, self._at)
            return operation
        while (word := self._word() or "") in {"DELETE", "INSERT"}:
            self._at += 1
            (operation.deletes if word == "DELETE" else operation.inserts).extend(self._blocks())
        start = self._at
        while self._word() != "WHERE":
            self._at += 1
        operation.using = self._between(start, self._at)
        self._at += 1
        start = self._at
        self._skip()
        operation.where = self._between(start, self._at)
        return operation

    def _blocks(self) -> list[Block]:
        """Read a template in its braces."""
        self._at += 1
        found, start = [], self._at
        while self._word() != "}":
            if self._word() == "{":  # of an annotation
                self._skip()
                continue
            if self._word() != "GRAPH":
                self._at += 1
                continue
            found.append(Block(None, self._between(start, self._at)))
            graph = self._code[self._at + 1].text
            self._at += 2
            inner = self._at + 1
            self._skip()
            found.append(Block(graph, self._between(inner, self._at - 1)))
            self._at += self._word() == "."
            start = self._at
        found.append(Block(None, self._between(start, self._at)))
        self._at += 1
        return [block for block in found if block.text.strip()]

    def _skip(self) -> None:
        """Go on behind the closing brace of the opening one here."""
        depth = 0
        while True:
            depth += (self._word() == "{") - (self._word() == "}")
            self._at += 1
            if depth == 0:
                return

    def _word(self, ahead: int = 0) -> str | None:
        at = self._at + ahead
        if at >= len(self._code):
            return None
        return self._code[at].text.upper() if self._code[at].kind in {"word", "symbol"} else ""

    def _between(self, start: int, end: int) -> str:
        """Return the text from one token up to another."""
        if start >= end:
            return ""
        last = self._code[end - 1]
        return self._text[self._code[start].start : last.start + len(last.text)]
