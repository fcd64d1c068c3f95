"""tokenise: text to token ids."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.engine.arrow import Column, Text, text_of
from transforms.engine.counting import length_counts
from transforms.engine.encoders import (
    AUDIT_EVERY,
    Encoded,
    Encoder,
    Encoders,
    Specials,
    SpecialTokens,
    Tokenizer,
)
from transforms.engine.operators.base import (
    Applied,
    ColumnMap,
    ColumnUse,
    Operator,
    Running,
    filtered_by,
    identity,
    keep_rows,
    transformed,
)
from transforms.engine.params import rule
from transforms.engine.problems import Problem, refuse, require_text

IDS = pa.list_(pa.field("item", pa.int32(), nullable=False))
NULL_TEXT = "null_text"


class ParityLost(Exception):
    """The fast encoder differed from the reference in an audit; do the shard again without it."""


@dataclass(frozen=True)
class Tokenise(Operator):
    """Replace a text column by the token ids of each document.

    Rows without text are dropped as `null_text`. By default a special token that is spelled out in
    a document is encoded as the text it is, so that no document can forge a boundary.
    """

    NAME: ClassVar[str] = "tokenise"
    VERSION: ClassVar[int] = 1

    column: str = field(metadata=rule("The text column; it is replaced."))
    tokenizer: str = field(metadata=rule("The name of an installed tokenizer."))
    add_eos: bool = field(default=True, metadata=rule("End each document with the end token."))
    eos: str | None = field(
        default=None, metadata=rule("The end token; by default the tokenizer's usual one.")
    )
    special_tokens: SpecialTokens = field(
        default="text",
        metadata=rule("Special tokens spelled out in a document: encode as text, or match."),
    )
    output: str = field(default="input_ids", metadata=rule("The column of token ids."))

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        require_text(schema, self.column, "column")
        if self.output != self.column and self.output in schema.names:
            raise refuse([Problem("output", f"There is a column {self.output!r} already.")])
        position = schema.get_field_index(self.column)
        return schema.set(position, pa.field(self.output, IDS, nullable=False))

    def column_map(self, schema: pa.Schema) -> ColumnMap:
        kept: dict[str, ColumnUse] = {}
        for name in schema.names:
            if name == self.column:
                kept[self.output] = transformed(name)
            else:
                kept[name] = identity(name)
        return filtered_by((self.column,), kept)

    def tokenizers(self) -> tuple[str, ...]:
        return (self.tokenizer,)

    def start(self, encoders: Encoders) -> Running:
        tokenizer = encoders.load(self.tokenizer, self.special_tokens)
        fast = encoders.fast(self.tokenizer, tokenizer)
        if self.special_tokens == "text" and not tokenizer.specials.plain_match:
            fast = None
        eos = tokenizer.specials.eos(self.eos) if self.add_eos else None
        return _Tokenising(self, tokenizer, fast, eos)


@dataclass
class _Tokenising:
    """Encodes batch after batch, and compares every 1,000th document with the reference."""

    step: Tokenise
    tokenizer: Tokenizer
    fast: Encoder | None
    eos: int | None
    seen: int = 0

    def apply(self, batch: pa.RecordBatch) -> Applied:
        text = text_of(batch.column(self.step.column))
        failed = np.where(text.is_null().to_numpy(zero_copy_only=False), 0, -1)
        kept = keep_rows(batch, failed, (NULL_TEXT,))
        encoded = self._encode(text_of(kept.batch.column(self.step.column)))
        documents = kept.batch.num_rows
        tokens, lengths = len(encoded.ids), np.diff(encoded.offsets)
        if self.eos is not None:
            encoded = _append(encoded, self.eos)
        position = batch.schema.get_field_index(self.step.column)
        arrays = list(kept.batch.columns)
        arrays[position] = ids_array(encoded)
        schema = self.step.output_schema(batch.schema)
        counts = {"documents": documents, "tokens": tokens, "eos": len(encoded.ids) - tokens}
        counts |= length_counts(lengths)
        return Applied(pa.RecordBatch.from_arrays(arrays, schema=schema), kept.reasons, counts)

    def finish(self) -> Applied | None:
        return None

    def _encode(self, text: Text) -> Encoded:
        texts = cast("list[str]", text.to_pylist())
        if self.fast is None:
            return self.tokenizer.reference.encode(texts)
        try:
            found = self.fast.encode(texts)
        except ValueError as error:
            raise ParityLost("A batch holds what the fast engine cannot encode.") from error
        encoded = self._put_forgeries_right(text, texts, found)
        self._audit(texts, encoded)
        return encoded

    def _audit(self, texts: Sequence[str], encoded: Encoded) -> None:
        """Raise ParityLost when a document in the audit differs."""
        first = -self.seen % AUDIT_EVERY
        self.seen += len(texts)
        for position in range(first, len(texts), AUDIT_EVERY):
            expected = self.tokenizer.reference.encode([texts[position]])
            if not np.array_equal(expected.ids, encoded.document(position)):
                raise ParityLost(f"Document {position} of a batch differs.")

    def _put_forgeries_right(self, text: Text, texts: list[str], encoded: Encoded) -> Encoded:
        """Encode with the reference those documents that spell out a special token.

        The fast engine always matches them. They are found by RE2 on the Arrow buffer.
        """
        if self.step.special_tokens == "match":
            return encoded
        positions = np.flatnonzero(forging(text, self.tokenizer.specials))
        if not len(positions):
            return encoded
        right = self.tokenizer.reference.encode([texts[position] for position in positions])
        documents = [encoded.document(position) for position in range(len(texts))]
        for order, position in enumerate(positions):
            documents[position] = right.document(order)
        lengths = np.fromiter((len(each) for each in documents), np.int64, len(documents))
        return Encoded(np.concatenate(documents), _offsets(lengths))


def forging(text: Text, specials: Specials) -> npt.NDArray[np.bool_]:
    """Return which texts spell out a special token; `text` has no nulls."""
    if not specials.special:
        return np.zeros(len(text), np.bool_)
    expression = "|".join(re.escape(token) for token in specials.special)
    found: npt.NDArray[np.bool_] = pc.match_substring_regex(text, expression).to_numpy(
        zero_copy_only=False
    )
    return found


def _offsets(lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])


def _append(encoded: Encoded, token: int) -> Encoded:
    """Return every document with `token` at its end."""
    ids = np.insert(encoded.ids, encoded.offsets[1:], token).astype(np.int32, copy=False)
    return Encoded(ids, encoded.offsets + np.arange(len(encoded.offsets)))


def ids_array(encoded: Encoded) -> Column:
    """Return list<int32>, over the memory of `encoded`."""
    offsets = pa.array(encoded.offsets.astype(np.int32), pa.int32())
    return pa.ListArray.from_arrays(offsets, pa.array(encoded.ids, pa.int32()), type=IDS)
