"""Change one column and see which change with it: just those whose map names it, all of them.

Labels, masks and erasures follow these maps, so a name that is missing lets a value escape.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import pyarrow as pa
import pytest

from core.errors import Invalid
from tests.transforms.barriers import passed
from tests.transforms.operator_examples import EXAMPLES, LOOKED_UP, Example
from tests.transforms.sentence_models import write_model
from transforms.engine.arrow import Column, array_of
from transforms.engine.barriers.base import Barrier
from transforms.engine.embedding import read_folder
from transforms.engine.encoders import Encoders, TokenizerFile
from transforms.engine.operators.base import ColumnMap, Running, Scope
from transforms.engine.operators.registry import OPERATORS

ROUNDS, MOST_ROWS = 60, 6
Columns = dict[str, list[object]]
Work = Callable[[pa.RecordBatch], Columns]


@pytest.fixture(scope="module")
def encoders(
    tmp_path_factory: pytest.TempPathFactory, resolver: Callable[[str], TokenizerFile]
) -> Encoders:
    """Encoders that also know the model `small`."""
    folder: Path = write_model(tmp_path_factory.mktemp("model"))
    return Encoders(lambda name: read_folder(folder) if name == "small" else resolver(name))


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("name", OPERATORS)
def test_what_is_not_named_changes_nothing_and_what_is_named_does(
    name: str, encoders: Encoders
) -> None:
    example = EXAMPLES[name]
    told = example.step.column_map(example.schema)
    assert list(told) == example.step.output_schema(example.schema).names
    work, end = _at_work(example, encoders)
    try:
        seen = _changes(example, work, Random(name))
    finally:
        end()
    named = _pairs(told)
    assert seen - named == set(), "something changes that the map does not name"
    assert named - seen == set(), "something never changes that the map names"


def _pairs(told: ColumnMap) -> set[tuple[str, str]]:
    """Return what is named of the rows themselves; what is looked up stays as it is here."""
    return {(name, use.column) for name, uses in told.items() for use in uses if not use.input}


def _changes(example: Example, work: Work, chance: Random) -> set[tuple[str, str]]:
    """Return each (output, input) where a change of the one column changed the other."""
    seen = set()
    for at in range(ROUNDS):
        column = example.schema.names[at % len(example.schema)]
        rows = chance.randint(1, MOST_ROWS)
        batch = pa.RecordBatch.from_arrays(
            [_some(example, name, rows, chance) for name in example.schema.names],
            schema=example.schema,
        )
        position = batch.schema.get_field_index(column)
        values = _some(example, column, rows, chance)
        before, after = work(batch), work(batch.set_column(position, column, values))
        seen |= {(name, column) for name in before if before[name] != after[name]}
    return seen


def _some(example: Example, column: str, rows: int, chance: Random) -> Column:
    values: Sequence[object] = [chance.choice(example.values(column)) for _ in range(rows)]
    return array_of(values, example.schema.field(column).type)


def _at_work(example: Example, encoders: Encoders) -> tuple[Work, Callable[[], object]]:
    """Return what a step makes of a batch alone, and how to end it."""
    step = example.step
    if isinstance(step, Barrier):
        names = step.output_schema(example.schema).names
        return lambda batch: _by_column(_passed(step, batch), names), lambda: None
    if step.SCOPE is Scope.SHARD:
        return lambda batch: _whole(step.start(encoders), batch), lambda: None
    running = step.start(encoders)
    return lambda batch: running.apply(batch).batch.to_pydict(), running.finish


def _passed(step: Barrier, batch: pa.RecordBatch) -> list[dict[str, object]]:
    """Return the rows behind a barrier; none where it stops the run for what is missing."""
    beside = [] if step.looks_up() is None else [LOOKED_UP]
    try:
        return passed(step, [[batch]], 1, beside).rows
    except Invalid:
        return []


def _by_column(rows: Sequence[dict[str, object]], names: Sequence[str]) -> Columns:
    return {name: [row[name] for row in rows] for name in names}


def _whole(running: Running, batch: pa.RecordBatch) -> Columns:
    """Return what a step that holds rows gives for one batch, then at the end."""
    batches = [running.apply(batch).batch]
    if (rest := running.finish()) is not None:
        batches.append(rest.batch)
    return pa.Table.from_batches(batches).to_pydict()
