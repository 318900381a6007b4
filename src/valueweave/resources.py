"""The kinds of things that can be looked up, and the class each stands for.

In: the name of a list as the address writes it. Out: :class:`Resource` with the class of the ontology.
The decision hidden here: this table; it is the only place where lists and classes meet.
"""

from __future__ import annotations

from dataclasses import dataclass

from valueweave.namespaces import SCE

__all__ = ["RESOURCES", "TERMS", "Resource"]

TERMS = "terms"
"""What the terms of the ontology are called where kinds of things are."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A list of things.

    Attributes:
        name: as the address writes it (``actors``).
        class_name: local name of the class of its members (``Actor``).
        kind: first part of its members' ids (``actor``); it may be left out in addresses.
        summary: what it lists.
    """

    name: str
    class_name: str
    kind: str
    summary: str

    @property
    def class_iri(self) -> str:
        """The class of the members."""
        return SCE + self.class_name

    @property
    def title(self) -> str:
        """The name as a heading."""
        return self.name.capitalize()


RESOURCES: dict[str, Resource] = {
    resource.name: resource
    for resource in (
        Resource("actors", "Actor", "actor", "Organizations, their units and groups of actors"),
        Resource("platforms", "Platform", "platform", "Platforms that actors operate"),
        Resource("ecosystems", "Ecosystem", "ecosystem", "Ecosystems that cases are about"),
        Resource("cases", "Case", "case", "Accounts that a source gives of one ecosystem"),
        Resource("stages", "Stage", "stage", "Stages of ecosystems and platforms, with their years"),
        Resource("opportunities", "Opportunity", "opportunity", "Opportunities identified, shared or created"),
        Resource("interactions", "Interaction", "interaction", "Interactions between the parties of an ecosystem"),
        Resource(
            "complementarities",
            "ComplementarityRelation",
            "complementarity",
            "Dated complementarity relations between two parties",
        ),
        Resource("innovations", "Innovation", "innovation", "Supply chain and business model innovations"),
        Resource("modules", "ServiceModule", "module", "Service modules, common and customized"),
        Resource("solutions", "Solution", "solution", "Solutions composed of modules"),
        Resource("outcomes", "Outcome", "outcome", "Outcomes, measured or told, and who has them"),
        Resource("claims", "Claim", "claim", "Propositions, findings, definitions, recommendations and comparisons"),
        Resource("sources", "Source", "source", "Published texts that the records come from"),
        Resource("discrepancies", "Discrepancy", "discrepancy", "Where sources differ, or contradict themselves"),
    )
}
"""The lists under ``/api/v1``, by name."""
