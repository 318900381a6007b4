"""Pages from templates.

In: the name of a template and its values. Out: an HTML answer.
The decision hidden here: Jinja2 with escaping always on, and how terms and texts are written on a page.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from valueweave.namespaces import ID, SCE, shorten_iri
from valueweave.version import __version__

__all__ = ["href", "page"]


@lru_cache(1 << 14)
def href(iri: str) -> str | None:
    """Return the address of a term on this server, or ``None`` for terms of others.

    >>> href("https://w3id.org/valueweave/id/actor/jd"), href("https://w3id.org/valueweave/ontology#Stage")
    ('/id/actor/jd', '/ontology#Stage')
    """
    if iri.startswith(ID):
        return "/id/" + quote(iri[len(ID) :], safe="/~:@!$&'()*+,;=-._%")
    if iri.startswith(SCE):
        return "/ontology#" + quote(iri[len(SCE) :])
    return None


def _grouped(number: int) -> str:
    """Write a number with a thin space between thousands."""
    return f"{number:,}".replace(",", "\u202f")


_templates = Environment(
    loader=PackageLoader("valueweave.server"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters |= {"href": href, "short": shorten_iri, "grouped": _grouped}
_templates.globals |= {"software_version": __version__}


def page(name: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any) -> HTMLResponse:
    """Return the page that template ``name`` makes of ``values``."""
    return HTMLResponse(_templates.get_template(name).render(**values), status, dict(headers or {}))
