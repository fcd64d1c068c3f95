"""Subscriptions: made by the first request, and the same ones for whatever is asked later."""

from __future__ import annotations

from governance.models import PortSubscription, Team, User


def subscription_of(user: User, team: Team | None, *, name: str, port: str) -> PortSubscription:
    """Return the one subscription of a consumer to a port: the team's, when it asks for a team.

    Call it in the transaction of the request. Of two who ask at once, both get the same one.
    """
    consumer = {"user": user, "team": None} if team is None else {"user": None, "team": team}
    found, _ = PortSubscription.objects.get_or_create(**consumer, name=name, port=port)
    return found
