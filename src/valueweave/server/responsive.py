"""An interpreter that holds up nobody for long.

In: nothing. Out: a block in which it is so.
The decision hidden here: what two habits of the interpreter cost a server. Its collector looks through everything that
there is (80 ms, again and again) to find that nothing of it is garbage: what is there at the beginning is left alone,
and the rest is looked through more rarely. And a thread that computes gives way after 5 ms only, so that a short lookup
beside a long one, or the event loop, waits that long many times: here it is one.
Source: documentation of Python, ``gc.freeze`` and ``sys.setswitchinterval``.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["responsive"]

_SWITCH = 0.001
"""Seconds after which a thread gives way to others."""
_THRESHOLDS = 1000, 20, 50
"""After so many new objects the collector looks at them, and at older ones every so many times."""


@contextmanager
def responsive() -> Iterator[None]:
    """Hold up nobody for long until the end of the block.

    >>> with responsive():
    ...     sys.getswitchinterval() <= 0.001
    True
    """
    interval, thresholds = sys.getswitchinterval(), gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    sys.setswitchinterval(_SWITCH)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
        gc.set_threshold(*thresholds)
        gc.unfreeze()
