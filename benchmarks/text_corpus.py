"""A corpus of real text: what the installed packages hold, file by file or passage by passage.

Source code, documentation and licences in many languages of people and machines; the order is that
of the sorted paths, so the same installation gives the same corpus. Nothing is taken twice: when
all is read and more is wanted, the corpus is shorter than was asked for, and its size is told.
"""

from __future__ import annotations

import json
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_SUFFIXES = frozenset(
    {".py", ".pyi", ".md", ".rst", ".txt", ".html", ".js", ".mjs", ".ts", ".h", ".c", ".po"}
)
_LONGEST = 300_000
"""Bytes; what is longer is mostly generated."""
_PASSAGE = 4096
"""Characters after which a passage ends with its line: about as long as the text of a web page."""


@dataclass(frozen=True)
class Corpus:
    documents: int
    bytes: int


def write_text_corpus(target: Path, total_bytes: int) -> Corpus:
    """Write JSON lines of `id`, `path`, `kind`, `size` and `text`, up to `total_bytes`."""
    documents = written = 0
    with target.open("wb") as stream:
        for line in _lines(texts()):
            if written + len(line) > total_bytes:
                break
            written += stream.write(line)
            documents += 1
    return Corpus(documents, written)


def write_passages(folder: Path, total_bytes: int, files: int) -> Corpus:
    """Write the same, a passage a line, into `corpus-0.jsonl` and so on, which are equally long.

    All together have `total_bytes`, or one passage more.
    """
    documents = written = 0
    lines = _lines((path, passage) for path, text in texts() for passage in _passages(text))
    for number in range(files):
        with (folder / f"corpus-{number}.jsonl").open("wb") as stream:
            while written < total_bytes * (number + 1) // files and (line := next(lines, b"")):
                written += stream.write(line)
                documents += 1
    return Corpus(documents, written)


def _lines(found: Iterable[tuple[Path, str]]) -> Iterator[bytes]:
    for number, (path, text) in enumerate(found):
        row = {
            "id": f"doc-{number:07d}",
            "path": str(path),
            "kind": path.suffix[1:],
            "size": len(text),
            "text": text,
        }
        yield json.dumps(row, ensure_ascii=False).encode() + b"\n"


def _passages(text: str) -> Iterator[str]:
    held: list[str] = []
    size = 0
    for line in text.splitlines(keepends=True):
        held.append(line)
        size += len(line)
        if size >= _PASSAGE:
            yield "".join(held)
            held, size = [], 0
    if held:
        yield "".join(held)


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
