"""Planning a run: shards with fixed boundaries, the schema through every step, and the stages.

The plan depends on the document and the input files alone.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import cast

import pyarrow as pa

from core.canonical import canonical_digest
from core.digests import Digest
from core.errors import InvalidSpec
from transforms.engine import embedding
from transforms.engine.barriers.base import Barrier
from transforms.engine.columns import columns_through
from transforms.engine.cutting import (
    SHARD_BYTES,
    Given,
    InputFile,
    Shard,
    look_at,
    shards_of,
)
from transforms.engine.encoders import Resolver, Specials
from transforms.engine.operators.base import ColumnMap, Scope
from transforms.engine.operators.embed import Embed
from transforms.engine.operators.pack import Pack
from transforms.engine.operators.tokenise import Tokenise
from transforms.engine.problems import Problem, problems_of, refuse
from transforms.engine.readers import Piece
from transforms.engine.sources import OpenInput
from transforms.engine.spec import Spec, digest, read_spec
from transforms.engine.splitting import split_problems
from transforms.engine.stages import Load, Stage, stages
from transforms.engine.stored import rebuilt
from transforms.engine.together import bound, marked, rows_together
from transforms.engine.writing.registry import output_problems

__all__ = ["SHARD_BYTES", "Given", "InputFile", "Plan", "Shard", "from_json", "plan"]

GROUP_ROWS = 8192
GROUP_TOKENS = 4 * 1024 * 1024


@dataclass(frozen=True)
class Plan:
    """Everything that is decided before a byte is written."""

    spec: Spec
    spec_digest: Digest
    run_digest: Digest
    """Digest of the pipeline and all its input: equal runs give equal bytes."""
    inputs: tuple[pa.Schema, ...]
    """The schema of each input as it is read."""
    schemas: tuple[pa.Schema, ...]
    """The schema of the rows of the inputs together, then behind each step."""
    column_map: ColumnMap
    """For each column of the result, the columns of the inputs that it depends on."""
    shards: tuple[Shard, ...]
    """Of the inputs that give the rows."""
    beside: tuple[Shard, ...]
    """Of the inputs that steps look up."""
    stages: tuple[Stage, ...]

    @property
    def group_rows(self) -> int:
        """Rows in a row group of the output."""
        lengths = [step.length for step in self.spec.steps if isinstance(step, Pack)]
        return max(64, min(GROUP_ROWS, GROUP_TOKENS // lengths[0])) if lengths else GROUP_ROWS

    def rows_from(self, number: int) -> pa.Schema:
        """Return the schema in which the rows of an input come to the steps."""
        if number in self.spec.joined:
            return marked(self.inputs[number], self.spec.inputs[number].mark)
        return self.schemas[0]

    def reads(self, stage: int, unit: int) -> bool:
        """Say whether a unit of work reads an input, and not what the stage before left."""
        return stage == 0 or self.looks_up(stage, unit)

    def looks_up(self, stage: int, unit: int) -> bool:
        """Say whether a unit of work reads an input for the step at the end of its stage alone."""
        found = self.stages[stage]
        return unit >= found.units - found.beside

    def unit(self, stage: int, index: int) -> Shard:
        """Return a unit of work of a stage: a shard, or a part without pieces of its own."""
        found = self.stages[stage]
        barrier = self.barrier(stage)
        if barrier is not None and self.looks_up(stage, index):
            return self._of_input[barrier.looks_up()][index - (found.units - found.beside)]
        if not found.is_exchanged:
            return self.shards[index]
        return Shard(index, (), 0, canonical_digest([self.run_digest, stage, index]))

    @cached_property
    def _of_input(self) -> Mapping[int | None, Sequence[Shard]]:
        found: dict[int | None, list[Shard]] = {}
        for shard in self.beside:
            found.setdefault(shard.input, []).append(shard)
        return found

    def barrier(self, stage: int) -> Barrier | None:
        """Return the step whose barrier ends a stage; None for the last stage."""
        step = self.spec.steps[self.stages[stage].end - 1]
        return step if isinstance(step, Barrier) else None

    @property
    def work(self) -> int:
        """Units of all stages and tasks of all barriers."""
        return sum(stage.units + sum(stage.levels) for stage in self.stages)

    def to_json(self) -> dict[str, object]:
        """Return the plan in JSON values, for a queue or a table; `from_json` reads it."""
        return {
            "spec": self.spec.as_json(),
            "spec_digest": self.spec_digest,
            "run_digest": self.run_digest,
            "schema": _packed(self.inputs[0]),
            "further_schemas": [_packed(each) for each in self.inputs[1:]],
            "shards": [asdict(shard) for shard in (*self.shards, *self.beside)],
        }


def plan(
    spec: Spec,
    files: Sequence[InputFile],
    open_input: OpenInput,
    resolver: Resolver,
    shard_bytes: int = SHARD_BYTES,
    *,
    further: Sequence[Given] = (),
) -> Plan:
    """Return the plan of a run of `spec` over those of `files` that it names.

    `further` are the files of the inputs behind the first. Reads a sample of the first files of
    each (of columnar ones what they say of themselves), nothing else. Raises InvalidSpec for
    whatever the document asks that this input cannot give, Invalid for unusable files.
    """
    given = (Given(files, open_input), *further)
    _check_tokenizers(spec, resolver)
    spec_digest = digest(spec, lambda name: resolver(name).sha256)
    looked = [
        look_at(number, wanted, each, shard_bytes)
        for number, (wanted, each) in enumerate(zip(spec.inputs, given, strict=True))
    ]
    inputs = tuple(each.schema for each in looked)
    rows = rows_together(spec, inputs)
    shards: list[Shard] = []
    for each in sorted(looked, key=lambda each: each.number in spec.joined):
        shards += shards_of(each, len(shards), spec_digest, rows, shard_bytes)
    run_digest = canonical_digest([spec_digest, *(shard.digest for shard in shards)])
    return _assemble(spec, (spec_digest, run_digest), inputs, shards)


def from_json(document: Mapping[str, object]) -> Plan:
    """Return the plan that `Plan.to_json` wrote."""
    spec = read_spec(document["spec"])
    packed = [document["schema"], *cast("list[str]", document.get("further_schemas", []))]
    inputs = tuple(
        pa.ipc.read_schema(pa.py_buffer(base64.b64decode(cast(str, each)))) for each in packed
    )
    spec_digest = Digest(cast(str, document["spec_digest"]))
    run_digest = Digest(cast(str, document["run_digest"]))
    shards = [
        rebuilt(Shard, raw, pieces=tuple(map(_piece, raw["pieces"])))
        for raw in cast("list[dict[str, list[dict[str, list[str]]]]]", document["shards"])
    ]
    return _assemble(spec, (spec_digest, run_digest), inputs, shards)


def _piece(stored: Mapping[str, Sequence[str]]) -> Piece:
    return rebuilt(Piece, stored, beside=tuple(stored.get("beside", ())))


def _packed(schema: pa.Schema) -> str:
    return base64.b64encode(schema.serialize().to_pybytes()).decode()


def _assemble(
    spec: Spec,
    digests: tuple[Digest, Digest],
    inputs: tuple[pa.Schema, ...],
    shards: Sequence[Shard],
) -> Plan:
    spec = bound(spec, inputs)
    schemas = schemas_through(spec, rows_together(spec, inputs))
    _check_output(spec, schemas[-1])
    rows, loads = Load(), dict.fromkeys(spec.joined, Load())
    for shard in shards:
        if shard.input in loads:
            loads[shard.input] = loads[shard.input].with_one(shard.unpacked)
        else:
            rows = rows.with_one(shard.unpacked)
    return Plan(
        spec=spec,
        spec_digest=digests[0],
        run_digest=digests[1],
        inputs=inputs,
        schemas=schemas,
        column_map=columns_through(spec, inputs, schemas),
        shards=tuple(each for each in shards if each.input not in loads),
        beside=tuple(each for each in shards if each.input in loads),
        stages=tuple(stages(spec.steps, rows, loads)),
    )


def _check_tokenizers(spec: Spec, resolver: Resolver) -> None:
    problems: list[Problem] = []
    for position, step in enumerate(spec.steps):
        if isinstance(step, Embed):
            lacking = embedding.check(resolver(step.model), "model")
            problems += [each.below(spec.where(position)) for each in lacking]
        if isinstance(step, Tokenise):
            specials = Specials.of(resolver(step.tokenizer))
            try:
                if step.add_eos:
                    specials.eos(step.eos)
            except InvalidSpec as error:
                problems += [each.below(spec.where(position)) for each in problems_of(error)]
    if problems:
        raise refuse(problems)


def _check_output(spec: Spec, schema: pa.Schema) -> None:
    problems = list(output_problems(spec.output, schema))
    if spec.split is not None:
        problems += split_problems(spec.split, schema)
    if problems:
        raise refuse(problems)


def schemas_through(spec: Spec, schema: pa.Schema) -> tuple[pa.Schema, ...]:
    """Return `schema` and the schema behind each step; raises InvalidSpec at the first that fails.

    Later steps are not looked at then, because what they would find is not known.
    """
    schemas = [schema]
    regrouped = False
    for position, step in enumerate(spec.steps):
        if regrouped and step.SCOPE is Scope.GLOBAL:
            message = f"{step.NAME} is for documents; put it before the step that packs them."
            raise refuse([Problem(spec.where(position), message)])
        regrouped = regrouped or step.SCOPE is Scope.SHARD
        try:
            schemas.append(step.output_schema(schemas[-1]))
        except InvalidSpec as error:
            at = spec.where(position)
            raise refuse([each.below(at) for each in problems_of(error)]) from error
    return tuple(schemas)
