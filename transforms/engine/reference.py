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

A pipeline is a document in YAML or JSON. An unknown member, operator or column is refused when the
pipeline is saved, with the place (`steps[2].tokenise.column`) and the nearest name that exists.

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
What is read: JSON lines, CSV, Parquet, Arrow IPC (files and streams), ORC, WebDataset archives, and
`files`, of which each is one row: images and sounds by their ending, any file when asked. A line or
a sample that is no row is set aside; a file that is damaged as a whole stops the run.

The columns of a WebDataset archive are `key` and the endings of its members: `0001.caption.txt` is
the column `caption`, `0001.jpg` the column `jpg`. Where two members of a sample would be one column
(`0001.left.png`, `0001.left.txt`), the columns keep the whole endings.
"""
_WRITTEN = """
### Formats

The files of shard 3 begin with `part-00003`. What a format cannot hold is refused when the run is
planned. The same rows give the same bytes, whatever the workers and the batches.
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
        "\n## `inputs`: exactly one\n" + _TABLE + "".join(_rows(items)) + _READ,
        "\n## `output`\n" + _TABLE + "".join(_rows(_object(properties["output"]))) + _WRITTEN,
        *map(_format, FORMATS.values()),
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
