"""The SHACL engine: same results as pyshacl by itself, and every shape can be told to a researcher."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pyoxigraph as ox
import pyshacl
import pytest
import rdflib

from valueweave.authoring import load_documents
from valueweave.ontology import OntologyIndex
from valueweave.validation.engine import run_shapes
from valueweave.validation.shapes import hierarchy_triples

SH = rdflib.Namespace("http://www.w3.org/ns/shacl#")


def test_the_engine_finds_what_plain_pyshacl_finds(place: Any, ontology: OntologyIndex, shapes: list[Any]) -> None:
    place.change("    unit: unitPercent\n", "")
    place.change("inScheme: scheme/value", "inScheme: actor/jd")
    place.change("startYear: 2007", "startYear: 2017")
    place.change("    stageOf: ecosystem/jd\n", "    stageOf: scheme/value\n")
    documents = load_documents(place.project.data_files(), place.project, ontology)
    data = [*{q.triple for d in documents for q in d.quads()}, *hierarchy_triples(ontology)]
    ours = Counter((r.subject, r.path, r.component, r.value) for r in run_shapes(data, shapes))

    def graph(triples: list[ox.Triple]) -> rdflib.Graph:
        return rdflib.Graph().parse(data=ox.serialize(triples, format=ox.RdfFormat.N_TRIPLES), format="nt")

    _, report, _ = pyshacl.validate(graph(data), shacl_graph=graph(shapes), inference="none")
    plain: Counter[tuple[str, str | None, str, str | None]] = Counter()
    for node in report.subjects(rdflib.RDF.type, SH.ValidationResult):
        focus, path, component, value = (
            report.value(node, SH[name]) for name in ("focusNode", "resultPath", "sourceConstraintComponent", "value")
        )
        name = str(component).removeprefix(str(SH)).removesuffix("ConstraintComponent")
        plain[str(focus), path and str(path), name, value and str(value)] += 1
    assert {key[2] for key in ours} >= {"Class", "SPARQL", "LessThanOrEquals"}
    assert ours == plain


def test_looking_at_some_things_only_gives_their_part(place: Any, ontology: OntologyIndex, shapes: list[Any]) -> None:
    place.change("    unit: unitPercent\n", "")
    place.change("inScheme: scheme/value", "inScheme: actor/jd")
    documents = load_documents(place.project.data_files(), place.project, ontology)
    data = [*{q.triple for d in documents for q in d.quads()}, *hierarchy_triples(ontology)]
    everything = run_shapes(data, shapes)
    stage = "https://w3id.org/valueweave/id/stage/jd-1"
    assert {r.subject for r in everything} > {stage}
    assert Counter(run_shapes(data, shapes, [stage])) == Counter(r for r in everything if r.subject == stage)


def test_every_result_of_a_shape_has_message_and_remedy(shapes: list[Any]) -> None:
    """What the shapes say is all a researcher sees, so none may be silent."""
    sh, vsh = "http://www.w3.org/ns/shacl#", "https://w3id.org/valueweave/shapes#"
    told: dict[str, set[str]] = {}
    nodes = set()
    for triple in shapes:
        told.setdefault(str(triple.subject), set()).add(triple.predicate.value)
        if triple.predicate.value in (sh + "property", sh + "sparql"):
            nodes.add(str(triple.object))
    assert len(nodes) > 500
    assert [node for node in nodes if not {sh + "message", vsh + "remedy"} <= told[node]] == []


EVIDENCE = "    evidence:\n      - {section: '2.1', start: 136, end: 178, evidenceKind: stated, sha256: DIGEST}\n"
COMMON = "    label: {en: a record}\n"

WHOLE: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "Claim": (
        "    description: {en: It says something.}\n    about: actor/jd\n    claimedBy: source/000\n",
        [("    about: actor/jd\n", "about"), ("    claimedBy: source/000\n", "whose claim")],
    ),
    "Testimony": (
        "    description: {en: It says something.}\n    about: actor/jd\n    voicedByTitle: a manager\n",
        [("    voicedByTitle: a manager\n", "title of the speaker")],
    ),
    "Recommendation": (
        "    description: {en: Do it.}\n    about: actor/jd\n    claimedBy: source/000\n    recommendedTo: actor/jd\n",
        [("    recommendedTo: actor/jd\n", "ought to act")],
    ),
    "Participation": (
        "    party: actor/jd\n    inRole: partner\n",
        [("    party: actor/jd\n", "party"), ("    inRole: partner\n", "as what")],
    ),
    "Outcome": (
        "    resultsFrom: stage/jd-1\n    quantityOf: stage/jd-1\n    valueBefore: 95\n    valueAfter: 99\n"
        "    printedChange: 4\n    unit: unitPercent\n    changeKind: percentagePoint\n",
        [
            ("    quantityOf: stage/jd-1\n", "what was measured"),
            ("    unit: unitPercent\n", "without its unit"),
            ("    changeKind: percentagePoint\n", "kind of change"),
            ("    valueBefore: 95\n    valueAfter: 99\n    printedChange: 4\n", "promises a number"),
            ("    resultsFrom: stage/jd-1\n    quantityOf: stage/jd-1\n", "came of"),
        ],
    ),
    "QuantityStatement": (
        "    quantityOf: actor/jd\n    numericValue: 3\n    unit: unitCount\n    qualifier: exactly\n",
        [
            ("    quantityOf: actor/jd\n", "counted or measured"),
            ("    numericValue: 3\n", "no number"),
            ("    unit: unitCount\n", "unit"),
            ("    qualifier: exactly\n", "bounds"),
        ],
    ),
    "Discrepancy": (
        "    discrepancyKind: valueConflict\n    confronts: [actor/jd, ecosystem/jd]\n",
        [("    discrepancyKind: valueConflict\n", "kind"), (", ecosystem/jd", "at least two")],
    ),
    "IdentityClaim": (
        "    identifies: [actor/jd, ecosystem/jd]\n    attribution: curatorGiven\n",
        [("    attribution: curatorGiven\n", "from whom")],
    ),
    "Interview": (
        "    atOrganization: actor/jd\n    respondentTitle: Director\n",
        [("    atOrganization: actor/jd\n", "organization")],
    ),
    "CitedWork": (
        "    citationKey: '10'\n    inSource: source/000\n",
        [("    citationKey: '10'\n", "mark"), ("    inSource: source/000\n", "refers to it")],
    ),
    "Authorship": (
        "    author: actor/ann\n    order: 1\n",
        [("    author: actor/ann\n", "person"), ("    order: 1\n", "printed order")],
    ),
    "Difference": (
        "    description: {en: They differ.}\n    claimedBy: source/000\n    compares: [actor/jd, actor/many]\n"
        "    onDimension: dimension/one\n",
        [(", actor/many", "at least two"), ("    onDimension: dimension/one\n", "respect")],
    ),
    "InfluencingFactor": ("    influences: stage/jd-1\n", [("    influences: stage/jd-1\n", "bears")]),
    "SupermodularComplementarity": (
        "    sides: [participation/one, participation/two]\n    basis: curatorInterpreted\n    beginsIn: stage/jd-1\n",
        [
            (", participation/two", "two sides"),
            ("    basis: curatorInterpreted\n", "basis"),
            ("    beginsIn: stage/jd-1\n", "stage in which it begins"),
        ],
    ),
    "Opportunity": ("    pursuedBy: actor/jd\n", [("    pursuedBy: actor/jd\n", "pursue")]),
    "ValueProposition": ("    proposedBy: actor/jd\n", [("    proposedBy: actor/jd\n", "makes this offer")]),
    "SupplyChainInnovation": ("    innovatedBy: actor/jd\n", [("    innovatedBy: actor/jd\n", "brought it about")]),
    "TakeUp": (
        "    takeUpOf: module/one\n    takenUpBy: actor/many\n    inIndustry: industry/one\n",
        [
            ("    takeUpOf: module/one\n", "module or solution"),
            ("    inIndustry: industry/one\n", "industry, the least number"),
        ],
    ),
    "SolutionDelivery": (
        "    deliversSolution: solution/one\n    deliveredTo: actor/many\n    deliveredBy: actor/jd\n",
        [("    deliveredBy: actor/jd\n", "provides the solution")],
    ),
    "SingleFunctionSolution": (
        "    providedBy: actor/jd\n    coversFunction: function/one\n",
        [("    providedBy: actor/jd\n", "provides this solution"), ("    coversFunction: function/one\n", "function")],
    ),
}
"""For a class: a record that says enough, and what of it cannot be left out, with a word of what is then told."""

OTHERS = """  - {id: actor/ann, type: Person, label: {en: Ann}}
  - {id: actor/many, type: ActorGroup, label: {en: many}}
  - {id: industry/one, type: Industry, label: {en: an industry}}
  - {id: function/one, type: SupplyChainFunction, label: {en: a function}}
  - {id: module/one, type: ServiceModule, label: {en: a module}}
  - {id: dimension/one, type: ComparisonDimension, label: {en: a dimension}}
  - {id: participation/one, type: Participation, label: {en: one}, party: actor/jd, inRole: partner}
  - {id: participation/two, type: Participation, label: {en: two}, party: actor/many, inRole: partner}
  - {id: solution/one, type: Solution, label: {en: a solution}, providedBy: actor/jd}
