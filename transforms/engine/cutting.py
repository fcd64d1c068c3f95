"""Inputs, cut into shards whose boundaries depend on their files alone.

So every worker that plans finds the same shards, and a shard done yesterday is the same today.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial

import pyarrow as pa

from core.canonical import canonical_digest
from core.digests import Digest, hash_stream
from core.errors import IntegrityBroken, Invalid
from transforms.engine.problems import Problem, nearest, refuse
from transforms.engine.readers import CUT_BY_BYTES, Piece, cut, cut_data_set, infer_schema
from transforms.engine.reading.columnar import COLUMNAR
from transforms.engine.reading.lance import newest_manifests
from transforms.engine.reading.megatron import pairs
from transforms.engine.side_files import side_files
from transforms.engine.sources import READ_BYTES, OpenInput
from transforms.engine.spec import ARROW_TYPES, Input, InputFormat
from transforms.engine.writing.files import INDEX_MEDIA_TYPES

SHARD_BYTES = 32 * 1024 * 1024
UNPACKED = 8
"""How many times as long text is taken to be when it is no longer compressed."""
_TELLS_COLUMNS = COLUMNAR | {"lance", "megatron"}
_BORDERS = "048c"
"""First digits of the hashes of the files before which a shard may end early."""


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file of the input version, as its manifest has it."""

    path: str
    bytes: int
    sha256: str
    media_type: str = "application/octet-stream"
    rows: int | None = None

    @property
    def is_index(self) -> bool:
        """Whether it speaks of the rows of other files and holds none: such a file is not read."""
        return self.rows == 0 and self.media_type in INDEX_MEDIA_TYPES


@dataclass(frozen=True, slots=True)
class Given:
    """The files of an input version, and what opens them."""

    files: Sequence[InputFile]
    open_input: OpenInput


@dataclass(frozen=True, slots=True)
class Shard:
    """A unit of work. `digest` covers the pipeline and the input bytes: it names the result."""

    index: int
    """Among the shards of all inputs: those that give the rows come first."""
    pieces: tuple[Piece, ...]
    bytes: int
    digest: Digest
    input: int = 0
    """The number of the input that all its pieces are of."""

    @property
    def unpacked(self) -> int:
        """Return about how many bytes of rows the shard is."""
        packed = any(piece.compression != "none" for piece in self.pieces)
        return self.bytes * UNPACKED if packed else self.bytes


@dataclass(frozen=True, slots=True)
class Looked:
    """What planning found in an input."""

    number: int
    wanted: Input
    pieces: Sequence[tuple[Piece, int]]
    """With their sizes."""
    hashes: Mapping[str, str]
    """The sha256 of each file."""
    schema: pa.Schema
    """Of what is read, without the columns that mark it."""


def look_at(number: int, wanted: Input, given: Given, shard_bytes: int) -> Looked:
    """Cut the files that a document wants into pieces, and find their columns.

    Reads a sample of the first files (of columnar ones what they say of themselves), nothing else.
    Raises InvalidSpec where there is none or they do not fit together, Invalid for unusable files.
    """
    matching = [each for each in given.files if fnmatchcase(each.path, wanted.files)]
    sets = _DataSets(given.files, wanted.format)
    mains = {sets.main_of(each.path) for each in matching} - {""}
    files = [each for each in matching if not each.is_index and not sets.main_of(each.path)]
    beside = side_files([each.path for each in files], wanted.format)
    sizes = {each.path: each.bytes for each in files if each.path not in beside}
    rows = {each.path: each.rows for each in files}
    for file in given.files:
        if file.path in mains:
            _require_sealed(file, given.open_input)
    where = f"inputs[{number}]"
    if not sizes and not mains:
        meant = nearest(wanted.files, [each.path for each in given.files])
        raise refuse([Problem(f"{where}.files", f"No file matches {wanted.files!r}.", meant)])
    pieces = [
        piece
        for path in sorted((*sizes, *mains), key=str.encode)
        for piece in (
            cut_data_set(path, sets.sizes(path), given.open_input, shard_bytes)
            if path in mains
            else cut(
                path,
                sizes[path],
                wanted.format,
                given.open_input,
                sizes[path] if wanted.cut is False else shard_bytes,
                rows[path],
            )
        )
    ]
    schema = _schema(wanted, where, [piece for piece, _ in pieces], given.open_input)
    if not schema.names:
        raise refuse([Problem(f"{where}.schema", "The input has no columns; declare them.")])
    read = {path for piece, _ in pieces for path in piece.paths}
    hashes = {file.path: file.sha256 for file in given.files if file.path in read}
    return Looked(number, wanted, pieces, hashes, schema)


