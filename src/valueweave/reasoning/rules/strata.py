"""In which order rules run, so that what must be absent is known before it is asked for.

In: rules. Out: the rules in strata. Source: Apt, Blair and Walker (1988), Towards a theory of declarative knowledge.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import networkx

from valueweave.problems import InputError, Problem
from valueweave.reasoning.rules.model import TYPE, Body, Key, Rule, atom_key

__all__ = ["keys_asked", "stratify"]


def keys_asked(body: Body) -> Iterator[tuple[Key, bool]]:
    """Yield what a body asks for, and whether it must be absent.

    >>> from valueweave.reasoning.rules.model import NOTHING, Atom, Var
    >>> list(keys_asked(Body(absent=(Body((Atom(Var("x"), TYPE, NOTHING),)),))))[0][1]
    True
    """
    for atom in body.atoms:
        yield atom_key(atom), False
    for count in body.counts:
        for alternative in count.alternatives:
            yield from keys_asked(alternative)
    for inner in body.absent:
        for key, _ in keys_asked(inner):
            yield key, True


def stratify(rules: Sequence[Rule]) -> list[list[Rule]]:
    """Return the rules in strata: whatever a rule wants absent, rules of earlier strata have concluded completely.

    Raises:
        InputError: when rules depend on the absence of their own conclusions, with their names.
    """
    graph: networkx.DiGraph[Key] = networkx.DiGraph()
    makers: dict[Key, list[Rule]] = defaultdict(list)
    for rule in rules:
        head = atom_key(rule.head)
        makers[head].append(rule)
        graph.add_node(head)
        for key, absent in keys_asked(rule.body):
            before = graph.get_edge_data(key, head, {"absent": False})["absent"]
            graph.add_edge(key, head, absent=absent or before)
    _join_classes(graph)
    level: dict[Key, int] = {}
    condensed = networkx.condensation(graph)
    component_level: dict[int, int] = {}
    for component in networkx.topological_sort(condensed):
        members = condensed.nodes[component]["members"]
        lowest = 0
        for member in members:
            for before, _, data in graph.in_edges(member, data=True):
                if before in members:
                    if data["absent"]:
                        raise InputError(_cycle(rules, members))
                else:
                    lowest = max(lowest, level[before] + data["absent"])
        component_level[component] = lowest
        level.update(dict.fromkeys(members, lowest))
    strata: dict[int, list[Rule]] = defaultdict(list)
    for rule in rules:
        strata[level[atom_key(rule.head)]].append(rule)
    return [strata[number] for number in sorted(strata)]


def _join_classes(graph: networkx.DiGraph[Key]) -> None:
    """Let one who asks for any class depend on every class."""
    anything: Key = (TYPE.value, None)
    if anything in graph:
        for key in list(graph):
            if key[0] == TYPE.value and key[1] is not None:
                graph.add_edge(key, anything, absent=False)


def _cycle(rules: Iterable[Rule], members: set[Key]) -> Problem:
    involved = [
        rule
        for rule in rules
        if atom_key(rule.head) in members and any(key in members and absent for key, absent in keys_asked(rule.body))
    ]
    others = sorted({rule.name for rule in rules if atom_key(rule.head) in members} - {rule.name for rule in involved})
    named = ", ".join(rule.name for rule in involved)
    return Problem(
        "rule-cycle",
        f"The rule {named} needs the absence of what follows from its own conclusion"
        + (f" (by way of {', '.join(others[:5])})." if others else "."),
        "Conclude something else, or ask for the absence of what does not depend on it.",
        file=involved[0].source.file,
        term=named,
    )
