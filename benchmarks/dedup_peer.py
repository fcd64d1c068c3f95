"""`datasketch` on the corpus of the deduplication benchmark, in an environment of its own.

    python dedup_peer.py CORPUS THRESHOLD WORDS PLACES

As its documentation shows it: sketches in bulk, then each text is looked up in the index and, where
nothing there is as alike by its sketch, put into it. Its clock starts when the texts are in memory.
The last line it prints is JSON: seconds, the version, and, as JSON again, which texts it drops.
"""

from __future__ import annotations

import json
import sys
import time
from importlib import metadata
from pathlib import Path

from datasketch import MinHash, MinHashLSH


def main() -> None:
    corpus, threshold = Path(sys.argv[1]), float(sys.argv[2])
    words, places = int(sys.argv[3]), int(sys.argv[4])
    with corpus.open(encoding="utf-8") as stream:
        texts = [json.loads(line)["text"] for line in stream]
    began = time.perf_counter()
    sketches = MinHash.bulk((_shingles(text, words) for text in texts), num_perm=places)
    index = MinHashLSH(threshold=threshold, num_perm=places)
    dropped = []
    for number, sketch in enumerate(sketches):
        found = index.query(sketch)
        if any(sketch.jaccard(sketches[other]) >= threshold for other in found):
            dropped.append(number)
        else:
            index.insert(number, sketch)
    seconds = time.perf_counter() - began
    version = metadata.version("datasketch")
    told = {"seconds": seconds, "version": version, "dropped": json.dumps(dropped)}
    print(json.dumps(told))


def _shingles(text: str, words: int) -> list[bytes]:
    found = text.split()
    starts = range(max(1, len(found) - words + 1)) if found else range(0)
    return [" ".join(found[start : start + words]).encode() for start in starts]


if __name__ == "__main__":
    main()
