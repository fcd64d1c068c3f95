"""The step `python`: declared, held to what it declares, kept from secrets, part of the digest."""

from __future__ import annotations

import signal
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from core.errors import Invalid, InvalidSpec
from tests.transforms.mesh import Mesh, drive, found_mesh, lines, rows_of
from transforms.engine.arrow import Column
from transforms.engine.encoders import Encoders, TokenizerFile
from transforms.engine.module_child import to_stream
from transforms.engine.module_process import ModuleProcess
from transforms.engine.operators.base import Applied
from transforms.engine.operators.python import Python

_COLUMNS: dict[str, Column] = {"n": pa.array([1, 2, 3]), "text": pa.array(["a", "", "b"])}
BATCH = pa.record_batch(_COLUMNS)
LOUD = """
    import pyarrow as pa, pyarrow.compute as pc

    def apply(batch, mark="!"):
        text = batch.column("text")
        print("nobody hears this")
        return pa.record_batch({
            "loud": pc.binary_join_element_wise(pc.utf8_upper(text), pa.scalar(mark), ""),
            "reason": pc.if_else(pc.equal(text, ""), "empty", None),
        })
"""


def no_tokenizer(name: str) -> TokenizerFile:
    raise AssertionError(name)


def applied(step: Python, batch: pa.RecordBatch = BATCH) -> Applied:
    running = step.start(Encoders(no_tokenizer))
    try:
        return running.apply(batch)
    finally:
        running.finish()


def module(code: str, adds: dict[str, Any] | None = None, *, drops: bool = False) -> Python:
    reasons = ("empty",) if drops else ()
    return Python("mine", ("text",), adds or {}, drops, reasons, code=textwrap.dedent(code))


def test_it_adds_columns_and_drops_rows_by_a_reason() -> None:
    step = replace(module(LOUD, {"loud": "string"}, drops=True), parameters={"mark": "?"})
    made = applied(step)
    assert made.batch.schema.equals(step.output_schema(BATCH.schema))
    assert made.batch.to_pylist() == [
        {"n": 1, "text": "a", "loud": "A?"},
        {"n": 3, "text": "b", "loud": "B?"},
    ]
    assert made.dropped() == {"mine.empty": 1}


def test_it_is_given_what_it_reads_and_nothing_of_the_platform(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FAIRMESH_SECRET_KEY", "do not tell")
    code = """
        import os, sys, pyarrow as pa

        def apply(batch):
            here = [*os.environ.values(), *sys.argv, os.getcwd(), *batch.schema.names]
            try:
                import transforms
                here.append("transforms")
            except ImportError:
                pass
            return pa.record_batch({"seen": pa.array([" ".join(here)] * batch.num_rows)})
    """
    seen = str(applied(module(code, {"seen": "string"})).batch.column("seen")[0])
    assert "do not tell" not in seen
    assert "transforms" not in seen.split()
    assert seen.split()[-1] == "text"
    assert " n " not in f" {seen} "


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("def apply(batch): raise ValueError('a bad day')", "ValueError at mine.py:1 in apply"),
        ("def apply(batch): return 7", "returned int"),
        ("def apply(batch): return batch", "did not return more"),
        (
            "def apply(batch): return batch.slice(1).rename_columns(['more'])",
            "3 rows and returned 2",
        ),
        ("def apply(batch): return batch.rename_columns(['more'])", "not int64"),
        ("nonsense(", "SyntaxError"),
        ("x = 1", "KeyError"),
        ("import os\ndef apply(batch): os._exit(3)", "ended"),
        ("def apply(batch): return bytearray(1 << 40)", "MemoryError"),
    ],
)
def test_what_it_does_wrong_is_told(code: str, why: str) -> None:
    with pytest.raises(Invalid) as caught:
        applied(module(code, {"more": "int64"}))
    assert "'mine'" in caught.value.detail
    assert why in caught.value.detail


@pytest.mark.parametrize(
    "code",
    [
        "def apply(batch): raise ValueError(str(batch))",
        "def apply(batch): {}[batch['text'][0].as_py()]",
        "def apply(batch): return batch.rename_columns(['more'])",
    ],
)
def test_what_it_does_wrong_tells_nothing_of_the_data(code: str) -> None:
    secret = pa.record_batch({"text": pa.array(["my secret"])})
    with pytest.raises(Invalid) as caught:
        applied(module(code, {"more": "int64"}), secret)
    assert "secret" not in str(caught.value)


