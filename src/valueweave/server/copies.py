"""Copies of the current version in memory, made beside the work.

In: the editions, the evaluators. Out: both answer from memory, when a version has stood for a while.
The decision hidden here: when it is worth it. The server starts with the files, and so does every new version; a copy
takes seconds of both cores, so it is made when a version has stood for as long as the last copy took. The evaluators
share one; this process, which reads single things itself, has one of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

from valueweave.server.editions import Edition, Editions
from valueweave.server.pool import Pool
from valueweave.server.settings import Settings
from valueweave.server.template import POSSIBLE, Template
from valueweave.store import EmbeddedStore
from valueweave.store.memory import copy_of, fits

__all__ = ["Copies"]

Result = TypeVar("Result")

_LOOK = 0.5
"""So many seconds lie between two looks at the current version."""
_STANDS = 1.5
"""So many seconds a version must have stood at least."""
_SHARE = 0.5
"""So much of its time this process may take for a copy of its own."""


class Copies:
    """Makes copies of the current version, one after the other.

    Args:
        editions: the versions, and the evaluators where there are some.
        settings: limits.
    """

    def __init__(self, editions: Editions, settings: Settings) -> None:
        self._editions, self._memory_mib = editions, settings.copy_memory_mib
        self._pool = editions.evaluators.pool if editions.evaluators is not None and POSSIBLE else None
        self._own = ""
        self._closed = False

    def made(self) -> dict[str, str]:
        """Return which version this worker and its evaluators have in memory; empty where there is none."""
        return {"worker": self._own, **({} if self._pool is None else {"evaluators": self._pool.copied})}

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Make copies to the end of the block."""
        folder = self._editions.folder
        task = asyncio.create_task(self._keep(folder)) if folder is not None and self._memory_mib else None
        try:
            yield
        finally:
            self._closed = True
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    async def _keep(self, folder: Path) -> None:
        clock = asyncio.get_running_loop().time
        version, since, stands = "", 0.0, _STANDS
        tried, done = "", self.made()
        while True:
            await asyncio.sleep(_LOOK)
            edition = self._editions.current()
            if edition.version != version:
                version, since = edition.version, clock()
            # A template that has ended is made again.
            if (tried == version and self.made() == done) or clock() - since < stands:
                continue
            started = clock()
            if fits(edition.kg.store.manifest, self._memory_mib):
                if self._pool is not None and self._pool.copied != version:
                    await self._for_evaluators(self._pool, folder, version)
                if self._own != version:
                    await self._for_this(folder, edition)
            stands = max(_STANDS, clock() - started)
            tried, done = version, self.made()

    async def _for_evaluators(self, pool: Pool, folder: Path, version: str) -> None:
        limits = pool.limits
        with suppress(OSError):
            template = Template(folder, version, limits.memory_mib, limits.services)
            try:
                if await _in_thread(template.ready) and self._is_current(version):
                    await pool.renew(template)
            finally:
                if pool.copied != version:
                    template.end()

    async def _for_this(self, folder: Path, edition: Edition) -> None:
        store = edition.kg.store

        def wanted() -> bool:
            return not self._closed and self._is_current(edition.version)

        engine = await _in_thread(partial(copy_of, folder, store.manifest, going_on=wanted, share=_SHARE))
        if engine is not None and isinstance(store, EmbeddedStore):
            store.answer_from(engine)
            self._own = edition.version

    def _is_current(self, version: str) -> bool:
        return self._editions.newest.version == version


async def _in_thread(work: Callable[[], Result]) -> Result:
    return await asyncio.get_running_loop().run_in_executor(None, work)
