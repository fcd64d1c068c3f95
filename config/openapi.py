"""The OpenAPI document: the same for everybody, so each process makes it once, which takes 2 s."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.request import Request


class OpenApiView(SpectacularAPIView):
    """Answers with the document, as YAML or as JSON."""

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        renderer = request.accepted_renderer
        kind = f"{renderer.media_type}; charset=utf-8"
        answer = HttpResponse(_document(renderer.media_type), content_type=kind)
        answer["Content-Disposition"] = f'inline; filename="fairmesh.{renderer.format}"'
        return answer


@lru_cache
def _document(media_type: str) -> str | bytes:
    (renderer,) = (each for each in OpenApiView.renderer_classes if each.media_type == media_type)
    schema = OpenApiView.generator_class().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]  # spectacular's
    return renderer().render(schema, renderer_context={})