def _require_sealed(main: InputFile, open_input: OpenInput) -> None:
    """Raise IntegrityBroken for other bytes: they would tell of other rows, and none be missed."""
    with open_input(main.path).open() as stream:
        _, sha256, _ = hash_stream(iter(partial(stream.read, READ_BYTES), b""))
        if sha256 != main.sha256:
            raise IntegrityBroken(
                f"{main.path} is not as it was published, and tells which rows there are.",
                path=main.path,
            )


class _DataSets:
    """Which files are read together, and the main one of each such set, which tells of the others.

    Of a data set of Lance that is the newest manifest, of a pair of Megatron the index.
    """

    def __init__(self, files: Iterable[InputFile], declared: InputFormat) -> None:
        sizes = {file.path: file.bytes for file in files}
        self._mains: dict[str, str] = {}
        self._sizes: dict[str, dict[str, int]] = {}
        if declared in {"auto", "megatron"}:
            for index, ids in pairs(sizes).items():
                self._add(index, {index: sizes[index], ids: sizes[ids]})
        folders = newest_manifests(sizes) if declared in {"auto", "lance"} else {}
        for folder, manifest in folders.items():
            inside = {path: size for path, size in sizes.items() if path.startswith(folder)}
            self._add(manifest, inside)

    def _add(self, main: str, sizes: dict[str, int]) -> None:
        self._sizes[main] = sizes
        self._mains |= dict.fromkeys(sizes, main)

    def main_of(self, path: str) -> str:
        """Return the main file of the set that a file is of; empty if of none."""
        return self._mains.get(path, "")

    def sizes(self, main: str) -> Mapping[str, int]:
        """Return the sizes of all files of a set."""
        return self._sizes[main]


def _schema(wanted: Input, where: str, pieces: Sequence[Piece], open_input: OpenInput) -> pa.Schema:
    if len({piece.format == "files" for piece in pieces}) > 1:
        message = "Of some files each is a row, others hold rows; let `files` name one kind."
        raise refuse([Problem(f"{where}.files", message)])
    if wanted.schema is not None:
        return pa.schema([(name, ARROW_TYPES[kind]) for name, kind in wanted.schema.items()])
    firsts = list({piece.path: piece for piece in reversed(pieces)}.values())[::-1]
    declared = [piece for piece in firsts if piece.format in _TELLS_COLUMNS]
    looked_at = declared or firsts[:8]
    try:
        found = [infer_schema(piece, open_input) for piece in looked_at]
        if not declared:
            return pa.unify_schemas(found, promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        message = f"The types of the columns cannot be inferred ({error}); declare them."
        raise refuse([Problem(f"{where}.schema", message)]) from error
    for piece, schema in zip(looked_at, found, strict=True):
        if not schema.equals(found[0]):
            raise Invalid(
                f"{piece.path} and {looked_at[0].path} have different columns.", path=piece.path
            )
    return found[0]


def shards_of(
    looked: Looked, first: int, spec_digest: Digest, schema: pa.Schema, shard_bytes: int
) -> Iterator[Shard]:
    """Yield the shards of an input, counted from `first`; `schema` is that of the rows they give.

    A shard of the first input has a digest that speaks of that input alone, so that another input
    beside it does not make its work another one.
    """
    about = [] if looked.number == 0 else [looked.number, str(looked.schema)]
    groups = grouped(looked.pieces, looked.hashes, shard_bytes)
    for index, (pieces, size) in enumerate(groups, first):
        parts = [
            [looked.hashes[piece.path], piece.format, piece.start, piece.end]
            + ([piece.path] if piece.format == "files" else [])  # it is a column there
            + [looked.hashes[path] for path in piece.beside]
            for piece in pieces
        ]
        digest = canonical_digest([spec_digest, str(schema), parts, *about])
        yield Shard(index, pieces, size, digest, looked.number)


def read_by_one(shards: Iterable[Shard], shard_bytes: int) -> Iterator[tuple[Piece, int, str]]:
    """Yield what is longer than a shard is to be and cannot be cut: its bytes, and the reason."""
    for shard in shards:
        if shard.bytes > shard_bytes and len(shard.pieces) == 1:
            (piece,) = shard.pieces
            yield piece, shard.bytes, _why_whole(piece)


def _why_whole(piece: Piece) -> str:
    if piece.compression != "none":
        return f"{piece.compression} is one stream, which nobody can begin to read in the middle"
    if piece.format in _TELLS_COLUMNS:
        return f"it is one unit of {piece.format}; written in smaller ones, many could read it"
    return (
        "the input says so" if piece.format in CUT_BY_BYTES else f"{piece.format} is read in order"
    )


def grouped(
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
