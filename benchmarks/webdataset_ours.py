"""The one side of the WebDataset benchmark: a run of our engine, as a process of its own.

    python -m benchmarks.webdataset_ours RECORDS FOLDER

Its clock starts after the imports, as that of the other side does. Planning is counted, and so are
the digests of each file: its sha256, and the sha256 and CRC-32C of each of its chunks.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from pathlib import Path

import pyarrow as pa

from benchmarks.local_inputs import no_tokenizer
from transforms.engine.encoders import Encoders
from transforms.engine.plan import InputFile, plan
from transforms.engine.run_local import run
from transforms.engine.sources import LocalFile, LocalFolder, Workspace
from transforms.engine.spec import read_spec

COLUMNS = ["key", "jpg", "txt", "label"]


def main() -> int:
    records, folder = (Path(word) for word in sys.argv[1:3])
    # pyarrow imports pandas at its first array where pandas is there: an import like the others
    pa.array([], pa.string())
    began = time.perf_counter()
    document = {
        "version": 1,
        "inputs": [{"name": "/acme/vision/~/pictures"}],
        "steps": [{"select": {"columns": COLUMNS}}],
        "output": {"name": "/acme/vision/~/shards", "format": "webdataset", "key": "key"},
    }
    data = records.read_bytes()
    file = InputFile(records.name, len(data), hashlib.sha256(data).hexdigest())
    workspace = Workspace(
        lambda path: LocalFile(records.parent / path),
        LocalFolder(folder / "scratch"),
        LocalFolder(folder / "output"),
    )
    encoders = Encoders(no_tokenizer)
    planned = plan(read_spec(document), [file], workspace.open_input, encoders.resolver)
    report = run(planned, workspace, encoders)
    seconds = time.perf_counter() - began
    writing = report.seconds["write"]
    print(json.dumps({"seconds": seconds, "writing": writing, "rows": report.rows_out}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
