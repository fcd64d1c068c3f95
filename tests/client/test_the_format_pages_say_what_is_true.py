"""The examples in docs/reference are checked as they stand there, by the client and by core."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from fairmesh.manifest import merkle_root, shard_digests
from fairmesh.seal import DELEGATION_TYPE, HEADER_TYPE, Anchor, verify_header

from core import manifest
from core.digests import CHUNK_BYTES, Digest, hash_stream
from core.manifest import SCHEMA, SHARD_FILES, FileEntry

PAGES = Path(__file__).parents[2] / "docs" / "reference"
SEAL = (PAGES / "seal.md").read_text()
MANIFEST = (PAGES / "manifest.md").read_text()


def _block(name: str) -> Any:
    found = re.search(rf"```json {name}\n(.*?)```", SEAL, re.S)
    assert found is not None
    return json.loads(found[1])


def _cell(page: str, title: str) -> str:
    found = re.search(rf"^\| {re.escape(title)} \| `([^`]+)` \|$", page, re.M)
    assert found is not None, title
    return found[1]


def test_the_example_seal_verifies() -> None:
    anchor = Anchor.parse(_cell(SEAL, "anchor"))
    sealed = verify_header(_block("seal"), [_block("delegation")], anchor)
    assert sealed.digest == _cell(SEAL, "digest of the version")
    assert anchor.key_id == _cell(SEAL, "its key id")
    assert shard_digests(sealed.header) == [_cell(MANIFEST, "digest of the one shard")]
    assert sealed.header["manifest"]["root"] == _cell(MANIFEST, "root")


def test_the_example_root_is_the_tree_hash_of_the_example_shard() -> None:
    shard = _cell(MANIFEST, "digest of the one shard")
    assert merkle_root([shard]) == _cell(MANIFEST, "root")
    twice = _cell(MANIFEST, "root if that shard stood twice")
    assert merkle_root([shard, shard]) == twice == manifest.merkle_root([Digest(shard)] * 2)


def test_the_example_files_have_the_digests_told() -> None:
    contents = {
        "README.md": b"# Two rows\n",
        "data/part-0000.jsonl": b'{"text": "one"}\n{"text": "two"}\n',
    }
    for path, data in contents.items():
        size, sha256, chunks = hash_stream([data])
        row = rf"^\| `{re.escape(path)}` \| {size} \| `{sha256}` \| \w+ \| {chunks[0].crc32c} \|$"
        assert re.search(row, MANIFEST, re.M), path


def test_the_columns_the_sizes_and_the_types_are_those_of_the_code() -> None:
    columns = re.findall(r"^\| `([a-z_0-9]+)` \| [a-z0-9 ]+ \| (no|yes) \|", MANIFEST, re.M)
    assert columns == [(field.name, "yes" if field.nullable else "no") for field in SCHEMA]
    assert f"{CHUNK_BYTES:,} bytes" in MANIFEST
    assert f"A shard holds {SHARD_FILES:,} files" in MANIFEST
    assert HEADER_TYPE in SEAL
    assert DELEGATION_TYPE in SEAL


def test_a_core_built_manifest_has_the_rows_rule_of_the_page() -> None:
    some = FileEntry("a", 1, "0" * 64, "text/plain", 2)
    unknown = FileEntry("b", 1, "0" * 64, "text/plain", None)
    assert manifest.build([some, unknown]).rows is None
    assert manifest.build([some]).rows == 2
