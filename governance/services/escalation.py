"""Requests that nobody decides in time go to others; nothing waits without anybody knowing."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from core import outbox
from core.errors import NotFound
from governance import audit, resources
from governance.engine.entities import Action, Principal
from governance.models import AccessRequest, RequestComment, RequestState
from governance.requests import rules_for
from governance.services.decisions import decide

CLERK = Principal("service.clerk", groups=frozenset({"services"}))
"""Who does what a policy or a campaign declared for a day that has come."""


def escalate_requests() -> int:
    """Escalate every pending request that is overdue; return how many. Safe to repeat."""
    due = AccessRequest.objects.filter(
        state=RequestState.PENDING, due_at__lte=timezone.now(), escalated_at__isnull=True
    )
    return sum(_escalate(pk) for pk in due.order_by("due_at").values_list("id", flat=True)[:500])


@transaction.atomic
def _escalate(request_id: UUID) -> bool:
    request = (
        AccessRequest.objects.select_for_update(of=("self",))
        .filter(pk=request_id, state=RequestState.PENDING, escalated_at__isnull=True)
        .first()
    )
    if request is None:
        return False
    try:
        resource = resources.load(request.name)
    except NotFound:
        return False
    teams = sorted(rules_for(request.name).escalate_to)
    request.escalated_at, request.escalated_to = timezone.now(), teams
    request.save(update_fields=["escalated_at", "escalated_to"])
    named = ", ".join(teams)
    RequestComment.objects.create(
        request=request, text=f"Nobody decided in time: {named} may decide as well from now on."
    )
    decision = decide(CLERK, Action.DISCOVER, resource)
    pk = str(request.pk)
    audit.record(CLERK, "escalate-request", request.name, decision, request=pk, teams=teams)
    outbox.emit("request.escalated", {"request": pk, "name": request.name, "to": teams})
    return True
