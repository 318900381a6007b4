"""How many requests the server answers, and against what.

In: how many statements. Out: JSON, and a table in ``docs/performance.md``.
The decision hidden here: all servers hold the same statements and run at the same time, one being asked after the
other, several times over, so that the ratios hold when the times of the machine do not. Every request asks of another
thing, and the answers that our server keeps are switched off, except where it is they that are measured. The load comes
from ``wrk`` (Debian package ``wrk``), a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import quote, unquote

import pyoxigraph as ox

from reasoning import PAGE, closure, prepare
from valueweave.layout import ONTOLOGY_GRAPH
from valueweave.namespaces import ID, PREFIXES, SCE
from valueweave.ontology import OntologyIndex
from valueweave.project import Project
from valueweave.reasoning.rules.book import rule_texts
from valueweave.store import EmbeddedStore
from valueweave.store.memory import Copy

_BEGIN, _END = "<!-- http: made by bench/serving.py -->", "<!-- http: end -->"
_PEERS = ["rdflib-endpoint==0.6.3", "oxrdflib==0.5.0", "oxigraph==0.5.13", "uvicorn"]
_LUA = Path(__file__).with_name("load.lua")
_JSON = "application/sparql-results+json"
_PEER = """
import sys, uvicorn, rdflib
from rdflib_endpoint import SparqlEndpoint
kind, file, port = sys.argv[1:]
graph = rdflib.Dataset(store="Oxigraph") if kind == "oxigraph" else rdflib.Dataset()
graph.store._inner.bulk_load(path=file) if kind == "oxigraph" else graph.parse(file)
uvicorn.run(SparqlEndpoint(graph=graph, path="/sparql"), port=int(port), log_level="warning")
"""
_SMALL = "SELECT ?p ?o WHERE {{ {} ?p ?o }}"
_LARGE = f"SELECT ?s ?p ?o WHERE {{{{ {{}} <{SCE}includes> ?s . ?s ?p ?o }}}} LIMIT 1000"
_LISTS = {"actor": "actors", "opportunity": "opportunities", "interaction": "interactions", "module": "modules"}


@dataclass(slots=True)
class Server:
    """A server that is measured."""

    name: str
    command: list[str]
    path: str
    settings: dict[str, str] = field(default_factory=dict)
    loads: Path | None = None
    port: int = 0


def make_store(folder: Path, statements: int) -> int:
    """Write the store, the statements of its default graph, and what will be asked; return how many statements."""
    asserted = prepare(folder, statements)["statements"]
    inferred = closure(folder)["inferred"]
    project = Project.find()
    ontology = OntologyIndex.load(project).triples
    types: Counter[str] = Counter()

    def quads() -> Iterator[ox.Quad]:
        graph, kind = ox.NamedNode(ONTOLOGY_GRAPH), ox.NamedNode(PREFIXES["rdf"] + "type")
        yield from (ox.Quad(one.subject, one.predicate, one.object, graph) for one in ontology)
        for name in ("cases.nq", "plain.nt", "inferred.nq"):
            for quad in ox.parse(path=str(folder / name)):
                if isinstance(quad.graph_name, ox.DefaultGraph) and quad.predicate == kind:
                    types[str(quad.object)[1:-1]] += 1
                yield quad

    manifest = {
        "digest": "0" * 64,
        "rules": [asdict(text) for text in rule_texts(project)],
        "counts": {"asserted": asserted, "inferred": inferred},
        "statistics": {"graphs": {}, "types": types},
    }
    EmbeddedStore.write(folder / "store", quads(), manifest)
    store = EmbeddedStore.open(folder / "store")
    with (folder / "closure.nt").open("wb") as out:
        store.engine.dump(out, format=ox.RdfFormat.N_TRIPLES, from_graph=ox.DefaultGraph())
    _write_questions(folder, store)
    return sum(1 for _ in (folder / "closure.nt").open("rb"))


def _write_questions(folder: Path, store: EmbeddedStore) -> None:
    choose = random.Random(1)

    def things(pattern: str) -> list[str]:
        found = [str(row[0]) for row in store.query(f"SELECT ?s {{ {pattern} }}")]  # type: ignore[union-attr]
        choose.shuffle(found)
        return found

    small = things("?s a sce:Participation")[:3000]
    large = things("{ SELECT ?s { ?s sce:includes ?x } GROUP BY ?s HAVING (COUNT(?x) > 90) }")[:50]
    items = [
        f"/api/v1/{name}/{thing.removeprefix('<' + ID + kind + '/').removesuffix('>')}\n"
        for kind, name in _LISTS.items()
        for thing in things(f"?s rdfs:label ?l FILTER(STRSTARTS(STR(?s), '{ID}{kind}/') && LANG(?l) = 'en')")[:500]
        if "/evidence/" not in thing
    ]
    choose.shuffle(items)
    (folder / "small.txt").write_text("".join(f"query={quote(_SMALL.format(one))}\n" for one in small), "utf-8")
    (folder / "large.txt").write_text("".join(f"query={quote(_LARGE.format(one))}\n" for one in large), "utf-8")
    (folder / "one.txt").write_text(f"query={quote(_SMALL.format(small[0]))}\n", "utf-8")
    (folder / "items.txt").write_text("".join(items), "utf-8")
    (folder / "empty.txt").write_text("/healthz\n", "utf-8")


def peers(folder: Path) -> Path:
    """Return the folder of the commands of the peers, which are installed when they are not there."""
    if not (folder / "bin" / "oxigraph").exists():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "--quiet", *_PEERS], check=True)
    return folder / "bin"


def servers(folder: Path, tools: Path) -> list[Server]:
    """Return what is measured; the statements of a peer are loaded here or when it starts."""
    subprocess.run(
        [tools / "oxigraph", "load", "--location", folder / "oxigraph", "--file", folder / "closure.nt"],
        check=True,
        stderr=subprocess.DEVNULL,
    )
    subprocess.run([tools / "oxigraph", "optimize", "--location", folder / "oxigraph"], check=True)
    ours = [sys.executable, "-m", "valueweave", "--store", str(folder / "store"), "serve", "--port", "PORT"]
    peer = [str(tools / "python"), "-c", _PEER]
    no_cache = {"VALUEWEAVE_SERVER_CACHE_BYTES": "0"}
    file = str(folder / "closure.nt")
    return [
        Server("one worker, two evaluators", ours, "/sparql?", no_cache),
        Server("two workers, two evaluators each", [*ours, "--workers", "2"], "/sparql?", no_cache),
        Server("with kept answers", ours, "/sparql?"),
        Server(
            "Oxigraph's server",
            [
                str(tools / "oxigraph"),
                "serve-read-only",
                "--location",
                str(folder / "oxigraph"),
                "--bind",
                "127.0.0.1:PORT",
            ],
            "/query?",
        ),
        Server(
            "Oxigraph's server in memory",
            [str(tools / "oxigraph"), "serve", "--bind", "127.0.0.1:PORT"],
            "/query?",
            loads=folder / "closure.nt",
        ),
        Server("rdflib-endpoint, rdflib's store", [*peer, "rdflib", file, "PORT"], "/sparql?"),
        Server("rdflib-endpoint, Oxigraph's store", [*peer, "oxigraph", file, "PORT"], "/sparql?"),
    ]


@contextmanager
def running(server: Server) -> Iterator[None]:
    """Run a server until the end of the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        server.port = free.getsockname()[1]
    command = [part.replace("PORT", str(server.port)) for part in server.command]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, env={**os.environ, **server.settings}) as process:
        try:
            address = f"http://127.0.0.1:{server.port}{server.path}query={quote('ASK {}')}"
            for _ in range(1200):
                try:
                    urllib.request.urlopen(
                        urllib.request.Request(address, headers={"Accept": _JSON}), timeout=60
                    ).close()
                    break
                except (URLError, ConnectionError):
                    if process.poll() is not None:
                        raise RuntimeError(f"{server.name} did not start") from None
                    time.sleep(0.1)
            if server.loads is not None:
                _load_into(server, server.loads)
            yield
        finally:
            process.terminate()


