"""The short way of a lookup: it answers as the route does, and gives way to others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.types import Scope
from tests.server.conftest import serving

from valueweave.graph import KnowledgeGraph
from valueweave.server import Settings, create_app, items
from valueweave.server.items import ItemsAtOnce
from valueweave.server.turns import Turns, in_pieces, in_turns

JD = "/api/v1/actors/jd"
PLAIN: dict[str, tuple[str, dict[str, Any], dict[str, str]]] = {
    "plain": (JD, {}, {}),
    "with its kind": ("/api/v1/actors/actor/jd", {}, {}),
    "in a language": (JD, {"lang": "zh"}, {}),
    "in a language of the asker": (JD, {}, {"Accept-Language": "zh;q=0.8, en;q=0.5"}),
    "JSON-LD by the address": (JD, {"format": "jsonld"}, {}),
    "JSON-LD by the header": (JD, {}, {"Accept": "application/ld+json"}),
    "not acceptable": (JD, {}, {"Accept": "text/csv"}),
    "not acceptable, as a page": (JD, {}, {"Accept": "text/html"}),
    "compressed": (JD, {}, {"Accept-Encoding": "gzip"}),
    "other origin": (JD, {}, {"Origin": "https://example.org"}),
    "given id": (JD, {}, {"X-Request-Id": "abc-3"}),
}
OTHERS: dict[str, tuple[str, dict[str, Any], dict[str, str]]] = {
    "unknown": ("/api/v1/actors/nobody", {}, {}),
    "its end": ("/api/v1/stages/jd-1", {"lang": "en", "x": "1"}, {}),
    "the list": ("/api/v1/actors", {}, {}),
    "the list with a slash": ("/api/v1/actors/", {}, {}),
    "no list": ("/api/v1/nothing/jd", {}, {}),
    "another route": ("/api/v1/statistics", {}, {}),
    "unknown parameter": (JD, {"colour": "red"}, {}),
    "wrong parameter": (JD, {"format": "pdf"}, {}),
    "too long a parameter": (JD, {"lang": "x" * 36}, {}),
    "a parameter twice": (JD, {"lang": ["en", "zh"]}, {}),
    "an empty parameter": (JD, {"format": ""}, {}),
}
_OWN = {"date", "x-request-id"}


class Counting(ItemsAtOnce):
    """Counts what is answered at once."""

    taken = 0

    async def _answer(self, scope: Scope) -> Any:
        found = await super()._answer(scope)
        Counting.taken += found is not None
        return found


def _settings() -> Settings:
    return Settings(evaluators=0, cache_bytes=0)


@pytest.fixture(scope="module")
def short(kg: KnowledgeGraph) -> Iterator[httpx.Client]:
    """A server that answers at once what it can, and has read the lists before."""
    app = create_app(kg, _settings())
    for one in app.user_middleware:
        if one.cls is ItemsAtOnce:  # type: ignore[comparison-overlap]
            one.cls = Counting  # type: ignore[assignment]
    with serving(app) as client:
        for path in (JD, "/api/v1/stages/jd-1"):
            assert client.get(path).status_code == 200
        yield client


@pytest.fixture(scope="module")
def routes(kg: KnowledgeGraph) -> Iterator[httpx.Client]:
    """A server without the short way."""
    app = create_app(kg, _settings())
    app.user_middleware = [one for one in app.user_middleware if one.cls is not ItemsAtOnce]  # type: ignore[comparison-overlap]
    with serving(app) as client:
        yield client


def told(answer: httpx.Response) -> tuple[int, dict[str, str], bytes]:
    """What two answers are to have in common."""
    return answer.status_code, {n: v for n, v in answer.headers.items() if n not in _OWN}, answer.content


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
@pytest.mark.parametrize("name", [*PLAIN, *OTHERS])
def test_both_ways_answer_alike(short: httpx.Client, routes: httpx.Client, method: str, name: str) -> None:
    path, parameters, headers = {**PLAIN, **OTHERS}[name]
    before = Counting.taken
    found = short.request(method, path, params=parameters, headers=headers)
    assert told(found) == told(routes.request(method, path, params=parameters, headers=headers))
    assert Counting.taken - before == (name in PLAIN and method in {"GET", "HEAD"})
    if tag := found.headers.get("etag"):
        held = {**headers, "If-None-Match": tag}
        again = short.request(method, path, params=parameters, headers=held)
        assert again.status_code == 304
        assert told(again) == told(routes.request(method, path, params=parameters, headers=held))


def test_requests_are_counted_under_the_route(short: httpx.Client) -> None:
    def count() -> float:
        wanted = 'valueweave_requests_total{method="GET",route="/api/v1/actors/{id:rest}",status="200"}'
        lines = [line for line in short.get("/metrics").text.splitlines() if line.startswith(wanted)]
        return float(lines[0].rpartition(" ")[2]) if lines else 0

    before, taken = count(), Counting.taken
    short.get(JD)
    assert (count() - before, Counting.taken - taken) == (1, 1)


def test_a_thing_of_which_much_is_said_is_left_to_a_thread(
    short: httpx.Client, routes: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(items, "_MOST", 3)
    before = Counting.taken
    assert told(short.get(JD)) == told(routes.get(JD))
    assert Counting.taken == before


def test_others_take_their_turn_while_much_is_read() -> None:
    """Work of a second, in pieces, holds nobody up for longer than a turn."""

    def work() -> Turns[list[int]]:
        return in_pieces(busy(number) for number in range(1000))

    def busy(number: int) -> int:
        until = time.perf_counter() + 0.0005
        while time.perf_counter() < until:
            pass
        return number

    async def both() -> tuple[list[int], int]:
        reading = asyncio.create_task(in_turns(work()))
        turns = 0
        while not reading.done():
            await asyncio.sleep(0)
            turns += 1
        return reading.result(), turns

    found, turns = asyncio.run(both())
    assert found == list(range(1000))
    assert turns >= 10
