"""The first page of products that one may discover: time in the database, and is it right?

100,000 products, 1,000 policies and 60 people. Six of them list over the real API; the time is that
of all queries of the request together. The rows are compared with brute force: every product,
newest first, decided one by one. The peer is that brute force, which reads and decides all rows.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

import django

from benchmarks.harness import Figure, finish, need, options, print_conditions

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("FAIRMESH_HOME", tempfile.mkdtemp(prefix="fairmesh-listing-"))
django.setup()

# Django must be set up before its models can be imported.
from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402

from benchmarks.catalogue import build, databases, measured_on  # noqa: E402
from catalog.models import Product  # noqa: E402
from catalog.selectors import visible_products  # noqa: E402
from governance.engine.decision import Judge  # noqa: E402
from governance.engine.entities import Action, Resource, Situation  # noqa: E402
from governance.models import Label, User  # noqa: E402
from governance.selectors import access_policies, principal_for  # noqa: E402
from governance.services import issue_token  # noqa: E402
from tests.postgres import server as postgres_server  # noqa: E402

PRODUCTS, POLICIES = 100_000, 1_000
QUICK_PRODUCTS, QUICK_POLICIES = 2_000, 100
LISTERS, PAGE = ("u0", "u1", "u2", "u3", "u4", "u5"), 25
GOAL_MS = 15.0


def main() -> int:
    if os.environ.get("FAIRMESH_BENCH_CHILD"):
        return measure(int(sys.argv[1]), int(sys.argv[2]))
    asked = options(__doc__)
    need(modules=["pgserver"])
    logging.getLogger("pgserver").setLevel(logging.WARNING)
    counts = (QUICK_PRODUCTS, QUICK_POLICIES) if asked.quick else (PRODUCTS, POLICIES)
    print_conditions(asked, "{:,} products, {:,} policies, 60 people".format(*counts), ["django"])
    os.environ["FAIRMESH_BENCH_CHILD"] = "1"
    figures = []
    with databases(postgres_server()) as urls:
        for kind, url in urls.items():
            found = measured_on(url, "benchmarks.listing", [str(count) for count in counts])
            figures += [
                Figure(f"page_{kind}", found["page_ms"], "ms in the database", found["brute_ms"],
                       GOAL_MS / found["page_ms"], 1.0),
                Figure(f"count_{kind}", found["count_ms"], "ms in the database"),
            ]  # fmt: skip
    return finish(figures, judge=not asked.quick)


def measure(product_count: int, policy_count: int) -> int:
    """Fill the database at DATABASE_URL, measure, and print the figures as JSON."""
    (settings.FAIRMESH.home / "static").mkdir(exist_ok=True)  # WhiteNoise warns without it
    call_command("migrate", verbosity=0)
    began = time.perf_counter()
    build(product_count, policy_count)
    print(f"{connection.vendor}: filled in {time.perf_counter() - began:.0f} s")
    pages, brutes, counts = [], [], []
    for username in LISTERS:
        user = User.objects.get(username=username)
        token = issue_token(user, principal_for(user), title="b", days=1, scopes=None)[1]
        client = Client(SERVER_NAME="127.0.0.1", headers={"Authorization": f"Bearer {token}"})
        listed, milliseconds = page(client)
        expected, brute = by_brute_force(username)
        if listed != expected:
            sys.exit(f"{username}: the page is not what brute force finds")
        counted = database_ms(visible_products(principal_of(username)).count)
        pages.append(milliseconds)
        brutes.append(brute)
        counts.append(counted)
        print(f"{username}: {len(listed)} rows as by brute force, {milliseconds:.1f} ms")
    figures = {"page_ms": pages, "brute_ms": brutes, "count_ms": counts}
    print(json.dumps({name: median(values) for name, values in figures.items()}))
    return 0


def page(client: Any) -> tuple[list[str], float]:
    """Return the names on the first page and the database's share of the second asking."""
    answers: list[Any] = []

    def ask() -> None:
        answers.append(client.get(f"/api/v1/products?page_size={PAGE}"))

    ask()  # the slices of the policies are made at the first
    milliseconds = database_ms(ask)
    return [row["name"] for row in answers[-1].json()["results"]], milliseconds


def database_ms(work: Callable[[], object]) -> float:
    """Return the milliseconds that the queries of `work` took, rows fetched."""
    with timed() as seconds:
        work()
    return sum(seconds) * 1000


@contextmanager
def timed() -> Iterator[list[float]]:
    seconds: list[float] = []

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            seconds.append(time.perf_counter() - began)

    with connection.execute_wrapper(wrapper):
        yield seconds


def principal_of(username: str) -> Any:
    return principal_for(User.objects.get(username=username))


def by_brute_force(username: str) -> tuple[list[str], float]:
    """Return the names that a decision on each product allows, newest first, and its time."""
    began = time.perf_counter()
    judge = Judge(
        access_policies(), principal_of(username), Action.DISCOVER, "Product", Situation()
    )
    labels: dict[str, set[str]] = {}
    for name, label in Label.objects.values_list("name", "label"):
        labels.setdefault(name, set()).add(label)
    found: list[str] = []
    for product in Product.objects.select_related("domain__team").order_by("-id").iterator():
        resource = Resource(
            "Product",
            product.name,
            team=product.domain.team.slug,
            visibility=product.visibility,
            access=product.access,
            lifecycle=product.lifecycle,
            labels=frozenset(labels.get(product.name, ())),
        )
        if judge(resource).allow:
            found.append(product.name)
    return found[:PAGE], (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    sys.exit(main())
