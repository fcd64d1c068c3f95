"""Writes of movement, one verb a function. Import what you need from here."""

from movement.services.audit_copies import keep_audit
from movement.services.erasing import act_on_erasure
from movement.services.erasure import (
    agree_to_erasure,
    approve_erasure,
    cancel_erasure,
    propose_erasure,
    sweep_erasures,
)
from movement.services.ingest import abort_version, publish, receive_file, register_objects
from movement.services.reconcile import (
    apply_plan,
    plan_version,
    plans_for,
    reconcile_all,
    reconcile_version,
)
from movement.services.retention import end_retentions
from movement.services.site_watch import site_came_back, watch_sites
from movement.services.sites import change_site, create_site, hear_from, set_site_state
from movement.services.store_changes import change_store
from movement.services.stores import check_stores, create_store, move_store
from movement.services.transfers import (
    cancel_transfer,
    request_transfer,
    retry_transfer,
    run_transfer,
    sweep_transfers,
)

__all__ = [
    "abort_version",
    "act_on_erasure",
    "agree_to_erasure",
    "apply_plan",
    "approve_erasure",
    "cancel_erasure",
    "cancel_transfer",
    "change_site",
    "change_store",
    "check_stores",
    "create_site",
    "create_store",
    "end_retentions",
    "hear_from",
    "keep_audit",
    "move_store",
    "plan_version",
    "plans_for",
    "propose_erasure",
    "publish",
    "receive_file",
    "reconcile_all",
    "reconcile_version",
    "register_objects",
    "request_transfer",
    "retry_transfer",
    "run_transfer",
    "set_site_state",
    "site_came_back",
    "sweep_erasures",
    "sweep_transfers",
    "watch_sites",
]
