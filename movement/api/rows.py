"""Rows on the wire: an Arrow IPC stream, or JSON lines for who asks for them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from uuid import UUID

from django.http import HttpResponseBase, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from core.errors import FairmeshError
from governance.api.authentication import principal_of
from movement import rows
from movement.api.versions import PURPOSE, SITE, AnyMedia, asked_of
from movement.engine.frames import ARROW, JSON_LINES, arrow_frames, json_lines

logger = logging.getLogger(__name__)
_ANSWER = {(200, ARROW): OpenApiTypes.BINARY, (200, JSON_LINES): OpenApiTypes.STR}
_WISHES = [
    OpenApiParameter("columns", str, description="These columns, separated by commas."),
    OpenApiParameter("limit", int, description="So many rows at most."),
    PURPOSE,
    SITE,
]


class WishIn(serializers.Serializer[dict[str, object]]):
    columns = serializers.CharField(default="", allow_blank=True, max_length=20_000)
    limit = serializers.IntegerField(default=None, allow_null=True, min_value=0)


class NamedIn(serializers.Serializer[dict[str, object]]):
    name = serializers.CharField(max_length=2_000)


class NamedRowsView(APIView):
    content_negotiation_class = AnyMedia

    @extend_schema(
        parameters=[
            OpenApiParameter("name", str, required=True, description="Product, version or file."),
            *_WISHES,
        ],
        responses=_ANSWER,
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Read the rows of a name as you may see them: of one file, or of all its tables."""
        named = NamedIn(data=request.query_params)
        named.is_valid(raise_exception=True)
        asked = asked_of(request, named.validated_data["name"])
        return _answer(request, rows.rows_named(principal_of(request), asked, _wish_of(request)))


class RowsView(APIView):
    content_negotiation_class = AnyMedia

    @extend_schema(
        parameters=[
            OpenApiParameter("path", str, OpenApiParameter.PATH),
            OpenApiParameter("key", str, description="As `resolve` gives it; no token is needed."),
            *_WISHES,
        ],
        responses=_ANSWER,
    )
    def get(self, request: Request, version_id: UUID, path: str) -> HttpResponseBase:
        """Read the rows of one file as you may see them: rows filtered first, columns masked."""
        wish = _wish_of(request)
        if key := request.query_params.get("key"):
            return _answer(request, rows.rows_by_key(version_id, path, key, wish))
        principal, asked = principal_of(request), asked_of(request)
        return _answer(request, rows.rows_of_file(principal, version_id, path, asked, wish))


def _wish_of(request: Request) -> rows.Wish:
    wish = WishIn(data=request.query_params)
    wish.is_valid(raise_exception=True)
    columns = wish.validated_data["columns"]
    return rows.Wish(tuple(filter(None, columns.split(","))), wish.validated_data["limit"])


def _answer(request: Request, stream: rows.RowStream) -> HttpResponseBase:
    as_json = "json" in request.headers.get("Accept", "")
    frames: Iterator[bytes] = (
        json_lines(stream.batches) if as_json else arrow_frames(stream.schema, stream.batches)
    )
    response = StreamingHttpResponse(_told(frames), content_type=JSON_LINES if as_json else ARROW)
    response["Cache-Control"] = "private, no-store"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["X-Content-Type-Options"] = "nosniff"
    response["Vary"] = "Accept, Authorization, Cookie"
    for note in ("Masks", "Rows-Filtered", "Policies", "Policy-Set"):
        response[f"Fairmesh-{note}"] = stream.notes[note.lower()]
    if stream.watermark:
        response["Fairmesh-Watermark"] = stream.watermark
    return response


def _told(frames: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the pieces; what cuts them is logged here, since the status is sent already."""
    try:
        yield from frames
    except FairmeshError as error:
        logger.warning("a stream of rows was cut: %s", error.detail)
        raise
    except Exception as error:  # the server, too, would log its words, and they may quote a row
        logger.exception("a stream of rows failed")
        raise FairmeshError(f"A stream of rows ended by {type(error).__name__}.") from None
