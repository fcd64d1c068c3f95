"""A part that is killed starts again, and what it had accepted is there."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
from collections.abc import Iterator

import pytest

from config.runtime.home import Home
from config.runtime.weed import BUCKET, known_servers
from core.errors import StoreUnavailable
from movement.stores.s3 import S3Store
from tests.live import LivePlatform, wait_for

pytestmark = [pytest.mark.servers, pytest.mark.timeout(400)]


@pytest.fixture
def broken(live: LivePlatform) -> Iterator[LivePlatform]:
    """The platform of the session, which each test breaks and leaves whole again."""
    yield live
    wait_for(lambda: live.get("/readyz")[0] == 200, "a ready platform again")


def _tasks_done(live: LivePlatform) -> int:
    return len(re.findall(r"dispatch_outbox\[.*succeeded", live.log("worker")))


def _expect_tasks_to_run(live: LivePlatform) -> None:
    before = _tasks_done(live)
    wait_for(lambda: _tasks_done(live) > before + 1, "tasks that run", 60)


def _kill(live: LivePlatform, name: str) -> None:
    old = live.pid(name)
    live.kill(name)
    wait_for(lambda: live.pid(name) != old, f"{name} runs again")
    assert f"{name} ended (signal SIGKILL)" in live.output


def test_tasks_run_again_after_the_broker_was_killed(broken: LivePlatform) -> None:
    _expect_tasks_to_run(broken)
    _kill(broken, "redis")
    _expect_tasks_to_run(broken)


def test_tasks_run_again_after_the_worker_was_killed(broken: LivePlatform) -> None:
    _expect_tasks_to_run(broken)
    _kill(broken, "worker")
    _expect_tasks_to_run(broken)


def test_the_web_server_answers_again_after_it_was_killed(broken: LivePlatform) -> None:
    _kill(broken, "web")
    wait_for(lambda: broken.get("/healthz")[0] == 200, "an answer")


def test_what_a_store_acknowledged_survives_a_kill(broken: LivePlatform) -> None:
    (server,) = (s for s in known_servers(Home(broken.home)) if s.name == "store-us")
    store = S3Store(server.endpoint, BUCKET, "kill", server.access_key, server.secret_key)
    data = {f"{n}.bin": os.urandom(1000 * (n + 1)) for n in range(60)}
    for key, content in data.items():
        store.write(
            key, content, sha256=hashlib.sha256(content).hexdigest(), media_type="text/plain"
        )
    _kill(broken, "store-us")

    def answers() -> bool:
        try:
            return bool(store.read("0.bin"))
        except StoreUnavailable:
            return False

    wait_for(answers, "a store that answers")
    assert {key: store.read(key) for key in data} == data


def test_readiness_says_which_store_is_down_and_liveness_does_not_care(
    broken: LivePlatform,
) -> None:
    wait_for(lambda: broken.get("/readyz")[0] == 200, "a ready platform")
    pid = broken.pid("store-eu")
    os.killpg(pid, signal.SIGSTOP)  # it is there, and does not answer
    try:
        status, body = wait_for(
            lambda: (answer := broken.get("/readyz"))[0] == 503 and answer, "an unready platform"
        )
        failed = {c["name"]: c["problem"] for c in json.loads(body)["checks"] if not c["ok"]}
        assert (status, set(failed)) == (503, {"store store-eu"})
        assert failed["store store-eu"]
        assert "127.0.0.1" not in body, "an address is for operators"
        assert broken.get("/healthz")[0] == 200
    finally:
        os.killpg(pid, signal.SIGCONT)
