"""The embedded store: Oxigraph on disk, written once, read by many.

In: quads to write, queries to answer. Out: answers as the engine gives them, or as bytes in a format.
The decision hidden here: Oxigraph. An answer of the engine must be read in the thread that asked (another thread aborts
the process): :meth:`EmbeddedStore.serialize_query` asks and writes in one call.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar, cast

import pyoxigraph as ox

from valueweave.namespaces import ID, PREFIXES
from valueweave.problems import InputError, Problem
from valueweave.sparql_errors import syntax_error
from valueweave.sparql_text import QueryError, check_query, substitute
from valueweave.store.holding import Hold
from valueweave.store.interface import Answer, Stated, Term
from valueweave.store.versions import MANIFEST, Versions
from valueweave.store.writing import write_answer

__all__ = ["Answer", "EmbeddedStore", "Term"]

Read = TypeVar("Read")


class EmbeddedStore:
    """A store that answers SPARQL queries and never changes.

    Make one with :meth:`open` (a version on disk) or :meth:`in_memory`; :meth:`write` makes a new version on disk.

    Attributes:
        manifest: what was built: ``version``, ``digest``, ``counts``, ``built_with``, ``built_at``.
        folder: where it lies, ``None`` in memory.
        services: addresses that queries may call by ``SERVICE``; none, unless they are set.
        near: whether asking for one statement after the other costs hardly more than asking for all at once.

    >>> store = EmbeddedStore.in_memory([ox.Quad(ox.NamedNode("urn:a"), ox.NamedNode("urn:p"), ox.Literal(1))])
    >>> store.serialize_query("SELECT ?o { ?s ?p ?o }", "csv")
    (b'o\\r\\n1\\r\\n', 'text/csv')
    """

    near = True

    def __init__(
        self, engine: ox.Store, manifest: dict[str, Any], folder: str | None = None, held: Hold | None = None
    ) -> None:
        self._engine: ox.Store | None = engine
        self._copy: ox.Store | None = None
        self._held = held
        self.manifest = manifest
        self.folder = folder
        self.services: frozenset[str] = frozenset()

    @classmethod
    def open(cls, folder: Path, version: str | None = None) -> EmbeddedStore:
        """Open a version in ``folder`` for reading; later builds do not change what it answers.

        Args:
            folder: the store folder.
            version: the name of a version; the current one otherwise, and when there is no such version any more.

        Raises:
            StoreMissingError: when nothing was built there yet.
            InputError: when the store is broken.
        """
        versions = Versions(folder)
        while True:
            manifest = versions.named(version) or versions.current()
            try:
                # The engine opens a shortened list of its files without a word, as an empty store.
                held = Hold(versions.folder / manifest["folder"] / MANIFEST)
                versions.check_sizes(manifest)
                engine = ox.Store.read_only(str(versions.database(manifest["folder"])))
            except (OSError, RuntimeError) as error:
                # Two builds may have passed between reading the pointer and opening the version.
                if versions.current()["version"] != manifest["version"]:
                    version = None
                    continue
                raise InputError(_broken(error, str(folder))) from error
            return cls(engine, manifest, str(folder), held)

    @classmethod
    def is_intact(cls, folder: Path) -> bool:
        """Whether the current version in ``folder`` opens and holds what was written, read through to the end."""
        versions = Versions(folder)
        try:
            manifest = versions.current()
            return versions.is_as_written(manifest) and len(cls.open(folder).engine) == manifest["counts"].get(
                "quads", 0
            )
        except (InputError, OSError, RuntimeError):
            return False

    @classmethod
    def in_memory(cls, quads: Iterable[ox.Quad], manifest: Mapping[str, Any] | None = None) -> EmbeddedStore:
        """Return a store of ``quads`` that lives in memory only."""
        engine = ox.Store()
        engine.extend(quads)
        return cls(engine, {"version": "in-memory", "digest": "", "counts": {}, **(manifest or {})})

    @staticmethod
    def write(folder: Path, quads: Iterable[ox.Quad], manifest: dict[str, Any]) -> dict[str, Any]:
        """Write ``quads`` as a new version and make it the current one.

        Args:
            folder: the store folder.
            quads: what to store; the default graph is what plain SPARQL sees.
            manifest: must hold ``digest``; whatever else it holds is kept.

        Returns:
            The manifest with ``version``, ``folder``, ``counts`` (``quads`` and what was given), ``previous``,
            ``built_at`` and ``seconds`` added.

        Raises:
            InputError: when another build runs or the folder cannot be written.
        """
        versions = Versions(folder)
        with versions.building():
            return EmbeddedStore.write_version(versions, quads, manifest)

    @staticmethod
    def write_version(
        versions: Versions,
        quads: Iterable[ox.Quad],
        manifest: dict[str, Any],
        documents: Mapping[str, bytes] | None = None,
    ) -> dict[str, Any]:
        """Write a version as :meth:`write` does, for one who holds the store already.

        Args:
            versions: the store folder.
            quads: as for :meth:`write`.
            manifest: as for :meth:`write`.
            documents: files to lay beside what the engine writes, by name.

        Raises:
            InputError: when the folder cannot be written; nothing of the new version is left then.
        """
        started = time.perf_counter()
        versions.remove_leftovers()
        before = versions.current_or_none()
        name, place = versions.fresh(manifest["digest"])
        try:
            database = versions.database(place)
            database.mkdir(parents=True)
            engine = ox.Store(str(database))
            engine.bulk_extend(quads)
            engine.optimize()
            engine.flush()
            count = len(engine)
            del engine  # closes the files before the pointer names them
            for file, content in (documents or {}).items():
                versions.write_document(place, file, content)
            complete = {
                "built_at": datetime.now(UTC).isoformat(timespec="seconds"),
                **manifest,
                "version": name,
                "folder": place,
                "previous": before["version"] if before else None,
                "counts": {**manifest.get("counts", {}), "quads": count},
                "files": versions.files(place),
                "write_seconds": round(time.perf_counter() - started, 3),
            }
            versions.switch(complete)
        except BaseException as error:
            shutil.rmtree(versions.folder / place, ignore_errors=True)
            if isinstance(error, OSError | RuntimeError):
                raise versions.not_writable(error) from error
            raise
        return complete

    @property
    def engine(self) -> ox.Store:
        """The engine itself, never a copy; read its answers in the thread that asked.

        Raises:
            InputError: when the store was closed.
        """
        if self._engine is None:
            raise InputError(Problem("store-closed", "The store was closed.", "Open it again."))
        return self._engine

    @property
    def _answering(self) -> ox.Store:
        copy = self._copy
        return self.engine if copy is None else copy

    def query(
        self,
        text: str,
        *,
        substitutions: Mapping[str, Term] | None = None,
        default_graph: Sequence[str] | None = None,
        named_graphs: Sequence[str] | None = None,
        file: str | None = None,
    ) -> Answer:
        """Answer a SPARQL query; read the answer in this thread.

        Args:
            text: a SELECT, ASK, CONSTRUCT or DESCRIBE query; the project's prefixes need no PREFIX line,
                and relative IRIs such as ``<actor/jd>`` stand in the id namespace.
            substitutions: a term for each variable that has a value, named without the question mark.
            default_graph: IRIs of the graphs to take as the default graph; otherwise the store's own (the closure).
            named_graphs: IRIs of the graphs that ``GRAPH`` sees; otherwise all.
            file: where the query comes from, for the messages.

        Raises:
            QueryError: when the query does not parse, calls another service, or cannot be evaluated.
            InputError: when the store turns out to be broken.
        """
        check_query(text, file=file, services=self.services)
        bound = substitute(text, substitutions or {}, file=file)
        try:
            return self._answering.query(
                bound,
                base_iri=ID,
                prefixes=_prefixes_in(text),
                default_graph=None if default_graph is None else [ox.NamedNode(graph) for graph in default_graph],
                named_graphs=None if named_graphs is None else [ox.NamedNode(graph) for graph in named_graphs],
            )
        except SyntaxError as error:
            raise syntax_error(error, text if bound == text else bound, file=file) from error
        except (OSError, RuntimeError, ValueError) as error:
            raise self._unanswerable(error, file) from error

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
        """Answer a query and write the answer, in one call and one thread.

        Args:
            text: the query.
            accept: an ``Accept`` header, a media type or the name of a format; otherwise JSON (Turtle for a graph).
            substitutions: as for :meth:`query`.
            default_graph: as for :meth:`query`.
            named_graphs: as for :meth:`query`.
            largest: the longest answer in bytes.

        Returns:
            The bytes, and their media type.

        Raises:
            QueryError: as :meth:`query`, and when the answer is longer than allowed.
            NotAcceptableError: when no format asked for can hold the answer.
        """
        try:
            # Named here, the answer would outlive an error, and be let go of in another thread.
            return write_answer(
                self.query(text, substitutions=substitutions, default_graph=default_graph, named_graphs=named_graphs),
                accept,
                largest,
            )
        except (OSError, RuntimeError) as error:
            raise self._unanswerable(error, None) from error

    def statements(
        self,
        subject: ox.NamedNode | None = None,
        predicate: ox.NamedNode | None = None,
        value: ox.NamedNode | None = None,
        graph: ox.NamedNode | ox.DefaultGraph | None = None,
    ) -> Generator[ox.Quad, None, None]:
        """Yield the quads with these parts; a part left out may be anything.

        Raises:
            InputError: when the store turns out to be broken.
        """
        yield from self.reading(self._answering.quads_for_pattern(subject, predicate, value, graph))

    def statements_about(
        self, subjects: Iterable[ox.NamedNode], predicate: ox.NamedNode | None = None
    ) -> Iterator[ox.Triple]:
        """Yield the statements of the default graph about several things.

        Args:
            subjects: the things.
            predicate: the only property wanted; otherwise all.

        Raises:
            InputError: when the store turns out to be broken.
        """
        for subject in subjects:
            for quad in self.statements(subject, predicate, None, _DEFAULT):
                yield quad.triple

    def stated(self, subject: ox.NamedNode) -> Generator[Stated, None, None]:
        """Yield what the named graphs say of a thing: property, value, graph.

        Every statement of the default graph stands in a named one too. A query reads a statement in half the time that
        :meth:`statements` takes, because it leaves out the thing itself and the default graph.

        Raises:
            InputError: when the store turns out to be broken.
        """
        answer = self._answering.query(f"SELECT ?p ?o ?g {{ GRAPH ?g {{ {subject} ?p ?o }} }}")
        yield from self.reading(cast("Iterable[Stated]", answer))

    def holds(
        self,
        subject: ox.NamedNode | None = None,
        predicate: ox.NamedNode | None = None,
        value: ox.NamedNode | None = None,
        graph: ox.NamedNode | ox.DefaultGraph | None = None,
    ) -> bool:
        """Return whether there is a quad with these parts.

        Raises:
            InputError: when the store turns out to be broken.
        """
        return next(self.statements(subject, predicate, value, graph), None) is not None

    def graphs(self) -> list[str]:
        """Return the IRIs of the named graphs, sorted."""
        return sorted(
            graph.value for graph in self.reading(self._answering.named_graphs()) if isinstance(graph, ox.NamedNode)
        )

    def reading(self, answer: Iterable[Read], file: str | None = None) -> Iterator[Read]:
        """Yield what the engine reads from its files, in this thread.

        Args:
            answer: solutions, statements or graphs of the engine.
            file: where the query comes from, for the messages.

        Raises:
            InputError: when the query cannot be evaluated any further, or the store turns out to be broken.
        """
        try:
            yield from answer
        except (OSError, RuntimeError, ValueError) as error:
            raise self._unanswerable(error, file) from error

    def limited(self, seconds: float, largest: int) -> EmbeddedStore:
        """Return this store: its engine cannot be ended, only the process it runs in (``store/evaluator.py``)."""
        return self

    def current_version(self) -> str | None:
        """Return the name of the version that is current now; that of a store in memory never changes.

        Raises:
            InputError: when the pointer cannot be read.
        """
        return str(
            self.manifest["version"] if self.folder is None else Versions(Path(self.folder)).current()["version"]
        )

    def renewed(self) -> EmbeddedStore:
        """Return the store of the current version: this one, where nothing has changed.

        Raises:
            InputError: as :meth:`open`.
        """
        if self.folder is None or self.current_version() == self.manifest["version"]:
            return self
        return EmbeddedStore.open(Path(self.folder))

    def answer_from(self, copy: ox.Store | None) -> None:
        """Answer from a copy, from the next query on; answers under way are not touched.

        Args:
            copy: an engine that holds the same (``store/memory.py``); ``None`` for the store's own again.
        """
        self._copy = copy

    def close(self) -> None:
        """Let go of the files."""
        self._engine = self._copy = None
        if self._held is not None:
            self._held.close()

    def _unanswerable(self, error: Exception, file: str | None) -> InputError:
        # A service that does not answer is told in the same way as a file that does not.
        if (isinstance(error, OSError) and not self.services) or str(error).startswith(_DAMAGE):
            return InputError(_broken(error, self.folder))
        if unknown := _NO_FUNCTION.search(str(error)):
            return QueryError(
                Problem(
                    "unknown-function",
                    f"There is no function <{unknown.group(1)}>.",
                    "Use the functions of SPARQL 1.1 and the casts of XSD.",
                    file=file,
                    term=unknown.group(1),
                )
            )
        return QueryError(
            Problem("query-failed", f"The query cannot be evaluated: {error}.", "Change the query.", file=file)
        )


def _prefixes_in(text: str) -> dict[str, str]:
    """Return the prefixes that a text may use: the engine reads each IRI that it is given."""
    if "\\u" in text.lower():  # an escaped letter may be part of a prefix
        return dict(PREFIXES)
    return {name: base for name, base in PREFIXES.items() if f"{name}:" in text}


_DEFAULT = ox.DefaultGraph()

_NO_FUNCTION = re.compile(r"function <([^>]*)>")
"""How the engine names a function that it does not have."""

_DAMAGE = ("Corruption", "IO error")
"""How the engine's complaints about its files begin."""


def _broken(error: Exception, folder: str | None) -> Problem:
    return Problem(
        "broken-store",
        f"The store is damaged ({' '.join(str(error).split())}).",
        "Run 'valueweave build --force' to build it afresh.",
        file=folder,
    )
