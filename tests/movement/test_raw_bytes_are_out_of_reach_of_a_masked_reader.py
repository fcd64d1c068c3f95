"""Every other way to the same data: addresses, ranges, keys, previews, metadata, pipelines."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from governance.services import add_label
from tests.builders import Person, World, body_of
from tests.movement.conftest import PATIENTS
from tests.movement.masked import GERMANS, MASKS, csv, oblige, parquet, read_arrow

SECRETS = (b"ada@", b"bob@", b"secret-", b"0049123", b"-05-17")


@pytest.fixture
def version(folders: World) -> Any:
    add_label(folders.carla.principal, name=PATIENTS, label="note:free", column="note")
    return folders.publish(PATIENTS, {"a.csv": csv(), "b.parquet": parquet(), "t.txt": b"secret-"})


def test_resolve_gives_the_address_of_the_stream(folders: World, version: Any) -> None:
    oblige(folders, mask=MASKS, rows=GERMANS)
    found = folders.ben.client().get("/api/v1/resolve", {"name": PATIENTS}).json()
    assert found["how"] == "stream"
    assert found["obligations"]["masks"]["email"] == "hash"
    assert found["obligations"]["rows_filtered"] is True
    assert [file["urls"] for file in found["results"]] == [[], [], []]
    urls = [file["rows_url"] for file in found["results"]]
    assert urls[2] is None
    for url in urls[:2]:
        assert read_arrow(Client(), url).num_rows == 2
        assert Client().get(url.replace("/rows/", "/content/")).status_code == 401
    mixed = urls[0].partition("?")[0] + "?" + urls[1].partition("?")[2]
    assert Client().get(mixed).status_code == 401


def test_an_address_from_before_the_obligation_is_decided_at_use(
    folders: World, version: Any
) -> None:
    grant = folders.grant(folders.ben, PATIENTS)
    found = folders.ben.client().get("/api/v1/resolve", {"name": PATIENTS}).json()
    assert found["how"] == "bytes"
    url = found["results"][0]["urls"][0]
    assert b"ada@" in body_of(Client().get(url))
    oblige(folders, mask=MASKS)
    answer = Client().get(url)
    assert (answer.status_code, answer.json()["code"]) == (403, "obligation_applies")
    assert grant.name == PATIENTS


def test_a_rows_address_is_worth_what_its_reader_is_worth(folders: World, version: Any) -> None:
    oblige(folders, mask=MASKS)
    found = folders.ben.client().get("/api/v1/resolve", {"name": PATIENTS}).json()
    url = found["results"][0]["rows_url"]
    assert "secret-bob" not in str(read_arrow(Client(), url).to_pylist())
    oblige(folders, mask=MASKS + "; country=null", rows=GERMANS)
    shown = read_arrow(Client(), url)
    assert shown.column("country").to_pylist() == [None, None]
    user = folders.ben.user
    user.is_active = False
    user.save()
    assert Client().get(url).status_code == 401


def test_content_is_refused_with_the_way_forward(folders: World, version: Any) -> None:
    oblige(folders, mask=MASKS)
    client = folders.ben.client()
    for path in ("a.csv", "b.parquet", "t.txt"):
        for headers in ({}, {"Range": "bytes=-8"}, {"If-None-Match": "*"}):
            base = f"/api/v1/versions/{version.pk}/content/{path}"
            for query in ({}, {"store": "dir-eu"}):
                answer = client.get(base, query, headers=headers)
                assert answer.json()["code"] == "obligation_applies"
                if url := answer.json()["rows_url"]:
                    assert read_arrow(Client(), url).num_rows == 4
                else:
                    assert path == "t.txt"


def test_a_watermark_alone_needs_the_stream_too(folders: World, version: Any) -> None:
    oblige(folders, watermark="internal")
    base = f"/api/v1/versions/{version.pk}"
    client = folders.ben.client()
    assert client.get(f"{base}/content/a.csv").json()["code"] == "obligation_applies"
    table = read_arrow(client, f"{base}/rows/a.csv")
    assert table.num_rows == 4
    assert b"internal" in table.schema.metadata[b"fairmesh.watermark"]


def test_a_preview_is_masked_in_place(folders: World, version: Any) -> None:
    oblige(folders, mask=MASKS, rows=GERMANS)
    shown = folders.ben.client().get(f"/api/v1/versions/{version.pk}/preview").json()
    assert [row["note"] for row in shown["rows"]] == ["•••", "•••"]
    assert (shown["file"], shown["truncated"]) == ("a.csv", False)
    assert shown["obligations"]["rows_filtered"] is True
    one = folders.ben.client().get(f"/api/v1/versions/{version.pk}/preview", {"rows": 1}).json()
    assert (len(one["rows"]), one["truncated"]) == (1, True)
    raw = folders.carla.client().get(f"/api/v1/versions/{version.pk}/preview").json()
    assert raw["rows"][0]["note"] == "secret-ada"


def every_way(version: Any, person: Person) -> list[str]:
    base, name = f"/api/v1/versions/{version.pk}", version.name
    client = person.client()
    digest = version.shards.get().digest
    found = client.get("/api/v1/resolve", {"name": PATIENTS}).json()
    urls = [url for file in found["results"] for url in [*file["urls"], file["rows_url"]] if url]
    return [
        base,
        f"{base}/files",
        f"{base}/manifest/{digest}",
        f"{base}/seal",
        f"{base}/preview?rows=200",
        *[f"{base}/content/{path}" for path in ("a.csv", "b.parquet", "t.txt")],
        *[f"{base}/rows/{path}" for path in ("a.csv", "b.parquet", "t.txt")],
        f"/api/v1/rows?name={name}/b.parquet",
        f"/api/v1/resolve?name={PATIENTS}",
        "/api/v1/search?q=secret-ada",
        "/api/v1/search?q=patients",
        "/api/v1/search/suggest?q=secret",
        f"/api/v1/lineage/graph?name={PATIENTS}",
        *[f"/n{name}{ending}" for ending in ("", ".json", ".jsonld", "/a.csv")],
        *urls,
    ]


def test_no_way_at_all_shows_a_raw_value(folders: World, version: Any) -> None:
    oblige(folders, mask=MASKS, rows=GERMANS)
    for accept in ("*/*", "application/json", "application/jsonl", "application/ld+json"):
        for way in every_way(version, folders.ben):
            body = body_of(folders.ben.client().get(way, headers={"Accept": accept}))
            asked = [secret for secret in SECRETS if secret.decode() in way]
            for secret in set(SECRETS) - set(asked):
                assert secret not in body, (way, accept)
    seen = b"".join(
        body_of(folders.carla.client().get(way)) for way in every_way(version, folders.carla)
    )
    assert all(secret in seen for secret in SECRETS), "the sweep would find them"


def test_the_store_itself_is_no_second_door(two_sites: World) -> None:
    """Where stores presign, a masked reader gets no address of a store either."""
    world = two_sites
    version = world.publish(PATIENTS, {"a.csv": csv()}, store="store-eu")
    oblige(world, mask="email=null")
    answer = world.ben.client().get("/api/v1/resolve", {"name": PATIENTS})
    assert "X-Amz" not in json.dumps(answer.json())
    table = read_arrow(world.ben.client(), f"/api/v1/versions/{version.pk}/rows/a.csv")
    assert table.column("email").to_pylist() == [None] * 4
    owner = world.carla.client().get("/api/v1/resolve", {"name": PATIENTS})
    assert "X-Amz" in json.dumps(owner.json())
