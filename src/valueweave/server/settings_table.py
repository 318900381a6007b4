"""The settings as a table for people.

In: the model of the settings, a page with a place for the table. Out: the page with the table.
The decision hidden here: what a setting means stands once, in the docstring of the model.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

from pydantic.fields import FieldInfo

from valueweave.server.settings import ENVIRONMENT, Settings

__all__ = ["settings_table", "with_table"]

_BEGIN, _END = "<!-- settings: valueweave generate settings -->", "<!-- settings: end -->"
_BOUNDS = {"ge": "at least", "gt": "more than", "le": "at most", "min_length": "characters, at least"}


def settings_table() -> str:
    """Return a row for each setting: its name, its usual value, its bounds, what it means.

    >>> print(settings_table().splitlines()[2][:59])
    | `allowed_origins` | `*` | | origins whose pages may read
    """
    meanings = _meanings()
    rows = ["| setting | usual | bounds | meaning |", "|---|---|---|---|"]
    for name, told in Settings.model_fields.items():
        bounds = f" {_bounds(told)} " if _bounds(told) else " "
        rows.append(f"| `{name}` | {told.description or _usual(told.default)} |{bounds}| {meanings[name]} |")
    return "\n".join(rows)


def with_table(page: str) -> str:
    """Return a page with the table in its place.

    Raises:
        ValueError: when the page has no place for it.
    """
    start, end = page.index(_BEGIN) + len(_BEGIN), page.index(_END)
    return f"{page[:start]}\n{settings_table()}\n{page[end:]}"


def _meanings() -> dict[str, str]:
    documented = inspect.cleandoc(Settings.__doc__ or "").partition("Attributes:\n")[2].partition("\n\n")[0]
    found = re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", documented, re.MULTILINE)
    return {name: " ".join(text.split()).replace("``", "`").replace("ENVIRONMENT", ENVIRONMENT) for name, text in found}


def _usual(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, tuple):
        value = ", ".join(value)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _bounds(told: FieldInfo) -> str:
    found = []
    for bound in told.metadata:
        for name, word in _BOUNDS.items():
            if (limit := getattr(bound, name, None)) is not None:
                found.append(f"{word} {limit}")
    return ", ".join(found)
