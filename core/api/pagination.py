"""Cursor pages: stable under inserts, and page one thousand costs what page one does."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from rest_framework import exceptions
from rest_framework.pagination import CursorPagination

from core.errors import Invalid


class NewestFirst(CursorPagination):
    """Pages of any table whose key is a UUIDv7 (core.ids): newest first."""

    ordering = "-id"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500

    def paginate_queryset(self, queryset: Any, request: Any, view: Any = None) -> Any:
        """Return one page; raise Invalid for a cursor that this table did not give out."""
        try:
            return super().paginate_queryset(queryset, request, view)
        except (exceptions.NotFound, ValidationError, ValueError) as error:
            if self.cursor_query_param not in request.query_params:
                raise
            raise Invalid("The cursor is not one of ours; begin without it.") from error


class ByName(NewestFirst):
    """Pages of tables with a unique `name`."""

    ordering = "name"
