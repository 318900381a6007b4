"""Writing files.

In: bytes and a path. Out: the file, complete or as it was.
The decision hidden here: files are written beside their place and moved there; what is no regular file (a pipe, a
device, standard output) is written to as it is.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from pathlib import Path

from valueweave.problems import InputError, Problem

__all__ = ["write_atomically"]


def write_atomically(output: Path, body: bytes) -> None:
    """Write a file beside its place and move it there, so that nobody ever sees half of it.

    Args:
        output: the file. Of a symbolic link the target is replaced, not the link; a pipe, a device or ``/dev/stdout``
            is written to and stays what it is; ``-`` is standard output.
        body: what it shall hold.

    Raises:
        InputError: when the file cannot be written, or its folder does not exist.
        BrokenPipeError: when the reader of a pipe has gone.
    """
    try:
        if str(output) == "-":
            _stream(sys.stdout.fileno(), body)
            return
        found = _status(output)
        if found is not None and (_leads_to_a_handle(output) or not stat.S_ISREG(found.st_mode)):
            _write_into(output, found, body)
        else:
            _replace(Path(os.path.realpath(output)), found, body)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise InputError(
            Problem(
                "not-writable",
                f"The file cannot be written ({error.strerror or error}).",
                "Choose another.",
                file=str(output),
            )
        ) from error


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _leads_to_a_handle(path: Path) -> bool:
    """Whether the path names what a process has open (``/dev/stdout``, ``/dev/fd/3``), not a file of its own."""
    return path.absolute().parts[:2] in {("/", "dev"), ("/", "proc")}


def _write_into(output: Path, found: os.stat_result, body: bytes) -> None:
    own = sys.stdout.fileno() if sys.stdout is not None else -1
    if own >= 0 and os.path.samestat(found, os.fstat(own)):
        _stream(own, body)  # opened anew, a file would be written from its beginning
        return
    handle = os.open(output, os.O_WRONLY)
    try:
        _stream(handle, body)
    finally:
        os.close(handle)


def _stream(handle: int, body: bytes) -> None:
    sys.stdout.flush()
    rest = memoryview(body)
    while rest:
        rest = rest[os.write(handle, rest) :]


def _replace(output: Path, found: os.stat_result | None, body: bytes) -> None:
    if not output.parent.is_dir():
        raise InputError(
            Problem(
                "no-folder",
                f"There is no folder '{output.parent}'.",
                "Make it first, or choose another place.",
                file=str(output),
            )
        )
    handle, name = tempfile.mkstemp(dir=output.parent, prefix=f".{output.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(body)
        mask = os.umask(0)
        os.umask(mask)
        # mkstemp lets only the owner read
        Path(name).chmod(0o666 & ~mask if found is None else stat.S_IMODE(found.st_mode))
        Path(name).replace(output)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
