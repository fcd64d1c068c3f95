"""Simulating a mesh of fifty sites: how long does a month of 10 million files and 5 PB take?

`movement/scenarios/fifty-sites.yaml`, as `manage.py simulate` runs it, with the platform's own
policies as judge. The run must say that no policy was violated, after a check at every event, and
two runs must say the same, byte for byte. There is no peer: Rucio has no simulator of its planner.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import django

from benchmarks.harness import MIB, Figure, finish, options, print_conditions, run

SCENARIO = "fifty-sites"
DAYS, QUICK_DAYS = 30, 2
GOAL_SECONDS, GOAL_MIB = 180.0, 2048.0
RUNS = 2


def main() -> int:
    if len(sys.argv) > 2 and sys.argv[1] == "child":
        return measure(sys.argv[2])
    asked = options(__doc__, pairs=RUNS)
    days = QUICK_DAYS if asked.quick else DAYS
    told = f"50 sites, 20,000 versions, 10 million files, 5 PB, {days} days of simulated time"
    print_conditions(asked, told, ["django"])
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.simulate_mesh", "child", str(days)]
        runs = [run(command, {}, Path(folder) / "log") for _ in range(max(asked.pairs, 2))]
    found = [each.answer() for each in runs]
    if len({each["digest"] for each in found}) != 1:
        sys.exit("two runs of one scenario and seed do not say the same")
    if found[0]["violations"] or not found[0]["checks"]:
        sys.exit(f"{found[0]['violations']} violations in {found[0]['checks']} checks")
    seconds = median(float(each["seconds"]) for each in found)
    peak = max(each.peak_bytes for each in runs) / MIB
    print(f"report: {json.dumps(found[0])}")
    print(f"seconds: {', '.join(str(each['seconds']) for each in found)}")
    print(f"processor seconds: {', '.join(f'{each.cpu_seconds:.1f}' for each in runs)}")
    figures = [
        Figure("simulate_fifty_sites", seconds, "s", None, GOAL_SECONDS / seconds, 1.0),
        Figure("simulate_fifty_sites_memory", peak, "MiB", None, GOAL_MIB / peak, 1.0),
        Figure("simulate_fifty_sites_checks", float(found[0]["checks"]), "checks"),
    ]
    return finish(figures, judge=not asked.quick)


def measure(days: str) -> int:
    """Run the command once and print its figures as JSON."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("FAIRMESH_HOME", tempfile.mkdtemp(prefix="fairmesh-simulate-"))
    django.setup()
    from django.core.management import call_command  # noqa: PLC0415 - Django must be set up first

    out = io.StringIO()
    began = time.perf_counter()
    call_command("simulate", SCENARIO, "--days", days, "--json", stdout=out)
    seconds = time.perf_counter() - began
    told = json.loads(out.getvalue())
    print(
        json.dumps(
            {
                "seconds": round(seconds, 2),
                "digest": hashlib.sha256(out.getvalue().encode()).hexdigest(),
                "events": told["checks"]["events"],
                "checks": told["checks"]["made"],
                "violations": told["violations"]["count"],
                "lost": told["lost"]["count"],
                "transfers": told["counts"]["transfers done"],
                "bytes_moved": told["bytes_moved"],
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
