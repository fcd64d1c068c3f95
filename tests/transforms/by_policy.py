"""A mesh in which policies run pipelines: Ana owns /nlp and /src, and what she writes is run."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import OperationalError, connection

from governance.models import Membership, Policy, Team, TeamRole
from governance.services import save_policy
from tests.transforms.mesh import CODE, Mesh, lines
from transforms.models import Run

ON_PUBLISH: dict[str, Any] = {"name": "clean", "on": ["publish"]}
NIGHTLY: dict[str, Any] = {"name": "clean", "on": ["schedule"], "every": "24h"}


def own_all(mesh: Mesh) -> Mesh:
    """Have Ana own the input as well, and make a pipeline of it."""
    team = Team.objects.get(slug="src")
    Membership.objects.create(team=team, user=mesh.users["ana"], role=TeamRole.OWNER)
    mesh.pipeline()
    return mesh


def at_once(act: Callable[[], int], workers: int = 3) -> list[int]:
    """Do it in several threads, begun together; return what each got.

    0 where the database turned it away: SQLite in memory does not wait for a lock.
    """
    together = threading.Barrier(workers)

    def work(_: int) -> int:
        try:
            together.wait(30)
            return act()
        except OperationalError:
            return 0
        finally:
            connection.close()

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, range(workers)))


def text_of(*pipelines: dict[str, Any], slug: str = "fresh", prefix: str = "/src") -> str:
    spec = {"pipelines": list(pipelines)}
    return f"kind: services\nid: {slug}\nscope: {{prefix: {prefix}}}\nspec: {spec}\n"


def rule(mesh: Mesh, *pipelines: dict[str, Any], **where: str) -> Policy:
    """Have Ana put a policy in force that runs these pipelines."""
    return save_policy(mesh.ana, kind="services", text=text_of(*pipelines, **where))


def publish(mesh: Mesh, marked: str, rows: int = 20) -> Any:
    """Publish a version of the code whose rows differ from those of another mark."""
    texts = [{"id": number, "text": f"{marked} number {number}"} for number in range(rows)]
    return mesh.publish({"a.jsonl": lines(texts)}, CODE)


def runs_of(name: str = "clean") -> list[Run]:
    return list(Run.objects.filter(pipeline__name=name).order_by("created_at", "id"))
