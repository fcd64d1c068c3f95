"""A sample of decisions is asked of Cedar as well; where the two differ, the answer is no.

The compiler is ours and quick, Cedar is the reference and slow. Tests hold them equal; this holds
them equal in service, on the policies and the people that are really there.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.conf import settings
from prometheus_client import Counter

from governance.engine import oracle
from governance.engine.decision import BY_SCOPE
from governance.engine.entities import Action, Decision, Principal, Resource, Situation
from governance.engine.permits import Permit
from governance.engine.policyset import PolicySet

logger = logging.getLogger(__name__)
MISMATCH = "shadow-mismatch"
_CHECKED = Counter("fairmesh_shadow_checks", "Decisions that were asked of Cedar as well.")
_MISMATCHES = Counter("fairmesh_shadow_mismatches", "Decisions on which Cedar disagreed: an alarm.")


@dataclass(frozen=True, slots=True)
class Asked:
    """One question to the decision point."""

    principal: Principal
    action: Action
    resource: Resource
    situation: Situation


def is_due() -> bool:
    """Say whether the next decision belongs to the sample (FAIRMESH_SHADOW_RATE)."""
    return random.random() < settings.FAIRMESH.shadow_rate  # a sample, no secret


def checked(
    answer: Decision, asked: Asked, policies: PolicySet, permits: Sequence[Permit]
) -> Decision:
    """Return the answer if Cedar gives the same with the same policies; else a denial."""
    if answer.policies == (BY_SCOPE,):
        return answer  # Cedar knows nothing of tokens
    _CHECKED.inc()
    cedar = oracle.ask(
        policies, asked.principal, asked.action, asked.resource, asked.situation, permits
    )
    ours = set(answer.policies) - {*asked.resource.bound_by, *asked.resource.never_by}
    if cedar.failure or (cedar.allow, set(cedar.policies)) == (answer.allow, ours):
        return answer if not cedar.failure else _denied(answer, cedar.failure)
    _MISMATCHES.inc()
    logger.critical(
        "shadow mismatch: %s %s %s: compiled %s by %s, Cedar %s by %s, policy set %s",
        asked.principal.id, asked.action, asked.resource.name, answer.allow, sorted(ours),
        cedar.allow, sorted(cedar.policies), answer.policy_set,
    )  # fmt: skip
    return _denied(answer, "Two readings of the policies disagree; the operators are told.")


def _denied(answer: Decision, reason: str) -> Decision:
    return replace(answer, allow=False, policies=(MISMATCH,), reason=reason)
