"""A copy of the small project that tests may write to over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from pydantic import SecretStr

from valueweave.graph import KnowledgeGraph
from valueweave.project import Project
from valueweave.server import Settings, create_app
from valueweave.store import EmbeddedStore

from .conftest import serving

__all__ = ["TOKEN", "YAML", "case", "copy_of", "csv", "writable"]

TOKEN = "a-token-of-these-tests"
YAML = {"Content-Type": "application/yaml"}
_CASE = """\
"@context": https://w3id.org/valueweave/context.jsonld
id: case/{name}
type: Case
label: {{en: "{label}"}}
reportedIn: source/000
focalEcosystem: ecosystem/jd
includes:
  - id: stage/{name}-1
    type: Stage
    label: {{en: "first stage of {name}"}}
    inScheme: scheme/{name}
    stageOf: ecosystem/jd
    order: 1
    startYear: 2001
    endYear: 2004
    evidence:
      - {{section: "2.1", start: 10, end: 20, sha256: {digest}, evidenceKind: stated}}
  - id: scheme/{name}
    type: EvolutionScheme
    label: {{en: "scheme of {name}"}}
    evidence:
      - {{section: "2.1", start: 10, end: 20, sha256: {digest}, evidenceKind: stated}}
"""


def case(name: str, label: str = "A mill") -> str:
    """Return a case file that is right."""
    return _CASE.format(name=name, label=label, digest="a" * 64)


def copy_of(project: Project, store: Path) -> Project:
    """Return the project with a store of its own."""
    with KnowledgeGraph(EmbeddedStore.open(project.store), project) as kg:
        copy = Project(project.home, store)
        EmbeddedStore.write(store, list(kg.store.engine), kg.store.manifest)
    return copy


@contextmanager
def writable(project: Project, token: str | None = TOKEN, **settings: int | float) -> Iterator[httpx.Client]:
    """Serve a project; give a client that may write."""
    made = Settings(write_token=SecretStr(TOKEN), **{"evaluators": 1, **settings})  # type: ignore[arg-type]
    with KnowledgeGraph(EmbeddedStore.open(project.store), project) as kg, serving(create_app(kg, made)) as client:
        if token is not None:
            client.headers["Authorization"] = f"Bearer {token}"
        yield client


def csv(client: httpx.Client, query: str) -> list[str]:
    """Return the rows of an answer."""
    answer = client.get("/sparql", params={"query": query}, headers={"Accept": "text/csv"})
    assert answer.status_code == 200, answer.text
    return answer.text.split("\r\n")[1:-1]
