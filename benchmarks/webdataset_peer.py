"""The other side of the WebDataset benchmark: the library `webdataset` and its ShardWriter.

    python -m benchmarks.webdataset_peer RECORDS FOLDER

It is given bytes, so that it encodes nothing, and a fixed time. Its clock starts after the imports.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import webdataset


def main() -> int:
    records, folder = (Path(word) for word in sys.argv[1:3])
    (folder / "output").mkdir(parents=True)
    pattern = str(folder / "output" / "part-%05d.tar")
    began = time.perf_counter()
    rows = 0
    with webdataset.ShardWriter(pattern, verbose=0, encoder=False, mtime=0) as writer:
        for batch in pq.ParquetFile(records).iter_batches(8192):
            columns = (batch.column(name).to_pylist() for name in ("key", "jpg", "txt", "label"))
            for key, picture, caption, label in zip(*columns, strict=True):
                writer.write(
                    {
                        "__key__": key,
                        "jpg": picture,
                        "txt": caption.encode(),
                        "label.json": str(label).encode(),
                    }
                )
                rows += 1
    print(json.dumps({"seconds": time.perf_counter() - began, "rows": rows}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
