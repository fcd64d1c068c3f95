"""What tests of erasure share: an order over HTTP to its end, and what a store holds."""

from __future__ import annotations

from typing import Any

from catalog.models import Version
from governance.models import ErasureOrder
from movement.models import Replica, Store, TransferState
from movement.opening import open_store
from movement.services import act_on_erasure, request_transfer, run_transfer, set_site_state
from tests.builders import Person, World, deliver

Json = dict[str, Any]
WHY = {"reason": "A person asked for it.", "basis": "GDPR Art. 17"}


def post(person: Person, address: str, body: Json | None = None, expect: int = 200) -> Json:
    """Send JSON and return the answer, which must have the status `expect`."""
    answer = person.client().post(f"/api/v1/{address}", body or {}, content_type="application/json")
    assert answer.status_code == expect, answer.content
    return dict(answer.json())


def get(person: Person, address: str, expect: int = 200) -> Json:
    answer = person.client().get(f"/api/v1/{address}")
    assert answer.status_code == expect, answer.content
    return dict(answer.json())


def propose(person: Person, name: str, **more: Any) -> Json:
    return post(person, "erasures", {"name": name, **WHY, **more}, expect=201)


def approve(person: Person, order: Json, expect: int = 200) -> Json:
    return post(person, f"erasures/{order['id']}/approve", expect=expect)


def erase(world: World, name: str, **more: Any) -> Json:
    """Have the owner propose and the operator approve; act once; return the order."""
    order = propose(world.owner_of(name), name, **more)
    approve(world.operator, order)
    act(order)
    return get(world.operator, f"erasures/{order['id']}")


def act(order: Json) -> str | None:
    return act_on_erasure(ErasureOrder.objects.get(pk=order["id"]).pk)


def receipts(order: Json) -> dict[tuple[str, str, str], Json]:
    """Return the receipts by kind, name and place."""
    return {(row["kind"], row["name"], row["place"]): row for row in order["receipts"]}


def keys(store: str | Store, prefix: str = "") -> list[str]:
    """Return every key of a store, and of a versioned bucket whatever it still keeps."""
    row = Store.objects.get(name=store) if isinstance(store, str) else store
    return sorted({each.key for each in open_store(row).generations(prefix)})


def states(version: str) -> dict[str, str]:
    """Return the state of every replica of a version by store."""
    product, _, number = version.partition("/v=")
    rows = Replica.objects.filter(version__product__name=product, version__number=int(number))
    return dict(rows.values_list("store__name", "state"))


def place_hold(person: Person, name: str, reference: str = "case 7") -> Json:
    body = {"name": name, "reference": reference, "reason": "A court asks."}
    return post(person, "holds", body, expect=201)


def lift(world: World, hold: Json) -> Json:
    """Have two people lift a hold."""
    post(world.ana, f"holds/{hold['id']}/lift", {"reason": "The case is closed."})
    return post(world.operator, f"holds/{hold['id']}/lift")


def copy(world: World, version: Version, target: str) -> None:
    """Carry a copy of a version to a store."""
    operator = world.operator.principal
    transfer = request_transfer(operator, version=version.name, target=target)
    assert run_transfer(transfer.pk) == TransferState.DONE


def site_is(world: World, site: str, state: str) -> None:
    set_site_state(world.operator.principal, site, state)
    deliver()
