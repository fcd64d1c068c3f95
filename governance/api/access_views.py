"""Access requests and grants. Each view parses, asks one service, and renders."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.idempotency import idempotent
from core.errors import Invalid
from governance import grants, requests, resources, services
from governance.api import access_serializers as shapes
from governance.api.accounts import address_of
from governance.api.authentication import principal_of, user_of
from governance.engine.entities import Action, Principal
from governance.models import AccessRequest, Grant, RequestComment

NAME_FILTER = OpenApiParameter("name", str, description="Only of this name.")


def _current(principal: Principal, name: str) -> str:
    """Return what `name`, perhaps an old one, is called now, if the principal may know of it."""
    resource = resources.load(name)
    services.require(principal, Action.DISCOVER, resource)
    return resource.name


class RequestsView(ListAPIView[AccessRequest]):
    """One's own requests and those of one's teams, or with `inbox` those that one may decide on."""

    serializer_class = shapes.RequestOut
    queryset = AccessRequest.objects.select_related("user", "team", "decided_by")

    def get_queryset(self) -> Any:
        rows, principal = super().get_queryset(), principal_of(self.request)
        user = user_of(self.request)
        if name := self.request.query_params.get("name"):
            rows = rows.filter(name=_current(principal, name))
        if self.request.query_params.get("inbox") == "true":
            return rows.filter(pk__in=requests.inbox_of(principal))
        return rows.filter(requests.requests_of(principal, user))

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
        """Ask for access. A policy may approve at once: then `state` is `approved`."""
        body = shapes.RequestIn(data=request.data)
        body.is_valid(raise_exception=True)
        asked = services.request_access(
            user_of(request), principal_of(request), **body.validated_data
        )
        return Response(shapes.RequestOut(asked).data, status=201)


class RequestView(APIView):
    @extend_schema(responses=shapes.RequestOut)
    def get(self, request: Request, request_id: UUID) -> Response:
        found = requests.request_for(principal_of(request), user_of(request), request_id)
        return Response(shapes.RequestOut(found).data)


class CommentsView(ListAPIView[RequestComment]):
    """What was said about a request, newest first; for the one who asked and who decides."""

    serializer_class = shapes.RemarkOut
    queryset = RequestComment.objects.select_related("author")

    def get_queryset(self) -> Any:
        asked = self.kwargs["request_id"]
        found = requests.request_for(principal_of(self.request), user_of(self.request), asked)
        return super().get_queryset().filter(request=found)

    @extend_schema(request=shapes.RemarkIn, responses={201: shapes.RemarkOut})
    @idempotent
    def post(self, request: Request, request_id: UUID) -> Response:
        body = shapes.RemarkIn(data=request.data)
        body.is_valid(raise_exception=True)
        comment = services.comment_on_request(
            user_of(request), principal_of(request), request_id, **body.validated_data
        )
        return Response(shapes.RemarkOut(comment).data, status=201)


class ApproveView(APIView):
    @extend_schema(request=shapes.ApproveIn, responses=shapes.GrantOut)
    def post(self, request: Request, request_id: UUID) -> Response:
        """Approve; the grant stands at once. `days` may be fewer than were asked for."""
        body = shapes.ApproveIn(data=request.data)
        body.is_valid(raise_exception=True)
        grant = services.approve_request(
            user_of(request), principal_of(request), request_id, **body.validated_data
        )
        return Response(shapes.GrantOut(grant).data)


class DenyView(APIView):
    @extend_schema(request=shapes.CommentIn, responses=shapes.RequestOut)
    def post(self, request: Request, request_id: UUID) -> Response:
        body = shapes.CommentIn(data=request.data)
        body.is_valid(raise_exception=True)
        denied = services.deny_request(
            user_of(request), principal_of(request), request_id, **body.validated_data
        )
        return Response(shapes.RequestOut(denied).data)


class WithdrawView(APIView):
    @extend_schema(request=None, responses=shapes.RequestOut)
    def post(self, request: Request, request_id: UUID) -> Response:
        gone = services.withdraw_request(user_of(request), principal_of(request), request_id)
        return Response(shapes.RequestOut(gone).data)


class GrantsView(ListAPIView[Grant]):
    """One's own grants and those of one's teams; those on a product (`name`) that one administers;
    or broken glasses whose review one owes."""

    serializer_class = shapes.GrantOut
    queryset = Grant.objects.select_related(
        "user", "team", "granted_by", "request", "review__reviewer"
    )

    def get_queryset(self) -> Any:
        rows, principal = super().get_queryset(), principal_of(self.request)
        user, asked = user_of(self.request), self.request.query_params
        if asked.get("live") == "true":
            rows = rows.filter(pk__in=Grant.objects.live())
        if review := asked.get("review"):
            return rows.filter(pk__in=_to_review(principal, review))
        if (name := asked.get("name")) is None:
            return rows.filter(grants.grants_of(principal, user))
        resource = resources.load(name)
        services.require(principal, Action.ADMINISTER, resource)
        return rows.filter(name=resource.name)

    @extend_schema(
        parameters=[
            NAME_FILTER,
            OpenApiParameter("live", bool, description="Only those that hold now."),
            OpenApiParameter(
                "review",
                str,
                enum=["owed", "overdue"],
                description="Broken glasses that you owe a review, or owe it already too long.",
            ),
        ]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


def _to_review(principal: Principal, which: str) -> Any:
    if which not in {"owed", "overdue"}:
        raise Invalid("`review` is owed or overdue.", review=which)
    rows = grants.awaiting_review(principal)
    return grants.overdue(rows) if which == "overdue" else rows


class RevokeGrantView(APIView):
    @extend_schema(request=None, responses=shapes.GrantOut)
    def post(self, request: Request, grant_id: UUID) -> Response:
        grant = services.revoke_grant(principal_of(request), grant_id)
        return Response(shapes.GrantOut(grant).data)


class RenewGrantView(APIView):
    @extend_schema(request=shapes.RenewIn, responses={201: shapes.RequestOut})
    @idempotent
    def post(self, request: Request, grant_id: UUID) -> Response:
        """Ask for the same for longer. Approved, it is a new grant beside the old one."""
        body = shapes.RenewIn(data=request.data)
        body.is_valid(raise_exception=True)
        asked = services.renew_grant(
            user_of(request), principal_of(request), grant_id, **body.validated_data
        )
        return Response(shapes.RequestOut(asked).data, status=201)


class BreakGlassView(APIView):
    @extend_schema(request=shapes.BreakGlassIn, responses={201: shapes.GrantOut})
    def post(self, request: Request) -> Response:
        """Read without a grant for up to four hours, in an emergency. The owner is told."""
        body = shapes.BreakGlassIn(data=request.data)
        body.is_valid(raise_exception=True)
        user, asked = user_of(request), dict(body.validated_data)
        proof = services.Proof(asked.pop("password"), asked.pop("code"), address_of(request))
        services.prove(user, proof if request.auth is None else None)
        grant = services.break_glass(user, principal_of(request), **asked)
        return Response(shapes.GrantOut(grant).data, status=201)


class ReviewGrantView(APIView):
    @extend_schema(request=shapes.ReviewIn, responses=shapes.GrantOut)
    def post(self, request: Request, grant_id: UUID) -> Response:
        """Say what you, an owner, think of a broken glass. `unjustified` ends it."""
        body = shapes.ReviewIn(data=request.data)
        body.is_valid(raise_exception=True)
        grant = services.review_grant(
            user_of(request), principal_of(request), grant_id, **body.validated_data
        )
        return Response(shapes.GrantOut(grant).data)
