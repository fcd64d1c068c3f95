"""Health for machines: alive, ready, and the figures. Names of stores, and nothing secret."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from dataclasses import asdict, dataclass
from pathlib import Path

import urllib3
from celery import current_app
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError

from movement.models import SiteState, Store, StoreKind
from movement.opening import open_store

_PROBE_SECONDS = 2
_DEADLINE_SECONDS = 4.0
_KEPT_SECONDS = 1.0
"""However often it is asked, the stores are asked once a second."""
_pool = ThreadPoolExecutor(8, thread_name_prefix="readiness")
_wire = urllib3.PoolManager(timeout=_PROBE_SECONDS, retries=False)


@dataclass(frozen=True)
class Check:
    """One thing the platform needs, and whether it answers."""

    name: str
    ok: bool
    problem: str = ""


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers; it asks nobody else, so that a slow store restarts nothing."""
    return JsonResponse({"alive": True})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when the database, the broker and every store of an online site answer; else 503."""
    checks = _recent()
    ready = all(check.ok for check in checks)
    body = {"ready": ready, "checks": [asdict(check) for check in checks]}
    return JsonResponse(body, status=200 if ready else 503)


class _Recent:
    """The last answer, kept for a second: a crowd of probes costs what one does."""

    def __init__(self, ask: Callable[[], list[Check]]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._at = float("-inf")
        self._checks: list[Check] = []

    def __call__(self) -> list[Check]:
        with self._lock:
            if time.monotonic() - self._at > _KEPT_SECONDS:
                self._checks = self._ask()
                self._at = time.monotonic()
            return self._checks


def run_checks() -> list[Check]:
    """Return every check, done now; bounded in time whatever does not answer."""
    database, stores = _database()
    probes: list[tuple[str, Callable[[], str]]] = [("broker", _broker)]
    probes += [(f"store {store.name}", _probe_of(store)) for store in stores]
    futures = [(name, _pool.submit(probe)) for name, probe in probes]
    end = time.monotonic() + _DEADLINE_SECONDS
    checks = [database]
    for name, future in futures:
        try:
            problem = future.result(max(0.0, end - time.monotonic()))
        except TooSlow:
            problem = "No answer in time."
        checks.append(Check(name, not problem, problem))
    return checks


_recent = _Recent(run_checks)


def _database() -> tuple[Check, list[Store]]:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        online = Store.objects.filter(site__state=SiteState.ONLINE)
        return Check("database", True), list(online.order_by("name"))
    except DatabaseError as error:
        return Check("database", False, type(error).__name__), []


def _broker() -> str:
    with current_app.connection_for_write(connect_timeout=_PROBE_SECONDS) as broker:
        errors: tuple[type[BaseException], ...] = (
            OperationalError,  # what kombu makes of them once it has given up
            *broker.recoverable_connection_errors,
            *broker.connection_errors,
        )
        try:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=_PROBE_SECONDS)
        except errors as error:
            return f"The broker does not answer ({type(error).__name__})."
    return ""


def _probe_of(store: Store) -> Callable[[], str]:
    if store.kind == StoreKind.DIRECTORY:
        root = Path(store.root)
        return lambda: "" if root.is_dir() else "The folder is not there."
    if store.kind == StoreKind.HTTP:  # by its own connection, which looks where it leads
        return lambda: open_store(store).probe().problem or ""
    return lambda: _s3(store.endpoint)


def _s3(endpoint: str) -> str:
    """Any answer will do: whether our keys are good is what the platform's own checks find."""
    try:
        answer = _wire.request("HEAD", endpoint, redirect=False)
    except urllib3.exceptions.HTTPError as error:
        return f"The store does not answer ({type(error).__name__})."
    return f"The store answers {answer.status}." if answer.status in (502, 503, 504) else ""
