"""What was taken away is gone at the next request, on every route: nothing in between is kept."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from catalog.models import Product, Version
from governance.engine.entities import Action
from governance.models import ApiToken, Grant
from governance.resources import load
from governance.services import (
    decide,
    remove_member,
    revoke_grant,
    revoke_token,
    save_policy,
    set_active,
)
from tests.builders import World, body_of, build_world
from tests.leaks.mesh import KNOWN, SECRET, build_settled, join


@pytest.fixture
def mesh(db: None, settings: Any, tmp_path: Path) -> World:
    """Dora reads SECRET as a member of its team, and KNOWN by a grant."""
    world = build_settled(settings, tmp_path)
    world.grant(world.people["dora"], KNOWN)
    return world


def ways_to_know(name: str) -> list[str]:
    product = Product.objects.get(name=name)
    version = Version.objects.get(product=product)
    return [
        f"/api/v1/products/{product.pk}",
        f"/api/v1/versions/{version.pk}",
        f"/api/v1/versions/{version.pk}/files",
        f"/api/v1/versions/{version.pk}/seal",
        f"/api/v1/versions/{version.pk}/manifest/{version.shards.get().digest}",
        f"/api/v1/labels?name={name}",
        f"/api/v1/lineage/graph?name={name}",
        f"/n{name}",
        f"/n{version.name}",
        f"/n{version.name}.jsonld",
    ]


def ways_to_read(name: str, client: Client) -> list[str]:
    """Return every address that gives rows or bytes, those that resolve signed among them."""
    version = Version.objects.get(product__name=name)
    entry = client.get(f"/api/v1/versions/{version.pk}/files").json()["results"][0]
    at, path = f"/api/v1/versions/{version.pk}", entry["path"]
    found = client.get("/api/v1/resolve", {"name": name}).json()["results"][0]
    return [
        f"/api/v1/resolve?name={name}",
        f"/api/v1/rows?name={name}",
        f"{at}/preview",
        f"{at}/content/{path}",
        f"{at}/rows/{path}",
        *found["urls"],
    ]


def listed(client: Client) -> str:
    """Return what the lists tell: everything but the ways to one thing."""
    ways = ("products", "versions", "search?q=common", "search/suggest?q=qua", "replicas",
            "transfers")  # fmt: skip
    return "".join(body_of(client.get(f"/api/v1/{way}")).decode() for way in ways)


def statuses(client: Client, ways: list[str]) -> set[int]:
    found = set()
    for way in ways:
        # an address that resolve signed needs no token, and is decided for whom it was made
        answer = (Client() if "key=" in way else client).get(way)
        body_of(answer)
        found.add(answer.status_code)
    return found


Change = Callable[[World], Any]
FORBID = (
    '@id("no") @reason("Not now.") forbid (principal == User::"dora", action, resource)\n'
    'when {{ resource is Product && {} }};'
)  # fmt: skip


def forbidden(condition: str) -> Change:
    def change(world: World) -> None:
        text = FORBID.format(condition)
        save_policy(world.operator.principal, kind="access", slug="no", text=text)

    return change


def labelled(world: World) -> None:
    world.add_label(SECRET, "topic:sealed")


def left_the_team(world: World) -> None:
    remove_member(world.operator.principal, "nlp", "dora")


def put_out(world: World) -> None:
    set_active(world.operator.principal, "dora", active=False)


def token_revoked(world: World) -> None:
    dora = world.people["dora"]
    revoke_token(dora.user, dora.principal, ApiToken.objects.get(user=dora.user).pk)


def token_expired(world: World) -> None:
    ApiToken.objects.filter(user=world.people["dora"].user).update(expires_at=timezone.now())


HIDES: dict[str, Change] = {
    "team": left_the_team,
    "forbid": forbidden(f'resource.name == "{SECRET}"'),
    "label": labelled,
    "put out": put_out,
}
ENDS: dict[str, Change] = {"revoked": token_revoked, "expired": token_expired}


@pytest.mark.parametrize("change", HIDES)
def test_what_is_hidden_is_hidden_everywhere_at_once(mesh: World, change: str) -> None:
    if change == "label":  # the policy stands already; it is the label that comes
        forbidden('resource.labels.contains("topic:sealed")')(mesh)
    client = mesh.people["dora"].client()
    reading, knowing = ways_to_read(SECRET, client), ways_to_know(SECRET)
    assert statuses(client, reading + knowing) == {200}
    assert SECRET in listed(client)
    HIDES[change](mesh)
    assert statuses(client, knowing) <= {401, 404}
    assert statuses(client, reading) <= {401, 404}
    told = listed(client)
    assert "zanzibar" not in told
    assert "quagga" not in told


@pytest.mark.parametrize("change", ENDS)
def test_a_token_that_ended_is_nobody(mesh: World, change: str) -> None:
    client = mesh.people["dora"].client()
    ways = [way for way in ways_to_read(SECRET, client) if "key=" not in way]
    ways += [way for way in ways_to_know(SECRET) if not way.startswith("/n")]
    assert statuses(client, ways) == {200}
    ENDS[change](mesh)
    assert statuses(client, ways) == {401}
    assert "zanzibar" not in listed(client)


@pytest.mark.parametrize("how", ["revoked", "expired"])
def test_a_grant_that_ended_gives_no_more_bytes(mesh: World, how: str) -> None:
    client = mesh.people["dora"].client()
    left_the_team(mesh)
    reading = ways_to_read(KNOWN, client)
    assert statuses(client, reading) == {200}
    grant = Grant.objects.get()
    if how == "revoked":
        revoke_grant(mesh.ana.principal, grant.pk)
    else:
        now = timezone.now()
        Grant.objects.filter(pk=grant.pk).update(
            created_at=now - timedelta(days=2), expires_at=now - timedelta(seconds=1)
        )
    assert statuses(client, reading) == {403}
    assert statuses(client, ways_to_know(KNOWN)) == {200}, "that it exists is no secret"


def test_a_session_ends_with_its_person(mesh: World) -> None:
    browser = Client()
    browser.force_login(
        mesh.people["dora"].user, backend="governance.services.sessions.PeopleBackend"
    )
    assert SECRET in listed(browser)
    put_out(mesh)
    assert "zanzibar" not in listed(browser)


def decided(world: World) -> tuple[bool, bool]:
    """Return whether Dora may read SECRET, and whether she finds it in a list."""
    dora = world.people["dora"]
    rows = dora.client().get("/api/v1/products").json()["results"]
    allowed = decide(dora.principal, Action.READ, load(SECRET)).allow
    return allowed, SECRET in {row["name"] for row in rows}


@pytest.mark.django_db(transaction=True)
def test_a_policy_that_one_worker_saves_binds_the_other_at_once(
    settings: Any, tmp_path: Path
) -> None:
    """Slices are kept by the digest of the policies, and the digest is read for every decision.

    Two threads with connections of their own: the one that decides has everything warm.
    """
    world = build_world(settings, tmp_path)
    world.add_person("dora")
    join(world, "dora", "nlp")
    world.add_product(SECRET, visibility="team")
    turn = Barrier(2, timeout=20)
    seen: list[tuple[bool, bool]] = []

    def reader() -> None:
        try:
            for _ in range(3):
                seen.append(decided(world))
                turn.wait()
                turn.wait()
            seen.append(decided(world))
        finally:
            connection.close()

    def writer() -> None:
        try:
            hides, shows = (f'resource.name == "{name}"' for name in (SECRET, KNOWN))
            for change in (forbidden(hides), forbidden(shows), left_the_team):
                turn.wait()
                change(world)
                turn.wait()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as both:
        done = [both.submit(reader), both.submit(writer)]
        for each in done:
            each.result()
    assert seen == [(True, True), (False, False), (True, True), (False, False)]
