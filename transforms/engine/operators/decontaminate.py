"""decontaminate: no row that repeats a benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from core.errors import InvalidSpec
from transforms.engine.arrow import Text
from transforms.engine.contamination import (
    Benchmark,
    NGrams,
    digest_of,
    installed,
    texts_of,
    words_in,
)
from transforms.engine.encoders import Encoders
from transforms.engine.operators.base import (
    Applied,
    ColumnMap,
    Operator,
    RowByRow,
    Running,
    filtered_by,
    identity,
    keep_rows,
)
from transforms.engine.params import rule
from transforms.engine.problems import Problem, problems_of, refuse, require_text

INLINE = "texts"


@dataclass(frozen=True)
class Decontaminate(Operator):
    """Drop the rows that share a run of `n` words with a benchmark, so that it can still be asked.

    Case, punctuation and spacing make no difference. A row goes as `contaminated.SET`, or as
    `contaminated.texts` for the texts given here. A row without text stays. What the sets hold is
    part of the pipeline's digest.
    """

    NAME: ClassVar[str] = "decontaminate"
    VERSION: ClassVar[int] = 1

    column: str = field(metadata=rule("The text column."))
    sets: tuple[Benchmark, ...] = field(
        default=(), metadata=rule("Benchmarks that are installed here.")
    )
    texts: tuple[str, ...] = field(
        default=(), metadata=rule("Texts that must not turn up, each of `n` words or more.")
    )
    n: int = field(
        default=13, metadata=rule("Words that must agree in a row.", minimum=2, maximum=100)
    )
    min_places: int = field(
        default=1, metadata=rule("In how many places they must agree.", minimum=1)
    )

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        require_text(schema, self.column, "column")
        problems: list[Problem] = []
        if not self.sets and not self.texts:
            problems.append(Problem("", "Nothing is given to compare with: name sets or texts."))
        for position, name in enumerate(self.sets):
            where = f"sets[{position}]"
            if name in self.sets[:position]:
                problems.append(Problem(where, f"{name!r} stands twice."))
            try:
                texts_of(name)
            except InvalidSpec as error:
                problems += [each.below(where) for each in problems_of(error)]
        lengths = words_in(cast("Text", pa.array(self.texts, pa.large_string()))).count().tolist()
        problems += [
            Problem(f"texts[{at}]", f"It has {length} words; fewer than {self.n} find nothing.")
            for at, length in enumerate(lengths)
            if length < self.n
        ]
        if problems:
            raise refuse(problems)
        return schema

    def column_map(self, schema: pa.Schema) -> ColumnMap:
        return filtered_by((self.column,), {name: identity(name) for name in schema.names})

    def versions(self) -> Mapping[str, str]:
        """Return the digests of the sets; one that is missing is refused with the columns."""
        held = [name for name in self.sets if installed(name)]
        return {f"{name}, {self.n} words": digest_of(texts_of(name), self.n) for name in held}

    def start(self, encoders: Encoders) -> Running:
        sources: list[tuple[str, Sequence[str]]] = [(name, texts_of(name)) for name in self.sets]
        if self.texts:
            sources.append((INLINE, self.texts))
        grams = {name: NGrams.of(texts, self.n) for name, texts in sources}
        return RowByRow(lambda batch: self._apply(batch, grams))

    def _apply(self, batch: pa.RecordBatch, grams: Mapping[str, NGrams]) -> Applied:
        words = words_in(cast("Text", batch.column(self.column).fill_null("")))
        failed: npt.NDArray[np.int64] = np.full(batch.num_rows, -1, np.int64)
        for position, each in enumerate(grams.values()):
            failed[(failed < 0) & (each.shared(words) >= self.min_places)] = position
        return keep_rows(batch, failed, tuple(f"contaminated.{name}" for name in grams))
