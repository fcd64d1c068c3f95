"""Small records to WebDataset shards: a run of our engine beside the library `webdataset`.

A Parquet file of pictures, captions and labels → tar archives, one thread on each side. After each
run every archive is read by the library, and all samples are compared, not only their count.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from webdataset import tariterators

from benchmarks.harness import (
    MIB,
    Figure,
    Options,
    Ran,
    finish,
    in_turns,
    need,
    options,
    paired,
    print_conditions,
    run,
    spread,
)
from benchmarks.webdataset_records import write_records

GOAL = 5.0
RECORDS, QUICK_RECORDS = 30_000, 3_000
_PACKAGES = ("pyarrow", "webdataset")


@dataclass(frozen=True)
class Samples:
    """All samples a run wrote, in order."""

    count: int
    sha256: str


@dataclass(frozen=True)
class Bench:
    root: Path
    records: Path

    def ours(self, number: int) -> tuple[Ran, Samples]:
        return self._run("ours", number)

    def peers(self, number: int) -> tuple[Ran, Samples]:
        return self._run("peer", number)

    def _run(self, side: str, number: int) -> tuple[Ran, Samples]:
        with tempfile.TemporaryDirectory(dir=self.root, prefix=f"{side}-{number}-") as folder:
            module = f"benchmarks.webdataset_{side}"
            words = [sys.executable, "-m", module, str(self.records), folder]
            ran = run(words, {}, self.root / f"{side}.log")
            return ran, read_samples(Path(folder) / "output")


def read_samples(folder: Path) -> Samples:
    """Read the archives in order, as the library does."""
    digest, count = hashlib.sha256(), 0
    for path in sorted(folder.glob("*.tar")):
        with path.open("rb") as stream:
            members = tariterators.tar_file_expander([{"url": "", "stream": stream}])
            for sample in tariterators.group_by_keys(members):
                count += 1
                for name in sorted(sample):
                    value = sample[name]
                    data = value.encode() if isinstance(value, str) else value
                    digest.update(b"%d %d " % (len(name), len(data)) + name.encode() + data)
    return Samples(count, digest.hexdigest())


def measure(asked: Options, root: Path) -> list[Figure]:
    count = QUICK_RECORDS if asked.quick else RECORDS
    bench = Bench(root, root / "records.parquet")
    size = write_records(bench.records, count)
    print_conditions(
        asked,
        f"{count} records of three members, {size / 1e6:.1f} MB, one thread on each side",
        _PACKAGES,
    )
    pairs = in_turns(asked.pairs, bench.ours, bench.peers)
    found = {samples for pair in pairs for _, samples in pair}
    if len(found) != 1 or found.pop().count != count:
        sys.exit("The two sides did not write the same samples.")
    seconds = [
        (float(ours.answer()["seconds"]), float(peer.answer()["seconds"]))
        for (ours, _), (peer, _) in pairs
    ]
    print(f"same samples on both sides: {count}")
    writing = [float(ours.answer()["writing"]) for (ours, _), _ in pairs]
    print(f"of our seconds, writing took {min(writing):.2f} to {max(writing):.2f}")
    print(spread("webdataset_seconds", seconds))
    rate = [(count / ours, count / peer) for ours, peer in seconds]
    cpu = [(ours.cpu_seconds, peer.cpu_seconds) for (ours, _), (peer, _) in pairs]
    peaks = [(ours.peak_bytes / MIB, peer.peak_bytes / MIB) for (ours, _), (peer, _) in pairs]
    return [
        paired("webdataset_rate", "records/s", rate, GOAL),
        paired("webdataset_cpu", "s", cpu),
        paired("webdataset_peak_memory", "MiB", peaks),
    ]


def main() -> int:
    asked = options(__doc__)
    need(modules=("webdataset",))
    with tempfile.TemporaryDirectory(prefix="fairmesh-webdataset-") as root:
        return finish(measure(asked, Path(root)), judge=not asked.quick)


if __name__ == "__main__":
    sys.exit(main())
