"""The server: the knowledge graph over HTTP.

In: a :class:`~valueweave.graph.KnowledgeGraph`. Out: a FastAPI application, or a server that runs.
The decision hidden here: protocol, lookups, linked data and pages; nothing here decides what the graph says.

The way of a request: ``app`` (routes, errors) → ``sparql``, ``api``, ``linked_data`` or ``pages`` (one protocol each) →
``lookups`` and ``catalogue`` (what is read from the graph) → the store.
"""

from valueweave.server.app import create_app
from valueweave.server.runner import run
from valueweave.server.settings import Settings

__all__ = ["Settings", "create_app", "run"]
