"""Which route answered a request, for those who count.

In: a request. Out: the pattern of the address that it came to.
The decision hidden here: parts of the server hand on copies of what they know of a request, so what is found inside is
written into one place that all copies share.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Routed", "came_to", "route_of", "watch"]

_PLACE = "valueweave.route"


def watch(scope: Scope) -> list[str]:
    """Return a list that will hold the pattern of the route."""
    found: list[str] = []
    scope[_PLACE] = found
    return found


def came_to(scope: Scope, route: str) -> None:
    """Say which route a request came to.

    >>> scope = {}
    >>> found = watch(scope)
    >>> came_to({**scope, "method": "GET"}, "/sparql")
    >>> found
    ['/sparql']
    """
    if (found := scope.get(_PLACE)) is not None:
        found[:] = [route]


def route_of(scope: Scope) -> str:
    """Return the route that a request came to, as far as is known: ``none`` when it is not.

    >>> route_of({})
    'none'
    """
    found: list[str] = scope.get(_PLACE) or []
    return found[0] if found else "none"


class Routed:
    """Say for the application which route it took; the innermost of all."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start" and (route := scope.get("route")):
                came_to(scope, getattr(route, "path", "none"))
            await send(message)

        await self.app(scope, receive, send_on)
