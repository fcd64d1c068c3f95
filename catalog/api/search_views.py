"""Search and its suggestions. Both show only what the caller may discover."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.api import search_serializers as shapes
from catalog.api.views import product_context
from catalog.models import Product
from catalog.search_query import Filters, Hit, search
from catalog.search_words import sight_of, suggestions
from catalog.selectors import with_parts
from governance.api.authentication import principal_of

_LARGEST_PAGE = 100


class SearchView(APIView):
    @extend_schema(parameters=[shapes.SearchIn], responses=shapes.SearchOut)
    def get(self, request: Request) -> Response:
        asked = shapes.SearchIn(data=request.query_params)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        filters = Filters(wanted["domain"], wanted["license"], wanted["format"])
        principal = principal_of(request)
        size = min(max(wanted["page_size"], 1), _LARGEST_PAGE)
        page = search(principal, wanted["q"], filters, wanted["cursor"], size)
        products = _products(page.results)
        context = product_context(principal, list(products.values()))
        found = {
            "total": page.total,
            "next_cursor": page.next_cursor,
            "results": [_row(hit, products) for hit in page.results if hit.product_id in products],
            "facets": page.facets,
            "corrected": page.corrected,
        }
        return Response(shapes.SearchOut(found, context=context).data)


def _products(hits: list[Hit]) -> dict[UUID, Product]:
    """Fetch what the list form shows of the products that were hit."""
    keys = [hit.product_id for hit in hits]
    return {row.pk: row for row in with_parts(Product.objects.filter(pk__in=keys))}


def _row(hit: Hit, products: dict[UUID, Product]) -> dict[str, object]:
    return {
        "product": products[hit.product_id],
        "score": hit.score,
        "highlights": hit.highlights,
        "matched": hit.matched,
    }


class SuggestView(APIView):
    @extend_schema(parameters=[shapes.SuggestIn], responses=shapes.SuggestOut)
    def get(self, request: Request) -> Response:
        asked = shapes.SuggestIn(data=request.query_params)
        asked.is_valid(raise_exception=True)
        found = suggestions(sight_of(principal_of(request)), asked.validated_data["q"])
        return Response(shapes.SuggestOut({"suggestions": found}).data)
