"""One peer of the join benchmark: `python join_peer.py NAME PAGES NOTES FOLDER [MEBIBYTES]`.

It runs in an environment of its own, which holds that peer and nothing of ours. Each is given all
files of both folders and two cores, joins them on `url`, in whatever order of rows is quickest for
it, and writes one Parquet file, zstd at level 3. DuckDB may be told how much memory it may use; it
then puts what is beyond into files. Its clock starts after its imports. The last line it prints is
JSON: seconds and the peer's version.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

CORES = 2


@dataclass(frozen=True)
class Work:
    pages: str
    notes: str
    target: Path
    mebibytes: str | None


def polars(work: Work) -> Callable[[], object]:
    import polars as pl

    return lambda: (
        pl.scan_parquet(work.pages)
        .join(pl.scan_parquet(work.notes), on="url", how="inner")
        .sink_parquet(work.target, compression="zstd", compression_level=3)
    )


def duckdb(work: Work) -> Callable[[], object]:
    import duckdb as duck

    # as its documentation advises where the order of rows has no meaning
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": CORES,
        "preserve_insertion_order": False,
    }
    if work.mebibytes is not None:
        config["memory_limit"] = f"{work.mebibytes}MiB"
        config["temp_directory"] = str(work.target.with_name("spilled"))
    connection = duck.connect(config=config)
    return lambda: connection.execute(
        f"COPY (SELECT * FROM '{work.pages}' AS pages JOIN '{work.notes}' AS notes "
        f"USING (url)) TO '{work.target}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3)"
    )


PEERS = {"polars": polars, "duckdb": duckdb}


def main() -> None:
    name, pages, notes, folder = sys.argv[1:5]
    mebibytes = sys.argv[5] if len(sys.argv) > 5 else None
    os.environ["POLARS_MAX_THREADS"] = str(CORES)
    target = Path(folder) / "joined.parquet"
    work = PEERS[name](Work(f"{pages}/*.parquet", f"{notes}/*.parquet", target, mebibytes))
    began = time.perf_counter()
    work()
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "version": metadata.version(name)}))


if __name__ == "__main__":
    main()
