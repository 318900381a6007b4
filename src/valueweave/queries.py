"""The competency questions: SPARQL files with a header, and their parameters.

In: ``queries/*.rq``, a query file or a text; values as a person writes them. Out: :class:`Question`, and a term for
each variable that has a value.
The decision hidden here: the header form (that of grlc) and how a value becomes an RDF term.

A header is YAML in ``#+`` comments::

    #+ summary: Stages of a case
    #+ description: The stages of the ecosystem of a case with their years, in order.
    #+ tags: [stages]
    #+ parameters:
    #+   - case: the case to look at
    #+ defaults:
    #+   - case: https://w3id.org/valueweave/id/case/jd-2007-2021

A variable whose name starts with ``_`` is a parameter: ``?_case_iri`` takes an IRI for ``case``, ``?_from_integer`` a
whole number for ``from``, ``?_text`` (or ``?_text_string``) a text, ``?_text_zh`` a text in Chinese. With two
underscores (``?__case_iri``) it is optional: without a value it is an ordinary variable and matches anything. A value
stands where the variable stood, so ``BIND(... AS ?_x)`` and ``GROUP BY ?_x`` are refused.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyoxigraph as ox

from valueweave.headers import read_header, read_text
from valueweave.namespaces import ID, PREFIXES, SCE, TermError, expand_iri
from valueweave.problems import InputError, Problem
from valueweave.project import Project
from valueweave.sparql_text import variables

__all__ = ["Parameter", "Question", "find_question", "load_question", "load_questions", "parse_question"]

_VARIABLE = re.compile(r"(?P<underscores>__?)(?P<name>[A-Za-z][A-Za-z0-9]*)(?:_(?P<type>[A-Za-z]+))?")
_TYPES = {"iri", "string", "integer", "decimal", "boolean"}
_ALIASES = {None: "string", "literal": "string", "number": "decimal"}
_XSD = PREFIXES["xsd"]
_BARE = re.compile(r"[\w.-]+")
_FORMS_OF_IRI = "Give an id such as actor/jd, a prefixed name such as sce:Stage, or a full IRI."
_INTEGER = re.compile(r"[+-]?\d+")
_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a question may be asked about.

    Attributes:
        name: as the user names it.
        type: ``iri``, ``string``, ``integer``, ``decimal``, ``boolean``, or a two-letter language.
        variable: the variable that takes the value, without the question mark.
        required: whether the question has no answer without a value.
        default: the value when none is given, as the header writes it.
        description: what it means.
        choices: the values allowed, or nothing when any is.
    """

    name: str
    type: str
    variable: str
    required: bool
    default: str | None = None
    description: str = ""
    choices: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the parameter as a JSON object."""
        return {
            "name": self.name,
            "type": self.type,
            "required": self.required and self.default is None,
            "default": self.default,
            "description": self.description,
            "choices": list(self.choices),
        }

    def term(self, value: object, known: Callable[[str], bool] | None = None) -> ox.NamedNode | ox.Literal:
        """Return the RDF term for a value.

        Args:
            value: text as a person writes it, or a Python value. A bare name is completed with the name of the
                parameter: ``jd`` is ``actor/jd`` for the parameter ``actor``; otherwise it is a term of the ontology.
            known: whether an IRI is in the graph; every one is when nothing is given.

        Raises:
            InputError: when the value is not of the parameter's type, or not among its choices.

        >>> Parameter("from", "integer", "_from_integer", True).term("2010")
        <Literal value=2010 datatype=<NamedNode value=http://www.w3.org/2001/XMLSchema#integer>>
        >>> Parameter("actor", "iri", "_actor_iri", True).term("actor/jd")
        <NamedNode value=https://w3id.org/valueweave/id/actor/jd>
        >>> Parameter("actor", "iri", "_actor_iri", True).term("jd")
        <NamedNode value=https://w3id.org/valueweave/id/actor/jd>
        """
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if self.choices and text not in self.choices:
            raise self._wrong(text, f"Choose one of {', '.join(self.choices)}.")
        if self.type == "iri":
            if _BARE.fullmatch(text):
                full = (f"{ID}{self.name}/{text}", SCE + text)
                for iri in full:
                    if known is None or known(iri):
                        return ox.NamedNode(iri)
                raise self._wrong(text, _FORMS_OF_IRI, "unknown-name")
            try:
                return ox.NamedNode(expand_iri(text))
            except (TermError, ValueError) as error:
                raise self._wrong(text, _FORMS_OF_IRI) from error
        if self.type == "integer":
            if not _INTEGER.fullmatch(text):
                raise self._wrong(text, "Give a whole number.")
            return ox.Literal(text, datatype=ox.NamedNode(_XSD + "integer"))
        if self.type == "decimal":
            if not _DECIMAL.fullmatch(text):
                raise self._wrong(text, "Give a number such as 4.5.")
            return ox.Literal(text, datatype=ox.NamedNode(_XSD + "decimal"))
        if self.type == "boolean":
            if text not in {"true", "false"}:
                raise self._wrong(text, "Give true or false.")
            return ox.Literal(text, datatype=ox.NamedNode(_XSD + "boolean"))
        return ox.Literal(text) if self.type == "string" else ox.Literal(text, language=self.type)

    def _wrong(self, text: str, remedy: str, code: str = "parameter-value") -> InputError:
        return InputError(
            Problem(code, f"'{text}' is no value for the parameter '{self.name}'.", remedy, term=self.name)
        )


@dataclass(frozen=True, slots=True)
class Question:
    """A question that can be asked: a SPARQL query with its header.

    Attributes:
        name: name of its file without the ending.
        summary: the question in one line.
        description: what the answer shows.
        parameters: what it can be asked about.
        text: the query with its header.
        tags: groups it belongs to.
        file: where it stands, or ``None`` for a text.
    """

    name: str
    summary: str
    description: str
    parameters: tuple[Parameter, ...]
    text: str
    tags: tuple[str, ...] = ()
    file: str | None = None

    def bind(
        self, values: Mapping[str, object] | None = None, known: Callable[[str], bool] | None = None
    ) -> dict[str, ox.NamedNode | ox.Literal]:
        """Return a term for each variable that has a value.

        Args:
            values: value by parameter name; the header's defaults stand in for those not given.
            known: whether an IRI is in the graph, to complete bare names; every one is when nothing is given.

        Raises:
            InputError: with every unknown parameter, missing value and wrong value.

        >>> parse_question("SELECT ?s { ?s sce:startYear ?_year_integer }").bind({"yaer": 2007})
        Traceback (most recent call last):
        ...
        valueweave.problems.InputError: error: yaer: There is no parameter 'yaer'. Did you mean 'year'? ...
        """
        given = dict(values or {})
        names = {parameter.name: parameter for parameter in self.parameters}
        problems: list[Problem] = []
        for name in given:
            if name not in names:
                problems.append(_unknown("parameter", name, names, "The query has no parameters."))
        bound: dict[str, ox.NamedNode | ox.Literal] = {}
        for parameter in self.parameters:
            value = given.get(parameter.name, parameter.default)
            if value is None:
                if parameter.required and not any(problem.code == "unknown-parameter" for problem in problems):
                    problems.append(
                        Problem(
                            "missing-parameter",
                            f"The parameter '{parameter.name}' ({parameter.type}) has no value.",
                            f"Give it with --param {parameter.name}=VALUE.",
                            file=self.file,
                            term=parameter.name,
                        )
                    )
                continue
            try:
                bound[parameter.variable] = parameter.term(value, known)
            except InputError as error:
                problems.extend(error.problems)
        if problems:
            raise InputError(*problems)
        return bound

    def to_json(self) -> dict[str, Any]:
        """Return the question as a JSON object, without its text."""
        return {
            "name": self.name,
            "summary": self.summary,
            "description": self.description,
            "tags": list(self.tags),
            "parameters": [parameter.to_json() for parameter in self.parameters],
        }


def parse_question(text: str, *, name: str = "query", file: str | None = None) -> Question:
    """Read a query with or without a header.

    Raises:
        InputError: when the header is wrong: no YAML, or it names a parameter that the query does not have.

    >>> parse_question("#+ summary: Who?\\nSELECT ?s { ?s a ?_class_iri }").parameters[0].name
    'class'
    """
    header = read_header(text, file=file)
    defaults = _by_name(header.get("defaults"), "defaults", file)
    descriptions = _by_name(header.get("parameters"), "parameters", file)
    choices = _by_name(header.get("enumerate"), "enumerate", file)
    parameters: dict[str, Parameter] = {}
    for variable in variables(text):
        match = _VARIABLE.fullmatch(variable)
        if not match:
            continue
        label, kind = match["name"], _ALIASES.get(match["type"], match["type"])
        if kind not in _TYPES and not (kind and re.fullmatch(r"[a-z]{2}", kind)):
            raise _header_problem(f"The parameter ?{variable} has the unknown type '{kind}'.", file, sorted(_TYPES))
        if label in parameters and parameters[label].variable != variable:
            raise _header_problem(f"The parameter '{label}' has two variables.", file, [parameters[label].variable])
        default = defaults.get(label)
        allowed = choices.get(label)
        parameters[label] = Parameter(
            label,
            str(kind),
            variable,
            match["underscores"] == "_",
            None if default is None else str(default).lower() if isinstance(default, bool) else str(default),
            str(descriptions.get(label, "")),
            tuple(str(item) for item in allowed) if isinstance(allowed, list) else (),
        )
    for key, names in (("defaults", defaults), ("parameters", descriptions), ("enumerate", choices)):
        for label in names:
            if label not in parameters:
                found = [parameter.name for parameter in parameters.values()]
                raise _header_problem(f"'{key}' names '{label}', which is no parameter of the query.", file, found)
    tags = header.get("tags") or []
    return Question(
        name,
        str(header.get("summary", "")).strip(),
        str(header.get("description", "")).strip(),
        tuple(parameters.values()),
        text,
        tuple(str(tag) for tag in (tags if isinstance(tags, list) else [tags])),
        file,
    )


def _by_name(block: object, key: str, file: str | None) -> dict[str, Any]:
    """Read ``- name: value`` lists (grlc's form) or a plain mapping."""
    if block is None:
        return {}
    if isinstance(block, Mapping):
        return {str(name): value for name, value in block.items()}
    found: dict[str, Any] = {}
    for item in block if isinstance(block, list) else [block]:
        if isinstance(item, Mapping):
            found.update({str(name): value for name, value in item.items()})
        elif isinstance(item, str) and key == "enumerate":
            found[item] = None
        else:
            raise _header_problem(f"'{key}' is no list of names with values.", file, ["- name: value"])
    return found


def _header_problem(message: str, file: str | None, hints: Iterable[str]) -> InputError:
    known = ", ".join(hints) or "none"
    return InputError(Problem("question-header", message, f"Known here: {known}.", file=file))


def _unknown(what: str, name: str, known: Iterable[str], otherwise: str) -> Problem:
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"Did you mean '{close[0]}'?" if close else f"Known: {', '.join(names)}." if names else otherwise
    return Problem(f"unknown-{what}", f"There is no {what} '{name}'.", hint, term=name)


def load_question(path: Path) -> Question:
    """Read the question in one file.

    Raises:
        InputError: when the file cannot be read or its header is wrong.
    """
    return parse_question(read_text(path), name=path.stem, file=str(path))


def load_questions(project: Project) -> dict[str, Question]:
    """Read all questions of a project, by name.

    Raises:
        InputError: with every problem of every file; a question needs a summary.
    """
    found: dict[str, Question] = {}
    problems: list[Problem] = []
    for path in project.question_files():
        try:
            question = load_question(path)
        except InputError as error:
            problems.extend(error.problems)
            continue
        if not question.summary:
            problems.append(
                Problem(
                    "question-header", "The question has no summary.", "Add '#+ summary: ...'.", file=str(path), line=1
                )
            )
        found[question.name] = question
    if problems:
        raise InputError(*problems)
    return found


def find_question(questions: Mapping[str, Question], name: str) -> Question:
    """Return the question called ``name``.

    Raises:
        InputError: when there is none, with the nearest name.
    """
    if name in questions:
        return questions[name]
    raise InputError(_unknown("question", name, questions, "The project has no questions."))
