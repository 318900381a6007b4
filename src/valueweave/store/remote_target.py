"""A SPARQL engine elsewhere: its addresses, its dialect, who we are to it.

In: a query address, settings ``VALUEWEAVE_REMOTE_...``. Out: :class:`Target`.
The decision hidden here: what follows from what: the other addresses from the query address by the dialect, unless they
are given. Credentials are never shown: not in messages, not in what Python prints of a target.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from valueweave.problems import InputError, Problem
from valueweave.store.dialects import Dialect, find_dialect

__all__ = ["ENVIRONMENT", "Target", "is_address"]

ENVIRONMENT = "VALUEWEAVE_REMOTE_"
"""How the settings begin: ``UPDATE``, ``GRAPH_STORE``, ``DIALECT``, ``USER``, ``PASSWORD``, ``TOKEN``, ``SECONDS``."""

_KNOWN = ("UPDATE", "GRAPH_STORE", "DIALECT", "USER", "PASSWORD", "TOKEN", "SECONDS")


def is_address(store: object) -> bool:
    """Return whether a store is named by an HTTP address rather than a folder.

    >>> is_address("http://localhost:7878/query"), is_address("build/store")
    (True, False)
    """
    return str(store).lower().startswith(("http:/", "https:/"))


@dataclass(frozen=True, slots=True)
class Target:
    """Where an engine is reached.

    Attributes:
        query: address of the SPARQL 1.1 Protocol for queries.
        update: address for updates.
        graph_store: address of the Graph Store Protocol, or nothing.
        dialect: the engine's habits.
        user: name for the engine.
        seconds: how long a query may take.
    """

    query: str
    update: str
    graph_store: str | None
    dialect: Dialect
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    seconds: float = 60.0

    def __str__(self) -> str:
        return self.query

    @classmethod
    def read(cls, address: str, environment: Mapping[str, str] | None = None) -> Target:
        """Return the target at a query address.

        Args:
            address: the query address; a name and password in it are taken as credentials.
            environment: where the settings stand; otherwise the environment of the process.

        Raises:
            InputError: when the address or a setting is wrong.

        >>> target = Target.read("http://u:secret@localhost:7878/query", {"VALUEWEAVE_REMOTE_DIALECT": "oxigraph"})
        >>> target.update, target.graph_store, "secret" in repr(target)
        ('http://localhost:7878/update', 'http://localhost:7878/store', False)
        """
        known = os.environ if environment is None else environment
        given = {name: known[ENVIRONMENT + name] for name in _KNOWN if known.get(ENVIRONMENT + name)}
        # A path of the file system would have made one slash of two.
        parts = urlsplit(re.sub(r"^(https?):/+", r"\1://", address, flags=re.IGNORECASE))
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            message, remedy = "This is no address of a SPARQL engine.", "Write it as http://HOST:PORT/PATH."
            raise InputError(Problem("remote-address", message, remedy, term=address.rpartition("@")[2]))
        place = parts.netloc.rpartition("@")[2]
        query = urlunsplit((parts.scheme, place, parts.path, parts.query, ""))
        parent = urlunsplit((parts.scheme, place, parts.path.rpartition("/")[0], "", ""))
        dialect = find_dialect(given.get("DIALECT", "standard"))
        names = {"query": query.rstrip("/"), "parent": parent}
        store = given.get("GRAPH_STORE") or (dialect.graph_store and dialect.graph_store.format(**names))
        return cls(
            query,
            given.get("UPDATE") or dialect.update.format(**names),
            None if store in (None, "none") else store,
            dialect,
            given.get("USER") or parts.username,
            given.get("PASSWORD") or parts.password,
            given.get("TOKEN"),
            _seconds(given.get("SECONDS")),
        )


def _seconds(text: str | None) -> float:
    try:
        seconds = 60.0 if text is None else float(text)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        message = f"'{text}' is no time limit."
        raise InputError(Problem("remote-setting", message, "Give a number of seconds.", term=f"{ENVIRONMENT}SECONDS"))
    return seconds
