"""A process that finds no network.

In: nothing. Out: from now on this process and its children open no internet sockets.
The decision hidden here: a filter of the Linux kernel (seccomp), which needs no privileges and cannot be taken back.
The engine follows ``SERVICE`` and ``LOAD`` and cannot be told not to; texts with them are refused before it sees them,
and this is the wall behind that. Elsewhere than on Linux with a known processor there is no such wall.

Source: Linux kernel documentation, Seccomp BPF; ``linux/filter.h``, ``linux/audit.h``.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
import sys

__all__ = ["forbid_network"]

_NO_NEW_PRIVILEGES, _SET_SECCOMP, _MODE_FILTER = 38, 22, 2
_LOAD_WORD, _JUMP_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EACCES
_CALL_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
"""Where these lie in ``struct seccomp_data``; of the argument the lower half, as the processors below store it."""
_INTERNET = (2, 10)
"""``AF_INET`` and ``AF_INET6``."""
_PROCESSORS = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
"""Processor by name: its number for the kernel's audit, and that of the call ``socket``."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def forbid_network() -> bool:
    """Refuse this process every new internet socket, for good.

    Returns:
        Whether that was possible.
    """
    processor = _PROCESSORS.get(platform.machine())
    if not sys.platform.startswith("linux") or processor is None:
        return False
    architecture, socket_call = processor
    steps = [
        (_LOAD_WORD, 0, 0, _ARCHITECTURE),
        (_JUMP_EQUAL, 0, 6, architecture),
        (_LOAD_WORD, 0, 0, _CALL_NUMBER),
        (_JUMP_EQUAL, 0, 4, socket_call),
        (_LOAD_WORD, 0, 0, _FIRST_ARGUMENT),
        (_JUMP_EQUAL, 1, 0, _INTERNET[0]),
        (_JUMP_EQUAL, 0, 1, _INTERNET[1]),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = _Program(len(steps), ctypes.cast(code, ctypes.c_void_p))
    try:
        kernel = ctypes.CDLL(None, use_errno=True)
        return bool(
            kernel.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0
            and kernel.prctl(_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0) == 0
        )
    except (OSError, AttributeError):
        return False
