"""What is wrong with an input: one record for each problem, and the exceptions that carry them.

In: findings of the loader, the checks and the shapes. Out: text for people and JSON for programs, with its place.
The decision hidden here: how a problem is worded and ordered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any, Literal

__all__ = ["ContradictionError", "InputError", "Problem", "ValueWeaveError", "did_you_mean", "has_errors", "name_list"]

Level = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, where, and how to mend it.

    Attributes:
        code: stable name of the kind of problem, kebab-case (``unknown-key``).
        message: what is wrong, for a researcher.
        remedy: what to do about it.
        file: path of the file, as the user named it.
        line: line in the file, counted from 1.
        column: column in the line, counted from 1.
        record: id of the record as written (``stage/jd-1``).
        term: key or term that is at fault (``startYear``).
        level: ``error`` stops a build, ``warning`` and ``info`` do not.

    >>> print(Problem("unknown-key", "There is no key 'strtYear'.", "Did you mean 'startYear'?", file="a.yaml", line=3))
    a.yaml:3: error: There is no key 'strtYear'. Did you mean 'startYear'? [unknown-key]
    """

    code: str
    message: str
    remedy: str
    file: str | None = None
    line: int | None = None
    column: int | None = None
    record: str | None = None
    term: str | None = None
    level: Level = "error"

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        about = ", ".join(part for part in (self.record, self.term) if part)
        head = f"{place}: {self.level}: " if place else f"{self.level}: "
        return head + (f"{about}: " if about else "") + f"{self.message} {self.remedy} [{self.code}]".replace("  ", " ")

    def to_json(self) -> dict[str, Any]:
        """Return the problem as a JSON object (keys as the attributes)."""
        return asdict(self)


def has_errors(problems: Iterable[Problem]) -> bool:
    """Return whether any of ``problems`` is an error rather than a warning or a note."""
    return any(problem.level == "error" for problem in problems)


class ValueWeaveError(Exception):
    """Base of all errors of the package that a user can mend."""


class InputError(ValueWeaveError):
    """Input that cannot be used; ``problems`` says everything that is wrong with it.

    >>> str(InputError(Problem("empty-file", "The file is empty.", "Write a case.", file="a.yaml")))
    'a.yaml: error: The file is empty. Write a case. [empty-file]'
    """

    def __init__(self, *problems: Problem) -> None:
        self.problems: tuple[Problem, ...] = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class ContradictionError(InputError):
    """Input of which every part is well written, and which taken together cannot be so."""


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return "Did you mean …?" with the nearest of ``known``, else ``otherwise``.

    >>> did_you_mean("strtYear", ["startYear", "endYear"])
    "Did you mean 'startYear'?"
    """
    names = list(dict.fromkeys(known))
    same = [name for name in names if name.casefold() == word.casefold()]
    near = same or get_close_matches(word, names, n=3, cutoff=0.7)
    if not near:
        return otherwise
    return "Did you mean " + " or ".join(f"'{name}'" for name in near) + "?"


def name_list(names: Sequence[str], most: int = 12) -> str:
    """Return names as a readable list, shortened when it is long.

    >>> name_list(["b", "a"])
    'a, b'
    """
    shown = sorted(names)[:most]
    return ", ".join(shown) + (f" and {len(names) - most} more" if len(names) > most else "")
