"""Class expressions and axioms in words, like the Manchester syntax of OWL 2 with labels for names.

In: axioms and expressions, labels by IRI and language. Out: text in English or Chinese.
The decision hidden here: the words. Source: OWL 2 Manchester Syntax (W3C Note), https://www.w3.org/TR/owl2-manchester-syntax/.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import pyoxigraph as ox

from valueweave.namespaces import PREFIXES, shorten_iri
from valueweave.reasoning.rules.expressions import (
    And,
    Axiom,
    Cardinality,
    ClassName,
    Expression,
    Facets,
    HasSelf,
    HasValue,
    Not,
    OneOf,
    Only,
    Or,
    Property,
    Some,
)

__all__ = ["LANGUAGES", "Labels", "Words", "axiom_form"]

LANGUAGES = ("en", "zh")
Labels = Mapping[str, Mapping[str, str]]
"""Labels by IRI and language."""

_FACETS = {"minInclusive": "≥", "maxInclusive": "≤", "minExclusive": ">", "maxExclusive": "<"}
_BOUNDS = {
    "en": {"min": "at least", "max": "at most", "exactly": "exactly"},
    "zh": {"min": "至少", "max": "至多", "exactly": "恰好"},
}
_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "and": " and ", "or": " or ", "not": "not ({})", "some": "{} some {}", "only": "{} only {}",
        "value": "{} value {}", "self": "{} itself", "inverse": "inverse of {}", "one of": "one of {}",
        "SubClassOf": "every {} is a {}", "EquivalentClasses": "{} = {}", "DisjointClasses": "nothing is two of: {}",
        "SubPropertyOf": "what {} joins, {} joins", "PropertyChain": "{} gives {}", "then": " then ",
        "EquivalentProperties": "{} and {} are the same", "InverseProperties": "{} is the inverse of {}",
        "DisjointProperties": "no two things are joined by two of: {}", "Domain": "whatever {} something is a {}",
        "Range": "whatever something {} is a {}", "Functional": "{} has one value at most",
        "InverseFunctional": "{} has each value for one thing at most", "Symmetric": "{} holds in both directions",
        "Asymmetric": "{} never holds in both directions", "Transitive": "{} passes on along its steps",
        "Reflexive": "{} joins everything to itself", "Irreflexive": "{} joins nothing to itself",
        "HasKey": "no two things of {} have the same {}", "SameIndividual": "the same: {}",
        "DifferentIndividuals": "different: {}", "NegativeAssertion": "not: {} {} {}",
    },
    "zh": {
        "and": " 且 ", "or": " 或 ", "not": "非（{}）", "some": "{} 有某个 {}", "only": "{} 只有 {}",
        "value": "{} 取值 {}", "self": "{} 自身", "inverse": "{} 的逆", "one of": "以下之一：{}",
        "SubClassOf": "凡{}都是{}", "EquivalentClasses": "{} ＝ {}", "DisjointClasses": "以下各类互不相交：{}",
        "SubPropertyOf": "凡有“{}”关系者必有“{}”关系", "PropertyChain": "{} 推出 {}", "then": " 接 ",
        "EquivalentProperties": "{} 与 {} 相同", "InverseProperties": "{} 是 {} 的逆",
        "DisjointProperties": "以下关系互不相容：{}", "Domain": "凡有“{}”者都是{}",
        "Range": "“{}”的值都是{}", "Functional": "{} 至多一个值",
        "InverseFunctional": "{} 的每个值至多属于一个事物", "Symmetric": "{} 双向成立",
        "Asymmetric": "{} 不会双向成立", "Transitive": "{} 可传递",
        "Reflexive": "{} 把每个事物与自身相连", "Irreflexive": "{} 不把任何事物与自身相连",
        "HasKey": "{} 中没有两个事物的 {} 相同", "SameIndividual": "相同：{}",
        "DifferentIndividuals": "不同：{}", "NegativeAssertion": "并非：{} {} {}",
    },
}  # fmt: skip


_LINKS = {
    PREFIXES["rdfs"] + "subClassOf": "SubClassOf",
    PREFIXES["rdfs"] + "subPropertyOf": "SubPropertyOf",
    PREFIXES["rdfs"] + "domain": "Domain",
    PREFIXES["rdfs"] + "range": "Range",
    PREFIXES["owl"] + "equivalentClass": "EquivalentClasses",
    PREFIXES["owl"] + "equivalentProperty": "EquivalentProperties",
    PREFIXES["owl"] + "inverseOf": "InverseProperties",
}


def axiom_form(predicate: str, language: str) -> str:
    """Return how one says that ``predicate`` holds between two terms of an ontology, ``""`` where it is no axiom.

    >>> axiom_form("http://www.w3.org/2000/01/rdf-schema#subClassOf", "en").format("platform", "system")
    'every platform is a system'
    """
    words = _WORDS.get(language, _WORDS["en"])
    if predicate in {PREFIXES["owl"] + "disjointWith", PREFIXES["owl"] + "propertyDisjointWith"}:
        kind = "DisjointProperties" if predicate.endswith("propertyDisjointWith") else "DisjointClasses"
        return words[kind].format("{}, {}")
    return words[_LINKS[predicate]] if predicate in _LINKS else ""


class Words:
    """Says expressions and axioms in one language.

    >>> words = Words({"urn:a": {"en": "platform"}, "urn:b": {"en": "system"}})
    >>> words.axiom(Axiom("SubClassOf", (ClassName("urn:a"), ClassName("urn:b"))))
    'every platform is a system'
    """

    def __init__(self, labels: Labels, language: str = "en") -> None:
        self.labels = labels
        self.language = language if language in _WORDS else "en"
        self._words = _WORDS[self.language]

    def name(self, term: str | ox.NamedNode | ox.Literal) -> str:
        """Return the label of a term in this language, else in English, else its short form; a literal as it is."""
        if isinstance(term, ox.Literal):
            return term.value
        iri = term.value if isinstance(term, ox.NamedNode) else term
        found = self.labels.get(iri, {})
        return found.get(self.language) or found.get("en") or shorten_iri(iri)

    def property(self, joined: Property) -> str:
        """Return the label of a property, or that it is the inverse of one."""
        return self._words["inverse"].format(self.name(joined.iri)) if joined.inverse else self.name(joined.iri)

    def expression(self, expression: Expression, *, inner: bool = False) -> str:
        """Return a class expression in words; in brackets when it is part of another and has parts of its own."""
        text = self._expression(expression)
        return f"({text})" if inner and not isinstance(expression, ClassName | Facets) else text

    def _expression(self, expression: Expression) -> str:
        match expression:
            case ClassName(iri):
                return self.name(iri)
            case And(parts):
                return self._words["and"].join(self.expression(part, inner=True) for part in parts)
            case Or(parts):
                return self._words["or"].join(self.expression(part, inner=True) for part in parts)
            case Not(part):
                return self._words["not"].format(self.expression(part))
            case OneOf(members):
                return self._words["one of"].format(self._join(members, self.name))
            case Some(joined, filler):
                return self._words["some"].format(self.property(joined), self.expression(filler, inner=True))
            case Only(joined, filler):
                return self._words["only"].format(self.property(joined), self.expression(filler, inner=True))
            case HasValue(joined, value):
                return self._words["value"].format(self.property(joined), self.name(value))
            case HasSelf(joined):
                return self._words["self"].format(self.property(joined))
            case Cardinality(bound, number, joined, filler):
                words = f"{_BOUNDS[self.language][bound]} {number}"
                return f"{self.property(joined)} {words} {self.expression(filler, inner=True)}"
            case Facets(datatype, facets):
                limits = ", ".join(f"{_FACETS.get(name, name)} {value.value}" for name, value in facets)
                return f"{shorten_iri(datatype).removeprefix('xsd:')} {limits}"
            case _:
                return expression.why

    def axiom(self, axiom: Axiom) -> str:
        """Return an axiom in words."""
        text = self._axiom(axiom)
        return re.sub(r"\b(is|not) a (?=[aeiou][^\s:]*(\s|$|\)))", r"\1 an ", text) if self.language == "en" else text

    def _axiom(self, axiom: Axiom) -> str:
        form = self._words[axiom.kind]
        classes = [self.expression(part, inner=axiom.kind == "DisjointClasses") for part in axiom.classes]
        properties = [self.property(part) for part in axiom.properties]
        match axiom.kind:
            case "DisjointClasses":
                return form.format(", ".join(classes))
            case "DisjointProperties":
                return form.format(", ".join(properties))
            case "PropertyChain":
                return form.format(self._words["then"].join(properties[:-1]), properties[-1])
            case "SameIndividual" | "DifferentIndividuals":
                return form.format(self._join(axiom.individuals, self.name))
            case "NegativeAssertion":
                first, *rest = (self.name(one) for one in axiom.individuals)
                return form.format(first, *properties, *rest)
            case "HasKey":
                return form.format(classes[0], ", ".join(properties))
            case _:
                return form.format(*properties, *classes)

    @staticmethod
    def _join(items: Sequence[ox.NamedNode | ox.Literal], name: Callable[[ox.NamedNode | ox.Literal], str]) -> str:
        return ", ".join(name(item) for item in items)
