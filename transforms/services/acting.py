"""Who acts in a worker: the person who asked, with no more rights than they have at that moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from catalog.models import Product
from catalog.selectors import product_resource
from core.errors import PolicyDenied
from governance import denials
from governance.engine.entities import Action, Principal, Scope, Situation
from governance.engine.pipeline_policies import policy_of, runner
from governance.models import User
from governance.selectors import principal_for
from governance.services import decide
from governance.services.obligations import require_unmasked
from transforms.models import Run
from transforms.services.sources import versions_of


def scopes_of(actor: Principal) -> list[dict[str, Any]] | None:
    """Return the scopes of the token that asks, for the run's row."""
    if actor.scopes is None:
        return None
    return [{"actions": sorted(each.actions), "prefix": each.prefix} for each in actor.scopes]


def asked_by(actor: Principal) -> dict[str, Any]:
    """Return who asks, as a run's row keeps it: agent, person and the scopes of the token."""
    person = actor.on_behalf_of
    return {
        "asked_by": actor.id,
        "on_behalf_of": "" if person is None else person.id,
        "scopes": scopes_of(actor),
    }


def actor_of(run: Run) -> Principal:
    """Return who asked for the run, as the policies see them now; raise PolicyDenied.

    For a services policy it is the policy's own runner, for the person who wrote the policy.
    """
    policy = policy_of(run.asked_by)
    if policy is not None:
        sources = [each.product.name for each in versions_of(run)]
        return runner(policy, _present(run.on_behalf_of), sources, run.target.name)
    person = _present(run.on_behalf_of) if run.on_behalf_of else None
    actor = _present(run.asked_by)
    return replace(actor, scopes=_scopes(run.scopes), on_behalf_of=person)


def _present(username: str) -> Principal:
    user = User.objects.filter(username=username, is_active=True).first()
    if user is None:
        raise PolicyDenied(f"{username}, who asked for the run, is no longer here.")
    return principal_for(user)


def _scopes(stored: Sequence[Mapping[str, Any]] | None) -> tuple[Scope, ...] | None:
    if stored is None:
        return None
    return tuple(
        Scope(frozenset(Action(action) for action in each["actions"]), each["prefix"])
        for each in stored
    )


def check_rights(run: Run) -> Principal:
    """Return the actor of the run when they may still do it.

    Raises PolicyDenied with the policies. Asked at the start of every unit of work, so that a
    grant that was revoked stops the run at its next shard.
    """
    actor, situation = actor_of(run), Situation(run.purpose)
    sources = [each.product for each in versions_of(run)]
    asked = [
        *((Action.TRANSFORM, source, situation) for source in sources),
        (Action.PUBLISH, run.target, Situation()),
    ]
    for action, product, at in asked:
        answer = decide(actor, action, product_resource(product), at)
        if not answer.allow:
            error = PolicyDenied(
                f"{actor.id} may not {action} {product.name} any more. {answer.reason}",
                action=str(action),
                name=product.name,
                policies=list(answer.policies),
            )
            denials.attach(
                error, denials.Denial(actor, str(action), product.name, answer, hidden=False)
            )
            raise error
    require_whole_inputs(actor, sources, situation)
    return actor


def require_whole_inputs(
    actor: Principal, sources: Iterable[Product], situation: Situation
) -> None:
    """Raise ObligationApplies when the actor sees an input masked, filtered or marked.

    What a run writes is under the policies of its output alone: it would launder the values.
    Raises PurposeRequired where the input may be used for other purposes only.
    """
    for source in sources:
        require_unmasked(
            actor,
            product_resource(source),
            situation,
            "A pipeline over it would carry on what you may not see. Read its rows instead, or "
            "ask its owners for access to all of it.",
        )
