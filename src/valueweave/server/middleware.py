"""What every answer has in common: HEAD, one host, "only if it is not there", and headers that keep browsers safe.

In: an ASGI application. Out: the same, answering HEAD as GET without a body, and refusing requests without a host.
The decision hidden here: no page runs scripts or loads anything from elsewhere; and ``If-None-Match: *`` is answered
when it is known that there is something, which nobody knows before.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from valueweave.problems import Problem
from valueweave.server.errors import ProblemError, refusal

__all__ = ["NOSNIFF", "HeadAndSafety"]

NOSNIFF = (b"x-content-type-options", b"nosniff")
"""What goes with every answer."""

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_OF_BODIES = {b"content-length", b"content-type", b"content-encoding"}
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
        hosts, unheld = 0, False
        for name, value in scope["headers"]:
            if name == b"host":
                hosts += 1
            elif name == b"if-none-match":
                unheld = value.strip() == b"*" and scope["method"] in {"GET", "HEAD"}
        if hosts > 1 or (hosts == 0 and scope["http_version"] == "1.1"):
            await refusal(Request(scope), _host(hosts))(scope, receive, send)
            return
        bodiless = head

        async def send_on(message: Message) -> None:
            nonlocal bodiless
            if message["type"] == "http.response.start":
                headers = list(message["headers"])
                headers.append(NOSNIFF)
                if any(name == b"content-type" and value.startswith(b"text/html") for name, value in headers):
                    headers += _OF_PAGES
                message = {**message, "headers": headers}
                if unheld and message["status"] == 200 and any(name == b"etag" for name, _ in headers):
                    bodiless = True
                    message["status"] = 304
                    message["headers"] = [header for header in headers if header[0] not in _OF_BODIES]
            elif bodiless and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self.app({**scope, "method": "GET"} if head else scope, receive, send_on)


def _host(hosts: int) -> ProblemError:
    """Return what refuses a request that names no host or several (RFC 9112, 3.2)."""
    message = f"The request has {hosts} 'Host' headers." if hosts else "The request has no 'Host' header."
    problem = Problem("one-host", message, "Send one.", term="Host")
    return ProblemError(400, problem, headers={"Connection": "close"})
