"""How evaluator processes come into being, and how they end.

In: the store folder, perhaps a template. Out: processes that answer queries, alone or a set at a time.
The decision hidden here: what a process is made from. At first each opens the store itself; once there is a template,
all are made from it. A template that fails is done without. One that another has taken the place of outlives what was
made from it: processes whose maker has ended are left to nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from functools import partial
from pathlib import Path

from valueweave.server.evaluator_process import EvaluatorProcess, Owner
from valueweave.server.limits import Limits, Tally
from valueweave.server.template import Template

__all__ = ["Maker", "discard"]


class Maker:
    """Makes evaluator processes, and ends those that others take the place of.

    Args:
        folder: the store folder.
        limits: what one query may take.
        tally: told of each process that starts.
        owner: told what happens in them.

    Attributes:
        retired: processes that finish what lies with them.
    """

    def __init__(self, folder: Path, limits: Limits, tally: Tally, owner: Owner) -> None:
        self._make = partial(EvaluatorProcess, folder, limits.memory_mib, limits.seconds, limits.services, owner=owner)
        self._tally = tally
        self._template: Template | None = None
        self._past: list[Template] = []
        self.retired: set[EvaluatorProcess] = set()

    @property
    def copied(self) -> str:
        """The version that the processes have in memory; empty when they have none."""
        template = self._template
        return "" if template is None else template.version

    def one(self) -> EvaluatorProcess:
        """Return a new process; from any thread."""
        self._tally.start()
        if (template := self._template) is not None:
            try:
                return self._make(template=template)
            except OSError:  # it has ended, but the store is there
                template.end()
                if self._template is template:
                    self._template = None
        return self._make()

    async def several(self, template: Template | None, count: int) -> list[EvaluatorProcess]:
        """Return processes, ready to answer, that are all made from the same; what is made later is, too.

        Args:
            template: one that is ready, or ``None``: they open the store.
            count: how many.

        Raises:
            OSError: when no process can be made.
        """
        loop = asyncio.get_running_loop()
        made = list[EvaluatorProcess]()
        whole = False
        try:
            for _ in range(count):
                self._tally.start()
                made.append(await loop.run_in_executor(None, partial(self._make, template=template)))
                await made[-1].open()
            whole = not any(process.gone for process in made)
        except EOFError:
            pass
        finally:
            if not whole:
                await loop.run_in_executor(None, discard, made)
        if not whole:
            raise ConnectionResetError("a process ended as soon as it was made")
        if self._template is not None and self._template is not template:
            self._past.append(self._template)
        self._template = template
        return made

    async def follow(self, version: str) -> Template | None:
        """Return the template once it has another version in memory, if changes have made that from the one it has.

        Args:
            version: the version.

        Returns:
            The template; ``None`` when there is none any more.
        """
        template = self._template
        if template is None or await asyncio.get_running_loop().run_in_executor(None, template.follow, version):
            return template
        self._template = None
        self._past.append(template)
        return None

    async def end(self, process: EvaluatorProcess) -> None:
        """End a process that is retired."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, process.end)
        self.retired.discard(process)
        past, self._past = ([], self._past) if self.retired else (self._past, [])
        for template in past:
            await loop.run_in_executor(None, template.end)

    def close(self) -> None:
        """End all templates."""
        for template in (*self._past, *filter(None, [self._template])):
            template.end()


def discard(processes: Collection[EvaluatorProcess]) -> None:
    """End processes that nothing lies with; from any thread."""
    for process in processes:
        process.end()
