"""In what two runs differ: the document, what made them, the input, the counts, the files.

Pure: what is known of both goes in, differences come out. Where the files differ, something before
them does; where nothing does, a run is not as deterministic as it should be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import zip_longest

from core.manifest import FileEntry
from transforms.engine.params import Json

MOST_FILES = 100
"""Files that are told by name; the others are counted."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one run."""

    document: Mapping[str, Json]
    """In normal form."""
    made_with: Mapping[str, Json] | None
    """None of a run from before this was kept."""
    inputs: Mapping[str, str]
    """Name of each version that was read, and its digest."""
    report: Mapping[str, Json] | None
    """None until it is done."""


@dataclass(frozen=True, slots=True)
class Change:
    """One place where the runs differ; None where a run has nothing there."""

    where: str
    before: Json
    after: Json


@dataclass(slots=True)
class FileChanges:
    """How the files of two results compare, by path and sha256."""

    equal: int = 0
    changed: int = 0
    added: int = 0
    removed: int = 0
    sample: list[Change] = field(default_factory=list)
    """The first ones that are not equal, with their sha256."""

    @property
    def all_equal(self) -> bool:
        return not (self.changed or self.added or self.removed)


@dataclass(frozen=True, slots=True)
class Difference:
    document: tuple[Change, ...]
    made_with: tuple[Change, ...] | None
    """Versions of the engine, operators, writer and libraries, digests of tokenizers; None when
    it is not known of both."""
    inputs: tuple[Change, ...]
    counts: tuple[Change, ...]
    """Rows and reasons by step, tokens and what else was counted; seconds are no difference."""
    files: FileChanges | None
    """None unless both runs have a result."""


def difference(
    one: Facts,
    other: Facts,
    files: tuple[Iterable[FileEntry], Iterable[FileEntry]] | None = None,
) -> Difference:
    """Return in what `other` differs from `one`; `files` are those of both results in path order.

    Time grows with the files, memory does not.
    """
    known = one.made_with is not None and other.made_with is not None
    return Difference(
        document=tuple(_document_changes(one.document, other.document)),
        made_with=tuple(_changes("", one.made_with, other.made_with)) if known else None,
        inputs=tuple(_changes("", dict(one.inputs), dict(other.inputs))),
        counts=tuple(_changes("", _counts(one.report), _counts(other.report))),
        files=None if files is None else compare_files(*files),
    )


_COUNTED = ("rows_in", "documents", "rows_out", "quarantined", "bytes_in", "bytes_out")


def _counts(report: Mapping[str, Json] | None) -> dict[str, Json]:
    if report is None:
        return {}
    named = {name: report[name] for name in _COUNTED if name in report}
    steps = report.get("steps", {})
    assert isinstance(steps, Mapping)
    return {**named, "dropped": report["dropped"], "counts": report["counts"], **steps}


def _document_changes(one: Mapping[str, Json], other: Mapping[str, Json]) -> Iterator[Change]:
    """Yield the changes of a document; steps are matched by operator before they are compared."""
    before, after = _steps(one), _steps(other)
    yield from _changes("", _without_steps(one), _without_steps(other))
    names = [next(iter(step)) for step in before], [next(iter(step)) for step in after]
    for tag, i, j, k, m in SequenceMatcher(None, *names, autojunk=False).get_opcodes():
        if tag == "equal":
            for old, new, at in zip(before[i:j], after[k:m], range(k, m), strict=True):
                yield from _changes(f"steps[{at}]", old, new)
            continue
        for at, old in enumerate(before[i:j], i):
            yield Change(f"steps[{at}]", dict(old), None)
        for at, new in enumerate(after[k:m], k):
            yield Change(f"steps[{at}]", None, dict(new))


def _steps(document: Mapping[str, Json]) -> Sequence[Mapping[str, Json]]:
    steps = document.get("steps", [])
    assert isinstance(steps, list)
    return [step for step in steps if isinstance(step, Mapping)]


def _without_steps(document: Mapping[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in document.items() if key != "steps"}


def _changes(where: str, one: object, other: object) -> Iterator[Change]:
    """Yield every leaf in which two JSON values differ, by its place."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in sorted({*one, *other}):
            inner = f"{where}.{key}" if where else str(key)
            yield from _changes(inner, one.get(key), other.get(key))
    elif isinstance(one, list) and isinstance(other, list):
        for at, (old, new) in enumerate(zip_longest(one, other)):
            yield from _changes(f"{where}[{at}]", old, new)
    elif one != other:
        yield Change(where, one, other)  # type: ignore[arg-type]  # both are JSON


def compare_files(one: Iterable[FileEntry], other: Iterable[FileEntry]) -> FileChanges:
    """Compare two lists of files, each in the order of the paths' UTF-8 bytes."""
    found = FileChanges()
    for before, after in _paired(iter(one), iter(other)):
        if before is None:
            found.added += 1
        elif after is None:
            found.removed += 1
        elif before.sha256 == after.sha256:
            found.equal += 1
            continue
        else:
            found.changed += 1
        if len(found.sample) < MOST_FILES:
            found.sample.append(_file_change(before, after))
    return found


def _file_change(before: FileEntry | None, after: FileEntry | None) -> Change:
    there = before or after
    assert there is not None
    sums = [None if entry is None else entry.sha256 for entry in (before, after)]
    return Change(there.path, *sums)


def _paired(
    one: Iterator[FileEntry], other: Iterator[FileEntry]
) -> Iterator[tuple[FileEntry | None, FileEntry | None]]:
    before, after = next(one, None), next(other, None)
    while before is not None or after is not None:
        if after is None or (before is not None and _path(before) < _path(after)):
            yield before, None
            before = next(one, None)
        elif before is None or _path(after) < _path(before):
            yield None, after
            after = next(other, None)
        else:
            yield before, after
            before, after = next(one, None), next(other, None)


def _path(entry: FileEntry) -> bytes:
    return entry.path.encode()
