"""language: in which language a text is, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import ClassVar, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.engine.arrow import Column, text_of
from transforms.engine.counting import language_counts
from transforms.engine.encoders import Encoders
from transforms.engine.languages import model
from transforms.engine.operators.base import (
    Applied,
    ColumnMap,
    Operator,
    RowByRow,
    Running,
    filtered_by,
    identity,
    keep_rows,
    transformed,
)
from transforms.engine.params import rule
from transforms.engine.problems import Problem, nearest, refuse, require_text

UNKNOWN = "und"
NULL_TEXT = "null_text"


@dataclass(frozen=True)
class Language(Operator):
    """Add the language of a text, as an ISO 639 code, and the confidence in it, from 0 to 1.

    With `keep`, rows in other languages are dropped as `language.CODE`. Where there is no text,
    both are null. The model is py3langid's, of 140 languages; `zxx` stands for what is no language.

    Cost: about 10 MB a second of what is looked at, on one core.
    """

    NAME: ClassVar[str] = "language"
    VERSION: ClassVar[int] = 1

    column: str = field(metadata=rule("The text column."))
    keep: tuple[str, ...] = field(
        default=(), metadata=rule("The languages whose rows stay; by default all.")
    )
    min_confidence: float = field(
        default=0.0,
        metadata=rule("Below this the language is `und`, undetermined.", minimum=0, maximum=1),
    )
    characters: int = field(
        default=4096,
        metadata=rule("How many characters of a text are looked at.", minimum=1),
    )
    output: str = field(default="language", metadata=rule("The column of the language."))
    confidence: str = field(
        default="language_confidence", metadata=rule("The column of the confidence.")
    )

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        require_text(schema, self.column, "column")
        problems = [
            Problem(where, f"There is a column {name!r} already.")
            for where, name in (("output", self.output), ("confidence", self.confidence))
            if name in schema.names
        ]
        if self.output == self.confidence:
            problems.append(Problem("confidence", "Both columns have the same name."))
        known = {*model().labels, UNKNOWN}
        problems += [
            Problem(f"keep[{at}]", f"{code!r} is no language known here.", nearest(code, known))
            for at, code in enumerate(self.keep)
            if code not in known
        ]
        if problems:
            raise refuse(problems)
        added = [(self.output, pa.string()), (self.confidence, pa.float32())]
        return pa.schema([*schema, *(pa.field(name, kind) for name, kind in added)])

    def column_map(self, schema: pa.Schema) -> ColumnMap:
        kept = {name: identity(name) for name in schema.names}
        kept |= {name: transformed(self.column) for name in (self.output, self.confidence)}
        return filtered_by((self.column,) if self.keep else (), kept)

    def versions(self) -> Mapping[str, str]:
        return {"py3langid": version("py3langid")}

    def start(self, encoders: Encoders) -> Running:
        return RowByRow(self.apply)

    def apply(self, batch: pa.RecordBatch) -> Applied:
        codes, scores = self._told(batch.column(self.column))
        arrays = [*batch.columns, codes, scores]
        told = pa.RecordBatch.from_arrays(arrays, schema=self.output_schema(batch.schema))
        kept = self._kept(told, codes) if self.keep else Applied(told)
        stay = kept.batch.column(self.output).to_pylist()
        return replace(kept, counts=language_counts(cast("list[str | None]", stay)))

    def _told(self, column: Column) -> tuple[Column, Column]:
        """Return languages and confidences; these are rounded, so that no machine differs."""
        heads = pc.utf8_slice_codeunits(text_of(column), 0, self.characters)
        texts = heads.to_pylist()
        told = iter(model().tell([text for text in texts if text is not None]))
        codes: list[str | None] = []
        scores: list[float | None] = []
        for text in texts:
            if text is None:
                codes.append(None)
                scores.append(None)
                continue
            code, score = next(told)
            sure = round(score, 3)
            codes.append(code if sure >= self.min_confidence else UNKNOWN)
            scores.append(sure)
        return pa.array(codes, pa.string()), pa.array(scores, pa.float32())

    def _kept(self, told: pa.RecordBatch, codes: Column) -> Applied:
        encoded = text_of(codes).dictionary_encode()
        found = cast("list[str]", encoded.dictionary.to_pylist())
        reasons = (*(f"language.{code}" for code in found), NULL_TEXT)
        place = encoded.indices.fill_null(len(found)).to_numpy(zero_copy_only=False)
        stays = np.array([*(code in self.keep for code in found), False])
        failed: npt.NDArray[np.int64] = np.where(stays[place], -1, place)
        return keep_rows(told, failed, reasons)
