"""What is plain enough to be answered without a detour.

In: a request of the protocol. Out: the query and the format of its answer, or nothing.
The decision hidden here: a query that is well put and asks for data. Pages, updates, descriptions and requests that are
not as the protocol says are the application's.
"""

from __future__ import annotations

from dataclasses import dataclass

from valueweave.server.answers import Asked, is_repeatable
from valueweave.server.negotiation import wants_page
from valueweave.server.nesting import is_nested_too_deep
from valueweave.server.protocol import SparqlRequest
from valueweave.sparql_text import query_form
from valueweave.store import NotAcceptableError, OutputFormat, negotiate

__all__ = ["PATH", "Plain", "plain_query"]

PATH = "/sparql"
"""Where queries are asked."""
_LONGEST = 1 << 14
"""A longer query takes long to look at: others would wait for that, so it goes where a thread does it."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A query that is plain enough.

    Attributes:
        asked: the query.
        format: of its answer.
        repeatable: whether its answer depends on nothing but the graph.
    """

    asked: Asked
    format: OutputFormat
    repeatable: bool


def plain_query(wanted: SparqlRequest, accept: str | None) -> Plain | None:
    """Return the query of a request when it is plain enough.

    >>> plain_query(SparqlRequest(Asked("ASK {}"), "csv"), None).format.name
    'csv'
    """
    if wanted.asked is None or len(wanted.asked.text) > _LONGEST or wants_page(accept, wanted.format):
        return None
    form = query_form(wanted.asked.text)
    if form is None or is_nested_too_deep(wanted.asked.text):
        return None
    kind = "solutions" if form == "SELECT" else "boolean" if form == "ASK" else "graph"
    try:
        chosen = negotiate(wanted.format or accept, kind)  # type: ignore[arg-type]
    except NotAcceptableError:
        return None
    return Plain(wanted.asked, chosen, is_repeatable(wanted.asked.text))
