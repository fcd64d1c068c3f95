"""The corpora of the token benchmark: installed text, one file a document, as Parquet.

The order is that of the sorted paths, so the same installation gives the same corpus.
"""

from __future__ import annotations

import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.text_corpus import texts

_GROUP_BYTES = 2_000_000
_SCHEMA = pa.schema([pa.field("text", pa.string(), nullable=False)])


def standard_library() -> Iterator[str]:
    """Yield the Python source of the standard library, some 25 MB."""
    root = Path(sysconfig.get_paths()["stdlib"])
    for path in sorted(root.rglob("*.py")):
        if "site-packages" not in path.relative_to(root).parts and (text := _read(path)):
            yield text


def installed_packages() -> Iterator[str]:
    """Yield source, documentation and translations of what is installed, some 550 MB."""
    return (text for _, text in texts())


def write_corpus(target: Path, documents: Iterable[str], total_bytes: int) -> tuple[int, int]:
    """Write the first documents, `total_bytes` of UTF-8 at most, as the column `text`.

    Return how many they are, and their bytes. A row group holds about 2 MB of them.
    """
    count = written = held_bytes = 0
    held: list[str] = []
    with pq.ParquetWriter(target, _SCHEMA, use_dictionary=False) as writer:
        for text in documents:
            size = len(text.encode())
            if written + size > total_bytes:
                break
            held.append(text)
            count, written, held_bytes = count + 1, written + size, held_bytes + size
            if held_bytes >= _GROUP_BYTES:
                writer.write_table(pa.table({"text": held}, _SCHEMA))
                held, held_bytes = [], 0
        if held:
            writer.write_table(pa.table({"text": held}, _SCHEMA))
    return count, written


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError:
        return ""  # a few tests of the library are in other encodings on purpose
