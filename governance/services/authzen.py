"""AuthZEN: the one decision point, for programs that enforce elsewhere.

Source: OpenID AuthZEN Authorization API 1.0. Subjects are our principals by user name, resources
our products, domains and the mesh by name, actions ours. What the caller may not ask is a denial
that tells no more than one for what is not there; a search then finds nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.errors import FairmeshError
from governance import resources
from governance.engine.entities import MESH_NAME, Action, Principal, Situation
from governance.models import PrincipalKind
from governance.services import questions

Data = Mapping[str, Any]
SUBJECTS = frozenset({"user", *PrincipalKind.values})
KINDS = ("product", "domain", "mesh")
_UNKNOWN = {"decision": False, "context": {"reason": "This cannot be asked here."}}


def evaluation(actor: Principal, asked: Data) -> dict[str, Any]:
    """Return the verdict on one question, with our reason and what the reader is kept to."""
    question = _question(actor, asked)
    if question is None:
        return dict(_UNKNOWN)
    answer = questions.may(actor, question)
    context: dict[str, Any] = {
        "reason": answer.reason,
        "policies": list(answer.policies),
        "policy_set": answer.policy_set,
    }
    if answer.obligations.rewrite or answer.obligations.purposes is not None:
        context["obligations"] = {
            "masks": {key: str(mask) for key, mask in answer.obligations.masks.items()},
            "filters_rows": answer.obligations.rows is not True,
            "purposes": sorted(answer.obligations.purposes or ()),
            "watermarks": list(answer.obligations.watermarks),
        }
    return {"decision": answer.allow, "context": context}


def evaluations(actor: Principal, asked: Sequence[Data], semantic: str) -> list[dict[str, Any]]:
    """Return the verdicts in order, up to the one that ends them by the semantic asked for."""
    ends = {"deny_on_first_deny": False, "permit_on_first_permit": True}.get(semantic)
    found: list[dict[str, Any]] = []
    for each in asked:
        found.append(evaluation(actor, each))
        if found[-1]["decision"] is ends:
            break
    return found


def subjects(actor: Principal, asked: Data) -> tuple[list[dict[str, Any]], str]:
    """Return a page of those who may, by user name, and the token of the next page."""
    place, action, kind = _named(asked["resource"]), _action(asked), asked["subject"]["type"]
    if place is None or action is None or kind not in SUBJECTS:
        return [], ""
    try:
        people = questions.who(actor, action, place, _situation(asked))
    except FairmeshError:
        return [], ""
    if kind != "user":
        people = people.filter(kind=kind)
    token, limit = _page(asked)
    names = people.filter(username__gt=token).order_by("username")
    found = list(names.values_list("username", flat=True)[: limit + 1])
    return [{"type": kind, "id": name} for name in found[:limit]], _next(found, limit)


def things(actor: Principal, asked: Data) -> tuple[list[dict[str, Any]], str]:
    """Return a page of what someone may act on, and the token of the next page.

    About someone else only what the actor administers is found.
    """
    who, action, kind = _subject(actor, asked["subject"]), _action(asked), asked["resource"]["type"]
    if who is None or action is None:
        return [], ""
    claims = [(who, action, _situation(asked)), (actor, Action.DISCOVER, Situation())]
    if who != actor:
        claims.append((actor, Action.ADMINISTER, Situation()))
    token, limit = _page(asked)
    found = resources.names_after(kind, claims, token, limit + 1)
    return [{"type": kind, "id": name} for name in found[:limit]], _next(found, limit)


def actions(actor: Principal, asked: Data) -> list[dict[str, Any]]:
    """Return every action that someone may do on a thing."""
    each = ({**asked, "action": {"name": str(action)}} for action in Action)
    return [one["action"] for one in each if evaluation(actor, one)["decision"]]


def _question(actor: Principal, asked: Data) -> questions.Asked | None:
    who, place = _subject(actor, asked["subject"]), _named(asked["resource"])
    action = _action(asked)
    if who is None or place is None or action is None:
        return None
    return questions.Asked(who, action, place, _situation(asked))


def _subject(actor: Principal, subject: Data) -> Principal | None:
    if subject["type"] not in SUBJECTS:
        return None
    try:
        who = questions.subject(actor, subject["id"])
    except FairmeshError:
        return None
    return who if subject["type"] in {"user", who.kind} else None


def _named(resource: Data) -> str | None:
    """Return the name, if the type is one of ours and says the same as the name."""
    name = str(resource["id"])
    if resource["type"] not in KINDS:
        return None
    is_product = "/~/" in name
    kind = "mesh" if name == MESH_NAME else "product" if is_product else "domain"
    return name if kind == resource["type"] else None


def _action(asked: Data) -> Action | None:
    name = asked["action"]["name"]
    return Action(name) if name in set(Action) else None


def _situation(asked: Data) -> Situation:
    context = asked.get("context") or {}
    return Situation(
        context.get("purpose", ""),
        context.get("site", ""),
        frozenset(context.get("jurisdictions", ())),
    )


def _page(asked: Data) -> tuple[str, int]:
    page = asked.get("page") or {}
    return page.get("token", ""), page.get("limit", 100)


def _next(found: Sequence[str], limit: int) -> str:
    return found[limit - 1] if len(found) > limit else ""
