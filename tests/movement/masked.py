"""What the tests of masked reading share: a product whose readers are kept to masks and rows."""

from __future__ import annotations

import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from django.test import Client

from governance.models import Policy
from governance.services import save_policy
from tests.builders import World, body_of
from tests.movement.conftest import PATIENTS

ROWS: list[dict[str, Any]] = [
    {"email": "ada@example.org", "phone": "0049123456789", "birth": "1987-05-17", "age": 38,
     "country": "DE", "note": "secret-ada"},
    {"email": "bob@example.org", "phone": "0033987654321", "birth": "1990-11-02", "age": 35,
     "country": "FR", "note": "secret-bob"},
    {"email": "ada@example.org", "phone": None, "birth": "2001-01-31", "age": 24,
     "country": "DE", "note": "secret-eve"},
    {"email": "dan@example.org", "phone": "0049555444333", "birth": "1955-09-09", "age": 70,
     "country": None, "note": "secret-dan"},
]  # fmt: skip
MASKS = "email=hash; phone=last4; birth=year; age=bucket:10; [note:free]=redact"
HIDDEN = (
    "ada@", "bob@", "dan@", "secret-", "00491", "0033", "0049555", "-05-17", "-11-02", "FR",
    "38", "70", "24",
)  # fmt: skip
"""What no masked reader of ROWS under GERMANS may see; a few digits may stand in any digest."""
LONG = ("0049123", "0033987", "0049555")
"""Of the numbers so much that no digest holds it by chance."""
GERMANS = 'resource.country == "DE"'


def csv(rows: list[dict[str, Any]] = ROWS) -> bytes:
    lines = [",".join(rows[0])]
    lines += [",".join("" if v is None else str(v) for v in row.values()) for row in rows]
    return ("\n".join(lines) + "\n").encode()


def jsonl(rows: list[dict[str, Any]] = ROWS) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def parquet(rows: list[dict[str, Any]] = ROWS, **options: Any) -> bytes:
    sink = io.BytesIO()
    table = pa.Table.from_pylist(rows).replace_schema_metadata({"example": "secret-ada"})
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def oblige(
    world: World, *, name: str = PATIENTS, who: str = "ben", slug: str = "kept", **notes: str
) -> Policy:
    """Let `who` read `name` under these annotations: mask, rows, purpose, watermark."""
    quoted = {key: json.dumps(value, ensure_ascii=False) for key, value in notes.items()}
    told = "\n".join(f"@{key}({value})" for key, value in quoted.items())
    text = (
        f'@id("{slug}")\n@reason("For a test.")\n{told}\n'
        f'permit (principal == User::"{who}", action in [Action::"read", Action::"transform"],\n'
        f'  resource == Product::"{name}");\n'
    )
    return save_policy(world.operator.principal, kind="access", slug=slug, text=text)


def read_arrow(client: Client, address: str, **query: Any) -> pa.Table:
    answer = client.get(address, query)
    assert answer.status_code == 200, body_of(answer)
    with pa.ipc.open_stream(body_of(answer)) as reader:
        return reader.read_all()
