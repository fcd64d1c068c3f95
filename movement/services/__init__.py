"""Writes of movement, one verb a function. Import what you need from here."""

from movement.services.audit_copies import keep_audit
from movement.services.bells import sweep_transfers
from movement.services.erasing import act_on_erasure
from movement.services.erasure import (
    agree_to_erasure,
    approve_erasure,
    cancel_erasure,
    propose_erasure,
    sweep_erasures,
)
from movement.services.ingest import abort_version, publish, receive_file, register_objects
from movement.services.links import change_link
from movement.services.locking import keep_locks
from movement.services.plans import apply_plan, plan_for, undo_plan
from movement.services.quarantine import trust_store
from movement.services.reconcile import reconcile_all, reconcile_mesh, reconcile_version
from movement.services.removal import remove_due, remove_replica
from movement.services.retention import end_retentions
from movement.services.scrub import request_scrub, run_scrub, start_scrub, sweep_scrubs
from movement.services.scrub_rounds import scrub_due
from movement.services.site_watch import list_again, site_came_back, watch_sites
from movement.services.sites import change_site, create_site, hear_from, set_site_state
from movement.services.store_changes import change_store
from movement.services.stores import check_stores, create_store, move_store, store_came_back
from movement.services.transfers import (
    cancel_transfer,
    request_transfer,
    retry_transfer,
    run_transfer,
)
from movement.services.uploads import sweep_uploads
from movement.services.wishes import end_subscription, lift_pin, pin_version, subscribe_site

__all__ = [
    "abort_version",
    "act_on_erasure",
    "agree_to_erasure",
    "apply_plan",
    "approve_erasure",
    "cancel_erasure",
    "cancel_transfer",
    "change_link",
    "change_site",
    "change_store",
    "check_stores",
    "create_site",
    "create_store",
    "end_retentions",
    "end_subscription",
    "hear_from",
    "keep_audit",
    "keep_locks",
    "lift_pin",
    "list_again",
    "move_store",
    "pin_version",
    "plan_for",
    "propose_erasure",
    "publish",
    "receive_file",
    "reconcile_all",
    "reconcile_mesh",
    "reconcile_version",
    "register_objects",
    "remove_due",
    "remove_replica",
    "request_scrub",
    "request_transfer",
    "retry_transfer",
    "run_scrub",
    "run_transfer",
    "scrub_due",
    "set_site_state",
    "site_came_back",
    "start_scrub",
    "store_came_back",
    "subscribe_site",
    "sweep_erasures",
    "sweep_scrubs",
    "sweep_transfers",
    "sweep_uploads",
    "trust_store",
    "undo_plan",
    "watch_sites",
]
