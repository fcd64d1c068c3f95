"""A small mesh that runs pipelines: Carla owns /src, Ana owns /nlp and was granted /src/~/code."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pyarrow.parquet as pq
from django.utils import timezone

from catalog import services as catalog
from catalog.models import Version, VersionState
from governance.engine.entities import Principal
from governance.models import Grant, Membership, Team, TeamRole, User
from governance.selectors import principal_for
from governance.services import approve_request, request_access
from movement import services as movement
from movement.models import Replica, Store
from movement.opening import open_store
from movement.services.ingest import Announced
from tests.kept import Kept
from tests.servers import S3Server
from transforms import services
from transforms.models import RUN_ACTIVE, SHARD_OPEN, Pipeline, Run

CODE, TOKENS, OWN = "/src/~/code", "/nlp/~/tokens", "/nlp/~/own"
OPERATOR = Principal("op", groups=frozenset({"members", "operators"}))
CLEAN = [{"filter": {"where": [{"column": "text", "min_chars": 3}]}}]


@dataclass
class Mesh:
    """The people, and what they do in tests."""

    users: Mapping[str, User]
    grant: Grant

    def __getattr__(self, name: str) -> Principal:
        """Return a person as the policies see them now."""
        return principal_for(self.users[name])

    def publish(self, files: Mapping[str, bytes], product: str = CODE) -> Version:
        owner = self.carla if product == CODE else self.ana
        draft = catalog.open_version(owner, product)
        for path, data in files.items():
            read = io.BytesIO(data).read
            movement.receive_file(owner, draft.pk, Announced(path, len(data)), read)
        return movement.publish(owner, draft.pk)

    def pipeline(
        self, steps: Sequence[Mapping[str, Any]] = CLEAN, name: str = "clean", **given: Any
    ) -> Pipeline:
        spec = {
            "version": 1,
            "inputs": [{"name": CODE, **given}],
            "steps": list(steps),
            "output": {"name": TOKENS},
        }
        return services.save_pipeline(self.ana, name=name, spec=spec)

    def start(self, pipeline: Pipeline) -> Run:
        return services.start_run(self.ana, pipeline.pk)

    def run(self, *arguments: Any, **given: Any) -> Run:
        """Save a pipeline, run it, and return the run when it has ended."""
        return drive(self.start(self.pipeline(*arguments, **given)))


def found_mesh(server: S3Server | None = None) -> Mesh:
    """Make the mesh with one store, in a bucket of `server` or else in a folder."""
    teams = {slug: Team.objects.create(slug=slug, title=slug) for slug in ("src", "nlp")}
    users = {name: User.objects.create(username=name) for name in ("ana", "ben", "carla")}
    Membership.objects.create(team=teams["src"], user=users["carla"], role=TeamRole.OWNER)
    Membership.objects.create(team=teams["nlp"], user=users["ana"], role=TeamRole.OWNER)
    for slug in teams:
        catalog.create_domain(OPERATOR, name=f"/{slug}", title=slug, team=slug)
    add_store("eu", server)
    ana, carla = principal_for(users["ana"]), principal_for(users["carla"])
    catalog.create_product(carla, name=CODE, title="Code")
    catalog.create_product(ana, name=TOKENS, title="Tokens")
    catalog.create_product(ana, name=OWN, title="Own")
    asked = request_access(users["ana"], ana, name=CODE, purpose="any", reason="to learn", days=10)
    grant = approve_request(users["carla"], carla, asked.pk)
    return Mesh(users, grant)


_KEPT = Kept(lambda home: found_mesh())


def kept_mesh(home: Path) -> Mesh:
    """Return the mesh as `found_mesh` makes it, made but once; its folder is a new one."""
    _KEPT.put(home)
    (home / "eu").mkdir()
    Store.objects.update(root=str(home / "eu"), updated_at=timezone.now())
    return Mesh({user.username: user for user in User.objects.all()}, Grant.objects.get())


def add_store(name: str, server: S3Server | None = None) -> Store:
    """Register a site of that name and a store in it."""
    movement.create_site(OPERATOR, name=name, title=name, kind="core", jurisdictions=["DE", "EU"])
    if server is None:
        place: dict[str, Any] = {"kind": "directory", "root": uuid4().hex}
    else:
        keys = {"access_key": server.access_key, "secret_key": server.secret_key}
        place = {"kind": "s3", "endpoint": server.endpoint, "bucket": uuid4().hex, **keys}
    return movement.create_store(OPERATOR, name=name, site=name, **place)


def drive(run: Run, rounds: int = 20) -> Run:
    """Do the work that workers would do until the run has ended, its shards in any order."""
    for _ in range(rounds):
        advanced = services.advance_run(run.pk)
        shards = open_shards(run)
        random.shuffle(shards)
        for shard_id in shards:
            services.run_shard(shard_id)
        run = Run.objects.get(pk=run.pk)
        if run.state not in RUN_ACTIVE or (advanced is None and not shards):
            return run
    raise AssertionError(f"the run is still {run.state}: {run.reason}")


def open_shards(run: Run) -> list[UUID]:
    return list(run.shards.filter(state__in=SHARD_OPEN).values_list("id", flat=True))


def lines(rows: Sequence[Mapping[str, Any]]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def rows_of(version: Version | None) -> list[dict[str, Any]]:
    """Return all rows of a version, read from its first replica, in path order."""
    assert version is not None
    assert version.state == VersionState.PUBLISHED
    replica = Replica.objects.get(version=version)
    store = open_store(replica.store)
    keys = [found.key for found in store.list(replica.base) if "/.fairmesh/" not in found.key]
    return [row for key in keys for row in pq.read_table(io.BytesIO(store.read(key))).to_pylist()]


def keys_of(store: str = "eu") -> list[str]:
    """Return the keys of everything in a store."""
    return [found.key for found in open_store(Store.objects.get(name=store)).list()]
