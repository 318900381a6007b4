"""Who reads a version holds it, so that nobody removes it meanwhile.

In: a file of a version. Out: a hold on it, or whether somebody has one.
The decision hidden here: a hold is a shared lock of the operating system, which ends with the process whatever becomes
of it. The engine opens its files one by one as it needs them, so a version that is read must stay. Where there are no
such locks (Windows, some network file systems) the version before the current one is all that stays.
"""

from __future__ import annotations

import os
from pathlib import Path

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows does not let anybody remove an open file
    fcntl = None  # type: ignore[assignment]

__all__ = ["Hold", "is_held"]


class Hold:
    """Holds a version by one of its files until it is closed, or nobody knows of it any more.

    Args:
        path: the file.

    Raises:
        OSError: when there is no such file, or the version is about to be removed.

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     one = Hold(Path(file.name))
    ...     held = is_held(Path(file.name))
    ...     one.close()
    ...     held, is_held(Path(file.name))
    (True, False)
    """

    def __init__(self, path: Path) -> None:
        self._file = -1
        self._file = os.open(path, os.O_RDONLY)
        _lock(self._file, shared=True)
        path.stat()  # between opening and locking it may have gone

    def close(self) -> None:
        """Let go."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __del__(self) -> None:
        self.close()


def is_held(path: Path) -> bool:
    """Return whether somebody holds the version of a file."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        _lock(file, shared=False)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def _lock(file: int, *, shared: bool) -> None:
    """Lock an open file.

    Raises:
        BlockingIOError: when another lock is in the way.
    """
    if fcntl is None:
        return
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        return  # a file system without locks
