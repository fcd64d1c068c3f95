"""Writes the reference of pipeline documents: `python -m transforms.engine.reference PATH`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from inspect import getdoc
from pathlib import Path
from typing import cast

from transforms.engine.operators.registry import OPERATORS
from transforms.engine.params import Json
from transforms.engine.spec import document_schema
from transforms.engine.writing.base import Format
from transforms.engine.writing.registry import FORMATS

_HEAD = """\
# Pipeline documents

Written from the operators themselves by `python -m transforms.engine.reference`; a test fails when
this page is behind. The same as a JSON Schema: [pipeline.schema.json](pipeline.schema.json), also
at `GET /api/v1/pipelines/schema`.

A pipeline is a document in YAML or JSON. It is read as YAML 1.2: `no` is a word, a date is text, a
key that stands twice and an alias are refused. An unknown member, operator or column is refused
when the pipeline is saved, with the place (`steps[2].tokenise.column`) and the nearest name that
exists.

```yaml
version: 1
inputs:
  - name: /acme/nlp/~/code
    format: jsonl
steps:
  - filter: {where: [{column: text, min_chars: 50}]}
  - dedup_exact: {columns: [text]}
  - tokenise: {column: text, tokenizer: deepseek}
  - pack: {length: 2048}
output:
  name: /acme/nlp/~/code-tokens
```

What a run does with it: [how runs work](../explanation/algorithms/runs.md).
"""
_READ = """
What is read: JSON lines, CSV, Parquet, Arrow IPC (files and streams), ORC, WebDataset archives,
TFRecord, MDS, data sets of Lance, pairs of Megatron, and `files`, of which each is one row: images
and sounds by their ending, any file when asked. A line, a sample or a record that is no row is set
aside; a file that is damaged as a whole stops the run. What only tells of other files is not read:
the `index.json` of MDS, and the `dataset_dict.json`, `dataset_info.json` and `state.json` of a data
set that `datasets` has saved.

Many workers read a large file of JSON lines or CSV, each a stretch of it, a columnar file by its
row groups, batches or stripes, a data set of Lance by its fragments, a pair of Megatron by its
documents. What is compressed as a whole, and every other format, one worker reads from beginning to
end. CSV is cut where records end, also among quoted newlines: the rows are those that one reader
finds, or the run is refused, because quotes do not pair, and `cut: false` lets one worker read the
file.

The columns of a WebDataset archive are `key` and the endings of its members: `0001.caption.txt` is
the column `caption`, `0001.jpg` the column `jpg`. Where two members of a sample would be one column
(`0001.left.png`, `0001.left.txt`), the columns keep the whole endings.

A record of TFRecord is a `tf.train.Example`, whose features are the columns, in order of name: a
value where each example of the sample has one, else a list; bytes that are all UTF-8 are text. An
example without a feature has null there. A record with a wrong checksum is set aside.

A shard of MDS tells its columns itself. Of its encodings `ndarray` becomes lists (of lists, where
it has more dimensions), `json` numbers, truth values, text or lists of them where the sample is of
one such kind, else text of JSON, `str_decimal` text, `jpeg` and `png` the bytes of the image. `pil`
and `pkl` are not read, the latter since it would run whatever the shard says: `schema` must name
the other columns then.

A data set of Lance is read as a whole, at its newest version, when `files` matches any file of it:
what was deleted is not read. A fragment is never cut, and what a shard needs is copied to the disk
of its worker. A data set with rows in another place (a shallow clone) is refused. Needs the extra
`lance`.

A pair of Megatron is read when `files` matches its `.idx` or its `.bin`: a document, of one
sequence or several, is a row of `input_ids`, a list of numbers of the width that the index tells.
The documents must be all that lies in the `.bin`. Ids that do not fit a declared type are set
aside; `schema` may name no other column. What is not read: ids that are no whole numbers, and modes
of sequences.
"""
_WRITTEN = """
### Formats

The files of shard 3 begin with `part-00003`. What a format cannot hold is refused when the run is
planned. The same rows give the same bytes, whatever the workers and the batches.
"""
_INDEX = """
### `output.index`

