"""Every address, task, listener and command has a declared stance; no GET tells of the hidden."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps as django_apps
from django.core.management import get_commands
from django.test import Client
from django.urls import get_resolver

from catalog.models import Product, Version
from config.celery import app
from core import outbox
from tests.account_pages import ACCOUNT_PAGES
from tests.builders import World, build_world, deliver

API = "api/v1/"
HANDLERS = ("get", "post", "put", "patch", "delete")
STANCE: dict[str, str] = {
    **ACCOUNT_PAGES,
    "GET me": "tells the caller about himself",
    "POST session": "signs in: a password, counted",
    "DELETE session": "ends the caller's own session",
    "GET users": "discover on the mesh; details by administer",
    "POST users": "administer on the mesh, or on the team that answers for a machine",
    "PATCH users/<str:username>": "administer on the mesh, or on the machine's team",
    "GET teams": "discover on the mesh",
    "POST teams": "administer on the mesh",
    "POST teams/<slug:slug>/members": "administer on the team",
    "DELETE teams/<slug:slug>/members/<str:username>": "administer on the team",
    "GET groups": "discover on the mesh",
    "POST groups": "administer on the mesh",
    "PUT groups/<slug:name>/members/<str:username>": "administer on the mesh",
    "DELETE groups/<slug:name>/members/<str:username>": "administer on the mesh",
    "GET tokens": "the caller's own, or administer on the machine's team",
    "POST tokens": "the caller's own, or administer on the machine's team; no scoped token",
    "DELETE tokens/<uuid:token_id>": "the same; no scoped token",
    "GET clients": "administer on the machine's team",
    "POST clients": "administer on the machine's team",
    "DELETE clients/<str:client_id>": "administer on the machine's team",
    "GET policies": "discover on the mesh, and on every product that is named",
    "POST policies": "administer on the scope of the policy and of the one it replaces",
    "POST policies/drafts": "administer on the scope, and on that of the one it replaces",
    "GET policies/folder": "as the list",
    "POST policies/folder": "administer on the scope of each policy that changes",
    "GET policies/schema": "public: a JSON Schema",
    "GET policies/sets/<str:digest>": "discover on the mesh, and on every product that is named",
    "GET policies/<uuid:policy_id>": "as the list; a draft administer on the scope",
    "PUT policies/<uuid:policy_id>": "administer on the scope before and after",
    "DELETE policies/<uuid:policy_id>": "administer on the scope",
    "GET policies/<uuid:policy_id>/diff/<uuid:other_id>": "as the list, on both",
    "POST policies/<uuid:policy_id>/validate": "administer on the scope",
    "POST policies/<uuid:policy_id>/simulate": "administer on the scope; names by discover",
    "GET policies/<uuid:policy_id>/simulation": "administer on the scope; names by discover",
    "POST policies/<uuid:policy_id>/propose": "administer on the scope",
    "POST policies/<uuid:policy_id>/approve": "administer on the scope, as another person",
    "POST policies/<uuid:policy_id>/activate": "administer on the scope",
    "POST policies/<uuid:policy_id>/rollback": "administer on the scope",
    "POST policies/<uuid:policy_id>/retire": "administer on the scope, twice where reviewed",
    "POST decisions": "discover on what is asked about; administer on it about someone else",
    "GET decisions/who": "administer on what is asked about",
    "GET access-requests": "the caller's own and their teams', or what they decide on (inbox)",
    "POST access-requests": "discover on the product",
    "GET access-requests/<uuid:request_id>": "the caller's own, or for who decides on it",
    "GET access-requests/<uuid:request_id>/comments": "as the request",
    "POST access-requests/<uuid:request_id>/comments": "as the request",
    "POST access-requests/<uuid:request_id>/approve": "administer, or whom a policy names",
    "POST access-requests/<uuid:request_id>/deny": "administer, or whom a policy names",
    "POST access-requests/<uuid:request_id>/withdraw": "the caller's own",
    "GET grants": "the caller's own and their teams', or administer on the product",
    "POST grants/break-glass": "discover; operators and their group, at a session, proved again",
    "POST grants/<uuid:grant_id>/revoke": "administer, or whom a policy names",
    "POST grants/<uuid:grant_id>/renew": "the caller's own or their team's; discover",
    "POST grants/<uuid:grant_id>/review": "administer, as an owner who did not break the glass",
    "GET port-subscriptions": "the caller's own and their teams', or administer on the product",
    "GET port-subscriptions/<uuid:port_subscription_id>": "the caller's own, or administer",
    "GET port-subscriptions/<uuid:port_subscription_id>/requests": "as the subscription",
    "GET campaigns": "the caller's own, or with items that they administer",
    "POST campaigns": "administer on the prefix and on each product",
    "GET campaigns/<uuid:campaign_id>": "as the list",
    "GET campaigns/<uuid:campaign_id>/items": "administer on each product",
    "POST campaigns/<uuid:campaign_id>/items": "administer on each product",
    "POST campaigns/<uuid:campaign_id>/items/<uuid:item_id>": "administer on the product",
    "POST campaigns/<uuid:campaign_id>/close": "administer on the prefix",
    "GET labels": "discover on the product",
    "POST labels": "write on the product",
    "DELETE labels/<uuid:label_id>": "administer on the product",
    "GET labels/declassifications": "discover on the product",
    "POST labels/declassifications": "administer on the product",
    "POST labels/declassifications/<uuid:declassification_id>/revoke": "administer on the product",
    "GET products/<uuid:product_id>/contract": "discover",
    "PUT products/<uuid:product_id>/contract": "write",
    "GET scans": "discover on the product",
    "POST scans": "write on the product",
    "GET scans/<uuid:scan_id>": "discover on the product",
    "POST scans/<uuid:scan_id>/verdicts": "write to confirm, administer to reject",
    "GET audit": "discover on the mesh; one's own, or all for operators",
    "GET audit/checkpoint": "discover on the mesh; it names nothing",
    "GET audit/proof": "discover on the mesh; one's own entries, or all for operators",
    "GET audit/consistency": "discover on the mesh; it names nothing",
    "GET audit/export": "administer on the mesh",
    "POST users/<str:username>/erase": "administer on the mesh",
    "GET domains": "list form of discover",
    "POST domains": "publish on the mesh or the domain above",
    "GET products": "list form of discover",
    "POST products": "publish on the domain",
    "GET products/<uuid:product_id>": "discover",
    "PATCH products/<uuid:product_id>": "write",
    "POST products/<uuid:product_id>/move": "administer, and publish on the new domain",
    "GET versions": "list form of discover; drafts of write",
    "POST versions": "publish",
    "GET versions/<uuid:version_id>": "discover; a draft write",
    "DELETE versions/<uuid:version_id>": "publish",
    "POST versions/<uuid:version_id>/tombstone": "administer",
    "GET versions/<uuid:version_id>/files": "discover; a draft write",
    "GET versions/<uuid:version_id>/seal": "discover; a draft write",
    "GET versions/<uuid:version_id>/manifest/<str:digest>": "discover; a draft write",
    "PUT versions/<uuid:version_id>/files/<path:path>": "publish",
    "POST versions/<uuid:version_id>/register": "publish",
    "POST versions/<uuid:version_id>/publish": "publish, and transform on the inputs",
    "GET versions/<uuid:version_id>/preview": "read",
    "GET versions/<uuid:version_id>/content/<path:path>": "read, also of a key that resolve signed",
    "GET versions/<uuid:version_id>/rows/<path:path>": "read, also of a key that resolve signed",
    "GET rows": "read, with purpose and site",
    "GET search": "list form of discover",
    "GET search/suggest": "list form of discover",
    "GET lineage": "discover on every name, others redacted",
    "POST lineage": "publish on our outputs",
    "POST lineage/batch": "publish on our outputs",
    "GET lineage/graph": "discover on every name, others redacted",
    "GET column-lineage": "discover on every name, others redacted",
    "GET links": "administer on the mesh",
    "PUT links": "administer on the mesh",
    "GET sites": "discover on the mesh",
    "POST sites": "administer on the mesh",
    "GET sites/<slug:name>": "discover on the mesh; counts what one may discover",
    "PATCH sites/<slug:name>": "administer on the mesh",
    "POST sites/<slug:name>/heartbeat": "as the site itself, else administer on the mesh",
    "GET stores": "discover on the mesh; addresses for operators",
    "POST stores": "administer on the mesh",
    "PATCH stores/<slug:name>": "administer on the mesh",
    "GET replicas": "list form of discover",
    "POST replicas/<uuid:replica_id>/scrub": "discover, and administer on the product",
    "GET scrubs": "list form of discover",
    "GET scrubs/<uuid:scrub_id>": "list form of discover",
    "POST stores/<slug:name>/trust": "administer on the mesh",
    "GET transfers": "list form of discover",
    "GET transfers/events": "list form of discover, again at every look",
    "GET transfers/<uuid:transfer_id>/events": "list form of discover, again at every look",
    "POST transfers": "replicate on the product, with the target's jurisdictions",
    "GET transfers/<uuid:transfer_id>": "list form of discover",
    "POST transfers/<uuid:transfer_id>/cancel": "replicate on the product",
    "POST transfers/<uuid:transfer_id>/retry": "replicate on the product",
    "GET plans": "list form of administer",
    "POST plans": "list form of administer, and replicate for each copy",
    "GET plans/<uuid:plan_id>": "as who applied it, else list form of administer",
    "POST plans/<uuid:plan_id>/undo": "list form of administer, and replicate for each copy",
    "GET pins": "list form of discover",
    "POST pins": "discover, and replicate on the product, with the store's jurisdictions",
    "DELETE pins/<uuid:pin_id>": "as who made it, else replicate on the product",
    "GET site-subscriptions": "list form of discover",
    "POST site-subscriptions": "replicate on the product, with the site's jurisdictions",
    "DELETE site-subscriptions/<uuid:subscription_id>": "as who made it, else replicate",
    "GET costs": "list form of administer",
    "GET resolve": "read, with purpose and site",
    "GET pipelines": "transform on the inputs",
    "POST pipelines": "transform on the inputs, publish on the output",
    "GET pipelines/schema": "public: a JSON Schema",
    "POST pipelines/check": "transform on the inputs, publish on the output",
    "POST pipelines/plan": "transform on the inputs, discover on the output",
    "POST pipelines/sample": "transform and read on the inputs, discover on the output",
    "GET pipelines/<uuid:pipeline_id>": "discover on inputs and output",
    "POST pipelines/<uuid:pipeline_id>/plan": "transform on the inputs",
    "POST pipelines/<uuid:pipeline_id>/sample": "transform on the inputs",
    "POST pipelines/<uuid:pipeline_id>/run": "transform on the inputs, publish on the output",
    "POST pipelines/<slug:name>/backfill": "transform on the inputs, publish on the output",
    "GET runs": "discover on inputs and output",
    "GET runs/<uuid:run_id>": "discover on inputs and output",
    "GET runs/<uuid:run_id>/card": "as the run",
    "POST runs/<uuid:run_id>/cancel": "publish on the output",
    "POST runs/<uuid:run_id>/retry": "publish on the output",
    "GET runs/<uuid:run_id>/diff": "discover on inputs and outputs of both",
    "GET runs/<uuid:run_id>/quarantine": "read on the inputs",
    "GET holds": "discover on what is held; the reasons administer",
    "POST holds": "administer on the name",
    "POST holds/<uuid:hold_id>/lift": "administer on the name, two people",
    "GET erasures": "administer on the subject, or on a product that is asked for",
    "POST erasures": "administer on the subject; of what is derived only on one's own",
    "GET erasures/<uuid:order_id>": "as the list; names of others are discover, else counted",
    "POST erasures/<uuid:order_id>/agree": "administer on the product that is asked for",
    "POST erasures/<uuid:order_id>/approve": "administer on the subject, a second person",
    "POST erasures/<uuid:order_id>/cancel": "administer on the subject",
    "GET erasures/<uuid:order_id>/receipt": "administer on the subject",
    "GET schema": "public: the OpenAPI document",
    "POST /access/v1/evaluation": "as POST decisions; what may not be asked is a denial",
    "POST /access/v1/evaluations": "as POST decisions; what may not be asked is a denial",
    "POST /access/v1/search/subject": "administer on the resource, else nothing is found",
    "POST /access/v1/search/resource": "list form of the action and of discover; of administer "
    "about someone else",
    "POST /access/v1/search/action": "as POST decisions; what may not be asked is a denial",
    "GET /.well-known/authzen-configuration": "public: where the decision point is",
    "GET /n/<path:address>": "discover",
    "GET /^ark:/?(?P<naan>[0-9a-z]+)/(?P<opaque>[^/]+)$": "discover",
    "GET /.well-known/fairmesh/trust.json": "public: the trust anchor",
    "GET /healthz": "public: is the process alive",
    "GET /readyz": "public: are database and broker there",
    "GET /metrics": "public, for the proxy to keep: figures, stores and sites; no product, nobody",
    "GET /robots.txt": "public: where robots may go",
    "GET /": "public: the portal's files, the same for everyone",
}
TASKS: dict[str, str] = {
    "core.tasks.dispatch_outbox": "hands out events; each handler decides for itself",
    "governance.tasks.sequence_audit": "orders what is logged already",
    "governance.tasks.roll_up_reads": "logs reads that were decided one by one",
    "movement.tasks.keep_audit": "writes the log, which names nobody, to the mesh's own stores",
    "movement.tasks.keep_locks": "locks what protection policies want locked; shows nothing",
    "governance.tasks.escalate_requests": "does what a policy declared; shows nothing",
    "governance.tasks.end_campaigns": "revokes what a campaign declared; shows nothing",
    "movement.tasks.run_transfer": "decides replicate again when it starts",
    "movement.tasks.sweep_transfers": "finds waiting work, decides nothing",
    "movement.tasks.run_scrub": "reads for the mesh itself; tells paths to who may discover them",
    "movement.tasks.sweep_scrubs": "finds waiting work, decides nothing",
    "movement.tasks.scrub_due": "finds what is to be read again, decides nothing",
    "movement.tasks.reconcile_all": "decides replicate as the reconciler",
    "movement.tasks.remove_due": "plans anew as the reconciler; holds and other copies decide",
    "movement.tasks.act_on_erasure": "decides administer again for who agreed, or asks the policy",
    "movement.tasks.sweep_erasures": "finds waiting work, decides nothing",
    "movement.tasks.end_retentions": "proposes what protection policies and labels ask for",
    "movement.tasks.watch_sites": "looks at clocks and last words; touches no product",
    "movement.tasks.sweep_uploads": "drops what nobody goes on with; decides and shows nothing",
    "movement.tasks.check_stores": "asks stores whether they answer; touches no product",
    "transforms.tasks.run": "decides transform and publish again when it starts",
    "transforms.tasks.shard": "works under its run's decision",
    "transforms.tasks.scan": "reads for the mesh itself and keeps counts; no person sees a row",
    "transforms.tasks.sweep_scans": "finds waiting work, decides nothing",
    "transforms.tasks.scan_unscanned": "queues scans, decides nothing",
    "transforms.tasks.sweep_runs": "finds waiting work, decides nothing",
    "transforms.tasks.run_schedules": "queues what a policy declared; each run decides for itself",
}


LISTENERS: dict[str, str] = {
    "audit.checkpoint movement.events.audit_checkpoint": "rings the task that keeps the log",
    "label.changed lineage.events.label_changed": "sets labels by lineage's rules; shows nothing",
    "label.changed movement.events.label_changed": "decides replicate as the reconciler",
    "lineage.changed lineage.events.lineage_changed": "sets labels by lineage's rules",
    "policy.changed movement.events.policy_changed": "decides replicate as the reconciler",
    "product.moved lineage.events.product_moved": "renames nodes; the move was decided",
    "replica.broken movement.events.version_changed": "decides replicate as the reconciler",
    "run.changed transforms.events.run_changed": "records what a decided run does",
    "scan.done lineage.events.scan_done": "sets labels by lineage's rules; shows nothing",
    "site.lost movement.events.site_lost": "decides replicate as the reconciler",
    "store.quarantined movement.events.store_quarantined": "decides replicate as the reconciler",
    "store.back movement.events.store_back": "finds waiting work; each is decided when it starts",
    "store.back transforms.events.place_back": "finds waiting work; each is decided when it starts",
    "site.back transforms.events.place_back": "finds waiting work; each is decided when it starts",
    "site.back movement.events.site_back": "finds waiting work; each is decided when it starts",
    "version.published lineage.events.version_published": "records a decided publication",
    "version.published movement.events.version_changed": "decides replicate as the reconciler",
    "version.published transforms.events.version_published": "queues a scan, decides nothing",
    "version.published transforms.events.run_pipelines": "queues what a policy declared; each run "
    "decides for itself",
    "policy.changed transforms.events.policy_changed": "finds waiting runs, decides nothing",
    "version.tombstoned transforms.events.version_tombstoned": "ends scans; it was decided",
}
COMMANDS: dict[str, str] = {
    "bootstrap": "whoever runs it has the database; makes the first operator and the stores",
    "down": "whoever runs it has the processes; ends them",
    "policies": "administer, as the user whom it names",
    "simulate": "reads a scenario and no table; decides replicate as the reconciler, writes none",
    "up": "whoever runs it has the machine; as bootstrap, and starts the platform",
}


def routes() -> Iterator[str]:
    def walk(patterns: Any, above: str) -> Iterator[str]:
        for pattern in patterns:
            address = above + str(pattern.pattern)
            if hasattr(pattern, "url_patterns"):
                yield from walk(pattern.url_patterns, address)
                continue
            view = getattr(pattern.callback, "view_class", None)
            shown = address.removeprefix(API) if address.startswith(API) else f"/{address}"
            for method in [m for m in HANDLERS if hasattr(view, m)] if view else ["get"]:
                yield f"{method.upper()} {shown}"

    yield from walk(get_resolver().url_patterns, "")


def test_every_address_has_a_stance() -> None:
    assert sorted(set(routes()) - set(STANCE)) == [], "declare what this address asks"
    assert sorted(set(STANCE) - set(routes())) == [], "this address is no more"


def test_every_task_has_a_stance() -> None:
    app.loader.import_default_modules()
    ours = {name for name in app.tasks if not name.startswith("celery.")}
    assert ours == set(TASKS)


def test_every_listener_has_a_stance() -> None:
    found = {f"{topic} {name}" for topic, names in outbox.topics().items() for name in names}
    ours = {each for each in found if not each.partition(" ")[2].startswith("tests.")}
    assert ours == set(LISTENERS)


def test_every_command_has_a_stance() -> None:
    """Django's and its apps' own aside: whoever runs one of these holds the database already."""
    apps = {config.name for config in django_apps.get_app_configs() if is_ours(config.path)}
    assert {name for name, app in get_commands().items() if app in apps} == set(COMMANDS)


def is_ours(path: str) -> bool:
    return Path(path).parent == Path(__file__).resolve().parents[1]


SECRET, WORD = "/acme/nlp/~/zanzibar", "zanzibar"


@pytest.fixture
def world(db: None, settings: Any, tmp_path: Path) -> World:
    """A product private to its team, with everything that could tell of it."""
    world = build_world(settings, tmp_path)
    settings.FAIRMESH = replace(settings.FAIRMESH, shadow_rate=0.0)  # thousands of questions
    world.add_site("core", "core", ["DE", "EU"])
    world.add_directory("store", "core")
    world.add_product("/acme/nlp/~/known")
    world.add_product(SECRET, visibility="team", description=f"The {WORD} papers")
    source = world.publish("/acme/nlp/~/known", {"a.csv": b"x\n1\n"})
    version = world.publish(SECRET, {f"{WORD}.csv": b"x\n1\n"}, inputs=[source.name])
    world.add_label(SECRET, f"topic:{WORD}")
    world.add_protection(f"for-{WORD}", "{copies: 2}", prefix=SECRET)
    deliver()
    assert version.state == "published"
    return world


NO_QUERY = ("/n/", "/accounts/", "/identity/", "/.well-known/", "/healthz", "/readyz")


def filled(world: World, route: str) -> Iterator[str]:
    """Return addresses of a GET route that lead to the secret product."""
    product = Product.objects.get(name=SECRET)
    version = Version.objects.get(product=product)
    address = route.removeprefix("GET ")
    address = address if address.startswith("/") else f"/{API}{address}"
    if address.startswith("/^ark"):
        address = f"/ark:/99999/{product.ark}"
    for parameter, value in {
        "<uuid:product_id>": product.pk,
        "<uuid:version_id>": version.pk,
        "<str:digest>": version.shards.get().digest,
        "<path:path>": f"{WORD}.csv",
        "<path:address>": SECRET[1:],
    }.items():
        address = address.replace(parameter, str(value))
    for parameter in (
        "transfer_id", "pipeline_id", "run_id", "scan_id", "request_id", "campaign_id", "scrub_id",
        "port_subscription_id", "plan_id", "pin_id", "subscription_id",
    ):  # fmt: skip
        address = address.replace(f"<uuid:{parameter}>", str(uuid.uuid4()))
    yield address
    if "{" in address or address.startswith(NO_QUERY):
        return
    together = ("name", "product", "q", "version", "domain", "input", "output")
    for queries in (together, ("name",), ("q",), ("node", "nodeId")):
        yield f"{address}?{'&'.join(f'{query}={SECRET}' for query in queries)}"
    yield f"{address}?name=/acme&q=papers&product=/acme/nlp/~/known&depth=9"
    yield f"{address}?name=/acme/nlp/~/known&depth=9"


def test_no_address_tells_a_stranger_of_a_private_product(world: World) -> None:
    version = Version.objects.get(product__name=SECRET)
    secrets = [str(version.pk), str(version.product_id), version.digest, version.product.ark]
    told = []
    for route in sorted(STANCE):
        if not route.startswith("GET ") or "^(?P<provider_id>" in route:
            continue
        for address in filled(world, route):
            for who, client in (("stranger", world.ben.client()), ("anonymous", Client())):
                answer = client.get(address)
                body = b"".join(answer) if answer.streaming else answer.content
                said = body.decode(errors="replace").lower()
                for asked in (address, address.partition("?")[0], SECRET, SECRET[1:]):
                    if answer.status_code == 404 or "?" in address:
                        said = said.replace(asked.lower(), "")
                assert answer.status_code < 500 or route == "GET /readyz", (address, said[:500])
                hidden = [WORD, "papers", *(secret for secret in secrets if secret not in address)]
                if any(secret in said.replace("q=papers", "") for secret in hidden):
                    told.append((who, address, answer.status_code))
    assert told == []


def test_its_owner_is_told(world: World) -> None:
    """The sweep above would find it: the same addresses do tell the one who may know."""
    client = world.ana.client()
    for route in ("GET products", "GET versions", "GET search", "GET policies", "GET replicas"):
        answers = [client.get(address).content.decode() for address in filled(world, route)]
        assert any(WORD in answer for answer in answers), route
