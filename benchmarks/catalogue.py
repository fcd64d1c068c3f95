"""A catalogue of many products in a real database, governed by many policies, for benchmarks."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from django.db import connection, transaction

from benchmarks.policies import domains, people, policy_text, products
from catalog.models import Domain, Product
from core.digests import sha256_digest
from governance.models import Label, LabelOrigin, Membership, Policy, Team, TeamRole, User

SLUG = "benchmark"


@transaction.atomic
def build(product_count: int, policy_count: int) -> None:
    """Fill an empty, migrated database with the people, products and policies of `policies`."""
    teams = _teams()
    _people(teams)
    homes = _domains(teams)
    spread = list(products(product_count))
    for start in range(0, len(spread), 5000):
        some = spread[start : start + 5000]
        Product.objects.bulk_create(
            Product(
                domain=homes[each.name.partition("/~/")[0], each.team],
                name=_name(each.name, each.team),
                title=each.name,
                visibility=each.visibility,
                access=each.access,
                lifecycle=each.lifecycle,
            )
            for each in some
        )
        Label.objects.bulk_create(
            Label(name=_name(each.name, each.team), label=label, origin=LabelOrigin.MANUAL)
            for each in some
            for label in each.labels
        )
    text = policy_text(policy_count)
    digest = sha256_digest(text.encode())
    Policy.objects.create(
        kind="access", slug=SLUG, version=1, text=text, digest=digest, state="active"
    )
    _tell_the_planner()


def _name(name: str, team: str) -> str:
    """Return the product's name in the domain that its team has there."""
    domain, _, product = name.partition("/~/")
    return f"{domain}/{team}/~/{product}"


def _teams() -> dict[str, Team]:
    slugs = {each.team for each in products(5000)}
    slugs |= {team for person in people(60) for team in person.teams}
    return {slug: Team.objects.create(slug=slug, title=slug) for slug in sorted(slugs)}


def _people(teams: dict[str, Team]) -> None:
    for person in people(60):
        user = User.objects.create(username=person.id)
        owned = {role.partition("/")[0] for role in person.roles}
        Membership.objects.bulk_create(
            Membership(
                team=teams[slug],
                user=user,
                role=TeamRole.OWNER if slug in owned else TeamRole.MEMBER,
            )
            for slug in person.teams
        )


def _domains(teams: dict[str, Team]) -> dict[tuple[str, str], Domain]:
    """Return a domain for each place and team: who owns a product is told by its domain."""
    first = next(iter(teams.values()))
    places = {name: Domain.objects.create(name=name, team=first, title=name) for name in domains()}
    made = Domain.objects.bulk_create(
        Domain(name=f"{name}/{slug}", parent=place, team=team, title=name)
        for name, place in places.items()
        for slug, team in teams.items()
    )
    return {(each.name.rpartition("/")[0], each.team.slug): each for each in made}


def _tell_the_planner() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


@contextlib.contextmanager
def databases(postgres: contextlib.AbstractContextManager[str]) -> Iterator[dict[str, str]]:
    """Yield the address of an empty database of each kind."""
    with tempfile.TemporaryDirectory(prefix="fairmesh-bench-") as folder, postgres as url:
        yield {"sqlite": f"sqlite:///{Path(folder) / 'bench.sqlite3'}", "postgresql": url}


def measured_on(url: str, module: str, arguments: Sequence[str]) -> dict[str, float]:
    """Run a module of the benchmarks on one database; return the JSON it prints last."""
    with tempfile.TemporaryDirectory(prefix="fairmesh-bench-") as home:
        environment = {**os.environ, "DATABASE_URL": url, "FAIRMESH_HOME": home}
        environment["DJANGO_SETTINGS_MODULE"] = "config.settings"
        command = [sys.executable, "-m", module, *arguments]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        sys.exit(f"{module} ended with {done.returncode} on {url.partition(':')[0]}")
    *told, last = done.stdout.decode().strip().splitlines()
    print("\n".join(told))
    found: dict[str, float] = json.loads(last)
    return found
