"""The corpus of the token benchmark: the source of the standard library, one file a document."""

from __future__ import annotations

import json
import sysconfig
from pathlib import Path


def write_corpus(target: Path, total_bytes: int) -> tuple[int, int]:
    """Write documents `{"text": …}` up to `total_bytes`; return how many, and their bytes.

    The order is that of the sorted paths, so the same Python gives the same corpus.
    """
    root = Path(sysconfig.get_paths()["stdlib"])
    documents = written = 0
    with target.open("wb") as stream:
        for path in sorted(root.rglob("*.py")):
            line = b"" if "site-packages" in path.relative_to(root).parts else _line(path)
            if not line or written + len(line) > total_bytes:
                continue
            written += stream.write(line)
            documents += 1
    return documents, written


def _line(path: Path) -> bytes:
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError:
        return b""  # a few tests of the library are in other encodings on purpose
    return json.dumps({"text": text}, ensure_ascii=False).encode() + b"\n" if text else b""
