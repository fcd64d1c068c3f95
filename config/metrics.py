"""Figures for Prometheus: requests as they are answered, and the work as the database has it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable

from django.db.models import Count, Model
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    Metric,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from core.models import OutboxDelivery
from governance.models import AuditEntry, AuditTree
from movement.metrics import figures
from movement.models import AuditCopy
from transforms.models import Run

_REQUESTS = Counter("fairmesh_requests", "Requests answered.", ["method", "route", "status"])
_SECONDS = Histogram(
    "fairmesh_request_seconds",
    "Seconds until the answer began.",
    ["route"],
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10),
)


class MetricsMiddleware:
    """Counts each request under its route, never its address: the series stay few."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = self._get_response(request)
        match = request.resolver_match
        route = match.route if match is not None else "none"
        _REQUESTS.labels(request.method or "", route, str(response.status_code)).inc()
        _SECONDS.labels(route).observe(time.perf_counter() - began)
        return response


class WorkCollector(Collector):
    """Counts the work by state when it is asked, by a fixed number of queries."""

    def collect(self) -> Iterable[Metric]:
        yield from figures()
        yield _by_state("fairmesh_runs", "Runs by state.", Run)
        waiting = OutboxDelivery.objects.filter(done_at__isnull=True).count()
        yield GaugeMetricFamily("fairmesh_outbox_waiting", "Events to be handled.", value=waiting)
        yield from _of_the_audit_log()


def _of_the_audit_log() -> Iterable[Metric]:
    size = AuditTree.objects.filter(pk=1).values_list("size", flat=True).first() or 0
    yield GaugeMetricFamily("fairmesh_audit_entries", "Entries in the tree.", value=size)
    waiting = AuditEntry.objects.filter(position__isnull=True).count()
    yield GaugeMetricFamily(
        "fairmesh_audit_unsequenced", "Entries without a place in the tree yet.", value=waiting
    )
    forks = AuditCopy.objects.exclude(forked="").count()
    yield GaugeMetricFamily(
        "fairmesh_audit_forks", "Stores that remember another history; look at once.", value=forks
    )


def _by_state(name: str, help_text: str, model: type[Model]) -> Metric:
    family = GaugeMetricFamily(name, help_text, labels=["state"])
    rows = model._default_manager.order_by().values_list("state").annotate(count=Count("pk"))
    for state, count in rows:
        family.add_metric([state], count)
    return family


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """All figures; those of requests are added up over the web server's processes."""
    together = CollectorRegistry()
    together.register(WorkCollector())
    pages = [generate_latest(together)]
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        shared = CollectorRegistry()
        MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
        pages.append(generate_latest(shared))
    else:
        pages.append(generate_latest(REGISTRY))
    return HttpResponse(b"".join(pages), content_type=CONTENT_TYPE_LATEST)
