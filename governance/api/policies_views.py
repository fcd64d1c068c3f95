"""Policies and their life. Each view parses, asks one service, and renders."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.idempotency import idempotent
from core.errors import Invalid
from governance import services
from governance.api import policies_serializers as shapes
from governance.api.authentication import principal_of
from governance.engine import documents, expectation_schema
from governance.engine.entities import Principal
from governance.models import Policy
from governance.services import policy_folder, policy_lifecycle, policy_reading, simulation


def _told(policy: Policy, status: int = 200) -> Response:
    return Response(shapes.PolicyOut(policy).data, status=status)


def _parsed(shape: type[Any], request: Request) -> dict[str, Any]:
    body = shape(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


class PoliciesView(ListAPIView[Policy]):
    serializer_class = shapes.PolicyOut
    queryset = Policy.objects.none()

    def get_queryset(self) -> Any:
        asked = shapes.PolicyFilter(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        return policy_reading.readable(principal_of(self.request)).filter(**asked.validated_data)

    @extend_schema(
        parameters=[OpenApiParameter(name, str) for name in ("kind", "state", "slug", "prefix")]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(request=shapes.PolicyIn, responses={201: shapes.PolicyOut})
    @idempotent
    def post(self, request: Request) -> Response:
        """Save and activate; where policies are reviewed, save a draft (see `state`)."""
        asked = _parsed(shapes.PolicyIn, request)
        return _told(services.save_policy(principal_of(request), **asked), 201)


class PolicySchemaView(APIView):
    @extend_schema(
        parameters=[OpenApiParameter("kind", str, required=True)],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Request) -> Response:
        """Return the JSON Schema of a kind; for `access` that of its tests."""
        kind = request.query_params.get("kind", "")
        if kind not in (*documents.KINDS, "access"):
            raise Invalid(f"kind is one of {', '.join(documents.KINDS)} and access.", kind=kind)
        return Response(expectation_schema.ACCESS if kind == "access" else documents.schema(kind))


class DraftsView(APIView):
    @extend_schema(request=shapes.PolicyIn, responses={201: shapes.PolicyOut})
    @idempotent
    def post(self, request: Request) -> Response:
        asked = _parsed(shapes.PolicyIn, request)
        return _told(policy_lifecycle.draft_policy(principal_of(request), **asked), 201)


class PolicyView(APIView):
    @extend_schema(responses=shapes.PolicyOut)
    def get(self, request: Request, policy_id: UUID) -> Response:
        return _told(policy_reading.policy_for(principal_of(request), policy_id))

    @extend_schema(request=shapes.DraftTextIn, responses=shapes.PolicyOut)
    def put(self, request: Request, policy_id: UUID) -> Response:
        """Replace the text of a version that is not in force; it is a draft again."""
        asked = _parsed(shapes.DraftTextIn, request)
        return _told(policy_lifecycle.edit_draft(principal_of(request), policy_id, **asked))

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, policy_id: UUID) -> Response:
        policy_lifecycle.delete_draft(principal_of(request), policy_id)
        return Response(status=204)


class MoveView(APIView):
    """Base of the moves that take nothing but the version."""

    def move(self, principal: Principal, policy_id: UUID) -> Policy:
        raise NotImplementedError

    @extend_schema(request=None, responses=shapes.PolicyOut)
    def post(self, request: Request, policy_id: UUID) -> Response:
        return _told(self.move(principal_of(request), policy_id))


class ValidateView(MoveView):
    def move(self, principal: Principal, policy_id: UUID) -> Policy:
        return policy_lifecycle.validate_draft(principal, policy_id)


class ProposeView(MoveView):
    def move(self, principal: Principal, policy_id: UUID) -> Policy:
        return policy_lifecycle.propose_draft(principal, policy_id)


class ActivateView(MoveView):
    def move(self, principal: Principal, policy_id: UUID) -> Policy:
        return policy_lifecycle.activate_draft(principal, policy_id)


class RollBackView(MoveView):
    def move(self, principal: Principal, policy_id: UUID) -> Policy:
        return policy_lifecycle.roll_back(principal, policy_id)


class RetirePolicyView(MoveView):
    def move(self, principal: Principal, policy_id: UUID) -> Policy:
        return services.retire_policy(principal, policy_id)


class ApprovePolicyView(APIView):
    @extend_schema(request=shapes.ApprovePolicyIn, responses=shapes.PolicyOut)
    def post(self, request: Request, policy_id: UUID) -> Response:
        asked = _parsed(shapes.ApprovePolicyIn, request)
        return _told(policy_lifecycle.approve_draft(principal_of(request), policy_id, **asked))


class PolicyDiffView(APIView):
    @extend_schema(responses=shapes.DiffOut)
    def get(self, request: Request, policy_id: UUID, other_id: UUID) -> Response:
        """Tell what changes from the other version to this one."""
        found = policy_reading.policy_diff_of(principal_of(request), policy_id, other_id)
        return Response(shapes.DiffOut(found).data)


class PolicySetView(APIView):
    @extend_schema(responses=shapes.PolicySetOut)
    def get(self, request: Request, digest: str) -> Response:
        """Tell which access policies the digest that a decision records stands for."""
        found = policy_reading.policy_set_of(principal_of(request), digest)
        return Response(shapes.PolicySetOut(found).data)


class SimulateView(APIView):
    @extend_schema(request=shapes.SimulateIn, responses=shapes.SimulationOut)
    def post(self, request: Request, policy_id: UUID) -> Response:
        """Find out what the version would change; see docs/reference/policies.md for `result`."""
        asked = _parsed(shapes.SimulateIn, request)
        found = simulation.simulate_policy(principal_of(request), policy_id, **asked)
        return Response(shapes.SimulationOut(found).data)


class SimulationView(APIView):
    @extend_schema(responses=shapes.SimulationOut)
    def get(self, request: Request, policy_id: UUID) -> Response:
        """Return the newest simulation of a version."""
        found = simulation.simulation_of(principal_of(request), policy_id)
        return Response(shapes.SimulationOut(found).data)


class PolicyFolderView(APIView):
    @extend_schema(responses=shapes.FolderOut)
    def get(self, request: Request) -> Response:
        """Return the policies in force as files, to be kept in git."""
        return Response({"files": policy_folder.export_policies(principal_of(request))})

    @extend_schema(request=shapes.FolderIn, responses=shapes.ImportOut)
    def post(self, request: Request) -> Response:
        """Make the policies in force those of a folder: all of it or nothing."""
        asked = _parsed(shapes.FolderIn, request)
        done = policy_folder.import_policies(principal_of(request), **asked)
        plan = [line.as_json() for line in done]
        return Response(shapes.ImportOut({"dry_run": asked["dry_run"], "plan": plan}).data)
