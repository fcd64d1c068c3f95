"""redact: personal data and secrets out of a text column."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from governance.engine.scan.detectors import Detector
from governance.engine.scan.folding import fold
from transforms.engine.arrow import text_of
from transforms.engine.encoders import Encoders
from transforms.engine.operators.base import (
    Applied,
    ColumnMap,
    ColumnUse,
    Kind,
    Operator,
    RowByRow,
    Running,
    Subtype,
    identity,
    keep_rows,
)
from transforms.engine.params import rule
from transforms.engine.problems import require_text
from transforms.engine.redacting import KINDS, found_in, showing

REASON = "redaction_incomplete"
_LETTERS = str.maketrans("0123456789abcdef", "ghjkmnpqrstuvwxy")
"""A hash is spelled in letters, so that it looks like no number."""

What = Literal["email", "iban", "ssn", "card", "phone", "ip", "secrets"]
EVERYTHING: tuple[What, ...] = ("email", "iban", "ssn", "card", "phone", "ip", "secrets")


@dataclass(frozen=True)
class Redact(Operator):
    """Replace personal data and secrets in a text column, and look again: no hit is let through.

    What is looked for and how it is checked is the scan's, full-width letters and digits included;
    of a token, key or address the whole is replaced. A row in which the detectors still find
    something is dropped as `redaction_incomplete`, so that a scan of the result finds none of
    `kinds` in the column.

    Cost: one RE2 pass over every text; Python sees only those in which something may stand.
    """

    NAME: ClassVar[str] = "redact"
    VERSION: ClassVar[int] = 2

    column: str = field(metadata=rule("The text column."))
    kinds: tuple[What, ...] = field(
        default=EVERYTHING,
        metadata=rule("What is replaced; only all of it counts as masking.", min_items=1),
    )
    replace: Literal["tag", "hash"] = field(
        default="tag",
        metadata=rule(
            "By `<email>`, or by `<email:...>` with a hash that is the same for the same value; "
            "a hash can be guessed from a list of values, so it does not count as masking."
        ),
    )

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        require_text(schema, self.column, "column")
        return schema

    def column_map(self, schema: pa.Schema) -> ColumnMap:
        """That a row was dropped tells of its text, and no more than that.

        Only a step that looks for everything masks: what it left could be hidden by a later one.
        """
        masking = self.replace == "tag" and set(self.kinds) == set(EVERYTHING)
        redacted = ColumnUse(self.column, Kind.DIRECT, Subtype.TRANSFORMATION, masking)
        dropped = ColumnUse(self.column, Kind.INDIRECT, Subtype.FILTER, masking)
        return {
            name: (redacted if name == self.column else identity(name), dropped)
            for name in schema.names
        }

    def versions(self) -> Mapping[str, str]:
        return {detector.id: detector.version for detector in self._detectors()}

    def _detectors(self) -> tuple[Detector, ...]:
        return tuple(each for kind, some in KINDS.items() if kind in self.kinds for each in some)

    def start(self, encoders: Encoders) -> Running:
        return RowByRow(self.apply)

    def apply(self, batch: pa.RecordBatch) -> Applied:
        detectors = self._detectors()
        position = batch.schema.get_field_index(self.column)
        before = text_of(batch.column(position))
        places = np.flatnonzero(showing(before, detectors))
        if not len(places):
            return Applied(batch)
        counts: Counter[str] = Counter()
        suspects = cast("list[str]", before.take(places).to_pylist())
        put = [self._redacted(text, detectors, counts) for text in suspects]
        mask = np.zeros(len(before), np.bool_)
        mask[places] = True
        after = text_of(pc.replace_with_mask(before, pa.array(mask), pa.array(put, before.type)))
        batch = batch.set_column(position, batch.schema.field(position), after)
        still = np.zeros(len(after), np.bool_)
        still[places] = showing(after.take(places), detectors)
        kept = keep_rows(batch, np.where(still, 0, -1), (REASON,))
        return Applied(kept.batch, kept.reasons, counts)

    def _redacted(self, text: str, detectors: tuple[Detector, ...], counts: Counter[str]) -> str:
        parts, at = [], 0
        for found in found_in(text, detectors):
            name = found.detector.id.removeprefix("secret.")
            counts[f"redacted.{found.detector.id}"] += 1
            parts += [text[at : found.start], self._put(name, text[found.start : found.end])]
            at = found.end
        return "".join([*parts, text[at:]])

    def _put(self, name: str, value: str) -> str:
        if self.replace == "tag":
            return f"<{name}>"
        digest = hashlib.sha256(fold(value).encode()).hexdigest()[:16]
        return f"<{name}:{digest.translate(_LETTERS)}>"
