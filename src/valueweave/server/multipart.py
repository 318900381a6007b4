"""Several files in one request, as forms of browsers send them.

In: a body of ``multipart/form-data``. Out: its files, each with its format.
The decision hidden here: the names of fields and files mean nothing; each file says its format. Nothing is read of them
here: that is done where it can be ended.
Source: SPARQL 1.1 Graph Store HTTP Protocol (W3C), section 5.5.
"""

from __future__ import annotations

from collections.abc import Mapping
from email import message_from_bytes
from email.message import Message

from valueweave.problems import InputError, Problem

__all__ = ["MULTIPART", "files_in"]

MULTIPART = "multipart/form-data"
"""The media type of such a body."""


def files_in(declared: str, body: bytes, taken: Mapping[str, str]) -> list[tuple[str, bytes]]:
    """Return the files in a body, each with its format before it.

    Args:
        declared: the ``Content-Type`` header with the boundary.
        body: the body.
        taken: the format that each media type means.

    Raises:
        InputError: when the body is not in parts, or a part is in no format taken.

    >>> part = b'--X\\r\\nContent-Type: text/turtle\\r\\n\\r\\n<urn:a> <urn:p> <urn:b> .\\r\\n--X--\\r\\n'
    >>> files_in("multipart/form-data; boundary=X", part, {"text/turtle": "text/turtle"})
    [('text/turtle', b'<urn:a> <urn:p> <urn:b> .')]
    """
    message = message_from_bytes(b"Content-Type: " + declared.encode("latin-1", "replace") + b"\r\n\r\n" + body)
    if not message.is_multipart():
        raise InputError(
            Problem(
                "broken-multipart", "The body is not in parts.", "Send it as a form with files does.", term="boundary"
            )
        )
    files = [part for part in message.walk() if not part.is_multipart()]
    return [_file(part, taken) for part in files]


def _file(part: Message, taken: Mapping[str, str]) -> tuple[str, bytes]:
    media_type = part.get_content_type()
    name = part.get_filename() or "A part of the form"
    if media_type not in taken:
        known = ", ".join(dict.fromkeys(taken.values()))
        raise InputError(
            Problem(
                "unsupported-part", f"{name} is in {media_type}.", f"Send files in one of {known}.", term=media_type
            )
        )
    content = part.get_payload(decode=True)
    return taken[media_type], content if isinstance(content, bytes) else b""
