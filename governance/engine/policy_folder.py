"""Policies as a folder of files, as one keeps them in git.

    access/<slug>.cedar   access/<slug>.tests.yaml   protection/<id>.yaml   naming/…   services/…

The texts are those that were saved, byte for byte; tests of access policies are written in one
canonical way. So a second export is equal to the first, and importing an export changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from core.errors import InvalidSpec
from core.yaml_text import read_yaml, write_yaml
from governance.engine.documents import KINDS

ACCESS = "access"
_CEDAR = re.compile(rf"{ACCESS}/(?P<slug>[a-z0-9][a-z0-9-]{{0,63}})\.cedar")
_TESTS = re.compile(rf"{ACCESS}/(?P<slug>[a-z0-9][a-z0-9-]{{0,63}})\.tests\.yaml")
_DOCUMENT = re.compile(rf"(?P<kind>{'|'.join(KINDS)})/(?P<slug>[a-z0-9][a-z0-9-]{{0,63}})\.yaml")

Tests = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Entry:
    """One policy of a folder. `tests` are those of an access policy."""

    kind: str
    slug: str
    text: str
    tests: Tests


class Change(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    REMOVED = "removed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Step:
    """What importing does with one policy; `wanted` is None for one that the folder lacks."""

    change: Change
    kind: str
    slug: str
    wanted: Entry | None


def files_of(entries: Iterable[Entry]) -> dict[str, str]:
    """Return the text of each file by its path, in order."""
    return dict(sorted(_files(entries)))


def _files(entries: Iterable[Entry]) -> Iterator[tuple[str, str]]:
    for entry in entries:
        if entry.kind != ACCESS:
            yield f"{entry.kind}/{entry.slug}.yaml", entry.text
            continue
        yield f"{ACCESS}/{entry.slug}.cedar", entry.text
        if entry.tests:
            yield f"{ACCESS}/{entry.slug}.tests.yaml", write_yaml(entry.tests)


def entries_of(files: Mapping[str, str]) -> list[Entry]:
    """Return the policies in a folder; raise InvalidSpec for a file that is none of them."""
    tests: dict[str, Any] = {}
    entries: list[Entry] = []
    for path, text in sorted(files.items()):
        if found := _TESTS.fullmatch(path):
            if f"{ACCESS}/{found['slug']}.cedar" not in files:
                raise wrong(path, "there is no policy beside these tests")
            tests[found["slug"]] = read_yaml(text)
        elif found := _CEDAR.fullmatch(path):
            entries.append(Entry(ACCESS, found["slug"], text, []))
        elif found := _DOCUMENT.fullmatch(path):
            entries.append(Entry(found["kind"], found["slug"], text, []))
        else:
            raise wrong(path, "a policy is access/<slug>.cedar or <kind>/<id>.yaml")
    return [
        Entry(entry.kind, entry.slug, entry.text, tests[entry.slug])
        if entry.kind == ACCESS and entry.slug in tests
        else entry
        for entry in entries
    ]


def steps(current: Iterable[Entry], wanted: Iterable[Entry]) -> list[Step]:
    """Return what makes the one into the other, what is taken away first."""
    before = {entry.slug: entry for entry in current}
    after = {entry.slug: entry for entry in wanted}
    found = [
        Step(Change.REMOVED, before[slug].kind, slug, None)
        for slug in sorted(before.keys() - after.keys())
    ]
    for slug in sorted(after):
        entry = after[slug]
        change = (
            Change.NEW
            if slug not in before
            else Change.UNCHANGED
            if entry == before[slug]
            else Change.CHANGED
        )
        found.append(Step(change, entry.kind, slug, entry))
    return found


def wrong(path: str, why: str) -> InvalidSpec:
    """Return the error of one file."""
    return InvalidSpec(f"{path}: {why}.", errors=[{"where": path, "message": why}])
