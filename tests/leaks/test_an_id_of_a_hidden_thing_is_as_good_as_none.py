"""Who holds the id of something hidden learns nothing by it: the answer is that for any id.

Ids travel in logs, mails and old answers. So for every address with an id in it and every method,
a stranger who asks with the id of a hidden thing gets, word for word, what any other id would get.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from catalog.models import Version
from catalog.services import open_version
from governance.models import (
    AccessRequest,
    Campaign,
    CampaignItem,
    Declassification,
    Grant,
    Label,
    LabelOrigin,
    LegalHold,
    Policy,
    PortSubscription,
    Scan,
)
from governance.services import open_campaign, request_access
from movement.models import AppliedPlan, Pin, Replica, Scrub, Subscription, Transfer
from movement.services import start_scrub
from tests.builders import World, body_of, deliver
from tests.leaks.mesh import KNOWN, SECRET, build_settled, callers
from tests.test_every_address_asks_the_decision_point import routes
from transforms.models import Run
from transforms.services import scans

PIPELINE = {
    "name": "secret-texts",
    "spec": {
        "version": 1,
        "inputs": [{"name": SECRET}],
        "steps": [{"filter": {"where": [{"column": "quagga_id", "min_chars": 1}]}}],
        "output": {"name": KNOWN},
    },
}
BODIES: dict[str, dict[str, Any]] = {
    "products/<uuid:product_id>/move": {"name": "/acme/~/moved"},
    "products/<uuid:product_id>": {"title": "Mine"},
    "versions/<uuid:version_id>/register": {"store": "store-eu", "prefix": "landed"},
    "access-requests/<uuid:request_id>/comments": {"text": "Hello"},
    "campaigns/<uuid:campaign_id>/items": {"items": [str(uuid.uuid4())], "verdict": "keep"},
    "campaigns/<uuid:campaign_id>/items/<uuid:item_id>": {"verdict": "keep"},
    "grants/<uuid:grant_id>/review": {"verdict": "justified", "comment": "Seen."},
    "erasures/<uuid:order_id>/agree": {"name": SECRET},
    "scans/<uuid:scan_id>/verdicts": {"label": "pii:email", "verdict": "reject", "column": "x"},
    "policies/<uuid:policy_id>": {"text": "kind: protection", "kind": "protection"},
}
QUERIES = {"runs/<uuid:run_id>/diff": "?with={run_id}"}
ANY_BODY = {"reason": "Because.", "comment": "Because.", "days": 3}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
OWN = ("tokens/<uuid:token_id>",)
"""Rows that tell of no product; another test is about them."""


@pytest.fixture
def mesh(db: None, settings: Any, tmp_path: Path) -> World:
    """SECRET, with one of everything that can hang on a product."""
    world = build_settled(settings, tmp_path)
    ana, dora = world.ana, world.people["dora"]
    client = ana.client()
    world.grant(dora, SECRET)
    request_access(dora.user, dora.principal, name=SECRET, purpose="evaluation", reason="", days=3)
    due = timezone.now() + timedelta(days=7)
    open_campaign(
        ana.user, ana.principal, prefix="/acme/nlp", title="Q3", due_at=due, revoke_undecided=False
    )
    post(client, "holds", {"name": SECRET, "reference": "case 7", "reason": "A court asks."})
    post(client, "erasures", {"name": f"{SECRET}/v=1", "reason": "x", "basis": "GDPR Art. 17"})
    Label.objects.create(
        name=SECRET, label="pii:email", origin=LabelOrigin.INHERITED, created_by="lineage"
    )
    post(client, "labels/declassifications",
         {"name": SECRET, "label": "pii:email", "reason": "None is left."})  # fmt: skip
    pipeline = post(client, "pipelines", PIPELINE)
    post(client, f"pipelines/{pipeline['id']}/run", {})
    scans.start_scan(ana.principal, f"{SECRET}/v=1")
    world.add_protection("for-zanzibar", "{copies: 1}", prefix=SECRET)
    operator = world.operator.client()
    pin = {"version": f"{SECRET}/v=1", "store": "store-eu", "reason": "The trial."}
    post(operator, "pins", pin)
    post(operator, "site-subscriptions", {"product": SECRET, "site": "core-eu"})
    post(client, "plans", {"name": SECRET})
    replica = Replica.objects.filter(version__product__name=SECRET).first()
    assert replica is not None
    start_scrub(replica, deep=False, asked_by="ana")
    open_version(ana.principal, SECRET)
    deliver()
    return world


def post(client: Client, address: str, body: Mapping[str, Any]) -> dict[str, Any]:
    answer = client.post(f"/api/v1/{address}", body, content_type="application/json")
    assert answer.status_code < 300, answer.content
    return dict(answer.json())


def hidden_ids() -> dict[str, list[uuid.UUID]]:
    """Return the ids of rows about SECRET, by the name of the parameter."""
    mine = {"name": SECRET}
    versions = Version.objects.filter(product__name=SECRET)
    run = Run.objects.get()
    order_model = LegalHold._meta.apps.get_model("governance", "ErasureOrder")
    rows: dict[str, Any] = {
        "product_id": [versions[0].product_id],
        "version_id": versions.values_list("pk", flat=True),
        "transfer_id": Transfer.objects.filter(version__in=versions).values_list("pk", flat=True),
        "replica_id": Replica.objects.filter(version__in=versions).values_list("pk", flat=True),
        "scrub_id": Scrub.objects.filter(replica__version__in=versions).values_list(
            "pk", flat=True
        ),
        "pin_id": Pin.objects.filter(version__in=versions).values_list("pk", flat=True),
        "subscription_id": Subscription.objects.values_list("pk", flat=True),
        "plan_id": AppliedPlan.objects.values_list("pk", flat=True),
        "label_id": Label.objects.filter(**mine, removed_at=None).values_list("pk", flat=True),
        "declassification_id": Declassification.objects.filter(**mine).values_list("pk", flat=True),
        "request_id": AccessRequest.objects.filter(**mine).values_list("pk", flat=True),
        "port_subscription_id": [row.pk for row in PortSubscription.objects.filter(**mine)],
        "grant_id": Grant.objects.filter(**mine).values_list("pk", flat=True),
        "hold_id": LegalHold.objects.values_list("pk", flat=True),
        "order_id": order_model.objects.values_list("pk", flat=True),
        "campaign_id": Campaign.objects.values_list("pk", flat=True),
        "item_id": CampaignItem.objects.values_list("pk", flat=True),
        "pipeline_id": [run.pipeline_id],
        "run_id": [run.pk],
        "scan_id": Scan.objects.filter(**mine).values_list("pk", flat=True),
        "policy_id": Policy.objects.filter(slug="for-zanzibar").values_list("pk", flat=True),
    }
    rows["other_id"] = rows["policy_id"]
    found = {key: list(ids) for key, ids in rows.items()}
    assert [key for key, ids in found.items() if not ids] == []
    return found


_PARAMETER = re.compile(r"<uuid:(\w+)>")


def addresses() -> Iterator[tuple[str, str]]:
    for route in sorted(set(routes())):
        method, _, address = route.partition(" ")
        if "<uuid:" in address and address not in OWN:
            yield method, address


def asked(
    client: Client, method: str, address: str, ids: Mapping[str, uuid.UUID]
) -> tuple[int, str]:
    """Return the status and what is said, with every id that was asked with left out."""
    way = _PARAMETER.sub(lambda found: str(ids[found[1]]), address)
    way = way.replace("<path:path>", "quagga.csv").replace("<str:digest>", "sha256:" + "0" * 64)
    way += QUERIES.get(address, "").format(**ids)
    body = json.dumps({**ANY_BODY, **BODIES.get(address, {})})
    with transaction.atomic():
        answer = client.generic(method, f"/api/v1/{way}", body, "application/json")
        said = body_of(answer).decode(errors="replace")
        transaction.set_rollback(True)
    for each in ids.values():
        said = said.replace(str(each), "<id>")
    return answer.status_code, said


@pytest.mark.parametrize("who", ["stranger", "anonymous"])
def test_the_answer_is_that_for_any_id(mesh: World, who: str) -> None:
    client, known = callers(mesh)[who].client(), hidden_ids()
    differ = []
    for method, address in addresses():
        parameters = _PARAMETER.findall(address)
        absent = asked(client, method, address, {key: uuid.uuid4() for key in parameters})
        longest = max(len(known[key]) for key in parameters)
        for at in range(longest):
            ids = {key: known[key][at % len(known[key])] for key in parameters}
            if (told := asked(client, method, address, ids)) != absent:
                differ.append((method, address, told, absent))
    assert differ == []


def test_its_owner_gets_another_answer(mesh: World) -> None:
    """The sweep asks for real things: they answer the one who may know of them."""
    clients, known = (mesh.ana.client(), mesh.people["dora"].client()), hidden_ids()
    alike = []
    for method, address in addresses():
        parameters = _PARAMETER.findall(address)
        none = {key: uuid.uuid4() for key in parameters}
        some = [{key: known[key][at] for key in parameters} for at in (0, -1)]
        if all(
            asked(client, method, address, ids) == asked(client, method, address, none)
            for client in clients
            for ids in some
        ):
            alike.append((method, address))
    assert alike == []


def test_an_id_that_a_hidden_policy_has_taken_names_nothing(mesh: World) -> None:
    carla, taken = mesh.carla.client(), "for-zanzibar"
    text = f"kind: protection\nid: {taken}\nscope: {{prefix: /acme/health}}\nspec: {{copies: 1}}\n"
    for address in ("policies", "policies/drafts"):
        answer = carla.post(
            f"/api/v1/{address}", {"kind": "protection", "text": text}, "application/json"
        )
        assert answer.status_code == 404
        assert "/acme/nlp" not in answer.content.decode()


@pytest.mark.parametrize("who", ["stranger", "anonymous"])
def test_the_name_of_a_hidden_pipeline_is_as_good_as_none(mesh: World, who: str) -> None:
    client, asked_for = callers(mesh)[who].client(), {"from": 1, "to": 1, "dry_run": True}

    def backfill(each: Client, name: str) -> tuple[int, str]:
        answer = each.post(f"/api/v1/pipelines/{name}/backfill", asked_for, "application/json")
        return answer.status_code, answer.content.decode().replace(name, "NAME")

    assert backfill(client, "secret-texts") == backfill(client, "no-such-texts")
    assert backfill(mesh.ana.client(), "secret-texts")[0] == 200
