"""normalise: one Unicode form for a text column."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

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


@dataclass(frozen=True)
class Normalise(Operator):
    """Bring a text column into one Unicode normalisation form; nulls stay null.

    Source: Unicode Standard Annex 15.
    """

    NAME: ClassVar[str] = "normalise"
    VERSION: ClassVar[int] = 1

    column: str = field(metadata=rule("The text column."))
    form: Literal["NFC", "NFD", "NFKC", "NFKD"] = field(
        default="NFC", metadata=rule("The Unicode normalisation form.")
    )
    trim: bool = field(
        default=False, metadata=rule("Also cut white space at both ends, after normalising.")
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
        text: Text = pc.utf8_normalize(column, form=self.form)  # type: ignore[attr-defined]  # not in the stubs
        if self.trim:
            text = pc.utf8_trim_whitespace(text)
        return Applied(batch.set_column(position, batch.schema.field(position), text))
