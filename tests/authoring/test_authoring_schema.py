"""The JSON Schema for editors agrees with the checks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from valueweave.authoring.schema import generate_schema
from valueweave.ontology import OntologyIndex

HOME = Path(__file__).parents[2]


class _Core(yaml.CSafeLoader):
    """What an editor reads: no dates, ``no`` is a text."""


_Core.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in resolvers if tag.endswith((":int", ":float", ":null"))]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


@pytest.fixture(scope="module")
def schema(ontology: OntologyIndex, shapes: list[Any]) -> dict[str, Any]:
    return generate_schema(ontology, shapes)


@pytest.fixture(scope="module")
def validator(schema: dict[str, Any]) -> jsonschema.Draft7Validator:
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def faults(validator: jsonschema.Draft7Validator, path: Path) -> list[str]:
    data = yaml.load(path.read_text("utf-8"), _Core)
    return [error.message for error in validator.iter_errors(data)]


def test_the_schema_in_the_project_is_the_one_made_from_ontology_and_shapes(schema: dict[str, Any]) -> None:
    written = json.loads((HOME / "ontology" / "schema" / "case.schema.json").read_text("utf-8"))
    assert written == schema, "run 'valueweave generate schema'"


def test_correct_files_fit(place: Any, validator: jsonschema.Draft7Validator) -> None:
    for path in place.project.data_files():
        assert faults(validator, path) == []


@pytest.mark.parametrize("name", ["actors.yaml", "sources.yaml", "cases/000-jd.yaml"])
def test_files_of_the_project_fit(name: str, validator: jsonschema.Draft7Validator) -> None:
    assert faults(validator, HOME / "data" / name) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("startYear: 2007", "strtYear: 2007"),
        ("startYear: 2007", "metric: metric/x"),
        ("startYear: 2007", "startYear: twenty"),
        ("startYear: 2007", "startYear: [2007, 2008]"),
        ("type: Stage", "type: Stag"),
        ("unit: unitPercent", "unit: unitPercnt"),
        ("    inScheme: scheme/value\n", ""),
        ("label: {en: first stage, zh: 第一阶段}", "label: first stage"),
        ("    label: {en: first stage, zh: 第一阶段}\n", ""),
        ("label: {en: first stage, zh: 第一阶段}", "label: {zh: 第一阶段}"),
        ("sha256: ", "sha256: zz"),
        ("id: case/jd\ntype: Case", "id: case/jd\ntype: Stage"),
        ("id: case/jd\n", ""),
        ("supports: foundedYear", "supports: fundedYear"),
        ("id: stage/jd-1", "id: stage jd"),
        ("inScheme: scheme/value", "inScheme: the value scheme"),
    ],
)
def test_a_slip_does_not_fit_and_is_no_surprise_to_the_checks(
    place: Any, validator: jsonschema.Draft7Validator, old: str, new: str
) -> None:
    place.change(old, new)
    assert faults(validator, place.case)
    assert place.problems(place.case)


def test_keys_and_types_are_explained_by_the_definitions_of_the_ontology(
    schema: dict[str, Any], ontology: OntologyIndex
) -> None:
    start = ontology.property_for_key("startYear")
    assert start is not None
    assert schema["definitions"]["key.startYear"]["description"] == start.definition != ""
    assert schema["definitions"]["Stage"]["title"] == "stage"


def test_every_reference_within_the_schema_leads_somewhere(schema: dict[str, Any]) -> None:
    def references(node: Any) -> set[str]:
        if isinstance(node, dict):
            own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
            return own.union(*(references(child) for child in node.values()))
        return set().union(*(references(child) for child in node)) if isinstance(node, list) else set()

    found = references(schema)
    assert len(found) > 200
    assert {name.removeprefix("#/definitions/") for name in found} <= set(schema["definitions"])
