"""Addresses that resolve gave out: ours are decided at every use; a store's live for a short while.

`content?key=` and `rows?key=` name their reader and are asked again. What a store presigned is out
of our hands until it expires, after FAIRMESH_PRESIGN_SECONDS at the latest, or until the bytes are
erased; that is what is promised, and no more.
"""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from catalog.models import Version
from catalog.services import tombstone_version, update_product
from governance.models import Grant, Policy
from governance.services import (
    remove_member,
    retire_policy,
    revoke_grant,
    save_policy,
    set_active,
)
from tests.builders import Person, World, add_two_sites, body_of, build_world
from tests.leaks.mesh import join
from tests.movement.erasing import erase
from tests.servers import S3Server

BOOK, CELL = "/acme/nlp/~/book", b"secret-cell\n"


@pytest.fixture
def world(db: None, settings: Any, tmp_path: Path) -> World:
    """Ben reads BOOK by a grant and Dora as a member of its team; it lies in a folder."""
    world = build_world(settings, tmp_path)
    world.add_person("dora")
    world.add_site("core-eu", "core", ["EU"])
    world.add_directory("store", "core-eu")
    world.add_product(BOOK)
    world.publish(BOOK, {"a.csv": b"name\n" + CELL})
    return world


def urls_of(who: Person) -> list[str]:
    """Return the addresses of bytes and of rows; each works without a token."""
    found = who.client().get("/api/v1/resolve", {"name": BOOK}).json()
    file = found["results"][0]
    return [*file["urls"], *filter(None, [file.get("rows_url")])]


def statuses(urls: list[str]) -> set[int]:
    found = set()
    for url in urls:
        answer = Client().get(url)
        said = body_of(answer)
        assert answer.status_code == 200 or CELL.strip() not in said
        found.add(answer.status_code)
    return found


def masked(world: World) -> None:
    text = (
        '@id("m") @reason("For a test.") @mask("name=redact")\n'
        f'permit (principal == User::"ben", action == Action::"read", '
        f'resource == Product::"{BOOK}");'
    )
    save_policy(world.operator.principal, kind="access", slug="m", text=text)


def forbidden(world: World) -> None:
    text = '@id("f") @reason("No.") forbid (principal == User::"ben", action, resource is Product);'
    save_policy(world.operator.principal, kind="access", slug="f", text=text)


def removed(world: World) -> None:
    version = Version.objects.get()
    tombstone_version(world.ana.principal, version.pk, reason="It was wrong.")


def erased(world: World) -> None:
    erase(world, BOOK)


def hidden(world: World) -> None:
    product = Version.objects.get().product
    update_product(world.ana.principal, product.pk, {"visibility": "team"})
    revoke_grant(world.ana.principal, Grant.objects.get().pk)


def revoked(world: World) -> None:
    revoke_grant(world.ana.principal, Grant.objects.get().pk)


def put_out(world: World) -> None:
    set_active(world.operator.principal, "ben", active=False)


CHANGES: dict[Callable[[World], None], set[int]] = {
    revoked: {403},
    hidden: {404},
    forbidden: {404},
    put_out: {401},
    masked: {403},
    removed: {410},
    erased: {410},
}


@pytest.mark.parametrize("change", CHANGES)
def test_ours_is_refused_at_the_next_use(world: World, change: Callable[[World], None]) -> None:
    world.grant(world.ben, BOOK)
    urls = urls_of(world.ben)
    assert statuses(urls) == {200}
    change(world)
    assert statuses(urls) == CHANGES[change]


def test_what_is_lifted_again_is_given_again(world: World) -> None:
    """It is the decision that counts, not a list of addresses that were withdrawn."""
    world.grant(world.ben, BOOK)
    urls = urls_of(world.ben)
    forbidden(world)
    assert statuses(urls) == {404}
    retire_policy(world.operator.principal, Policy.objects.get(slug="f").pk)
    assert statuses(urls) == {200}


def test_who_leaves_the_team_takes_no_address_along(world: World) -> None:
    join(world, "dora", "nlp")
    urls = urls_of(world.people["dora"])
    assert statuses(urls) == {200}
    remove_member(world.operator.principal, "nlp", "dora")
    assert statuses(urls) == {403}


def test_ours_ends_by_itself(world: World, settings: Any) -> None:
    settings.FAIRMESH = replace(settings.FAIRMESH, presign_seconds=1)
    urls = urls_of(world.ana)
    time.sleep(2.1)
    assert statuses(urls) == {401}


@pytest.mark.servers
def test_a_stores_own_address_lives_as_long_as_was_said(
    db: None, settings: Any, tmp_path: Path, s3: S3Server
) -> None:
    settings.FAIRMESH = replace(settings.FAIRMESH, presign_seconds=3)
    world = build_world(settings, tmp_path)
    settings.FAIRMESH = replace(settings.FAIRMESH, presign_seconds=3)
    add_two_sites(world, s3)
    world.add_product(BOOK)
    world.publish(BOOK, {"a.csv": CELL}, store="store-eu")
    grant = world.grant(world.ben, BOOK)
    url = urls_of(world.ben)[0]
    given_at = time.monotonic()
    assert parse_qs(urlsplit(url).query)["X-Amz-Expires"] == ["3"]
    assert fetched(url) == (200, CELL)
    revoke_grant(world.ana.principal, grant.pk)
    assert world.ben.client().get("/api/v1/resolve", {"name": BOOK}).status_code == 403
    time.sleep(max(0.0, 4.2 - (time.monotonic() - given_at)))
    assert fetched(url) == (403, b"")


@pytest.mark.servers
def test_a_stores_own_address_leads_nowhere_once_the_bytes_are_erased(
    db: None, settings: Any, tmp_path: Path, s3: S3Server
) -> None:
    world = build_world(settings, tmp_path)
    add_two_sites(world, s3)
    world.add_product(BOOK)
    world.publish(BOOK, {"a.csv": CELL}, store="store-eu")
    url = urls_of(world.ana)[0]
    removed(world)
    assert fetched(url) == (200, CELL), (
        "a removal alone leaves the bytes: the security page says so"
    )
    erase(world, BOOK)
    assert fetched(url) == (404, b"")


def fetched(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, b""
