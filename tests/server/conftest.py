"""A small knowledge graph, built like a real one and served."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pyoxigraph as ox
import pytest
import uvicorn
from fastapi import FastAPI

from valueweave.graph import KnowledgeGraph
from valueweave.layout import INFERRED_GRAPH, ONTOLOGY_GRAPH
from valueweave.namespaces import PREFIXES, SCE
from valueweave.ontology import OntologyIndex
from valueweave.project import Project
from valueweave.reasoning.closure.materialize import materialize
from valueweave.reasoning.rules.book import RuleBook, rule_texts
from valueweave.server import create_app
from valueweave.server.connection import Connection, Patience
from valueweave.server.evaluators import Evaluators
from valueweave.server.runner import listen
from valueweave.server.template import Template
from valueweave.store import EmbeddedStore
from valueweave.store.versions import Versions

HERE = Path(__file__).parent


@contextmanager
def serving(app: FastAPI, patience: Patience | None = None) -> Iterator[httpx.Client]:
    """Serve an application on loopback, by the real server in a thread, and give a client of it."""
    taken = listen("127.0.0.1", 0)
    connections: Any = partial(Connection, patience=patience)
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", http=connections))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]}, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.01)
    try:
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with httpx.Client(base_url=address, timeout=30, follow_redirects=True) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(10)
        taken.close()


def until_copied(client: httpx.Client) -> None:
    """Wait until the current version is answered from memory, by whoever answers."""
    deadline = time.monotonic() + 60
    while True:
        told = re.findall(r"^valueweave_store_copied\{.*\} (.*)$", client.get("/metrics").text, re.MULTILINE)
        if told and set(told) == {"1.0"}:
            return
        assert time.monotonic() < deadline, "there is no copy"
        time.sleep(0.05)


def from_memory(evaluators: Evaluators, folder: Path) -> Template:
    """Let evaluators answer from a copy of the current version; return what they are made from."""
    limits = evaluators.limits
    template = Template(folder, Versions(folder).current()["version"], limits.memory_mib, limits.services)
    assert template.ready()
    asyncio.run_coroutine_threadsafe(evaluators.pool.renew(template), evaluators._running()).result(30)
    return template


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with the real ontology, a few questions, and a store of the small graph."""
    home = tmp_path_factory.mktemp("server")
    real = Project.find()
    shutil.copytree(real.ontology, home / "ontology")
    shutil.copytree(HERE / "questions", home / "queries")
    (home / "data").mkdir()
    made = Project(home, home / "store")
    ontology = OntologyIndex.load(made).triples
    asserted = list(ox.parse(path=HERE / "small.trig", format=ox.RdfFormat.TRIG))
    texts = rule_texts(made)
    closure = materialize((quad.triple for quad in asserted), ontology, RuleBook.compile(ontology, texts))
    inferred = closure.triples()
    graph = ox.NamedNode(ONTOLOGY_GRAPH)
    quads = [ox.Quad(one.subject, one.predicate, one.object, graph) for one in ontology]
    quads += [*asserted, *closure.quads()]
    merged = dict.fromkeys(quad.triple for quad in quads)
    graphs = Counter(quad.graph_name.value for quad in asserted if isinstance(quad.graph_name, ox.NamedNode))
    types = Counter(
        quad.object.value
        for quad in {ox.Triple(quad.subject, quad.predicate, quad.object) for quad in (*asserted, *inferred)}
        if quad.predicate.value == PREFIXES["rdf"] + "type"
        and isinstance(quad.object, ox.NamedNode)
        and quad.object.value.startswith(SCE)
    )
    EmbeddedStore.write(
        made.store,
        [*quads, *(ox.Quad(one.subject, one.predicate, one.object) for one in merged)],
        {
            "digest": "0" * 64,
            "rules": [asdict(text) for text in texts],
            "counts": {"records": 12, "evidence": 1, "statements": len(merged), "inferred": len(inferred)},
            "statistics": {"graphs": {**graphs, INFERRED_GRAPH: len(inferred)}, "types": dict(types)},
        },
    )
    return made


@pytest.fixture(scope="session")
def kg(project: Project) -> Iterator[KnowledgeGraph]:
    with KnowledgeGraph(EmbeddedStore.open(project.store), project) as opened:
        yield opened


@pytest.fixture(scope="session")
def client(kg: KnowledgeGraph) -> Iterator[httpx.Client]:
    with serving(create_app(kg)) as connected:
        yield connected


@pytest.fixture(scope="session")
def address(project: Project) -> Iterator[str]:
    """A server process of its own, as the command line starts it."""
    command = [sys.executable, "-m", "valueweave", "--home", str(project.home), "--store", str(project.store)]
    process = subprocess.Popen(
        [*command, "serve", "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    said = []
    try:
        assert process.stderr is not None
        for line in process.stderr:
            said.append(line)
            if match := re.search(r"http://[\d.]+:\d+/", line):
                yield match.group()
                break
        else:
            pytest.fail("the server did not start:\n" + "".join(said))
    finally:
        process.terminate()
        process.wait(10)
