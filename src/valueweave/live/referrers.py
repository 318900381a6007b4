"""Who refers to what a document defines.

In: what a document defined and will define no more, the store. Out: a problem for each statement that needs it.
The decision hidden here: a statement of another graph needs a thing that it names, or that it adds to, when nobody else
says what that thing is.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import pyoxigraph as ox

from valueweave.live.surroundings import Surroundings
from valueweave.namespaces import ID, PREFIXES, shorten_iri
from valueweave.problems import Problem

__all__ = ["find_referrers"]

_TYPE = ox.NamedNode(PREFIXES["rdf"] + "type")
_MOST = 50


def find_referrers(dropped: Iterable[ox.Quad], kept: Iterable[ox.Quad], others: Surroundings) -> list[Problem]:
    """Return who refers to things that will not be defined any more.

    Args:
        dropped: the statements that go.
        kept: the statements that come in their place.
        others: everything else that is asserted.

    Returns:
        A problem for each statement, at most 50 of them.
    """
    still = {quad.subject for quad in kept if quad.predicate == _TYPE}
    things = dict.fromkeys(
        quad.subject
        for quad in dropped
        if quad.predicate == _TYPE and isinstance(quad.subject, ox.NamedNode) and quad.subject not in still
    )
    found = (
        problem
        for thing in things
        if isinstance(thing, ox.NamedNode) and not others.types(thing.value)
        for problem in _of(thing, others)
    )
    return list(islice(found, _MOST))


def _of(thing: ox.NamedNode, others: Surroundings) -> Iterable[Problem]:
    for quad in others.quads(None, None, thing):
        yield _problem(thing, quad, "refers to it with")
    for quad in others.quads(thing):
        yield _problem(thing, quad, "adds to it")


def _problem(thing: ox.NamedNode, quad: ox.Quad, verb: str) -> Problem:
    subject = shorten_iri(getattr(quad.subject, "value", str(quad.subject)))
    graph = shorten_iri(getattr(quad.graph_name, "value", ""))
    name, key = thing.value.removeprefix(ID), shorten_iri(quad.predicate.value)
    return Problem(
        "case-referred-to",
        f"'{name}' is defined here alone, and '{subject}' ({graph}) {verb} {key}.",
        "Change or delete what refers to it first, or keep the record.",
        record=subject,
        term=key,
    )