def test_a_reason_that_was_not_declared_is_not_told() -> None:
    code = """
        import pyarrow as pa

        def apply(batch):
            text = batch.column("text").to_pylist()
            return pa.record_batch({"reason": ["empty" if each == "" else each for each in text]})
    """
    assert applied(module(code, drops=True)).dropped() == {"mine.other": 2, "mine.empty": 1}
    bare = replace(module(code, drops=True), reasons=())
    assert applied(bare).dropped() == {"mine.other": 3}


def test_reasons_are_names_of_a_step_that_drops() -> None:
    with pytest.raises(InvalidSpec, match="It drops no rows"):
        replace(module(LOUD, {"loud": "string"}), reasons=("empty",)).output_schema(BATCH.schema)
    with pytest.raises(InvalidSpec, match="'So what' does not match"):
        replace(module(LOUD, drops=True), reasons=("So what",)).output_schema(BATCH.schema)


def test_a_value_that_does_not_fit_is_quoted_nowhere() -> None:
    step = module("def apply(batch): return batch.rename_columns(['more'])", {"more": "int64"})
    with pytest.raises(Invalid, match="is not int64") as caught:
        applied(step, pa.record_batch({"text": pa.array(["my secret"])}))
    words = [str(each) for each in (caught.value, caught.value.__cause__) if each is not None]
    assert len(words) == 1
    assert "my secret" not in words[0]


def test_it_ends_where_nobody_is_left_to_stop_it() -> None:
    process = ModuleProcess("mine", "def apply(batch):\n while True: pass", {}, seconds=0)
    process._send(to_stream(BATCH))
    assert process._process.wait(timeout=20) == -signal.SIGALRM


def test_it_is_stopped_when_it_is_late() -> None:
    process = ModuleProcess("mine", "def apply(batch):\n while True: pass", {}, seconds=0.5)
    with pytest.raises(Invalid, match=r"more than 0\.5 seconds"):
        process.apply(BATCH)


def test_every_column_that_it_reads_may_be_in_what_it_adds() -> None:
    step = module(LOUD, {"loud": "string"}, drops=True)
    uses = {
        name: [use.column for use in uses] for name, uses in step.column_map(BATCH.schema).items()
    }
    assert uses == {"n": ["n", "text"], "text": ["text", "text"], "loud": ["text", "text"]}
    assert not any(use.masking for uses in step.column_map(BATCH.schema).values() for use in uses)


@pytest.fixture
def mesh(db: None, settings: Any, tmp_path: Path) -> Mesh:
    folder = tmp_path / "operators"
    folder.mkdir()
    settings.FAIRMESH = type(settings.FAIRMESH)(**{**vars(settings.FAIRMESH), "operators": folder})
    (folder / "mine.py").write_text(textwrap.dedent(LOUD))
    return found_mesh()


STEP = {
    "module": "mine",
    "reads": ["text"],
    "adds": {"loud": "string"},
    "drops": True,
    "reasons": ["empty"],
}


def test_a_run_keeps_the_code_it_was_saved_with(mesh: Mesh, tmp_path: Path) -> None:
    mesh.publish({"a.jsonl": lines([{"text": "one"}, {"text": ""}, {"text": "two"}])})
    pipeline = mesh.pipeline([{"python": STEP}])
    run = mesh.start(pipeline)
    (tmp_path / "operators" / "mine.py").write_text("def apply(batch): raise SystemError")
    run = drive(run)
    assert (run.state, run.reason) == ("done", "")
    assert [row["loud"] for row in rows_of(run.output_version)] == ["ONE!", "TWO!"]
    assert run.report is not None
    assert run.report["dropped"] == {"mine.empty": 1}
    saved = mesh.pipeline([{"python": STEP}])
    assert saved.revision == 2
    assert saved.digest != pipeline.digest


def test_nobody_brings_code_of_their_own(mesh: Mesh) -> None:
    with pytest.raises(InvalidSpec, match="not the installed module's"):
        mesh.pipeline([{"python": {**STEP, "code": "def apply(batch): return batch"}}])
    with pytest.raises(InvalidSpec, match=r"no module 'mina'.*Did you mean 'mine'"):
        mesh.pipeline([{"python": {**STEP, "module": "mina"}}])
