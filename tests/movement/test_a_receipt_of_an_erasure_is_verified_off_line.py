"""The signed receipt holds with the anchor alone, and any change of it is found."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from fairmesh.cli import app
from fairmesh.errors import VerificationFailed
from fairmesh.receipt import verify_receipt
from fairmesh.seal import Anchor
from typer.testing import CliRunner

from catalog.services import move_product
from core.seal import HEADER_TYPE, Signer
from governance.services import anchor_key
from tests.builders import World, deliver
from tests.movement.conftest import WIKI
from tests.movement.erasing import act, approve, copy, erase, get, post, propose, site_is

FILES = {"a.csv": b"x\n1\n"}


@pytest.fixture
def anchor(world: World) -> Anchor:
    return Anchor.parse(anchor_key().public)


def fetched(world: World, order: dict[str, Any]) -> dict[str, Any]:
    return get(world.ana, f"erasures/{order['id']}/receipt")


def test_it_tells_who_asked_who_approved_and_what_became_of_each_place(
    folders: World, anchor: Anchor
) -> None:
    version = folders.publish(WIKI, FILES, store="dir-eu")
    copy(folders, version, "dir-us")
    order = erase(folders, version.name)
    receipt = verify_receipt(fetched(folders, order), anchor)
    said = receipt.statement
    assert (said["name"], said["state"], said["basis"]) == (version.name, "done", "GDPR Art. 17")
    assert (said["proposed"]["by"], said["approved"]["by"]) == ("ana", "operator")
    places = {(row["kind"], row["place"]): row["state"] for row in said["receipts"]}
    assert places["replica", "dir-eu"] == places["replica", "dir-us"] == "erased"
    assert receipt.complete
    assert all("base" not in row for row in said["receipts"])


def test_a_change_another_key_and_another_kind_are_refused(folders: World, anchor: Anchor) -> None:
    order = erase(folders, folders.publish(WIKI, FILES).name)
    good = fetched(folders, order)
    changed = json.loads(json.dumps(good))
    payload = json.loads(base64.b64decode(good["envelope"]["payload"]))
    payload["receipts"][0]["state"] = "kept"
    changed["envelope"]["payload"] = base64.b64encode(json.dumps(payload).encode()).decode()
    other_kind = json.loads(json.dumps(good))
    other_kind["envelope"]["payloadType"] = HEADER_TYPE
    without = {**good, "delegations": []}
    stranger = Anchor(Signer.generate().public)
    for document, trusted in (
        (changed, anchor), (other_kind, anchor), (without, anchor), (good, stranger),
    ):  # fmt: skip
        with pytest.raises(VerificationFailed):
            verify_receipt(document, trusted)


def test_a_receipt_stays_good_after_its_product_moved(folders: World, anchor: Anchor) -> None:
    version = folders.publish(WIKI, FILES)
    order = erase(folders, version.name)
    folders.add_team("other", {"ana": "owner"})
    folders.add_domain("/other", "other")
    move_product(folders.ana.principal, version.product_id, "/other/~/wiki")
    assert get(folders.ana, f"erasures/{order['id']}")["name"] == "/other/~/wiki/v=1"
    assert len(get(folders.ana, f"erasures/{order['id']}")["receipts"]) == 5
    receipt = verify_receipt(fetched(folders, order), anchor)
    assert receipt.name == version.name


def test_it_names_nothing_that_is_private_to_another_team(folders: World, anchor: Anchor) -> None:
    secret = "/acme/health/~/zanzibar"
    folders.add_product(secret, visibility="team")
    source = folders.publish(WIKI, FILES, store="dir-eu")
    folders.publish(secret, FILES, store="dir-eu", inputs=[source.name])
    deliver()
    order = erase(folders, source.name)
    receipt = verify_receipt(fetched(folders, order), anchor)
    assert "zanzibar" not in json.dumps(receipt.statement)
    assert receipt.statement["unnamed"] == {"kept": 1}
    assert not receipt.complete


def test_there_is_none_before_every_place_is_settled(folders: World) -> None:
    version = folders.publish(WIKI, FILES, store="dir-eu")
    site_is(folders, "core-eu", "offline")
    order = propose(folders.ana, version.name)
    approve(folders.operator, order)
    assert act(order) == "acting"
    get(folders.ana, f"erasures/{order['id']}/receipt", expect=409)
    get(folders.ben, f"erasures/{order['id']}/receipt", expect=404)
    post(folders.ana, f"erasures/{order['id']}/cancel", {"reason": "too late"}, expect=409)


def test_the_command_verifies_a_file(folders: World, anchor: Anchor, tmp_path: Path) -> None:
    order = erase(folders, folders.publish(WIKI, FILES).name)
    path = tmp_path / "receipt.json"
    path.write_text(json.dumps(fetched(folders, order)))
    told = CliRunner().invoke(
        app, ["verify-receipt", str(path), "--anchor", anchor.public, "--json"]
    )
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout)["complete"] is True
    path.write_text(path.read_text().replace("dir-eu", "dir-us").replace('"sig": "', '"sig": "A'))
    told = CliRunner().invoke(app, ["verify-receipt", str(path), "--anchor", anchor.public])
    assert told.exit_code == 4
    path.write_text("[]")
    told = CliRunner().invoke(app, ["verify-receipt", str(path), "--anchor", anchor.public])
    assert told.exit_code == 2
