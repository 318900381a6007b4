"""What people see in a terminal: progress bars and tables.

In: steps of a build, an answer. Out: a bar on standard error, a table on standard output.
The decision hidden here: bars only appear in a terminal and only when something takes longer than two seconds; tables
are boxed in a terminal and plain elsewhere.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from valueweave.results import GraphResult, SolutionTable, Verdict
from valueweave.values import written

__all__ = ["Watch", "print_answer", "progress_bar"]

_PATIENCE = 2.0


class Watch:
    """Told the steps of a build; knows how far it is."""

    def __init__(self) -> None:
        self.step, self.done, self.total = "", 0, 1
        self.bar: Progress | None = None

    def __call__(self, step: str, done: int, total: int) -> None:
        """Note that ``step`` begins, the ``done``-th (from 0) of ``total``."""
        self.step, self.done, self.total = step, done, total
        if self.bar:
            self.refresh(self.bar)

    def refresh(self, bar: Progress) -> None:
        """Show the state in ``bar``."""
        for task in bar.task_ids:
            bar.update(task, description=self.step, completed=self.done, total=self.total)


@contextmanager
def progress_bar(title: str, patience: float = _PATIENCE) -> Iterator[Watch]:
    """Give a :class:`Watch` whose state is shown as a bar once ``patience`` seconds have passed.

    Args:
        title: what is being done.
        patience: how long to wait before the bar appears.
    """
    watch = Watch()
    if not sys.stderr.isatty():
        yield watch
        return
    bar = Progress(
        TextColumn(title),
        BarColumn(),
        TextColumn("{task.completed}/{task.total} {task.description}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    bar.add_task("", total=1)

    def appear() -> None:
        watch.bar = bar
        watch.refresh(bar)
        bar.start()

    timer = threading.Timer(patience, appear)
    timer.daemon = True
    timer.start()
    try:
        yield watch
    finally:
        timer.cancel()
        timer.join()
        if watch.bar:
            bar.stop()


def print_answer(answer: SolutionTable | Verdict | GraphResult) -> None:
    """Print an answer for people: a boxed table in a terminal, plain aligned text elsewhere."""
    if not isinstance(answer, SolutionTable) or not sys.stdout.isatty():
        print(answer.to_text())
        return
    table = Table(caption=f"{len(answer)} row{'' if len(answer) == 1 else 's'}", caption_justify="left")
    for name in answer.variables:
        numeric = any(isinstance(value, int | float) and not isinstance(value, bool) for value in answer.column(name))
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in answer:
        table.add_row(*(written(value) for value in row))
    Console(markup=False, highlight=False).print(table)
