"""Copies of the current version in memory, made beside the work.

In: the editions, the evaluators. Out: both answer from memory, when a version has stood for a while.
The decision hidden here: when it is worth it. The server starts with the files, and so does every new version; a copy
takes seconds of both cores, so it is made when a version has stood for as long as the last copy took. A version that a
change has made is one the copies there are can follow, which takes milliseconds. The evaluators are forked from
one; this process, which reads single things itself, has one of its own.
"""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

from valueweave.server.editions import Editions
from valueweave.server.pool import Pool
from valueweave.server.settings import Settings
from valueweave.server.template import POSSIBLE, Template
from valueweave.store import EmbeddedStore
from valueweave.store.memory import Copy, fits

__all__ = ["Copies"]

Result = TypeVar("Result")

_LOG = logging.getLogger("uvicorn.error")

_LOOK = 0.5
"""So many seconds lie between two looks at the current version."""
_STANDS = 1.5
"""So many seconds a version must have stood at least."""
_PAUSE = 5.0
"""So many seconds pass after a failure before it is tried again, and told again."""
_SHARE = 0.5
"""So much of its time this process may take for a copy of its own."""
_ALL = 5.0
"""So many seconds it may take until nobody is about to ask a copy any more."""
_POLL = 0.005
_ALONE = 2
"""References to an engine when nobody else holds it: the copy's own, and that of the question."""


class Copies:
    """Makes copies of the current version, one after the other.

    Args:
        editions: the versions, and the evaluators where there are some.
        settings: limits.
    """

    def __init__(self, editions: Editions, settings: Settings) -> None:
        self._editions, self._memory_mib = editions, settings.copy_memory_mib
        self._pool = editions.evaluators.pool if editions.evaluators is not None and POSSIBLE else None
        # In each worker itself, what evaluators are made from, and they.
        of_each = 1 if self._pool is None else 2 + settings.evaluators + settings.spare_evaluators
        self._holders = settings.workers * of_each
        self._own: _Own | None = None
        self._sender: subprocess.Popen[bytes] | None = None
        self._closed = False

    def made(self) -> dict[str, str]:
        """Return which version this worker and its evaluators have in memory; empty where there is none."""
        own = self._own
        return {
            "worker": "" if own is None else own.copy.version,
            **({} if self._pool is None else {"evaluators": self._pool.copied}),
        }

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Make copies to the end of the block."""
        folder = self._editions.folder
        task = asyncio.create_task(self._keep(folder)) if folder is not None and self._memory_mib else None
        try:
            yield
        finally:
            self._closed = True
            if self._sender is not None:  # nobody needs to wait for what it sends
                self._sender.kill()
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
            try:
                store = self._editions.current().kg.store
                if store.manifest["version"] != version:
                    version, since = store.manifest["version"], clock()
                if not fits(store.manifest, self._holders, self._memory_mib):
                    await self._give_back()
                    continue
                await self._follow(folder, version)
                # A template that has ended is made again.
                if (tried == version and self.made() == done) or clock() - since < stands:
                    continue
                started, tried = clock(), version
                await self._make(folder, version)
                stands, done = max(_STANDS, clock() - started), self.made()
            except Exception:  # the server can do without copies, but not without hearing why
                _LOG.exception("The copies of the store in memory are not as they should be; the files answer.")
                await asyncio.sleep(_PAUSE)

    async def _follow(self, folder: Path, version: str) -> None:
        """Bring the copies that there are up to the current version, if changes have made it from theirs."""
        if self._pool is not None:
            await self._pool.follow(version)
        if self._own is not None and self._own.copy.version != version:
            own, self._own = self._own, None
            await self._answer_from(own, folder)

    async def _give_back(self) -> None:
        """Do without copies: the store has become too large for them."""
        if self._pool is not None and self._pool.copied:
            await self._pool.renew(None)
        own, self._own = self._own, None
        if own is not None and own.store is not None:
            own.store.answer_from(None)

    async def _make(self, folder: Path, version: str) -> None:
        """Make the copies that there are not; meanwhile the version may have been changed."""
        if self._pool is not None and not self._pool.copied:
            await self._for_evaluators(self._pool, folder, version)
        if self._own is None:
            making = partial(
                Copy.of, folder, version, going_on=lambda: not self._closed, share=_SHARE, sending=self._sends
            )
            copy = await _in_thread(making)
            if copy is not None:
                await self._answer_from(_Own(copy), folder)

    def _sends(self, sender: subprocess.Popen[bytes]) -> None:
        """Take note of who sends what a copy is made of."""
        self._sender = sender
        if self._closed:
            sender.kill()

    async def _for_evaluators(self, pool: Pool, folder: Path, version: str) -> None:
        limits = pool.limits
        template = Template(folder, version, limits.memory_mib, limits.services)
        taken = False
        try:
            if await _in_thread(template.ready) and await self._is_current(template):
                while not (taken := await pool.renew(template)) and not self._closed:
                    await asyncio.sleep(_LOOK)
        finally:
            if not taken:
                await _in_thread(template.end)

    async def _is_current(self, template: Template) -> bool:
        current = self._editions.current().version
        return template.version == current or await _in_thread(partial(template.follow, current))

    async def _answer_from(self, own: _Own, folder: Path) -> None:
        store = self._editions.current().kg.store
        version = store.manifest["version"]
        if isinstance(store, EmbeddedStore) and await _in_thread(partial(own.follow, folder, version)):
            own.store = store
            store.answer_from(own.copy.engine)
            self._own = own


class _Own:
    """The copy of this process, and the store that answers from it."""

    def __init__(self, copy: Copy) -> None:
        self.copy = copy
        self.store: EmbeddedStore | None = None

    def follow(self, folder: Path, version: str) -> bool:
        """Let the store answer from its files again, and make the copy one of another version."""
        if self.copy.version == version:
            return True
        if self.store is not None:
            self.store.answer_from(None)
        deadline = time.monotonic() + _ALL
        while sys.getrefcount(self.copy.engine) > _ALONE:  # somebody is about to ask it
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL)
        return self.copy.follow(folder, version)


async def _in_thread(work: Callable[[], Result]) -> Result:
    return await asyncio.get_running_loop().run_in_executor(None, work)
