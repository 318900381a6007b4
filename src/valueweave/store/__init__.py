"""The store that answers SPARQL.

In: quads and a manifest. Out: a read-only store with ``query`` and ``serialize_query``.
The decision hidden here: the engine (Oxigraph) and how versions of the store lie on disk.
"""

from valueweave.store.embedded import EmbeddedStore
from valueweave.store.formats import FORMATS, NotAcceptableError, OutputFormat, negotiate
from valueweave.store.versions import StoreMissingError

__all__ = ["FORMATS", "EmbeddedStore", "NotAcceptableError", "OutputFormat", "StoreMissingError", "negotiate"]
