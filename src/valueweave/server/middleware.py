"""What every answer has in common: HEAD, and headers that keep browsers safe.

In: an ASGI application. Out: the same, answering HEAD as GET without a body.
The decision hidden here: no page runs scripts or loads anything from elsewhere.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["HeadAndSafety"]

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_OF_PAGES = [(b"content-security-policy", _POLICY.encode("ascii")), (b"referrer-policy", b"same-origin")]


class HeadAndSafety:
    """Answer HEAD wherever GET is answered; add the safety headers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        head = scope["method"] == "HEAD"

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message["headers"])
                headers.append((b"x-content-type-options", b"nosniff"))
                if any(name == b"content-type" and value.startswith(b"text/html") for name, value in headers):
                    headers += _OF_PAGES
                message = {**message, "headers": headers}
            elif head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self.app({**scope, "method": "GET"} if head else scope, receive, send_on)
