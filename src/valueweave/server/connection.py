"""One connection: HTTP as bytes come in.

In: bytes of a connection. Out: requests to the application.
The decision hidden here: httptools reads HTTP (twice as fast as what uvicorn takes otherwise), and since it takes a
head of any length, this counts.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["LARGEST_HEAD", "BoundedHead"]

LARGEST_HEAD = 1 << 16
"""So many bytes the address and the headers of a request may take; whoever has more to say sends a body."""

_REFUSAL = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain; charset=utf-8\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class BoundedHead(HttpToolsProtocol):
    """Reads requests, and gives up on a head that is too long."""

    _head, _in_head, _just_begun = 0, True, True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin with nothing read."""
        self._head, self._in_head, self._just_begun = 0, True, True
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Take in what has come."""
        super().data_received(data)
        if self._just_begun:
            # Some of the bytes may belong to the requests before: so much, and no more, goes uncounted.
            self._just_begun = False
        elif self._in_head:
            self._head += len(data)
            if self._head > LARGEST_HEAD and not self.transport.is_closing():
                self.transport.write(_REFUSAL)
                self.transport.close()

    def on_message_begin(self) -> None:
        """Begin with the next request."""
        self._head, self._in_head, self._just_begun = 0, True, True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Let the rest be: of bodies the application counts the bytes."""
        self._in_head = False
        super().on_headers_complete()
