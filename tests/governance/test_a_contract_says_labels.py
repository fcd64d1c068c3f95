"""The classifications of a contract are labels as soon as it is set, and only while it says so."""

from __future__ import annotations

from typing import Any

import pytest

from catalog.models import Product
from catalog.services import set_contract
from core.errors import InvalidSpec
from governance.models import Label
from tests.builders import World
from tests.governance.conftest import WIKI
from tests.governance.scanning import labels


def contract(*properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    table = {"name": "people", "properties": list(properties), **more}
    return {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "x", "schema": [table]}


def put(world: World, document: Any) -> None:
    set_contract(world.ana.principal, Product.objects.get(name=WIKI).pk, document)


def test_classifications_become_labels_of_product_and_columns(world: World) -> None:
    nested = {"name": "home", "properties": [{"name": "street", "classification": "pii:address"}]}
    put(
        world,
        contract(
            {"name": "mail", "classification": "confidential", "tags": ["pii:email", "x"]},
            {"name": "note", "classification": "Top Secret!"},
            nested,
            classification="internal",
        ),
    )
    assert labels(WIKI, origin="contract") == {
        ("", "sensitivity:internal"),
        ("mail", "sensitivity:confidential"),
        ("mail", "pii:email"),
        ("note", "classification:top-secret"),
        ("home", "pii:address"),
    }


def test_another_revision_takes_back_what_it_does_not_say(world: World) -> None:
    put(world, contract({"name": "mail", "classification": "pii:email"}))
    put(world, contract({"name": "mail", "classification": "pii:email"}))
    (row,) = Label.objects.filter(name=WIKI)
    assert row.evidence["contract"] == 1
    put(world, contract({"name": "mail"}))
    assert labels(WIKI) == set()


@pytest.mark.parametrize(
    "document",
    [[], {}, {"apiVersion": "v3", "kind": "Other"}, contract({"name": 3}),
     {"apiVersion": "v3", "kind": "DataContract", "schema": "x"},
     contract({"name": "a", "classification": {}})],
)  # fmt: skip
def test_what_is_no_contract_is_refused(world: World, document: Any) -> None:
    with pytest.raises(InvalidSpec):
        put(world, document)


def test_the_contract_is_put_and_read_over_the_api(world: World) -> None:
    address = f"/api/v1/products/{Product.objects.get(name=WIKI).pk}/contract"
    document = contract({"name": "mail", "classification": "restricted"})
    assert world.ana.client().get(address).status_code == 404
    assert world.ben.client().put(address, document, "application/json").status_code == 403
    done = world.ana.client().put(address, document, "application/json")
    assert (done.status_code, done.json()["revision"]) == (200, 1)
    assert world.ben.client().get(address).json()["document"] == document
    text = "apiVersion: v3.1.0\nkind: DataContract\nschema: [{name: a, tags: ['pii:name']}]\n"
    assert world.ana.client().put(address, {"text": text}, "application/json").status_code == 200
    assert labels(WIKI) == {("", "pii:name")}
