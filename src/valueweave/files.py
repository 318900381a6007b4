"""Writing files.

In: bytes and a path. Out: the file, complete or as it was.
The decision hidden here: files are written beside their place and moved there.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from valueweave.problems import InputError, Problem

__all__ = ["write_atomically"]


def write_atomically(output: Path, body: bytes) -> None:
    """Write a file beside its place and move it there, so that nobody ever sees half of it.

    Raises:
        InputError: when the file cannot be written.
    """
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=output.parent, prefix=f".{output.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(body)
            mask = os.umask(0)
            os.umask(mask)
            Path(name).chmod(0o666 & ~mask)  # mkstemp lets only the owner read
            Path(name).replace(output)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(
            Problem(
                "not-writable", f"The file cannot be written ({error.strerror}).", "Choose another.", file=str(output)
            )
        ) from error
