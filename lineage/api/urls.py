"""The addresses of lineage, below /api/v1/."""

from django.urls import path

from lineage.api import views

urlpatterns = [
    path("lineage", views.LineageView.as_view()),
    path("lineage/batch", views.LineageBatchView.as_view()),
    path("lineage/graph", views.LineageGraphView.as_view()),
    path("column-lineage", views.ColumnLineageView.as_view()),
]
