"""Our side of the JSON lines benchmark: `python -m benchmarks.jsonl_ours CORPUS FOLDER`.

Its clock starts after the imports; planning, hashing of the parts and the accounts are counted.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from pathlib import Path

import pyarrow as pa

from transforms.engine.encoders import Encoders, TokenizerFile
from transforms.engine.plan import InputFile, plan
from transforms.engine.run_local import run
from transforms.engine.sources import LocalFile, LocalFolder, Workspace
from transforms.engine.spec import read_spec

COLUMNS = {"id": "string", "path": "string", "kind": "string", "size": "int64", "text": "string"}
THREADS = 2


def main() -> None:
    corpus, folder = Path(sys.argv[1]), Path(sys.argv[2])
    # the version's manifest knows the digest before a pipeline is planned
    with corpus.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    # pyarrow imports pandas at its first array where pandas is there: an import like the others
    pa.array([], pa.string())
    began = time.perf_counter()
    document = {
        "version": 1,
        "inputs": [{"name": "/acme/nlp/~/source", "files": corpus.name, "schema": COLUMNS}],
        "steps": [{"select": {"columns": list(COLUMNS)}}],
        "output": {"name": "/acme/nlp/~/rows"},
    }
    workspace = Workspace(
        lambda path: LocalFile(corpus.parent / path),
        LocalFolder(folder.parent / "scratch"),
        LocalFolder(folder),
    )
    encoders = Encoders(_no_tokenizer)
    file = InputFile(corpus.name, corpus.stat().st_size, sha256)
    planned = plan(read_spec(document), [file], workspace.open_input, encoders.resolver)
    report = run(planned, workspace, encoders, THREADS)
    told = {
        "seconds": time.perf_counter() - began,
        "rows": report.rows_out,
        "quarantined": report.quarantined,
        "shards": len(planned.shards),
    }
    print(json.dumps(told))


def _no_tokenizer(name: str) -> TokenizerFile:
    raise LookupError(name)


if __name__ == "__main__":
    main()
