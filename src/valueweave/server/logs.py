"""What a server tells while it runs: lines of JSON for programs, or words for people.

In: events with their particulars; what the web server says. Out: lines on standard error.
The decision hidden here: one line an event, with the time and the name of the event first.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import UTC, datetime
from typing import Any

__all__ = ["JsonLines", "log_config", "log_event"]


def log_event(event: str, **particulars: Any) -> None:
    """Write an event as a line of JSON."""
    print(_line(event, particulars), file=sys.stderr, flush=True)


def _line(event: str, particulars: dict[str, Any]) -> str:
    time = datetime.now(UTC).isoformat(timespec="milliseconds")
    return json.dumps({"time": time, "event": event, "process": os.getpid(), **particulars}, ensure_ascii=False)


class JsonLines(logging.Formatter):
    """Write what a library logs as lines of JSON, too.

    >>> record = logging.LogRecord("uvicorn.error", logging.INFO, "", 0, "Child process [%d] died", (7,), None)
    >>> json.loads(JsonLines().format(record))["message"]
    'Child process [7] died'
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        particulars: dict[str, Any] = {"level": record.levelname.lower(), "message": record.getMessage()}
        if record.exc_info:
            particulars["trace"] = self.formatException(record.exc_info)
        return _line("server", particulars)


def log_config(as_json: bool) -> dict[str, Any]:
    """Return the logging configuration of the web server.

    In words it tells of warnings and errors only; in JSON also when it starts and ends, and workers that are replaced.
    """
    formatter: dict[str, Any] = {"()": "valueweave.server.logs.JsonLines"} if as_json else {"format": "%(message)s"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": formatter},
        "handlers": {"lines": {"class": "logging.StreamHandler", "formatter": "lines", "stream": "ext://sys.stderr"}},
        "loggers": {
            "uvicorn": {"handlers": ["lines"], "level": "INFO" if as_json else "WARNING", "propagate": False},
            "uvicorn.access": {"handlers": [], "level": "CRITICAL", "propagate": False},
        },
    }
