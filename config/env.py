"""The one reader of the environment: every setting is declared here, with its type and meaning.

docs/reference/settings.md tells the same to people; a test fails when they differ.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

REPOSITORY = Path(__file__).resolve().parent.parent
_SOCKET_PATH_BYTES = 100
"""Systems cut the path of a UNIX socket at 104 or 108 bytes."""
_LONGEST_SOCKET = "/store-eu-filer.sock"


@dataclass(frozen=True)
class Setting:
    """One variable: how its text is read, what stands when it is absent, what it means."""

    variable: str
    read: Callable[[str], Any]
    default: str
    help: str
    example: str
    secret: bool = False


def _boolean(text: str) -> bool:
    known = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if text.lower() not in known:
        raise ValueError("it must be true or false")
    return known[text.lower()]


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise ValueError("it must be a whole number above 0")
    return int(text)


def _whole(text: str) -> int:
    if not text.isdigit():
        raise ValueError("it must be a whole number, 0 or more")
    return int(text)


def _money(text: str) -> float | None:
    if not text:
        return None
    money = float(text)
    if not 0 <= money < float("inf"):
        raise ValueError("it is not an amount of money")
    return money


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise ValueError("it must be a number from 0 to 1")
    return share


def _port(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 65_536:
        raise ValueError("it must be a port, 1 to 65535")
    return int(text)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _url(*schemes: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text and urlsplit(text).scheme not in schemes:
            raise ValueError(f"it must begin with one of {', '.join(s + '://' for s in schemes)}")
        return text

    return read


def _slug(text: str) -> str:
    if not text or not all(c.isascii() and (c.islower() or c.isdigit() or c == "-") for c in text):
        raise ValueError("it may hold a-z, 0-9 and '-'")
    return text


SETTINGS: Mapping[str, Setting] = {
    "home": Setting(
        "FAIRMESH_HOME", lambda text: Path(text).resolve(), str(REPOSITORY / ".fairmesh"),
        "The folder that holds all state of the embedded profile.", "/var/lib/fairmesh",
    ),
    "database_url": Setting(
        "DATABASE_URL", _url("sqlite", "postgres", "postgresql"), "",
        "The database; SQLite in FAIRMESH_HOME when empty.",
        "postgresql://fairmesh:secret@db:5432/fairmesh", secret=True,
    ),
    "redis_url": Setting(
        "REDIS_URL", _url("redis", "rediss", "redis+socket", "memory"), "",
        "The broker; the embedded Redis when empty.", "redis://redis:6379/0", secret=True,
    ),
    "secret_key": Setting(
        "FAIRMESH_SECRET_KEY", str, "",
        "Signs sessions and encrypts stored secrets; made and kept in FAIRMESH_HOME when empty.",
        "64 random characters", secret=True,
    ),
    "debug": Setting("FAIRMESH_DEBUG", _boolean, "false", "Show errors in full.", "true"),
    "allowed_hosts": Setting(
        "FAIRMESH_ALLOWED_HOSTS", _words, "127.0.0.1,localhost,[::1]",
        "The host names that the platform answers to.", "mesh.example.org",
    ),
    "public_url": Setting(
        "FAIRMESH_PUBLIC_URL", _url("http", "https"), "",
        "The address people and clients reach the platform at; the web server's own when empty.",
        "https://mesh.example.org",
    ),
    "host": Setting(
        "FAIRMESH_HOST", str, "127.0.0.1", "Where the web server listens.", "0.0.0.0"  # noqa: S104
    ),
    "port": Setting(
        "FAIRMESH_PORT", _port, "8000",
        "The web server's port; `up` takes the next free one when it is taken.", "8080",
    ),
    "embedded_stores": Setting(
        "FAIRMESH_EMBEDDED_STORES", _boolean, "true",
        "Whether `up` starts two S3 stores of its own.", "false",
    ),
    "web_processes": Setting(
        "FAIRMESH_WEB_PROCESSES", _positive, "2", "Processes of the embedded web server.", "4"
    ),
    "event_streams": Setting(
        "FAIRMESH_EVENT_STREAMS", _positive, "4",
        "Streams of events at once in one web process, each with a thread of its own.", "16",
    ),
    "mesh": Setting("FAIRMESH_MESH", _slug, "demo", "The name of the mesh.", "acme"),
    "naan": Setting(
        "FAIRMESH_NAAN", _positive, "99999", "The authority number of its ARKs.", "12345"
    ),
    "worker_processes": Setting(
        "FAIRMESH_WORKER_PROCESSES", _positive, "2", "Processes of the embedded worker.", "8"
    ),
    "lease_seconds": Setting(
        "FAIRMESH_LEASE_SECONDS", _positive, "30",
        "How long claimed work may be silent before another worker takes it up.", "60",
    ),
    "sweep_seconds": Setting(
        "FAIRMESH_SWEEP_SECONDS", _positive, "5",
        "How often waiting and abandoned work is looked for.", "15",
    ),
    "transfers_ahead": Setting(
        "FAIRMESH_TRANSFERS_AHEAD", _positive, "64",
        "How many transfers are handed to workers before they can begin; twice as many as all "
        "workers carry at once is enough.", "256",
    ),
    "presign_seconds": Setting(
        "FAIRMESH_PRESIGN_SECONDS", _positive, "900",
        "How long an address of bytes, given out by resolve, is good.", "300",
    ),
    "upload_keep_hours": Setting(
        "FAIRMESH_UPLOAD_KEEP_HOURS", _positive, "48",
        "How long an unfinished upload that nobody goes on with is kept in a store.", "24",
    ),
    "private_http_stores": Setting(
        "FAIRMESH_PRIVATE_HTTP_STORES", _boolean, "false",
        "Whether a read-only HTTP store may be at an address of a private network.", "true",
    ),
    "shadow_rate": Setting(
        "FAIRMESH_SHADOW_RATE", _share, "0.01",
        "The share of decisions that is asked of Cedar as well; a difference denies and alarms.",
        "0.1",
    ),
    "oidc_issuer": Setting(
        "FAIRMESH_OIDC_ISSUER", _url("http", "https"), "",
        "The OpenID Connect provider that vouches for people; without it only passwords do.",
        "https://login.example.org/realms/acme",
    ),
    "oidc_client_id": Setting(
        "FAIRMESH_OIDC_CLIENT_ID", str, "", "Who Fairmesh is to that provider.", "fairmesh"
    ),
    "oidc_client_secret": Setting(
        "FAIRMESH_OIDC_CLIENT_SECRET", str, "", "How Fairmesh proves it.", "32 random characters",
        secret=True,
    ),
    "oidc_name": Setting(
        "FAIRMESH_OIDC_NAME", str, "Single sign-on", "What the provider is called on the page.",
        "Acme login",
    ),
    "break_glass_mfa": Setting(
        "FAIRMESH_BREAK_GLASS_MFA", _boolean, "false",
        "Breaking the glass takes a second factor of everyone, not only of those who have one.",
        "true",
    ),
    "policy_review": Setting(
        "FAIRMESH_POLICY_REVIEW", _boolean, "false",
        "Whether a policy is simulated and approved by a second person before it is in force.",
        "true",
    ),
    "retention_warning_days": Setting(
        "FAIRMESH_RETENTION_WARNING_DAYS", _positive, "14",
        "How long before the end of a retention its owners are asked.", "30",
    ),
    "removal_hours": Setting(
        "FAIRMESH_REMOVAL_HOURS", _whole, "24",
        "How long a replica that nothing asks for any more is kept before it is removed.", "72",
    ),
    "scrub_days": Setting(
        "FAIRMESH_SCRUB_DAYS", _whole, "90",
        "Within how many days every byte of every replica is read again; 0 for never by itself.",
        "30",
    ),
    "scrub_bytes_per_second": Setting(
        "FAIRMESH_SCRUB_BYTES_PER_SECOND", _whole, "50000000",
        "How fast one worker reads replicas again; 0 for no limit.", "200000000",
    ),
    "scrub_quarantine_percent": Setting(
        "FAIRMESH_SCRUB_QUARANTINE_PERCENT", _positive, "5",
        "A store in which more than this share of replicas was found broken is trusted no more.",
        "10",
    ),
    "pii_model": Setting(
        "FAIRMESH_PII_MODEL", str, "",
        "The spaCy model by which scans look for names in prose: an installed package or a folder; "
        "needs the extra `pii`.",
        "en_core_web_sm",
    ),
    "tokenizers": Setting(
        "FAIRMESH_TOKENIZERS", lambda text: Path(text).resolve() if text else None, "",
        "The folder of tokenizers, <name>/tokenizer.json, and of models beside them; "
        "FAIRMESH_HOME/tokenizers when empty.",
        "/srv/tokenizers",
    ),
    "operators": Setting(
        "FAIRMESH_OPERATORS", lambda text: Path(text).resolve() if text else None, "",
        "The folder of operator modules, <name>.py; FAIRMESH_HOME/operators when empty.",
        "/srv/operators",
    ),
    "core_hour_price": Setting(
        "FAIRMESH_CORE_HOUR_PRICE", _money, "",
        "What an hour of one processor core costs, in the money of your stores' prices; runs then "
        "tell their cost.", "0.04",
    ),
    "ray_address": Setting(
        "FAIRMESH_RAY_ADDRESS", str, "",
        "A Ray cluster that does the shards of runs; Celery's workers when empty. Its nodes need "
        "the platform's environment and settings. Extra `ray`.", "10.0.0.7:6379",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Env:
    """The settings in force, read once."""

    home: Path
    database_url: str
    redis_url: str
    secret_key: str
    debug: bool
    allowed_hosts: tuple[str, ...]
    public_url: str
    host: str
    port: int
    embedded_stores: bool
    embedded_redis: bool
    """Whether `up` starts the broker: true when no REDIS_URL is given."""
    web_processes: int
    event_streams: int
    mesh: str
    naan: int
    worker_processes: int
    lease_seconds: int
    sweep_seconds: int
    removal_hours: int
    transfers_ahead: int
    presign_seconds: int
    upload_keep_hours: int
    private_http_stores: bool
    shadow_rate: float
    oidc_issuer: str
    oidc_client_id: str
    oidc_client_secret: str
    oidc_name: str
    break_glass_mfa: bool
    policy_review: bool
    retention_warning_days: int
    scrub_days: int
    scrub_bytes_per_second: int
    scrub_quarantine_percent: int
    pii_model: str
    tokenizers: Path
    operators: Path
    core_hour_price: float | None
    ray_address: str


def read_env(environ: Mapping[str, str]) -> Env:
    """Return the settings; raise ImproperlyConfigured that names the wrong variable."""
    values: dict[str, Any] = {}
    for key, setting in SETTINGS.items():
        text = environ.get(setting.variable) or setting.default
        try:
            values[key] = setting.read(text)
        except ValueError as error:
            shown = "its value" if setting.secret else repr(text)
            raise ImproperlyConfigured(
                f"{setting.variable}: {shown} cannot be used: {error}. Example: {setting.example}"
            ) from error
    if values["oidc_issuer"] and not (values["oidc_client_id"] and values["oidc_client_secret"]):
        raise ImproperlyConfigured(
            "FAIRMESH_OIDC_ISSUER needs FAIRMESH_OIDC_CLIENT_ID and FAIRMESH_OIDC_CLIENT_SECRET: "
            "register Fairmesh with the provider, which gives both."
        )
    home: Path = values["home"]
    values["database_url"] = values["database_url"] or f"sqlite:///{home / 'fairmesh.sqlite3'}"
    values["embedded_redis"] = not values["redis_url"]
    socket = socket_folder(home) / "redis.sock"
    values["redis_url"] = values["redis_url"] or f"redis+socket://{socket}"
    values["public_url"] = values["public_url"] or _own_url(values["host"], values["port"])
    values["secret_key"] = values["secret_key"] or _kept_secret(home)
    values["tokenizers"] = values["tokenizers"] or home / "tokenizers"
    values["operators"] = values["operators"] or home / "operators"
    return Env(**{field.name: values[field.name] for field in fields(Env)})


def _own_url(host: str, port: int) -> str:
    """Return where a browser on this machine reaches a server that listens on `host`."""
    seen = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104
    return f"http://[{seen}]:{port}" if ":" in seen else f"http://{seen}:{port}"


def socket_folder(home: Path) -> Path:
    """Return where UNIX sockets lie: in the home, or in a short private folder for a deep home."""
    folder = home / "run"
    if len(os.fsencode(folder)) + len(_LONGEST_SOCKET) <= _SOCKET_PATH_BYTES:
        return folder
    mark = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"fairmesh-{os.getuid()}-{mark}"


def _kept_secret(home: Path) -> str:
    """Return the secret kept in FAIRMESH_HOME, made at first use and readable by its owner."""
    path = home / "secret-key"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(48))
    return path.read_text().strip()


env = read_env(os.environ)
