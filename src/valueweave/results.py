"""Answers to queries: tables, yes or no, and graphs.

In: an answer of the engine. Out: :class:`SolutionTable`, :class:`Verdict` or :class:`GraphResult`, each readable in
Python, as text, as HTML in a notebook and in the standard formats.
The decision hidden here: the whole answer is read at once, so that it can be kept, passed between threads and printed
twice; the formats themselves are written by the engine.
"""

from __future__ import annotations

import html
import json
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, overload

import pyoxigraph as ox

from valueweave.namespaces import PREFIXES
from valueweave.store.formats import WRITTEN_PREFIXES, Kind, negotiate
from valueweave.values import Text, Value, to_python, written

__all__ = ["GraphResult", "QueryResult", "Row", "SolutionTable", "Verdict", "read_answer"]

_Term = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple


class Row(tuple[Value | None, ...]):
    """One solution: a tuple whose values can be had by place, by name and as attributes.

    >>> row = Row(("x", 2), ("stage", "order"))
    >>> row["order"], row.order, row[1], row.to_dict()
    (2, 2, 2, {'stage': 'x', 'order': 2})
    """

    names: tuple[str, ...]

    def __new__(cls, values: Sequence[Value | None], names: tuple[str, ...]) -> Row:
        """Make a row of ``values`` called ``names``."""
        made = super().__new__(cls, values)
        made.names = names
        return made

    @overload  # type: ignore[override]
    def __getitem__(self, key: int | str) -> Value | None: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[Value | None, ...]: ...
    def __getitem__(self, key: int | str | slice) -> Value | tuple[Value | None, ...] | None:
        """Return a value by place or by name of the variable."""
        if isinstance(key, str):
            try:
                return super().__getitem__(self.names.index(key))
            except ValueError:
                raise KeyError(f"no variable '{key}'; there are {', '.join(self.names)}") from None
        return super().__getitem__(key)

    def __getattr__(self, name: str) -> Value | None:
        try:
            return super().__getitem__(self.names.index(name))
        except ValueError:
            raise AttributeError(f"no variable '{name}'; there are {', '.join(self.names)}") from None

    def to_dict(self) -> dict[str, Value | None]:
        """Return the values by name."""
        return dict(zip(self.names, self, strict=True))


class QueryResult:
    """What every answer can do."""

    kind: Kind

    def serialize(self, accept: str | None = None) -> bytes:
        """Return the answer in a format.

        Args:
            accept: ``json``, ``xml``, ``csv``, ``tsv``; for a graph ``turtle``, ``ntriples``, ``rdfxml``, ``jsonld``,
                ``nquads``, ``trig``; or a media type.

        Raises:
            NotAcceptableError: when the format cannot hold this kind of answer.
        """
        raise NotImplementedError

    def to_text(self) -> str:
        """Return the answer as plain text for people."""
        raise NotImplementedError

    def to_json(self) -> Any:
        """Return the answer as JSON: SPARQL 1.1 Results JSON, for a graph JSON-LD."""
        return json.loads(self.serialize("json"))


