"""Numbers for those who watch a server, in the text format of Prometheus, and a line of log for each request.

In: requests as they pass, the tally of the evaluators. Out: ``/metrics``, lines of JSON.
The decision hidden here: what is counted. Requests are told apart by the pattern of their route, never by their whole
address, so that strangers cannot make up new series.
"""

from __future__ import annotations

import json
import re
import sys
import time
import uuid
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from valueweave.server.editions import Editions
from valueweave.server.routing import route_of, watch

__all__ = ["MEDIA_TYPE", "Meter", "Metering"]

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_REQUEST_ID = re.compile(r"[\w.:-]{1,64}")


class Meter:
    """Counts requests; knows the store and the evaluators."""

    def __init__(self, editions: Editions) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "valueweave_requests", "Requests answered", ["method", "route", "status"], registry=self._registry
        )
        self._latency = Histogram(
            "valueweave_request_seconds", "Time to answer", ["route"], buckets=_BUCKETS, registry=self._registry
        )
        looked = Counter("valueweave_cache", "Answers that may be kept", ["result"], registry=self._registry)
        self._cached = {True: looked.labels("hit"), False: looked.labels("miss")}
        self._registry.register(_Graph(editions))

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._requests.labels(method, route, str(status)).inc()
        self._latency.labels(route).observe(seconds)

    def cached(self, found: bool) -> None:
        """Count an answer that may be kept: one that was there, or one that had to be made."""
        self._cached[found].inc()

    def text(self) -> bytes:
        """Return everything counted so far."""
        return generate_latest(self._registry)


class _Graph(Collector):
    """What is known elsewhere and asked for when somebody looks."""

    def __init__(self, editions: Editions) -> None:
        self._editions = editions

    def collect(self) -> Iterator[Metric]:
        counts = self._editions.current().catalogue.statistics.counts
        size = GaugeMetricFamily("valueweave_store_statements", "Statements in the store", labels=["kind"])
        for kind in ("asserted", "inferred", "ontology"):
            size.add_metric([kind], counts.get(kind, 0))
        yield size
        if evaluators := self._editions.evaluators:
            tally = evaluators.tally
            yield CounterMetricFamily("valueweave_queries", "SPARQL queries answered", value=tally.answered)
            yield CounterMetricFamily("valueweave_query_seconds", "Time spent on SPARQL queries", value=tally.seconds)
            yield CounterMetricFamily(
                "valueweave_evaluators_started", "Evaluator processes started", value=tally.started
            )
            refused = CounterMetricFamily("valueweave_queries_refused", "SPARQL queries refused", labels=["reason"])
            for reason, number in sorted(tally.refused.items()):
                refused.add_metric([reason], number)
            yield refused


class Metering:
    """Count each request, give it an id, and log it where that is wanted."""

    def __init__(self, app: ASGIApp, meter: Meter, log: bool) -> None:
        self.app, self._meter, self._log = app, meter, log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        given = Headers(scope=scope).get("x-request-id", "")
        name = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        status = 500
        watch(scope)

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = name
            await send(message)

        try:
            await self.app(scope, receive, send_on)
        finally:
            seconds = time.perf_counter() - started
            route = route_of(scope)
            self._meter.count(scope["method"], route, status, seconds)
            if self._log:
                line = {"id": name, "method": scope["method"], "path": scope["path"], "route": route, "status": status}
                print(json.dumps({**line, "ms": round(seconds * 1000, 2)}), file=sys.stderr, flush=True)
