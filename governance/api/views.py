"""The addresses of governance. Each view parses, asks one service, and renders."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth import login, logout
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_protect, ensure_csrf_cookie
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.idempotency import idempotent
from governance import resources, selectors, services
from governance.api import serializers as shapes
from governance.api.authentication import principal_of, user_of
from governance.engine.entities import MESH, Action, Principal, Situation
from governance.models import (
    AccessRequest,
    ApiToken,
    AuditEntry,
    Grant,
    Label,
    Policy,
    RequestState,
    Team,
    User,
)


def _current(principal: Principal, name: str) -> str:
    """Return what `name`, perhaps an old one, is called now, if the principal may know of it."""
    resource = resources.load(name)
    services.require(principal, Action.DISCOVER, resource)
    return resource.name


NAME_FILTER = OpenApiParameter("name", str, description="Only of this name.")


@method_decorator(ensure_csrf_cookie, name="dispatch")
class MeView(APIView):
    @extend_schema(responses=shapes.MeOut)
    def get(self, request: Request) -> Response:
        return Response(_me(request.user))


def _me(user: Any) -> dict[str, Any]:
    if not isinstance(user, User):
        empty = {"username": "", "kind": "anonymous", "is_operator": False, "teams": []}
        return {"authenticated": False, **empty}
    teams = user.memberships.select_related("team").order_by("team__slug")
    return {
        "authenticated": True,
        "username": user.username,
        "kind": user.kind,
        "is_operator": user.is_operator,
        "teams": [{"slug": m.team.slug, "title": m.team.title, "role": m.role} for m in teams],
    }


@method_decorator(csrf_protect, name="dispatch")
class SessionView(APIView):
    authentication_classes = []

    @extend_schema(request=shapes.SessionIn, responses=shapes.MeOut)
    def post(self, request: Request) -> Response:
        body = shapes.SessionIn(data=request.data)
        body.is_valid(raise_exception=True)
        address = request.META.get("REMOTE_ADDR", "")
        user = services.check_password(**body.validated_data, address=address)
        login(request._request, user)
        return Response(_me(user))

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request) -> Response:
        logout(request._request)
        return Response(status=204)


class UsersView(APIView):
    @extend_schema(request=shapes.UserIn, responses={201: shapes.UserOut})
    @idempotent
    def post(self, request: Request) -> Response:
        body = shapes.UserIn(data=request.data)
        body.is_valid(raise_exception=True)
        user = services.create_user(principal_of(request), **body.validated_data)
        return Response(shapes.UserOut(user).data, status=201)


class TeamsView(ListAPIView[Team]):
    serializer_class = shapes.TeamOut
    queryset = Team.objects.prefetch_related("memberships__user")

    def get_queryset(self) -> Any:
        services.require(principal_of(self.request), Action.DISCOVER, MESH)
        return super().get_queryset()

    @extend_schema(request=shapes.TeamIn, responses={201: shapes.TeamOut})
    @idempotent
    def post(self, request: Request) -> Response:
        body = shapes.TeamIn(data=request.data)
        body.is_valid(raise_exception=True)
        team = services.create_team(principal_of(request), **body.validated_data)
        return Response(shapes.TeamOut(team).data, status=201)


class TokensView(ListAPIView[ApiToken]):
    serializer_class = shapes.TokenOut
    queryset = ApiToken.objects.none()

    def get_queryset(self) -> Any:
        return ApiToken.objects.filter(user=user_of(self.request))

    @extend_schema(request=shapes.TokenIn, responses={201: shapes.NewTokenOut})
    def post(self, request: Request) -> Response:
        body = shapes.TokenIn(data=request.data)
        body.is_valid(raise_exception=True)
        token, secret = services.issue_token(
            user_of(request), principal_of(request), **body.validated_data
        )
        return Response({**shapes.TokenOut(token).data, "token": secret}, status=201)


class TokenView(APIView):
    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, token_id: UUID) -> Response:
        services.revoke_token(user_of(request), principal_of(request), token_id)
        return Response(status=204)


class PoliciesView(ListAPIView[Policy]):
    serializer_class = shapes.PolicyOut
    queryset = Policy.objects.select_related("owner")

    def get_queryset(self) -> Any:
        principal = principal_of(self.request)
        services.require(principal, Action.DISCOVER, MESH)
        return super().get_queryset().filter(selectors.visible_policies(principal))

    @extend_schema(request=shapes.PolicyIn, responses={201: shapes.PolicyOut})
    @idempotent
    def post(self, request: Request) -> Response:
        body = shapes.PolicyIn(data=request.data)
        body.is_valid(raise_exception=True)
        policy = services.save_policy(principal_of(request), **body.validated_data)
        return Response(shapes.PolicyOut(policy).data, status=201)


class RetirePolicyView(APIView):
    @extend_schema(request=None, responses=shapes.PolicyOut)
    def post(self, request: Request, policy_id: UUID) -> Response:
        policy = services.retire_policy(principal_of(request), policy_id)
        return Response(shapes.PolicyOut(policy).data)


class DecisionsView(APIView):
    @extend_schema(request=shapes.DecisionIn, responses=shapes.DecisionOut)
    def post(self, request: Request) -> Response:
        """Tell what the caller may do and why; a hidden name answers like an absent one."""
        body = shapes.DecisionIn(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        principal, resource = principal_of(request), resources.load(asked["name"])
        services.require(principal, Action.DISCOVER, resource)
        situation = Situation(asked["purpose"], "", frozenset(asked["jurisdictions"]))
        answer = services.decide(principal, Action(asked["action"]), resource, situation)
        return Response(shapes.DecisionOut(answer).data)


class RequestsView(ListAPIView[AccessRequest]):
    serializer_class = shapes.RequestOut
    queryset = AccessRequest.objects.select_related("user", "decided_by")

    def get_queryset(self) -> Any:
        rows = super().get_queryset()
        if name := self.request.query_params.get("name"):
            rows = rows.filter(name=_current(principal_of(self.request), name))
        if self.request.query_params.get("inbox") != "true":
            return rows.filter(user=user_of(self.request))
        pending = rows.filter(state=RequestState.PENDING).exclude(user=user_of(self.request))
        names = set(pending.values_list("name", flat=True))
        mine = resources.visible_names(principal_of(self.request), Action.ADMINISTER, names)
        return pending.filter(name__in=mine)

    @extend_schema(
        parameters=[
            NAME_FILTER,
            OpenApiParameter("inbox", bool, description="Pending requests you may decide on."),
        ]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(request=shapes.RequestIn, responses={201: shapes.RequestOut})
    @idempotent
    def post(self, request: Request) -> Response:
        body = shapes.RequestIn(data=request.data)
        body.is_valid(raise_exception=True)
        asked = services.request_access(
            user_of(request), principal_of(request), **body.validated_data
        )
        return Response(shapes.RequestOut(asked).data, status=201)


class DecideRequestView(APIView):
    """Base of the three answers to a request."""

    def comment(self, request: Request) -> str:
        body = shapes.CommentIn(data=request.data)
        body.is_valid(raise_exception=True)
        return str(body.validated_data["comment"])


class ApproveView(DecideRequestView):
    @extend_schema(request=shapes.CommentIn, responses=shapes.GrantOut)
    def post(self, request: Request, request_id: UUID) -> Response:
        grant = services.approve_request(
            user_of(request), principal_of(request), request_id, comment=self.comment(request)
        )
        return Response(shapes.GrantOut(grant).data)


class DenyView(DecideRequestView):
    @extend_schema(request=shapes.CommentIn, responses=shapes.RequestOut)
    def post(self, request: Request, request_id: UUID) -> Response:
        denied = services.deny_request(
            user_of(request), principal_of(request), request_id, comment=self.comment(request)
        )
        return Response(shapes.RequestOut(denied).data)


class WithdrawView(APIView):
    @extend_schema(request=None, responses=shapes.RequestOut)
    def post(self, request: Request, request_id: UUID) -> Response:
        gone = services.withdraw_request(user_of(request), principal_of(request), request_id)
        return Response(shapes.RequestOut(gone).data)


class GrantsView(ListAPIView[Grant]):
    """One's own grants, and those on a product (`name`) that one administers."""

    serializer_class = shapes.GrantOut
    queryset = Grant.objects.select_related("user", "granted_by")

    def get_queryset(self) -> Any:
        rows, name = super().get_queryset(), self.request.query_params.get("name")
        if name is None:
            return rows.filter(user=user_of(self.request))
        resource = resources.load(name)
        services.require(principal_of(self.request), Action.ADMINISTER, resource)
        return rows.filter(name=resource.name)

    @extend_schema(parameters=[NAME_FILTER])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class RevokeGrantView(APIView):
    @extend_schema(request=None, responses=shapes.GrantOut)
    def post(self, request: Request, grant_id: UUID) -> Response:
        grant = services.revoke_grant(principal_of(request), grant_id)
        return Response(shapes.GrantOut(grant).data)