def _load_into(server: Server, file: Path) -> None:
    """Put statements into a server by the Graph Store Protocol."""
    headers = {"Content-Type": "application/n-triples", "Content-Length": str(file.stat().st_size)}
    with file.open("rb") as statements:
        address = f"http://127.0.0.1:{server.port}/store?default"
        urllib.request.urlopen(urllib.request.Request(address, statements, headers, method="POST"), timeout=600).close()


def load(
    server: Server, questions: Path, connections: int = 8, seconds: int = 3, path: str | None = None, **more: Any
) -> dict[str, float]:
    """Ask a server for so many seconds."""
    headers = [
        part
        for name, value in {"Accept": _JSON, **more.get("headers", {})}.items()
        for part in ("-H", f"{name}: {value}")
    ]
    prefix = server.path if path is None else path
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", *headers, "-s", str(_LUA)]
    command += [f"http://127.0.0.1:{server.port}", "--", str(questions), prefix, str(more.get("pause", 0))]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"^JSON (.*)$", said, re.MULTILINE)
    if found is None:
        raise RuntimeError(said)
    told: dict[str, float] = json.loads(found.group(1))
    return told


def wait_for_copies(server: Server) -> None:
    """Wait until all workers of one of our servers and their evaluators answer from memory."""
    in_a_row, deadline = 0, time.monotonic() + 900
    while in_a_row < 20:  # each time another worker may answer
        if time.monotonic() > deadline:
            raise RuntimeError("there is no room for copies: measure with fewer --statements")
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=60) as answer:
            told = re.findall(r"^valueweave_store_copied\{.*\} (.*)$", answer.read().decode(), re.MULTILINE)
        in_a_row = in_a_row + 1 if set(told) == {"1.0"} else 0
        time.sleep(0.1 if in_a_row else 1)


