"""A small project, complete from ontology to question: real files through the real street."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from valueweave.build import build
from valueweave.graph import KnowledgeGraph
from valueweave.graph import open as open_graph
from valueweave.project import Project

ROOT = Path(__file__).parents[2]

HEAD = """
@prefix sce: <https://w3id.org/valueweave/ontology#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix dcterms: <http://purl.org/dc/terms/> .
@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix vsh: <https://w3id.org/valueweave/shapes#> .
"""

ROOT_ONTOLOGY = """
<https://w3id.org/valueweave/ontology> a owl:Ontology ;
  owl:versionIRI <https://w3id.org/valueweave/ontology/0.1.0> ;
  dcterms:title "Small ontology"@en ;
  owl:imports <https://w3id.org/valueweave/ontology/evidence>, <https://w3id.org/valueweave/ontology/stages> .
dcterms:title a owl:AnnotationProperty .
"""

EVIDENCE = """
<https://w3id.org/valueweave/ontology/evidence> a owl:Ontology ;
  owl:versionIRI <https://w3id.org/valueweave/ontology/0.1.0/evidence> .
skos:definition a owl:AnnotationProperty . skos:altLabel a owl:AnnotationProperty .
skos:editorialNote a owl:AnnotationProperty . dcterms:description a owl:AnnotationProperty .
dcterms:title a owl:AnnotationProperty . sce:authoringKey a owl:AnnotationProperty .
sce:supports a owl:AnnotationProperty .
sce:Account a owl:Class . sce:Registry a owl:Class . sce:Source a owl:Class . sce:EvidenceItem a owl:Class .
sce:EvidenceKind a owl:Class . sce:Ecosystem a owl:Class . sce:NameUse a owl:Class . sce:StatedValue a owl:Class .
sce:Actor a owl:Class ; rdfs:label "actor"@en .
sce:Organization a owl:Class ; rdfs:subClassOf sce:Actor ; rdfs:label "organization"@en .
sce:Case a owl:Class ; rdfs:subClassOf sce:Account ; owl:equivalentClass [ a owl:Class ; owl:intersectionOf
  ( sce:Account [ a owl:Restriction ; owl:onProperty sce:hasFocalEcosystem ; owl:someValuesFrom sce:Ecosystem ] ) ] .
sce:GeneralAccount a owl:Class ; rdfs:subClassOf sce:Account .
sce:reportedIn a owl:ObjectProperty ; rdfs:range sce:Source .
sce:includes a owl:ObjectProperty ; rdfs:domain sce:Account .
sce:lists a owl:ObjectProperty ; rdfs:domain sce:Registry .
sce:hasFocalEcosystem a owl:ObjectProperty ; sce:authoringKey "focalEcosystem" ; rdfs:range sce:Ecosystem .
sce:hasEvidence a owl:ObjectProperty ; sce:authoringKey "evidence" ; rdfs:range sce:EvidenceItem .
sce:inSource a owl:ObjectProperty ; rdfs:range sce:Source .
sce:hasEvidenceKind a owl:ObjectProperty ; sce:authoringKey "evidenceKind" ; rdfs:range sce:EvidenceKind .
sce:stated a owl:NamedIndividual, sce:EvidenceKind ; rdfs:label "stated"@en .
sce:interpreted a owl:NamedIndividual, sce:EvidenceKind ; rdfs:label "interpreted"@en .
sce:section a owl:DatatypeProperty ; rdfs:range xsd:string .
sce:startOffset a owl:DatatypeProperty ; sce:authoringKey "start" ; rdfs:range xsd:integer .
sce:endOffset a owl:DatatypeProperty ; sce:authoringKey "end" ; rdfs:range xsd:integer .
sce:spanSha256 a owl:DatatypeProperty ; sce:authoringKey "sha256" ; rdfs:range xsd:string .
sce:interpretationReason a owl:DatatypeProperty ; rdfs:range xsd:string .
sce:textFile a owl:DatatypeProperty ; rdfs:range xsd:string .
sce:textSha256 a owl:DatatypeProperty ; rdfs:range xsd:string .
sce:textLength a owl:DatatypeProperty ; rdfs:range xsd:integer .
"""

STAGES = """
<https://w3id.org/valueweave/ontology/stages> a owl:Ontology ;
  owl:versionIRI <https://w3id.org/valueweave/ontology/0.1.0/stages> ;
  owl:imports <https://w3id.org/valueweave/ontology/evidence> .
