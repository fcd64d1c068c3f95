"""One request at a time. SQLite in memory is one connection, and a browser asks for many things."""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock

from django.http import HttpRequest, HttpResponse

TURN = RLock()
"""Held by the request that is answered, and by a test that writes while a page polls."""


class OneAtATime:
    """Middleware: holds the turn while a request is answered."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with TURN:
            return self._get_response(request)
