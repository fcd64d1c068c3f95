"""One run by this process alone, and again by a Ray cluster: the same bytes, and what Ray costs.

The platform is told of a cluster as an operator tells it, by FAIRMESH_RAY_ADDRESS, and its shards
are rung for there. Ray listens on every address of a machine, so all of it runs in a network
namespace of its own, where there is but a loopback. A run's pipeline sorts, so that rows change
shards behind a barrier. The figures are fixed costs: starting, connecting, and one shard more.
Then both run a pipeline with every barrier, and must make the bytes that are known of it.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.harness import Figure, finish, need, options, print_conditions, program
from tests.transforms import all_barriers

PORT = 6379
SHARDS, QUICK_SHARDS = 24, 4
_INSIDE = "FAIRMESH_BENCHMARK_INSIDE"
_APART = (
    "unshare", "--map-root-user", "--net", "--pid", "--fork", "--kill-child", "--mount-proc",
)  # fmt: skip
"""Its network is a loopback, and its processes end with the first of them."""
_ENTER = 'ip link set lo up && exec "$@"'


def main() -> int:
    asked = options(__doc__, pairs=1)
    need(modules=("ray",))
    if _INSIDE in os.environ:
        return measure(SHARDS if not asked.quick else QUICK_SHARDS)
    print_conditions(asked, f"{QUICK_SHARDS if asked.quick else SHARDS} shards", ["ray"])
    with tempfile.TemporaryDirectory(prefix="fairmesh-ray-") as home:
        environment = {
            **{name: value for name, value in os.environ.items() if name != "REDIS_URL"},
            _INSIDE: "1",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "FAIRMESH_HOME": f"{home}/mesh",
            "FAIRMESH_RAY_ADDRESS": f"127.0.0.1:{PORT}",
            "FAIRMESH_SECRET_KEY": secrets.token_hex(),
            "RAY_AUTH_MODE": "disabled",  # nobody else is in the namespace
            "RAY_USAGE_STATS_ENABLED": "0",
        }
        enter = [*_APART, "sh", "-c", _ENTER, "sh"]
        command = [*enter, sys.executable, "-m", "benchmarks.runners", *sys.argv[1:]]
        return subprocess.run(command, env=environment, check=False).returncode


def measure(shards: int) -> int:
    began = time.perf_counter()
    home = Path(os.environ["FAIRMESH_HOME"])
    home.mkdir()
    where = [f"--port={PORT}", "--node-ip-address=127.0.0.1"]
    how = ["--num-cpus=2", "--include-dashboard=false", "--disable-usage-stats"]
    command = [str(program("ray")), "start", "--head", *where, *how]
    subprocess.run(command, check=True, capture_output=True)
    started = time.perf_counter() - began
    from benchmarks import runners_mesh  # noqa: PLC0415 - it sets Django up, with the settings above

    mesh = runners_mesh.found(shards)
    alone, alone_seconds = runners_mesh.run_alone(mesh)
    connecting = runners_mesh.connect()
    by_ray, ray_seconds = runners_mesh.run_by_ray(mesh)
    if by_ray != alone:
        sys.exit(f"Ray made {by_ray}, this process {alone}")
    print(f"the same files on both sides: {len(alone)}, the first {alone[0]}")
    runners_mesh.publish_all_barriers(mesh)
    for who in (runners_mesh.run_alone, runners_mesh.run_by_ray):
        made, _ = who(mesh, all_barriers.STEPS)
        if (digest := all_barriers.digest_of(dict(made))) != all_barriers.KNOWN:
            sys.exit(f"{who.__name__} made {digest} with all barriers, not {all_barriers.KNOWN}")
    print("and what is known of every barrier")
    return finish(
        [
            Figure("ray_start", started, "s"),
            Figure("ray_connect", connecting, "s"),
            Figure("ray_run", ray_seconds, "s", alone_seconds, alone_seconds / ray_seconds),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
