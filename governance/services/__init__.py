"""Writes of governance, one verb a function. Import what you need from here."""

from governance.services.access import (
    approve_request,
    comment_on_request,
    deny_request,
    renew_grant,
    request_access,
    withdraw_request,
)
from governance.services.breakglass import Proof, break_glass, prove, review_grant
from governance.services.campaigns import (
    close_campaign,
    decide_items,
    end_campaigns,
    open_campaign,
)
from governance.services.decisions import decide, decide_each, require
from governance.services.declassification import declassify, revoke_declassification
from governance.services.escalation import escalate_requests
from governance.services.forgetting import erase_person
from governance.services.grants import revoke_grant
from governance.services.groups import add_to_group, create_group, remove_from_group
from governance.services.holds import lift_hold, place_hold
from governance.services.keys import anchor_key, delegations_for, signer_for
from governance.services.labels import add_label, remove_label
from governance.services.metering import record_read, roll_up_reads
from governance.services.names import rename
from governance.services.policies import retire_policy, save_policy
from governance.services.principals import create_machine, create_user, manage_machine, set_active
from governance.services.sequencer import sequence
from governance.services.sessions import check_password
from governance.services.teams import add_member, create_team, remove_member
from governance.services.tokens import delegate, issue_for, issue_token, revoke_token

__all__ = [
    "Proof",
    "add_label",
    "add_member",
    "add_to_group",
    "anchor_key",
    "approve_request",
    "break_glass",
    "check_password",
    "close_campaign",
    "comment_on_request",
    "create_group",
    "create_machine",
    "create_team",
    "create_user",
    "decide",
    "decide_each",
    "decide_items",
    "declassify",
    "delegate",
    "delegations_for",
    "deny_request",
    "end_campaigns",
    "erase_person",
    "escalate_requests",
    "issue_for",
    "issue_token",
    "lift_hold",
    "manage_machine",
    "open_campaign",
    "place_hold",
    "prove",
    "record_read",
    "remove_from_group",
    "remove_label",
    "remove_member",
    "rename",
    "renew_grant",
    "request_access",
    "require",
    "retire_policy",
    "review_grant",
    "revoke_declassification",
    "revoke_grant",
    "revoke_token",
    "roll_up_reads",
    "save_policy",
    "sequence",
    "set_active",
    "signer_for",
    "withdraw_request",
]
