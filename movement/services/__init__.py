"""Writes of movement, one verb a function. Import what you need from here."""

from movement.services.ingest import abort_version, publish, receive_file, register_objects
from movement.services.reconcile import (
    apply_plan,
    plan_version,
    plans_for,
    reconcile_all,
    reconcile_version,
    site_came_back,
)
from movement.services.stores import (
    check_stores,
    create_site,
    create_store,
    move_store,
    set_site_state,
)
from movement.services.transfers import (
    cancel_transfer,
    request_transfer,
    retry_transfer,
    run_transfer,
    sweep_transfers,
)

__all__ = [
    "abort_version",
    "apply_plan",
    "cancel_transfer",
    "check_stores",
    "create_site",
    "create_store",
    "move_store",
    "plan_version",
    "plans_for",
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
    "sweep_transfers",
]
