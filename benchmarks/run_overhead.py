"""What the platform adds to a run of a pipeline: plan, leases, manifest, lineage and the seal.

One version lies in a directory store, and a pipeline of every kind of step (filters, a barrier,
tokens, packed rows) makes another of it. Ours is the whole of it, on SQLite: the run is started,
planned, claimed and done shard by shard, and its result sealed and published, in this process. The
peer is the engine alone (`run_local`) with one thread, over the same objects of the same store,
proved by their manifest in the same way, into the same store. After each pair the files must be
the same, byte for byte.

The ratio of the pairs is judged. It is noisy on a busy machine, so the seconds of a run outside of
the engine's own functions are told as well.
"""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import Any

import django

from benchmarks.corpus_ours import document
from benchmarks.corpus_texts import write_pipeline_corpus
from benchmarks.harness import (
    Figure,
    finish,
    in_turns,
    need,
    options,
    paired,
    print_conditions,
    spread,
)
from benchmarks.tokens import tokenizer_path

_HOME = tempfile.mkdtemp(prefix="fairmesh-run-overhead-")
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ["FAIRMESH_HOME"] = _HOME
os.environ["REDIS_URL"] = "memory://localhost/"  # nobody listens
os.environ.pop("DATABASE_URL", None)
django.setup()

# Django must be set up before its models can be imported.
from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from catalog import services as catalog  # noqa: E402
from catalog.models import Version  # noqa: E402
from catalog.selectors import manifest_entries  # noqa: E402
from movement.models import Store  # noqa: E402
from movement.opening import open_store  # noqa: E402
from tests.transforms.mesh import CODE, Mesh, drive, found_mesh  # noqa: E402
from transforms import services, tokenizers  # noqa: E402
from transforms.engine import run_local  # noqa: E402
from transforms.engine.plan import plan  # noqa: E402
from transforms.engine.sources import Workspace  # noqa: E402
from transforms.engine.spec import read_spec  # noqa: E402
from transforms.inputs import input_files, opener  # noqa: E402
from transforms.places import StoreFolder  # noqa: E402
from transforms.services import coordinate, shards  # noqa: E402

CORPUS_BYTES, QUICK_BYTES = 40_000_000, 8_000_000
FILES = 8
REPEATED = 4
"""How often the corpus stands there, under other ids: then a run takes about a minute."""
STORE = "eu"
GOAL = 1 / 1.05
"""Input a second of a run, by that of the engine alone: 5 % more time is allowed."""
_ENGINE = ((shards, "run_map_shard"), (shards, "run_reduce"), (coordinate, "pass_gate"))
Files = list[tuple[str, str]]
"""Path and sha256, in path order."""


@dataclass
class Bench:
    mesh: Mesh
    version: Version
    outside: list[float] = field(default_factory=list)
    """Of each run the seconds that were not the engine's."""
    files: list[Files] = field(default_factory=list)

    def ours(self, number: int) -> float:
        """Run the pipeline into a product of its own: nothing is there that it could take over."""
        name = f"/nlp/~/made-{number}"
        catalog.create_product(self.mesh.ana, name=name, title=name)
        made = services.save_pipeline(self.mesh.ana, name=f"made-{number}", spec=_spec(name))
        with engine_timed() as engine:
            began = time.perf_counter()
            run = drive(self.mesh.start(made))
            seconds = time.perf_counter() - began
        if run.state != "done" or run.output_version is None:
            sys.exit(f"the run is {run.state}: {run.reason}")
        self.outside.append(seconds - sum(engine))
        self._note([(each.path, each.sha256) for each in manifest_entries(run.output_version)])
        return seconds

    def peer(self, number: int) -> float:
        store = open_store(Store.objects.get(name=STORE))
        place = StoreFolder(store, f"alone-{number}/")
        began = time.perf_counter()
        spec = read_spec(_spec(CODE + "-alone"))
        workspace = Workspace(
            opener(self.version, near=STORE, proved=True),
            StoreFolder(store, f"{place.base}scratch/"),
            StoreFolder(store, f"{place.base}output/"),
        )
        encoders = tokenizers.encoders(spec.tokenizers())
        planned = plan(spec, input_files(self.version), workspace.open_input, encoders.resolver)
        report = run_local.run(planned, workspace, encoders, 1)
        seconds = time.perf_counter() - began
        self._note([(each.path, each.sha256) for each in (*report.outputs, *report.indexes)])
        place.remove()
        return seconds

    def _note(self, files: Files) -> None:
        """End the benchmark where a run made other files than those before it."""
        self.files.append(sorted(files))
        if self.files[-1] != self.files[0]:
            sys.exit(f"a run made {self.files[-1]}, an earlier one {self.files[0]}")