Beside each part stand files of [usearch](https://github.com/unum-cloud/usearch),
`part-00003.00000.usearch`, one for each 64 MiB of vectors. What one answers with are numbers of
rows of its part. `vectors.json` (in each folder of a split) lists the parts with their rows and
indexes, the column, its dimensions, the metric and how a number is kept. Rows without a vector are
in no index; the report counts both (`index_vectors`, `index_nulls`). Vectors of several lengths, or
with what is no number, stop the run.

The same rows give the same bytes; on processors of another kind the last bits of a distance, and so
a graph, may differ. An index holds the vectors themselves, so it is as restricted as the column:
who reads masked rows gets no index. `fairmesh search-index` finds the nearest rows of a fetched
version. Needs the extra `vectors`.
"""
_SPLIT = """
## `split`

The files of each part lie in a folder of its name, `train/part-00000.parquet`. A row goes by the
64-bit XXH3 of its key (the value's text in UTF-8, a null as empty text; without `by`, of the shard
and the row): the parts lie one after the other, in order of their names, on the range of the hash.
So rows with equal keys stay together in every run and whatever the shards, and other shares move
only the rows between the old borders and the new. The report counts the rows of each part
(`split_train`).

```yaml
split: {by: document_id, parts: {train: 0.98, validation: 0.01, test: 0.01}}
```
"""
_TABLE = "\n| | type | default | |\n|---|---|---|---|\n"


def reference() -> str:
    """Return the text of the page; it changes only when a parameter does."""
    properties = _members(document_schema())
    items = _object(_object(properties["inputs"])["items"])
    parts = [
        _HEAD,
        "\n## `inputs`: one or several\n" + _TABLE + "".join(_rows(items)) + _READ,
        "\n## `output`\n" + _TABLE + "".join(_rows(_object(properties["output"]))) + _WRITTEN,
        *map(_format, FORMATS.values()),
        _INDEX,
        _SPLIT + _TABLE + "".join(_rows(_object(properties["split"]))),
        "\n## Operators\n\nA step is a mapping of one operator to its parameters.\n",
    ]
    steps = _object(_object(properties["steps"])["items"])["oneOf"]
    parts += [_operator(_object(each)) for each in cast("list[Json]", steps)]
    return "".join(parts)


def _format(described: Format) -> str:
    first, *others = (f"`{each}`" for each in described.COMPRESSIONS)
    known = ", ".join([f"{first} (default)", *others])
    return f"\n#### `{described.NAME}`\n\n{getdoc(described)}\n\nCompression: {known}.\n"


def _operator(step: Mapping[str, Json]) -> str:
    ((name, parameters),) = _members(step).items()
    described = _object(parameters)
    told = getdoc(OPERATORS[name])
    choice = " or ".join(f"`{each}`" for each in getattr(OPERATORS[name], "ONE_OF", ()))
    if choice:
        told = f"{told}\n\nGive exactly one of {choice}."
    return f"\n### `{name}`\n\n{told}\n{_TABLE}{''.join(_rows(described))}"


def _rows(described: Mapping[str, Json], prefix: str = "") -> Iterator[str]:
    required = cast("list[str]", described.get("required", []))
    for name, raw in _members(described).items():
        member = _object(raw)
        default = "required" if name in required else _default(member)
        text = str(member.get("description", "")).replace("|", "\\|")
        limits = "".join(_limits(member))
        yield f"| `{prefix}{name}` | {_type(member)}{limits} | {default} | {text} |\n"
        items = member.get("items")
        if isinstance(items, dict) and "properties" in items:
            yield from _rows(items, f"{prefix}{name}[].")
        if "properties" in member:
            yield from _rows(member, f"{prefix}{name}.")


def _default(member: Mapping[str, Json]) -> str:
    if "default" not in member:
        return ""
    value = member["default"]
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _limits(member: Mapping[str, Json]) -> Iterator[str]:
    for key, sign in (("minimum", "≥"), ("maximum", "≤")):
        if key in member:
            yield f", {sign} {member[key]}"


def _type(member: Mapping[str, Json]) -> str:
    if "anyOf" in member:
        member = _object(cast("list[Json]", member["anyOf"])[0])
    if "enum" in member:
        return ", ".join(f"`{each}`" for each in cast("list[Json]", member["enum"]))
    kind = member.get("type", "object")
    if isinstance(kind, list):
        kind = next(each for each in kind if each != "null")
    if kind == "array":
        items = _object(member["items"])
        return "list of objects" if "properties" in items else f"list of {_type(items)}"
    values = member.get("additionalProperties")
    if kind == "object" and isinstance(values, dict):
        return f"mapping of names to {_type(values)}"
    return str(kind)


def _members(described: Mapping[str, Json]) -> Mapping[str, Json]:
    return _object(described["properties"])


def _object(value: Json) -> Mapping[str, Json]:
    assert isinstance(value, dict)
    return value


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference(), encoding="utf-8")
