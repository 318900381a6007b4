"""ValueWeave: the knowledge graph of supply-chain ecosystems.

In: a folder of ontology, case files and questions. Out: :class:`KnowledgeGraph`, the one door to what they say.
The decision hidden here: which names are public; they are loaded when first used, so that the import is quick.

>>> import valueweave
>>> kg = valueweave.open()  # doctest: +SKIP
>>> kg.query("stages-by-case")  # doctest: +SKIP
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from valueweave.description import Description as Description
    from valueweave.graph import KnowledgeGraph as KnowledgeGraph
    from valueweave.graph import open as open
    from valueweave.problems import InputError as InputError
    from valueweave.problems import Problem as Problem
    from valueweave.problems import ValueWeaveError as ValueWeaveError
    from valueweave.project import Project as Project
    from valueweave.results import GraphResult as GraphResult
    from valueweave.results import Row as Row
    from valueweave.results import SolutionTable as SolutionTable
    from valueweave.results import Verdict as Verdict
    from valueweave.values import IRI as IRI
    from valueweave.values import Text as Text
    from valueweave.version import __version__ as __version__

_HOMES = {
    "Description": "description",
    "GraphResult": "results",
    "IRI": "values",
    "InputError": "problems",
    "KnowledgeGraph": "graph",
    "Problem": "problems",
    "Project": "project",
    "Row": "results",
    "SolutionTable": "results",
    "Text": "values",
    "ValueWeaveError": "problems",
    "Verdict": "results",
    "__version__": "version",
    "open": "graph",
}

__all__ = [
    "IRI",
    "Description",
    "GraphResult",
    "InputError",
    "KnowledgeGraph",
    "Problem",
    "Project",
    "Row",
    "SolutionTable",
    "Text",
    "ValueWeaveError",
    "Verdict",
    "__version__",
    "open",
]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"valueweave.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'valueweave' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
