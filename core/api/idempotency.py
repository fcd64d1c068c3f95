"""Idempotency keys: a POST that is sent again gets the first answer and does nothing twice.

Source: draft-ietf-httpapi-idempotency-key-header.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.crypto import salted_hmac
from rest_framework.request import Request
from rest_framework.response import Response

from core.canonical import canonical_json
from core.errors import FairmeshError, IdempotencyConflict, Invalid
from core.models import IdempotencyRecord

View = Callable[..., Response]
MAX_KEY = 128


def idempotent(view: View) -> View:
    """Wrap a POST method of an APIView: with an `Idempotency-Key` header it acts at most once.

    The act and the record of its answer share one transaction, so neither is without the other.
    A key that comes back with another body raises IdempotencyConflict.
    """

    @wraps(view)
    def wrapper(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = request.headers.get("Idempotency-Key", "")
        if not key:
            return view(self, request, *args, **kwargs)
        if len(key) > MAX_KEY:
            raise Invalid(f"An Idempotency-Key has at most {MAX_KEY} characters.")
        digest = _digest(request)
        principal = str(request.user.pk) if request.user else "anonymous"
        lookup = {"principal": principal, "key": key}
        try:
            with transaction.atomic():
                if known := IdempotencyRecord.objects.filter(**lookup).first():
                    return _repeat(known, digest)
                response = view(self, request, *args, **kwargs)
                if response.status_code < 300:
                    IdempotencyRecord.objects.create(
                        **lookup,
                        request_digest=digest,
                        status=response.status_code,
                        body=_plain(response.data),
                    )
                return response
        except (IntegrityError, FairmeshError):  # the same request may just have been first
            known = IdempotencyRecord.objects.filter(**lookup).first()
            if known is None:
                raise
            return _repeat(known, digest)

    return wrapper


def _digest(request: Request) -> str:
    """Return what tells requests apart; keyed, because a body may hold a password."""
    asked = canonical_json([request.method, request.get_full_path(), _plain(request.data)])
    return salted_hmac("fairmesh.idempotency", asked, algorithm="sha256").hexdigest()


def _repeat(known: IdempotencyRecord, digest: str) -> Response:
    if known.request_digest != digest:
        raise IdempotencyConflict(
            "This Idempotency-Key was sent before with another request; use a new key."
        )
    return Response(known.body, status=known.status, headers={"Idempotent-Replay": "true"})


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))
