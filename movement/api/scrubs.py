"""The addresses of scrubs: begun by hand, listed, looked at; and stores trusted again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Q
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.errors import Invalid
from governance.api.authentication import principal_of
from movement import scrub_reading, services
from movement.models import FindingKind, Scrub, ScrubFinding, ScrubState

REPLICA = OpenApiParameter("replica", str, description="Only of the replica with this id.")
STORE = OpenApiParameter("store", str, description="Only at this store.")
STATE = OpenApiParameter("state", str, enum=ScrubState.values, description="Only in this state.")


class ScrubIn(serializers.Serializer[dict[str, Any]]):
    deep = serializers.BooleanField(default=True)
    """Read and hash every byte; else compare a listing."""


class ScrubFindingOut(serializers.ModelSerializer[ScrubFinding]):
    kind = serializers.ChoiceField(choices=FindingKind.choices)

    class Meta:
        model = ScrubFinding
        fields = ["path", "kind", "detail", "repaired_at"]


class ScrubOut(serializers.ModelSerializer[Scrub]):
    """A scrub. `no_good_copy` is true while no store holds a whole copy of the version."""

    replica = serializers.UUIDField(source="replica_id")
    version = serializers.CharField(source="replica.version.name")
    product = serializers.CharField(source="replica.version.product.name")
    store = serializers.CharField(source="replica.store.name")
    replica_state = serializers.CharField(source="replica.state")
    state = serializers.ChoiceField(choices=ScrubState.choices)
    broken = serializers.IntegerField()
    repaired = serializers.IntegerField()
    extra = serializers.IntegerField()
    no_good_copy = serializers.BooleanField()

    class Meta:
        model = Scrub
        fields = [
            "id", "replica", "version", "product", "store", "replica_state", "deep", "state",
            "reason", "asked_by", "files", "bytes", "broken", "repaired", "extra", "no_good_copy",
            "started_at", "finished_at",
        ]  # fmt: skip


class ScrubDetailOut(ScrubOut):
    """A scrub with its findings, the first thousand of each: broken files before extra objects."""

    findings = serializers.SerializerMethodField()

    class Meta(ScrubOut.Meta):
        fields = [*ScrubOut.Meta.fields, "findings"]

    @extend_schema_field(ScrubFindingOut(many=True))
    def get_findings(self, scrub: Scrub) -> Any:
        return ScrubFindingOut(scrub_reading.findings_of(scrub), many=True).data


class ReplicaScrubView(APIView):
    @extend_schema(request=ScrubIn, responses={202: ScrubOut})
    def post(self, request: Request, replica_id: UUID) -> Response:
        """Have a replica read again and compared with its manifest."""
        body = ScrubIn(data=request.data)
        body.is_valid(raise_exception=True)
        principal = principal_of(request)
        begun = services.request_scrub(principal, replica_id, **body.validated_data)
        return Response(ScrubOut(scrub_reading.scrub_by_id(principal, begun.pk)).data, status=202)


class ScrubsView(ListAPIView[Scrub]):
    serializer_class = ScrubOut
    queryset = Scrub.objects.none()

    def get_queryset(self) -> Any:
        rows = scrub_reading.visible_scrubs(principal_of(self.request))
        return rows.filter(_wanted(self.request))

    @extend_schema(parameters=[REPLICA, STORE, STATE])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


def _wanted(request: Request) -> Q:
    asked, wanted = request.query_params, Q()
    if replica := asked.get("replica"):
        try:
            wanted &= Q(replica=UUID(replica))
        except ValueError:
            raise Invalid(f"{replica!r} is not the id of a replica.") from None
    if store := asked.get("store"):
        wanted &= Q(replica__store__name=store)
    if state := asked.get("state"):
        wanted &= Q(state=state)
    return wanted


class ScrubView(APIView):
    @extend_schema(responses=ScrubDetailOut)
    def get(self, request: Request, scrub_id: UUID) -> Response:
        scrub = scrub_reading.scrub_by_id(principal_of(request), scrub_id)
        return Response(ScrubDetailOut(scrub).data)


class TrustedStoreOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    quarantined_at = serializers.DateTimeField(allow_null=True)
    quarantine_reason = serializers.CharField(allow_blank=True)


class TrustStoreView(APIView):
    @extend_schema(request=None, responses=TrustedStoreOut)
    def post(self, request: Request, name: str) -> Response:
        """Lift the quarantine of a store; what lies there is read again first of all."""
        store = services.trust_store(principal_of(request), name)
        return Response(TrustedStoreOut(store).data)
