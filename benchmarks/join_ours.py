"""Our side of the join benchmark: `python -m benchmarks.join_ours PAGES NOTES FOLDER`.

Its clock starts after the imports; planning, hashing of the parts and the accounts are counted.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pyarrow as pa

from benchmarks.join_corpus import files
from benchmarks.local_inputs import input_file, no_tokenizer
from transforms.engine.encoders import Encoders
from transforms.engine.plan import Given, plan
from transforms.engine.run_local import run
from transforms.engine.sources import LocalFile, LocalFolder, OpenInput, Workspace
from transforms.engine.spec import read_spec

THREADS = 2
DOCUMENT = {
    "version": 1,
    "inputs": [
        {"name": "/acme/web/~/pages"},
        {"name": "/acme/web/~/notes", "alias": "notes"},
    ],
    "steps": [{"join": {"input": "notes", "keys": ["url"]}}],
    "output": {"name": "/acme/web/~/noted"},
}


def main() -> None:
    pages, notes, folder = (Path(word) for word in sys.argv[1:4])
    # the versions' manifests know the digests before a pipeline is planned
    mine, theirs = (
        Given([input_file(path) for path in files(side)], _in(side)) for side in (pages, notes)
    )
    # pyarrow imports pandas at its first array where pandas is there: an import like the others
    pa.array([], pa.string())
    began = time.perf_counter()
    workspace = Workspace(
        mine.open_input,
        LocalFolder(folder.parent / "scratch"),
        LocalFolder(folder),
        (theirs.open_input,),
    )
    encoders = Encoders(no_tokenizer)
    planned = plan(
        read_spec(DOCUMENT), mine.files, mine.open_input, encoders.resolver, further=(theirs,)
    )
    report = run(planned, workspace, encoders, THREADS)
    told = {
        "seconds": time.perf_counter() - began,
        "rows": report.rows_out,
        "shards": len(planned.shards),
        "parts": planned.stages[0].partitions,
    }
    print(json.dumps(told))


def _in(folder: Path) -> OpenInput:
    return lambda path: LocalFile(folder / path)


if __name__ == "__main__":
    main()
