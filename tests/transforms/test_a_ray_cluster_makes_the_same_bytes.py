"""A run whose shards go to Ray ends with the files that it ends with alone."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import pytest

from config import checks
from config.env import REPOSITORY
from transforms import doorbell, ray_runner

_APART = ["unshare", "--map-root-user", "--net", "--pid", "--fork", "--mount-proc"]


def _may_be_apart() -> bool:
    try:
        return subprocess.run([*_APART, "true"], check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


@pytest.mark.servers
@pytest.mark.skipif(find_spec("ray") is None, reason="the extra `ray` is not installed")
def test_the_files_are_equal() -> None:
    if not _may_be_apart():
        pytest.skip("no namespaces here: Ray would listen on every address of this machine")
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.runners", "--quick"],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'client'}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "the same files on both sides: " in ran.stdout
    assert "and what is known of every barrier" in ran.stdout


@pytest.mark.parametrize("address", ["", "127.0.0.1:6379"])
def test_the_setting_says_who_is_rung_for(
    address: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[tuple[str, ...]] = []
    settings.FAIRMESH = type(settings.FAIRMESH)(
        **{**vars(settings.FAIRMESH), "ray_address": address}
    )
    monkeypatch.setattr(ray_runner, "ring", lambda shard: rung.append(("ray", shard)))
    monkeypatch.setattr(doorbell, "ring", lambda task, shard: rung.append((task, shard)))
    doorbell._ring_shard("7")
    assert rung == [("ray" if address else "transforms.tasks.shard", "7")]


def test_an_address_without_ray_is_refused_at_the_start(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert checks.ray_is_installed(None) == []
    settings.FAIRMESH = type(settings.FAIRMESH)(
        **{**vars(settings.FAIRMESH), "ray_address": "10.0.0.7:6379"}
    )
    monkeypatch.setattr(checks, "find_spec", lambda name: None)
    (found,) = checks.ray_is_installed(None)
    assert (found.id, found.is_serious()) == ("fairmesh.E001", True)
