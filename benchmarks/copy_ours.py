"""The one side of the copy benchmark: our engine between two S3 stores, as a process of its own.

    python -m benchmarks.copy_ours MANIFEST THREADS

The manifest is read as the platform reads it. The stores come by the environment, as rclone's do:
FAIRMESH_BENCH_SOURCE and FAIRMESH_BENCH_TARGET, each a JSON object of `S3Store`'s parameters.

Its own clock starts after the imports, as a worker of the platform has them behind it; reading the
manifest is counted.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pyarrow as pa

from core.digests import Digest
from core.manifest import FileEntry, read_shard
from movement.engine.copy import CopyItem, copy_files
from movement.stores.s3 import S3Store


def main() -> int:
    # pyarrow imports pandas at its first array where pandas is there: an import like the others
    pa.array([], pa.string())
    before = _peak_kib()
    began, began_cpu = time.perf_counter(), time.process_time()
    summary = copy_files(
        S3Store(**json.loads(os.environ["FAIRMESH_BENCH_SOURCE"])),
        S3Store(**json.loads(os.environ["FAIRMESH_BENCH_TARGET"])),
        [CopyItem(entry.path, entry.path, entry) for entry in _entries(Path(sys.argv[1]))],
        threads=int(sys.argv[2]),
    )
    seconds = time.perf_counter() - began
    told = {
        "copied": summary.copied,
        "seconds": seconds,
        "cpu_seconds": time.process_time() - began_cpu,
        "grown_bytes": (_peak_kib() - before) * 1024,
    }
    print(json.dumps(told))
    return int(bool(summary.failed or summary.stopped))


def _entries(folder: Path) -> list[FileEntry]:
    return [
        entry
        for shard in sorted(folder.iterdir())
        for entry in read_shard(shard.read_bytes(), Digest(f"sha256:{shard.suffix[1:]}"))
    ]


def _peak_kib() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0


if __name__ == "__main__":
    sys.exit(main())
