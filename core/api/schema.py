"""The OpenAPI schema: every operation declares the problem document among its answers."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema

from core.api.problems import CONTENT_TYPE, Problem


class FairmeshSchema(AutoSchema):
    """Adds the problem responses, without which a typed client could not know its errors.

    What is rendered holds every field: a default in the table does not make one optional.
    """

    def _map_serializer(
        self, serializer: Any, direction: Any, bypass_extensions: bool = False
    ) -> dict[str, Any]:
        schema: dict[str, Any] = super()._map_serializer(  # type: ignore[no-untyped-call]  # spectacular's
            serializer, direction, bypass_extensions
        )
        if direction == "response" and "properties" in schema:
            schema["required"] = sorted(schema["properties"])
        return schema

    def _get_response_bodies(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(*args, **kwargs)
        problem = self._get_response_for_code(Problem, "default", media_types=[CONTENT_TYPE])  # type: ignore[no-untyped-call]  # spectacular's
        return {**bodies, "default": problem}
