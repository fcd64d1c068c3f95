"""Addresses at the root of the host: names, ARKs, and the trust document."""

from django.urls import path, re_path

from catalog.api import landing

urlpatterns = [
    path("n/<path:address>", landing.LandingView.as_view()),
    re_path(r"^ark:/?(?P<naan>[0-9a-z]+)/(?P<opaque>[^/]+)$", landing.ArkView.as_view()),
    path(".well-known/fairmesh/trust.json", landing.TrustView.as_view()),
    path("robots.txt", landing.robots),
]
