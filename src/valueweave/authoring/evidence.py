"""Evidence: every span recomputed against the source texts, mended where it can be, and shown.

In: a project and the folder of the source texts. Out: :class:`EvidenceReport`, passages, ready evidence items.
The decision hidden here: what is told of a broken item, that one whose text is absent is not broken, and that only
offsets are ever rewritten.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from valueweave.authoring.document import Document
from valueweave.authoring.evidence_items import Item, SourceText, check_folder, items_of, texts_of
from valueweave.authoring.evidence_report import EvidenceReport, Passage
from valueweave.authoring.loader import load_documents
from valueweave.authoring.relocate import Relocator, find_again
from valueweave.authoring.rewrite import replace_scalars
from valueweave.authoring.spans import (
    Span,
    evidence_item,
    evidence_yaml,
    find_spans,
    line_at,
    read_source,
    section_at,
    span_hash,
)
from valueweave.authoring.tree import Scalar
from valueweave.namespaces import ID, SCE, TermError, expand_iri, shorten_iri
from valueweave.problems import InputError, Problem, did_you_mean, name_list
from valueweave.project import Project

__all__ = [
    "EvidenceReport",
    "Passage",
    "Span",
    "evidence_item",
    "evidence_yaml",
    "find",
    "find_again",
    "find_spans",
    "section_at",
    "show",
    "span_hash",
    "verify",
]


def verify(project: Project, sources_dir: Path, fix: bool = False, only: Sequence[str] = ()) -> EvidenceReport:
    """Recompute every span of a project against the source texts that are there.

    Args:
        project: the project.
        sources_dir: folder that holds the files named by ``textFile`` of the sources.
        fix: rewrite the offsets of passages that stand elsewhere in the text; nothing else of the file changes.
        only: ids of sources (``source/000``) or their last parts (``000``): look at items that cite one of these.

    Returns:
        The report; each broken item is named by file, line, record and section. Items whose text is not in the folder
        are counted and told once for each text: they are neither intact nor broken.

    Raises:
        InputError: when the folder or an authored file cannot be read, or there is no such source.
    """
    check_folder(sources_dir)
    documents = load_documents(project.data_files(), project)
    texts = texts_of(documents, sources_dir)
    every = list(items_of(documents))
    if only:
        wanted = {_registered(source, _sources_in(documents)) for source in only}
        texts = {iri: text for iri, text in texts.items() if iri in wanted}
        every = [item for item in every if item.source in wanted]
    cited = Counter(item.source for item in every)
    problems = [_with_count(text, cited[text.iri]) for text in texts.values() if text.problem]
    absent = {text.iri for text in texts.values() if text.absent}
    items = [item for item in every if item.source not in absent]
    broken = [(item, problem) for item in items if (problem := _check(item, texts.get(item.source)))]
    edits: dict[Path, list[tuple[Scalar, str]]] = {}
    for item, problem, place in _relocated(broken, texts):
        if place is None:
            # A text that cannot be read is told once, with the number of its items.
            if not _is_unreadable(texts.get(item.source)):
                problems.append(problem)
        elif fix:
            assert item.start is not None
            assert item.end is not None
            changes = [(item.fields["start"], str(place)), (item.fields["end"], str(place + item.end - item.start))]
            edits.setdefault(item.document.path, []).extend(changes)
            problems.append(item.problem("span-mended", problem.message, "The new offsets were written.", level="info"))
        else:
            problems.append(problem)
    for path, changes in edits.items():
        replace_scalars(path, changes)
    fixed = sum(len(changes) // 2 for changes in edits.values())
    order = sorted(problems, key=lambda p: (p.file or "", p.line or 0, p.column or 0))
    used = {shorten_iri(iri): str(text.path) for iri, text in texts.items() if text.text is not None}
    return EvidenceReport(len(items), len(items) - len(broken), fixed, used, tuple(order), len(every) - len(items))


def show(project: Project, identifier: str, sources_dir: Path) -> list[Passage]:
    """Return the passages that back a record, or the one of an evidence item.

    Args:
        project: the project.
        identifier: a record, nested record or evidence item (``stage/jd-1`` or its full IRI).
        sources_dir: folder of the source texts.

    Raises:
        InputError: when nothing has that id, it has no evidence, or the texts cannot be read.
    """
    check_folder(sources_dir)
    try:
        iri = expand_iri(identifier)
    except TermError as error:
        raise InputError(Problem("malformed-id", f"{error}.", "Write an id such as stage/jd-1.")) from error
    documents = load_documents(project.data_files(), project)
    texts = texts_of(documents, sources_dir)
    found = [
        item
        for item in items_of(documents)
        if iri in (item.entry.iri, item.entry.parent.iri if item.entry.parent else "", item.entry.owner.iri)
    ]
    if not found:
        known = any(iri in document.by_iri for document in documents)
        message = f"'{identifier}' has no evidence." if known else f"Nothing has the id '{identifier}'."
        raise InputError(Problem("no-evidence", message, "Name a record of a case, such as stage/jd-1."))
    return [_passage(item, texts) for item in found]


def find(
    project: Project,
    source: str,
    sources_dir: Path,
    *,
    text: str | None = None,
    regex: str | None = None,
    kind: str = "stated",
) -> list[dict[str, Any]]:
    """Return ready evidence items for every place of a source text that holds some words.

    Args:
        project: the project, whose register of sources names the text file.
        source: id of the source (``source/000``) or its last part (``000``).
        sources_dir: folder of the source texts.
        text: words to find; whitespace, quotation marks and dashes may differ.
        regex: a regular expression instead.
        kind: the kind of evidence to write into the items.

    Raises:
        InputError: when the source or its text is unknown, or there is nothing to look for.
    """
    if not (text or "").strip() and not regex:
        raise InputError(Problem("nothing-to-find", "There are no words to look for.", "Give --text or --regex."))
    check_folder(sources_dir)
    try:
        needle: str | re.Pattern[str] = re.compile(regex) if regex else text or ""
    except re.error as error:
        message = f"'{regex}' is no regular expression: {error}."
        raise InputError(Problem("bad-regex", message, "Correct it, or use --text.")) from error
    body = read_source(_source_path(project, source, sources_dir))
    return [
        {"section": s.section, "start": s.start, "end": s.end, "sha256": s.sha256, "evidenceKind": kind}
        for s in find_spans(body, needle)
    ]


def _source_path(project: Project, source: str, sources_dir: Path) -> Path:
    """Return the text file of a source: as registered, else the one whose name begins so (before it is registered)."""
    iri = _iri_of(source)
    register = [path for path in project.data_files() if path.name == "sources.yaml"]
    known = _sources_in(load_documents(register, project), with_text=True)
    if name := known.get(iri):
        return sources_dir / Path(name).name
    short = iri.rsplit("/", 1)[-1]
    near = (
        sorted(path for path in sources_dir.glob(f"{short}*") if path.is_file())
        if re.fullmatch(r"[\w.-]+", short)
        else []
    )
    starts = _beginning_so(iri, known)
    if len(near) == 1 and len(starts) < 2:
        return near[0]
    if len(near) > 1 and not starts:
        raise InputError(_ambiguous(source, [path.name for path in near]))
    remedy = "Add it to data/sources.yaml with textFile:, or correct the id."
    raise InputError(_no_source(source, known, f"No source '{source}' is registered with a text file.", remedy))


def _sources_in(documents: Iterable[Document], *, with_text: bool = False) -> dict[str, str]:
    """Return the name of the text file of each source, ``""`` where it has none, by IRI of the source."""
    found: dict[str, str] = {}
    for document in documents:
        for entry in document.entries:
            if SCE + "Source" not in entry.types:
                continue
            name = entry.mapping.get("textFile")
            if isinstance(name, Scalar):
                found[entry.iri] = name.text
            elif not with_text:
                found.setdefault(entry.iri, "")
    return found


def _iri_of(source: str) -> str:
    return source if "://" in source else ID + (source if "/" in source else f"source/{source}")


def _registered(source: str, known: Collection[str]) -> str:
    """Return the IRI of a source as a person names it; refuse one that is not registered, with what may be meant."""
    iri = _iri_of(source)
    if iri in known:
        return iri
    raise InputError(_no_source(source, known, f"No source '{source}' is registered.", "See data/sources.yaml."))


def _beginning_so(iri: str, known: Iterable[str]) -> list[str]:
    """Return the ids of the sources whose IRI begins so."""
    return sorted(shorten_iri(other) for other in known if other.startswith(iri))


def _no_source(source: str, known: Collection[str], message: str, remedy: str) -> Problem:
    starts = _beginning_so(_iri_of(source), known)
    if len(starts) > 1:
        return _ambiguous(source, starts)
    if starts:
        return Problem("unknown-source", message, f"Did you mean '{starts[0]}'?", term=source)
    names = [shorten_iri(other) for other in known]
    return Problem("unknown-source", message, did_you_mean(shorten_iri(_iri_of(source)), names, remedy), term=source)


def _ambiguous(source: str, names: Sequence[str]) -> Problem:
    return Problem("ambiguous-source", f"'{source}' may be {name_list(names)}.", "Write one of them.", term=source)


def _is_unreadable(text: SourceText | None) -> bool:
    return text is not None and text.text is None


def _with_count(text: SourceText, cited: int) -> Problem:
    assert text.problem is not None
    if text.text is not None:
        return text.problem
    items = f" {cited} evidence item{' cites' if cited == 1 else 's cite'} it"
    # Whoever has one text alone has done nothing wrong: what cites the others is left unchecked, and said to be.
    note = f"{items}; not checked." if text.absent else f"{items}."
    return replace(text.problem, message=text.problem.message + note, level="info" if text.absent else "error")


def _check(item: Item, source: SourceText | None) -> Problem | None:
    """Return what is wrong with an item where it stands, or nothing."""
    if source is None:
        known = shorten_iri(item.source) or "nothing"
        message = f"The evidence cites {known}, which has no text to check against."
        remedy = "Register the source with textFile:, textSha256: and textLength:."
        return item.problem("no-source-text", message, remedy)
    if source.text is None:
        message = f"The text of {shorten_iri(item.source)} cannot be read."
        return item.problem("no-source-text", message, "See the problem of that source.")
    if item.start is None or item.end is None or not 0 <= item.start < item.end:
        message = "The span is not complete."
        return item.problem(
            "bad-span", message, "Write start:, end: and sha256:; 'valueweave evidence find' prints them."
        )
    name, span = source.path.name, f"{item.start}-{item.end}"
    remedy = "Find the passage with 'valueweave evidence find' and write the item anew."
    if item.end > len(source.text):
        message = f"The span {span} lies beyond the end of {name}, which has {len(source.text)} characters."
        return item.problem("span-broken", message, remedy)
    found = span_hash(source.text, item.start, item.end)
    if found == item.sha256:
        return None
    message = (
        f"What stands in {name} at {span} has the hash {found[:12]}…, the item says {item.sha256[:12] or 'none'}…."
    )
    return item.problem("span-broken", message, remedy)


def _relocated(
    broken: Sequence[tuple[Item, Problem]], texts: dict[str, SourceText]
) -> Iterator[tuple[Item, Problem, int | None]]:
    """Look for each broken passage elsewhere in its text."""
    finders: dict[str, Relocator] = {}
    shift: dict[str, int] = {}
    # By length, so that each text is hashed through once for each length.
    for item, problem in sorted(broken, key=lambda pair: (pair[0].source, (pair[0].end or 0) - (pair[0].start or 0))):
        source = texts.get(item.source)
        if source is None or source.text is None or item.start is None or item.end is None or item.end <= item.start:
            yield item, problem, None
            continue
        finder = finders.setdefault(item.source, Relocator(source.text))
        # What was inserted before one passage has most often moved the next one as far.
        near = item.start + shift.get(item.source, 0)
        place = finder.find(item.end - item.start, item.sha256, near)
        if place is None:
            length = item.end - item.start
            why = f" No {length} characters in a row of the text have that hash: the words, the wrapping of lines or "
            why += "the length of the span have changed."
            yield item, replace(problem, message=problem.message + why), None
            continue
        shift[item.source] = place - item.start
        where = (
            f" The passage stands at {place}-{place + item.end - item.start}, in line {line_at(source.text, place)}."
        )
        remedy = "Run 'valueweave evidence verify --fix' to write the new offsets."
        yield item, replace(problem, code="span-moved", message=problem.message + where, remedy=remedy), place


def _passage(item: Item, texts: dict[str, SourceText]) -> Passage:
    source = texts.get(item.source)
    if source is None or source.text is None or item.start is None or item.end is None:
        problem = (source.problem if source else None) or _check(item, source)
        raise InputError(problem or item.problem("bad-span", "The span is not complete.", "Write start: and end:."))
    parent = item.entry.parent or item.entry
    supports = item.entry.data.get("supports", [])
    return Passage(
        parent.written,
        item.entry.written,
        shorten_iri(item.source),
        source.path.name,
        line_at(source.text, item.start),
        item.section,
        item.start,
        item.end,
        str(item.entry.data.get("evidenceKind", "")),
        tuple([supports] if isinstance(supports, str) else supports),
        item.end <= len(source.text) and span_hash(source.text, item.start, item.end) == item.sha256,
        source.text[item.start : item.end],
        item.fields["interpretationReason"].text if "interpretationReason" in item.fields else "",
    )
