"""The curator's door: changes of a graph in use.

In: a project, a change. Out: :class:`~valueweave.live.cases.Applied`; the version that the change made is current.
The decision hidden here: the order of a change: hold the store, look at conditions, check, reason, write, switch.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any, Literal

import pyoxigraph as ox

from valueweave.authoring.document import Document
from valueweave.live.applying import Outcome, apply, switch
from valueweave.live.cases import (
    Applied,
    Entry,
    LiveCase,
    LiveCases,
    Media,
    check_conditions,
    check_name,
    check_version,
    entity_tag,
)
from valueweave.live.checking import check_case, file_name, read_case, refuse, refuse_authored
from valueweave.live.effects import effect_of, resolve
from valueweave.live.graphs import change_of, change_plain, is_plain, update_plain
from valueweave.live.overlay import Overlay
from valueweave.live.referrers import find_referrers
from valueweave.live.surroundings import Surroundings, as_stored
from valueweave.live.theory import Theories, Theory
from valueweave.live.update_text import check_update, with_using
from valueweave.problems import InputError, Problem, has_errors
from valueweave.project import Project
from valueweave.reasoning.closure.increments import prepare
from valueweave.store.changing import Draft, changing
from valueweave.store.places import open_store, versions_of

__all__ = ["Curator"]


class Curator:
    """Changes the store of a project while it is in use; from several threads and processes.

    Args:
        project: whose store it is.
        wait: how many seconds a change waits for a build or another change.

    >>> Curator(Project.find(store="/nowhere")).cases()
    Traceback (most recent call last):
    ...
    valueweave.store.versions.StoreMissingError: ... There is no store here yet. ...
    """

    def __init__(self, project: Project, wait: float = 10.0) -> None:
        self._project, self._wait = project, wait
        self._versions = versions_of(project)
        self._theories = Theories(project)

    # -- what there is

    def cases(self) -> dict[str, LiveCase]:
        """Return the live cases by name.

        Raises:
            InputError: when there is no store.
        """
        while True:
            manifest = self._versions.current()
            try:
                return {name: self._read(name, entry, manifest) for name, entry in LiveCases(manifest).items()}
            except FileNotFoundError:
                # Two changes may have passed between reading the pointer and the documents.
                if self._versions.current()["version"] == manifest["version"]:
                    raise

    def case(self, name: str) -> LiveCase | None:
        """Return a live case, ``None`` when there is none of this name.

        Raises:
            InputError: when there is no store.
        """
        return self.cases().get(name)

    def _read(self, name: str, entry: Entry, manifest: dict[str, Any]) -> LiveCase:
        text = (self._versions.documents(manifest["folder"]) / entry.file).read_bytes()
        return LiveCase(name, text, entry.media, entry.etag, manifest["version"])

    def prepare(self) -> None:
        """Read and compile what changes need, so that the first one need not wait for it; nothing is changed.

        What is wrong with the store is for the first change to tell.
        """
        with suppress(InputError), closing(open_store(self._project)) as store:
            if "rules" in store.manifest:
                theory = self._theories.of(store.manifest, store.engine)
                prepare(theory.rules)
                _ = theory.context, theory.model, theory.followed

    # -- cases

    def put_case(
        self,
        name: str,
        text: bytes,
        media: Media = "yaml",
        *,
        if_match: str | None = None,
        if_none_match: str | None = None,
    ) -> Applied:
        """Put a case, new or in place of the live case of that name.

        Args:
            name: the last part of its id.
            text: the document.
            media: what it is written in.
            if_match: entity tags of which the live case must have one, or ``*``.
            if_none_match: ``*`` when there must be no live case of that name.

        Raises:
            InputError: with the code ``precondition-failed``, ``case-of-a-file``, ``case-id-mismatch``, ``case-name``,
                ``store-busy``, ``store-outdated``, or with everything that is wrong with the document and every
                ``case-referred-to`` of what it defines no more.
            ContradictionError: with what it contradicts.
        """
        started = time.perf_counter()
        check_name(name)
        with self._changing() as draft:
            live = LiveCases(draft.before)
            before = live.get(name)
            refuse_authored(draft.before, name)
            check_conditions(name, before.etag if before else None, if_match, if_none_match)
            etag = entity_tag(text)
            overlay = self._overlay(draft)
            if before and (before.etag, before.media) == (etag, media) and not overlay.touches(before.graph):
                return Applied(draft.before["version"], seconds=time.perf_counter() - started, etag=etag)
            document, outcome, warnings = self._place(draft, name, text, media, before)
            records = sum(1 for _ in document.records())
            entry = Entry(file_name(name, media), media, etag, document.graph_iri, records)
            overlay.forget([document.graph_iri, *([before.graph] if before else ())])
            draft.write(entry.file, text)
            version = switch(draft, outcome.told, live.with_(name, entry), overlay, entry.file)
        change = outcome.change
        return Applied(
            version,
            before is None,
            change.added,
            change.removed,
            change.inferred,
            time.perf_counter() - started,
            etag,
            tuple(warnings),
        )

    def delete_case(self, name: str, *, if_match: str | None = None) -> Applied:
        """Take a live case out again, with all that was inferred from it and nothing else.

        Args:
            name: the case.
            if_match: entity tags of which it must have one, or ``*``.

        Raises:
            InputError: with the code ``unknown-case``, ``case-of-a-file``, ``precondition-failed``, ``store-busy``, or
                with every ``case-referred-to``.
        """
        started = time.perf_counter()
        check_name(name)
        with self._changing() as draft:
            live = LiveCases(draft.before)
            entry = live.get(name)
            refuse_authored(draft.before, name)
            if entry is None:
                raise live.unknown(name)
            check_conditions(name, entry.etag, if_match, None)
            theory = self._theory(draft)
            gone = list(draft.engine.quads_for_pattern(None, None, None, ox.NamedNode(entry.graph)))
            refuse(find_referrers(gone, (), Surroundings(draft.engine, {entry.graph})))
            outcome = apply(draft, theory, (), gone, (), -1, -entry.records)
            overlay = self._overlay(draft)
            overlay.forget([entry.graph])
            version = switch(draft, outcome.told, live.with_(name, None), overlay)
        change = outcome.change
        seconds = time.perf_counter() - started
        return Applied(version, False, change.added, change.removed, change.inferred, seconds)

    def _place(
        self, draft: Draft, name: str, text: bytes, media: Media, before: Entry | None
    ) -> tuple[Document, Outcome, list[Problem]]:
        """Check a document and put its statements into a draft, in place of those that it had before."""
        theory = self._theory(draft)
        document, problems = read_case(name, text, media, theory)
        graphs = [document.graph_iri, *([before.graph] if before else ())]
        gone = [q for graph in graphs for q in draft.engine.quads_for_pattern(None, None, None, ox.NamedNode(graph))]
        come = as_stored(document.quads())
        beside = Surroundings(draft.engine, graphs)
        if not has_errors(problems):
            problems += check_case(document, theory, beside)
        warnings = refuse([*problems, *find_referrers(gone, come, beside)])
        records = sum(1 for _ in document.records()) - (before.records if before else 0)
        return document, apply(draft, theory, come, gone, [document], int(before is None), records), warnings

    # -- statements

    def update(
        self, text: str, *, using_default: Sequence[str] | None = None, using_named: Sequence[str] | None = None
    ) -> Applied:
        """Carry out a SPARQL update.

        In a store with a closure, what is inserted without a graph is asserted in ``graph/updates``, and what is
        deleted without a graph is taken out of every graph that asserts it. What is inferred alone cannot be deleted:
        it goes with what it follows from.

        Args:
            text: the update; prefixes of the project need no PREFIX line.
            using_default: IRIs of the graphs in which conditions are looked up, as ``using-graph-uri`` names them.
            using_named: IRIs of the graphs that ``GRAPH`` sees there.

        Raises:
            QueryError: when the update does not parse, would fetch something, or names graphs that are also given.
            InputError: with the code ``computed-graph``, ``blank-node``, ``update-failed``, ``store-busy``.
            ContradictionError: with what it contradicts.

        Source: SPARQL 1.1 Update; SPARQL 1.1 Protocol, section 2.2.
        """
        started = time.perf_counter()
        check_update(text)
        if using_default or using_named:
            text = with_using(text, using_default or (), using_named or ())
        with self._changing() as draft:
            if is_plain(draft):
                return update_plain(draft, text, started)
            come, go = resolve(effect_of(text, draft.engine, draft.scratch), draft.engine)
            return self._change(draft, come, go, started)

    def change_graph(
        self,
        graph: str | None,
        triples: Iterable[ox.Triple],
        *,
        how: Literal["replace", "merge", "remove"],
        if_version: str | None = None,
    ) -> Applied:
        """Change one graph as a whole.

        Args:
            graph: its IRI, ``None`` for the default graph.
            triples: statements; none are needed to remove a graph.
            how: put the statements in place of those of the graph, add them to it, or remove the graph.
            if_version: the version of the store that must still be current, where that matters.

        Raises:
            InputError: with the code ``precondition-failed``, ``unknown-graph`` (to remove one that is not there),
                ``computed-graph``, ``case-graph`` (the graph of a live case), ``blank-node``, ``store-busy``.
            ContradictionError: with what it contradicts.

        Source: SPARQL 1.1 Graph Store HTTP Protocol, section 5.
        """
        started = time.perf_counter()
        with self._changing() as draft:
            check_version(draft.before["version"], if_version)
            if is_plain(draft):
                return change_plain(draft, graph, list(triples), how, started)
            effect, created = change_of(draft, graph, triples, how)
            come, go = resolve(effect, draft.engine)
            return self._change(draft, come, go, started, created)

    def _change(
        self, draft: Draft, come: Sequence[ox.Quad], go: Sequence[ox.Quad], started: float, created: bool = False
    ) -> Applied:
        """Assert and take back quads that no document says."""
        if not come and not go:
            return Applied(draft.before["version"], seconds=time.perf_counter() - started)
        outcome = apply(draft, self._theory(draft), come, go)
        overlay = self._overlay(draft)
        overlay.take(come, go)
        version = switch(draft, outcome.told, LiveCases(draft.before).told(), overlay)
        change = outcome.change
        seconds = time.perf_counter() - started
        return Applied(version, created, change.added, change.removed, change.inferred, seconds)

    # -- steps

    @contextmanager
    def _changing(self) -> Iterator[Draft]:
        with changing(self._versions, self._wait) as draft:
            yield draft

    def _theory(self, draft: Draft) -> Theory:
        if is_plain(draft):
            raise InputError(
                Problem(
                    "plain-store",
                    "The store holds plain RDF, without an ontology and rules.",
                    "Change it by SPARQL Update or by the Graph Store Protocol.",
                )
            )
        return self._theories.of(draft.before, draft.engine)

    @staticmethod
    def _overlay(draft: Draft) -> Overlay:
        return Overlay.read(draft.before, draft.document)
