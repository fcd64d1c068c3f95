from django.urls import include, path

from governance.api import decisions_views
from governance.api import openapi as _openapi  # noqa: F401  # drf-spectacular finds it so

urlpatterns = [
    path("", include("governance.api.principals_urls")),
    path("", include("governance.api.policies_urls")),
    path("decisions", decisions_views.DecisionsView.as_view()),
    path("decisions/who", decisions_views.WhoView.as_view()),
    path("", include("governance.api.access_urls")),
    path("", include("governance.api.labels_urls")),
    path("", include("governance.api.audit_urls")),
    path("", include("governance.api.holds_urls")),
]
