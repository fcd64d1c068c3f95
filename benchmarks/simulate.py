"""What one changed policy would change: how long until it is told, and is it right?

60 people, 100,000 products and 1,000 policies in a real database. Three changes are simulated: a
permit on one domain, a forbid on one label, and a permit by which nearly everyone gains. The time
is that of the whole act: reading the catalogue, finding every pair, asking the past again, naming
the first pairs, keeping the result. Each result is compared with brute force: every person, every
action and every 97th product decided one by one under both sets.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterator

import django

from benchmarks.harness import Figure, finish, need, options, print_conditions

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("FAIRMESH_HOME", tempfile.mkdtemp(prefix="fairmesh-simulate-"))
django.setup()

# Django must be set up before its models can be imported.
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from benchmarks.catalogue import build, databases, measured_on  # noqa: E402
from governance.engine.decision import Judge  # noqa: E402
from governance.engine.entities import Principal, Situation  # noqa: E402
from governance.engine.simulation import ACTIONS, simulate  # noqa: E402
from governance.models import Policy  # noqa: E402
from governance.services.policy_lifecycle import draft_policy, validate_draft  # noqa: E402
from governance.services.simulation import simulate_policy  # noqa: E402
from governance.services.simulation_access import Scene, scene_of  # noqa: E402
from tests.postgres import server as postgres_server  # noqa: E402

PRODUCTS, POLICIES = 100_000, 1_000
QUICK_PRODUCTS, QUICK_POLICIES = 2_000, 100
GOAL_SECONDS = 10.0
SAMPLED = 97
OPERATOR = Principal("operator", groups=frozenset({"operators", "members"}))
CHANGES = {
    "domain": 'permit (principal in Team::"t1", action == Action::"read", '
    'resource is Product in Domain::"/d1");',
    "label": 'forbid (principal, action in [Action::"read", Action::"transform"], '
    'resource is Product) when { resource.labels.contains("topic:1") };',
    "everyone": 'permit (principal in Group::"members", action in [Action::"discover", '
    'Action::"read", Action::"transform"], resource is Product);',
}


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
            found = measured_on(url, "benchmarks.simulate", [str(count) for count in counts])
            figures += [
                Figure(f"simulate_{change}_{kind}", seconds, "s", None, GOAL_SECONDS / seconds, 1.0)
                for change, seconds in found.items()
            ]
    return finish(figures, judge=not asked.quick)


def measure(product_count: int, policy_count: int) -> int:
    """Fill the database at DATABASE_URL, simulate each change, and print the figures as JSON."""
    call_command("migrate", verbosity=0)
    build(product_count, policy_count)
    seconds: dict[str, float] = {}
    for change, text in CHANGES.items():
        policy = draft_policy(OPERATOR, kind="access", slug=change, text=f'@id("{change}") {text}')
        policy = validate_draft(OPERATOR, policy.pk)
        began = time.perf_counter()
        result = simulate_policy(OPERATOR, policy.pk).result
        seconds[change] = time.perf_counter() - began
        compared = check(policy)
        print(
            f"{connection.vendor} {change}: {result['gained']['pairs']:,} pairs gained, "
            f"{result['lost']['pairs']:,} lost in {seconds[change]:.1f} s; {compared:,} answers "
            "as by brute force"
        )
    print(json.dumps(seconds))
    return 0


def check(policy: Policy) -> int:
    """End the benchmark unless each sampled answer is brute force's; return how many there are."""
    scene = scene_of(OPERATOR, policy, 0)
    products = scene.holdings["Product"].resources
    shifts = simulate(scene.old, scene.new, scene.people, scene.holdings)
    told = {
        (name, shift.kind.action, place, gained)
        for shift in shifts
        if shift.kind.type == "Product"
        for gained, bitmap in ((True, shift.gained), (False, shift.lost))
        for place in range(0, len(products), SAMPLED)
        if bitmap >> place & 1
        for name in shift.people
    }
    expected = set(by_brute_force(scene))
    if told != expected:
        sys.exit(f"{policy}: {len(told ^ expected)} answers are not what brute force finds")
    return len(scene.people) * len(ACTIONS) * len(range(0, len(products), SAMPLED))


def by_brute_force(scene: Scene) -> Iterator[tuple[str, str, int, bool]]:
    products = scene.holdings["Product"].resources
    for person in scene.people:
        for action in ACTIONS:
            before, after = (
                Judge(side, person.principal, action, "Product", Situation(), person.permits)
                for side in (scene.old, scene.new)
            )
            for place in range(0, len(products), SAMPLED):
                was, would = before(products[place]).allow, after(products[place]).allow
                if was != would:
                    yield person.principal.id, action, place, would


if __name__ == "__main__":
    sys.exit(main())
