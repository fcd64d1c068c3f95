"""python: the operator module of an installation, which the platform does not know inside."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, cast

import pyarrow as pa
import pyarrow.compute as pc

from core.errors import Invalid, InvalidSpec
from transforms.engine.arrow import AnyField, Column
from transforms.engine.encoders import Encoders
from transforms.engine.module_process import ModuleProcess, Raised
from transforms.engine.operators.base import (
    Applied,
    ColumnMap,
    ColumnUse,
    Kind,
    Operator,
    Running,
    Subtype,
    identity,
)
from transforms.engine.operators.cast import TARGETS, Target
from transforms.engine.params import rule
from transforms.engine.problems import Problem, problems_of, refuse, require_column

REASON = "reason"
OTHER = "other"
"""What a reason is counted as that was not declared: it may hold a piece of the row."""
_A_REASON = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True)
class Python(Operator):
    """Give some columns to the function `apply` of an installed module, which returns others.

    The module is a file `<name>.py` in the folder of operator modules. Its function
    `apply(batch, **parameters)` takes a `pyarrow.RecordBatch` of the columns `reads`; it returns
    one with as many rows: the columns `adds`, and with `drops` a column `reason`, null where a row
    stays. Of the reasons those are told that `reasons` declares, others count as `other`, since
    they might quote the row. It runs in a process of its own, without the platform's environment,
    with 4 GiB and 120 seconds for a batch. The code that was installed when the pipeline was saved
    is kept with the pipeline and is part of its digest; equal batches must give equal answers.
    """

    NAME: ClassVar[str] = "python"
    VERSION: ClassVar[int] = 2

    module: str = field(metadata=rule("The module.", pattern=r"^[a-z][a-z0-9_]{0,63}$"))
    reads: tuple[str, ...] = field(
        metadata=rule("The columns that the module is given.", min_items=1)
    )
    adds: Mapping[str, Target] = field(
        default_factory=dict,
        metadata=rule("The columns that it returns and their types; a known one is replaced."),
    )
    drops: bool = field(default=False, metadata=rule("Whether it may drop rows, each by a reason."))
    reasons: tuple[str, ...] = field(
        default=(),
        metadata=rule("The reasons that it may give: small letters, digits and underscores."),
    )
    parameters: Mapping[str, str] = field(
        default_factory=dict, metadata=rule("What `apply` is given by name; texts.")
    )
    code: str | None = field(
        default=None, metadata=rule("Filled in when the pipeline is saved: the module's source.")
    )

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        problems: list[Problem] = []
        for position, column in enumerate(self.reads):
            try:
                require_column(schema, column, f"reads[{position}]")
            except InvalidSpec as error:
                problems += problems_of(error)
        if not self.adds and not self.drops:
            problems.append(Problem("adds", "It neither adds a column nor drops rows."))
        problems += self._wrong_reasons()
        if problems:
            raise refuse(problems)
        for name, target in self.adds.items():
            made: AnyField = pa.field(name, TARGETS[target])
            position = schema.get_field_index(name)
            schema = schema.append(made) if position < 0 else schema.set(position, made)
        return schema

    def _wrong_reasons(self) -> Iterator[Problem]:
        if self.reasons and not self.drops:
            yield Problem("reasons", "It drops no rows; set `drops`, or leave the reasons out.")
        for position, reason in enumerate(self.reasons):
            if not _A_REASON.fullmatch(reason):
                message = f"{reason!r} does not match {_A_REASON.pattern}."
                yield Problem(f"reasons[{position}]", message)

    def column_map(self, schema: pa.Schema) -> ColumnMap:
        """Each column that is read may be in each one that is added, and is never masked there."""
        read = tuple(
            ColumnUse(name, Kind.DIRECT, Subtype.TRANSFORMATION)
            for name in dict.fromkeys(self.reads)
        )
        causes = tuple(
            ColumnUse(each.column, Kind.INDIRECT, Subtype.FILTER) for each in read if self.drops
        )
        return {
            name: (*(read if name in self.adds else (identity(name),)), *causes)
            for name in self.output_schema(schema).names
        }

    def versions(self) -> Mapping[str, str]:
        digest = hashlib.sha256((self.code or "").encode()).hexdigest()
        return {f"module {self.module}": digest}

    def start(self, encoders: Encoders) -> Running:
        if self.code is None:
            raise Invalid(
                f"The code of the module {self.module!r} is not known; save the pipeline."
            )
        return _Calling(self, ModuleProcess(self.module, self.code, self.parameters))


@dataclass
class _Calling:
    """Gives the module batch after batch and holds its answers to what was declared."""

    step: Python
    process: ModuleProcess

    def apply(self, batch: pa.RecordBatch) -> Applied:
        made = self._asked(batch.select(list(dict.fromkeys(self.step.reads))))
        self._check(made, batch.num_rows)
        schema = self.step.output_schema(batch.schema)
        columns = [
            self._added(made, field) if field.name in self.step.adds else batch.column(field.name)
            for field in schema
        ]
        whole = pa.RecordBatch.from_arrays(columns, schema=schema)
        if not self.step.drops:
            return Applied(whole)
        reasons = cast("pa.StringArray", made.column(REASON).cast(pa.string()))
        return Applied(whole.filter(pc.is_null(reasons)), self._told(reasons))

    def _told(self, reasons: pa.StringArray) -> pa.StringArray:
        """Return the reasons as they are counted; null where a row stays."""
        known = pc.is_in(reasons, pa.array(self.step.reasons, pa.string()))
        unknown = pc.and_not(pc.is_valid(reasons), known)
        told = cast("pa.StringArray", pc.if_else(unknown, OTHER, reasons))
        whose = f"{self.step.module}."
        return pc.replace_substring_regex(told, r"\A", whose, max_replacements=1)

    def finish(self) -> Applied | None:
        self.process.close()
        return None

    def _asked(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        try:
            return self.process.apply(batch)
        except Raised as error:  # its words may hold a piece of the data
            where = f" at {error.lines}" if error.lines else ""
            raise self._refused(f"{error.kind}{where}") from None

    def _added(self, made: pa.RecordBatch, field: AnyField) -> Column:
        try:
            return made.column(field.name).cast(field.type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # its words quote the value
            found = made.column(field.name).type
            message = f"some of {field.name!r}, which is {found}, is not {field.type}"
            raise self._refused(message) from None

    def _check(self, made: pa.RecordBatch, rows: int) -> None:
        wanted = [*self.step.adds, *([REASON] if self.step.drops else [])]
        if missing := [name for name in wanted if name not in made.schema.names]:
            raise self._refused(f"it did not return {', '.join(missing)}")
        if made.num_rows != rows:
            raise self._refused(f"it was given {rows} rows and returned {made.num_rows}")
        if not self.step.drops:
            return
        kind = made.column(REASON).type
        if not (pa.types.is_string(kind) or pa.types.is_null(kind)):
            raise self._refused(f"{REASON!r} holds {kind}, not text")

    def _refused(self, why: str) -> Invalid:
        self.process.close()
        return Invalid(f"The operator module {self.step.module!r}: {why}.", module=self.step.module)