sce:Stage a owl:Class ; rdfs:label "stage"@en, "阶段"@zh .
sce:FormationStage a owl:Class ; rdfs:subClassOf sce:Stage ; rdfs:label "formation stage"@en .
sce:FormationStep a owl:Class ; rdfs:subClassOf sce:FormationStage ; rdfs:label "formation step"@en .
sce:duringStage a owl:ObjectProperty ; rdfs:range sce:Stage ; owl:inverseOf sce:hosts ; rdfs:label "during stage"@en .
sce:hosts a owl:ObjectProperty ; rdfs:label "hosts"@en .
sce:identifiedIn a owl:ObjectProperty ; rdfs:subPropertyOf sce:duringStage ; rdfs:label "identified in"@en .
sce:cooperatesWith a owl:ObjectProperty, owl:SymmetricProperty ; rdfs:domain sce:Actor ;
  rdfs:label "cooperates with"@en .
sce:order a owl:DatatypeProperty ; rdfs:range xsd:integer .
sce:startYear a owl:DatatypeProperty ; rdfs:range xsd:integer .
sce:endYear a owl:DatatypeProperty ; rdfs:range xsd:integer .
sce:growth a owl:DatatypeProperty ; rdfs:range xsd:decimal .
sce:precedes a owl:ObjectProperty . sce:inScheme a owl:ObjectProperty . sce:stageOf a owl:ObjectProperty .
sce:subStageOf a owl:ObjectProperty . sce:undertakenBy a owl:ObjectProperty . sce:withPartner a owl:ObjectProperty .
"""

SHAPES = """
vsh:RecordShape a sh:NodeShape ; sh:targetObjectsOf sce:includes ;
  sh:property [ sh:path sce:hasEvidence ; sh:minCount 1 ; sh:message "A record needs evidence."@en ;
    vsh:remedy "Add 'evidence'."@en ] ;
  sh:property [ sh:path sce:duringStage ; sh:message "This is a stage."@en ; vsh:remedy "Name a stage."@en ] ,
    [ sh:path sce:identifiedIn ; sh:message "This is a stage."@en ; vsh:remedy "Name a stage."@en ] .
vsh:AccountShape a sh:NodeShape ; sh:targetClass sce:Account ;
  sh:property [ sh:path sce:reportedIn ; sh:message "m"@en ; vsh:remedy "r"@en ] ,
    [ sh:path sce:hasFocalEcosystem ; sh:message "m"@en ; vsh:remedy "r"@en ] ,
    [ sh:path sce:includes ; sh:message "m"@en ; vsh:remedy "r"@en ] .
vsh:RegistryShape a sh:NodeShape ; sh:targetClass sce:Registry ;
  sh:property [ sh:path sce:lists ; sh:message "m"@en ; vsh:remedy "r"@en ] ,
    [ sh:path sce:includes ; sh:message "m"@en ; vsh:remedy "r"@en ] ,
    [ sh:path sce:reportedIn ; sh:message "m"@en ; vsh:remedy "r"@en ] .
vsh:SourceShape a sh:NodeShape ; sh:targetClass sce:Source ;
  sh:property [ sh:path sce:textFile ; sh:message "m"@en ; vsh:remedy "r"@en ] ,
    [ sh:path sce:textSha256 ; sh:message "m"@en ; vsh:remedy "r"@en ] ,
    [ sh:path sce:textLength ; sh:message "m"@en ; vsh:remedy "r"@en ] .
vsh:EvidenceItemShape a sh:NodeShape ; sh:targetClass sce:EvidenceItem ;
  sh:property [ sh:path sce:inSource ; sh:message "m"@en ; vsh:remedy "r"@en ] ,
    [ sh:path sce:section ; sh:message "m"@en ; vsh:remedy "r"@en ] ,
    [ sh:path sce:startOffset ; sh:message "m"@en ; vsh:remedy "r"@en ] ,
    [ sh:path sce:endOffset ; sh:message "m"@en ; vsh:remedy "r"@en ] ,
    [ sh:path sce:spanSha256 ; sh:message "m"@en ; vsh:remedy "r"@en ] ,
    [ sh:path sce:hasEvidenceKind ; sh:message "m"@en ; vsh:remedy "r"@en ] ,
    [ sh:path sce:interpretationReason ; sh:message "m"@en ; vsh:remedy "r"@en ] .
