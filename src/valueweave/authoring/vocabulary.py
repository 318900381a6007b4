"""What authors may write, as a list to read.

In: the record model and the name of a class. Out: its keys, each with property, kind of value and definition.
The decision hidden here: how the kind of a value is worded.
"""

from __future__ import annotations

from dataclasses import dataclass

from valueweave.authoring.model import KeyRule, RecordModel
from valueweave.namespaces import PREFIXES, SCE, shorten_iri
from valueweave.ontology import ANNOTATION_KEYS
from valueweave.problems import InputError, Problem, did_you_mean

__all__ = ["KeyInfo", "class_named", "keys_of"]


_NAMELESS = ("Account", "Registry", "EvidenceItem", "NameUse", "StatedValue")
"""Classes of what need not have a label: whole files, and what backs a record."""


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """A key of a class.

    Attributes:
        key: as authors write it.
        property: the property behind it, in its short form.
        value: what its values are.
        required: whether a record must have it.
        definition: what it means, ``""`` when the ontology does not say.
    """

    key: str
    property: str
    value: str
    required: bool
    definition: str


def class_named(model: RecordModel, name: str) -> str:
    """Return the IRI of the class called ``name`` (``Stage`` or ``sce:Stage``).

    Raises:
        InputError: when there is none, with the nearest name.
    """
    local = name.removeprefix("sce:").removeprefix(SCE)
    if local in model.types:
        return model.types[local]
    remedy = did_you_mean(local, model.writable, "'valueweave keys' lists the classes.")
    raise InputError(Problem("unknown-class", f"There is no class '{name}'.", remedy, term=name))


def keys_of(model: RecordModel, class_iri: str) -> list[KeyInfo]:
    """Return the keys that a record of a class may have: the required ones first, then by name."""
    rules = model.rules([class_iri])
    nameless = {iri for name in _NAMELESS for iri in model.ontology.descendants(SCE + name)}
    found = []
    for key in model.allowed([class_iri]):
        iri = model.ontology.keys[key]
        rule = rules.get(key, KeyRule(iri, key))
        term = model.ontology.terms.get(iri)
        required = bool(rule.least and rule.level == "error") or (key == "label" and class_iri not in nameless)
        found.append(
            KeyInfo(key, shorten_iri(iri), _value(model, key, rule), required, term.definition if term else "")
        )
    return sorted(found, key=lambda info: (not info.required, info.key))


def _value(model: RecordModel, key: str, rule: KeyRule) -> str:
    if key in ANNOTATION_KEYS:
        return "text by language"
    term = model.ontology.property_for_key(key)
    assert term is not None
    several = "" if rule.most == 1 else " (one or several)"
    if term.kind == "annotation":
        return "names of terms" if key == "denotesTerm" else "names of keys"
    if term.kind == "object":
        closed = model.ontology.vocabulary(term.iri)
        if closed:
            return "one of " + ", ".join(sorted(closed)) if len(closed) <= 12 else f"one of {len(closed)} values"
        classes = [shorten_iri(iri).removeprefix("sce:") for iri in rule.classes or term.ranges]
        return f"id of {' or '.join(classes) or 'a record'}{several}"
    datatype = rule.datatype or next((iri for iri in term.ranges if iri.startswith(PREFIXES["xsd"])), "")
    return (shorten_iri(datatype).removeprefix("xsd:") or "text") + several
