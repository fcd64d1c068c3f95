"""A pipeline document: read, checked, and brought into the one form that its digest is taken of."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pyarrow as pa
import tokenizers

from core.canonical import canonical_digest
from core.digests import Digest
from core.errors import InvalidSpec
from core.yaml_text import read_yaml
from transforms.engine.operators.base import Operator
from transforms.engine.operators.join import Join
from transforms.engine.operators.registry import OPERATORS
from transforms.engine.output import NAME_PATTERN, Output, Split
from transforms.engine.params import Json, json_schema, parse, rule, to_json
from transforms.engine.problems import Problem, join, nearest, refuse
from transforms.engine.writing.registry import FORMATS, writer_versions

ENGINE_VERSION = 1
"""Rises whenever the engine itself would give other bytes for the same document."""

VERSION_PATTERN = r"^(latest|stable|v=[1-9][0-9]*)$"
ALIAS_PATTERN = r"^[a-z][a-z0-9_]{0,39}$"
MOST_INPUTS = 64

ColumnType = Literal[
    "string",
    "bool",
    "int32",
    "int64",
    "float32",
    "float64",
    "binary",
    "date",
    "timestamp",
    "list<string>",
    "list<int64>",
    "list<float64>",
]
ARROW_TYPES: Mapping[str, pa.DataType] = {
    "string": pa.string(),
    "bool": pa.bool_(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float32": pa.float32(),
    "float64": pa.float64(),
    "binary": pa.binary(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "list<string>": pa.list_(pa.string()),
    "list<int64>": pa.list_(pa.int64()),
    "list<float64>": pa.list_(pa.float64()),
}


InputFormat = Literal[
    "auto",
    "jsonl",
    "csv",
    "parquet",
    "arrow",
    "orc",
    "webdataset",
    "tfrecord",
    "mds",
    "lance",
    "megatron",
    "files",
]


@dataclass(frozen=True)
class Input:
    """What is read."""

    name: str = field(metadata=rule("A data product.", pattern=NAME_PATTERN))
    version: str = field(
        default="latest",
        metadata=rule("`v=N`, or an alias that is resolved at the start.", pattern=VERSION_PATTERN),
    )
    files: str = field(
        default="*",
        metadata=rule("Which paths below the version; `*` also stands for slashes."),
    )
    format: InputFormat = field(
        default="auto",
        metadata=rule(
            "By default the file name tells. `.gz` and `.zst` are always seen. With `files`, each "
            "file is a row of `path` and `bytes`."
        ),
    )
    schema: Mapping[str, ColumnType] | None = field(
        default=None,
        metadata=rule("Columns and types; by default inferred from a sample and fixed."),
    )
    cut: bool | None = field(
        default=None,
        metadata=rule(
            "With `false` one worker reads the whole of a JSON lines or CSV file, however large. "
            "By default many do; CSV whose quotes do not pair cannot be cut, which the run says."
        ),
    )
    alias: str | None = field(
        default=None,
        metadata=rule("What steps such as `join` call this input.", pattern=ALIAS_PATTERN),
    )
    mark: Mapping[str, str] | None = field(
        default=None,
        metadata=rule("Columns that each of its rows gets, such as where it comes from."),
    )


@dataclass(frozen=True)
class _Frame:
    """The document around the steps; they are read apart, by the operator each one names."""

    version: Literal[1] = field(metadata=rule("The version of this format."))
    inputs: tuple[Input, ...] = field(
        metadata=rule(
            "What is read: the rows of all inputs, one input after the other, but of those that a "
            "step names by its alias.",
            min_items=1,
        )
    )
    output: Output = field(metadata=rule("The result."))
    split: Split | None = field(
        default=None,
        metadata=rule(
            "How the rows are divided, each part into a folder; by default they are not."
        ),
    )


@dataclass(frozen=True)
class Spec:
    """A checked pipeline. Its columns are not checked yet: that needs the input (see `plan`)."""

    input: Input
    """The first: by it a policy, a schedule or a backfill knows what there is to do."""
    steps: tuple[Operator, ...]
    output: Output
    split: Split | None = None
    further: tuple[Input, ...] = ()
    """The inputs behind the first."""

    @property
    def inputs(self) -> tuple[Input, ...]:
        return (self.input, *self.further)

    @property
    def joined(self) -> frozenset[int]:
        """Return the numbers of the inputs that steps look up; the others give the rows."""
        return frozenset(at for at in range(len(self.inputs)) if self.looked_up_by(at))

    def looked_up_by(self, number: int) -> tuple[str, ...]:
        """Return where the steps stand that look an input up; none do so with one of rows."""
        alias = self.inputs[number].alias
        return tuple(
            self.where(at)
            for at, step in enumerate(self.steps)
            if isinstance(step, Join) and step.input == alias
        )

    def as_json(self) -> dict[str, Json]:
        """Return the normal form: every default written out, nothing else than the document."""
        document: dict[str, Json] = {
            "version": 1,
            "inputs": [to_json(each) for each in self.inputs],
            "steps": [{step.NAME: to_json(step)} for step in self.steps],
            "output": to_json(self.output),
        }
        if self.split is not None:
            document["split"] = to_json(self.split)
        return document

    def tokenizers(self) -> tuple[str, ...]:
        return tuple(sorted({name for step in self.steps for name in step.tokenizers()}))

    def where(self, position: int) -> str:
        return f"steps[{position}].{self.steps[position].NAME}"


def load(text: str) -> Spec:
    """Return the pipeline that a YAML or JSON text declares; raises InvalidSpec."""
    try:
        document = read_yaml(text)
    except InvalidSpec as error:
        raise refuse([Problem("", str(error))]) from error
    return read_spec(document)


def read_spec(document: object) -> Spec:
    """Return the pipeline of a decoded document; raises InvalidSpec with every problem found."""
    if not isinstance(document, Mapping):
        raise refuse([Problem("", "A pipeline is a mapping.")])
    problems: list[Problem] = []
    frame_part = {key: value for key, value in document.items() if key != "steps"}
    frame = parse(_Frame, frame_part, "", problems)
    steps = _read_steps(document.get("steps"), problems)
    if frame is not None:
        problems += _input_problems(frame.inputs, steps)
    if frame is not None and frame.split is not None:
        problems += frame.split.problems()
    if problems or frame is None:
        raise refuse(problems)
    return Spec(frame.inputs[0], steps, frame.output, frame.split, frame.inputs[1:])


def _input_problems(inputs: Sequence[Input], steps: Sequence[Operator]) -> Iterator[Problem]:
    """Yield what is wrong with the names of the inputs, and with the steps that use them."""
    if len(inputs) > MOST_INPUTS:
        yield Problem(f"inputs[{MOST_INPUTS}]", f"At most {MOST_INPUTS} inputs are read together.")
    seen: set[str] = set()
    for at, alias in enumerate(each.alias for each in inputs):
        if alias in seen:
            yield Problem(f"inputs[{at}].alias", f"Another input is called {alias!r} already.")
        seen |= {alias} if alias is not None else set()
    used: set[str] = set()
    for at, step in enumerate(steps):
        if isinstance(step, Join):
            yield from _join_problems(step.input, f"steps[{at}].join.input", inputs, used)
            used.add(step.input)


def _join_problems(
    name: str, where: str, inputs: Sequence[Input], used: Collection[str]
) -> Iterator[Problem]:
    known = [each.alias for each in inputs if each.alias is not None]
    if name not in known:
        message = f"No input has the alias {name!r}."
        yield Problem(where, message, nearest(name, known))
    elif name == inputs[0].alias:
        yield Problem(where, "The first input gives the rows; join another one to it.")
    elif name in used:
        message = f"{name!r} is joined already; name the product again, under another alias."
        yield Problem(where, message)


def _read_steps(raw: object, problems: list[Problem]) -> tuple[Operator, ...]:
    if not isinstance(raw, Sequence) or isinstance(raw, str) or not raw:
        problems.append(Problem("steps", "Expected a list with at least one step."))
        return ()
    read = (_read_step(step, f"steps[{at}]", problems) for at, step in enumerate(raw))
    return tuple(step for step in read if step is not None)


def _read_step(raw: object, where: str, problems: list[Problem]) -> Operator | None:
    if not isinstance(raw, Mapping) or len(raw) != 1:
        message = "A step is a mapping of one operator to its parameters."
        problems.append(Problem(where, message))
        return None
    ((name, parameters),) = raw.items()
    if name not in OPERATORS:
        message = f"Unknown operator {str(name)!r}; known are: {', '.join(OPERATORS)}."
        problems.append(Problem(join(where, str(name)), message, nearest(str(name), OPERATORS)))
        return None
    return parse(OPERATORS[name], parameters, join(where, name), problems)


def document_schema() -> dict[str, Json]:
    """Return the JSON Schema (2020-12) of pipeline documents."""
    frame = json_schema(_Frame)
    properties = frame["properties"]
    assert isinstance(properties, dict)
    inputs = properties["inputs"]
    assert isinstance(inputs, dict)
    inputs["maxItems"] = MOST_INPUTS
    steps: list[Json] = [
        {
            "type": "object",
            "description": (operator.__doc__ or "").split("\n\n")[0],
            "additionalProperties": False,
            "required": [name],
            "properties": {name: json_schema(operator)},
        }
        for name, operator in OPERATORS.items()
    ]
    properties["steps"] = {
        "type": "array",
        "description": "What is done with the rows, in order.",
        "minItems": 1,
        "items": {"oneOf": steps},
    }
    frame["required"] = ["version", "inputs", "steps", "output"]
    return frame


def digest(spec: Spec, tokenizer_sha256: Callable[[str], str]) -> Digest:
    """Return the digest of all that, beside the input bytes, decides the output bytes.

    `tokenizer_sha256` answers a tokenizer's name. Source of the canonical form: RFC 8785.
    """
    return canonical_digest({"spec": spec.as_json(), **made_with(spec, tokenizer_sha256)})


def made_with(spec: Spec, tokenizer_sha256: Callable[[str], str]) -> dict[str, Json]:
    """Return what beside the document decides the output bytes, by its version or digest."""
    return {
        "engine": ENGINE_VERSION,
        "operators": {step.NAME: step.VERSION for step in spec.steps},
        "writer": FORMATS[spec.output.format].VERSION,
        "libraries": {
            "pyarrow": pa.__version__,
            "tokenizers": tokenizers.__version__,
            **writer_versions(spec.output),
            **{name: each for step in spec.steps for name, each in step.versions().items()},
        },
        "tokenizers": {name: tokenizer_sha256(name) for name in spec.tokenizers()},
    }
