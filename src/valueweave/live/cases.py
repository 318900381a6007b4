"""Live cases: which there are, and under what conditions one may be changed.

In: the manifest of a version. Out: :class:`LiveCases`, :class:`LiveCase`.
The decision hidden here: a live case is a document beside the engine's files, named in the manifest of its version; its
entity tag is made of its bytes, so that the same document has the same tag in every version.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from valueweave.problems import InputError, Problem, did_you_mean

__all__ = [
    "Applied",
    "Entry",
    "LiveCase",
    "LiveCases",
    "Media",
    "check_conditions",
    "check_name",
    "check_version",
    "entity_tag",
]

Media = Literal["yaml", "json"]

_NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
_LONGEST = 100
_TAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')


@dataclass(frozen=True, slots=True)
class LiveCase:
    """A case that was put while the store was in use.

    Attributes:
        name: the last part of its id.
        text: the document, byte by byte as it was put.
        media: ``yaml`` or ``json``.
        etag: entity tag of the document, in quotes as HTTP writes it.
        version: the version of the store in which it was read.
    """

    name: str
    text: bytes
    media: Media
    etag: str
    version: str


@dataclass(frozen=True, slots=True)
class Applied:
    """What a change did.

    Attributes:
        version: the version of the store that is now current.
        created: whether the case or graph was not there before.
        added: how many statements queries see that they did not see before, asserted or inferred.
        removed: how many they see no more.
        inferred: how many of those added were inferred.
        seconds: how long it took.
        etag: entity tag of the case put.
        warnings: what should be mended, but did not stop the change.
    """

    version: str
    created: bool = False
    added: int = 0
    removed: int = 0
    inferred: int = 0
    seconds: float = 0.0
    etag: str | None = None
    warnings: tuple[Problem, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Entry:
    """What the manifest says of a live case.

    Attributes:
        file: its file in the folder of live documents.
        media: ``yaml`` or ``json``.
        etag: its entity tag.
        graph: IRI of its graph.
        records: how many records it has.
    """

    file: str
    media: Media
    etag: str
    graph: str
    records: int


class LiveCases(Mapping[str, Entry]):
    """The live cases of a version, by name.

    >>> LiveCases({"live": {"mill": {"file": "mill.yaml", "media": "yaml", "etag": "x", "graph": "g", "records": 1}}})[
    ...     "mill"].records
    1
    """

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        self._entries = {name: Entry(**told) for name, told in manifest.get("live", {}).items()}

    def __getitem__(self, name: str) -> Entry:
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def told(self) -> dict[str, dict[str, Any]]:
        """Return what a manifest says of the cases."""
        return {name: asdict(entry) for name, entry in sorted(self._entries.items())}

    def with_(self, name: str, entry: Entry | None) -> dict[str, dict[str, Any]]:
        """Return what a manifest says of the cases when one is put, or taken out."""
        others = {key: told for key, told in self.told().items() if key != name}
        return others if entry is None else dict(sorted({**others, name: asdict(entry)}.items()))

    def unknown(self, name: str) -> InputError:
        """Return what to tell when there is no such live case."""
        remedy = did_you_mean(name, self, "List the live cases to see their names.")
        return InputError(Problem("unknown-case", f"There is no live case '{name}'.", remedy, term=name))


def entity_tag(text: bytes) -> str:
    """Return the entity tag of a document.

    >>> entity_tag(b"id: case/mill")
    '"7c675030cbd314f5f4f2828c699e6c5c"'
    """
    return f'"{hashlib.sha256(text).hexdigest()[:32]}"'


def check_name(name: str) -> None:
    """Refuse a name that cannot be the last part of an id.

    Raises:
        InputError: saying what names look like.
    """
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise InputError(
            Problem(
                "case-name",
                f"'{name[:_LONGEST]}' is no name of a case.",
                f"Names are lower-case ASCII letters and digits with hyphens, at most {_LONGEST} of them.",
                term=name[:_LONGEST],
            )
        )


def check_conditions(name: str, etag: str | None, if_match: str | None, if_none_match: str | None) -> None:
    """Refuse a change when the case is not as whoever changes it believes.

    Args:
        name: the case.
        etag: its entity tag, ``None`` when there is no such live case.
        if_match: the entity tags of which it must have one, or ``*``, as in RFC 9110, section 13.1.1.
        if_none_match: those of which it must have none, or ``*`` when it must not be there, as in section 13.1.2.

    Raises:
        InputError: with the code ``precondition-failed``.

    >>> check_conditions("mill", '"a"', '"b", "a"', None)
    """
    if if_match is not None and (etag is None or not _meets(etag, if_match, weak=False)):
        text = "is not there" if etag is None else "was changed by another meanwhile"
        raise _failed(name, f"The case '{name}' {text}.")
    if if_none_match is not None and etag is not None and _meets(etag, if_none_match, weak=True):
        raise _failed(name, f"The case '{name}' is there already.")


def check_version(version: str, wanted: str | None) -> None:
    """Refuse a change when the store has another version than whoever changes it believes.

    Args:
        version: the version that is current.
        wanted: the one that is to be, ``None`` when any will do.

    Raises:
        InputError: with the code ``precondition-failed``.

    >>> check_version("one", None)
    """
    if wanted is not None and version != wanted:
        remedy = "Read what you change as it is now, and send the change again."
        raise InputError(Problem("precondition-failed", "The store was changed by another meanwhile.", remedy))


def _meets(etag: str, asked: str, *, weak: bool) -> bool:
    if asked.strip() == "*":
        return True
    return any(match.group(1) == etag and (weak or match.group() == etag) for match in _TAG.finditer(asked))


def _failed(name: str, text: str) -> InputError:
    remedy = "Read the case as it is now, make your change in it, and send it with the entity tag that came with it."
    return InputError(Problem("precondition-failed", text, remedy, term=name))