vsh:ActorShape a sh:NodeShape ; sh:targetClass sce:Actor ;
  sh:property [ sh:path sce:cooperatesWith ; sh:message "m"@en ; vsh:remedy "r"@en ] .
vsh:EcosystemShape a sh:NodeShape ; sh:targetClass sce:Ecosystem .
vsh:StageShape a sh:NodeShape ; sh:targetClass sce:Stage ;
  sh:property [ sh:path sce:order ; sh:datatype xsd:integer ; sh:message "m"@en ; vsh:remedy "r"@en ] ,
    [ sh:path sce:startYear ; sh:datatype xsd:integer ; sh:message "m"@en ; vsh:remedy "r"@en ] ,
    [ sh:path sce:endYear ; sh:datatype xsd:integer ; sh:message "m"@en ; vsh:remedy "r"@en ] ,
    [ sh:path sce:growth ; sh:datatype xsd:decimal ; sh:message "m"@en ; vsh:remedy "r"@en ] .
"""

SPAN = f"evidence: [{{section: '1', start: 1, end: 5, sha256: {'a' * 64}, evidenceKind: stated}}]"

SOURCES = f"""
"@context": https://w3id.org/valueweave/context.jsonld
id: registry/sources
type: Registry
label: {{zh: 来源}}
lists:
  - id: source/000
    type: Source
    label: {{en: A paper}}
    textFile: a.txt
    textSha256: {"b" * 64}
    textLength: 1000
"""

CASE = f"""
"@context": https://w3id.org/valueweave/context.jsonld
id: case/jd
type: Case
label: {{en: JD}}
reportedIn: source/000
focalEcosystem: ecosystem/jd
includes:
  - id: ecosystem/jd
    type: Ecosystem
    label: {{en: JD ecosystem}}
    {SPAN}
  - id: actor/jd
    type: Organization
    label: {{en: JD, zh: 京东}}
    cooperatesWith: actor/wuliu
    {SPAN}
  - id: actor/wuliu
    type: Organization
    label: {{en: Wuliu, zh: 物流}}
    identifiedIn: stage/jd-1
    {SPAN}
  - id: stage/jd-1
    type: FormationStep
    label: {{en: JD first stage, zh: 京东第一阶段}}
    order: 1
    startYear: 2007
    endYear: 2016
    growth: 4.50
    {SPAN}
  - id: stage/jd-2
    type: Stage
    label: {{en: JD second stage}}
    order: 2
    startYear: 2017
    {SPAN}
"""

QUESTION = """#+ summary: Which stages are there?
#+ description: Stages with their years.
#+ tags: [stages]
#+ parameters:
#+   - from: the first year to show
#+ defaults:
#+   - from: 2000
PREFIX sce: <https://w3id.org/valueweave/ontology#>
SELECT ?stage ?start WHERE {
  ?stage a sce:Stage ; sce:startYear ?start .
  FILTER(?start >= ?_from_integer)
} ORDER BY ?start
"""


def write_project(home: Path) -> Project:
    """Write the small project into ``home``."""
    files = {
        "ontology/valueweave.ttl": HEAD + ROOT_ONTOLOGY,
        "ontology/modules/evidence.ttl": HEAD + EVIDENCE,
        "ontology/modules/stages.ttl": HEAD + STAGES,
        "ontology/shapes/all.ttl": HEAD + SHAPES,
        "data/sources.yaml": SOURCES,
        "data/cases/jd.yaml": CASE,
        "queries/stages.rq": QUESTION,
    }
    for name, text in files.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip(), "utf-8")
    (home / "ontology" / "rules").mkdir()
    for name in ("order-precedes.rq", "shortcut-cooperates-with.rq"):
        shutil.copy(ROOT / "ontology" / "rules" / name, home / "ontology" / "rules" / name)
    return Project(home, home / "store")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A small project of one's own, not built yet."""
    return write_project(tmp_path / "home")


@pytest.fixture(scope="session")
def built_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A small project that is built; tests only read it."""
    made = write_project(tmp_path_factory.mktemp("project"))
    build(made)
    return made


@pytest.fixture(scope="session")
def kg(built_project: Project) -> KnowledgeGraph:
    """The graph of :func:`built_project`."""
    return open_graph(built_project.home, built_project.store)


Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def command() -> Command:
    """Run the command line in a process of its own."""

    def run(project: Project, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "valueweave", "--home", project.home, "--store", project.store, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        )

    return run
