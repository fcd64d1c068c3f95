"""The addresses of plans: shown, applied, watched, undone."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.api.authentication import principal_of
from movement import services
from movement.engine.placement import Step
from movement.models import AppliedPlan
from movement.services.plans import Asked, MeshPlan, applied_plan, progress_of

Data = dict[str, Any]


class PlanIn(serializers.Serializer[Data]):
    """One of name, policy and site; with `digest` the plan is applied only if it is that one."""

    name = serializers.CharField(max_length=600, default="", allow_blank=True)
    policy = serializers.CharField(max_length=64, default="", allow_blank=True)
    site = serializers.CharField(max_length=64, default="", allow_blank=True)
    digest = serializers.CharField(max_length=71, default="", allow_blank=True)
    keep = serializers.BooleanField(default=True)


class PlanItemOut(serializers.Serializer[Data]):
    version = serializers.CharField()
    action = serializers.ChoiceField(choices=[(str(step), str(step)) for step in Step])
    source = serializers.CharField(allow_null=True)  # type: ignore[assignment]  # a field, not the attribute
    hop = serializers.CharField(allow_null=True)
    target = serializers.CharField()
    bytes = serializers.IntegerField()
    seconds = serializers.FloatField(allow_null=True)
    cost = serializers.FloatField(allow_null=True)
    cost_per_month = serializers.FloatField(allow_null=True)
    policies = serializers.ListField(child=serializers.CharField())
    reason = serializers.CharField()


class UnmetOut(serializers.Serializer[Data]):
    version = serializers.CharField()
    reason = serializers.CharField()


class PlanOut(serializers.Serializer[Data]):
    """A plan: its lines, what no store can give, and what its copies come to together."""

    plan = serializers.UUIDField(allow_null=True)
    digest = serializers.CharField()
    items = PlanItemOut(many=True)
    unmet = UnmetOut(many=True)
    bytes = serializers.IntegerField()
    copies = serializers.IntegerField()
    seconds = serializers.FloatField()
    cost = serializers.FloatField()
    cost_per_month = serializers.FloatField()
    unroutable = serializers.IntegerField()


class AppliedPlanOut(serializers.Serializer[Data]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    digest = serializers.CharField()
    asked_by = serializers.CharField()
    created_at = serializers.DateTimeField()
    undone_at = serializers.DateTimeField(allow_null=True)
    states = serializers.DictField(child=serializers.IntegerField())
    active = serializers.IntegerField()
    bytes_done = serializers.IntegerField()
    bytes_total = serializers.IntegerField()


_ASKED = [
    OpenApiParameter("name", str, description="All at or below it; `/` for the whole mesh."),
    OpenApiParameter("policy", str, description="All that this protection policy binds."),
    OpenApiParameter("site", str, description="All that lies, would lie or is refused there."),
    OpenApiParameter("keep", bool, description="False leaves out what only stays. Default true."),
]


class PlansView(APIView):
    @extend_schema(parameters=_ASKED, responses=PlanOut)
    def get(self, request: Request) -> Response:
        """Explain what would be copied, kept, removed or refused. Nothing is moved."""
        asked, told = _asked(request.query_params)
        planned = services.plan_for(principal_of(request), asked)
        return Response(_plan_out(planned, None, told["keep"]))

    @extend_schema(request=PlanIn, responses=PlanOut)
    def post(self, request: Request) -> Response:
        """Queue what the plan says; again changes nothing."""
        asked, told = _asked(request.data)
        applied, planned = services.apply_plan(principal_of(request), asked, told["digest"])
        plan_id = None if applied is None else applied.pk
        return Response(_plan_out(planned, plan_id, told["keep"]))


class AppliedPlanView(APIView):
    @extend_schema(operation_id="plans_applied", responses=AppliedPlanOut)
    def get(self, request: Request, plan_id: UUID) -> Response:
        """Tell how far a plan that was applied has come."""
        principal = principal_of(request)
        return Response(_applied_out(applied_plan(principal, plan_id), request))


class UndoPlanView(APIView):
    @extend_schema(request=None, responses=AppliedPlanOut)
    def post(self, request: Request, plan_id: UUID) -> Response:
        """Call off what is still under way; what stands stays while a policy asks for it."""
        row, _ = services.undo_plan(principal_of(request), plan_id)
        return Response(_applied_out(row, request))


def _asked(data: Any) -> tuple[Asked, Data]:
    body = PlanIn(data=data)
    body.is_valid(raise_exception=True)
    told = body.validated_data
    return Asked(told["name"], told["policy"], told["site"]), told


def _applied_out(row: AppliedPlan, request: Request) -> Data:
    shown = {**progress_of(principal_of(request), row), **vars(row)}
    return AppliedPlanOut(shown).data


def _plan_out(planned: MeshPlan, applied: UUID | None, keep: bool) -> Data:
    items = []
    for each, item in planned.lines():
        if item.step is Step.KEEP and not keep:
            continue
        way = each.ways.get(item.store)
        route = None if way is None else way.route
        items.append(
            {
                "version": each.version.name,
                "action": str(item.step),
                "source": None if route is None else route.source,
                "hop": None if route is None else route.hop,
                "target": item.store,
                "bytes": each.version.bytes,
                "seconds": None if route is None else route.seconds,
                "cost": None if route is None else route.cost,
                "cost_per_month": None if way is None else way.monthly,
                "policies": list(item.policies),
                "reason": item.reason,
            }
        )
    unmet = [
        {"version": each.version.name, "reason": each.plan.unmet}
        for each in planned.versions
        if each.plan.unmet is not None
    ]
    told = {"plan": applied, "digest": planned.digest, "items": items, "unmet": unmet}
    return PlanOut({**told, **planned.totals()}).data
