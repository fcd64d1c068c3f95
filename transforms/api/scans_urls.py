"""The addresses of scans, below /api/v1/."""

from django.urls import path

from transforms.api import scans_views as views

urlpatterns = [
    path("scans", views.ScansView.as_view()),
    path("scans/<uuid:scan_id>", views.ScanView.as_view()),
    path("scans/<uuid:scan_id>/verdicts", views.VerdictsView.as_view()),
]
