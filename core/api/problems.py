"""Errors on the wire: every failure of the API is an RFC 9457 problem document."""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import DataError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views import csrf
from rest_framework import exceptions, serializers
from rest_framework.response import Response

from core.errors import (
    CsrfFailed,
    FairmeshError,
    Invalid,
    NotAuthenticated,
    NotFound,
    TooBusy,
)

logger = logging.getLogger(__name__)
CONTENT_TYPE = "application/problem+json"


class Problem(serializers.Serializer[dict[str, Any]]):
    """The problem document that every operation may answer with."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn what a view raised into a problem response; log what nobody foresaw."""
    problem = _as_fairmesh(error)
    if problem is None:
        logger.exception("unforeseen error in %s", context["view"].__class__.__name__)
        problem = FairmeshError("The error is logged; quote the X-Request-Id when you report it.")
    return Response(
        problem.as_problem(),
        status=problem.status,
        headers=_headers(problem),
        content_type=CONTENT_TYPE,
    )


def _headers(problem: FairmeshError) -> dict[str, str]:
    if problem.status == 401:
        return {"WWW-Authenticate": "Bearer"}
    if problem.status in {429, 503}:
        return {"Retry-After": str(problem.extra.get("retry_after", 1))}
    return {}


def problem_response(problem: FairmeshError) -> JsonResponse:
    """Return the same document for a plain Django view."""
    return JsonResponse(problem.as_problem(), status=problem.status, content_type=CONTENT_TYPE)


_FOR_PROGRAMS = ("/api/", "/access/", "/identity/o/api/")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a write without its CSRF token: programs get a problem, people a page."""
    if request.path.startswith(_FOR_PROGRAMS):
        return problem_response(CsrfFailed(reason))
    return csrf.csrf_failure(request, reason)


def _as_fairmesh(error: Exception) -> FairmeshError | None:
    if isinstance(error, FairmeshError):
        return error
    if isinstance(error, Http404):
        return NotFound("There is nothing at this address.")
    if isinstance(error, exceptions.ValidationError):
        return Invalid("Some fields are not valid.", errors=_flatten(error.detail))
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        return NotAuthenticated(str(error.detail))
    if isinstance(error, exceptions.PermissionDenied):  # we raise none ourselves
        return CsrfFailed(str(error.detail))
    if isinstance(error, exceptions.APIException):
        return _from_drf(error)
    if isinstance(error, RequestDataTooBig):
        return Invalid("The request body is too large for this operation.")
    if isinstance(error, DataError):  # as a NUL in a text, or a number beyond its column
        return Invalid("A value does not fit what it is compared with or stored in.")
    if isinstance(error, OperationalError):
        logger.warning("database busy: %s", error)
        return TooBusy("The database is busy; send the same request again.")
    return None


def _from_drf(error: exceptions.APIException) -> FairmeshError:
    problem = Invalid(str(error.detail))
    problem.status = error.status_code  # type: ignore[misc]  # one instance, not the class
    return problem


def _flatten(detail: Any, where: str = "") -> list[dict[str, str]]:
    if isinstance(detail, dict):
        return [row for key, value in detail.items() for row in _flatten(value, f"{where}.{key}")]
    if isinstance(detail, list) and detail and isinstance(detail[0], dict | list):
        return [row for i, value in enumerate(detail) for row in _flatten(value, f"{where}[{i}]")]
    messages = detail if isinstance(detail, list) else [detail]
    return [{"where": where.lstrip("."), "message": str(message)} for message in messages]
