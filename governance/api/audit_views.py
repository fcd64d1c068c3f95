"""The addresses of the audit log: read it, prove it, take it away."""

from __future__ import annotations

from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance import audit_reading
from governance.api import audit_serializers as shapes
from governance.api.authentication import principal_of
from governance.models import AuditEntry
from governance.models.audit import Entries
from governance.services import audit_log, forgetting


class AuditView(ListAPIView[AuditEntry]):
    serializer_class = shapes.AuditOut  # type: ignore[assignment]  # of entries in clear
    queryset = AuditEntry.objects.all()

    def get_queryset(self) -> Entries:
        asked = shapes.AuditFiltersIn(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        rows = audit_log.readable_entries(principal_of(self.request))
        return audit_log.filtered(rows, **asked.validated_data)

    def paginate_queryset(self, queryset: Any) -> Any:
        rows = list(super().paginate_queryset(queryset) or [])
        clear = audit_reading.clear_texts(rows)
        return [audit_reading.in_clear(row, clear) for row in rows]

    @extend_schema(parameters=[shapes.AuditFiltersIn])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Who did what, newest first: all of it for operators, one's own for everyone."""
        return super().get(request, *args, **kwargs)


class CheckpointView(APIView):
    @extend_schema(responses=shapes.CheckpointOut)
    def get(self, request: Request) -> Response:
        """The newest signed checkpoint of the log."""
        found = audit_log.newest_checkpoint(principal_of(request))
        return Response(shapes.CheckpointOut(found).data)


class ProofView(APIView):
    @extend_schema(parameters=[shapes.ProofIn], responses=shapes.InclusionOut)
    def get(self, request: Request) -> Response:
        """The proof that an entry stands in the log."""
        asked = shapes.ProofIn(data=request.query_params)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        found = audit_log.prove_inclusion(
            principal_of(request), wanted["entry"], wanted.get("size")
        )
        return Response(shapes.InclusionOut(audit_reading.inclusion_told(found)).data)


class ConsistencyView(APIView):
    @extend_schema(parameters=[shapes.ConsistencyIn], responses=shapes.ConsistencyOut)
    def get(self, request: Request) -> Response:
        """The proof that the log was only added to from one size to another."""
        asked = shapes.ConsistencyIn(data=request.query_params)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        found = audit_log.prove_consistency(principal_of(request), wanted["from"], wanted.get("to"))
        return Response(shapes.ConsistencyOut(audit_reading.consistency_told(found)).data)


class ExportView(APIView):
    @extend_schema(responses={(200, "application/jsonl"): OpenApiTypes.STR})
    def get(self, request: Request) -> StreamingHttpResponse:
        """The whole log as JSON lines, with the salts of what is not erased; for operators."""
        checkpoint, lines = audit_log.export_log(principal_of(request))
        name = f"audit-{checkpoint.size}.jsonl"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return StreamingHttpResponse(lines, content_type="application/jsonl", headers=headers)


class ErasePersonView(APIView):
    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request, username: str) -> Response:
        """Forget a person: close the account and take the name out of the log. For operators."""
        forgetting.erase_person(principal_of(request), username)
        return Response(status=204)
