"""One peer of the JSON lines benchmark: `python jsonl_peer.py NAME CORPUS FOLDER`.

It runs in an environment of its own, which holds that peer and nothing of ours. Each is given all
files of the folder CORPUS, the schema and two cores, and writes zstd at level 3, one Parquet file
or as many as it likes; daft and datatrove take zstd without a level, which is level 1 for
datatrove. `datasets` takes no codec: its batches go through pyarrow's writer, and
`datasets_snappy` is what it writes by itself. None cuts its pages by their content, which ours does
not do. Its clock starts after its imports. The last line it prints is JSON: seconds and the peer's
version.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

TEXTS = ("id", "path", "kind", "text")
CORES = 2
DATASETS_ROWS = 8192


def files_of(corpus: Path) -> list[str]:
    return [str(path) for path in sorted(corpus.iterdir())]


def polars(corpus: Path, folder: Path) -> Callable[[], object]:
    import polars as pl

    schema = {"id": pl.String, "path": pl.String, "kind": pl.String, "size": pl.Int64}
    schema["text"] = pl.String
    return lambda: pl.scan_ndjson(files_of(corpus), schema=schema).sink_parquet(
        folder / "part.parquet", compression="zstd", compression_level=3
    )


def duckdb(corpus: Path, folder: Path) -> Callable[[], object]:
    import duckdb as duck

    columns = "{id: 'VARCHAR', path: 'VARCHAR', kind: 'VARCHAR', size: 'BIGINT', text: 'VARCHAR'}"
    connection = duck.connect(config={"threads": CORES})
    return lambda: connection.execute(
        f"COPY (SELECT * FROM read_json({files_of(corpus)}, format = 'newline_delimited', "
        f"columns = {columns}, maximum_object_size = 4194304)) "
        f"TO '{folder / 'part.parquet'}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3)"
    )


def daft(corpus: Path, folder: Path) -> Callable[[], object]:
    import daft as engine

    schema = {name: engine.DataType.string() for name in TEXTS}
    schema["size"] = engine.DataType.int64()
    return lambda: engine.read_json(
        files_of(corpus), infer_schema=False, schema=schema
    ).write_parquet(str(folder), compression="zstd")


def datasets(corpus: Path, folder: Path) -> Callable[[], object]:
    import pyarrow.parquet as pq

    def work() -> None:
        loaded = _loaded(corpus, folder).with_format("arrow")
        schema = loaded.features.arrow_schema
        target = folder / "part.parquet"
        with pq.ParquetWriter(target, schema, compression="zstd", compression_level=3) as writer:
            for batch in loaded.iter(DATASETS_ROWS):
                writer.write_table(batch)

    return work


def datasets_snappy(corpus: Path, folder: Path) -> Callable[[], object]:
    def work() -> object:
        target = str(folder / "part.parquet")
        return _loaded(corpus, folder).to_parquet(
            target, use_content_defined_chunking=False, write_page_index=False
        )

    return work


def _loaded(corpus: Path, folder: Path) -> Any:
    from datasets import Features, Value, load_dataset

    kinds = {**dict.fromkeys(TEXTS, "string"), "size": "int64"}
    features = Features({name: Value(kind) for name, kind in kinds.items()})
    return load_dataset(
        "json",
        data_files=files_of(corpus),
        features=features,
        split="train",
        cache_dir=str(folder.parent / "cache"),
    )


def datatrove(corpus: Path, folder: Path) -> Callable[[], object]:
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import ParquetWriter

    executor = LocalPipelineExecutor(
        pipeline=[
            JsonlReader(str(corpus), doc_progress=False),
            ParquetWriter(
                str(folder),
                compression="zstd",
                use_content_defined_chunking=False,
                write_page_index=False,
            ),
        ],
        tasks=CORES,
        workers=CORES,
        logging_dir=str(folder.parent / "logs"),
        start_method="fork",  # so that its tasks import nothing anew
    )
    return lambda: executor.run()


PEERS = {"polars": polars, "duckdb": duckdb, "daft": daft, "datasets": datasets}
PEERS |= {"datasets_snappy": datasets_snappy, "datatrove": datatrove}


def main() -> None:
    name, corpus, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    work = PEERS[name](corpus, folder)
    began = time.perf_counter()
    work()
    seconds = time.perf_counter() - began
    print(
        json.dumps({"seconds": seconds, "version": metadata.version(name.partition("_")[0])}),
        flush=True,
    )
    os._exit(0)  # its work is done; some abort now and then when their interpreter ends


if __name__ == "__main__":
    main()
