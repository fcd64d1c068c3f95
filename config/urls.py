"""Every address of the platform. The order matters: the portal takes what is left."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path, re_path

from config.health import healthz, readyz
from config.metrics import metrics
from config.openapi import OpenApiView
from config.portal import portal

api: list[URLPattern | URLResolver] = [
    path("", include("governance.api.urls")),
    path("", include("catalog.api.urls")),
    path("", include("lineage.api.urls")),
    path("", include("movement.api.urls")),
    path("", include("transforms.api.urls")),
    path("schema", OpenApiView.as_view()),
]

urlpatterns = [
    path("api/v1/", include(api)),
    path("", include("governance.api.accounts_urls")),
    path("", include("governance.api.authzen_urls")),
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
    path("", include("catalog.api.landing_urls")),
    re_path("", portal),
]
