"""Numbers for those who watch a server, in the text format of Prometheus.

In: requests, queries and changes as they are done with. Out: ``/metrics``.
The decision hidden here: what is counted. Requests are told apart by the pattern of their route, never by their whole
address, so that strangers cannot make up new series. Several workers count into files of one folder
(``PROMETHEUS_MULTIPROC_DIR``), so that each of them can tell the numbers of all.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from valueweave.server.copies import Copies
from valueweave.server.editions import Editions
from valueweave.server.evaluators import Tally

__all__ = ["COUNTED_TOGETHER", "MEDIA_TYPE", "Meter"]

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
COUNTED_TOGETHER = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable that names the folder into which several workers count."""

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Meter(Tally):
    """Counts what the server does."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._here = CollectorRegistry()
        self._requests = Counter(
            "valueweave_requests", "Requests answered", ["method", "route", "status"], registry=registry
        )
        self._latency = Histogram(
            "valueweave_request_seconds", "Time to answer", ["route"], buckets=_BUCKETS, registry=registry
        )
        self._under_way = Gauge(
            "valueweave_requests_under_way", "Requests begun", registry=registry, multiprocess_mode="livesum"
        )
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._queries = Histogram(
            "valueweave_query_seconds",
            "Time of SPARQL queries, waiting included",
            buckets=_BUCKETS,
            registry=registry,
        )
        self._refused = Counter("valueweave_queries_refused", "SPARQL queries refused", ["reason"], registry=registry)
        self._started = Counter("valueweave_evaluators_started", "Evaluator processes started", registry=registry)
        looked = Counter("valueweave_cache", "Answers that may be kept", ["result"], registry=registry)
        self._cached = {True: looked.labels("hit"), False: looked.labels("miss")}
        self._changes = Counter("valueweave_changes", "Changes of the graph", ["kind", "result"], registry=registry)
        self._change_seconds = Histogram(
            "valueweave_change_seconds", "Time of changes", ["kind"], buckets=_BUCKETS, registry=registry
        )

    def watch(self, editions: Editions, copies: Copies) -> None:
        """Tell also how large the graph is, and what of it lies in memory."""
        self._here.register(_Graph(editions, copies))

    def begin(self) -> None:
        """Count a request as under way."""
        self._under_way.inc()

    def withdraw(self) -> None:
        """Count a request as under way no longer, and as nothing else."""
        self._under_way.dec()

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request as done."""
        self._under_way.dec()
        known = self._known.get((method, route, status))
        if known is None:
            known = self._requests.labels(method, route, str(status)), self._latency.labels(route)
            self._known[method, route, status] = known
        known[0].inc()
        known[1].observe(seconds)

    def cached(self, found: bool) -> None:
        """Count an answer that may be kept: one that was there, or one that had to be made."""
        self._cached[found].inc()

    def observe(self, seconds: float) -> None:
        """Count a query that was answered."""
        self._queries.observe(seconds)

    def refuse(self, code: str) -> None:
        """Count a query that was refused."""
        self._refused.labels(code).inc()

    def start(self) -> None:
        """Count an evaluator process that starts."""
        self._started.inc()

    def changed(self, kind: str, result: str, seconds: float) -> None:
        """Count a change of the graph.

        Args:
            kind: what changed it, such as ``put_case``.
            result: ``applied``, or the code of the problem it was refused for.
            seconds: how long it took.
        """
        self._changes.labels(kind, result).inc()
        self._change_seconds.labels(kind).observe(seconds)

    def text(self) -> bytes:
        """Return everything counted so far, by all workers, and the size of the graph."""
        counted = self._registry
        if folder := os.environ.get(COUNTED_TOGETHER):
            _forget_dead(Path(folder))
            counted = CollectorRegistry()
            MultiProcessCollector(counted)  # type: ignore[no-untyped-call]
        return generate_latest(counted) + generate_latest(self._here)


def _forget_dead(folder: Path) -> None:
    """What was under way in a worker that died is so no longer."""
    for file in folder.glob("gauge_live*_*.db"):
        process = int(file.stem.rpartition("_")[2])
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            mark_process_dead(process, str(folder))  # type: ignore[no-untyped-call]
        except OSError:
            continue


class _Graph(Collector):
    """What is known elsewhere and asked for when somebody looks."""

    def __init__(self, editions: Editions, copies: Copies) -> None:
        self._editions, self._copies = editions, copies

    def collect(self) -> Iterator[Metric]:
        edition = self._editions.current()
        counts = edition.catalogue.statistics.counts
        size = GaugeMetricFamily("valueweave_store_statements", "Statements in the store", labels=["kind"])
        for kind in ("asserted", "inferred", "ontology"):
            size.add_metric([kind], counts.get(kind, 0))
        yield size
        files = edition.kg.store.manifest.get("files", {})
        room = sum(file.get("size", 0) for file in files.values())
        yield GaugeMetricFamily("valueweave_store_bytes", "Size of the current version on disk", value=room)
        copied = GaugeMetricFamily(
            "valueweave_store_copied", "Whether the current version is answered from memory", labels=["by"]
        )
        for who, version in self._copies.made().items():
            copied.add_metric([who], float(version == edition.version))
        yield copied
