"""Search and its suggestions. Both show only what the caller may discover."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.api import search_serializers as shapes
from catalog.api.views import label_context
from catalog.models import Product
from catalog.search_query import Filters, Hit, search
from catalog.search_words import sight_of, suggestions
from catalog.selectors import with_parts
from governance.api.authentication import principal_of


class SearchView(APIView):
    @extend_schema(parameters=[shapes.SearchIn], responses=shapes.SearchOut)
    def get(self, request: Request) -> Response:
        asked = shapes.SearchIn(data=request.query_params)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        filters = Filters(wanted["domain"], wanted["license"], wanted["format"])
        principal = principal_of(request)
        page = search(principal, wanted["q"], filters, wanted["cursor"], wanted["page_size"])
        rows = _rows(page.results)
        context = label_context([row["product"] for row in rows])
        found = {
            "total": page.total,
            "next_cursor": page.next_cursor,
            "results": rows,
            "facets": page.facets,
            "corrected": page.corrected,
        }
        return Response(shapes.SearchOut(found, context=context).data)


def _rows(hits: list[Hit]) -> list[dict[str, object]]:
    """Pair each hit with its product's list form, in a fixed number of queries."""
    keys = [hit.product_id for hit in hits]
    products = {row.pk: row for row in with_parts(Product.objects.filter(pk__in=keys))}
    return [
        {
            "product": products[hit.product_id],
            "score": hit.score,
            "highlights": hit.highlights,
            "matched": hit.matched,
        }
        for hit in hits
        if hit.product_id in products
    ]


class SuggestView(APIView):
    @extend_schema(parameters=[shapes.SuggestIn], responses=shapes.SuggestOut)
    def get(self, request: Request) -> Response:
        asked = shapes.SuggestIn(data=request.query_params)
        asked.is_valid(raise_exception=True)
        found = suggestions(sight_of(principal_of(request)), asked.validated_data["q"])
        return Response(shapes.SuggestOut({"suggestions": found}).data)
