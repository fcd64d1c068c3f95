"""The addresses of sessions, tokens, delegations and clients: who one is, and what proves it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from allauth.idp.oidc.models import Client
from django.contrib.auth import logout
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_protect, ensure_csrf_cookie
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.pagination import NewestFirst
from governance import selectors, services
from governance.api import principals_serializers as shapes
from governance.api.accounts import address_of, begin_session
from governance.api.authentication import principal_of, token_of_request, user_of
from governance.models import ApiToken, User
from governance.services import clients, sessions
from governance.services.tokens import Asked


@method_decorator(ensure_csrf_cookie, name="dispatch")
class MeView(APIView):
    @extend_schema(responses=shapes.MeOut)
    def get(self, request: Request) -> Response:
        return Response(shapes.MeOut(_me(request.user, token_of_request(request))).data)


def _me(user: Any, token: ApiToken | None = None) -> dict[str, Any]:
    if not isinstance(user, User):
        nobody = {"username": "", "kind": "anonymous", "is_operator": False, "teams": []}
        return {"authenticated": False, **nobody, "groups": [], "on_behalf_of": None}
    teams = user.memberships.select_related("team").order_by("team__slug")
    return {
        "authenticated": True,
        "username": user.username,
        "kind": user.kind,
        "is_operator": user.is_operator,
        "teams": [{"slug": m.team.slug, "title": m.team.title, "role": m.role} for m in teams],
        "groups": list(user.groups.order_by("name").values_list("name", flat=True)),
        "on_behalf_of": None if token is None else token.on_behalf_of,
    }


@method_decorator(csrf_protect, name="dispatch")
class SessionView(APIView):
    authentication_classes = []

    @extend_schema(request=shapes.SessionIn, responses=shapes.MeOut)
    def post(self, request: Request) -> Response:
        body = shapes.SessionIn(data=request.data)
        body.is_valid(raise_exception=True)
        asked, address = body.validated_data, address_of(request._request)
        code = asked.pop("code")
        user = services.check_password(**asked, address=address)
        sessions.check_second_factor(user, code, address)
        begin_session(request._request, user)
        return Response(shapes.MeOut(_me(user)).data)

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request) -> Response:
        logout(request._request)
        return Response(status=204)


class TokensView(ListAPIView[ApiToken]):
    """One's own tokens and the delegations one gave; of a machine, for who manages it."""

    serializer_class = shapes.TokenOut
    queryset = ApiToken.objects.select_related("user", "on_behalf_of")

    def get_queryset(self) -> Any:
        user, rows = user_of(self.request), super().get_queryset()
        if username := self.request.query_params.get("username"):
            services.manage_machine(principal_of(self.request), username)
            return rows.filter(user__username=username)
        return rows.filter(selectors.tokens_of(user, token_of_request(self.request)))

    @extend_schema(
        parameters=[OpenApiParameter("username", str, description="A machine of your team.")]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(request=shapes.TokenIn, responses={201: shapes.NewTokenOut})
    def post(self, request: Request) -> Response:
        body = shapes.TokenIn(data=request.data)
        body.is_valid(raise_exception=True)
        token, secret = _issue(request, body.validated_data)
        return Response({**shapes.TokenOut(token).data, "token": secret}, status=201)


def _issue(request: Request, body: dict[str, Any]) -> tuple[ApiToken, str]:
    user, actor = user_of(request), principal_of(request)
    username, agent = body.pop("username"), body.pop("agent")
    if agent:
        return services.delegate(user, actor, agent, Asked(**body))
    if username and username != user.username:
        return services.issue_for(actor, username, Asked(**body))
    return services.issue_token(user, actor, **body)


class TokenView(APIView):
    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, token_id: UUID) -> Response:
        services.revoke_token(user_of(request), principal_of(request), token_id)
        return Response(status=204)


class NewestClients(NewestFirst):
    ordering = "-created_at"


class ClientsView(ListAPIView[Client]):
    serializer_class = shapes.ClientOut
    pagination_class = NewestClients
    queryset = Client.objects.select_related("owner")

    def get_queryset(self) -> Any:
        username = self.request.query_params.get("username", "")
        services.manage_machine(principal_of(self.request), username)
        return super().get_queryset().filter(owner__username=username)

    @extend_schema(parameters=[OpenApiParameter("username", str, required=True)])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(request=shapes.ClientIn, responses={201: shapes.NewClientOut})
    def post(self, request: Request) -> Response:
        body = shapes.ClientIn(data=request.data)
        body.is_valid(raise_exception=True)
        client, secret = clients.create_client(principal_of(request), **body.validated_data)
        return Response({**shapes.ClientOut(client).data, "client_secret": secret}, status=201)


class ClientView(APIView):
    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, client_id: str) -> Response:
        clients.remove_client(principal_of(request), client_id)
        return Response(status=204)
