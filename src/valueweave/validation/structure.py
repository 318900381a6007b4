"""Checks of a file by itself: keys, types, ids, number and kind of values.

In: a document and the record model. Out: findings, each at the key or value at fault.
The decision hidden here: what can be said of a file without looking into any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from valueweave.authoring.document import Document
from valueweave.authoring.entries import Entry, expand_name, expand_reference
from valueweave.authoring.model import ROOT_KEYS, KeyRule, RecordModel
from valueweave.authoring.tree import Listing, Mapping, Node, Scalar
from valueweave.namespaces import SCE, shorten_iri
from valueweave.ontology import ANNOTATION_KEYS
from valueweave.validation.findings import Finding, at, did_you_mean, name_list
from valueweave.validation.values import Report, check_evidence_item, check_periods, check_value

__all__ = ["check_structure"]


def check_structure(document: Document, model: RecordModel) -> Iterator[Finding]:
    """Yield what is wrong with the form of a document.

    Args:
        document: the file.
        model: what records may say.
    """
    for entry in document.entries:
        yield from _check_id(document, entry)
        yield from _check_type(document, entry, model)
        yield from _check_keys(document, entry, model)
        yield from _check_label(document, entry)
        yield from check_periods(document, entry)
        if _is_evidence(entry):
            yield from check_evidence_item(document, entry)
        if entry.is_addition:
            yield from _check_addition(document, entry)
    yield from _check_containers(document)


def _is_evidence(entry: Entry) -> bool:
    return entry.key == "evidence" or SCE + "EvidenceItem" in entry.types


def _check_id(document: Document, entry: Entry) -> Iterator[Finding]:
    node = entry.mapping.get("id")
    if node is None:
        if entry.parent is None or entry.is_record:
            what = "record" if entry.is_record else "file"
            yield at(
                document,
                entry,
                "missing-id",
                f"The {what} has no id.",
                "Write id: with a path such as stage/jd-1.",
                key="id",
            )
    elif not isinstance(node, Scalar) or expand_reference(node.text) is None:
        text = node.text if isinstance(node, Scalar) else "a list or mapping"
        yield at(
            document,
            entry,
            "malformed-id",
            f"'{text}' is no id.",
            "Write a path of letters, digits, '-', '_' and '.' with a '/', such as stage/jd-1.",
            key="id",
            node=node,
        )


def _check_type(document: Document, entry: Entry, model: RecordModel) -> Iterator[Finding]:
    node = entry.mapping.get("type")
    if node is None:
        if entry.parent is None:
            yield at(
                document,
                entry,
                "missing-type",
                "The file has no type.",
                "Write type: Case, GeneralAccount or Registry.",
                key="type",
            )
        elif not entry.named and not entry.types:
            remedy = f"Write type: with the class of the thing, or name the id of a record under {entry.key}:."
            yield at(document, entry, "missing-type", "A record without an id needs a type.", remedy, key="type")
        return
    items = node.items if isinstance(node, Listing) else [node]
    if not items:
        yield at(
            document, entry, "empty-value", "The key 'type' has no value.", "Write the class of the record.", key="type"
        )
    for item in items:
        text = item.text if isinstance(item, Scalar) else ""
        iri = expand_name(text, model.ontology) if text and text not in model.ontology.keys else None
        if iri in model.ontology.classes:
            if model.follows(iri):
                yield _follows(document, entry, item, iri, model)
            continue
        what = f"There is no type '{text}'." if text else "A type is one word, the name of a class."
        remedy = did_you_mean(
            text, model.writable, "Types are the classes of the ontology, such as Stage or Opportunity."
        )
        yield at(document, entry, "unknown-type", what, remedy, key="type", node=item)
    if entry.parent is None and entry.types and not _is_root_type(entry, model):
        names = name_list([shorten_iri(iri).removeprefix("sce:") for iri in entry.types])
        remedy = "Write type: Case, GeneralAccount or Registry, and put the records under includes: or lists:."
        yield at(document, entry, "wrong-root", f"A file cannot be of type {names}.", remedy, key="type")


def _follows(document: Document, entry: Entry, item: Node, iri: str, model: RecordModel) -> Finding:
    name = iri.removeprefix(SCE)
    above = [
        model.ontology.terms[one].local for one in model.ontology.terms[iri].parents if one in model.types.values()
    ]
    instead = "Leave it out: it follows." if len(entry.types) > 1 or not above else f"Write {name_list(above)} instead."
    message = f"Whether something is of the type {name} follows from what is said of it."
    return at(document, entry, "defined-class", message, instead, key="type", node=item, level="warning")


def _check_label(document: Document, entry: Entry) -> Iterator[Finding]:
    """A record without a name in English cannot be shown, and is left out by questions that ask for it."""
    if not (entry.is_record and entry.typed):
        return
    node = entry.mapping.get("label")
    if node is None:
        message = "The record has no label."
        yield at(document, entry, "missing-key", message, "Add label: {en: ..., zh: ...}.", key="label")
    elif isinstance(node, Mapping) and node.entries and "en" not in node.entries:
        message = "The label has no English text."
        yield at(document, entry, "missing-key", message, "Add en: to the label.", key="label")


def _is_root_type(entry: Entry, model: RecordModel) -> bool:
    above = {iri for name in entry.types for iri in model.ontology.ancestors(name)}
    return not above.isdisjoint({SCE + "Account", SCE + "Registry"})


def _check_keys(document: Document, entry: Entry, model: RecordModel) -> Iterator[Finding]:
    known = _knows_keys(entry, model)
    rules = model.rules(entry.types, entry.key if entry.is_record else None) if known else {}
    allowed = model.allowed(entry.types) if known else frozenset(model.ontology.keys)
    for key, (name, node) in entry.mapping.entries.items():
        if key in ("id", "type") or (entry.parent is None and key in ROOT_KEYS):
            continue
        if key not in model.ontology.keys:
            yield at(
                document,
                entry,
                "unknown-key",
                f"There is no key '{key}'.",
                _key_remedy(key, allowed, model),
                key=key,
                node=name,
            )
            continue
        if key not in allowed:
            yield _not_allowed(document, entry, key, allowed, model)
            continue
        report = partial(_at_value, document, entry, key)
        yield from _check_values(key, node, rules.get(key), model, report)
    if entry.is_addition:
        rules = {key: rule for key, rule in rules.items() if key == "evidence"}
    for key, rule in rules.items():
        if rule.least and rule.level == "error" and _count(entry, key) < rule.least:
            message = rule.message or f"The key '{key}' is missing."
            remedy = rule.remedy or f"Add {key}:."
            yield at(document, entry, "missing-key", message, remedy, key=key, node=_head(entry))


def _at_value(document: Document, entry: Entry, key: str, code: str, message: str, remedy: str, node: Node) -> Finding:
    return at(document, entry, code, message, remedy, key=key, node=node)


def _knows_keys(entry: Entry, model: RecordModel) -> bool:
    """Whether the classes are known, so that the keys can be judged; an unknown type is reported once, as such."""
    return bool(entry.types) or entry.is_addition


def _head(entry: Entry) -> Node:
    return entry.mapping.entries["id"][0] if "id" in entry.mapping.entries else entry.mapping


def _count(entry: Entry, key: str) -> int:
    value = entry.data.get(key)
    if key in entry.mapping.entries and value is None:
        # Something stands there that the value checks report; it is not missing.
        node = entry.mapping.entries[key][1]
        return 0 if isinstance(node, Listing) and not node.items else 1
    if value is None:
        return 0
    return max(len(value), len(getattr(entry.mapping.get(key), "items", ()))) if isinstance(value, list) else 1


def _key_remedy(key: str, allowed: frozenset[str], model: RecordModel) -> str:
    by_local = {term.local: term.key for term in model.ontology.properties.values() if term.iri.startswith(SCE)}
    if key in by_local:
        return f"Write '{by_local[key]}'."
    near = did_you_mean(key, allowed) or did_you_mean(key, model.ontology.keys)
    return f"{near} 'valueweave keys CLASS' lists the keys of a class.".strip()


def _not_allowed(document: Document, entry: Entry, key: str, allowed: frozenset[str], model: RecordModel) -> Finding:
    names = name_list([iri.rsplit("#", 1)[-1] for iri in entry.types]) or "addition"
    where = model.classes_with(key)
    remedy = f"It belongs to {name_list(where, 6)}." if where else "Remove it."
    near = did_you_mean(key, allowed)
    text = f"A record of type {names} cannot carry the key '{key}'."
    return at(document, entry, "key-not-allowed", text, f"{remedy} {near}".strip(), key=key)


def _check_values(key: str, node: Node, rule: KeyRule | None, model: RecordModel, found: Report) -> Iterator[Finding]:
    items = node.items if isinstance(node, Listing) else [node]
    if key in ANNOTATION_KEYS:
        yield from _check_texts(key, node, found)
        return
    if not items and (rule is None or not rule.least):
        yield found("empty-value", f"The key '{key}' has an empty list.", "Write a value, or remove the key.", node)
    if rule is not None and rule.most is not None and len(items) > rule.most and rule.level == "error":
        most = "one value" if rule.most == 1 else f"at most {rule.most} values"
        message = f"The key '{key}' takes {most}, here are {len(items)}."
        yield found("too-many-values", message, rule.remedy or "Keep one value.", node)
    for item in items:
        yield from check_value(model, key, item, rule, found)


def _check_texts(key: str, node: Node, found: Report) -> Iterator[Finding]:
    if not isinstance(node, Mapping) or not node.entries:
        yield found(
            "no-language",
            f"The text of '{key}' says no language.",
            f"Write {key}: {{en: ..., zh: ...}}.",
            node,
        )
        return
    for language, (name, value) in node.entries.items():
        if not (language.isascii() and language.replace("-", "").isalnum() and 2 <= len(language.split("-")[0]) <= 3):
            yield found(
                "bad-language", f"'{language}' is no language.", "Write a language code such as en or zh.", name
            )
        for item in value.items if isinstance(value, Listing) else [value]:
            if not isinstance(item, Scalar):
                yield found(
                    "wrong-value",
                    f"The text of '{key}' is a list or mapping.",
                    "Write one text; put it in quotes.",
                    item,
                )
            elif not item.text.strip() or item.value is None:
                yield found("empty-value", f"The text of '{key}' is empty.", "Write the text, or remove the key.", item)


def _check_addition(document: Document, entry: Entry) -> Iterator[Finding]:
    """A record without a type adds to one defined elsewhere; its evidence must say what it backs."""
    if set(entry.mapping.entries) <= {"id"}:
        return
    for nested in document.entries:
        if nested.parent is entry and nested.key == "evidence" and nested.mapping.get("supports") is None:
            yield at(
                document,
                nested,
                "missing-supports",
                "The record has no type, so it adds to one defined elsewhere, and its evidence names no keys.",
                "Write supports: with the keys, such as supports: [startYear]; or the type, if it is defined here.",
                key="supports",
            )


def _check_containers(document: Document) -> Iterator[Finding]:
    top = document.entries[0]
    for key in ("includes", "lists"):
        node = top.mapping.get(key)
        if node is None:
            continue
        for item in node.items if isinstance(node, Listing) else [node]:
            if not isinstance(item, Mapping):
                remedy = "Begin each record with '- id:' and its type."
                yield at(
                    document,
                    top,
                    "wrong-value",
                    f"Under '{key}' stand records, not single values.",
                    remedy,
                    key=key,
                    node=item,
                )