def _spec(output: str) -> dict[str, Any]:
    return {
        **document("exact", "tokens"),
        "inputs": [
            {"name": CODE, "files": "*.jsonl", "schema": {"id": "string", "text": "string"}}
        ],
        "output": {"name": output},
    }


@contextmanager
def engine_timed() -> Iterator[list[float]]:
    """Give the seconds of each call that the platform makes of the engine's long functions."""
    seconds: list[float] = []
    real = [(module, name, vars(module)[name]) for module, name in _ENGINE]
    for module, name, function in real:
        _put(module, name, _timed(function, seconds))
    try:
        yield seconds
    finally:
        for module, name, function in real:
            _put(module, name, function)


def _put(module: ModuleType, name: str, function: Callable[..., Any]) -> None:
    vars(module)[name] = function


def _timed(function: Callable[..., Any], seconds: list[float]) -> Callable[..., Any]:
    def timed(*given: Any, **how: Any) -> Any:
        began = time.perf_counter()
        try:
            return function(*given, **how)
        finally:
            seconds.append(time.perf_counter() - began)

    return timed


def build(total_bytes: int, repeated: int) -> Bench:
    """Found a mesh with a tokenizer, and publish the corpus in its store."""
    for name in ("core.events", "movement.doorbell"):
        logging.getLogger(name).setLevel(logging.ERROR)  # there is no broker here
    call_command("migrate", verbosity=0)
    folder = settings.FAIRMESH.tokenizers / "deepseek"
    folder.mkdir(parents=True)
    shutil.copy(tokenizer_path(), folder / "tokenizer.json")
    mesh = found_mesh()
    return Bench(mesh, mesh.publish(_texts(total_bytes, repeated)))


def _texts(total_bytes: int, repeated: int) -> Mapping[str, bytes]:
    with tempfile.TemporaryDirectory(dir=_HOME) as folder:
        write_pipeline_corpus(Path(folder), total_bytes, FILES)
        found = {path.name: path.read_bytes() for path in sorted(Path(folder).glob("*.jsonl"))}
    return {
        f"{copy}-{name}": data.replace(b'{"id": "', b'{"id": "%d-' % copy)
        for copy in range(repeated)
        for name, data in found.items()
    }


def measure(bench: Bench, pairs: int) -> Sequence[Figure]:
    size = sum(each.bytes for each in input_files(bench.version)) / 1e6
    taken = in_turns(pairs, bench.ours, bench.peer)
    rates = [(size / ours, size / peer) for ours, peer in taken]
    print(f"{connection.vendor}: load {os.getloadavg()[0]:.1f} at the end")
    print(f"the same {len(bench.files[0])} files of all {len(bench.files)} runs")
    print(spread("run_overhead_seconds", taken), flush=True)
    alone, outside = median(peer for _, peer in taken), median(bench.outside)
    return [
        paired("run_overhead", "MB/s", rates, GOAL),
        Figure("run_overhead_outside_of_the_engine", outside, "s"),
        Figure("run_overhead_outside_share", 100 * outside / alone, "% of the engine alone"),
    ]


def main() -> int:
    asked = options(__doc__, pairs=3)
    need(modules=("tokenizers", "splintr", "litellm"))
    size, repeated = (QUICK_BYTES, 1) if asked.quick else (CORPUS_BYTES, REPEATED)
    bench = build(size, repeated)
    print_conditions(asked, f"{repeated} x {size / 1e6:.0f} MB, one thread", ["django", "pyarrow"])
    bench.ours(-1), bench.peer(-1)  # each once for nothing: models, tokenizers and caches
    bench.outside.clear()
    return finish(measure(bench, asked.pairs), judge=not asked.quick)


if __name__ == "__main__":
    sys.exit(main())
