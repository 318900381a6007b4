"""A process that forks children which change a store for ever.

What is slow to start (imports, compiled rules) is done once, and the engine's files are never opened before the fork:
its threads would not be there in the child.
"""

from __future__ import annotations

import json
import os
import random
import sys
from pathlib import Path

import pyoxigraph as ox

from valueweave.layout import ONTOLOGY_GRAPH
from valueweave.live import Curator
from valueweave.live.checking import check_case, read_case
from valueweave.live.surroundings import Surroundings
from valueweave.ontology import OntologyIndex
from valueweave.project import Project
from valueweave.reasoning.closure.broken import broken_by
from valueweave.reasoning.closure.increments import plan
from valueweave.store.versions import Versions


def say(*words: object) -> None:
    """Write one line in one piece."""
    os.write(1, json.dumps(words).encode() + b"\n")


def warmed(project: Project, text: bytes) -> Curator:
    """Return a curator that has everything ready that a change needs besides the store."""
    curator, engine = Curator(project), ox.Store()
    graph = ox.NamedNode(ONTOLOGY_GRAPH)
    engine.extend(ox.Quad(t.subject, t.predicate, t.object, graph) for t in OntologyIndex.load(project).triples)
    theory = curator._theories.of(Versions(project.store).current(), engine)
    document, _ = read_case("mill", text, "yaml", theory)
    check_case(document, theory, Surroundings(engine))
    found = plan(engine, theory.rules, document.quads(), ())
    broken_by(engine, theory.rules, found.came(), found.gone())
    return curator


def change_for_ever(curator: Curator, texts: dict[str, str], seed: int) -> None:
    """Put and delete cases, one after the other, and say of each when it begins and when it was acknowledged."""
    draw = random.Random(seed)
    there = set(curator.cases())
    number = seed * 1000
    while True:
        number += 1
        name = draw.choice(sorted(texts))
        if name in there and draw.random() < 0.4:
            say("begin", name, None)
            curator.delete_case(name)
            there.discard(name)
            say("done", name, None)
        else:
            say("begin", name, number)
            curator.put_case(name, texts[name].replace("NUMBER", str(number)).encode())
            there.add(name)
            say("done", name, number)


def main() -> None:
    """Fork a child for each line of the input, and say how it ended."""
    project = Project(Path(sys.argv[1]), Path(sys.argv[2]))
    texts: dict[str, str] = json.loads(sys.stdin.readline())
    curator = warmed(project, texts["mill"].replace("NUMBER", "1").encode())
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                say("child", os.getpid())
                change_for_ever(curator, texts, int(line))
            finally:
                os._exit(1)
        _, status = os.waitpid(child, 0)
        say("ended", os.WTERMSIG(status) if os.WIFSIGNALED(status) else None)


if __name__ == "__main__":
    main()
