"""What commands print.

In: data. Out: text or JSON on standard output.
The decision hidden here: how JSON is indented and numbers are worded.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

import typer

from valueweave.problems import InputError, Problem

__all__ = ["check_choice", "counted", "print_data", "write_bytes"]


def print_data(data: object) -> None:
    """Print a text, or anything else as JSON."""
    typer.echo(data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, indent=2))


def write_bytes(body: bytes) -> None:
    """Write to standard output as it is, with a line break at the end."""
    sys.stdout.flush()
    sys.stdout.buffer.write(body if body.endswith(b"\n") else body + b"\n")
    sys.stdout.buffer.flush()


def counted(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "error"), counted(2, "error")
    ('1 error', '2 errors')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"


def check_choice(what: str, given: str, known: Sequence[str]) -> None:
    """Refuse a value that is none of those there are.

    Raises:
        InputError: naming those.
    """
    if given not in known:
        raise InputError(
            Problem(f"unknown-{what}", f"There is no {what} '{given}'.", f"Known: {', '.join(known)}.", term=given)
        )