def in_process(folder: Path) -> dict[str, float]:
    """Return milliseconds of a query in this process, warm, from the files and from memory."""
    store = EmbeddedStore.open(folder / "store")
    figures = _in_process(folder, store, " from the files")
    copy = Copy.of(folder / "store", store.manifest["version"])
    assert copy is not None
    store.answer_from(copy.engine)
    return {**figures, **_in_process(folder, store)}


def _in_process(folder: Path, store: EmbeddedStore, where: str = "") -> dict[str, float]:
    figures = {}
    for name in ("small", "large"):
        queries = [unquote(line[6:].strip()) for line in (folder / f"{name}.txt").read_text("utf-8").splitlines()]
        for _ in range(2):
            started = time.perf_counter()
            for query in queries:
                store.serialize_query(query, "json")
            figures[name + where] = (time.perf_counter() - started) / len(queries) * 1000
    return figures


def run(folder: Path, tools: Path, statements: int, rounds: int, seconds: int) -> dict[str, Any]:
    """Measure everything."""
    report: dict[str, Any] = {"statements": make_store(folder, statements), "in_process": in_process(folder)}
    report["cores"] = os.cpu_count()
    everyone = servers(folder, tools)
    several, keeping = everyone[1:3]
    told: dict[str, dict[str, list[dict[str, float]]]] = {}

    def note(server: str, what: str, figures: dict[str, float]) -> None:
        told.setdefault(server, {}).setdefault(what, []).append(figures)

    with ExitStack() as stack:
        for server in everyone:
            stack.enter_context(running(server))
        for server in everyone:
            if server.path == "/sparql?" and server.command[0] == sys.executable:
                wait_for_copies(server)
        asked = [server for server in everyone if server is not keeping]
        for server in asked:  # a warm start for all
            for name in ("small", "large"):
                load(server, folder / f"{name}.txt", seconds=4)
        for _ in range(3):
            load(several, folder / "items.txt", seconds=4, path="", headers=_AS_JSON)
        for _ in range(rounds):
            # What is compared is measured within seconds: the speed of a machine that others use comes and goes.
            for what, questions, connections in (("small", "small", 8), ("alone", "small", 1), ("large", "large", 8)):
                for server in asked:
                    figures = load(server, folder / f"{questions}.txt", connections, seconds)
                    note(server.name, what, figures)
            tag = _tag(keeping, folder)
            note("kept", "again", load(keeping, folder / "one.txt", seconds=seconds))
            held = {"If-None-Match": tag}
            note("kept", "held", load(keeping, folder / "one.txt", seconds=seconds, headers=held))
            note("kept", "empty", load(keeping, folder / "empty.txt", seconds=seconds, path=""))
            note(
                "items", "most", most := load(several, folder / "items.txt", seconds=seconds, path="", headers=_AS_JSON)
            )
            pause = max(8 / (most["rate"] / 2) * 1000 - most["p50"] / 2, 1)
            half = load(several, folder / "items.txt", 8, seconds * 2, "", headers=_AS_JSON, pause=pause)
            note("items", "half", half)
            # Of what a request takes after a pause, a good part is the machine waking up.
            note("items", "nothing", load(several, folder / "empty.txt", 8, seconds, "", pause=pause))
    report["servers"] = {
        name: {
            what: {key: statistics.median(one[key] for one in some) for key in some[0]} for what, some in found.items()
        }
        for name, found in told.items()
    }
    names = [server.name for server in asked]
    rates = {what: {name: [one["rate"] for one in told[name][what]] for name in names} for what in ("small", "large")}
    report["ratios"] = {what: ratios(of) for what, of in rates.items()}
    return report


