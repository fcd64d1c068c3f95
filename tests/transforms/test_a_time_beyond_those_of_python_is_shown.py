"""Dates and times that Python has no word for are shown to whoever looks at rows."""

from __future__ import annotations

import io
import json
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.test import Client

from catalog.models import Version
from governance.services import issue_token, save_policy
from tests.builders import body_of
from tests.transforms.mesh import CODE, OPERATOR, Mesh

NUMBERS = [0, 700_000_000_000_000]
TIMES = ["1970-01-01T00:00:00", "24152-02-12 20:26:40.000"]


@pytest.fixture
def version(mesh: Mesh) -> Version:
    """Two rows; the time of the second is beyond the year 9999, also within a list."""
    times = cast("Any", pa.array(NUMBERS, pa.int64())).view(pa.timestamp("ms"))
    lists = cast("Any", pa.ListArray).from_arrays([0, 1, 2], times)
    sink = io.BytesIO()
    pq.write_table(pa.table({"n": [1, 2], "at": times, "list": lists}), sink)
    return mesh.publish({"a.parquet": sink.getvalue()})


@pytest.fixture
def api(mesh: Mesh) -> Client:
    _, secret = issue_token(mesh.users["ana"], mesh.ana, title="t", days=1, scopes=None)
    return Client(headers={"Authorization": f"Bearer {secret}"})


def test_a_sample_shows_them(mesh: Mesh, version: Version, api: Client) -> None:
    pipeline = mesh.pipeline([{"filter": {"where": [{"column": "n", "min": 2}]}}])
    answer = api.post(
        f"/api/v1/pipelines/{pipeline.pk}/sample", {"rows": 2}, content_type="application/json"
    )
    assert answer.status_code == 200, answer.content
    shown = answer.json()
    assert [row["before"]["at"] for row in shown["rows"]] == ["1970-01-01 00:00:00", TIMES[1]]
    assert shown["rows"][1]["after"] == {"n": 2, "at": TIMES[1], "list": [TIMES[1]]}
    assert shown["output"] == [shown["rows"][1]["after"]]


def test_a_preview_and_rows_as_json_show_them(version: Version, api: Client) -> None:
    preview = api.get(f"/api/v1/versions/{version.pk}/preview")
    assert preview.status_code == 200, preview.content
    assert [row["at"] for row in preview.json()["rows"]] == TIMES
    assert preview.json()["rows"][1]["list"] == [TIMES[1]]
    rows = api.get(f"/api/v1/versions/{version.pk}/rows/a.parquet", headers={"Accept": "text/json"})
    assert [json.loads(line)["at"] for line in body_of(rows).splitlines()] == TIMES


def test_a_preview_that_is_masked_shows_them(version: Version, api: Client) -> None:
    mask = '@id("kept") @reason("For a test.") @mask("n=redact")'
    whom = f'principal == User::"ana", action == Action::"read", resource == Product::"{CODE}"'
    save_policy(OPERATOR, kind="access", slug="kept", text=f"{mask} permit ({whom});")
    preview = api.get(f"/api/v1/versions/{version.pk}/preview")
    assert preview.status_code == 200, preview.content
    assert preview.json()["obligations"]["masks"] == {"n": "redact"}
    assert [row["at"] for row in preview.json()["rows"]] == TIMES
