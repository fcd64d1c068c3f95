"""Cursor pages: stable under inserts, and page one thousand costs what page one does."""

from __future__ import annotations

from rest_framework.pagination import CursorPagination


class NewestFirst(CursorPagination):
    """Pages of any table whose key is a UUIDv7 (core.ids): newest first."""

    ordering = "-id"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500


class ByName(NewestFirst):
    """Pages of tables with a unique `name`."""

    ordering = "name"
