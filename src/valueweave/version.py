"""The version of the package.

In: the installed package, or a checkout. Out: ``__version__``.
The decision hidden here: the one place that says it is ``pyproject.toml``.
"""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

__all__ = ["__version__"]


def _find() -> str:
    """Return the version of the checkout (newer, perhaps, than what is installed), else that of the package."""
    pyproject = Path(__file__).resolve().parent.parent.parent / "pyproject.toml"
    if pyproject.is_file():
        text = pyproject.read_text("utf-8")
        if match := re.search(r'^name = "valueweave"\nversion = "([^"]+)"', text, re.MULTILINE):
            return match.group(1)
    try:
        return metadata.version("valueweave")
    except metadata.PackageNotFoundError:
        return "0+unknown"  # the modules were copied somewhere without being installed


__version__ = _find()
