from django.urls import path

from governance.api import policies_views as views

urlpatterns = [
    path("policies", views.PoliciesView.as_view()),
    path("policies/drafts", views.DraftsView.as_view()),
    path("policies/folder", views.PolicyFolderView.as_view()),
    path("policies/schema", views.PolicySchemaView.as_view()),
    path("policies/sets/<str:digest>", views.PolicySetView.as_view()),
    path("policies/<uuid:policy_id>", views.PolicyView.as_view()),
    path("policies/<uuid:policy_id>/diff/<uuid:other_id>", views.PolicyDiffView.as_view()),
    path("policies/<uuid:policy_id>/validate", views.ValidateView.as_view()),
    path("policies/<uuid:policy_id>/simulate", views.SimulateView.as_view()),
    path("policies/<uuid:policy_id>/simulation", views.SimulationView.as_view()),
    path("policies/<uuid:policy_id>/propose", views.ProposeView.as_view()),
    path("policies/<uuid:policy_id>/approve", views.ApprovePolicyView.as_view()),
    path("policies/<uuid:policy_id>/activate", views.ActivateView.as_view()),
    path("policies/<uuid:policy_id>/rollback", views.RollBackView.as_view()),
    path("policies/<uuid:policy_id>/retire", views.RetirePolicyView.as_view()),
]
