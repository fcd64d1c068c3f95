"""An index holds the vectors of a column, and a vector tells of its text: no mask may leave it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from governance.selectors import labels_of
from governance.services import add_label, issue_token, save_policy
from movement.models import Replica
from movement.opening import open_store
from tests.governance.scanning import result_of, work
from tests.transforms.mesh import CODE, OPERATOR, TOKENS, Mesh, drive, lines
from tests.transforms.sentence_models import write_model
from transforms import services
from transforms.models import Run, RunState

ROWS = [{"id": number, "text": f"a red dog {number % 3} in a blue house"} for number in range(60)]
INDEXES = {"part-00000.00000.usearch", "vectors.json"}


@pytest.fixture
def indexed(mesh: Mesh, tmp_path: Path, settings: Any) -> Run:
    """A run that embeds a labelled text and writes an index."""
    write_model(tmp_path / "models" / "small")
    settings.FAIRMESH = replace(settings.FAIRMESH, tokenizers=tmp_path / "models")
    mesh.publish({"a.jsonl": lines(ROWS)})
    add_label(mesh.carla, name=CODE, label="sensitivity:restricted", column="text")
    spec = {
        "version": 1,
        "inputs": [{"name": CODE}],
        "steps": [
            {"embed": {"column": "text", "model": "small"}},
            {"select": {"columns": ["id", "embedding"]}},
        ],
        "output": {"name": TOKENS, "index": {}},
    }
    run = drive(mesh.start(services.save_pipeline(mesh.ana, name="index", spec=spec)))
    assert run.state == RunState.DONE, run.reason
    return run


def client_of(mesh: Mesh, who: str) -> Client:
    _, secret = issue_token(mesh.users[who], getattr(mesh, who), title="t", days=1, scopes=None)
    return Client(headers={"Authorization": f"Bearer {secret}"})


def let_read(note: str = "") -> None:
    text = (
        f'@id("kept") @reason("For a test.") {note}\n'
        'permit (principal == User::"ben", action in [Action::"discover", Action::"read"],\n'
        f'  resource == Product::"{TOKENS}");'
    )
    save_policy(OPERATOR, kind="access", slug="kept", text=text)


def test_it_is_published_beside_its_part(indexed: Run) -> None:
    version = indexed.output_version
    assert version is not None
    assert (version.rows, version.files) == (60, 3)
    assert [column["name"] for column in version.schema] == ["id", "embedding"]
    assert version.product.ports.get(name="files").format == "parquet"
    assert indexed.report is not None
    assert indexed.report["counts"]["index_vectors"] == 60
    replica = Replica.objects.get(version=version)
    stored = {found.key for found in open_store(replica.store).list(replica.base)}
    assert {f"{replica.base}{path}" for path in INDEXES} <= stored


def test_the_vectors_have_the_labels_of_their_text(indexed: Run) -> None:
    assert {(row.column, row.label) for row in labels_of(TOKENS)} == {
        ("embedding", "sensitivity:restricted")
    }


def test_who_may_read_all_may_read_the_index(indexed: Run, mesh: Mesh) -> None:
    let_read()
    found = client_of(mesh, "ben").get("/api/v1/resolve", {"name": TOKENS}).json()
    assert found["how"] == "bytes"
    assert {file["path"] for file in found["results"] if file["urls"]} > INDEXES


@pytest.mark.parametrize(
    "note",
    [
        '@mask("embedding=null")',
        '@mask("[sensitivity:restricted]=null")',
        '@mask("id=hash")',
        '@rows("resource.id < 3")',
    ],
)
def test_who_is_kept_to_masks_or_rows_gets_no_index(indexed: Run, mesh: Mesh, note: str) -> None:
    let_read(note)
    ben = client_of(mesh, "ben")
    found = ben.get("/api/v1/resolve", {"name": TOKENS}).json()
    assert (found["how"], len(found["results"])) == ("stream", 3)
    for file in found["results"]:
        assert file["urls"] == []
        assert (file["rows_url"] is None) == (file["path"] in INDEXES)
    version = indexed.output_version
    assert version is not None
    for path in INDEXES:
        for kind in ("content", "rows"):
            answer = ben.get(f"/api/v1/versions/{version.pk}/{kind}/{path}")
            assert answer.status_code == 403, answer.content


def test_a_scan_names_what_it_could_not_read(indexed: Run) -> None:
    work()
    told = result_of(TOKENS)
    assert [each["path"] for each in told["files"]["skipped"]] == ["part-00000.00000.usearch"]
    assert {each["column"] for each in told["columns"]} >= {"id", "embedding"}
