"""quality: keep the texts that read like prose, by the rules of well-known corpora."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa

from transforms.engine.arrow import Text, text_of
from transforms.engine.encoders import Encoders
from transforms.engine.operators.base import (
    Applied,
    ColumnMap,
    Operator,
    RowByRow,
    Running,
    edited,
    filtered_by,
    identity,
    keep_rows,
)
from transforms.engine.params import rule
from transforms.engine.problems import Problem, refuse, require_text
from transforms.engine.quality import c4, fineweb, gopher, repetition
from transforms.engine.quality.pieces import (
    Cut,
    CutOnce,
    Verdicts,
    words_and_marks_of,
    words_of,
)

RuleSet = Literal["gopher", "gopher_repetition", "c4", "fineweb"]
NULL_TEXT = "null_text"

_JUDGES: Mapping[RuleSet, Callable[[Text, Cut], tuple[Verdicts, Text]]] = {
    "gopher": lambda texts, cut: (gopher.judge(texts, cut), texts),
    "gopher_repetition": lambda texts, cut: (repetition.judge(texts, cut), texts),
    "c4": lambda texts, _: c4.judge(texts),
    "fineweb": lambda texts, cut: (fineweb.judge(texts, cut), texts),
}
_CUTS: Mapping[str, Cut] = {"apart": words_and_marks_of, "attached": words_of}


@dataclass(frozen=True)
class Quality(Operator):
    """Drop the rows whose text breaks a rule of Gopher, C4 or FineWeb, counted under that rule.

    The sets are applied in order, each with the limits that its paper gives. `c4` also takes lines
    out of the text that are no sentences, and the sets behind it see what is left. A row without
    text is dropped as `null_text`.
    """

    NAME: ClassVar[str] = "quality"
    VERSION: ClassVar[int] = 1

    column: str = field(metadata=rule("The text column."))
    rules: tuple[RuleSet, ...] = field(metadata=rule("The sets of rules, in order.", min_items=1))

    punctuation: Literal["apart", "attached"] = field(
        default="apart",
        metadata=rule(
            "Whether marks at the ends of a word count as words, as they do for datatrove, or "
            "belong to it. For `c4` they always belong to it."
        ),
    )

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        require_text(schema, self.column, "column")
        for position, name in enumerate(self.rules):
            if name in self.rules[:position]:
                raise refuse([Problem(f"rules[{position}]", f"{name!r} stands twice.")])
        return schema

    def column_map(self, schema: pa.Schema) -> ColumnMap:
        kept = {name: identity(name) for name in schema.names}
        if "c4" in self.rules:
            kept[self.column] = edited(self.column)
        return filtered_by((self.column,), kept)

    def start(self, encoders: Encoders) -> Running:
        return RowByRow(self.apply)

    def apply(self, batch: pa.RecordBatch) -> Applied:
        position = batch.schema.get_field_index(self.column)
        null = batch.column(position).is_null().to_numpy(zero_copy_only=False)
        reasons = [NULL_TEXT]
        failed = np.where(null, 0, -1)
        left = np.flatnonzero(~null)
        """Where in the batch the rows are that nothing speaks against yet."""
        texts = text_of(batch.column(position).take(left))
        cut = CutOnce(_CUTS[self.punctuation])
        for name in self.rules:
            verdicts, texts = _JUDGES[name](texts, cut)
            broken = verdicts.failed >= 0
            failed[left[broken]] = verdicts.failed[broken] + len(reasons)
            reasons += [f"{name}.{reason}" for reason in verdicts.reasons]
            left, texts = left[~broken], cut.keep(texts, ~broken)
        kept = keep_rows(batch, failed, tuple(reasons))
        made = kept.batch.set_column(position, batch.schema.field(position), texts)
        return Applied(made, kept.reasons)
