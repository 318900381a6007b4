"""What search answers with.

In: what was found. Out: :class:`HitPage`, as values and as JSON.
The decision hidden here: the names and nesting of JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

from valueweave.namespaces import shorten_iri
from valueweave.search.marking import Span, marked
from valueweave.search.matching import Rank, Sorting

__all__ = ["SCHEMA", "Hit", "HitPage", "Match", "Span"]

SCHEMA = "https://w3id.org/valueweave/schema/search-1"
"""Which JSON this is."""


@dataclass(frozen=True, slots=True)
class Match:
    """A text in which something matched.

    Attributes:
        field: IRI of the property it stands under.
        language: its language, ``""`` when it has none.
        text: the whole text.
        spans: what matched, in Unicode code points of ``text``.
    """

    field: str
    language: str
    text: str
    spans: tuple[Span, ...]

    @property
    def html(self) -> str:
        """The text as HTML, with what matched in ``<mark>``."""
        return marked(self.text, self.spans)

    def to_json(self) -> dict[str, Any]:
        """Return the match as a JSON object."""
        return {
            "property": shorten_iri(self.field),
            "language": self.language or None,
            "text": self.text,
            "spans": [{"start": span.start, "end": span.end} for span in self.spans],
            "html": self.html,
        }


@dataclass(frozen=True, slots=True)
class Hit:
    """A thing that fits.

    Attributes:
        iri: the thing.
        label: its label in the language asked for, else English, else any, else its short form.
        rank: how it fits.
        types: its most specific classes.
        statements: how many statements it stands in.
        matches: where, the best first.
        sorting: what decided its place.
    """

    iri: str
    label: str
    rank: Rank
    types: tuple[str, ...]
    statements: int
    matches: tuple[Match, ...]
    sorting: Sorting

    def to_json(self) -> dict[str, Any]:
        """Return the hit as a JSON object."""
        return {
            "id": shorten_iri(self.iri),
            "iri": self.iri,
            "label": self.label,
            "rank": self.rank,
            "types": [shorten_iri(name) for name in self.types],
            "statements": self.statements,
            "matches": [match.to_json() for match in self.matches],
        }


@dataclass(frozen=True, slots=True)
class HitPage:
    """Some of the things that fit.

    Attributes:
        asked: what was asked.
        total: how many things fit, of the kind asked for.
        before: how many of these come before the first one here.
        kinds: how many things of each kind fit, whatever kind was asked for.
        items: the things.
    """

    asked: str
    total: int
    before: int
    kinds: Mapping[str, int] = dataclass_field(default_factory=dict)
    items: tuple[Hit, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the page as a JSON object of the schema :data:`SCHEMA`."""
        return {
            "schema": SCHEMA,
            "query": self.asked,
            "total": self.total,
            "before": self.before,
            "kinds": dict(self.kinds),
            "items": [hit.to_json() for hit in self.items],
        }
