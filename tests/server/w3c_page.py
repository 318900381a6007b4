"""The figures of `docs/conformance.md`, as a run of the W3C tests gives them.

In: outcomes of tests. Out: the generated part of the page.
The decision hidden here: a test counts as passed only when it ran in this process.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from valueweave.project import Project

from .w3c_known import KNOWN, OVERTAKEN
from .w3c_suite import Trial

__all__ = ["OUTCOMES", "check_page", "tried"]

PAGE = Project.find().home / "docs" / "conformance.md"
OUTCOMES: dict[str, bool] = {}
"""Whether it passed, by the id of the test."""


@contextmanager
def tried(trial: Trial) -> Iterator[None]:
    """Note how a test ends."""
    OUTCOMES[trial.id] = False
    yield
    OUTCOMES[trial.id] = True


def check_page(part: str, run: Sequence[Trial], aside: Sequence[Trial], *, write: bool) -> None:
    """Compare a part of the page with what came out; or write it.

    Args:
        part: its name, as in the marks on the page.
        run: the tests that ran.
        aside: the tests that are not ours to pass.
        write: whether to write the page.
    """
    begin, end = f"<!-- begin {part} -->\n", f"<!-- end {part} -->"
    page = PAGE.read_text("utf-8")
    before, _, rest = page.partition(begin)
    now, _, after = rest.partition(end)
    found = "\n" + _tables(run, aside, OUTCOMES) + "\n"
    if write:
        PAGE.write_text(before + begin + found + end + after, "utf-8")
    else:
        assert now == found, "docs/conformance.md is out of date: run the tests with --regenerate"


def _tables(run: Sequence[Trial], aside: Sequence[Trial], outcomes: Mapping[str, bool]) -> str:
    suites = sorted({trial.suite for trial in run})
    parts = [_counts(suite, [trial for trial in run if trial.suite == suite], outcomes) for suite in suites]
    failed = [trial for trial in run if not outcomes[trial.id]]
    for title, wanted in (
        ("Not passed", False),
        ("Not passed, since a later standard or a correction of the suite has overtaken them", True),
    ):
        listed = [trial for trial in failed if (trial.id in OVERTAKEN) is wanted]
        if listed:
            parts.append(_reasons(title, listed))
    if aside:
        groups = Counter((trial.suite, trial.group, trial.aside) for trial in aside)
        rows = [f"| {suite} | {group} | {number} | {why} |" for (suite, group, why), number in sorted(groups.items())]
        parts.append("\n".join(("Not run:\n", "| suite | group | tests | why |", "|---|---|---:|---|", *rows)))
    return "\n\n".join(parts) + "\n"


def _counts(suite: str, run: Sequence[Trial], outcomes: Mapping[str, bool]) -> str:
    rows = []
    for group in sorted({trial.group for trial in run}):
        own = [trial for trial in run if trial.group == group]
        passed = sum(outcomes[trial.id] for trial in own)
        rows.append(f"| {group} | {len(own)} | {passed} | {len(own) - passed or ''} |")
    passed = sum(outcomes[trial.id] for trial in run)
    rows.append(f"| **all** | **{len(run)}** | **{passed}** | **{len(run) - passed}** |")
    return "\n".join((f"| {suite} | tests | passed | not passed |", "|---|---:|---:|---:|", *rows))


def _reasons(title: str, failed: Sequence[Trial]) -> str:
    reasons: dict[str, list[str]] = {}
    for trial in failed:
        reasons.setdefault(KNOWN.get(trial.id, "not known yet"), []).append(f"`{trial.id}`")
    rows = [f"| {why} | {', '.join(names)} |" for why, names in reasons.items()]
    return "\n".join((title + ":\n", "| why | tests |", "|---|---|", *rows))
