"""The addresses of people, machines, teams and groups."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.idempotency import idempotent
from core.api.pagination import ByName
from core.errors import Invalid
from governance import services
from governance.api import principals_serializers as shapes
from governance.api.authentication import principal_of
from governance.engine.entities import MESH, Action
from governance.models import PrincipalKind, Team, User
from governance.services import principals


class UsersView(ListAPIView[User]):
    """Members see who there is; whether one is active is for those who may manage them."""

    serializer_class = shapes.UserOut
    queryset = User.objects.select_related("team")

    def get_queryset(self) -> Any:
        principal = principal_of(self.request)
        services.require(principal, Action.DISCOVER, MESH)
        rows = super().get_queryset()
        if kind := self.request.query_params.get("kind"):
            rows = rows.filter(kind=kind)
        if team := self.request.query_params.get("team"):
            rows = rows.filter(team__slug=team)
        return principals.with_details(principal, rows)

    @extend_schema(
        parameters=[
            OpenApiParameter("kind", str, enum=PrincipalKind.values),
            OpenApiParameter("team", str, description="The team that answers for them."),
        ]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(request=shapes.UserIn, responses={201: shapes.UserOut})
    @idempotent
    def post(self, request: Request) -> Response:
        body = shapes.UserIn(data=request.data)
        body.is_valid(raise_exception=True)
        user = _create(request, body.validated_data)
        return Response(shapes.UserOut(user).data, status=201)


def _create(request: Request, asked: dict[str, Any]) -> User:
    """Create a person with a password, or a machine with a team; raise Invalid for a mixture."""
    password, team, site = asked.pop("password"), asked.pop("team"), asked.pop("site")
    kind = asked.pop("kind")
    if kind == PrincipalKind.PERSON:
        if team or site:
            raise Invalid("No team answers for a person; add them to the team's members.")
        return services.create_user(principal_of(request), password=password, **asked)
    if password:
        raise Invalid("A machine has no password; make it a token.")
    return services.create_machine(principal_of(request), kind=kind, team=team, site=site, **asked)


class UserView(APIView):
    @extend_schema(request=shapes.UserChangeIn, responses=shapes.UserOut)
    def patch(self, request: Request, username: str) -> Response:
        body = shapes.UserChangeIn(data=request.data)
        body.is_valid(raise_exception=True)
        user = services.set_active(principal_of(request), username, **body.validated_data)
        return Response({**shapes.UserOut(user).data, "active": user.is_active})


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


class MembersView(APIView):
    @extend_schema(request=shapes.MemberIn, responses={201: shapes.MembershipOut})
    def post(self, request: Request, slug: str) -> Response:
        body = shapes.MemberIn(data=request.data)
        body.is_valid(raise_exception=True)
        membership = services.add_member(principal_of(request), slug, **body.validated_data)
        return Response(shapes.MembershipOut(membership).data, status=201)


class MemberView(APIView):
    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, slug: str, username: str) -> Response:
        services.remove_member(principal_of(request), slug, username)
        return Response(status=204)


class GroupsView(ListAPIView[Group]):
    serializer_class = shapes.GroupOut
    pagination_class = ByName
    queryset = Group.objects.prefetch_related("user_set")

    def get_queryset(self) -> Any:
        services.require(principal_of(self.request), Action.DISCOVER, MESH)
        return super().get_queryset()

    @extend_schema(request=shapes.GroupIn, responses={201: shapes.GroupOut})
    @idempotent
    def post(self, request: Request) -> Response:
        body = shapes.GroupIn(data=request.data)
        body.is_valid(raise_exception=True)
        group = services.create_group(principal_of(request), **body.validated_data)
        return Response(shapes.GroupOut(group).data, status=201)


class GroupMemberView(APIView):
    @extend_schema(request=None, responses=shapes.GroupOut)
    def put(self, request: Request, name: str, username: str) -> Response:
        group = services.add_to_group(principal_of(request), name, username)
        return Response(shapes.GroupOut(group).data)

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, name: str, username: str) -> Response:
        services.remove_from_group(principal_of(request), name, username)
        return Response(status=204)
