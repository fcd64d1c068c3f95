"""Our side of the benchmark of whole pipelines, as a process of its own.

    python -m benchmarks.corpus_ours CORPUS TOKENIZER FOLDER DEDUP END HOW COUNT

DEDUP is `exact` or `near`. END is `tokens` for the whole pipeline, or `texts` for the rows as they
are before they are tokenised. HOW is `processes`, as the platform's workers are, or `threads` of
one process, where a run that was cut off goes on in the same folder; COUNT says how many. The clock
starts after the imports; reading the tokenizer, planning and the parity gate are counted.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections import Counter
from pathlib import Path

import pyarrow as pa

from benchmarks.corpus_workers import Place, Workers
from benchmarks.local_inputs import input_file
from transforms.engine.plan import InputFile, Plan, plan
from transforms.engine.result import RunReport
from transforms.engine.run_local import run
from transforms.engine.spec import read_spec

ROW_TOKENS = 2048
DEDUP: dict[str, dict[str, object]] = {
    "exact": {"dedup_exact": {"columns": ["text"]}},
    "near": {"near_dedup": {"column": "text", "threshold": 0.72}},
}
END: dict[str, list[dict[str, object]]] = {
    "tokens": [
        {"tokenise": {"column": "text", "tokenizer": "deepseek"}},
        {"pack": {"length": ROW_TOKENS}},
    ],
    "texts": [{"select": {"columns": ["text"]}}],
}


def document(dedup: str, end: str) -> dict[str, object]:
    """Return the pipeline; of personal data it replaces what datatrove replaces, too."""
    columns = {"id": "string", "text": "string"}
    return {
        "version": 1,
        "inputs": [{"name": "/acme/nlp/~/raw", "files": "*.jsonl", "schema": columns}],
        "steps": [
            {"normalise": {"column": "text"}},
            {"language": {"column": "text", "keep": ["en"], "min_confidence": 0.65}},
            {"quality": {"column": "text", "rules": ["gopher_repetition", "gopher"]}},
            DEDUP[dedup],
            {"redact": {"column": "text", "kinds": ["email", "ip"]}},
            *END[end],
        ],
        "output": {"name": "/acme/nlp/~/clean"},
    }


def main() -> None:
    place = Place(*(Path(word) for word in sys.argv[1:4]))
    dedup, end, how, count = sys.argv[4], sys.argv[5], sys.argv[6], int(sys.argv[7])
    # pyarrow imports pandas at its first array where pandas is there: an import like the others
    pa.array([], pa.string())
    # the version's manifest knows the digests before a pipeline is planned
    files = [input_file(path) for path in sorted(place.corpus.glob("*.jsonl"))]
    workers = Workers(count) if how == "processes" else None
    began = time.perf_counter()
    planned = _planned(place, dedup, end, files)
    if workers is None:
        report = run(planned, place.workspace(), place.encoders(), count)
    else:
        report = workers.run(planned, place)
    seconds = time.perf_counter() - began
    if workers is not None:
        workers.close()
    print(json.dumps({"seconds": seconds, "shards": len(planned.shards), **_told(report)}))


def _planned(place: Place, dedup: str, end: str, files: list[InputFile]) -> Plan:
    return plan(
        read_spec(document(dedup, end)),
        files,
        place.workspace().open_input,
        place.encoders().resolver,
        shard_bytes=max(each.bytes for each in files),  # a shard each
    )


def _told(report: RunReport) -> dict[str, object]:
    dropped: Counter[str] = Counter()
    for reason, count in report.dropped.items():
        dropped[reason.partition(".")[0]] += count
    steps = {name: round(spent, 2) for name, spent in report.seconds.items()}
    files = [(entry.path, entry.sha256) for entry in report.outputs]
    return {
        "documents": report.rows_in,
        "tokens": report.counts.get("packed_tokens", 0),
        "dropped": dropped,
        "steps": steps,
        "digest": hashlib.sha256(json.dumps(files).encode()).hexdigest(),
    }


if __name__ == "__main__":
    main()
