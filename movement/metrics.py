"""Movement's figures for Prometheus: a fixed number of queries, whatever the mesh holds.

Names of stores and sites are in them; names of products, versions and people never.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count, Min, Q, Sum
from django.utils import timezone
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from movement.models import (
    ACTIVE,
    WORKING,
    Link,
    Replica,
    Scrub,
    ScrubFinding,
    Site,
    Store,
    Transfer,
    TransferState,
)

_WAITS = (TransferState.QUEUED, TransferState.WAITING)


def figures() -> Iterator[Metric]:
    """Yield every figure; ten queries, two of which read the transfers of all time."""
    yield from _transfers()
    yield from _links()
    yield from _replicas()
    yield from _scrubs()
    yield from _places()


def _transfers() -> Iterator[Metric]:
    now = timezone.now()
    due = Min("next_attempt_at", filter=Q(state__in=_WAITS, next_attempt_at__lte=now))
    rows = list(
        Transfer.objects.order_by()
        .values("state", "reason_code")
        .annotate(
            count=Count("pk"),
            moved=Sum("bytes_done"),
            rate=Sum("bytes_per_second", filter=Q(state__in=WORKING)),
            due=due,
        )
    )
    states = GaugeMetricFamily("fairmesh_transfers", "Transfers by state.", labels=["state"])
    for state in TransferState:
        states.add_metric([state], sum(row["count"] for row in rows if row["state"] == state))
    yield states
    waiting = GaugeMetricFamily(
        "fairmesh_transfers_waiting", "Transfers that wait, by why.", labels=["reason"]
    )
    for row in rows:
        if row["state"] == TransferState.WAITING:
            waiting.add_metric([row["reason_code"] or "none"], row["count"])
    yield waiting
    moved = sum(row["moved"] or 0 for row in rows)
    yield CounterMetricFamily("fairmesh_moved_bytes", "Bytes of all transfers.", value=moved)
    rate = sum(row["rate"] or 0.0 for row in rows)
    yield GaugeMetricFamily(
        "fairmesh_moving_bytes_per_second", "Bytes a second of what runs now.", value=rate
    )
    oldest = min((row["due"] for row in rows if row["due"]), default=now)
    yield GaugeMetricFamily(
        "fairmesh_transfer_queue_age_seconds",
        "How long the transfer that is due longest has been due.",
        value=max(0.0, (now - oldest).total_seconds()),
    )
    wanted = Transfer.objects.filter(state__in=[*ACTIVE, TransferState.REFUSED])
    short = wanted.aggregate(count=Count("version", distinct=True))["count"]
    yield GaugeMetricFamily(
        "fairmesh_versions_short_of_copies",
        "Versions with a copy that is asked for and does not stand: under way, waiting or refused.",
        value=short,
    )


def _links() -> Iterator[Metric]:
    labels = ["source", "target"]
    moved = CounterMetricFamily("fairmesh_link_bytes", "Bytes by link.", labels=labels)
    spent = CounterMetricFamily(
        "fairmesh_link_cost",
        "Money spent on copies, by link, in the unit of prices.",
        labels=labels,
    )
    rows = (
        Transfer.objects.filter(source__isnull=False)
        .order_by()
        .values_list("source__site__name", "target__site__name")
        .annotate(moved=Sum("bytes_done"), spent=Sum("cost"))
    )
    for source, target, count, cost in rows:
        moved.add_metric([source, target], count or 0)
        spent.add_metric([source, target], float(cost or 0))
    yield moved
    yield spent
    rate = GaugeMetricFamily(
        "fairmesh_link_bytes_per_second", "What one transfer measured last.", labels=labels
    )
    failures = GaugeMetricFamily(
        "fairmesh_link_failure_rate", "The share of attempts that failed.", labels=labels
    )
    for link in Link.objects.select_related("source", "target"):
        names = [link.source.name, link.target.name]
        failures.add_metric(names, link.failure_rate)
        if link.measured_rate is not None:
            rate.add_metric(names, link.measured_rate)
    yield rate
    yield failures


def _replicas() -> Iterator[Metric]:
    family = GaugeMetricFamily(
        "fairmesh_replicas", "Replicas by state and store.", labels=["state", "store"]
    )
    rows = Replica.objects.order_by().values_list("state", "store__name")
    for state, store, count in rows.annotate(count=Count("pk")):
        family.add_metric([state, store], count)
    yield family


def _scrubs() -> Iterator[Metric]:
    runs = CounterMetricFamily("fairmesh_scrubs", "Scrubs by how they ended.", labels=["state"])
    read = CounterMetricFamily("fairmesh_scrubbed_bytes", "Bytes that scrubs have hashed.")
    total = 0
    rows = Scrub.objects.order_by().values_list("state")
    for state, count, size in rows.annotate(
        count=Count("pk"), size=Sum("bytes", filter=Q(deep=True))
    ):
        runs.add_metric([state], count)
        total += size or 0
    read.add_metric([], total)
    yield runs
    yield read
    found = CounterMetricFamily(
        "fairmesh_scrub_findings", "Files that were not as sealed.", labels=["kind"]
    )
    open_ = GaugeMetricFamily(
        "fairmesh_scrub_findings_open", "Those that are not mended yet.", labels=["kind"]
    )
    unmended = Count("pk", filter=Q(repaired_at__isnull=True))
    findings = ScrubFinding.objects.order_by().values_list("kind")
    for kind, count, left in findings.annotate(count=Count("pk"), left=unmended):
        found.add_metric([kind], count)
        open_.add_metric([kind], left)
    yield found
    yield open_


def _places() -> Iterator[Metric]:
    reachable = GaugeMetricFamily(
        "fairmesh_store_reachable", "1 when it answered when it was last asked.", labels=["store"]
    )
    quarantined = GaugeMetricFamily(
        "fairmesh_store_quarantined", "1 while nothing is read from it.", labels=["store"]
    )
    rows = Store.objects.order_by().values_list("name", "reachable", "quarantined_at")
    for name, answers, since in rows:
        reachable.add_metric([name], float(answers))
        quarantined.add_metric([name], float(since is not None))
    yield reachable
    yield quarantined
    states = GaugeMetricFamily(
        "fairmesh_site_state", "1 for the state that each site is in.", labels=["site", "state"]
    )
    for name, state in Site.objects.order_by().values_list("name", "state"):
        states.add_metric([name, state], 1)
    yield states
