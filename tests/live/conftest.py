"""A small project whose ontology can be contradicted, built; and live cases for it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
from tests.core.conftest import SPAN, write_project

from valueweave.build import build
from valueweave.layout import DERIVATIONS
from valueweave.live import Curator
from valueweave.project import Project
from valueweave.store import EmbeddedStore
from valueweave.store.versions import Versions

MORE = """
sce:Actor owl:disjointWith sce:Stage .
sce:precedes a owl:TransitiveProperty, owl:IrreflexiveProperty .
"""
RULE = """#+ label: partner of
#+ definition: Those found in one stage are partners, when nothing else is said of them.
#+ layer: shortcuts
#+ evaluation: once
PREFIX sce: <https://w3id.org/valueweave/ontology#>
CONSTRUCT { ?a sce:withPartner ?b } WHERE {
  ?a sce:identifiedIn ?s . ?b sce:identifiedIn ?s . FILTER(?a != ?b) FILTER NOT EXISTS { ?a sce:cooperatesWith ?b }
}
"""


def case(name: str, *records: str, extra: str = "", id_: str | None = None) -> bytes:
    """A live case with a stage, an actor, and further records."""
    head = (
        f'"@context": https://w3id.org/valueweave/context.jsonld\nid: {id_ or "case/" + name}\ntype: Case\n'
        f"label: {{en: {name}}}\nreportedIn: source/000\nfocalEcosystem: ecosystem/{name}\n{extra}includes:\n"
    )
    own = (
        record(f"ecosystem/{name}", "Ecosystem"),
        record(f"stage/{name}", "Stage", "order: 1", "startYear: 2011"),
        record(f"actor/{name}", "Organization", f"identifiedIn: stage/{name}", "cooperatesWith: actor/jd"),
    )
    return (head + "".join((*own, *records))).encode()


def record(id_: str, type_: str, *lines: str) -> str:
    """A record of a case."""
    body = "".join(f"    {line}\n" for line in lines)
    return f"  - id: {id_}\n    type: {type_}\n    label: {{en: {id_}}}\n{body}    {SPAN}\n"


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project, built; nobody changes it."""
    made = write_project(tmp_path_factory.mktemp("live") / "home")
    with (made.home / "ontology" / "modules" / "stages.ttl").open("a", encoding="utf-8") as file:
        file.write(MORE)
    (made.home / "ontology" / "rules" / "partner.rq").write_text(RULE, "utf-8")
    build(made)
    return made


@pytest.fixture
def project(pristine: Project, tmp_path: Path) -> Project:
    """A copy of one's own of the project."""
    shutil.copytree(pristine.home, tmp_path / "home")
    return Project(tmp_path / "home", tmp_path / "home" / "store")


@pytest.fixture
def curator(project: Project) -> Curator:
    """The door to it."""
    return Curator(project)


def manifest(project: Project) -> dict[str, Any]:
    """The manifest of the current version."""
    return Versions(project.store).current()


def quads(project: Project) -> set[ox.Quad]:
    """What the store says of individuals, without the rounds in which it was inferred: they depend on how it came."""
    return {
        quad
        for quad in EmbeddedStore.open(project.store).engine
        if not getattr(quad.graph_name, "value", "").startswith(DERIVATIONS)
        and not isinstance(quad.subject, ox.BlankNode)
        and not isinstance(quad.object, ox.BlankNode)
    }


def state(project: Project) -> tuple[set[ox.Quad], dict[str, int], dict[str, Any]]:
    """What the store says and counts."""
    told = manifest(project)
    return quads(project), told["counts"], told["statistics"]


def assert_state(project: Project, expected: tuple[set[ox.Quad], dict[str, int], dict[str, Any]]) -> None:
    """Make sure that the store says and counts what it did."""
    said, counts, statistics = state(project)
    assert sorted(map(str, said - expected[0])) == []
    assert sorted(map(str, expected[0] - said)) == []
    assert counts == expected[1]
    assert statistics == expected[2]


def asks(project: Project, pattern: str) -> bool:
    """Whether the closure holds a pattern."""
    store = EmbeddedStore.open(project.store)
    return bool(store.query(f"ASK {{ {pattern} }}"))
