"""A store on any SPARQL 1.1 engine.

In: a target, queries. Out: answers, as the embedded store gives them.
The decision hidden here: which graphs a request names. Where the engine has a default graph of its own, the closure
lies there and nothing needs to be named; where the default graph is the union of all, every request names the graph of
the closure, and the graphs of the project when the query looks into named graphs.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeVar

import pyoxigraph as ox

from valueweave.problems import Problem
from valueweave.sparql_text import QueryError, query_form
from valueweave.store.interface import Answer, Stated, Subject, Term, Value
from valueweave.store.remote_client import Client
from valueweave.store.remote_engine import RemoteEngine
from valueweave.store.remote_manifest import CLOSURE, RemoteManifest, select, unreadable
from valueweave.store.remote_target import Target
from valueweave.store.remote_text import (
    Prepared,
    prepare,
    read_rows,
    read_triples,
    triples_answer,
    unskolem,
    without_repeats,
    write_term,
)
from valueweave.store.writing import write_answer

__all__ = ["RemoteStore"]

Read = TypeVar("Read")


class RemoteStore:
    """A version of the store on an engine elsewhere.

    Make one with :meth:`open`.

    Attributes:
        manifest: what was built, as :attr:`EmbeddedStore.manifest`; ``graphs`` names the graphs.
        folder: always ``None``.
        near: always ``False``: each question is a request.
        client: what speaks to the engine.
    """

    folder: str | None = None
    near = False

    def __init__(
        self, client: Client, manifest: dict[str, Any], largest: int | None = None, *, owner: bool = False
    ) -> None:
        self.client = client
        self._owner = owner
        self.manifest = manifest
        self._largest = largest

    @classmethod
    def open(cls, target: Target) -> RemoteStore:
        """Open the current version on an engine.

        Raises:
            StoreMissingError: when nothing was built there yet.
            InputError: when the engine does not answer as one.
        """
        client = Client(target)
        return cls(client, RemoteManifest(client).current(), owner=True)

    def renewed(self) -> RemoteStore:
        """Return this store if its version is still the current one, else the current one, over the same connections.

        Raises:
            InputError: as :meth:`open`.
        """
        manifest = RemoteManifest(self.client).current()
        same = manifest["version"] == self.manifest["version"]
        return self if same else RemoteStore(self.client, manifest, self._largest)

    def current_version(self) -> str | None:
        """Return the name of the version that is current now, whoever made it.

        Raises:
            InputError: when the engine does not answer.
        """
        return RemoteManifest(self.client).version()

    @cached_property
    def engine(self) -> RemoteEngine:
        """What reasoners ask; it keeps what it was told."""
        return RemoteEngine(self)

    def query(
        self,
        text: str,
        *,
        substitutions: Mapping[str, Term] | None = None,
        default_graph: Sequence[str] | None = None,
        named_graphs: Sequence[str] | None = None,
        file: str | None = None,
        seconds: float | None = None,
        largest: int | None = None,
    ) -> Answer:
        """Answer a SPARQL query, as :meth:`EmbeddedStore.query`.

        Args:
            text: the query.
            substitutions: a term for each variable that has a value.
            default_graph: graphs to take as the default graph; otherwise the closure.
            named_graphs: graphs that ``GRAPH`` sees; otherwise all of the project.
            file: where the query comes from, for the messages.
            seconds: how long it may take; otherwise as the target says.
            largest: the longest answer in bytes.

        Raises:
            QueryError: when the query does not parse, calls another service, or cannot be evaluated in time.
            InputError: when the engine does not answer.
        """
        dialect = self.client.target.dialect
        prepared = prepare(text, substitutions, refused=dialect.refused, file=file)
        default, named = self._dataset(prepared, default_graph, named_graphs)
        graph = query_form(text) in {"CONSTRUCT", "DESCRIBE"}
        body, media_type = self.client.query(
            prepared,
            dialect.triples if graph else dialect.solutions,
            default_graph=default,
            named_graphs=named,
            seconds=seconds,
            largest=largest,
        )
        for wrong, right in dialect.mended:
            body = body.replace(wrong, right)
        try:
            if prepared.distinct and dialect.repeats_rows and not graph:
                body = without_repeats(body)
            return triples_answer(read_triples(body, media_type)) if graph else read_rows(body, media_type)
        except (ValueError, SyntaxError) as error:
            raise unreadable(self.client, error) from error

    def _dataset(
        self, prepared: Prepared, default: Sequence[str] | None, named: Sequence[str] | None
    ) -> tuple[Sequence[str] | None, Sequence[str] | None]:
        """Return the graphs that a request names."""
        if default is None and named is None and prepared.names_dataset:
            return None, None
        if default is None and self.client.target.dialect.default_graph == "union":
            default = [CLOSURE]
        # As soon as a request names any graph, those it does not name are not there.
        if default is not None and named is None and prepared.names_graphs:
            named = self.graphs()
        return default, named

    def serialize_query(
        self,
        text: str,
        accept: str | None = None,
        *,
        substitutions: Mapping[str, Term] | None = None,
        default_graph: Sequence[str] | None = None,
        named_graphs: Sequence[str] | None = None,
        largest: int | None = None,
    ) -> tuple[bytes, str]:
        """Answer a query and write the answer, as :meth:`EmbeddedStore.serialize_query`.

        Raises:
            QueryError: as :meth:`query`, and when the answer is longer than allowed.
            NotAcceptableError: when no format asked for can hold the answer.
        """
        longest = largest or self._largest
        # Named here, the answer would outlive an error, and be let go of in another thread.
        return write_answer(
            self.query(
                text,
                substitutions=substitutions,
                default_graph=default_graph,
                named_graphs=named_graphs,
                largest=longest,
            ),
            accept,
            longest,
        )

    def statements(
        self,
        subject: Subject | None = None,
        predicate: ox.NamedNode | None = None,
        value: Value | None = None,
        graph: ox.NamedNode | ox.BlankNode | ox.DefaultGraph | None = None,
    ) -> Generator[ox.Quad, None, None]:
        """Yield the quads with these parts; a part left out may be anything.

        Raises:
            InputError: when the engine does not answer.
        """
        slots = [
            "?s" if subject is None else write_term(subject),
            "?p" if predicate is None else str(predicate),
            "?o" if value is None else write_term(value),
        ]
        if slots[0].startswith(('"', "<<")):
            return
        pattern = self._pattern(" ".join(slots), graph)
        known = set(self.graphs())
        default = ox.DefaultGraph()
        # A name stands for itself, so that a pattern without variables has a row when it holds.
        shown = [name for name in ("?s", "?p", "?o", "?g") if f"{name} " in pattern] or ["(1 AS ?is)"]
        for row in select(self.client, f"SELECT {' '.join(shown)} WHERE {{ {pattern} }}"):
            found = {name: row[name[1:]] for name in shown if name in {"?s", "?p", "?o", "?g"}}
            place: Any = found.get("?g") or graph or default
            if isinstance(place, ox.NamedNode) and place.value == CLOSURE:
                place = default
            elif graph is None and isinstance(place, ox.NamedNode) and place.value not in known:
                continue
            one, link, other = found.get("?s", subject), found.get("?p", predicate), found.get("?o", value)
            yield ox.Quad(unskolem(one), link, unskolem(other), place)  # type: ignore[arg-type]

    def _pattern(self, parts: str, graph: ox.NamedNode | ox.BlankNode | ox.DefaultGraph | None) -> str:
        union = self.client.target.dialect.default_graph == "union"
        if isinstance(graph, ox.DefaultGraph):
            return f"GRAPH <{CLOSURE}> {{ {parts} }}" if union else f"{parts} "
        if graph is not None:
            return f"GRAPH {graph} {{ {parts} }}"
        everywhere = f"GRAPH ?g {{ {parts} }}"
        return everywhere if union else f"{{ {parts} }} UNION {{ {everywhere} }}"

    def statements_about(
        self, subjects: Iterable[ox.NamedNode], predicate: ox.NamedNode | None = None
    ) -> Iterator[ox.Triple]:
        """Yield the statements of the default graph about several things, asked for at once.

        Args:
            subjects: the things.
            predicate: the only property wanted; otherwise all.

        Raises:
            InputError: when the engine does not answer.
        """
        things = " ".join(str(subject) for subject in subjects)
        if not things:
            return
        pattern = self._pattern(f"?s {predicate or '?p'} ?o", ox.DefaultGraph())
        shown = "?s ?o" if predicate else "?s ?p ?o"
        for row in select(self.client, f"SELECT {shown} WHERE {{ VALUES ?s {{ {things} }} {pattern} }}"):
            link = predicate or row["p"]
            yield ox.Triple(unskolem(row["s"]), link, unskolem(row["o"]))  # type: ignore[arg-type]

    def stated(self, subject: ox.NamedNode) -> Generator[Stated, None, None]:
        """Yield what the named graphs say of a thing: property, value, graph.

        Raises:
            InputError: when the engine does not answer.
        """
        known = set(self.graphs())
        for row in select(self.client, f"SELECT ?p ?o ?g WHERE {{ GRAPH ?g {{ {subject} ?p ?o }} }}"):
            predicate, value, graph = row["p"], unskolem(row["o"]), row["g"]
            if isinstance(predicate, ox.NamedNode) and isinstance(graph, ox.NamedNode) and graph.value in known:
                yield predicate, value, graph

    def holds(
        self,
        subject: ox.NamedNode | None = None,
        predicate: ox.NamedNode | None = None,
        value: ox.NamedNode | None = None,
        graph: ox.NamedNode | ox.DefaultGraph | None = None,
    ) -> bool:
        """Return whether there is a quad with these parts.

        Raises:
            InputError: when the engine does not answer.
        """
        slots = [
            name if term is None else str(term) for name, term in (("?s", subject), ("?p", predicate), ("?o", value))
        ]
        return bool(select(self.client, f"SELECT * WHERE {{ {self._pattern(' '.join(slots), graph)} }} LIMIT 1"))

    def graphs(self) -> list[str]:
        """Return the IRIs of the project's named graphs, sorted."""
        return sorted(self.manifest.get("graphs", ()))

    def reading(self, answer: Iterable[Read], file: str | None = None) -> Iterator[Read]:
        """Yield the parts of an answer.

        Raises:
            QueryError: when the answer cannot be read to its end.
        """
        try:
            yield from answer
        except (OSError, RuntimeError, ValueError, SyntaxError) as error:
            message = f"The engine's answer cannot be read: {str(error).splitlines()[0]}."
            raise QueryError(Problem("query-failed", message, "Change the query.", file=file)) from error

    def limited(self, seconds: float, largest: int) -> RemoteStore:
        """Return the same store with a limit on the time of a query and the length of an answer."""
        client = self.client.with_target(replace(self.client.target, seconds=seconds))
        return RemoteStore(client, self.manifest, largest)

    def close(self) -> None:
        """Let go of the connections, if this store opened them; those after it share them."""
        if self._owner:
            self.client.close()
