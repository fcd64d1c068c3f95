"""The one side of the token benchmark: our engine, as a process of its own.

    python -m benchmarks.tokens_ours CORPUS TOKENIZER FOLDER ROW_TOKENS

Its clock starts after the imports, as that of the other side does; reading the tokenizer, planning
and the parity gate are counted.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from pathlib import Path

import pyarrow as pa

from benchmarks.local_inputs import input_file
from transforms.engine.encoders import Encoders, TokenizerFile
from transforms.engine.gate import pass_gate
from transforms.engine.plan import SHARD_BYTES, plan
from transforms.engine.reading.columnar import unit_bytes
from transforms.engine.run_local import run
from transforms.engine.sources import LocalFile, LocalFolder, Workspace
from transforms.engine.spec import read_spec

THREADS = 2


def main() -> int:
    corpus, tokenizer, folder = (Path(word) for word in sys.argv[1:4])
    # pyarrow imports pandas at its first array where pandas is there: an import like the others
    pa.array([], pa.string())
    began = time.perf_counter()
    encoders = Encoders(lambda name: _read(tokenizer))
    document = {
        "version": 1,
        "inputs": [{"name": "/acme/nlp/~/source", "files": corpus.name}],
        "steps": [
            {"tokenise": {"column": "text", "tokenizer": "deepseek"}},
            {"pack": {"length": int(sys.argv[4])}},
        ],
        "output": {"name": "/acme/nlp/~/source-tokens"},
    }
    file = input_file(corpus)
    workspace = Workspace(
        lambda path: LocalFile(corpus.parent / path),
        LocalFolder(folder / "scratch"),
        LocalFolder(folder / "output"),
    )
    # two shards for each thread, where the usual ones would be fewer
    text_bytes = sum(unit_bytes("parquet", LocalFile(corpus), corpus.name))
    shard_bytes = min(SHARD_BYTES, -(-text_bytes // (2 * THREADS)))
    planned = plan(
        read_spec(document), [file], workspace.open_input, encoders.resolver, shard_bytes
    )
    report = run(planned, workspace, encoders, THREADS)
    seconds = time.perf_counter() - began
    (verdict,) = report.verdicts.values()
    began = time.perf_counter()
    pass_gate(planned, 0, workspace, encoders)
    gate_seconds = time.perf_counter() - began
    print(
        json.dumps(
            {
                "seconds": seconds,
                "gate_seconds": gate_seconds,
                "engine": verdict.engine,
                "fast": verdict.fast,
                "sampled": verdict.sampled,
                "documents": report.documents,
                "shards": len(planned.shards),
            }
        )
    )
    return 0


def _read(path: Path) -> TokenizerFile:
    data = path.read_bytes()
    return TokenizerFile(data, hashlib.sha256(data).hexdigest())


if __name__ == "__main__":
    sys.exit(main())
