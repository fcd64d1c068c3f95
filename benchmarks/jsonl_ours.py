"""Our side of the JSON lines benchmark: `python -m benchmarks.jsonl_ours CORPUS FOLDER`.

Its clock starts after the imports; planning, hashing of the parts and the accounts are counted.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pyarrow as pa

from benchmarks.local_inputs import input_file, no_tokenizer
from transforms.engine.encoders import Encoders
from transforms.engine.plan import plan
from transforms.engine.run_local import run
from transforms.engine.sources import LocalFile, LocalFolder, Workspace
from transforms.engine.spec import read_spec

COLUMNS = {"id": "string", "path": "string", "kind": "string", "size": "int64", "text": "string"}
THREADS = 2


def main() -> None:
    corpus, folder = Path(sys.argv[1]), Path(sys.argv[2])
    # the version's manifest knows the digests before a pipeline is planned
    files = [input_file(path) for path in sorted(corpus.iterdir())]
    # pyarrow imports pandas at its first array where pandas is there: an import like the others
    pa.array([], pa.string())
    began = time.perf_counter()
    document = {
        "version": 1,
        "inputs": [{"name": "/acme/nlp/~/source", "schema": COLUMNS}],
        "steps": [{"select": {"columns": list(COLUMNS)}}],
        "output": {"name": "/acme/nlp/~/rows"},
    }
    workspace = Workspace(
        lambda path: LocalFile(corpus / path),
        LocalFolder(folder.parent / "scratch"),
        LocalFolder(folder),
    )
    encoders = Encoders(no_tokenizer)
    planned = plan(read_spec(document), files, workspace.open_input, encoders.resolver)
    report = run(planned, workspace, encoders, THREADS)
    told = {
        "seconds": time.perf_counter() - began,
        "rows": report.rows_out,
        "quarantined": report.quarantined,
        "shards": len(planned.shards),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
