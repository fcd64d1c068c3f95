"""Whether two runs of whole pipelines did the same work: documents by step, and ids by text."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

KEPT_MOST_APART = 0.1
"""How far the documents kept behind a step may lie apart, as a share of ours: the models that tell
languages differ, and so do the words that the rules count."""
COMMON_LEAST = {"exact": 0.9, "near": 0.8}
"""Which share of the texts that either side tokenised both must have. Of a cluster of near
duplicates each keeps another one."""
Tokens = npt.NDArray[np.uint32]
Documents = Mapping[str, bytes]
"""By text its token ids."""


def kept_by_step(documents: int, dropped: Mapping[str, int], dedup: str) -> dict[str, int]:
    """Return how many documents are left behind each step that drops some."""
    duplicate = "duplicate" if dedup == "exact" else "near_duplicate"
    kept = {}
    for step in ("language", "gopher_repetition", "gopher", duplicate):
        documents -= dropped[step]
        kept[step] = documents
    return kept


def check_kept(ours: Mapping[str, int], peers: Mapping[str, int]) -> None:
    """End the benchmark where the sides lie further apart than they may."""
    print(f"documents kept behind each step, ours/peer: {_beside(ours, peers)}")
    for step, count in ours.items():
        if abs(count - peers[step]) > KEPT_MOST_APART * count:
            sys.exit(f"Behind {step} ours has {count} documents and the peer {peers[step]}.")


def _beside(ours: Mapping[str, int], peers: Mapping[str, int]) -> str:
    return ", ".join(f"{step} {count}/{peers[step]}" for step, count in ours.items())


def check_documents(ours: Documents, peers: Documents, dedup: str) -> None:
    """End the benchmark where a text has other ids on the other side, or too few are common."""
    common = ours.keys() & peers.keys()
    differing = [text for text in common if ours[text] != peers[text]]
    if differing:
        sys.exit(f"{len(differing)} texts have other ids on the other side: {differing[0][:200]!r}")
    share = len(common) / max(len(ours), len(peers))
    print(f"{len(common)} texts on both sides ({share:.3f}), with the same ids each")
    if share < COMMON_LEAST[dedup]:
        sys.exit(f"Only {share:.3f} of the texts are the same; {COMMON_LEAST[dedup]} must be.")


@dataclass(frozen=True)
class Part:
    """The tokens of some documents, where each of them ends, and their texts."""

    tokens: Tokens
    ends: npt.NDArray[np.int64]
    texts: list[str]


def documents_in(parts: Iterator[Part]) -> Documents:
    found: dict[str, bytes] = {}
    for part in parts:
        if len(part.ends) != len(part.texts):
            sys.exit(f"{len(part.ends)} documents were tokenised, and {len(part.texts)} were left.")
        for text, ids in zip(part.texts, np.split(part.tokens, part.ends[:-1]), strict=True):
            found[text] = ids.tobytes()
    return found


def our_parts(tokens: Path, texts: Path) -> Iterator[Part]:
    """Read packed rows, and the same shards' texts, which are in the same order."""
    for path in sorted(tokens.glob("*.parquet")):
        packed = pq.read_table(path)
        rows, starts = _lists(packed, "input_ids"), _lists(packed, "doc_starts")
        lengths = packed["length"].to_numpy()
        width = len(rows.values) // max(len(rows), 1)
        inside = np.arange(width) < lengths[:, None]
        row_of = np.repeat(np.arange(len(rows)), np.diff(starts.offsets.to_numpy()))
        begun = row_of * width + starts.values.to_numpy()
        flat = rows.values.to_numpy().astype(np.uint32)[inside.reshape(-1)]
        ends = np.append(begun[1:], len(flat)).astype(np.int64)
        left = cast("list[str]", pq.read_table(texts / path.name)["text"].to_pylist())
        yield Part(flat, ends, left)


def _lists(table: pa.Table, name: str) -> pa.ListArray[pa.Int32Scalar]:
    return cast("pa.ListArray[pa.Int32Scalar]", table[name].combine_chunks())


def peer_parts(tokens: Path, texts: Path) -> Iterator[Part]:
    for path in sorted(tokens.glob("*.ds")):
        ends = np.fromfile(path.with_name(path.name + ".index"), "<u8").astype(np.int64)
        with (texts / f"{path.name.partition('_')[0]}.jsonl").open(encoding="utf-8") as stream:
            found = [str(json.loads(line)["text"]) for line in stream]
        yield Part(np.fromfile(path, "<u4"), ends, found)
