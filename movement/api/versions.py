"""A version's bytes: given by upload or registration, shown as rows, read as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse, UnreadablePostError
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.api.serializers import VersionOut
from catalog.api.views import VersionView, render_version
from governance.api.authentication import principal_of
from movement import reading, services
from movement.api import serializers as shapes
from movement.api.bodies import announced_bytes, announced_sha256, asked_range
from movement.engine.duplicates import link_header
from movement.rows import Asked
from movement.services.ingest import Announced

PURPOSE = OpenApiParameter("purpose", str, description="What for, as in `model-training`.")
SITE = OpenApiParameter("site", str, description="Where you are.")
_ROWS, _ROWS_MAX = 20, 200


def asked_of(request: Request, name: str = "") -> Asked:
    asked = request.query_params
    return Asked(name, asked.get("purpose", ""), asked.get("site", ""))


class AnyMedia(BaseContentNegotiation):
    """Answers whatever `Accept` says: the bytes of a file have the one type that they have."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> Any:
        return None

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type or ""


class DraftView(VersionView):
    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, version_id: UUID) -> Response:
        """Give up a draft; its uploaded bytes are removed, its number stays used."""
        services.abort_version(principal_of(request), version_id)
        return Response(status=204)


class UploadView(APIView):
    content_negotiation_class = AnyMedia

    @extend_schema(
        request={"application/octet-stream": OpenApiTypes.BINARY},
        parameters=[
            OpenApiParameter("path", str, OpenApiParameter.PATH),
            OpenApiParameter("Content-Digest", str, OpenApiParameter.HEADER),
            OpenApiParameter("X-Fairmesh-Store", str, OpenApiParameter.HEADER),
        ],
        responses=shapes.UploadedOut,
    )
    def put(self, request: Request, version_id: UUID, path: str) -> Response:
        """Stream one file of a draft into its store. The same path again replaces it."""
        announced = Announced(
            path,
            announced_bytes(request.headers),
            announced_sha256(request.headers),
            store=request.headers.get("X-Fairmesh-Store", ""),
        )
        file = services.receive_file(
            principal_of(request), version_id, announced, _body_of(request)
        )
        return Response(shapes.UploadedOut(file).data)


def _body_of(request: Request) -> Callable[[int], bytes]:
    """Return how the raw body is read, never parsed and never held; a cut reads as its end."""

    def read(count: int) -> bytes:
        try:
            return request._request.read(count)
        except UnreadablePostError:
            return b""

    return read


class RegisterView(APIView):
    @extend_schema(request=shapes.RegisterIn, responses=shapes.RegisteredOut)
    def post(self, request: Request, version_id: UUID) -> Response:
        """Note the objects below a prefix as the draft's files; the same again changes nothing."""
        body = shapes.RegisterIn(data=request.data)
        body.is_valid(raise_exception=True)
        files, size = services.register_objects(
            principal_of(request), version_id, **body.validated_data
        )
        return Response({"files": files, "bytes": size})


class PublishView(APIView):
    @extend_schema(request=shapes.PublishIn, responses=VersionOut)
    def post(self, request: Request, version_id: UUID) -> Response:
        """Seal a draft; a version that is published already is answered as it is."""
        body = shapes.PublishIn(data=request.data)
        body.is_valid(raise_exception=True)
        principal = principal_of(request)
        version = services.publish(principal, version_id, **body.validated_data)
        return Response(render_version(principal, version))


class PreviewView(APIView):
    @extend_schema(
        parameters=[OpenApiParameter("rows", int), PURPOSE, SITE], responses=shapes.PreviewOut
    )
    def get(self, request: Request, version_id: UUID) -> Response:
        """Show the first rows of the first tabular file."""
        asked = request.query_params.get("rows", "")
        rows = min(int(asked), _ROWS_MAX) if asked.isascii() and asked.isdigit() else _ROWS
        found = reading.preview_version(principal_of(request), version_id, asked_of(request), rows)
        return Response(shapes.PreviewOut(found).data)


class ContentView(APIView):
    content_negotiation_class = AnyMedia

    @extend_schema(
        parameters=[
            OpenApiParameter("path", str, OpenApiParameter.PATH),
            OpenApiParameter("store", str, description="From this store."),
            OpenApiParameter("key", str, description="As `resolve` gives it; no token is needed."),
            OpenApiParameter("Range", str, OpenApiParameter.HEADER),
            PURPOSE,
            SITE,
        ],
        responses={
            (200, "application/octet-stream"): OpenApiTypes.BINARY,
            (206, "application/octet-stream"): OpenApiTypes.BINARY,
        },
    )
    def get(self, request: Request, version_id: UUID, path: str) -> HttpResponseBase:
        """Read one file as it is. The ETag is its sha256; `Link` says where else the bytes are.
        Refused where an obligation applies."""
        store = request.query_params.get("store", "")
        if key := request.query_params.get("key"):
            content = reading.content_by_key(version_id, store, path, key)
        else:
            principal, asked = principal_of(request), asked_of(request)
            content = reading.content_for(principal, version_id, path, store, asked)
        return _answer(request, content)


def _answer(request: Request, content: reading.Content) -> HttpResponseBase:
    entry = content.entry
    etag = f'"{entry.sha256}"'
    if request.headers.get("If-None-Match") == etag:
        return _described(HttpResponse(status=304), etag)
    fresh = request.headers.get("If-Range", etag) == etag
    stretch = asked_range(request.headers.get("Range", "") if fresh else "", entry.bytes)
    if stretch is None:
        response: HttpResponseBase = HttpResponse(status=416)
        response["Content-Range"] = f"bytes */{entry.bytes}"
        return _described(response, etag)
    body = content.open(stretch.offset, stretch.length)
    response = StreamingHttpResponse(body, content_type=entry.media_type)
    response["Content-Length"] = str(stretch.length)
    if stretch.partial:
        response.status_code = 206
        end = stretch.offset + stretch.length - 1
        response["Content-Range"] = f"bytes {stretch.offset}-{end}/{entry.bytes}"
    if links := link_header(content.duplicates()):
        response["Link"] = links
    return _described(response, etag)


def _described(response: HttpResponseBase, etag: str) -> HttpResponseBase:
    """Say what the bytes are, and that a browser shall not run them as a page of ours."""
    response["ETag"] = etag
    response["Accept-Ranges"] = "bytes"
    response["Cache-Control"] = "private, no-transform"
    response["Content-Disposition"] = "attachment"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response
