"""Who may write.

In: a request, the settings. Out: the :class:`Writer`, or a refusal: 401 without the right token, 403 when nobody may.
The decision hidden here: bearer tokens (RFC 6750), in the header only. Whoever may not write is told so before the body
of the request is read.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import Any

from fastapi import Request

from valueweave.problems import Problem
from valueweave.server.errors import ProblemError
from valueweave.server.models import ProblemDocument
from valueweave.server.protocol import read_body
from valueweave.server.settings import Settings
from valueweave.server.writer import Writer

__all__ = ["SECURITY", "SECURITY_SCHEMES", "WRITING_REFUSALS", "Writing"]

SECURITY: Sequence[dict[str, list[str]]] = [{"bearer": []}]
"""What a writing operation asks for, as OpenAPI says it."""

SECURITY_SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "The token that the operator has set (`write_token`). Without that setting nobody may write.",
    }
}
"""The scheme that :data:`SECURITY` names."""

WRITING_REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"description": text, "model": ProblemDocument}
    for status, text in {
        400: "What was sent is wrong: every problem, with its line and column",
        401: "The token is missing or wrong",
        403: "Nobody may write here, or nobody may write this",
        409: "It contradicts what is there, or what others have written stands against it: each with its reasons",
        413: "The body is too long",
        415: "The body is in a format that is not taken",
        503: "Others are changing the store (`Retry-After`), or the change takes too much",
        504: "The change takes too long",
    }.items()
}
"""Refusals that every writing route has in common."""


class Writing:
    """Hands the writer to those who may write.

    Args:
        writer: what makes changes; none when this store cannot be changed.
        settings: the token, and how long a body may be.
    """

    def __init__(self, writer: Writer | None, settings: Settings) -> None:
        self._writer, self._settings = writer, settings
        token = settings.write_token
        self._token = None if token is None or writer is None else token.get_secret_value().encode()

    @property
    def possible(self) -> bool:
        """Whether anybody may write here."""
        return self._token is not None

    def allows(self, request: Request) -> bool:
        """Return whether the request may write."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        # Headers are bytes; what is compared takes the same time wherever the first difference lies.
        sent = given.strip().encode("latin-1", "replace")
        return self._token is not None and hmac.compare_digest(sent, self._token) and scheme.lower() == "bearer"

    def authorized(self, request: Request) -> Writer:
        """Return what makes changes.

        Raises:
            ProblemError: 401 or 403.
        """
        if self._writer is None or self._token is None:
            unset = self._settings.write_token is None
            message = "Nobody may write here." if unset else "This store cannot be changed over HTTP."
            remedy = "The operator may set 'write_token'." if unset else "Change the files and build."
            raise ProblemError(403, Problem("writing-disabled", message, remedy))
        if not self.allows(request):
            given = "authorization" in request.headers
            problem = Problem(
                "wrong-token" if given else "missing-token",
                "The token is wrong." if given else "Writing needs a token.",
                "Send the header 'Authorization: Bearer TOKEN'.",
            )
            challenge = 'Bearer realm="ValueWeave"' + (', error="invalid_token"' if given else "")
            raise ProblemError(401, problem, headers={"WWW-Authenticate": challenge})
        return self._writer

    async def body(self, request: Request) -> bytes:
        """Return the body of a request that may write; a dependency of routes.

        Raises:
            ProblemError: 401, 403 or 413.
        """
        self.authorized(request)
        return await read_body(request, self._settings.max_write_bytes, "Send less at once.")

    def prepare(self) -> None:
        """Start what makes changes ahead of the first one, where somebody may write."""
        if self._writer is not None and self._token is not None:
            self._writer.prepare()

    def close(self) -> None:
        """End what makes changes."""
        if self._writer is not None:
            self._writer.close()
