"""The edge of a request: a denial is written into the audit log, then told to the caller."""

from __future__ import annotations

from typing import Any

from rest_framework.response import Response

from core.api import problems
from governance import denials


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    denials.record_if_denied(error)
    return problems.exception_handler(error, context)
