"""What the accounts declare complete.

In: a store. Out: for a thing and a property the declarations that all its values are given.
The decision hidden here: a declaration holds of whatever it concerns, whichever account makes it; one for
``rdf:type`` says that the kinds of a thing are all given.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pyoxigraph as ox

from valueweave.namespaces import SCE
from valueweave.reasoning.assessment.definitions import Definitions
from valueweave.reasoning.rules.conditions import Engine
from valueweave.reasoning.rules.expressions import Property

__all__ = ["Completeness", "Declaration"]

_QUERY = f"""SELECT DISTINCT ?declaration ?thing ?property WHERE {{
    ?declaration a <{SCE}CompletenessDeclaration> ; <{SCE}concerns> ?thing ; <{SCE}completeProperty> ?property }}"""


@dataclass(frozen=True, slots=True, order=True)
class Declaration:
    """A declaration that a thing has no other values of a property than those given.

    Attributes:
        iri: the declaration.
        thing: IRI of what it is about.
        property: IRI of the property.
    """

    iri: str
    thing: str
    property: str


class Completeness:
    """The declarations of a store."""

    def __init__(self, engine: Engine, definitions: Definitions) -> None:
        self._engine = engine
        self._definitions = definitions

    @cached_property
    def _declared(self) -> dict[tuple[str, str], list[Declaration]]:
        answer = self._engine.query(_QUERY)
        assert isinstance(answer, ox.QuerySolutions)
        found: dict[tuple[str, str], list[Declaration]] = {}
        for row in answer:
            parts = [row[name] for name in ("declaration", "thing", "property")]
            if all(isinstance(part, ox.NamedNode) for part in parts):
                iri, thing, joined = (part.value for part in parts if isinstance(part, ox.NamedNode))
                found.setdefault((thing, joined), []).append(Declaration(iri, thing, joined))
        return found

    def of(self, thing: object, joined: Property) -> tuple[Declaration, ...]:
        """Return the declarations that all values of a property of a thing are given; usually none or one."""
        if not isinstance(thing, ox.NamedNode):
            return ()
        found = [
            declaration
            for same in self._definitions.same(joined)
            if not same.inverse
            for declaration in self._declared.get((thing.value, same.iri), ())
        ]
        return tuple(sorted(found))
