"""The processes of the platform itself: web server, worker and beat."""

from __future__ import annotations

import contextlib
import shutil
import sys
import urllib.error
import urllib.request

from config.env import Env
from config.runtime.home import Home
from config.runtime.supervisor import Child

_WEB_THREADS = 4
"""For requests, in each process; a stream of events has one of its own beside them."""


def web(home: Home, env: Env) -> Child:
    """Return the web server; its workers add up their metrics in one folder, new each time."""
    metrics = home.root / "run" / "metrics"
    shutil.rmtree(metrics, ignore_errors=True)
    metrics.mkdir(mode=0o700)
    command = (
        sys.executable, "-m", "granian", "config.wsgi:application",
        "--interface", "wsgi",
        "--host", env.host,
        "--port", str(env.port),
        "--workers", str(env.web_processes),
        "--blocking-threads", str(_WEB_THREADS + env.event_streams),
        "--no-ws",
        "--respawn-failed-workers",
        "--workers-kill-timeout", "3",
    )  # fmt: skip
    return Child(
        name="web",
        command=command,
        environ={**_environ(home, env), "PROMETHEUS_MULTIPROC_DIR": str(metrics)},
        ready=lambda: _answers(env),
        grace_seconds=5.0,
    )


def worker(home: Home, env: Env) -> Child:
    """Return the worker. Work that its end cuts short is taken up again: leases, late acks."""
    command = (
        sys.executable, "-m", "celery", "--app", "config.celery", "worker",
        "--pool", "prefork",
        "--concurrency", str(env.worker_processes),
        "--hostname", "worker@fairmesh",
        "--loglevel", "INFO",
        "--without-gossip",
        "--without-mingle",
    )  # fmt: skip
    checked = {"CELERY_SKIP_CHECKS": "1"}  # by `up`, which starts nothing when a check fails
    return Child("worker", command, {**_environ(home, env), **checked}, grace_seconds=5.0)


def beat(home: Home, env: Env) -> Child:
    """Return the clock that rings the regular work."""
    schedule = home.root / "run" / "beat-schedule"
    command = (
        sys.executable, "-m", "celery", "--app", "config.clock", "beat",
        "--schedule", str(schedule),
        "--pidfile", "",
        "--loglevel", "INFO",
    )  # fmt: skip
    return Child("beat", command, _environ(home, env), grace_seconds=3.0)


def _environ(home: Home, env: Env) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "FAIRMESH_HOME": str(home.root),
        "FAIRMESH_PORT": str(env.port),
        "PYTHONUNBUFFERED": "1",
    }


def _answers(env: Env) -> bool:
    host = f"[{env.host}]" if ":" in env.host else env.host
    request = urllib.request.Request(  # our own address
        f"http://{host}:{env.port}/healthz", headers={"Host": env.allowed_hosts[0]}
    )
    with (
        contextlib.suppress(urllib.error.URLError, OSError),
        urllib.request.urlopen(request, timeout=2) as answer,
    ):
        return bool(answer.status == 200)
    return False
