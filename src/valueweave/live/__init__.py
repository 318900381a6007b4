"""Changes of a graph in use: cases put and deleted, SPARQL updates, graphs replaced.

In: a project, a change. Out: the next version of its store, at once and whole.
The decision hidden here: how a small change goes the whole street (read, check, reason, write) without what has not
changed. Nothing here knows of HTTP.
"""

from __future__ import annotations

from valueweave.live.cases import Applied, LiveCase
from valueweave.live.curator import Curator

__all__ = ["Applied", "Curator", "LiveCase"]
