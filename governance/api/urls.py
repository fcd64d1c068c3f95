from django.urls import path

from governance.api import openapi as _openapi  # noqa: F401  # drf-spectacular finds it so
from governance.api import views

urlpatterns = [
    path("me", views.MeView.as_view()),
    path("session", views.SessionView.as_view()),
    path("users", views.UsersView.as_view()),
    path("teams", views.TeamsView.as_view()),
    path("tokens", views.TokensView.as_view()),
    path("tokens/<uuid:token_id>", views.TokenView.as_view()),
    path("policies", views.PoliciesView.as_view()),
    path("policies/<uuid:policy_id>/retire", views.RetirePolicyView.as_view()),
    path("decisions", views.DecisionsView.as_view()),
    path("access-requests", views.RequestsView.as_view()),
    path("access-requests/<uuid:request_id>/approve", views.ApproveView.as_view()),
    path("access-requests/<uuid:request_id>/deny", views.DenyView.as_view()),
    path("access-requests/<uuid:request_id>/withdraw", views.WithdrawView.as_view()),
    path("grants", views.GrantsView.as_view()),
    path("grants/<uuid:grant_id>/revoke", views.RevokeGrantView.as_view()),
    path("labels", views.LabelsView.as_view()),
    path("labels/<uuid:label_id>", views.LabelView.as_view()),
    path("audit", views.AuditView.as_view()),
]
