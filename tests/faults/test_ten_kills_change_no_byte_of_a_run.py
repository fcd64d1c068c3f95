"""kill -9 at ten random points of runs with every kind of barrier: the bytes are those made here.

The work goes to the platform's worker by its queue; what it must make is computed in this process.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.world import STORE, Json, World
from tests.live import wait_for
from tests.transforms import carried
from tests.transforms.all_barriers import STEPS, TOKENIZER, text_of
from transforms.engine.encoders import Encoders
from transforms.engine.plan import SHARD_BYTES, InputFile, plan
from transforms.engine.result import RunReport
from transforms.engine.run_local import run as run_here
from transforms.engine.sources import MemoryFolder, MemorySource, Workspace
from transforms.engine.spec import read_spec

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]
SEED = 29
KILLS, AT_MOST_A_RUN, WHOLE = 10, 4, 3
"""A shard is given up after the fifth worker that died of it. So many kills take the whole worker,
which the platform starts again the later the more often it dies; the others take its pool.
"""
FILES, FILE_BYTES = 3, 17 * 1024 * 1024
"""Two files are more than one shard takes."""
OWN_EVERY, FILLERS = 12, 40
"""One row in so many has a text of the corpus with every barrier's work; the others repeat."""
SLOW = 20e6
ENDED = {"done", "failed", "refused", "cancelled"}


def write_corpus(folder: Path) -> None:
    fillers = [hashlib.sha512(str(at).encode()).hexdigest() * 16 for at in range(FILLERS)]
    number = 0
    for part in range(FILES):
        with (folder / f"part-{part}.jsonl").open("w") as file:
            while file.tell() < FILE_BYTES:
                own = number % OWN_EVERY == 0
                text = text_of(number // OWN_EVERY) if own else fillers[number % FILLERS]
                file.write(json.dumps({"id": number, "text": text}) + "\n")
                number += 1


def spec(source: str, target: str) -> Json:
    inputs = [{"name": source, "format": "jsonl"}]
    return {"version": 1, "inputs": inputs, "steps": STEPS, "output": {"name": target}}


def made_here(folder: Path) -> RunReport:
    """Return the report of the same pipeline, run by this process alone."""
    data = {path.name: path.read_bytes() for path in folder.iterdir()}
    files = [
        InputFile(path, len(held), hashlib.sha256(held).hexdigest()) for path, held in data.items()
    ]
    workspace = Workspace(lambda path: MemorySource(data[path]), MemoryFolder(), MemoryFolder())
    document = read_spec(spec("/faults/~/in", "/faults/~/out"))
    planned = plan(document, files, workspace.open_input, carried.read, SHARD_BYTES)
    assert len(planned.shards) > 1
    return run_here(planned, workspace, Encoders(carried.read))


@dataclass
class Killer:
    """Kills at moments drawn from a seed, and counts what hit a run that was under way."""

    world: World
    chance: random.Random
    done: int = 0

    def __post_init__(self) -> None:
        self._whole = set(self.chance.sample(range(KILLS), WHOLE))

    def work_on(self, run_id: str) -> None:
        """Kill a few times, each time when the run has come as far as was drawn."""
        total = int(wait_for(lambda: self._run(run_id)["shards_total"], "a plan"))
        wanted = min(AT_MOST_A_RUN, KILLS - self.done)
        for units in sorted(self.chance.sample(range(total - 1), wanted)):
            if not self._comes_to(run_id, units):
                return
            time.sleep(self.chance.uniform(0, 0.3))
            self._kill()
            self.done += self._run(run_id)["state"] not in ENDED

    def _run(self, run_id: str) -> Mapping[str, object]:
        return dict(self.world.operator.api.get(f"runs/{run_id}"))

    def _comes_to(self, run_id: str, units: int) -> bool:
        """Wait until so many units are done; False when the run ended before."""

        def there() -> str:
            row = self._run(run_id)
            if row["state"] in ENDED:
                return "ended"
            return "under way" if int(str(row["shards_done"])) >= units else ""

        return bool(wait_for(there, f"{units} units that are done") == "under way")

    def _kill(self) -> None:
        live = self.world.live
        leader = live.pid("worker")
        if self.done in self._whole:
            live.kill("worker")
            wait_for(lambda: not Path(f"/proc/{leader}").exists(), "the end of the worker")
            wait_for(lambda: live.pid("worker") != leader, "another worker")
            return
        pool: list[int] = wait_for(lambda: live.worker_pids()[1:], "a pool of the worker")
        for pid in pool:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def test_the_parts_are_those_of_a_run_without_trouble(world: World, tmp_path: Path) -> None:
    carried.install(TOKENIZER, world.live.home / "tokenizers")
    write_corpus(tmp_path)
    source = world.product("raw")
    world.operator.publish(source, [tmp_path], store=STORE)
    expected = made_here(tmp_path)
    parts = {entry.path: entry.sha256 for entry in expected.outputs}
    killer = Killer(world, random.Random(SEED))
    while killer.done < KILLS:
        world.relay.rate = SLOW
        target = world.product("packed")
        name = target.rpartition("/")[2]
        world.operator.pipeline_create(name, spec(source, target))
        run_id = str(world.operator.pipeline_run(name)["id"])
        killer.work_on(run_id)
        world.relay.rate = None
        run = world.operator.wait_run(run_id, 120)
        version = world.operator.version(target)
        files = {row["path"]: row["sha256"] for row in world.operator.files(version["id"])}
        assert files == parts
        assert run["rows_in"] == expected.rows_in
        assert run["dropped"] == dict(expected.dropped)
