"""A server process of a store of its own, as the command line starts it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from valueweave.project import Project

__all__ = ["served"]


@contextmanager
def served(store: Path, **settings: str) -> Iterator[httpx.Client]:
    """Serve the store in a folder; give a client of it.

    Args:
        store: the folder.
        settings: settings of the server by name.
    """
    command = [sys.executable, "-m", "valueweave", "--home", str(Project.find().home), "--store", str(store)]
    environment = {f"VALUEWEAVE_SERVER_{name.upper()}": value for name, value in settings.items()}
    process = subprocess.Popen(
        [*command, "serve", "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment, "PYTHONUNBUFFERED": "1"},
    )
    said: list[str] = []
    try:
        address = _address(process, said)
        # What nobody reads fills the pipe, and then the server waits.
        reader = threading.Thread(target=said.extend, args=(process.stderr,), daemon=True)
        reader.start()
        with httpx.Client(base_url=address, timeout=60) as client:
            yield client
    finally:
        process.terminate()
        process.wait(10)
        sys.stderr.write("".join(said))  # pytest shows it beside a failure


def _address(process: subprocess.Popen[str], said: list[str]) -> str:
    assert process.stderr is not None
    for line in process.stderr:
        said.append(line)
        if match := re.search(r"http://[\d.]+:\d+/", line):
            return match.group()
    raise AssertionError("the server did not start:\n" + "".join(said))
