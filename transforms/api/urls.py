"""The addresses of transforms, below /api/v1/."""

from django.urls import include, path

from transforms.api import views

urlpatterns = [
    path("", include("transforms.api.scans_urls")),
    path("pipelines", views.PipelinesView.as_view()),
    path("pipelines/schema", views.PipelineSchemaView.as_view()),
    path("pipelines/<uuid:pipeline_id>", views.PipelineView.as_view()),
    path("pipelines/<uuid:pipeline_id>/plan", views.PlanPipelineView.as_view()),
    path("pipelines/<uuid:pipeline_id>/sample", views.SamplePipelineView.as_view()),
    path("pipelines/<uuid:pipeline_id>/run", views.RunPipelineView.as_view()),
    path("pipelines/<slug:name>/backfill", views.BackfillView.as_view()),
    path("runs", views.RunsView.as_view()),
    path("runs/<uuid:run_id>", views.RunView.as_view()),
    path("runs/<uuid:run_id>/cancel", views.CancelRunView.as_view()),
    path("runs/<uuid:run_id>/retry", views.RetryRunView.as_view()),
    path("runs/<uuid:run_id>/diff", views.DiffRunsView.as_view()),
    path("runs/<uuid:run_id>/quarantine", views.QuarantineView.as_view()),
    path("runs/<uuid:run_id>/card", views.CardView.as_view()),
]
