from django.urls import path

from governance.api import authzen_views as views

urlpatterns = [
    path("access/v1/evaluation", views.EvaluationView.as_view()),
    path("access/v1/evaluations", views.EvaluationsView.as_view()),
    path("access/v1/search/subject", views.SubjectSearchView.as_view()),
    path("access/v1/search/resource", views.ResourceSearchView.as_view()),
    path("access/v1/search/action", views.ActionSearchView.as_view()),
    path(".well-known/authzen-configuration", views.ConfigurationView.as_view()),
]
