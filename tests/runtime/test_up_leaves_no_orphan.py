"""However `up` ends, nothing of it is left, and it starts again where it was."""

from __future__ import annotations

import os
import signal
import socket

import pytest

from tests.live import (
    LivePlatform,
    home_folder,
    platform,
    processes_of,
    start,
    wait_for,
)

pytestmark = [pytest.mark.servers, pytest.mark.timeout(400)]


def _expect_nothing_left(live: LivePlatform) -> None:
    wait_for(lambda: not processes_of(live.home), "an empty process tree", 30)
    assert not (live.home / "run" / "up.json").exists()


def test_sigterm_and_sigkill_alike_end_the_whole_tree() -> None:
    with home_folder() as home:
        with platform(home) as live:
            assert len(processes_of(home)) > 8
            assert live.stop() == 0
            _expect_nothing_left(live)
        with platform(home) as live:
            live.process.kill()
            live.process.wait()
            _expect_nothing_left(live)


def test_down_ends_it_even_while_it_starts() -> None:
    with home_folder() as home:
        live = start(home, {})
        wait_for(lambda: len(processes_of(home)) > 3, "its first children")
        ended = live.manage("down")
        assert ended.returncode == 0, ended.stderr
        assert live.process.wait(30) == 0
        _expect_nothing_left(live)
        assert "Nothing runs" in live.manage("down").stdout


def test_neither_a_taken_port_nor_a_deep_home_is_a_hindrance_and_ctrl_c_ends_it() -> None:
    with home_folder() as home, socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        deep = home / ("d" * 60) / ("e" * 60)  # too deep for the path of a socket
        deep.mkdir(parents=True)
        with platform(deep, FAIRMESH_PORT=str(taken), FAIRMESH_EMBEDDED_STORES="false") as live:
            assert f"port {taken} is taken" in live.output
            assert live.url != f"http://127.0.0.1:{taken}"
            assert live.get("/readyz")[0] == 200
            os.kill(live.process.pid, signal.SIGINT)
            assert live.process.wait(60) == 0
            _expect_nothing_left(live)


def test_a_wrong_setting_is_named() -> None:
    with home_folder() as home:
        live = start(home, {"FAIRMESH_WORKER_PROCESSES": "many"})
        assert live.process.wait(60) != 0
        assert "FAIRMESH_WORKER_PROCESSES: 'many' cannot be used" in live.output
        assert not processes_of(home)
