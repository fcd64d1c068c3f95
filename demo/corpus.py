"""A text corpus of real source code: the Python standard library and installed packages.

The order and the content are those of the installed files, so the same installation gives the
same bytes. Some lines are broken on purpose: a pipeline has to set them aside and say so.
"""

from __future__ import annotations

import json
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from itertools import chain
from pathlib import Path

TOTAL_BYTES = 54_000_000
PARTS = 6
BROKEN_EVERY = 97
"""After so many rows stands one that is cut in the middle and is no JSON."""
_LICENSE_OF_CLASSIFIER = {
    "License :: OSI Approved :: MIT License": "MIT",
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: BSD License": "BSD-3-Clause",
    "License :: OSI Approved :: ISC License (ISCL)": "ISC",
    "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "License :: OSI Approved :: GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
}


@dataclass(frozen=True)
class Corpus:
    """The corpus on disk and what is in it."""

    folder: Path
    rows: int
    broken: int
    bytes: int


@dataclass(frozen=True)
class _Source:
    path: str
    package: str
    licence: str
    file: Path


def corpus(folder: Path) -> Corpus:
    """Return the corpus in `folder`, written at the first call and kept."""
    account = folder.parent / f"{folder.name}.json"
    if not account.exists():
        folder.mkdir(parents=True, exist_ok=True)
        account.write_text(json.dumps(_write(folder)))
    return Corpus(folder, **json.loads(account.read_text()))


def _write(folder: Path) -> dict[str, int]:
    rows = broken = written = 0
    lines = _lines()
    for part in range(PARTS):
        limit = TOTAL_BYTES * (part + 1) // PARTS
        with (folder / f"part-{part:04}.jsonl").open("wb") as file:
            for line in lines:
                rows += 1
                written += file.write(line)
                if rows % BROKEN_EVERY == 0:
                    broken += 1
                    written += file.write(line[: len(line) // 2] + b"\n")
                if written >= limit:
                    break
    return {"rows": rows, "broken": broken, "bytes": written}


def _lines() -> Iterator[bytes]:
    for source in chain(_standard_library(), _installed()):
        try:
            text = source.file.read_bytes().decode()
        except (UnicodeDecodeError, OSError):
            continue  # not text, or listed by its package and not installed
        row = {
            "path": source.path,
            "package": source.package,
            "licence": source.licence,
            "text": text,
        }
        yield json.dumps(row, ensure_ascii=False).encode() + b"\n"


def _standard_library() -> Iterator[_Source]:
    root = Path(sysconfig.get_paths()["stdlib"])
    for file in sorted(root.rglob("*.py")):
        path = file.relative_to(root)
        if "site-packages" not in path.parts:
            yield _Source(path.as_posix(), "python", "PSF-2.0", file)


def _installed() -> Iterator[_Source]:
    for found in sorted(metadata.distributions(), key=lambda each: each.name.lower()):
        licence = _licence(found)
        for listed in sorted(found.files or [], key=str):
            if listed.suffix == ".py" and ".." not in listed.parts:
                file = Path(str(found.locate_file(listed)))
                yield _Source(listed.as_posix(), found.name, licence, file)


def _licence(found: metadata.Distribution) -> str:
    """Return the SPDX expression that a package states, or LicenseRef-other."""
    about = found.metadata
    if "License-Expression" in about:
        return str(about["License-Expression"])
    for classifier in about.get_all("Classifier") or []:
        if classifier in _LICENSE_OF_CLASSIFIER:
            return _LICENSE_OF_CLASSIFIER[classifier]
    return "LicenseRef-other"
