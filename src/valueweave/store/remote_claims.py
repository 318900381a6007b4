"""One change at a time on engines where two update requests may see each other's halves.

In: a client, the name of a version. Out: a context in which nobody else switches.
The decision hidden here: whoever wants to switch writes a claim, then reads all claims, and goes on only when there is
no other. Of two that write at once at least one sees both; whoever sees another's claim takes the own one back. A claim
of somebody who was killed is not minded any more after a while.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

from valueweave.namespaces import GRAPH
from valueweave.problems import InputError, Problem
from valueweave.store.remote_client import Client
from valueweave.store.remote_manifest import select

__all__ = ["CLAIMS", "claimed"]

CLAIMS = GRAPH + "claims"
"""Named graph of the claims."""

_CLAIM = "<https://w3id.org/valueweave/store#claim>"
_DEAD = timedelta(minutes=10)


@contextmanager
def claimed(client: Client, version: str) -> Iterator[None]:
    """Claim the store for the switch to a version.

    Args:
        client: what speaks to the engine.
        version: its name.

    Raises:
        InputError: with the code ``store-busy`` when another has claimed it.
    """
    own = f"{datetime.now(UTC).isoformat(timespec='seconds')} {version}"
    client.update(f'INSERT DATA {{ GRAPH <{CLAIMS}> {{ <{CLAIMS}> {_CLAIM} "{own}" }} }}')
    try:
        others = [claim for claim in _claims(client) if claim != own]
        for dead in [claim for claim in others if _age(claim) > _DEAD]:
            others.remove(dead)
            _withdraw(client, dead)
        if others:
            message = "The store is being switched to another version by somebody else."
            remedy = f"Try again; a claim of somebody who was killed is minded for {_DEAD.seconds // 60} minutes."
            raise InputError(Problem("store-busy", message, remedy, file=str(client.target)))
        yield
    finally:
        # What cannot be taken back is dead after a while.
        with suppress(InputError):
            _withdraw(client, own)


def _claims(client: Client) -> list[str]:
    rows = select(client, f"SELECT ?claim WHERE {{ GRAPH <{CLAIMS}> {{ <{CLAIMS}> {_CLAIM} ?claim }} }}")
    return [str(getattr(row["claim"], "value", "")) for row in rows]


def _withdraw(client: Client, claim: str) -> None:
    client.update(f'DELETE DATA {{ GRAPH <{CLAIMS}> {{ <{CLAIMS}> {_CLAIM} "{claim}" }} }}')


def _age(claim: str) -> timedelta:
    try:
        return datetime.now(UTC) - datetime.fromisoformat(claim.partition(" ")[0])
    except (ValueError, TypeError):
        return _DEAD * 2