class LabelsView(ListAPIView[Label]):
    serializer_class = shapes.LabelOut
    queryset = Label.objects.filter(removed_at__isnull=True)

    def get_queryset(self) -> Any:
        name = self.request.query_params.get("name", "/")
        name = _current(principal_of(self.request), name)
        return super().get_queryset().filter(name=name)

    @extend_schema(parameters=[NAME_FILTER])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(request=shapes.LabelIn, responses={201: shapes.LabelOut})
    @idempotent
    def post(self, request: Request) -> Response:
        body = shapes.LabelIn(data=request.data)
        body.is_valid(raise_exception=True)
        label = services.add_label(principal_of(request), **body.validated_data)
        return Response(shapes.LabelOut(label).data, status=201)


class LabelView(APIView):
    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, label_id: UUID) -> Response:
        services.remove_label(principal_of(request), label_id)
        return Response(status=204)


class AuditView(ListAPIView[AuditEntry]):
    serializer_class = shapes.AuditOut
    queryset = AuditEntry.objects.all()

    def get_queryset(self) -> Any:
        principal = principal_of(self.request)
        services.require(principal, Action.DISCOVER, MESH)
        rows = super().get_queryset().filter(selectors.audit_entries(principal))
        wanted = {
            key: value
            for key in ("name", "principal", "action")
            if (value := self.request.query_params.get(key))
        }
        return rows.filter(**wanted)

    @extend_schema(
        parameters=[
            NAME_FILTER,
            OpenApiParameter("principal", str),
            OpenApiParameter("action", str),
        ]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)
