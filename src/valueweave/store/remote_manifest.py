"""What a remote engine holds of us: the manifest, as a literal in a graph of its own.

In: a client. Out: the manifest of the current version.
The decision hidden here: the names of the graphs that are not data, and the statements of the manifest. Version, state
and text of the manifest change in one operation of an update, so that whoever reads them reads one version.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

import pyoxigraph as ox

from valueweave.namespaces import GRAPH
from valueweave.problems import InputError, Problem
from valueweave.store.remote_client import Client
from valueweave.store.remote_text import read_rows
from valueweave.store.versions import StoreMissingError

__all__ = [
    "CLOSURE",
    "MANIFEST",
    "STAGING",
    "STATE",
    "TEXT",
    "VERSION",
    "RemoteManifest",
    "select",
    "unreadable",
    "written_in_parts",
]

CLOSURE = GRAPH + "closure"
"""Named graph of the closure, on engines whose default graph is the union of all."""

MANIFEST = GRAPH + "manifest"
"""Named graph of the manifest, and what it is about."""

STAGING = GRAPH + "staging/"
"""How the graphs begin in which a version waits to be switched in; its name and the graph meant follow."""

_TERMS = "https://w3id.org/valueweave/store#"
VERSION, TEXT, STATE = (f"<{_TERMS}{name}>" for name in ("version", "manifest", "state"))

_QUERY = f"""SELECT ?version ?text ?state WHERE {{ GRAPH <{MANIFEST}> {{
  <{MANIFEST}> {VERSION} ?version ; {TEXT} ?text ; {STATE} ?state }} }}"""
_PATIENCE = 5.0
_LONGEST = 10_000


def select(client: Client, text: str) -> list[ox.QuerySolution]:
    """Return the solutions of a query of our own over the engine's whole data.

    Raises:
        InputError: as :meth:`Client.query`, and when what answers does not speak SPARQL.
    """
    try:
        body, media_type = client.query(text, client.target.dialect.solutions)
        for wrong, right in client.target.dialect.mended:
            body = body.replace(wrong, right)
        answer = read_rows(body, media_type)
    except (ValueError, SyntaxError) as error:
        raise unreadable(client, error) from error
    assert isinstance(answer, ox.QuerySolutions)
    return list(answer)


def unreadable(client: Client, error: Exception) -> InputError:
    """Return what to tell of an answer that is none."""
    reason = str(error).splitlines()[0][:200]
    remedy = "Mend the address given with --store, or name the engine's dialect (VALUEWEAVE_REMOTE_DIALECT)."
    message = f"What answers there does not speak SPARQL as expected ({reason})."
    return InputError(Problem("remote-address", message, remedy, file=str(client.target)))


def written_in_parts(manifest: Mapping[str, Any]) -> list[ox.Literal]:
    """Return the manifest as literals that no engine finds too long, each with its number before it.

    >>> [part.value for part in written_in_parts({"version": "1"})]
    ['0000:{"version": "1"}']
    """
    text = json.dumps(manifest, sort_keys=True)
    pieces = range(0, len(text), _LONGEST)
    return [ox.Literal(f"{number:04}:{text[start : start + _LONGEST]}") for number, start in enumerate(pieces)]


class RemoteManifest:
    """The manifest on an engine."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def current(self) -> dict[str, Any]:
        """Return the manifest of the current version.

        Raises:
            StoreMissingError: when nothing was built there yet.
            InputError: when the engine does not answer, or stands between two versions.
        """
        end = time.monotonic() + _PATIENCE
        while True:
            found = select(self._client, _QUERY)
            if not found:
                remedy = "Run 'valueweave build' with the same --store."
                where = str(self._client.target)
                raise StoreMissingError(Problem("no-store", "There is no store there yet.", remedy, file=where))
            versions = {(_text(row["version"]), _text(row["state"])) for row in found}
            if len(versions) == 1 and {state for _, state in versions} == {"current"}:
                break
            if time.monotonic() > end:
                raise InputError(self._between())
            time.sleep(0.2)
        manifest = _joined(found)
        if manifest is None or (manifest.get("version"), "current") not in versions:
            raise InputError(self._broken())
        return manifest

    def stored(self) -> dict[str, Any] | None:
        """Return the manifest that is there, be it of a switch that was broken off; ``None`` when it cannot be read.

        Raises:
            InputError: when the engine does not answer.
        """
        return _joined(select(self._client, _QUERY))

    def current_or_none(self) -> dict[str, Any] | None:
        """Return the manifest of the current version, or ``None`` when there is none or it is broken.

        Raises:
            InputError: when the engine does not answer.
        """
        try:
            return self.current()
        except InputError as error:
            if error.problems[0].code in {"no-store", "broken-store", "store-busy"}:
                return None
            raise

    def version(self) -> str | None:
        """Return the name of the version that the engine holds or is being switched to, ``None`` when there is none.

        Raises:
            InputError: when the engine does not answer.
        """
        found = select(self._client, f"SELECT ?v WHERE {{ GRAPH <{MANIFEST}> {{ <{MANIFEST}> {VERSION} ?v }} }}")
        return _text(found[0]["v"]) if found else None

    def _between(self) -> Problem:
        message = "The store is being switched to another version, or a switch was broken off."
        remedy = "Wait a moment; when that does not help, run 'valueweave build'."
        return Problem("store-busy", message, remedy, file=str(self._client.target))

    def _broken(self) -> Problem:
        remedy = "Run 'valueweave build --force' to build it afresh."
        return Problem("broken-store", "The manifest there cannot be read.", remedy, file=str(self._client.target))


def _joined(rows: Iterable[ox.QuerySolution]) -> dict[str, Any] | None:
    parts = sorted({_text(row["text"]) for row in rows})
    try:
        manifest = json.loads("".join(part.partition(":")[2] for part in parts))
    except json.JSONDecodeError:
        return None
    return manifest if isinstance(manifest, dict) else None


def _text(term: object) -> str:
    return term.value if isinstance(term, ox.Literal | ox.NamedNode) else ""
