"""How long reasoning takes, and against what.

In: sizes in statements. Out: JSON, and a table in ``docs/performance.md``.
The decision hidden here: every step runs in a process of its own, so that its memory is its own; everything is measured
in the same run, so that the ratios hold when the times of the machine do not.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import multiprocessing
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyoxigraph as ox

from generate import ACTORS_OF_CASE, Generator, write
from valueweave.layout import DERIVATIONS, INFERRED_GRAPH, ONTOLOGY_GRAPH
from valueweave.ontology import OntologyIndex
from valueweave.project import Project
from valueweave.reasoning.closure.bulk import BulkClosure
from valueweave.reasoning.closure.increments import add, remove
from valueweave.reasoning.closure.materialize import run_rules
from valueweave.reasoning.proofs.explain import Explainer
from valueweave.reasoning.rules.book import RuleBook, rule_texts

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
_BEGIN, _END = "<!-- reasoning: made by bench/reasoning.py -->", "<!-- reasoning: end -->"
_PATIENCE = 900.0
Figures = dict[str, float]


def _ontology() -> tuple[tuple[ox.Triple, ...], RuleBook]:
    project = Project.find()
    index = OntologyIndex.load(project)
    return index.triples, RuleBook.compile(index.triples, rule_texts(project))


def _plain(folder: Path) -> Path:
    """Write the statements of ``cases.nq`` and the ontology as N-Triples."""
    triples, _ = _ontology()
    path = folder / "plain.nt"
    with path.open("wb") as out:
        with (folder / "cases.nq").open("rb") as given:
            for line in given:
                out.write(line[: line.rindex(b" <")] + b" .\n")
        ox.serialize(triples, out, format=ox.RdfFormat.N_TRIPLES)
    return path


def prepare(folder: Path, statements: int) -> Figures:
    """Write the cases."""
    written, cases = write(folder / "cases.nq", statements)
    _plain(folder)
    return {"statements": written, "cases": cases}


def closure(folder: Path) -> Figures:
    """Materialize: from N-Triples to the N-Quads of what follows."""
    _, rules = _ontology()
    _ = rules.strata
    started = time.perf_counter()
    with BulkClosure() as tables:
        tables.load_file(folder / "plain.nt")
        loaded = time.perf_counter()
        run_rules(tables, rules)
        run = time.perf_counter()
        inferred = tables.write(folder / "inferred.nq", INFERRED_GRAPH, DERIVATIONS)
        return {
            "inferred": inferred,
            "rounds": tables.round,
            "load_seconds": loaded - started,
            "rule_seconds": run - loaded,
            "write_seconds": time.perf_counter() - run,
            "seconds": time.perf_counter() - started,
        }


def store(folder: Path) -> Figures:
    """Load the closure into a store on disk, as a build does."""
    started = time.perf_counter()
    triples, _ = _ontology()
    engine = ox.Store(str(folder / "store"))
    graph = ox.NamedNode(ONTOLOGY_GRAPH)
    engine.bulk_extend(ox.Quad(t.subject, t.predicate, t.object, graph) for t in triples)
    for name in ("cases.nq", "plain.nt", "inferred.nq"):
        engine.bulk_load(path=str(folder / name))
    engine.optimize()
    engine.flush()
    return {"quads": len(engine), "seconds": time.perf_counter() - started}


def explain(folder: Path) -> Figures:
    """Explain two hundred inferred statements, taken at random."""
    _, rules = _ontology()
    engine = ox.Store.read_only(str(folder / "store"))
    lines = random.Random(1).sample((folder / "inferred.nq").read_text(encoding="utf-8").splitlines(), 2_000)
    inferred = [line for line in lines if f"<{DERIVATIONS}" in line][:200]
    statements = [quad.triple for quad in ox.parse("\n".join(inferred), format=ox.RdfFormat.N_QUADS)]
    explainer = Explainer(engine, rules)
    explainer.explain(statements[0])
    taken, depth = [], []
    for statement in statements:
        started = time.perf_counter()
        [proof] = explainer.explain(statement).proofs
        taken.append((time.perf_counter() - started) * 1000)
        depth.append(proof.round)
    taken.sort()
    return {
        "explained": len(taken),
        "median_ms": statistics.median(taken),
        "p95_ms": taken[len(taken) * 95 // 100],
        "most_ms": taken[-1],
        "deepest": max(depth),
    }


def change(folder: Path, cases: int) -> Figures:
    """Add new cases one after the other and take them back: seven of three stages, then seven of one."""
    _, rules = _ontology()
    engine = ox.Store(str(folder / "store"))
    before = len(engine)
    generator = Generator(cases * ACTORS_OF_CASE, seed=99)
    figures: Figures = {}
    for stages, name in ((3, "large"), (1, "small")):
        new = [
            list(ox.parse("".join(generator.case(cases + number, stages)), format=ox.RdfFormat.N_QUADS))
            for number in range(7)
        ]
        added = [add(engine, rules, quads).seconds for quads in new]
        removed = []
        for quads in reversed(new):
            graph = quads[0].graph_name
            assert isinstance(graph, ox.NamedNode)
            removed.append(remove(engine, rules, graph).seconds)
        figures |= {
            f"{name}_statements": statistics.median(len(quads) for quads in new),
            f"{name}_add_seconds": statistics.median(added),
            f"{name}_remove_seconds": statistics.median(removed),
        }
        figures.setdefault("first_seconds", added[0])
    if len(engine) != before:
        raise AssertionError(f"{len(engine) - before} quads are left of cases that were removed.")
    return figures


def owlrl(folder: Path) -> Figures:
    """The closure of ``owlrl`` on the same statements, domain rules left out."""
    import owlrl as library  # type: ignore[import-untyped]  # noqa: PLC0415 - the processes that do not need it do not load it
    import rdflib  # noqa: PLC0415

    graph = rdflib.Graph().parse(folder / "plain.nt", format="nt")
    started = time.perf_counter()
    library.DeductiveClosure(library.OWLRL_Semantics).expand(graph)
    return {"seconds": time.perf_counter() - started}


def reasonable(folder: Path) -> Figures:
    """The closure of ``reasonable``, where it is installed."""
    import reasonable as library  # type: ignore[import-not-found]  # noqa: PLC0415

    started = time.perf_counter()
    reasoner = library.PyReasoner()
    turtle = folder / "plain.ttl"  # it knows a format by the ending of its file
    turtle.symlink_to(folder / "plain.nt")
    reasoner.load_file(str(turtle))
    return {"inferred": len(reasoner.reason()), "seconds": time.perf_counter() - started}


def description_logic(_: Path) -> Figures:
    """HermiT on all cases of the project, without evidence."""
    from valueweave.graph import open as open_graph  # noqa: PLC0415
    from valueweave.reasoning.logic.check import projection  # noqa: PLC0415
    from valueweave.reasoning.logic.reasoner import classify_triples  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as place:
        triples = projection(open_graph(store=place))
    started = time.perf_counter()
    result = classify_triples(triples)
    return {"statements": len(triples), "individuals": len(result.types), "seconds": time.perf_counter() - started}


def _worker(step: Callable[..., Figures], arguments: tuple[Any, ...], pipe: Any) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (12 << 30, 12 << 30))
    try:
        figures: Any = step(*arguments)
        figures["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    except Exception as error:  # what one engine cannot do is a result
        figures = {"failed": f"{type(error).__name__}: {error}"[:300]}
    pipe.send(figures)


def measured(step: Callable[..., Figures], *arguments: Any, patience: float = _PATIENCE) -> dict[str, Any]:
    """Run a step in a process of its own; return its figures, or how it failed."""
    here, there = multiprocessing.get_context("spawn").Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=_worker, args=(step, arguments, there))
    process.start()
    there.close()
    try:
        figures: dict[str, Any] = here.recv() if here.poll(patience) else {"failed": f"not done in {patience:.0f} s"}
    except EOFError:
        figures = {"failed": "the process died, most likely for want of memory"}
    process.kill()
    process.join()
    return figures


def run(sizes: list[int], small: int) -> dict[str, Any]:
    """Measure everything."""
    report: dict[str, Any] = {"small": {}, "sizes": []}
    with tempfile.TemporaryDirectory(prefix="valueweave-bench-") as place:
        folder = Path(place) / "small"
        folder.mkdir()
        report["small"] = {"prepare": measured(prepare, folder, small), "closure": measured(closure, folder)}
        report["small"]["owlrl"] = measured(owlrl, folder)
        if importlib.util.find_spec("reasonable"):
            report["small"]["reasonable"] = measured(reasonable, folder, patience=300.0)
        report["dl"] = measured(description_logic, folder)
        for size in sizes:
            folder = Path(place) / str(size)
            folder.mkdir()
            one: dict[str, Any] = {"prepare": measured(prepare, folder, size)}
            one["closure"] = measured(closure, folder)
            one["store"] = measured(store, folder)
            one["explain"] = measured(explain, folder)
            one["change"] = measured(change, folder, one["prepare"]["cases"])
            if importlib.util.find_spec("reasonable") and size <= 200_000:
                one["reasonable"] = measured(reasonable, folder, patience=300.0)
            report["sizes"].append(one)
    return report


def table(report: dict[str, Any]) -> str:
    """Return the figures as Markdown."""
    sizes = report["sizes"]

    def row(name: str, figure: Callable[[dict[str, Any]], str]) -> str:
        return f"| {name} | " + " | ".join(_shown(figure, one) for one in sizes) + " |"

    def rebuild(one: dict[str, Any]) -> float:
        return float(one["closure"]["seconds"] + one["store"]["seconds"])

    lines = [
        "| | " + " | ".join(f"{one['prepare']['statements']:,} asserted" for one in sizes) + " |",
        "|---|" + "---|" * len(sizes),
        row("inferred statements", lambda one: f"{one['closure']['inferred']:,.0f}"),
        row("rounds", lambda one: f"{one['closure']['rounds']:.0f}"),
        row("materialize, s", lambda one: f"{one['closure']['seconds']:.1f}"),
        row("of it: read / rules / write, s",
            lambda one: " / ".join(f"{one['closure'][f'{part}_seconds']:.1f}" for part in ("load", "rule", "write"))),
        row("peak memory, MiB", lambda one: f"{one['closure']['peak_mib']:.0f}"),
        row("load the closure into a store, s", lambda one: f"{one['store']['seconds']:.1f}"),
        row("explain, median / 95 % / longest, ms",
            lambda one: " / ".join(f"{one['explain'][key]:.1f}" for key in ("median_ms", "p95_ms", "most_ms"))),
        row("statements of a case added: small / large",
            lambda one: " / ".join(f"{one['change'][f'{size}_statements']:.0f}" for size in ("small", "large"))),
        row("add it, s", lambda one: _both(one, "add")),
        row("remove it, s", lambda one: _both(one, "remove")),
        row("the first change of a process, s", lambda one: f"{one['change']['first_seconds']:.1f}"),
        row("full rebuild / add", lambda one: _ratios(rebuild(one), one, "add")),
        row("full rebuild / remove", lambda one: _ratios(rebuild(one), one, "remove")),
    ]  # fmt: skip
    small, dl = report["small"], report["dl"]
    asserted = small["prepare"]["statements"]
    lines.append("")
    for name in ("owlrl", "reasonable"):
        if name in small:
            told, about = small[name], f"- `{name}` on {asserted:,} statements and the ontology:"
            if "seconds" in told:
                ratio = told["seconds"] / small["closure"]["seconds"]
                lines.append(
                    f"{about} {told['seconds']:.1f} s, {ratio:.0f} times as long as here, domain rules included."
                )
            else:
                lines.append(f"{about} {told['failed']}.")
    for one in sizes:
        if "reasonable" in one:
            told = one["reasonable"]
            how = (
                f"{told['seconds'] / one['closure']['seconds']:.1f} times as long"
                if "seconds" in told
                else told["failed"]
            )
            lines.append(f"- `reasonable` on {one['prepare']['statements']:,} statements: {how}.")
    if "seconds" in dl:
        lines.append(
            f"- HermiT on the five cases without evidence ({dl['statements']:,.0f} statements): {dl['seconds']:.1f} s."
        )
    else:
        lines.append(f"- HermiT on the five cases: {dl['failed']}.")
    return "\n".join(lines)


def _both(one: dict[str, Any], step: str) -> str:
    return " / ".join(f"{one['change'][f'{size}_{step}_seconds']:.3f}" for size in ("small", "large"))


def _ratios(whole: float, one: dict[str, Any], step: str) -> str:
    return " / ".join(f"{whole / one['change'][f'{size}_{step}_seconds']:,.0f}" for size in ("small", "large"))


def _shown(figure: Callable[[dict[str, Any]], str], one: dict[str, Any]) -> str:
    try:
        return figure(one)
    except (KeyError, TypeError):
        return "–"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description="Measure reasoning.")
    parser.add_argument("--sizes", type=int, nargs="*", default=[110_000, 1_000_000, 5_000_000])
    parser.add_argument("--small", type=int, default=1_500)
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page whose table is replaced")
    given = parser.parse_args()
    report = run(given.sizes, given.small)
    if given.json:
        given.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    text = given.page.read_text(encoding="utf-8")
    start, end = text.index(_BEGIN) + len(_BEGIN), text.index(_END)
    given.page.write_text(f"{text[:start]}\n{table(report)}\n{text[end:]}", encoding="utf-8")
    print(table(report))


if __name__ == "__main__":
    main()
