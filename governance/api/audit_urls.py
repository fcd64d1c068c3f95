from django.urls import path

from governance.api import audit_views as views

urlpatterns = [
    path("audit", views.AuditView.as_view()),
    path("audit/checkpoint", views.CheckpointView.as_view()),
    path("audit/proof", views.ProofView.as_view()),
    path("audit/consistency", views.ConsistencyView.as_view()),
    path("audit/export", views.ExportView.as_view()),
    path("users/<str:username>/erase", views.ErasePersonView.as_view()),
]
