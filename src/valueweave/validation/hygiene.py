"""Whether the ontology keeps its own conventions: labels, definitions, sources, names, modules.

In: the Turtle modules and the checks in ``ontology/checks/``. Out: for each check, how much it looked at and what
offends.
The decision hidden here: a check is a SPARQL file, run over the modules in memory: the default graph holds all
statements, each module's own are also in a graph named by its ontology IRI.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import pyoxigraph as ox

from valueweave.headers import read_header, read_text
from valueweave.namespaces import PREFIXES, shorten_iri
from valueweave.problems import InputError, Problem

__all__ = ["Check", "CheckResult", "Offence", "check_ontology", "load_checks", "load_modules"]

_ONTOLOGY = ox.NamedNode(PREFIXES["owl"] + "Ontology")
_TYPE = ox.NamedNode(PREFIXES["rdf"] + "type")
_KEYS = ("level", "problem", "remedy", "subjects")


@dataclass(frozen=True, slots=True)
class Check:
    """One check: a SPARQL SELECT whose rows are what offends (``?term``, and ``?value`` where a value is at fault).

    Attributes:
        name: stable name, the stem of its file (``label-zh-missing``).
        level: ``error`` or ``warning``.
        problem: what is wrong with a term that the query returns.
        remedy: what to do about it.
        subjects: SPARQL pattern that binds ``?term`` to everything the check looks at.
        query: the query text.
    """

    name: str
    level: Literal["error", "warning"]
    problem: str
    remedy: str
    subjects: str
    query: str

    @classmethod
    def read(cls, path: Path) -> Check:
        """Read a check from its file.

        Raises:
            InputError: when the file cannot be read or its header lacks a key.
        """
        text = read_text(path)
        header = read_header(text, file=str(path))
        missing = [key for key in _KEYS if not str(header.get(key) or "").strip()]
        if missing or header["level"] not in ("error", "warning"):
            wrong = missing[0] if missing else "level"
            raise InputError(
                Problem(
                    "check-header",
                    f"The header of this check has no usable '{wrong}'.",
                    "Write the lines '#+ level: error|warning', '#+ problem:', '#+ remedy:' and '#+ subjects:'.",
                    file=str(path),
                    term=wrong,
                )
            )
        values: dict[str, Any] = {key: str(header[key]).strip() for key in _KEYS}
        return cls(name=path.stem, query=text, **values)


@dataclass(frozen=True, slots=True)
class Offence:
    """A term that a check returned, and the value at fault if the check names one."""

    term: str
    value: str | None = None


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check found.

    Attributes:
        check: the check.
        looked_at: how many subjects it looked at; a check that looked at none has shown nothing.
        offences: what offends, in the order of terms.
    """

    check: Check
    looked_at: int
    offences: tuple[Offence, ...]

    def problems(self) -> list[Problem]:
        """Return the offences as problems."""
        return [
            Problem(
                self.check.name,
                self.check.problem + (f" ({offence.value})" if offence.value is not None else ""),
                self.check.remedy,
                term=offence.term,
                level=self.check.level,
            )
            for offence in self.offences
        ]


def load_checks(folder: Path) -> list[Check]:
    """Read every check in ``folder``, by name.

    Raises:
        InputError: when a file cannot be read or lacks a header line.
    """
    return [Check.read(path) for path in sorted(folder.glob("*.rq"))]


def load_modules(paths: Iterable[Path]) -> ox.Store:
    """Read modules, Turtle (one a file) or TriG (one a graph), into a store in memory.

    Returns:
        A store whose default graph holds every statement; each module's statements are also in the graph of its name.

    Raises:
        InputError: when a file does not parse.
    """
    store = ox.Store()
    for path in paths:
        kind = ox.RdfFormat.TRIG if path.suffix == ".trig" else ox.RdfFormat.TURTLE
        try:
            quads = list(ox.parse(path=path, format=kind))
        except (SyntaxError, OSError) as error:
            line = error.lineno if isinstance(error, SyntaxError) else None
            raise InputError(
                Problem("turtle-syntax", f"The file does not parse: {error}.", "Mend it.", file=str(path), line=line)
            ) from error
        header = next((quad.subject for quad in quads if quad.predicate == _TYPE and quad.object == _ONTOLOGY), None)
        name = header if isinstance(header, ox.NamedNode) else ox.NamedNode(path.resolve().as_uri())
        for quad in quads:
            graph = quad.graph_name if kind == ox.RdfFormat.TRIG else name
            store.add(ox.Quad(quad.subject, quad.predicate, quad.object, graph))
            store.add(ox.Quad(quad.subject, quad.predicate, quad.object))
    return store


def check_ontology(modules: ox.Store, checks: Sequence[Check]) -> list[CheckResult]:
    """Run checks over the modules that :func:`load_modules` read.

    Returns:
        One result for each check, in their order, whether anything offends or not.

    Raises:
        InputError: when a check is no SPARQL.

    Example:
        >>> store = ox.Store()
        >>> store.load(b'<urn:a> a <urn:C> . <urn:b> a <urn:C> ; <urn:p> 1 .', format=ox.RdfFormat.TURTLE)
        >>> query = "SELECT ?term { ?term a <urn:C> FILTER NOT EXISTS { ?term <urn:p> ?any } }"
        >>> check = Check("p-missing", "error", "It has no p.", "Give it one.", "?term a <urn:C>", query)
        >>> [(result.looked_at, result.offences) for result in check_ontology(store, [check])]
        [(2, (Offence(term='urn:a', value=None),))]
    """
    return [_run(modules, check) for check in checks]


def _run(modules: ox.Store, check: Check) -> CheckResult:
    counting = f"SELECT (COUNT(DISTINCT ?term) AS ?n) WHERE {{ {check.subjects} }}"
    try:
        count = next(iter(cast("ox.QuerySolutions", modules.query(counting, prefixes=PREFIXES))))["n"]
        solutions = cast("ox.QuerySolutions", modules.query(check.query, prefixes=PREFIXES))
    except SyntaxError as error:
        raise InputError(
            Problem("check-syntax", f"The check '{check.name}' is no SPARQL: {error}.", "Mend it.", term=check.name)
        ) from error
    has_value = any(variable.value == "value" for variable in solutions.variables)
    found = {
        Offence(_text(solution["term"]), _text(solution["value"]) if has_value and solution["value"] else None)
        for solution in solutions
    }
    offences = tuple(sorted(found, key=lambda offence: (offence.term, offence.value or "")))
    return CheckResult(check, int(cast("ox.Literal", count).value), offences)


def _text(term: object) -> str:
    if isinstance(term, ox.NamedNode):
        return shorten_iri(term.value)
    return term.value if isinstance(term, ox.Literal) else str(term)
