"""The addresses of the catalog. Each view parses, asks one service or selector, and renders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import islice
from typing import Any
from uuid import UUID

from django.db.models import Count, Q
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog import selectors, services
from catalog.api import serializers as shapes
from catalog.models import Domain, Product, Version
from core.api.idempotency import idempotent
from core.api.pagination import ByName
from core.errors import NotFound
from governance.api.authentication import principal_of
from governance.engine.entities import Action, Principal
from governance.labelling import strongest
from governance.models import Label
from governance.services import decide_each, delegations_for

NAME = OpenApiParameter("name", str, description="The one of exactly this name.")
PRODUCT = OpenApiParameter("product", str, description="Only of the product of this name.")


def product_context(principal: Principal, products: list[Product]) -> dict[str, Any]:
    """Fetch the labels of many products at once, and what else ProductListOut shows of them."""
    rows: dict[str, list[Label]] = defaultdict(list)
    names = [product.name for product in products]
    live = Label.objects.filter(name__in=names, removed_at__isnull=True)
    for label in strongest(live):
        rows[label.name].append(label)
    latest = [pointer.version for each in products for pointer in each.latest_aliases]  # type: ignore[attr-defined]  # set by with_parts
    return {"labels": rows, **version_context(principal, latest)}


def version_context(principal: Principal, versions: Iterable[Version]) -> dict[str, Any]:
    """Return the context for VersionOut: which inputs the principal may know of."""
    return {"known_inputs": selectors.known_inputs(principal, versions)}


def render_version(principal: Principal, version: Version) -> dict[str, Any]:
    context = version_context(principal, [version])
    return dict(shapes.VersionOut(version, context=context).data)


def render_product(principal: Principal, product_id: UUID) -> dict[str, Any]:
    product = selectors.with_parts(Product.objects.filter(pk=product_id)).get()
    resource = selectors.product_resource(product)
    asked = (Action.READ, Action.WRITE, Action.PUBLISH, Action.TRANSFORM, Action.ADMINISTER)
    can = {str(action): each for action, each in decide_each(principal, asked, resource).items()}
    context = {**product_context(principal, [product]), "can": can}
    return dict(shapes.ProductOut(product, context=context).data)


class DomainsView(ListAPIView[Domain]):
    serializer_class = shapes.DomainOut
    pagination_class = ByName
    queryset = Domain.objects.none()

    def get_queryset(self) -> Any:
        principal = principal_of(self.request)
        rows = selectors.visible_domains(principal).select_related("team")
        if name := self.request.query_params.get("name"):
            rows = rows.filter(name=name)
        seen = selectors.visible_products(principal)
        return rows.annotate(products_count=Count("products", filter=Q(products__in=seen)))

    @extend_schema(parameters=[NAME])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(request=shapes.DomainIn, responses={201: shapes.DomainOut})
    @idempotent
    def post(self, request: Request) -> Response:
        body = shapes.DomainIn(data=request.data)
        body.is_valid(raise_exception=True)
        domain = services.create_domain(principal_of(request), **body.validated_data)
        return Response(shapes.DomainOut(domain).data, status=201)


class ProductsView(ListAPIView[Product]):
    serializer_class = shapes.ProductListOut
    queryset = Product.objects.none()

    def get_queryset(self) -> Any:
        rows = selectors.visible_products(principal_of(self.request))
        if name := self.request.query_params.get("name"):
            rows = rows.filter(selectors.of_name(name))
        if domain := self.request.query_params.get("domain"):
            rows = rows.filter(domain__name=domain)
        return selectors.with_parts(rows)

    @extend_schema(parameters=[NAME, OpenApiParameter("domain", str)])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = list(self.paginate_queryset(self.get_queryset()) or [])
        context = product_context(principal_of(request), page)
        rendered = shapes.ProductListOut(page, many=True, context=context)
        return self.get_paginated_response(rendered.data)

    @extend_schema(request=shapes.ProductIn, responses={201: shapes.ProductOut})
    @idempotent
    def post(self, request: Request) -> Response:
        body = shapes.ProductIn(data=request.data)
        body.is_valid(raise_exception=True)
        principal = principal_of(request)
        product = services.create_product(principal, **body.validated_data)
        return Response(render_product(principal, product.pk), status=201)


class ProductView(APIView):
    @extend_schema(responses=shapes.ProductOut)
    def get(self, request: Request, product_id: UUID) -> Response:
        principal = principal_of(request)
        product = selectors.product_by_id(principal, Action.DISCOVER, product_id)
        return Response(render_product(principal, product.pk))

    @extend_schema(request=shapes.ProductPatch, responses=shapes.ProductOut)
    def patch(self, request: Request, product_id: UUID) -> Response:
        body = shapes.ProductPatch(data=request.data)
        body.is_valid(raise_exception=True)
        principal = principal_of(request)
        services.update_product(principal, product_id, body.validated_data)
        return Response(render_product(principal, product_id))


class MoveProductView(APIView):
    @extend_schema(request=shapes.MoveIn, responses=shapes.ProductOut)
    def post(self, request: Request, product_id: UUID) -> Response:
        body = shapes.MoveIn(data=request.data)
        body.is_valid(raise_exception=True)
        principal = principal_of(request)
        services.move_product(principal, product_id, body.validated_data["name"])
        return Response(render_product(principal, product_id))


class VersionsView(ListAPIView[Version]):
    serializer_class = shapes.VersionOut
    queryset = Version.objects.none()

    def get_queryset(self) -> Any:
        rows = selectors.visible_versions(principal_of(self.request)).prefetch_related("aliases")
        if product := self.request.query_params.get("product"):
            rows = rows.filter(selectors.of_name(product, "product__"))
        return rows

    @extend_schema(parameters=[PRODUCT])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = list(self.paginate_queryset(self.get_queryset()) or [])
        context = version_context(principal_of(request), page)
        return self.get_paginated_response(shapes.VersionOut(page, many=True, context=context).data)

    @extend_schema(request=shapes.VersionIn, responses={201: shapes.VersionOut})
    @idempotent
    def post(self, request: Request) -> Response:
        body = shapes.VersionIn(data=request.data)
        body.is_valid(raise_exception=True)
        principal = principal_of(request)
        version = services.open_version(principal, body.validated_data["product"])
        return Response(render_version(principal, version), status=201)


class VersionView(APIView):
    @extend_schema(responses=shapes.VersionOut)
    def get(self, request: Request, version_id: UUID) -> Response:
        principal = principal_of(request)
        version = selectors.version_by_id(principal, Action.DISCOVER, version_id)
        return Response(render_version(principal, version))


class TombstoneView(APIView):
    @extend_schema(request=shapes.ReasonIn, responses=shapes.VersionOut)
    def post(self, request: Request, version_id: UUID) -> Response:
        body = shapes.ReasonIn(data=request.data)
        body.is_valid(raise_exception=True)
        principal = principal_of(request)
        version = services.tombstone_version(principal, version_id, **body.validated_data)
        return Response(render_version(principal, version))


class FilesView(APIView):
    @extend_schema(
        parameters=[
            OpenApiParameter("prefix", str),
            OpenApiParameter("cursor", str, description="The last path of the page before."),
            OpenApiParameter("page_size", int),
        ],
        responses=shapes.FilesOut,
    )
    def get(self, request: Request, version_id: UUID) -> Response:
        version = selectors.version_by_id(principal_of(request), Action.DISCOVER, version_id)
        size = page_size(request, default=100, largest=1000)
        asked = request.query_params
        entries = selectors.manifest_entries(
            version, after=asked.get("cursor", ""), prefix=asked.get("prefix", "")
        )
        page = list(islice(entries, size + 1))
        more = page[size - 1].path if len(page) > size else None
        return Response(shapes.FilesOut({"next_cursor": more, "results": page[:size]}).data)


def page_size(request: Request, *, default: int, largest: int) -> int:
    """Return the page size asked for, kept between 1 and `largest`."""
    asked = request.query_params.get("page_size", "")
    return min(max(int(asked), 1), largest) if asked.isascii() and asked.isdigit() else default


class SealView(APIView):
    @extend_schema(responses=shapes.SealOut)
    def get(self, request: Request, version_id: UUID) -> Response:
        """Return all it takes to verify the version off-line, given the trust anchor."""
        version = selectors.version_by_id(principal_of(request), Action.DISCOVER, version_id)
        shards = [
            {
                "digest": shard.digest,
                "files": shard.files,
                "url": f"/api/v1/versions/{version.pk}/manifest/{shard.digest}",
            }
            for shard in version.shards.defer("data").order_by("index")
        ]
        return Response(
            {
                "envelope": version.envelope,
                "delegations": delegations_for(*selectors.seal_names(version)),
                "shards": shards,
            }
        )


class ManifestShardView(APIView):
    @extend_schema(responses={(200, "application/vnd.apache.parquet"): OpenApiTypes.BINARY})
    def get(self, request: Request, version_id: UUID, digest: str) -> HttpResponse:
        version = selectors.version_by_id(principal_of(request), Action.DISCOVER, version_id)
        shard = version.shards.filter(digest=digest).first()
        if shard is None:
            raise NotFound(f"{version.name} has no manifest shard {digest}.")
        response = HttpResponse(bytes(shard.data), content_type="application/vnd.apache.parquet")
        response["Cache-Control"] = "private, max-age=31536000, immutable"
        return response
