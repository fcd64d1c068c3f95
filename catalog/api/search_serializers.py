"""The shapes of search on the wire."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from catalog.api.serializers import ProductListOut

Data = dict[str, Any]


class SearchIn(serializers.Serializer[Data]):
    q = serializers.CharField(
        max_length=2000, default="", allow_blank=True, help_text="Words; empty lists the newest."
    )
    domain = serializers.CharField(
        max_length=500, default="", allow_blank=True, help_text="In this domain or below it."
    )
    format = serializers.CharField(max_length=64, default="", allow_blank=True)
    license = serializers.CharField(max_length=100, default="", allow_blank=True)
    cursor = serializers.CharField(
        max_length=2000, default="", allow_blank=True, help_text="`next_cursor` of the page before."
    )
    page_size = serializers.IntegerField(default=20, help_text="At most 100.")


class SuggestIn(serializers.Serializer[Data]):
    q = serializers.CharField(max_length=200, default="", allow_blank=True, trim_whitespace=False)


class HighlightsOut(serializers.Serializer[Data]):
    """Escaped HTML with `<mark>` around the words that were asked for; safe to insert."""

    title = serializers.CharField()
    description = serializers.CharField()


class HitOut(serializers.Serializer[Data]):
    product = ProductListOut()
    score = serializers.FloatField()
    highlights = HighlightsOut()
    matched = serializers.ListField(
        child=serializers.CharField(), help_text="Words of the query that the product holds."
    )


class FacetValueOut(serializers.Serializer[Data]):
    value = serializers.CharField()
    count = serializers.IntegerField()


class FacetsOut(serializers.Serializer[Data]):
    domain = FacetValueOut(many=True)
    license = FacetValueOut(many=True)
    format = FacetValueOut(many=True)
    visibility = FacetValueOut(many=True)


class SearchOut(serializers.Serializer[Data]):
    total = serializers.IntegerField()
    next_cursor = serializers.CharField(allow_null=True)
    results = HitOut(many=True)
    facets = FacetsOut()
    corrected = serializers.CharField(
        allow_null=True, help_text="The query after repair of unknown words."
    )


class SuggestOut(serializers.Serializer[Data]):
    suggestions = serializers.ListField(child=serializers.CharField())
