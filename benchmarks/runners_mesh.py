"""The mesh of the runners' benchmark; importing it sets Django up."""

from __future__ import annotations

import logging
import time
from dataclasses import replace

import django

django.setup()

# Django must be set up before its models can be imported.
from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402

from catalog.selectors import manifest_entries  # noqa: E402
from tests.transforms import all_barriers, carried  # noqa: E402
from tests.transforms.mesh import CODE, OWN, TOKENS, Mesh, drive, found_mesh, lines  # noqa: E402
from transforms import ray_runner, services  # noqa: E402
from transforms.models import RUN_ACTIVE, SHARD_OPEN, Run  # noqa: E402
from transforms.services import pipelines  # noqa: E402

ROWS = 200
SECONDS_MOST = 120
Files = list[tuple[str, str]]
"""Path and sha256, in path order."""
Steps = list[dict[str, object]]
SORT: Steps = [{"sort": {"columns": ["id", "text"]}}]


def found(shards: int) -> Mesh:
    """Make a mesh with one version of so many files, each a shard."""
    for name in ("core.events", "movement.doorbell"):
        logging.getLogger(name).setLevel(logging.ERROR)  # there is no broker here
    call_command("migrate", verbosity=0)
    mesh = found_mesh()
    files = {f"{at:03}.jsonl": _file(at) for at in range(shards)}
    vars(pipelines)["SHARD_BYTES"] = max(map(len, files.values()))  # a shard each
    mesh.publish(files)
    return mesh


def _file(number: int) -> bytes:
    return lines(
        [
            {"id": (at * 7919 + number) % 5003, "text": f"text {at} of {number}"}
            for at in range(ROWS)
        ]
    )


def publish_all_barriers(mesh: Mesh) -> None:
    """Publish the corpus whose result is known, and install the tokenizer that it takes."""
    files = all_barriers.corpus(*all_barriers.SMALL)
    vars(pipelines)["SHARD_BYTES"] = max(map(len, files.values()))
    mesh.publish(files)
    carried.install(all_barriers.TOKENIZER, settings.FAIRMESH.tokenizers)


def run_alone(mesh: Mesh, steps: Steps = SORT) -> tuple[Files, float]:
    with_ray = settings.FAIRMESH
    settings.FAIRMESH = replace(with_ray, ray_address="")
    try:
        began = time.perf_counter()
        run = drive(_start(mesh, "alone", OWN, steps))
        return _files(run), time.perf_counter() - began
    finally:
        settings.FAIRMESH = with_ray


def connect() -> float:
    """Connect this process to the cluster; return the seconds."""
    began = time.perf_counter()
    ray_runner.remote_shard()
    return time.perf_counter() - began


def run_by_ray(mesh: Mesh, steps: Steps = SORT) -> tuple[Files, float]:
    """Advance a run as workers would, its shards left to the cluster."""
    began = time.perf_counter()
    run = _start(mesh, "by-ray", TOKENS, steps)
    while run.state in RUN_ACTIVE and time.perf_counter() - began < SECONDS_MOST:
        if not run.shards.filter(state__in=SHARD_OPEN).exists():
            services.advance_run(run.pk)
        time.sleep(0.02)
        run = Run.objects.get(pk=run.pk)
    return _files(run), time.perf_counter() - began


def _start(mesh: Mesh, name: str, target: str, steps: Steps) -> Run:
    spec = {
        "version": 1,
        "inputs": [{"name": CODE}],
        "steps": steps,
        "output": {"name": target},
    }
    return mesh.start(services.save_pipeline(mesh.ana, name=name, spec=spec))


def _files(run: Run) -> Files:
    if run.state != "done":
        raise RuntimeError(f"the run is {run.state}: {run.reason}")
    assert run.output_version is not None
    return [(entry.path, entry.sha256) for entry in manifest_entries(run.output_version)]
