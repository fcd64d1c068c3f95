"""Planning a run: shards with fixed boundaries, the schema through every step, and the stages.

The plan depends on the document and the input files alone, so every worker that plans finds the
same shards, and a shard done yesterday is the same shard today.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import cast

import pyarrow as pa

from core.canonical import canonical_digest
from core.digests import Digest
from core.errors import Invalid, InvalidSpec
from transforms.engine import embedding
from transforms.engine.barriers.base import Barrier
from transforms.engine.encoders import Resolver, Specials
from transforms.engine.operators.base import (
    ColumnMap,
    ColumnUse,
    Kind,
    Scope,
    Subtype,
    identity,
)
from transforms.engine.operators.embed import Embed
from transforms.engine.operators.pack import Pack
from transforms.engine.operators.tokenise import Tokenise
from transforms.engine.problems import Problem, nearest, problems_of, refuse
from transforms.engine.readers import Piece, cut, infer_schema
from transforms.engine.reading.columnar import COLUMNAR
from transforms.engine.sources import OpenInput
from transforms.engine.spec import ARROW_TYPES, Spec, digest, read_spec
from transforms.engine.splitting import split_problems
from transforms.engine.stages import Stage, stages
from transforms.engine.stored import rebuilt
from transforms.engine.writing.registry import output_problems

SHARD_BYTES = 32 * 1024 * 1024
UNPACKED = 8
"""How many times as long text is taken to be when it is no longer compressed."""
_BORDERS = "048c"
"""First digits of the hashes of the files before which a shard may end early."""
GROUP_ROWS = 8192
GROUP_TOKENS = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file of the input version, as its manifest has it."""

    path: str
    bytes: int
    sha256: str
    media_type: str = "application/octet-stream"
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Shard:
    """A unit of work. `digest` covers the pipeline and the input bytes: it names the result."""

    index: int
    pieces: tuple[Piece, ...]
    bytes: int
    digest: Digest


@dataclass(frozen=True)
class Plan:
    """Everything that is decided before a byte is written."""

    spec: Spec
    spec_digest: Digest
    run_digest: Digest
    """Digest of the pipeline and all its input: equal runs give equal bytes."""
    schemas: tuple[pa.Schema, ...]
    """The schema of the input, then behind each step."""
    column_map: ColumnMap
    """For each column of the result, the columns of the input that it depends on."""
    shards: tuple[Shard, ...]
    stages: tuple[Stage, ...]

    @property
    def group_rows(self) -> int:
        """Rows in a row group of the output."""
        lengths = [step.length for step in self.spec.steps if isinstance(step, Pack)]
        return max(64, min(GROUP_ROWS, GROUP_TOKENS // lengths[0])) if lengths else GROUP_ROWS

    def unit(self, stage: int, index: int) -> Shard:
        """Return a unit of work of a stage: a shard, or a part without pieces of its own."""
        if not self.stages[stage].is_exchanged:
            return self.shards[index]
        return Shard(index, (), 0, canonical_digest([self.run_digest, stage, index]))

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
            "schema": base64.b64encode(self.schemas[0].serialize().to_pybytes()).decode(),
            "shards": [asdict(shard) for shard in self.shards],
        }


def plan(
    spec: Spec,
    files: Sequence[InputFile],
    open_input: OpenInput,
    resolver: Resolver,
    shard_bytes: int = SHARD_BYTES,
) -> Plan:
    """Return the plan of a run of `spec` over those of `files` that it names.

    Reads a sample of the first files (of columnar ones what they say of themselves), nothing else.
    Raises InvalidSpec for whatever the document asks that this input cannot give, Invalid for
    unusable files.
    """
    chosen = sorted(
        (each for each in files if fnmatchcase(each.path, spec.input.files)),
        key=lambda each: each.path.encode(),
    )
    if not chosen:
        raise refuse(
            [
                Problem(
                    "inputs[0].files",
                    f"No file matches {spec.input.files!r}.",
                    nearest(spec.input.files, [each.path for each in files]),
                )
            ]
        )
    _check_tokenizers(spec, resolver)
    spec_digest = digest(spec, lambda name: resolver(name).sha256)
    pieces = [
        piece
        for file in chosen
        for piece in cut(file.path, file.bytes, spec.input.format, open_input, shard_bytes)
    ]
    schema = _input_schema(spec, [piece for piece, _ in pieces], open_input)
    if not schema.names:
        raise refuse([Problem("inputs[0].schema", "The input has no columns; declare them.")])
    hashes = {file.path: file.sha256 for file in chosen}
    groups = list(_group(pieces, hashes, shard_bytes))
    shards = tuple(
        Shard(index, group, size, _shard_digest(spec_digest, schema, group, hashes))
        for index, (group, size) in enumerate(groups)
    )
    run_digest = canonical_digest([spec_digest, *(shard.digest for shard in shards)])
    return _assemble(spec, (spec_digest, run_digest), schema, shards)


def from_json(document: Mapping[str, object]) -> Plan:
    """Return the plan that `Plan.to_json` wrote."""
    spec = read_spec(document["spec"])
    schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(cast(str, document["schema"]))))
    shards = tuple(
        rebuilt(Shard, raw, pieces=tuple(rebuilt(Piece, piece) for piece in raw["pieces"]))
        for raw in cast("list[dict[str, list[object]]]", document["shards"])
    )
    spec_digest = Digest(cast(str, document["spec_digest"]))
    run_digest = Digest(cast(str, document["run_digest"]))
    return _assemble(spec, (spec_digest, run_digest), schema, shards)


