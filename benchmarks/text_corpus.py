"""A corpus of real text: what the installed packages hold, one file a document.

Source code, documentation and licences in many languages of people and machines; the order is that
of the sorted paths, so the same installation gives the same corpus. Nothing is taken twice: when
all is read and more is wanted, the corpus is shorter than was asked for, and its size is told.
"""

from __future__ import annotations

import json
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_SUFFIXES = frozenset(
    {".py", ".pyi", ".md", ".rst", ".txt", ".html", ".js", ".mjs", ".ts", ".h", ".c", ".po"}
)
_LONGEST = 300_000
"""Bytes; what is longer is mostly generated."""


@dataclass(frozen=True)
class Corpus:
    documents: int
    bytes: int


def write_text_corpus(target: Path, total_bytes: int) -> Corpus:
    """Write JSON lines of `id`, `path`, `kind`, `size` and `text`, up to `total_bytes`."""
    documents = written = 0
    with target.open("wb") as stream:
        for path, text in texts():
            row = {
                "id": f"doc-{documents:07d}",
                "path": str(path),
                "kind": path.suffix[1:],
                "size": len(text),
                "text": text,
            }
            line = json.dumps(row, ensure_ascii=False).encode() + b"\n"
            if written + len(line) > total_bytes:
                break
            written += stream.write(line)
            documents += 1
    return Corpus(documents, written)


def texts() -> Iterator[tuple[Path, str]]:
    for root in _roots():
        for path in sorted(root.rglob("*")):
            if path.suffix not in _SUFFIXES or not path.is_file():
                continue
            if 0 < path.stat().st_size <= _LONGEST and (text := _read(path)):
                yield path.relative_to(root), text


def _roots() -> list[Path]:
    """Return where text lies, none below another."""
    portal = Path(__file__).resolve().parent.parent / "frontend" / "node_modules"
    found = [
        Path(sysconfig.get_paths()["purelib"]),
        Path(sysconfig.get_paths()["stdlib"]),
        Path(sys.base_prefix) / "include",
        portal,
        Path("/usr/share/doc"),
    ]
    return [each for each in found if each.is_dir()]


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError:
        return ""  # some tests hold other encodings on purpose
