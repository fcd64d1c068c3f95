"""What a document says of its result: the format of the files, and how the rows are split."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from transforms.engine.params import rule
from transforms.engine.problems import Problem

OutputFormat = Literal[
    "parquet",
    "jsonl",
    "csv",
    "arrow",
    "orc",
    "webdataset",
    "mds",
    "megatron",
    "tfrecord",
    "huggingface",
    "lance",
]
Compression = Literal["none", "gzip", "zstd"]
Metric = Literal["cos", "ip", "l2sq"]
NAME_PATTERN = r"^(/[a-z0-9][a-z0-9._-]{0,63})+/~/[a-z0-9][a-z0-9._-]{0,63}$"
PART_PATTERN = r"^[a-z][a-z0-9_]{0,31}$"
_TAKEN = "quarantine"
"""Where a run puts the rows that are no rows; no part may be called so."""


@dataclass(frozen=True)
class VectorIndex:
    """An index that finds the rows whose vectors are nearest to one that is asked for."""

    column: str = field(
        default="embedding", metadata=rule("The column of vectors, all of one length.")
    )
    metric: Metric = field(
        default="cos",
        metadata=rule("Cosine distance, inner product, or the square of the Euclidean distance."),
    )
    dtype: Literal["f32", "f16"] = field(
        default="f32", metadata=rule("How a number is kept; `f16` halves the files.")
    )
    connectivity: int = field(
        default=16, metadata=rule("Neighbours of a vector in the graph.", minimum=2, maximum=128)
    )
    expansion: int = field(
        default=128,
        metadata=rule(
            "Candidates looked at for each vector; more find more and take longer.",
            minimum=1,
            maximum=4096,
        ),
    )


@dataclass(frozen=True)
class Output:
    """What is written."""

    name: str = field(metadata=rule("The data product of the result.", pattern=NAME_PATTERN))
    format: OutputFormat = field(default="parquet", metadata=rule("The file format, see below."))
    compression: Compression | None = field(
        default=None,
        metadata=rule("By default what suits the format; which formats know it is told below."),
    )
    key: str | None = field(
        default=None,
        metadata=rule(
            "For `webdataset`: the column that names a sample; by default its place does."
        ),
    )
    column: str | None = field(
        default=None,
        metadata=rule("For `megatron`: the column of token ids, by default `input_ids`."),
    )
    index: VectorIndex | None = field(
        default=None,
        metadata=rule(
            "For `parquet` and `arrow`: beside each part an index of a column of vectors."
        ),
    )


@dataclass(frozen=True)
class Split:
    """Into which parts the rows go."""

    parts: Mapping[str, float] = field(
        metadata=rule("The parts and their shares, which add up to 1.", names=PART_PATTERN)
    )
    by: str | None = field(
        default=None,
        metadata=rule("Rows equal in this column stay together; by default each row is alone."),
    )
    seed: int = field(
        default=0, metadata=rule("Another seed, another split.", minimum=0, maximum=2**32 - 1)
    )

    def problems(self) -> Iterator[Problem]:
        """Yield what no input could make right."""
        if _TAKEN in self.parts:
            yield Problem(f"split.parts.{_TAKEN}", f"{_TAKEN!r} is taken; choose another name.")
        for name, share in self.parts.items():
            if not 0 < share <= 1:
                message = f"A share lies above 0 and up to 1, found {share}."
                yield Problem(f"split.parts.{name}", message)
        total = math.fsum(self.parts.values())
        if not math.isclose(total, 1, abs_tol=1e-6):
            yield Problem("split.parts", f"The shares add up to {total:.6g}, not to 1.")
