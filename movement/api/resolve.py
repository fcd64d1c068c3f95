"""Resolve: from a name to the places where its files may be read, the best first."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.api.views import page_size
from core.names import encode_path
from governance.api.authentication import principal_of
from movement import reading
from movement.api.serializers import NameIn, ObligationsOut
from movement.api.versions import PURPOSE, SITE, asked_of
from movement.engine.distance import Distance
from movement.engine.duplicates import link_header
from movement.models import ReplicaState


class ResolvedReplicaOut(serializers.Serializer[Any]):
    """A replica; where it does not serve, or comes behind others, `reason` says why."""

    store = serializers.CharField(source="replica.store.name")
    site = serializers.CharField(source="replica.store.site.name")
    jurisdictions = serializers.ListField(
        child=serializers.CharField(), source="replica.store.site.jurisdictions"
    )
    state = serializers.ChoiceField(choices=ReplicaState.choices, source="replica.state")
    distance = serializers.ChoiceField(choices=[(str(d), str(d)) for d in Distance])
    serves = serializers.BooleanField()
    reason_code = serializers.CharField(source="code")
    reason = serializers.CharField()


class ResolvedFileOut(serializers.Serializer[Any]):
    path = serializers.CharField(source="entry.path")
    bytes = serializers.IntegerField(source="entry.bytes")
    sha256 = serializers.CharField(source="entry.sha256")
    media_type = serializers.CharField(source="entry.media_type")
    urls = serializers.ListField(child=serializers.CharField())
    rows_url = serializers.CharField(allow_null=True)


class ResolveOut(serializers.Serializer[Any]):
    name = serializers.CharField(source="version.name")
    version_id = serializers.UUIDField(source="version.id")
    digest = serializers.CharField(source="version.digest")
    how = serializers.SerializerMethodField()
    obligations = ObligationsOut()
    replicas = ResolvedReplicaOut(many=True)
    results = ResolvedFileOut(many=True, source="files")
    next_cursor = serializers.CharField(allow_null=True)

    def get_how(self, found: Any) -> str:
        """`bytes` where files may be had as they are, `stream` where only their rows may."""
        return "stream" if found.obligations.rewrite else "bytes"


class ResolveView(APIView):
    @extend_schema(
        parameters=[
            OpenApiParameter("name", str, required=True, description="Product, version or file."),
            PURPOSE,
            SITE,
            OpenApiParameter("cursor", str, description="As the page before gave it."),
            OpenApiParameter("page_size", int),
            OpenApiParameter(
                "Link",
                str,
                OpenApiParameter.HEADER,
                response=True,
                description="For a file: its addresses as duplicates, the best as `pri=1`.",
            ),
        ],
        responses=OpenApiResponse(ResolveOut),
    )
    def get(self, request: Request) -> Response:
        """Tell where the files of a name are to be had, the best replica first."""
        asked = NameIn(data=request.query_params)
        asked.is_valid(raise_exception=True)
        found = reading.resolve(
            principal_of(request),
            asked_of(request, asked.validated_data["name"]),
            after=request.query_params.get("cursor", ""),
            count=page_size(request, default=500, largest=1000),
        )
        return Response(ResolveOut(found).data, headers=_headers(found))


def _headers(found: reading.Resolved) -> dict[str, str]:
    if found.file is None or not found.files[0].urls:
        return {}
    landing = f"/n{found.version.name}/{encode_path(found.file.path)}"
    return {"Link": link_header(found.files[0].urls, of=landing)}
