"""dedup_lines: in each text, every line or paragraph once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.engine.arrow import Text, text_of
from transforms.engine.encoders import Encoders
from transforms.engine.operators.base import (
    Applied,
    ColumnMap,
    Operator,
    RowByRow,
    Running,
    edited_in_place,
)
from transforms.engine.params import rule
from transforms.engine.problems import require_text
from transforms.engine.quality.pieces import Pieces, characters, joined, pieces_between

_BETWEEN = {"line": ("\n", "\n"), "paragraph": ("\n\n+", "\n\n")}
"""For each unit what parts it from the next, and what is put between two that stay."""


@dataclass(frozen=True)
class DedupLines(Operator):
    """Take out the lines or paragraphs that stand earlier in the same text; no row goes.

    White space around them does not make them differ, and blank ones stay. A text without a repeat
    keeps its bytes; in another, paragraphs are parted by one empty line. Other texts play no part.
    """

    NAME: ClassVar[str] = "dedup_lines"
    VERSION: ClassVar[int] = 1

    column: str = field(metadata=rule("The text column."))
    unit: Literal["line", "paragraph"] = field(
        default="line", metadata=rule("What is compared; paragraphs are parted by empty lines.")
    )
    min_characters: int = field(
        default=1, metadata=rule("Shorter ones stay, such as `}`.", minimum=1)
    )

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        require_text(schema, self.column, "column")
        return schema

    def column_map(self, schema: pa.Schema) -> ColumnMap:
        return edited_in_place(self.column, schema)

    def start(self, encoders: Encoders) -> Running:
        return RowByRow(self.apply)

    def apply(self, batch: pa.RecordBatch) -> Applied:
        position = batch.schema.get_field_index(self.column)
        column = text_of(batch.column(position))
        expression, separator = _BETWEEN[self.unit]
        pieces = pieces_between(cast("Text", column.fill_null("")), expression)
        trimmed = text_of(pc.utf8_trim_whitespace(pieces.values))
        again = Pieces(trimmed, pieces.owner, pieces.texts).repeated()
        again &= characters(trimmed) >= self.min_characters
        if not again.any():
            return Applied(batch)
        changed = pieces.count(again) > 0
        kept = pieces.where(~again & changed[pieces.owner])
        place = np.cumsum(changed) - 1
        shorter = joined(Pieces(kept.values, place[kept.owner], int(changed.sum())), separator)
        text = text_of(pc.replace_with_mask(column, pa.array(changed), shorter))
        counts = {f"repeated_{self.unit}s": int(again.sum()), "shortened": int(changed.sum())}
        return Applied(batch.set_column(position, batch.schema.field(position), text), None, counts)
