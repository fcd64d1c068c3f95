"""S3 servers for tests and benchmarks, on loopback ports of their own: SeaweedFS and a null one."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from movement.stores.s3 import S3Store

_READY_SECONDS = 60.0
_PORTS = 8


@dataclass(frozen=True)
class S3Server:
    """A running S3 server and the keys of its one identity."""

    endpoint: str
    access_key: str
    secret_key: str
    pid: int

    def store(self, bucket: str | None = None, prefix: str = "") -> S3Store:
        """Return a store that is ready, in a new bucket unless one is named."""
        store = S3Store(
            self.endpoint,
            bucket or f"test-{uuid.uuid4().hex[:12]}",
            prefix,
            self.access_key,
            self.secret_key,
        )
        store.ensure_ready()
        return store


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on now; all are held until the last is known."""
    with contextlib.ExitStack() as held:
        ports = []
        for _ in range(count):
            listener = held.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            ports.append(int(listener.getsockname()[1]))
        return ports


def weed_command(home: Path, ports: list[int], config: Path) -> list[str]:
    """Return the command of a small server: master, volume, filer and S3 in one process.

    Each port has its grpc twin named, since by default it would be the port + 10000.
    """
    master, master_grpc, volume, volume_grpc, filer, filer_grpc, s3, s3_grpc = ports
    options = {
        "dir": home / "data",
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        "master.port": master,
        "master.port.grpc": master_grpc,
        "master.telemetry": "false",
        "master.volumeSizeLimitMB": 64,
        "master.volumePreallocate": "false",
        "volume.port": volume,
        "volume.port.grpc": volume_grpc,
        "volume.max": 0,
        "volume.index": "leveldb",
        "volume.preStopSeconds": 0,
        "filer.port": filer,
        "filer.port.grpc": filer_grpc,
        "filer.localSocket": home / "filer.sock",
        "s3.port": s3,
        "s3.port.grpc": s3_grpc,
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "s3.iam": "false",
        "s3.config": config,
        "s3.localSocket": home / "s3.sock",
    }
    weed = Path(sys.executable).with_name("weed")
    named = [f"-{name}={value}" for name, value in options.items()]
    return [str(weed), "-logtostderr=true", "server", "-s3", *named]


@contextlib.contextmanager
def s3_server(volumes: int = 7) -> Iterator[S3Server]:
    """Run a SeaweedFS server with S3 on loopback; it and its data are gone afterwards.

    A bucket begins with so many volumes, each of them made when the first object is put.
    """
    home = Path(tempfile.mkdtemp(prefix="weed-"))
    (home / "data").mkdir()
    access_key, secret_key = "fairmesh-test", uuid.uuid4().hex
    config = home / "s3.json"
    identity = {
        "name": "fairmesh",
        "credentials": [{"accessKey": access_key, "secretKey": secret_key}],
        "actions": ["Admin", "Read", "List", "Tagging", "Write"],
    }
    config.write_text(json.dumps({"identities": [identity]}))
    ports = free_ports(_PORTS)
    endpoint = f"http://127.0.0.1:{ports[6]}"
    log = home / "log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            weed_command(home, ports, config),
            stdout=sink,
            stderr=sink,
            cwd=home,
            start_new_session=True,
            env={
                **os.environ,
                "TMPDIR": str(home),
                "WEED_MASTER_VOLUME_GROWTH_COPY_1": str(volumes),
            },
        )
    try:
        _wait_until_ready(process, endpoint, log)
        yield S3Server(endpoint, access_key, secret_key, process.pid)
    finally:
        # SIGTERM takes more than 14 seconds, and the data is thrown away anyhow
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
        shutil.rmtree(home, ignore_errors=True)


def _wait_until_ready(process: subprocess.Popen[bytes], endpoint: str, log: Path) -> None:
    end = time.monotonic() + _READY_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"{endpoint}/healthz", timeout=1),
        ):
            return
        time.sleep(0.1)
    raise RuntimeError(f"weed did not start:\n{log.read_text()[-2000:]}")


@contextlib.contextmanager
def null_server(buckets: Mapping[str, tuple[int, int]]) -> Iterator[str]:
    """Run `benchmarks.null_s3` with generated buckets (files, bytes of each); give its URL."""
    told = [f"{name}:{files}:{size}" for name, (files, size) in buckets.items()]
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.null_s3", *told],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).resolve().parent.parent,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        port = process.stdout.readline().decode().strip()
        if not port:
            raise RuntimeError("the null server did not start")
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.stdin.close()
