"""Case files (YAML-LD) as documents with positions, and as quads; evidence spans.

In: YAML files. Out: documents, quads, and the passages that back them.
The decision hidden here: the form of case files.
"""

from valueweave.authoring.context import CONTEXT_IRI, generate_context
from valueweave.authoring.document import Document, Record
from valueweave.authoring.loader import load_documents, read_document

__all__ = ["CONTEXT_IRI", "Document", "Record", "generate_context", "load_documents", "read_document"]
