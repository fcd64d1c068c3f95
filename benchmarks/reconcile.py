"""Looking over a mesh at rest: how long until it is known that nothing is to be done?

100,000 versions of 10,000 products, each with two replicas of three stores, bound by 50 protection
policies of which some ask for labels, some for residency. The time is that of the beat's whole
round (`reconcile_mesh`): reading everything, planning everything, finding it at rest. Then the
replicas of 100 versions are broken: the next round must queue a repair for each of these, and
nothing else.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import django

from benchmarks.harness import Figure, finish, need, options, print_conditions

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("FAIRMESH_HOME", tempfile.mkdtemp(prefix="fairmesh-reconcile-"))
django.setup()

# Django must be set up before its models can be imported.
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from benchmarks.catalogue import databases, measured_on  # noqa: E402
from catalog.models import Domain, Product, Version, VersionState  # noqa: E402
from core.digests import sha256_digest  # noqa: E402
from governance.engine.entities import RECONCILER  # noqa: E402
from governance.models import Label, LabelOrigin, Policy, Team  # noqa: E402
from movement.models import (  # noqa: E402
    Replica,
    ReplicaOrigin,
    ReplicaState,
    Site,
    Store,
    StoreKind,
    Transfer,
)
from movement.services import reconcile_mesh  # noqa: E402
from tests.postgres import server as postgres_server  # noqa: E402

VERSIONS, PER_PRODUCT, POLICIES = 100_000, 10, 50
QUICK_VERSIONS = 2_000
BROKEN = 100
ROUNDS = 3
GOAL_SECONDS = 5.0
SITES = {"eu": ["DE", "EU"], "pt": ["PT", "EU"], "us": ["US"]}


def main() -> int:
    if os.environ.get("FAIRMESH_BENCH_CHILD"):
        return measure(int(sys.argv[1]))
    asked = options(__doc__, pairs=ROUNDS)
    need(modules=["pgserver"])
    logging.getLogger("pgserver").setLevel(logging.WARNING)
    count = QUICK_VERSIONS if asked.quick else VERSIONS
    told = f"{count:,} versions of {count // PER_PRODUCT:,} products, 2 replicas each, 3 stores, "
    print_conditions(asked, f"{told}{POLICIES} protection policies", ["django"])
    os.environ["FAIRMESH_BENCH_CHILD"] = "1"
    figures = []
    with databases(postgres_server()) as urls:
        for kind, url in urls.items():
            found = measured_on(url, "benchmarks.reconcile", [str(count)])
            seconds = found["seconds"]
            figures += [
                Figure(
                    f"reconcile_at_rest_{kind}", seconds, "s", None, GOAL_SECONDS / seconds, 1.0
                ),
                Figure(f"reconcile_memory_{kind}", found["peak_mib"], "MiB"),
            ]
    return finish(figures, judge=not asked.quick)


def measure(count: int) -> int:
    """Fill the database at DATABASE_URL, look it over, break some; print the figures as JSON."""
    logging.getLogger("movement.doorbell").setLevel(logging.ERROR)  # there is no broker here
    call_command("migrate", verbosity=0)
    build(count)
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        done = reconcile_mesh()
        seconds.append(time.perf_counter() - began)
        if done != 0 or Transfer.objects.exists():
            sys.exit(f"{done} versions of a mesh at rest were taken up")
    broken = list(
        Replica.objects.filter(store__name="us")
        .order_by("pk")
        .values_list("pk", flat=True)[:BROKEN]
    )
    Replica.objects.filter(pk__in=broken).update(state=ReplicaState.CORRUPT)
    began = time.perf_counter()
    done = reconcile_mesh()
    wanted = set(Replica.objects.filter(pk__in=broken).values_list("version", "store"))
    queued = set(Transfer.objects.values_list("version", "target"))
    if done != len(broken) or queued != wanted:
        sys.exit(f"{len(broken)} replicas were broken, {len(queued)} repairs queued")
    print(
        f"{connection.vendor}: {count:,} versions at rest in "
        f"{', '.join(f'{each:.2f}' for each in seconds)} s; {len(broken)} broken replicas found "
        f"and queued in {time.perf_counter() - began:.2f} s"
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": sorted(seconds)[len(seconds) // 2], "peak_mib": peak}))
    return 0


@transaction.atomic
def build(count: int) -> None:
    team = Team.objects.create(slug="acme", title="Acme")
    domain = Domain.objects.create(name="/acme", team=team, title="Acme")
    products = Product.objects.bulk_create(
        Product(domain=domain, name=f"/acme/~/p{n}", title=f"p{n}", visibility="mesh")
        for n in range(count // PER_PRODUCT)
    )
    Label.objects.bulk_create(
        Label(name=product.name, label=f"topic:{n % 40}", origin=LabelOrigin.MANUAL)
        for n, product in enumerate(products)
    )
    _policies()
    stores = {}
    for name, jurisdictions in SITES.items():
        site = Site.objects.create(name=name, title=name, kind="core", jurisdictions=jurisdictions)
        stores[name] = Store.objects.create(
            name=name, site=site, kind=StoreKind.DIRECTORY, root=f"/nowhere/{name}"
        )
    now = timezone.now()
    versions: list[Version] = []
    for n, product in enumerate(products):
        versions += [
            Version(
                product=product, number=number, state=VersionState.PUBLISHED, files=10,
                bytes=1000 * (n + number), published_at=now, envelope={}, created_by="ana",
            )
            for number in range(1, PER_PRODUCT + 1)
        ]  # fmt: skip
    for start in range(0, len(versions), 5000):
        some = versions[start : start + 5000]
        Version.objects.bulk_create(some)
        Replica.objects.bulk_create(_replicas(some, stores))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _replicas(versions: list[Version], stores: dict[str, Store]) -> Iterator[Replica]:
    for version in versions:
        bound = int(version.product.name.removeprefix("/acme/~/p")) % 40 < 4
        for store, origin in (("eu", "upload"), ("pt" if bound else "us", "transfer")):
            yield Replica(
                version=version, store=stores[store], origin=origin, base="x/",
                state=ReplicaState.COMPLETE,
                asked_by=RECONCILER.id if origin == ReplicaOrigin.TRANSFER else "",
            )  # fmt: skip


def _policies() -> None:
    """Two copies of all; products of four topics stay in the EU; the rest changes nothing."""
    specs: list[tuple[dict[str, Any], list[str]]] = [({"copies": 2, "sites": ["eu"]}, [])]
    specs += [({"residency": ["EU"]}, [f"topic:{n}"]) for n in range(4)]
    specs += [({"sites": ["us"]}, [f"topic:{n}"]) for n in range(4, 40)]
    specs += [({"retention_days": n}, [f"other:{n}"]) for n in range(1, POLICIES - len(specs) + 1)]
    for n, (spec, labels) in enumerate(specs):
        Policy.objects.create(
            kind="protection", slug=f"policy-{n}", version=1, text="", labels=labels,
            digest=sha256_digest(str(n).encode()), prefix="/", spec=spec, state="active",
        )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