def _assemble(
    spec: Spec, digests: tuple[Digest, Digest], schema: pa.Schema, shards: tuple[Shard, ...]
) -> Plan:
    schemas = schemas_through(spec, schema)
    _check_output(spec, schemas[-1])
    return Plan(
        spec=spec,
        spec_digest=digests[0],
        run_digest=digests[1],
        schemas=schemas,
        column_map=columns_through(spec, schemas),
        shards=shards,
        stages=tuple(stages(spec.steps, len(shards), sum(map(_unpacked, shards)))),
    )


def _unpacked(shard: Shard) -> int:
    """Return about how many bytes of rows a shard is."""
    packed = any(piece.compression != "none" for piece in shard.pieces)
    return shard.bytes * UNPACKED if packed else shard.bytes


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


def _group(
    pieces: Iterable[tuple[Piece, int]], hashes: Mapping[str, str], shard_bytes: int
) -> Iterator[tuple[tuple[Piece, ...], int]]:
    """Yield runs of neighbouring pieces of at most `shard_bytes` together.

    Behind the half of that, a run also ends before a file whose hash says so, as one in four does:
    a file that is added, changed or taken away moves the borders near it, and soon they are again
    where they were. So most shards of the next version of an input are shards of this one.
    """
    held: list[Piece] = []
    held_bytes = 0
    for piece, size in pieces:
        is_border = 2 * held_bytes >= shard_bytes and hashes[piece.path][0] in _BORDERS
        if held and (held_bytes + size > shard_bytes or is_border):
            yield tuple(held), held_bytes
            held, held_bytes = [], 0
        held.append(piece)
        held_bytes += size
    if held:
        yield tuple(held), held_bytes


def _shard_digest(
    spec_digest: Digest, schema: pa.Schema, pieces: tuple[Piece, ...], hashes: Mapping[str, str]
) -> Digest:
    parts = [
        [hashes[piece.path], piece.format, piece.start, piece.end]
        + ([piece.path] if piece.format == "files" else [])  # it is a column there
        for piece in pieces
    ]
    return canonical_digest([spec_digest, str(schema), parts])


def _input_schema(spec: Spec, pieces: Sequence[Piece], open_input: OpenInput) -> pa.Schema:
    if len({piece.format == "files" for piece in pieces}) > 1:
        message = "Of some files each is a row, others hold rows; let `files` name one kind."
        raise refuse([Problem("inputs[0].files", message)])
    if spec.input.schema is not None:
        return pa.schema([(name, ARROW_TYPES[kind]) for name, kind in spec.input.schema.items()])
    firsts = list({piece.path: piece for piece in reversed(pieces)}.values())[::-1]
    declared = [piece for piece in firsts if piece.format in COLUMNAR]
    looked_at = declared or firsts[:8]
    try:
        found = [infer_schema(piece, open_input(piece.path)) for piece in looked_at]
        if not declared:
            return pa.unify_schemas(found, promote_options="permissive")
    except pa.ArrowInvalid as error:
        message = f"The types of the columns cannot be inferred ({error}); declare them."
        raise refuse([Problem("inputs[0].schema", message)]) from error
    for piece, schema in zip(looked_at, found, strict=True):
        if not schema.equals(found[0]):
            raise Invalid(
                f"{piece.path} and {looked_at[0].path} have different columns.", path=piece.path
            )
    return found[0]


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


def columns_through(spec: Spec, schemas: Sequence[pa.Schema]) -> ColumnMap:
    """Return the column maps of all steps in one."""
    whole: ColumnMap = {name: (identity(name),) for name in schemas[0].names}
    for step, schema in zip(spec.steps, schemas, strict=False):
        whole = {name: _composed(whole, uses) for name, uses in step.column_map(schema).items()}
    return whole


def _composed(before: ColumnMap, uses: tuple[ColumnUse, ...]) -> tuple[ColumnUse, ...]:
    found = {_through(first, use) for use in uses for first in before[use.column]}
    return tuple(sorted(found))


def _through(first: ColumnUse, then: ColumnUse) -> ColumnUse:
    """Return the use of the first input by the last output; indirect and masking both stick."""
    can_mask = first.legible or first.kind is Kind.INDIRECT
    masking = first.masking or (then.masking and can_mask)
    for use in (first, then):
        if use.kind is Kind.INDIRECT:
            return ColumnUse(first.column, Kind.INDIRECT, use.subtype, masking)
    stronger = (Subtype.AGGREGATION, Subtype.TRANSFORMATION, Subtype.IDENTITY)
    subtype = next(each for each in stronger if each in (first.subtype, then.subtype))
    return ColumnUse(first.column, Kind.DIRECT, subtype, masking, first.legible and then.legible)
