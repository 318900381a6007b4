"""What SPARQL engines do each in their own way.

In: the name of a dialect. Out: :class:`Dialect`.
The decision hidden here: everything that differs between engines is a value in this table; the code that talks to them
knows none by name. Which of them were really run is told in ``docs/scaling.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from valueweave.problems import InputError, Problem, did_you_mean

__all__ = ["DIALECTS", "Dialect", "find_dialect"]


@dataclass(frozen=True, slots=True)
class Dialect:
    """The habits of an engine.

    Attributes:
        name: what people call it in the settings.
        default_graph: what a query sees that names no graph: ``own``, a graph of its own, which then holds the closure;
            or ``union``, all named graphs together, so that the closure lies in a named graph that each request names.
        update: where updates go, when nothing else is said: ``{query}`` is the query address, ``{parent}`` the same
            without its last part.
        graph_store: where the Graph Store Protocol is spoken, or nothing.
        authentication: ``basic`` or ``digest``; a token is sent as bearer token whatever stands here.
        solutions: the media type to ask rows in.
        triples: the media types to ask graphs in.
        chunk: how many statements at most are sent at once.
        inline: how many statements at most stand in one update.
        atomic: whether an update request of several operations is seen, and lasts, as a whole or not at all.
        timeout: the parameter for the time limit of a query, or nothing; with the number of its units in a second.
        cut_headers: headers of an answer that say that it was cut short.
        refused: beginnings of IRIs that call functions outside SPARQL.
        repeats_rows: whether rows of a SELECT DISTINCT may repeat; what repeats is dropped then.
        mended: what stands wrong in the engine's JSON, and what it should be.
        keeps_forms: whether a number comes back as it was written (``1.50``), not only as the same number (``1.5``).
    """

    name: str
    default_graph: Literal["own", "union"] = "own"
    update: str = "{query}"
    graph_store: str | None = None
    authentication: Literal["basic", "digest"] = "basic"
    solutions: str = "application/sparql-results+json"
    triples: str = "application/n-triples, text/turtle;q=0.8"
    chunk: int = 5_000
    inline: int = 2_000
    atomic: bool = True
    timeout: tuple[str, int] | None = None
    cut_headers: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    keeps_forms: bool = True
    repeats_rows: bool = False
    mended: tuple[tuple[bytes, bytes], ...] = ()


_BOOLEAN = b'"datatype": "http://www.w3.org/2001/XMLSchema#boolean"'

_ALL = (
    Dialect("standard"),
    Dialect("oxigraph", update="{parent}/update", graph_store="{parent}/store", chunk=50_000),
    Dialect("fuseki", update="{parent}/update", graph_store="{parent}/data", timeout=("timeout", 1)),
    Dialect(
        "virtuoso",
        default_graph="union",
        update="{parent}/sparql-auth",
        graph_store="{parent}/sparql-graph-crud-auth",
        authentication="digest",
        # Its compiler runs out of stack on long updates.
        inline=300,
        atomic=False,
        timeout=("timeout", 1000),
        cut_headers=("X-SPARQL-MaxRows", "X-SQL-State"),
        refused=("bif:", "sql:"),
        keeps_forms=False,
        # 7.2.5: where an OPTIONAL has no value, the same row comes more than once, not always as often.
        repeats_rows=True,
        mended=tuple(
            (_BOOLEAN + b', "value": "%b"' % wrong, _BOOLEAN + b', "value": "%b"' % right)
            for wrong, right in ((b"1", b"true"), (b"0", b"false"))
        ),
    ),
    Dialect(
        "graphdb",
        default_graph="union",
        update="{query}/statements",
        graph_store="{query}/rdf-graphs/service",
        timeout=("timeout", 1),
    ),
    Dialect("stardog", update="{parent}/update", graph_store="{parent}", timeout=("timeout", 1000)),
    Dialect("rdfox", graph_store="{parent}/content"),
    Dialect("qlever", default_graph="union", timeout=("timeout", 1)),
    Dialect("neptune", default_graph="union", graph_store="{query}/gsp/"),
)

DIALECTS = {dialect.name: dialect for dialect in _ALL}
"""The dialects by name."""


def find_dialect(name: str) -> Dialect:
    """Return the dialect called so.

    Raises:
        InputError: when there is none.

    >>> find_dialect("Virtuoso").default_graph
    'union'
    """
    found = DIALECTS.get(name.strip().lower())
    if found is None:
        known = f"There are {', '.join(DIALECTS)}."
        remedy = did_you_mean(name, DIALECTS, known)
        raise InputError(Problem("unknown-dialect", f"There is no dialect '{name}'.", remedy, term=name))
    return found