def ratios(rates: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    """Return how many times as fast as a peer ours is, and Oxigraph's servers as ours, in each round.

    Ours is the arrangement, and the peer the one of ``rdflib-endpoint``, that has the higher median.
    """

    def best(names: Iterable[str]) -> Sequence[float]:
        return max((rates[name] for name in names), key=statistics.median)

    ours = best(name for name in rates if "worker" in name)
    peer = best(name for name in rates if "rdflib-" in name)
    return {
        "peer": [mine / other for mine, other in zip(ours, peer, strict=True)],
        **{
            name: [other / mine for mine, other in zip(ours, rates[name], strict=True)]
            for name in rates
            if name.startswith("Oxigraph")
        },
    }


_AS_JSON = {"Accept": "application/json"}


def _tag(server: Server, folder: Path) -> str:
    address = f"http://127.0.0.1:{server.port}{server.path}{(folder / 'one.txt').read_text('utf-8').strip()}"
    with urllib.request.urlopen(urllib.request.Request(address, headers={"Accept": _JSON})) as answer:
        return str(answer.headers["ETag"])


def table(report: dict[str, Any]) -> str:
    """Return the figures as Markdown."""
    told = report["servers"]
    names = [name for name in told if name not in {"kept", "items"}]
    lines = [
        f"{report['statements']:,} statements in the default graph, {report['cores']} cores, 8 connections, load by "
        "`wrk`; rates are requests a second, medians of several rounds.",
        "",
        "| | small query, rate | one connection, ms | 1,000 rows, rate | KB |",
        "|---|---|---|---|---|",
    ]
    for name in names:
        one = told[name]
        small, alone, large = one["small"], one["alone"], one["large"]
        figures = f"{small['rate']:,.0f} | {alone['p50']:.2f} | {large['rate']:,.0f} | {large['bytes'] / 1000:.0f}"
        lines.append(f"| {name} | {figures} |")
    small, large = report["ratios"]["small"], report["ratios"]["large"]
    kept, items, here = told["kept"], told["items"], report["in_process"]
    most, half, nothing = items["most"], items["half"], items["nothing"]
    way = told[names[0]]["alone"]["p50"] - here["small"]
    lines += [
        "",
        "| ratio: median of the rounds (least to most) | small query | 1,000 rows |",
        "|---|---|---|",
        f"| ours / the better rdflib-endpoint | {_spread(small['peer'], 1)} | {_spread(large['peer'], 1)} |",
        *(
            f"| {name} / ours | {_spread(small[name], 1)} | {_spread(large[name], 2)} |"
            for name in small
            if name != "peer"
        ),
        "",
        f"- The same query again: {kept['again']['rate']:,.0f} a second from kept answers, {kept['held']['rate']:,.0f} "
        f"as `304 Not Modified`; a route that does nothing: {kept['empty']['rate']:,.0f}.",
        f"- Items of `/api/v1`, two workers, made anew each time: {most['rate']:,.0f} a second at most; at "
        f"{half['rate']:,.0f} a second the median is {half['p50']:.1f} ms and 99 % are within {half['p99']:.1f} ms "
        f"(a route that does nothing, with the same pauses: {nothing['p50']:.1f} and {nothing['p99']:.1f} ms).",
        f"- In process the small query takes {here['small']:.2f} ms from memory, the large one {here['large']:.1f} ms; "
        f"from the files {here['small from the files']:.2f} and {here['large from the files']:.1f} ms. HTTP and the "
        f"way to the evaluator add {way:.2f} ms at one connection.",
    ]
    failed = sum(figures.get("failed", 0) for one in told.values() for figures in one.values())
    if failed:
        lines.append(f"- {failed:.0f} requests failed.")
    return "\n".join(lines)


def _spread(values: Sequence[float], digits: int) -> str:
    middle, least, most = statistics.median(values), min(values), max(values)
    return f"{middle:.{digits}f} ({least:.{digits}f} to {most:.{digits}f})"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description="Measure the server.")
    parser.add_argument("--statements", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page whose table is replaced")
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "valueweave" / "bench-peers"
    parser.add_argument("--peers", type=Path, default=cache, help="a virtual environment for the peers")
    given = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing: install it (on Debian: apt-get install wrk)")
    with tempfile.TemporaryDirectory(prefix="valueweave-bench-") as place:
        report = run(Path(place), peers(given.peers), given.statements, given.rounds, given.seconds)
    if given.json:
        given.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    text = given.page.read_text(encoding="utf-8")
    start, end = text.index(_BEGIN) + len(_BEGIN), text.index(_END)
    given.page.write_text(f"{text[:start]}\n{table(report)}\n{text[end:]}", encoding="utf-8")
    print(table(report))


if __name__ == "__main__":
    main()
