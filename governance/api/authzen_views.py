"""The addresses of AuthZEN. Whoever calls must be signed in, as everywhere."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer, Serializer
from rest_framework.views import APIView

from core.errors import MalformedQuestion
from governance.api import authzen_serializers as shapes
from governance.api.authentication import principal_of, user_of
from governance.engine.entities import Principal
from governance.services import authzen


def _read(shape: type[Serializer[Any]], request: Request) -> tuple[Principal, dict[str, Any]]:
    user_of(request)
    body = shape(data=request.data)
    _check(body)
    return principal_of(request), dict(body.validated_data)


def _check(body: BaseSerializer[Any]) -> None:
    if not body.is_valid():
        raise MalformedQuestion("The question is not complete.", errors=body.errors)


def _found(results: list[dict[str, Any]], next_token: str = "") -> Response:
    return Response({"results": results, "page": {"next_token": next_token}})


class EvaluationView(APIView):
    @extend_schema(request=shapes.EvaluationIn, responses=shapes.EvaluationOut)
    def post(self, request: Request) -> Response:
        return Response(authzen.evaluation(*_read(shapes.EvaluationIn, request)))


class EvaluationsView(APIView):
    @extend_schema(request=shapes.EvaluationsIn, responses=shapes.EvaluationsOut)
    def post(self, request: Request) -> Response:
        """Without `evaluations` it answers as `evaluation` does."""
        actor, asked = _read(shapes.EvaluationsIn, request)
        each, options = asked.pop("evaluations"), asked.pop("options", {})
        if not each:
            return Response(authzen.evaluation(*_read(shapes.EvaluationIn, request)))
        common: Any = request.data
        whole = shapes.EvaluationIn(data=[{**common, **one} for one in each], many=True)
        _check(whole)
        semantic = options.get("evaluations_semantic", "execute_all")
        found = authzen.evaluations(actor, whole.validated_data, semantic)
        return Response({"evaluations": found})


class SubjectSearchView(APIView):
    @extend_schema(request=shapes.SubjectSearchIn, responses=shapes.FoundOut)
    def post(self, request: Request) -> Response:
        return _found(*authzen.subjects(*_read(shapes.SubjectSearchIn, request)))


class ResourceSearchView(APIView):
    @extend_schema(request=shapes.ResourceSearchIn, responses=shapes.FoundOut)
    def post(self, request: Request) -> Response:
        return _found(*authzen.things(*_read(shapes.ResourceSearchIn, request)))


class ActionSearchView(APIView):
    @extend_schema(request=shapes.ActionSearchIn, responses=shapes.FoundOut)
    def post(self, request: Request) -> Response:
        return _found(authzen.actions(*_read(shapes.ActionSearchIn, request)))


class ConfigurationView(APIView):
    """Where the decision point is, for programs: the same for everyone."""

    authentication_classes = []

    @extend_schema(responses={200: dict})
    def get(self, request: Request) -> Response:
        base = settings.FAIRMESH.public_url
        access = f"{base}/access/v1"
        return Response(
            {
                "policy_decision_point": base,
                "access_evaluation_endpoint": f"{access}/evaluation",
                "access_evaluations_endpoint": f"{access}/evaluations",
                "search_subject_endpoint": f"{access}/search/subject",
                "search_resource_endpoint": f"{access}/search/resource",
                "search_action_endpoint": f"{access}/search/action",
            }
        )
