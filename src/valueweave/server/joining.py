"""What is written in one go goes out in one go.

In: a transport. Out: the same, as far as its user can tell.
The decision hidden here: uvicorn writes the head of an answer and its body one after the other, which would be two
calls of the system and wake up the reader twice. What is short is held until the next bytes come, the answer is
complete, or the event loop goes on to something else, whatever is first.
"""

from __future__ import annotations

import asyncio
from typing import Any

__all__ = ["LONGEST_JOINED", "Joining"]

LONGEST_JOINED = 1 << 16
"""What is longer is not worth a copy."""


class Joining:
    """A transport that joins short pieces.

    Args:
        transport: what sends.
        loop: in which event loop.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._held = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send bytes, soon."""
        if self._held:
            if len(data) <= LONGEST_JOINED:
                data, self._held = self._held + data, b""
            else:
                self.flush()
            self._transport.write(data)
        elif len(data) > LONGEST_JOINED:
            self._transport.write(data)
        elif data:
            self._held = data
            self._loop.call_soon(self.flush)

    def send(self, data: bytes) -> None:
        """Send bytes, now."""
        self.flush()
        self._transport.write(data)

    def flush(self) -> None:
        """Send what is held, now."""
        if self._held:
            held, self._held = self._held, b""
            self._transport.write(held)

    def close(self) -> None:
        """Send what is held, and close."""
        self.flush()
        self._transport.close()

    def get_write_buffer_size(self) -> int:
        """Return how many bytes have not been taken yet."""
        return self._transport.get_write_buffer_size() + len(self._held)
