"""A definition changed in Turtle has changed what the store says, by ``build`` and by ``reason`` alike."""

from __future__ import annotations

import json

import pyoxigraph as ox

from valueweave.build import build
from valueweave.graph import open as open_graph
from valueweave.layout import INFERRED_GRAPH
from valueweave.project import Project
from valueweave.store import EmbeddedStore
from valueweave.store.versions import Versions

from .conftest import Command

DEFINITION = """
sce:DatedStage a owl:Class ; rdfs:label "dated stage"@en ; owl:equivalentClass [ a owl:Class ; owl:intersectionOf (
  sce:Stage [ a owl:Restriction ; owl:onProperty {} ; owl:someValuesFrom xsd:integer ] ) ] .
"""


def define(project: Project, condition: str) -> None:
    module = project.home / "ontology/modules/stages.ttl"
    before = module.read_text("utf-8").partition("\nsce:DatedStage")[0]
    module.write_text(before + DEFINITION.format(condition), "utf-8")


def dated(project: Project) -> set[str]:
    with open_graph(project.home, project.store) as kg:
        return {str(row[0]).rsplit("/", 1)[-1] for row in kg.select("SELECT ?s { ?s a sce:DatedStage }")}


def test_change_a_definition_and_build(project: Project) -> None:
    define(project, "sce:startYear")
    build(project)
    assert dated(project) == {"jd-1", "jd-2"}
    define(project, "sce:endYear")
    build(project)
    assert dated(project) == {"jd-1"}


def test_reason_writes_what_follows_from_the_files_as_they_are_now(project: Project, command: Command) -> None:
    define(project, "sce:startYear")
    build(project)
    define(project, "sce:endYear")
    done = command(project, "reason", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["schema"].endswith("reasoning-1")
    assert dated(project) == {"jd-1"}
    with open_graph(project.home, project.store) as kg:
        explanation = kg.explain("stage/jd-1", "a", "sce:DatedStage")
        [proof] = explanation.proofs
        assert "endYear" in {leaf.statement.predicate.value.rsplit("#", 1)[-1] for leaf in proof.leaves()}


def test_reason_mends_a_store_that_holds_something_else(project: Project, command: Command) -> None:
    define(project, "sce:startYear")
    version = build(project).version
    folder = EmbeddedStore.open(project.store).manifest["folder"]
    engine = ox.Store(str(Versions(project.store).database(folder)))
    inferred = next(engine.quads_for_pattern(None, None, None, ox.NamedNode(INFERRED_GRAPH)))
    engine.remove(inferred)
    engine.flush()
    del engine
    done = command(project, "reason")
    assert done.returncode == 0, done.stderr
    assert EmbeddedStore.open(project.store).manifest["version"] != version
