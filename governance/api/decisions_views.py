"""Decisions as addresses: may I, may they, why not, and who may."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.errors import Invalid
from governance.api import decisions_serializers as shapes
from governance.api.authentication import principal_of
from governance.engine.entities import Action, Situation
from governance.models import User
from governance.services import questions


class DecisionsView(APIView):
    @extend_schema(request=shapes.DecisionIn, responses=shapes.DecisionOut)
    def post(self, request: Request) -> Response:
        """Tell what someone may do and why; a hidden name answers like an absent one.

        About someone else it is told to who administers the thing.
        """
        body = shapes.DecisionIn(data=request.data)
        body.is_valid(raise_exception=True)
        actor, asked = principal_of(request), body.validated_data
        question = _question(actor, asked)
        _, answer = questions.answer(actor, question)
        findings = questions.explained(actor, question) if asked["explain"] else None
        return Response(shapes.DecisionOut(answer, context={"findings": findings}).data)


def _question(actor: Any, asked: dict[str, Any]) -> questions.Asked:
    jurisdictions = frozenset(asked["jurisdictions"])
    return questions.Asked(
        questions.subject(actor, asked["principal"]),
        Action(asked["action"]),
        asked["name"],
        Situation(asked["purpose"], asked["site"], jurisdictions),
    )


class WhoView(ListAPIView[User]):
    """Everyone who may do an action on a thing, and why; told to who administers the thing."""

    serializer_class = shapes.WhoOut
    queryset = User.objects.none()

    def get_queryset(self) -> Any:
        action, name, situation = self._asked()
        return questions.who(principal_of(self.request), action, name, situation)

    def _asked(self) -> tuple[Action, str, Situation]:
        given = self.request.query_params
        if given.get("action") not in set(Action):
            raise Invalid(f"An action is one of {', '.join(Action)}.", action=given.get("action"))
        return Action(given["action"]), given.get("name", ""), Situation(given.get("purpose", ""))

    @extend_schema(
        parameters=[
            OpenApiParameter("name", str, required=True),
            OpenApiParameter("action", str, required=True, enum=list(Action)),
            OpenApiParameter("purpose", str),
        ]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        action, name, situation = self._asked()
        page = self.paginate_queryset(self.get_queryset())
        rows = [
            {"username": user.username, "kind": user.kind, "policies": found.policies,
             "reason": found.reason}
            for user in page or []
            for found in [questions.why(user, action, name, situation)]
        ]  # fmt: skip
        return self.get_paginated_response(shapes.WhoOut(rows, many=True).data)
