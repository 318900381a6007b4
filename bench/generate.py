"""Cases by the thousand, made up over the real ontology, the same for the same seed.

In: how many statements, a seed. Out: N-Quads, one named graph a case and one of all actors.
The decision hidden here: how real the skew is. Actors are taken from a pool that all cases share, the k-th with a
probability like 1/k: a few hubs take part in hundreds of cases, most suppliers in one. Each case has a core enterprise
of its own, and a size drawn from a distribution with a long tail. Two in a hundred state a value twice and differently.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
from bisect import bisect
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

from valueweave.namespaces import GRAPH, ID, PREFIXES, SCE
from valueweave.ontology import OntologyIndex
from valueweave.project import Project

__all__ = ["ACTORS_OF_CASE", "Generator", "write"]

ACTORS_OF_CASE = 5
"""So many actors there are to choose from for each case."""

_TYPE, _LABEL, _DESCRIPTION = (
    f"<{PREFIXES[prefix]}{name}>" for prefix, name in (("rdf", "type"), ("rdfs", "label"), ("dcterms", "description"))
)
_INTEGER = f"<{PREFIXES['xsd']}integer>"
_ROLES = ("externalResourceSupplier", "businessCustomer", "partner", "endUser", "logisticsProviderRole")
_STEPS = (("identifiedIn", "InteractionElement"), ("sharedIn", "InteractionBenefit"), ("createdIn", "EcologyForm"))
_CASES_OF_SCHEME = 25
_PER_CASE = 1080
"""About so many statements a case has."""


class Generator:
    """Makes cases.

    Args:
        actors: how many actors there are to choose from.
        seed: the same seed gives the same statements.
    """

    def __init__(self, actors: int, seed: int = 0) -> None:
        self._random = random.Random(seed)
        self._actors = actors
        self._weights = list(accumulate(1 / rank for rank in range(1, actors + 1)))
        self._graph = ""
        self._lines: list[str] = []
        self._records: list[str] = []
        self.terms: set[str] = set()

    def actors(self) -> Iterator[str]:
        """Yield the statements about the actors."""
        self._graph = f"<{GRAPH}actors>"
        for number in range(self._actors):
            actor = self._record("actor", number, "ActorGroup" if number % 7 == 3 else "Organization", evidence=False)
            if number % 11 == 5:
                self._link(actor, "partOfActor", f"<{ID}actor/{number // 11}>")
            yield from self._taken()

    def case(self, number: int, stages: int = 3) -> Iterator[str]:
        """Yield the statements of case ``number``, which tells of so many stages."""
        choose = self._random
        self._graph = f"<{GRAPH}case/{number}>"
        self._records.clear()
        name = f"c{number}"
        ecosystem = self._record("ecosystem", name, "SupplyChainEcosystem")
        core = self._record("actor", name, "Organization")
        self._link(ecosystem, "hasCoreEnterprise", core)
        platform = self._record("platform", name, "Platform")
        self._link(platform, "operatedBy", core)
        told, first_year = [], choose.randint(1995, 2014)
        for order in range(1, stages + 1):
            stage = self._record("stage", f"{name}-{order}", "Stage")
            self._link(stage, "inScheme", f"<{ID}scheme/made-up-{number // _CASES_OF_SCHEME}>")
            self._link(stage, "stageOf", ecosystem)
            self._value(stage, "order", order)
            self._value(stage, "startYear", first_year + 4 * order)
            self._value(stage, "endYear", first_year + 4 * order + 3)
            told.append(stage)
        for order, stage in enumerate(told, 1):
            self._stage(f"{name}-{order}", order, stage, ecosystem, core, platform)
        if choose.random() < 0.02:
            for one in (1, 2):
                stated = self._record("stated-value", f"{name}-{one}", "StatedValue")
                self._link(told[0], "hasStatedValue", stated)
                self._link(stated, "statedProperty", self._term("startYear"))
                self._text(stated, "statedLiteral", str(first_year + one))
        case = self._record("case", name, "Case", evidence=False)
        self._link(case, "hasFocalEcosystem", ecosystem)
        for record in self._records:
            self._link(case, "includes", record)
        yield from self._taken()

    def _stage(self, name: str, order: int, stage: str, ecosystem: str, core: str, platform: str) -> None:
        choose = self._random
        state = self._record("state", name, "SystemState")
        self._link(state, "stateOf", ecosystem)
        self._link(state, "duringStage", stage)
        sides = []
        for number in range(min(40, 2 + int(choose.paretovariate(1.2)))):
            side = self._record("participation", f"{name}-{number}", "Participation")
            self._link(side, "hasParty", core if number == 0 else self._actor())
            self._link(side, "inRole", self._term("coreEnterprise" if number == 0 else choose.choice(_ROLES)))
            self._link(side, "inSystem", ecosystem)
            self._link(side, "duringStage", stage)
            self._link(state, "hasParticipation", side)
            sides.append(side)
        for number, side in enumerate(sides[1:4]):
            kind = "SupermodularComplementarity" if choose.random() < order / 4 else "UniqueComplementarity"
            relation = self._record("complementarity", f"{name}-{number}", kind)
            self._link(relation, "hasSide", sides[0])
            self._link(relation, "hasSide", side)
            self._link(relation, "beginsIn", stage)
            self._link(relation, "hasBasis", self._term("sourceAsserted"))
            self._link(state, "hasComplementarity", relation)
        found_in, conveyed = _STEPS[order - 1]
        for number in range(choose.randint(1, 3)):
            opportunity = self._record("opportunity", f"{name}-{number}", "Opportunity")
            self._link(opportunity, "pursuedBy", core)
            self._link(opportunity, found_in, stage)
        for number in range(choose.randint(1, 4)):
            content = self._record("content", f"{name}-{number}", conveyed)
            interaction = self._record("interaction", f"{name}-{number}", "Interaction")
            self._link(interaction, "conveys", content)
            self._link(interaction, "involves", core)
            self._link(interaction, "involves", self._actor())
            self._link(interaction, "duringStage", stage)
            self._link(interaction, "usesPlatform", platform)
        outcome = self._record("outcome", name, "Outcome")
        self._link(outcome, "hasBeneficiary", self._actor())
        self._link(outcome, "duringStage", stage)
        if order == 3:
            self._services(name, stage, state, core, sides)

    def _services(self, name: str, stage: str, state: str, core: str, sides: list[str]) -> None:
        choose = self._random
        architecture = self._record("architecture", name, "ServiceArchitecture")
        front, pool = self._record("front-end", name, "FrontEnd"), self._record("pool", name, "ModularResourcePool")
        self._link(state, "hasArchitecture", architecture)
        self._link(architecture, "hasFrontEnd", front)
        self._link(architecture, "hasBackEnd", pool)
        for kind in ("ProjectTeamInterface", "IndustryPlatformInterface")[: choose.randint(1, 2)]:
            interface = self._record("interface", f"{name}-{kind[:4].lower()}", kind)
            self._link(front, "hasCustomerInterface", interface)
        for number in range(choose.randint(1, 3)):
            module = self._record("module", f"{name}-{number}", "ServiceModule")
            self._link(module, "providedBy", core)
            self._link(pool, "accommodates", module)
            self._link(sides[-1], "contributesModule", module)
            for one in range(choose.randint(0, 3)):
                take_up = self._record("take-up", f"{name}-{number}-{one}", "TakeUp")
                self._link(take_up, "takeUpOf", module)
                self._link(take_up, "takenUpBy", self._actor())
                self._link(take_up, "duringStage", stage)
                self._value(take_up, "takeUpLowerBound", choose.randint(1, 200))

    # -- parts

    def _actor(self) -> str:
        at = self._random.random() * self._weights[-1]
        return f"<{ID}actor/{bisect(self._weights, at)}>"

    def _term(self, name: str) -> str:
        self.terms.add(name)
        return f"<{SCE}{name}>"

    def _record(self, kind: str, name: object, type_: str, *, evidence: bool = True) -> str:
        iri = f"<{ID}{kind}/{name}>"
        self._records.append(iri)
        self._say(iri, _TYPE, self._term(type_))
        self._say(iri, _LABEL, f'"{kind} {name}"@en')
        self._say(iri, _LABEL, f'"{kind} {name} 号"@zh')
        if evidence:
            self._say(iri, _DESCRIPTION, f'"What the source tells of {kind} {name}."@en')
            item = f"<{ID}{kind}/{name}/evidence/made-up>"
            start = self._random.randint(0, 90_000)
            self._link(iri, "hasEvidence", item)
            self._say(item, _TYPE, self._term("EvidenceItem"))
            self._link(item, "hasEvidenceKind", self._term("stated"))
            self._link(item, "inSource", f"<{ID}source/made-up>")
            self._value(item, "startOffset", start)
            self._value(item, "endOffset", start + 60)
            self._text(item, "section", f"4.{start % 7}")
            self._text(item, "spanSha256", hashlib.sha256(item.encode()).hexdigest())
        return iri

    def _say(self, subject: str, predicate: str, value: str) -> None:
        self._lines.append(f"{subject} {predicate} {value} {self._graph} .\n")

    def _link(self, subject: str, name: str, value: str) -> None:
        self._say(subject, self._term(name), value)

    def _value(self, subject: str, name: str, value: int) -> None:
        self._say(subject, self._term(name), f'"{value}"^^{_INTEGER}')

    def _text(self, subject: str, name: str, value: str) -> None:
        self._say(subject, self._term(name), f'"{value}"')

    def _taken(self) -> Iterator[str]:
        yield from self._lines
        self._lines.clear()


def write(path: Path, statements: int, seed: int = 0) -> tuple[int, int]:
    """Write about so many statements as N-Quads; return how many there are, and how many cases.

    Raises:
        LookupError: when the ontology does not know a term that is used.
    """
    cases = max(2, statements // _PER_CASE)
    generator = Generator(cases * ACTORS_OF_CASE, seed)
    written = 0
    with path.open("w", encoding="utf-8") as file:
        for lines in (generator.actors(), *(generator.case(number) for number in range(cases))):
            for line in lines:
                file.write(line)
                written += 1
    known = OntologyIndex.load(Project.find()).terms
    unknown = sorted(name for name in generator.terms if SCE + name not in known)
    if unknown:
        raise LookupError(f"The ontology does not know {', '.join(unknown)}: change the generator.")
    return written, cases


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write made-up cases as N-Quads.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--statements", type=int, default=110_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    count, number_of_cases = write(given.file, given.statements, given.seed)
    sys.stderr.write(f"{count} statements, {number_of_cases} cases\n")
