"""The W3C tests that do not pass, each with its reason. Each must fail: one that passes after all is taken out."""

from __future__ import annotations

__all__ = ["KNOWN", "OVERTAKEN"]

_VALUES = (
    "the engine keeps a number as its value: other spellings of it are the same term, and a subtype of `xsd:integer` "
    "is written as `xsd:integer`"
)
_TYPED = "RDF 1.1: a plain literal is an `xsd:string`, one with a language an `rdf:langString`"
_DOT = "SPARQL 1.1: `456.` is a number and a dot that ends the triple"
_LOAD = "the server fetches no documents: `LOAD` is refused, also with `SILENT`"
_ESCAPES = r"the engine reads `\u0070` in strings and IRIs, not in names and variables"

OVERTAKEN: dict[str, str] = {
    **dict.fromkeys(("1.0-basic/term-6", "1.0-basic/term-7", "1.0-syntax-sparql1/syntax-lit-08"), _DOT),
    **dict.fromkeys(
        (
            "1.0-distinct/distinct-2",
            "1.0-expr-builtin/dawg-datatype-2",
            "functions/strdt03",
            "functions/strlang03",
        ),
        _TYPED,
    ),
    "1.0-open-world/date-2": "XSD 1.1: a date with a time zone and one without are different, not incomparable",
    "1.0-optional-filter/dawg-optional-filter-005-simplified": "never approved, and the opposite of "
    "`dawg-optional-filter-005-not-simplified`, which passes",
    "aggregates/agg-empty-group": "a mistake in the test (no groups, no rows), mended in w3c/rdf-tests#61",
}
"""Tests that a later recommendation or a correction of the suite has overtaken."""

KNOWN: dict[str, str] = {
    **OVERTAKEN,
    **dict.fromkeys(
        (
            "1.0-distinct/distinct-1",
            "1.0-distinct/distinct-9",
            "1.0-expr-builtin/dawg-str-1",
            "1.0-expr-builtin/dawg-str-2",
            "1.0-expr-builtin/sameTerm-simple",
            "1.0-expr-builtin/sameTerm-eq",
            "1.0-expr-builtin/sameTerm-not-eq",
            "1.0-expr-equals/eq-graph-1",
            "1.0-expr-equals/eq-graph-2",
            "1.0-open-world/open-eq-01",
            "csv-tsv-res/csv03",
            "csv-tsv-res/tsv03",
        ),
        _VALUES,
    ),
    **dict.fromkeys(("1.0-syntax-sparql2/syntax-esc-04", "1.0-syntax-sparql2/syntax-esc-05"), _ESCAPES),
    "1.0-syntax-sparql3/syn-bad-26": "the engine does not cut tokens by the longest match: `?x<?a&&?b>?y` is taken as "
    "comparisons",
    **dict.fromkeys(("update-silent/load-silent", "update-silent/load-into-silent"), _LOAD),
    "functions/bnode01": 'the engine\'s `BNODE("x")` is the same node in every solution',
}
"""All of them."""
