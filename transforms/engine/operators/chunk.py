"""chunk: one text as several rows, cut where it has a seam."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from core.errors import Invalid
from transforms.engine.arrow import AnyField, text_of
from transforms.engine.chunking import Characters, Cutter, Span, Tokens, Unit
from transforms.engine.encoders import Encoders, ReferenceEncoder
from transforms.engine.operators.base import (
    Applied,
    ColumnMap,
    ColumnUse,
    Operator,
    RowByRow,
    Running,
    Scope,
    filtered_by,
    identity,
    keep_rows,
    transformed,
)
from transforms.engine.params import rule
from transforms.engine.problems import Problem, refuse, require_text

INDEX, START, END = "chunk_index", "start", "end"
REASON = "chunk.no_text"
_FIELDS: tuple[AnyField, ...] = (
    pa.field(INDEX, pa.int32(), nullable=False),
    pa.field(START, pa.int64(), nullable=False),
    pa.field(END, pa.int64(), nullable=False),
)


@dataclass(frozen=True)
class Chunk(Operator):
    """Cut each text into chunks of at most `size`: a row becomes as many rows as it has chunks.

    A chunk goes as far as it may and ends with the end of a paragraph; where there is none, of a
    sentence, a line or a word; only a longer word is cut. `sentence` and `word` begin at theirs.
    With `heading`, a `#` heading of Markdown also begins a new chunk. White space around a chunk
    goes.

    `chunk_index` counts the chunks of a text from 0, and `start` and `end` say where in it the
    chunk stands, in characters: it is `text[start:end]`. All other columns stand in each of the
    rows. A row without text is dropped as `chunk.no_text`.
    """

    NAME: ClassVar[str] = "chunk"
    VERSION: ClassVar[int] = 1
    SCOPE: ClassVar[Scope] = Scope.ROWS

    column: str = field(metadata=rule("The text column; the chunk takes its place."))
    by: Unit = field(default="paragraph", metadata=rule("What is kept whole where it fits."))
    size: int = field(
        default=1000,
        metadata=rule("The most that a chunk holds.", minimum=16, maximum=10_000_000),
    )
    tokenizer: str | None = field(
        default=None,
        metadata=rule("Count in tokens of this installed tokenizer; by default in characters."),
    )
    overlap: int = field(
        default=0,
        metadata=rule(
            "At most so much of the end of a chunk is the beginning of the next one as well.",
            minimum=0,
        ),
    )

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        require_text(schema, self.column, "column")
        problems = [
            Problem("", f"There is a column {name!r} already; rename it before.")
            for name in (INDEX, START, END)
            if name in schema.names
        ]
        if self.overlap > self.size // 2:
            message = f"At most half of a chunk may stand in the next one too, {self.size // 2}."
            problems.append(Problem("overlap", message))
        if problems:
            raise refuse(problems)
        return pa.schema([*schema, *_FIELDS])

    def column_map(self, schema: pa.Schema) -> ColumnMap:
        kept: dict[str, ColumnUse] = {
            name: transformed(name) if name == self.column else identity(name)
            for name in schema.names
        }
        kept |= {name: transformed(self.column) for name in (INDEX, START, END)}
        return filtered_by((self.column,), kept)

    def tokenizers(self) -> tuple[str, ...]:
        return () if self.tokenizer is None else (self.tokenizer,)

    def start(self, encoders: Encoders) -> Running:
        encoder = None
        if self.tokenizer is not None:
            encoder = encoders.load(self.tokenizer, "text").reference
        return RowByRow(lambda batch: self._apply(batch, encoder))

    def _apply(self, batch: pa.RecordBatch, encoder: ReferenceEncoder | None) -> Applied:
        texts = text_of(batch.column(self.column)).to_pylist()
        filled = ["" if text is None else text for text in texts]
        spans = self._spans(filled, encoder)
        counts = np.fromiter(map(len, spans), np.int64, len(spans))
        kept = keep_rows(batch, np.where(counts > 0, -1, 0), (REASON,))
        chunks = [text[a:b] for text, each in zip(filled, spans, strict=True) for a, b in each]
        counts = counts[counts > 0]
        made = self._rows(
            kept.batch, counts, np.array([at for each in spans for at in each]), chunks
        )
        return Applied(made, kept.reasons, {"chunks": len(chunks)}, len(chunks) - len(counts))

    def _rows(
        self,
        batch: pa.RecordBatch,
        counts: npt.NDArray[np.int64],
        spans: npt.NDArray[np.int64],
        chunks: list[str],
    ) -> pa.RecordBatch:
        """Return each row of `batch` as often as `counts` says, each time with its chunk.

        Raises Invalid where the other columns would be more than one batch can hold.
        """
        owner = np.repeat(np.arange(len(counts)), counts)
        places = spans.reshape(-1, 2)
        position = batch.schema.get_field_index(self.column)
        others = batch.remove_column(position)  # the text itself would stand there once a chunk
        try:
            arrays = list(others.take(pa.array(owner, pa.int64())).columns)
        except pa.ArrowInvalid as error:
            raise Invalid(
                "The other columns of a row are too large to stand beside each of its chunks; "
                "leave the largest out with `select`, or cut larger chunks."
            ) from error
        arrays.insert(position, pa.array(chunks, batch.schema.field(position).type))
        index = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
        arrays += [
            pa.array(index, pa.int32()),
            pa.array(places[:, 0], pa.int64()),
            pa.array(places[:, 1], pa.int64()),
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self.output_schema(batch.schema))

    def _spans(self, texts: list[str], encoder: ReferenceEncoder | None) -> list[list[Span]]:
        if encoder is None:
            cutter = Cutter(self.by, self.size, self.overlap)
            return [cutter.spans(text, Characters()) for text in texts]
        starts = encoder.starts(texts)
        return [
            self._fitting(text, Tokens(each, len(text)), encoder)
            for text, each in zip(texts, starts, strict=True)
        ]

    def _fitting(self, text: str, tokens: Tokens, encoder: ReferenceEncoder) -> list[Span]:
        """Return chunks that, each encoded alone, have at most `size` tokens.

        A part of a text may have more tokens alone than within it; then all are cut shorter. Only
        a single character is let through whatever its tokens are.
        """
        size = self.size
        while True:
            overlap = min(self.overlap, size // 2)
            spans = Cutter(self.by, size, overlap).spans(text, tokens)
            excess = self._excess(text, spans, encoder)
            if excess <= 0 or size == 1:
                return spans
            size = max(size - excess, 1)

    def _excess(self, text: str, spans: Sequence[Span], encoder: ReferenceEncoder) -> int:
        chunks = [text[start:end] for start, end in spans if end - start > 1]
        lengths = np.diff(encoder.encode(chunks).offsets)
        return int(lengths.max(initial=0)) - self.size
