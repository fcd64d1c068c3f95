"""embed: a vector for each text, by a model of this installation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pyarrow as pa

from transforms.engine.arrow import text_of
from transforms.engine.embedding import SentenceModel, load
from transforms.engine.encoders import Encoders
from transforms.engine.operators.base import (
    Applied,
    ColumnMap,
    Operator,
    RowByRow,
    Running,
    identity,
    transformed,
)
from transforms.engine.params import rule
from transforms.engine.problems import Problem, refuse, require_text

VECTOR = pa.list_(pa.field("item", pa.float32(), nullable=False))


@dataclass(frozen=True)
class Embed(Operator):
    """Add the vector that a sentence model gives to each text; null where there is no text.

    A model is a folder of sentence-transformers, of BERT's family, beside the tokenizers of this
    installation: `config.json` and `model.safetensors`, with `tokenizer.json`. The files say how
    tokens become one vector, whether it has the length 1, and how many tokens are looked at; the
    run counts longer texts as `embed_truncated`: put `chunk` before it.

    The digest covers the model. A vector depends on its text alone, not on the batch, and is
    computed by one thread; on processors of another kind its last bits may differ. The text can be
    guessed from its vector, so this masks nothing.
    """

    NAME: ClassVar[str] = "embed"
    VERSION: ClassVar[int] = 1

    column: str = field(metadata=rule("The text column."))
    model: str = field(metadata=rule("The name of an installed tokenizer that has a model."))
    output: str = field(default="embedding", metadata=rule("The column of vectors."))

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        require_text(schema, self.column, "column")
        if self.output in schema.names:
            raise refuse([Problem("output", f"There is a column {self.output!r} already.")])
        return pa.schema([*schema, pa.field(self.output, VECTOR)])

    def column_map(self, schema: pa.Schema) -> ColumnMap:
        kept = {name: (identity(name),) for name in schema.names}
        return {**kept, self.output: (transformed(self.column),)}

    def tokenizers(self) -> tuple[str, ...]:
        return (self.model,)

    def versions(self) -> Mapping[str, str]:
        return {"numpy": np.__version__}

    def start(self, encoders: Encoders) -> Running:
        model = load(encoders.resolver(self.model))
        return RowByRow(lambda batch: self._apply(batch, model))

    def _apply(self, batch: pa.RecordBatch, model: SentenceModel) -> Applied:
        texts = text_of(batch.column(self.column))
        told = [text for text in texts.to_pylist() if text is not None]
        found = model.embed(told)
        width = found.vectors.shape[1]
        lengths = texts.is_valid().to_numpy(zero_copy_only=False) * width
        vectors = pa.ListArray.from_arrays(
            pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32()),
            pa.array(found.vectors.reshape(-1)),
            type=VECTOR,
            mask=texts.is_null(),
        )
        made = pa.RecordBatch.from_arrays(
            [*batch.columns, vectors], schema=self.output_schema(batch.schema)
        )
        counts = {
            "embedded": len(told),
            "embed_tokens": found.tokens,
            "embed_truncated": found.truncated,
        }
        return Applied(made, None, counts)
