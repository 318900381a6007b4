"""Where the parts of a knowledge graph lie: ontology, data, questions and the store.

In: a folder (or nothing). Out: paths, the list of input files and their digest.
The decision hidden here: how the project is found, in a checkout or in an installed package.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from valueweave.problems import InputError, Problem
from valueweave.store.remote_target import Target, is_address

__all__ = ["Project"]

_PACKAGE = Path(__file__).resolve().parent


def _contents(path: Path) -> bytes:
    """Return a hash of a file; what cannot be read (a folder, a file of another user) is told by who reads it."""
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError:
        return b"unreadable"


def _is_home(folder: Path) -> bool:
    return (folder / "ontology" / "modules").is_dir() and (folder / "data").is_dir()


@dataclass(frozen=True, slots=True)
class Project:
    """The folders of one knowledge graph.

    Attributes:
        home: folder that holds ``ontology/``, ``data/`` and ``queries/``.
        store: folder of the embedded store (its versions and the pointer to the current one).
        remote: the SPARQL engine that holds the store instead, if one does; ``store`` is no folder then.
    """

    home: Path
    store: Path
    remote: Target | None = None

    @classmethod
    def find(cls, home: str | Path | None = None, store: str | Path | None = None) -> Project:
        """Find the project.

        Args:
            home: folder to use; otherwise ``VALUEWEAVE_HOME``, the checkout that the package runs from, or the copy
                that was installed with the package.
            store: folder of the store, or the query address of a SPARQL engine; otherwise ``VALUEWEAVE_STORE``,
                ``build/store`` in a checkout, or the user's cache folder for an installed package.

        Raises:
            InputError: when the folder named holds no knowledge graph, or the address or a setting of the engine is
                wrong.
        """
        named = home or os.environ.get("VALUEWEAVE_HOME")
        checkout = _PACKAGE.parent.parent
        installed = _PACKAGE / "_project"
        if named:
            folder = Path(named)
            if not _is_home(folder):
                raise InputError(
                    Problem(
                        "no-project",
                        f"'{folder}' holds no knowledge graph (no ontology/modules/ and data/ in it).",
                        "Name the folder of a ValueWeave checkout.",
                        file=str(folder),
                    )
                )
        else:
            folder = checkout if _is_home(checkout) else installed
        place = store or os.environ.get("VALUEWEAVE_STORE")
        if place and is_address(place):
            target = Target.read(str(place))
            return cls(folder, Path(str(target)), target)
        if place:
            return cls(folder, Path(place))
        if folder == installed:
            cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
            return cls(folder, cache / "valueweave" / "store")
        return cls(folder, folder / "build" / "store")

    @property
    def place(self) -> str:
        """Where the store is, for people: its folder, or the address of its engine."""
        return str(self.remote or self.store)

    @property
    def ontology(self) -> Path:
        """Folder of the ontology: modules, alignments, shapes, rules, context."""
        return self.home / "ontology"

    @property
    def lookups(self) -> Path:
        """Folder of the queries behind lookups and search."""
        return self.ontology / "lookups"

    @property
    def data(self) -> Path:
        """Folder of the authored records."""
        return self.home / "data"

    @property
    def queries(self) -> Path:
        """Folder of the competency questions."""
        return self.home / "queries"

    @property
    def context(self) -> Path:
        """The JSON-LD context of the case files."""
        return self.ontology / "context.jsonld"

    def module_files(self) -> list[Path]:
        """Return the Turtle files of the ontology: the root, then its modules by name."""
        return [self.ontology / "valueweave.ttl", *sorted((self.ontology / "modules").glob("*.ttl"))]

    def shape_files(self) -> list[Path]:
        """Return the Turtle files of the SHACL shapes, by name."""
        return sorted((self.ontology / "shapes").glob("*.ttl"))

    def rule_files(self) -> list[Path]:
        """Return the rule files, by name."""
        return sorted((self.ontology / "rules").glob("*.rq"))

    def data_files(self) -> list[Path]:
        """Return the authored files: the registers first, then the cases, by name."""
        return [*sorted(self.data.glob("*.yaml")), *sorted((self.data / "cases").glob("*.yaml"))]

    def unread_files(self) -> list[Path]:
        """Return what lies among the authored files and is not read: other endings, folders of cases."""
        found = [*(path for path in self.data.glob("*") if not path.is_dir()), *(self.data / "cases").glob("*")]
        expected = set(self.data_files())
        return sorted(path for path in found if path not in expected and not path.name.startswith((".", "README")))

    def question_files(self) -> list[Path]:
        """Return the files of the competency questions, by name."""
        return sorted(self.queries.glob("*.rq"))

    def build_inputs(self) -> list[Path]:
        """Return every file whose change changes the built graph."""
        return [*self.module_files(), *self.shape_files(), *self.rule_files(), self.context, *self.data_files()]

    def digest(self, *extra: str) -> str:
        """Return the SHA-256 over names and contents of all build inputs (and ``extra``, such as a version)."""
        total = hashlib.sha256()
        for path in self.build_inputs():
            if path.exists():
                total.update(path.relative_to(self.home).as_posix().encode())
                total.update(b"\0")
                total.update(_contents(path))
        for item in extra:
            total.update(item.encode())
        return total.hexdigest()
