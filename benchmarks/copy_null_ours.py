"""Our side of the copy against null servers: the engine alone, as a process of its own.

    python -m benchmarks.copy_null_ours SOURCE_URL BUCKET TARGET_URL BUCKET THREADS ENTRIES

The entries come one a line as JSON, so that neither pyarrow nor Django is in the process: what its
memory shows is the engine, its stores and the list of files. Its clock starts after the imports.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from core.digests import Chunk
from core.files import FileEntry
from movement.engine.copy import CopyItem, copy_files
from movement.stores.s3 import S3Store


def main() -> int:
    source, source_bucket, target, target_bucket, threads, entries = sys.argv[1:]
    began, began_cpu = time.perf_counter(), time.process_time()
    summary = copy_files(
        S3Store(source, source_bucket, "", "null", "null-null"),
        S3Store(target, target_bucket, "", "null", "null-null"),
        _items(Path(entries)),
        threads=int(threads),
    )
    told = {
        "copied": summary.copied,
        "bytes": summary.bytes_sent,
        "seconds": time.perf_counter() - began,
        "cpu_seconds": time.process_time() - began_cpu,
    }
    print(json.dumps(told))
    return int(bool(summary.failed or summary.stopped))


def _items(path: Path) -> Iterator[CopyItem]:
    with path.open() as lines:
        for line in lines:
            told = json.loads(line)
            chunks = tuple(Chunk(sha256, crc32c) for sha256, crc32c in told.pop("chunks"))
            entry = FileEntry(**told, chunks=chunks)
            yield CopyItem(entry.path, entry.path, entry)


if __name__ == "__main__":
    sys.exit(main())