class SolutionTable(QueryResult):
    """The solutions of a SELECT query.

    Attributes:
        variables: names of the columns.
        rows: one :class:`Row` for each solution, with Python values; a variable without a value is ``None``.

    >>> store = ox.Store()
    >>> store.update("INSERT DATA { <urn:a> <urn:size> 3, 4.5 }")
    >>> table = read_answer(store.query("SELECT ?size { ?s <urn:size> ?size } ORDER BY ?size"))
    >>> [row.size for row in table]
    [3, Decimal('4.5')]
    >>> print(table.to_text())
    size
    ----
    3
    4.5
    (2 rows)
    """

    kind: Kind = "solutions"

    def __init__(self, variables: Sequence[str], terms: Sequence[tuple[_Term | None, ...]]) -> None:
        self.variables = tuple(variables)
        self.terms = list(terms)
        self.rows = [
            Row([None if term is None else to_python(term) for term in row], self.variables) for row in self.terms
        ]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Row:
        return self.rows[index]

    def column(self, name: str) -> list[Value | None]:
        """Return the values of one variable, one for each row."""
        return [row[name] for row in self.rows]

    def to_dicts(self) -> list[dict[str, Value | None]]:
        """Return the rows as dictionaries, as ``pandas.DataFrame`` takes them."""
        return [row.to_dict() for row in self.rows]

    def to_json(self) -> dict[str, Any]:
        """Return SPARQL 1.1 Results JSON."""
        bindings = [
            {name: _json_term(term) for name, term in zip(self.variables, row, strict=True) if term is not None}
            for row in self.terms
        ]
        return {"head": {"vars": list(self.variables)}, "results": {"bindings": bindings}}

    def serialize(self, accept: str | None = None) -> bytes:
        """Return the table in a format."""
        chosen = negotiate(accept, self.kind)
        body = json.dumps(self.to_json(), ensure_ascii=False).encode()
        if chosen.name == "json":
            return body
        assert isinstance(chosen.writer, ox.QueryResultsFormat)
        again = ox.parse_query_results(body, format=ox.QueryResultsFormat.JSON)
        assert isinstance(again, ox.QuerySolutions)
        return again.serialize(format=chosen.writer) or b""

    def to_text(self) -> str:
        """Return an aligned table; IRIs are written in their short form."""
        cells = [[written(value).replace("\n", " ") for value in row] for row in self.rows]
        widths = [
            max([_width(name), *(_width(row[place]) for row in cells)]) for place, name in enumerate(self.variables)
        ]
        lines = [list(self.variables), ["-" * width for width in widths], *cells]
        body = ["  ".join(_padded(cell, width) for cell, width in zip(line, widths, strict=True)) for line in lines]
        count = f"({len(self.rows)} row{'' if len(self.rows) == 1 else 's'})"
        return "\n".join([*(line.rstrip() for line in body), count])

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self.variables)
        rows = "".join("<tr>" + "".join(map(_html_cell, row)) + "</tr>" for row in self.rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"

    def __repr__(self) -> str:
        return f"<SolutionTable {len(self.rows)} rows of {', '.join(self.variables)}>"


class Verdict(QueryResult):
    """The answer to an ASK query; ``bool(verdict)`` is the answer.

    >>> print(Verdict(True).to_text(), bool(Verdict(False)))
    yes False
    """

    kind: Kind = "boolean"

    def __init__(self, answer: bool) -> None:
        self.answer = answer

    def __bool__(self) -> bool:
        return self.answer

    def serialize(self, accept: str | None = None) -> bytes:
        """Return the answer in a format."""
        chosen = negotiate(accept, self.kind)
        assert isinstance(chosen.writer, ox.QueryResultsFormat)
        again = ox.parse_query_results(
            json.dumps({"head": {}, "boolean": self.answer}), format=ox.QueryResultsFormat.JSON
        )
        assert isinstance(again, ox.QueryBoolean)
        return again.serialize(format=chosen.writer) or b""

    def to_text(self) -> str:
        """Return ``yes`` or ``no``."""
        return "yes" if self.answer else "no"

    def __repr__(self) -> str:
        return f"<Verdict {self.to_text()}>"


class GraphResult(QueryResult):
    """The graph of a CONSTRUCT or DESCRIBE query: statements, each once, sorted.

    Attributes:
        triples: the statements as the engine's triples.
    """

    kind: Kind = "graph"

    def __init__(self, triples: Sequence[ox.Triple]) -> None:
        self.triples = sorted(dict.fromkeys(triples), key=str)

    def __iter__(self) -> Iterator[tuple[Value, Value, Value]]:
        for triple in self.triples:
            yield to_python(triple.subject), to_python(triple.predicate), to_python(triple.object)

    def __len__(self) -> int:
        return len(self.triples)

    def serialize(self, accept: str | None = None) -> bytes:
        """Return the graph in a format."""
        chosen = negotiate(accept, self.kind)
        assert isinstance(chosen.writer, ox.RdfFormat)
        return ox.serialize(self.triples, format=chosen.writer, prefixes=_used_prefixes(self.triples)) or b""

    def to_text(self) -> str:
        """Return the graph as Turtle."""
        return self.serialize("turtle").decode().rstrip()

    def __repr__(self) -> str:
        return f"<GraphResult {len(self.triples)} statements>"


def read_answer(
    answer: ox.QuerySolutions | ox.QueryBoolean | ox.QueryTriples, reading: Callable[[Any], Iterable[Any]] = iter
) -> SolutionTable | Verdict | GraphResult:
    """Read the whole answer of the engine (in the thread that asked).

    Args:
        answer: as the engine gives it.
        reading: goes through its parts, such as :meth:`EmbeddedStore.reading`, which tells of a broken store.
    """
    if isinstance(answer, ox.QueryBoolean):
        return Verdict(bool(answer))
    if isinstance(answer, ox.QueryTriples):
        return GraphResult(list(reading(answer)))
    names = [variable.value for variable in answer.variables]
    return SolutionTable(names, [tuple(solution) for solution in reading(answer)])


def _used_prefixes(triples: Sequence[ox.Triple]) -> dict[str, str]:
    text = "\n".join(str(part) for triple in triples for part in (triple.subject, triple.predicate, triple.object))
    return {name: base for name, base in WRITTEN_PREFIXES.items() if base in text}


def _json_term(term: ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple) -> dict[str, Any]:
    if isinstance(term, ox.NamedNode):
        return {"type": "uri", "value": term.value}
    if isinstance(term, ox.BlankNode):
        return {"type": "bnode", "value": term.value}
    if isinstance(term, ox.Triple):
        parts = {"subject": term.subject, "predicate": term.predicate, "object": term.object}
        return {"type": "triple", "value": {name: _json_term(part) for name, part in parts.items()}}
    if term.language:
        return {"type": "literal", "value": term.value, "xml:lang": term.language}
    if term.datatype.value == PREFIXES["xsd"] + "string":
        return {"type": "literal", "value": term.value}
    return {"type": "literal", "value": term.value, "datatype": term.datatype.value}


def _html_cell(value: Value | None) -> str:
    language = f' lang="{html.escape(value.language)}"' if isinstance(value, Text) else ""
    return f"<td{language}>{html.escape(written(value))}</td>"


def _width(text: str) -> int:
    """Return how many columns a text takes in a terminal: Chinese characters take two."""
    return sum(
        2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text if not unicodedata.combining(char)
    )


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))