"""

HALF = [(name, cut, word) for name, (_, cuts) in WHOLE.items() for cut, word in cuts]


def _with_record(place: Any, name: str, keys: str) -> list[Any]:
    digest = place.case.read_text("utf-8").split("sha256: ")[1].split(",")[0]
    things = place.project.data / "things.yaml"
    things.write_text(things.read_text("utf-8") + OTHERS, "utf-8")
    record = f"  - id: thing/tried\n    type: {name}\n{COMMON}{keys}{EVIDENCE.replace('DIGEST', digest)}"
    place.write(place.case.read_text("utf-8") + record)
    return [problem for problem in place.problems() if problem.record == "thing/tried"]


@pytest.mark.parametrize("name", WHOLE)
def test_a_record_that_says_enough_passes(place: Any, name: str) -> None:
    assert _with_record(place, name, WHOLE[name][0]) == []


@pytest.mark.parametrize(("name", "cut", "word"), HALF, ids=[f"{name}-{word}" for name, _, word in HALF])
def test_a_half_filled_record_is_refused_with_what_is_missing(place: Any, name: str, cut: str, word: str) -> None:
    assert cut in WHOLE[name][0]
    problems = _with_record(place, name, WHOLE[name][0].replace(cut, ""))
    assert any(word in problem.message and problem.remedy and problem.line for problem in problems), problems
