"""One peer of the JSON lines benchmark: `python jsonl_peer.py NAME CORPUS FOLDER`.

It runs in an environment of its own, which holds that peer and nothing of ours. Each is given the
schema, zstd at level 3 where it takes that (daft and datatrove take zstd without a level, datasets
takes no codec) and two cores, and writes one Parquet file or as many as it likes. Its clock starts
after its imports. The last line it prints is JSON: seconds and the peer's version.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

TEXTS = ("id", "path", "kind", "text")
CORES = 2


def polars(corpus: Path, folder: Path) -> Callable[[], object]:
    import polars as pl

    schema = {"id": pl.String, "path": pl.String, "kind": pl.String, "size": pl.Int64}
    schema["text"] = pl.String
    return lambda: pl.scan_ndjson(corpus, schema=schema).sink_parquet(
        folder / "part.parquet", compression="zstd", compression_level=3
    )


def duckdb(corpus: Path, folder: Path) -> Callable[[], object]:
    import duckdb as duck

    columns = "{id: 'VARCHAR', path: 'VARCHAR', kind: 'VARCHAR', size: 'BIGINT', text: 'VARCHAR'}"
    connection = duck.connect(config={"threads": CORES})
    return lambda: connection.execute(
        f"COPY (SELECT * FROM read_json('{corpus}', format = 'newline_delimited', "
        f"columns = {columns}, maximum_object_size = 4194304)) "
        f"TO '{folder / 'part.parquet'}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3)"
    )


def daft(corpus: Path, folder: Path) -> Callable[[], object]:
    import daft as engine

    schema = {name: engine.DataType.string() for name in TEXTS}
    schema["size"] = engine.DataType.int64()
    return lambda: engine.read_json(str(corpus), infer_schema=False, schema=schema).write_parquet(
        str(folder), compression="zstd"
    )


def datasets(corpus: Path, folder: Path) -> Callable[[], object]:
    from datasets import Features, Value, load_dataset

    kinds = {**dict.fromkeys(TEXTS, "string"), "size": "int64"}
    features = Features({name: Value(kind) for name, kind in kinds.items()})

    def work() -> object:
        loaded = load_dataset(
            "json",
            data_files=str(corpus),
            features=features,
            split="train",
            cache_dir=str(folder.parent / "cache"),
        )
        return loaded.to_parquet(str(folder / "part.parquet"))

    return work


def datatrove(corpus: Path, folder: Path) -> Callable[[], object]:
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import ParquetWriter

    executor = LocalPipelineExecutor(
        pipeline=[
            JsonlReader(str(corpus.parent), glob_pattern=corpus.name, doc_progress=False),
            ParquetWriter(str(folder), compression="zstd"),
        ],
        tasks=CORES,
        workers=CORES,
        logging_dir=str(folder.parent / "logs"),
    )
    return lambda: executor.run()


PEERS = {"polars": polars, "duckdb": duckdb, "daft": daft, "datasets": datasets}
PEERS["datatrove"] = datatrove


def main() -> None:
    name, corpus, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    work = PEERS[name](corpus, folder)
    began = time.perf_counter()
    work()
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "version": metadata.version(name)}), flush=True)
    os._exit(0)  # its work is done; some abort now and then when their interpreter ends


if __name__ == "__main__":
    main()
