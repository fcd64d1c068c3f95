"""Links between sites: declared by operators, measured by transfers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from core.errors import Invalid, NotFound
from governance import audit
from governance.engine.entities import MESH, Action, Principal
from governance.services import require
from movement.engine.costs import copy_cost
from movement.engine.mesh import Mesh
from movement.models import Link, Site, Transfer

WEIGHT = 0.25
"""How much of a moving average the newest attempt is."""
LEAST_BYTES = 1_000_000
"""An attempt that sent less says nothing about speed."""
DECLARED = ("open", "bytes_per_second", "slots", "cost_per_gb")


@transaction.atomic
def change_link(actor: Principal, *, source: str, target: str, **declared: Any) -> Link:
    """Declare the link from one site to another, whole: what is not said has no limit and is free.

    `declared` is open, bytes_per_second, slots and cost_per_gb. What was measured on it stays.
    """
    decision = require(actor, Action.ADMINISTER, MESH)
    if source == target:
        raise Invalid("A link leads from one site to another.", source=source, target=target)
    sites = Site.objects.in_bulk([source, target], field_name="name")
    missing = [name for name in (source, target) if name not in sites]
    if missing:
        raise NotFound(f"There is no site {missing[0]!r}.")
    link, _ = Link.objects.update_or_create(
        source=sites[source],
        target=sites[target],
        defaults={name: declared[name] for name in DECLARED},
    )
    shown = {name: _shown(declared[name]) for name in DECLARED}
    audit.record(actor, "change-link", f"{source} → {target}", decision, **shown)
    return link


def _shown(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value


def measure_link(source: Site, target: Site, *, bytes: int, seconds: float, failed: bool) -> None:
    """Let one attempt count in the averages of a link, in one statement, so that none is lost.

    The speed is told by what was sent, not by what lay there already.
    """
    if source.pk == target.pk:
        return
    link, _ = Link.objects.get_or_create(source=source, target=target)
    changes: dict[str, Any] = {
        "failure_rate": F("failure_rate") * (1 - WEIGHT) + WEIGHT * failed,
        "measured_at": timezone.now(),
    }
    if bytes >= LEAST_BYTES and seconds > 0:
        rate = Value(bytes / seconds)
        changes["measured_rate"] = Coalesce("measured_rate", rate) * Value(
            1 - WEIGHT
        ) + rate * Value(WEIGHT)
    Link.objects.filter(pk=link.pk).update(**changes)


def price_of(transfer: Transfer, mesh: Mesh) -> Decimal | None:
    """Return what a transfer that is done has cost; None when its stores are not there any more."""
    source, target = transfer.source, transfer.target
    if source is None or source.name not in mesh.stores or target.name not in mesh.stores:
        return None
    cost = copy_cost(mesh, source.name, target.name, transfer.files_total, transfer.bytes_total)
    return Decimal(cost).quantize(Decimal("0.000001"))
