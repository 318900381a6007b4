"""What a record may say: keys, how many values, of what kind, for each class.

In: the ontology and the SHACL shapes. Out: :class:`RecordModel`, of which both the JSON Schema and the checks are made.
The decision hidden here: how shapes of a class and of its superclasses add up to one list of keys.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pyoxigraph as ox

from valueweave.namespaces import PREFIXES, SCE
from valueweave.ontology import ANNOTATION_KEYS, OntologyIndex
from valueweave.problems import InputError, Level, Problem

__all__ = ["ROOT_KEYS", "KeyRule", "RecordModel", "read_shapes"]

_SH, _VSH, _RDF, _XSD = (PREFIXES[name] for name in ("sh", "vsh", "rdf", "xsd"))
_LEVELS: dict[str, Level] = {_SH + "Warning": "warning", _SH + "Info": "info"}

ROOT_KEYS = ("@context", "id", "type")
"""Keys of the top of a file that no property stands for."""


@dataclass(frozen=True, slots=True)
class KeyRule:
    """What the shapes say of one property of a class.

    Attributes:
        iri: the property.
        key: its key.
        least: least number of values.
        most: greatest number of values, ``None`` for any.
        classes: classes that a value must have.
        datatype: datatype of its values, ``""`` when none is stated.
        message: what is wrong when it is broken.
        remedy: what to write.
        level: how grave that is.
    """

    iri: str
    key: str
    least: int = 0
    most: int | None = None
    classes: tuple[str, ...] = ()
    datatype: str = ""
    message: str = ""
    remedy: str = ""
    level: Level = "error"

    def joined(self, other: KeyRule) -> KeyRule:
        """Return the rule that holds when both do; the words are those of ``self``, unless ``other`` asks for more."""
        bounds = [bound for bound in (self.most, other.most) if bound is not None]
        words = other if other.least > self.least and other.message else self
        return replace(
            self,
            least=max(self.least, other.least),
            most=min(bounds) if bounds else None,
            classes=tuple(dict.fromkeys(self.classes + other.classes)),
            datatype=self.datatype or other.datatype,
            message=words.message or other.message,
            remedy=words.remedy or other.remedy,
        )


def read_shapes(paths: Iterable[Path]) -> list[ox.Triple]:
    """Return the statements of the shape files.

    Raises:
        InputError: naming each file that cannot be read or is not Turtle.
    """
    triples: list[ox.Triple] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            triples += [quad.triple for quad in ox.parse(path=path, format=ox.RdfFormat.TURTLE)]
        except OSError as error:
            message = f"A file of shapes cannot be read ({error.strerror or error})."
            problems.append(Problem("unreadable-file", message, "Restore the file.", str(path)))
        except SyntaxError as error:
            message = f"A file of shapes is not Turtle: {error.msg}."
            remedy = "Mend the statement at this place."
            problems.append(Problem("turtle-syntax", message, remedy, str(path), error.lineno, error.offset))
    if problems:
        raise InputError(*problems)
    return triples


class RecordModel:
    """Allowed and required keys of records by class.

    Attributes:
        ontology: the ontology.
        by_class: rules stated of each class itself, by property IRI.
        by_container: rules of every record under ``includes`` or under ``lists``, by that key.
    """

    def __init__(self, ontology: OntologyIndex, shapes: Iterable[ox.Triple]) -> None:
        self.ontology = ontology
        self._values: dict[tuple[str, str], list[object]] = defaultdict(list)
        nodes: dict[str, None] = {}
        for triple in shapes:
            self._values[str(triple.subject), triple.predicate.value].append(triple.object)
            if triple.predicate.value == _RDF + "type" and triple.object == ox.NamedNode(_SH + "NodeShape"):
                nodes[str(triple.subject)] = None
        self.by_class: dict[str, dict[str, KeyRule]] = defaultdict(dict)
        self.by_container: dict[str, dict[str, KeyRule]] = {"includes": {}, "lists": {}}
        for node in nodes:
            rules = self._rules(node)
            for target in self._iris(node, "targetClass"):
                _add(self.by_class[target], rules)
            for target in self._iris(node, "targetObjectsOf"):
                _add(self.by_container.get(target.removeprefix(SCE), {}), rules)
        self._known: dict[tuple[frozenset[str], str | None], dict[str, KeyRule]] = {}

    @cached_property
    def types(self) -> dict[str, str]:
        """Classes that a record may have as its type, by local name."""
        return {t.local: iri for iri, t in self.ontology.classes.items() if iri.startswith(SCE)}

    @cached_property
    def writable(self) -> dict[str, str]:
        """Those of :attr:`types` that an author writes: not the defined ones, whose members follow from statements."""
        return {name: iri for name, iri in self.types.items() if not self.follows(iri)}

    def follows(self, class_iri: str) -> bool:
        """Return whether a class is defined by what its members are, so that nobody need state it (a case must)."""
        stated = self.ontology.descendants(SCE + "Account")
        return class_iri in self.ontology.defined and class_iri not in stated

    def rules(self, types: Iterable[str], container: str | None = None) -> dict[str, KeyRule]:
        """Return the rules of a record by key.

        Args:
            types: full IRIs of its classes.
            container: ``includes`` or ``lists`` where it stands in one, since more is asked of records there.

        Returns:
            The rules, also of keys that need no value; a key that is not among them is not allowed.
        """
        wanted = (frozenset(types), container)
        if wanted not in self._known:
            found: dict[str, KeyRule] = {}
            for iri in sorted(wanted[0]):
                # The class itself comes first, so that its words win over those of a superclass.
                for above in (iri, *sorted(self.ontology.ancestors(iri) - {iri})):
                    _add(found, self.by_class.get(above, {}))
            for name, rules in self.by_container.items():
                # What every record may carry, a nested or listed one may carry too; it need not.
                _add(found, {iri: rule if name == container else replace(rule, least=0) for iri, rule in rules.items()})
            self._known[wanted] = {rule.key: rule for rule in found.values()}
        return self._known[wanted]

    def has_shape(self, types: Iterable[str]) -> bool:
        """Return whether any of the classes, or a superclass, has a shape."""
        return any(above in self.by_class for iri in types for above in self.ontology.ancestors(iri))

    def allowed(self, types: Iterable[str]) -> frozenset[str]:
        """Return all keys that a record of these classes may carry; all there are when no shape speaks of them."""
        types = tuple(types)
        if not self.has_shape(types):
            return frozenset(self.ontology.keys)
        return frozenset({*ANNOTATION_KEYS, *self.rules(types)})

    def classes_with(self, key: str) -> list[str]:
        """Return the local names of the classes whose own shape lists ``key``."""
        iri = self.ontology.keys.get(key, "")
        return sorted(name for name, c in self.types.items() if iri in self.by_class.get(c, {}))

    def _iris(self, node: str, name: str) -> list[str]:
        return [v.value for v in self._values.get((node, _SH + name), []) if isinstance(v, ox.NamedNode)]

    def _text(self, node: str, predicate: str) -> str:
        texts = [v for v in self._values.get((node, predicate), []) if isinstance(v, ox.Literal)]
        texts.sort(key=lambda literal: literal.language != "en")
        return texts[0].value if texts else ""

    def _number(self, node: str, name: str) -> int | None:
        text = self._text(node, _SH + name)
        return int(text) if text.lstrip("-").isdigit() else None

    def _rules(self, node: str) -> dict[str, KeyRule]:
        found: dict[str, KeyRule] = {}
        for item in self._values.get((node, _SH + "property"), []):
            shape = str(item)
            severity = next(iter(self._iris(shape, "severity")), "")
            for iri in self._iris(shape, "path"):
                key = self.ontology.key_of.get(iri)
                if key is None:
                    continue
                rule = KeyRule(
                    iri,
                    key,
                    self._number(shape, "minCount") or 0,
                    self._number(shape, "maxCount"),
                    tuple(self._iris(shape, "class")),
                    next(iter(self._iris(shape, "datatype")), ""),
                    self._text(shape, _SH + "message"),
                    self._text(shape, _VSH + "remedy"),
                    _LEVELS.get(severity, "error"),
                )
                _add(found, {iri: rule})
        return found


def _add(rules: dict[str, KeyRule], more: dict[str, KeyRule]) -> None:
    for iri, rule in more.items():
        rules[iri] = rules[iri].joined(rule) if iri in rules else rule
