"""kill -9 in mid-run: the shards that were done stay done, and the result is the same bytes."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.world import STORE, Json, World
from tests.live import wait_for

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]
SEED = 21
FILES = 4
FILE_BYTES = 17 * 1024 * 1024
"""Two of them are more than one shard takes."""
SLOW = 7e6
BROKEN_EVERY, SHORT_EVERY, TWIN_EVERY = 500, 40, 25
STEPS: list[Json] = [
    {"normalise": {"column": "text"}},
    {"filter": {"where": [{"column": "text", "min_chars": 100, "reason": "short"}]}},
    {"dedup_exact": {"columns": ["text"]}},
    {"select": {"columns": ["id", "text"]}},
]


@dataclass
class Corpus:
    """A corpus behind the wire, what is in it, and what an undisturbed run made of it."""

    name: str
    rows: int
    broken: int
    short: int
    twins: int
    manifest: str = ""

    def expect_all_told(self, run: Json) -> None:
        """Assert that each row of the corpus is in exactly one place of the run's report."""
        assert run["rows_in"] == self.rows + self.broken
        assert run["quarantined"] == self.broken
        assert run["dropped"] == {"short": self.short, "duplicate": self.twins}
        assert run["rows_out"] == self.rows - self.short - self.twins


def write_corpus(folder: Path, name: str) -> Corpus:
    chance = random.Random(SEED)
    corpus = Corpus(name, 0, 0, 0, 0)
    seen: list[str] = []
    for number in range(FILES):
        with (folder / f"part-{number}.jsonl").open("w") as file:
            while file.tell() < FILE_BYTES:
                corpus.rows += 1
                text = chance.randbytes(1500).hex()
                if corpus.rows % SHORT_EVERY == 0:
                    text, corpus.short = text[:50], corpus.short + 1
                elif corpus.rows % TWIN_EVERY == 0:
                    text, corpus.twins = chance.choice(seen), corpus.twins + 1
                else:
                    seen.append(text)
                line = json.dumps({"id": corpus.rows, "text": text})
                file.write(f"{line}\n")
                if corpus.rows % BROKEN_EVERY == 0:
                    corpus.broken += 1
                    file.write(f"{line[: len(line) // 2]}\n")
    return corpus


def start(world: World, source: str) -> tuple[str, str]:
    """Run the pipeline from `source` into a new product; return the run's id and the product."""
    target = world.product("clean")
    name = target.rpartition("/")[2]
    spec = {
        "version": 1,
        "inputs": [{"name": source, "format": "jsonl"}],
        "steps": STEPS,
        "output": {"name": target},
    }
    world.operator.pipeline_create(name, spec)
    return str(world.operator.pipeline_run(name)["id"]), target


@pytest.fixture(scope="module")
def corpus(_mesh: World, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """The corpus, published behind the wire and run once without trouble."""
    folder = tmp_path_factory.mktemp("corpus")
    made = write_corpus(folder, _mesh.product("raw"))
    _mesh.operator.publish(made.name, [folder], store=STORE)
    run_id, target = start(_mesh, made.name)
    made.expect_all_told(_mesh.operator.wait_run(run_id, 120))
    made.manifest = _mesh.operator.version(target)["manifest"]
    return made


@pytest.mark.parametrize("how", ["its process", "the whole worker"])
def test_it_is_taken_up_again_and_makes_the_same(world: World, corpus: Corpus, how: str) -> None:
    world.relay.rate = SLOW
    run_id, target = start(world, corpus.name)

    def under_way() -> Json | None:
        row: Json = world.operator.api.get(f"runs/{run_id}")
        return row if 1 <= row["shards_done"] < FILES else None

    wait_for(under_way, "a shard that is done")
    begun = world.relay.bytes_read + FILE_BYTES // 4
    wait_for(lambda: world.relay.bytes_read > begun, "a shard that is under way")
    done = world.operator.api.get(f"runs/{run_id}")["shards_done"]
    world.kill_worker(how)
    asked = len(world.relay.requests)
    world.relay.rate = None
    run = world.operator.wait_run(run_id, 120)

    # of files, not of bytes: on a busy machine even a living worker may lose a lease of 3 s
    read_again = world.relay.files_read("/part-", since=asked)
    assert 0 < len(read_again) <= FILES - done, read_again
    corpus.expect_all_told(run)
    assert run["shards_done"] == run["shards_total"]
    assert (run["state"], run["reason_code"]) == ("done", "")
    assert world.operator.version(target)["manifest"] == corpus.manifest
    kept = world.operator.api.get(f"runs/{run_id}/quarantine", rows=1000)["rows"]
    assert len(kept) == corpus.broken
    assert all(row["raw"].startswith('{"id": ') and row["error"] for row in kept)
    assert len({(row["source"], row["byte_offset"]) for row in kept}) == len(kept)
