"""A small project around the real ontology: one register of sources, one of things, one case."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest

from valueweave import validation
from valueweave.authoring import Document, generate_context, load_documents
from valueweave.authoring.model import read_shapes
from valueweave.ontology import OntologyIndex
from valueweave.problems import Problem
from valueweave.project import Project
from valueweave.validation import validate

CHECKOUT = Path(__file__).parents[2]

TEXT = """Abstract: A study of two firms.

1. Introduction
The firm finds what its customers
want. It calls this “value co-
creation”.
2.1. The first stage (2007-2016)
In 2007 the firm builds its own logistics. A café opens: 3 people.
In 2016 the stage ends.
"""

SOURCES = """"@context": https://w3id.org/valueweave/context.jsonld
id: registry/sources
type: Registry
label: {{en: Sources, zh: 来源}}
lists:
  - id: source/000
    type: Source
    label: {{en: A study of two firms}}
    title: A study of two firms
    textFile: text.txt
    textSha256: {sha256}
    textLength: {length}
"""

THINGS = """"@context": https://w3id.org/valueweave/context.jsonld
id: registry/things
type: Registry
lists:
  - id: actor/jd
    type: Organization
    label: {en: JD, zh: 京东}
  - id: ecosystem/jd
    type: SupplyChainEcosystem
    label: {en: the ecosystem of JD}
  - id: scheme/value
    type: EvolutionScheme
    label: {en: value co-creation}
"""

CASE = """# A case for tests
"@context": https://w3id.org/valueweave/context.jsonld
id: case/jd
type: Case
label: {en: JD, zh: 京东}
reportedIn: source/000
focalEcosystem: ecosystem/jd
includes:
  - id: stage/jd-1
    type: Stage
    label: {en: first stage, zh: 第一阶段}
    inScheme: scheme/value
    stageOf: ecosystem/jd
    order: 1
    startYear: 2007  # from the text
    endYear: 2016
    evidence:
      - {section: "2.1", start: 136, end: 185, sha256: HASH-STAGE, evidenceKind: stated}
  - id: outcome/jd-share
    type: Outcome
    label: {en: share of own deliveries}
    valueBefore: 95
    valueAfter: 99.50
    unit: unitPercent
    changeKind: percentagePoint
    quantityOf: actor/jd
    evidence:
      - section: "2.1"
        start: 136
        end: 185
        sha256: HASH-STAGE
        evidenceKind: interpreted
        interpretationReason: The text says it in other words.
        supports: [valueAfter, label]
  - id: actor/jd
    foundedYear: 1998
    evidence:
      - {section: "2.1", start: 179, end: 212, sha256: HASH-ACTOR, evidenceKind: stated, supports: foundedYear}
"""


def span(words: str) -> tuple[int, int, str]:
    start = TEXT.index(words)
    return start, start + len(words), hashlib.sha256(words.encode()).hexdigest()


STAGE = span("In 2007 the firm builds its own logistics.")
ACTOR = span("A café opens: 3 people.\nIn 2016")
_CASE = (
    CASE.replace("start: 136", f"start: {STAGE[0]}")
    .replace("end: 185", f"end: {STAGE[1]}")
    .replace("HASH-STAGE", STAGE[2])
    .replace("start: 179, end: 212", f"start: {ACTOR[0]}, end: {ACTOR[1]}")
    .replace("HASH-ACTOR", ACTOR[2])
)


@dataclass
class Place:
    """A project in a folder of its own, with helpers to change it and look at it."""

    project: Project
    sources: Path
    case: Path
    ontology: OntologyIndex

    def write(self, text: str | bytes) -> Path:
        self.case.write_bytes(text if isinstance(text, bytes) else text.encode())
        return self.case

    def change(self, old: str, new: str) -> Path:
        text = self.case.read_text("utf-8")
        assert old in text
        return self.write(text.replace(old, new, 1))

    def problems(self, *files: Path) -> list[Problem]:
        return validate(self.project, list(files) or None)

    def document(self) -> Document:
        return load_documents([self.case], self.project, self.ontology)[0]

    def line_of(self, words: str) -> int:
        return self.case.read_text("utf-8").split(words)[0].count("\n") + 1


@pytest.fixture(scope="session")
def ontology() -> OntologyIndex:
    return OntologyIndex.load(Project(CHECKOUT, CHECKOUT / "build"))


@pytest.fixture(scope="session")
def shapes() -> list[ox.Triple]:
    return read_shapes(Project(CHECKOUT, CHECKOUT / "build").shape_files())


@pytest.fixture(autouse=True)
def read_once(monkeypatch: pytest.MonkeyPatch, ontology: OntologyIndex, shapes: list[ox.Triple]) -> None:
    """Read the ontology and the shapes of this checkout once, not anew in each of 260 tests, half of whose time it is.

    Who changes a copy of them reads the copy.
    """
    own, load = Project(CHECKOUT, CHECKOUT / "build"), OntologyIndex.load
    files = [path.resolve() for path in own.shape_files()]

    def load_once(project: Project) -> OntologyIndex:
        return ontology if project.ontology.resolve() == own.ontology.resolve() else load(project)

    def read_shapes_once(paths: Iterable[Path]) -> list[ox.Triple]:
        asked = list(paths)
        return shapes if [path.resolve() for path in asked] == files else read_shapes(asked)

    monkeypatch.setattr(OntologyIndex, "load", load_once)
    monkeypatch.setattr(validation, "read_shapes", read_shapes_once)


@pytest.fixture(scope="session")
def context(ontology: OntologyIndex) -> dict[str, Any]:
    return generate_context(ontology)


@pytest.fixture
def place(tmp_path: Path, ontology: OntologyIndex) -> Place:
    home, sources = tmp_path / "home", tmp_path / "sources"
    (home / "data" / "cases").mkdir(parents=True)
    sources.mkdir()
    (home / "ontology").symlink_to(CHECKOUT / "ontology")
    (sources / "text.txt").write_bytes(TEXT.encode())
    digest = hashlib.sha256(TEXT.encode()).hexdigest()
    (home / "data" / "sources.yaml").write_text(SOURCES.format(sha256=digest, length=len(TEXT)), "utf-8")
    (home / "data" / "things.yaml").write_text(THINGS, "utf-8")
    case = home / "data" / "cases" / "jd.yaml"
    case.write_text(_CASE, "utf-8")
    return Place(Project(home, tmp_path / "store"), sources, case, ontology)


@pytest.fixture
def codes(place: Place) -> Callable[[], list[str]]:
    return lambda: [problem.code for problem in place.problems()]
